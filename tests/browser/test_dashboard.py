"""The dashboard in headless Chromium: charts are drawn and fit a laptop and a phone in both modes; nothing leaves here.

WHETSTONE_SCREENSHOTS=DIR keeps the pictures, to look at.
"""

import json
import os
from pathlib import Path

import pytest

from tests.webui.contacts import strangers, watched
from tests.webui.dashboard.logs import SETTINGS, row, write_run
from tests.webui.dashboard.page import DashboardProcess
from tests.webui.dashboard.results import benchmark, write_evaluation, write_pictures, write_study

pytestmark = [pytest.mark.browser, pytest.mark.slow]
PAGES = {"": "Runs", "quality": "Quality", "speed": "Speed", "models": "Models", "studies": "Studies"}
CHARTS = {"": 5, "quality": 1, "speed": 3, "models": 0, "studies": 2}
PASSWORD = "correct horse"
LONGEST = "Math.max(...document.querySelector('.js-plotly-plot').calcdata.map(points => points.length))"
WAIT_MS = 60_000  # shared machines stall


@pytest.fixture(scope="module")
def dashboard(tmp_path_factory):
    folder = tmp_path_factory.mktemp("dashboard")
    for name in ("first", "second", "third"):
        write_run(folder / "runs" / name, epochs=8, settings=SETTINGS | {"epochs": 12})
    write_pictures(write_evaluation(folder / "results" / "evaluate"))
    (folder / "results" / "benchmark.json").write_text(json.dumps(benchmark()))
    write_study(folder / "studies" / "pilot")
    options = [word for name in ("runs", "results", "studies") for word in (f"--{name}", folder / name)]
    environment = {"WHETSTONE_LEADER_PASSWORD": PASSWORD} | watched(tmp_path_factory.mktemp("watch"))
    with DashboardProcess(*options, environment=environment) as process:
        process.folder = folder
        yield process
        assert strangers(process.output) == []


@pytest.fixture
def visit(dashboard, browser):
    """visit(page, **options of a browser context) gives the page, drawn; nothing may have left this machine."""
    contexts, asked, complaints = [], [], []

    def one(name, **options):
        context = browser.new_context(**{"viewport": {"width": 1280, "height": 900}, **options})
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(WAIT_MS)
        page.on("request", lambda request: asked.append(request.url))
        page.on("websocket", lambda socket: asked.append(socket.url.replace("ws:", "http:")))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.goto(f"{dashboard.address}/{name}")
        page.wait_for_selector(f"h1:has-text('{PAGES[name]}')")
        if name == "studies":
            page.fill("input[type=password]", PASSWORD)
            page.click("text=Show the studies")
        if CHARTS[name]:
            page.wait_for_function(
                "n => document.querySelectorAll('.js-plotly-plot .main-svg .xtick').length > 0"
                " && document.querySelectorAll('.js-plotly-plot').length >= n",
                arg=CHARTS[name],
            )
        return page

    yield one
    for context in contexts:
        context.close()
    assert [url for url in asked if not url.startswith((dashboard.address, "data:", "blob:"))] == []
    assert complaints == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("name", PAGES)
def test_each_page_fits_its_window(visit, name, width, scheme):
    page = visit(name, viewport={"width": width, "height": 900}, color_scheme=scheme)
    page.wait_for_timeout(1000)
    sizes = page.evaluate(
        "() => [document.querySelector('[data-testid=stMain]').scrollWidth,"
        " ...[...document.querySelectorAll('.js-plotly-plot')].map(plot => plot.getBoundingClientRect().right)]"
    )
    assert max(sizes) <= width
    assert page.locator("[data-testid=stException]").count() == 0
    ground = page.evaluate("() => getComputedStyle(document.querySelector('[data-testid=stApp]')).backgroundColor")
    assert ground == {"light": "rgb(255, 255, 255)", "dark": "rgb(23, 22, 20)"}[scheme]
    if folder := os.environ.get("WHETSTONE_SCREENSHOTS"):
        height = page.evaluate("() => document.querySelector('[data-testid=stMain]').scrollHeight")
        page.set_viewport_size({"width": width, "height": min(height + 60, 5000)})
        page.wait_for_timeout(1500)
        page.screenshot(path=Path(folder) / f"{name or 'runs'}-{width}-{scheme}.png")


def test_a_live_run_moves_by_itself(visit, dashboard):
    page = visit("")
    assert page.evaluate(LONGEST) == 8
    with open(dashboard.folder / "runs" / "first" / "metrics.jsonl", "a") as file:
        file.write(json.dumps(row(9)) + "\n")
    page.wait_for_function(f"{LONGEST} === 9")


def test_a_click_on_a_point_brings_its_pictures(visit):
    page = visit("quality")
    page.wait_for_selector(".scatterlayer .point")
    box = page.evaluate(
        """() => {
            const plot = document.querySelector('.js-plotly-plot');
            const traces = [...plot.querySelectorAll('.scatterlayer .trace')];
            const trace = plot.data.filter(trace => trace.type === 'scatter');
            for (const [t, data] of trace.entries()) {
              for (const [i, custom] of data.customdata.entries()) {
                if (custom[0] === 'people/people_1.jpg' && custom[1] === 'small') {
                  const point = traces[t].querySelectorAll('.point')[i];
                  point.scrollIntoView({ block: 'center' });
                  const { x, y, width, height } = point.getBoundingClientRect();
                  return [x + width / 2, y + height / 2];
                }
              }
            }
        }"""
    )
    page.mouse.move(*box)
    page.mouse.click(*box)
    page.wait_for_selector("[data-testid=stImage] img")
    page.wait_for_function("() => document.querySelectorAll('[data-testid=stImage] img').length >= 5")


def test_the_camera_button_saves_a_picture(visit):
    page = visit("")
    page.hover(".js-plotly-plot")
    with page.expect_download() as download:
        page.locator(".js-plotly-plot .modebar-btn[data-title*='ownload']").first.click()
    assert download.value.suggested_filename.endswith(".png")
    with open(download.value.path(), "rb") as file:
        assert file.read(8) == b"\x89PNG\r\n\x1a\n"
