"""The study's pages in a real Chromium: a session by keyboard alone, exact pixels, lost network, a killed server."""

import csv
import io
import signal
import statistics

import httpx
import numpy as np
import pytest
from PIL import Image

from tests.browser.chromium import another_chromium
from tests.webui.study_process import PASSWORD, StudyProcess, running_study, write_study

pytestmark = pytest.mark.browser
WAIT_MS = 30_000

# From a click to the frame that shows the next pair, by the browser's clock.
CLICK = """() => new Promise((resolve) => {
  const before = document.querySelector(".trial").dataset.number;
  const startedAt = performance.now();
  const look = () => {
    const trial = document.querySelector(".trial");
    if (trial && trial.dataset.number === before) return requestAnimationFrame(look);
    requestAnimationFrame(() => resolve(performance.now() - startedAt));
  };
  document.querySelector(".rating .next").click();
  look();
})"""


@pytest.fixture
def visit(browser):
    """visit(address of a page, **options of a browser context) gives the page; nothing may have been complained of."""
    contexts, complaints = [], []

    def open_one(address, **options):
        context = browser.new_context(**{"viewport": {"width": 1280, "height": 720}, **options})
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(WAIT_MS)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.goto(address)
        return page

    yield open_one
    for context in contexts:
        context.close()
    assert complaints == []


def link(process):
    return f"{process.address}/s/{process.token}"


def rows(process):
    table = httpx.get(f"{process.address}/leader/ratings.csv", auth=("", PASSWORD), trust_env=False).text
    return list(csv.DictReader(io.StringIO(table)))


def begin(page):
    """Through consent and check to the first trial, with the keyboard."""
    page.wait_for_selector("button.next")
    page.keyboard.press("Enter")
    page.wait_for_selector("form.check")
    for digits in ("27", "53", "86", "8"):
        page.keyboard.type(digits)
        page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    at(page, 0)


def at(page, number):
    page.wait_for_selector(f".trial[data-number='{number}']")


def rate(page, *keys):
    for key in (*keys, "Enter"):
        page.keyboard.press(key)


def past_training(page):
    page.wait_for_selector(".pause")
    page.keyboard.press("Enter")


@pytest.mark.parametrize(
    ("method", "keys", "expected"),
    [
        ("ab", ("4", "2"), ("4", "2")),
        ("ab", ("ArrowRight", "1", "5"), ("5", "1")),
        ("ccr", ("ArrowLeft", "ArrowLeft"), ("1", "")),
        ("pair", ("f", "ArrowRight"), ("0", "")),
        ("acr", ("2",), ("2", "")),
    ],
)
def test_a_whole_session_by_keyboard_alone(visit, method, keys, expected):
    with running_study(method=method, training=1, trials=4) as (process, plan):
        page = visit(link(process))
        begin(page)
        rate(page, *keys)
        past_training(page)
        total = len(plan.sessions[0].trials)
        for number in range(1, total):
            at(page, number)
            rate(page, *keys)
        page.wait_for_selector("table")
        table = rows(process)
        assert [int(row["trial"]) for row in table] == list(range(total))
        assert {(row["score"], row["other_score"]) for row in table} == {expected}
        assert [row["condition"] for row in table] == [trial.condition for trial in plan.sessions[0].trials]


@pytest.mark.parametrize("density", [1, 1.25, 1.5, 2, 3])
def test_one_picture_point_is_one_point_of_the_screen(browser, density):
    with running_study(contents=4, size=(161, 203)) as (process, plan):
        flags = (f"--force-device-scale-factor={density}", "--window-size=1800,1400")
        with another_chromium(browser, *flags) as scaled:
            context = scaled.new_context(no_viewport=True)
            page = context.new_page()
            page.goto(link(process))
            begin(page)
            page.wait_for_timeout(300)
            screen = np.asarray(Image.open(io.BytesIO(page.screenshot())).convert("RGB"))
            assert page.evaluate("devicePixelRatio") == density
            boxes = page.locator(".frame img").evaluate_all("(all) => all.map((one) => one.getBoundingClientRect())")
            trial = plan.sessions[0].trials[0]
            for box, stimulus in zip(boxes, (trial.stimulus, trial.other)):
                with Image.open(process.folder / plan.files[stimulus]) as picture:
                    expected = np.asarray(picture)
                top, left = round(box["y"] * density), round(box["x"] * density)
                assert (screen[top : top + 161, left : left + 203] == expected).all()
            context.close()


def test_the_next_pair_is_there_150_ms_after_a_click(visit):
    with running_study(size=(480, 608), training=0, trials=12) as (process, _plan):
        page = visit(link(process))
        begin(page)
        times = []
        for number in range(10):
            at(page, number)
            page.wait_for_timeout(400)  # a volunteer looks for longer
            page.keyboard.press("4")
            page.keyboard.press("2")
            times.append(page.evaluate(CLICK))
        assert statistics.median(times) < 150, times


def test_answers_given_without_network_arrive_once_when_it_is_back(visit):
    with running_study(training=0) as (process, _plan):
        page = visit(link(process))
        begin(page)
        page.wait_for_timeout(500)  # the next pair is loaded
        page.context.set_offline(True)
        rate(page, "5", "1")
        at(page, 1)
        page.wait_for_selector(".offline:not([hidden])")
        rate(page, "4", "2")
        page.wait_for_selector(".wait")
        assert rows(process) == []
        page.context.set_offline(False)
        at(page, 2)
        assert [(row["score"], row["other_score"]) for row in rows(process)] == [("5", "1"), ("4", "2")]
        page.wait_for_selector(".offline", state="hidden")


def test_a_reload_goes_on_where_it_was_and_sends_what_waited(visit):
    with running_study(training=0) as (process, _plan):
        page = visit(link(process))
        begin(page)
        rate(page, "5", "1")
        at(page, 1)
        page.reload()
        at(page, 1)
        page.wait_for_timeout(300)
        page.route("**/api/answer", lambda route: route.abort())
        rate(page, "3", "3")
        at(page, 2)
        page.unroute("**/api/answer")
        page.reload()
        at(page, 2)
        assert [row["score"] for row in rows(process)] == ["5", "3"]


def test_a_tab_that_is_behind_follows_the_other(visit):
    with running_study(training=0) as (process, _plan):
        page = visit(link(process))
        begin(page)
        behind = page.context.new_page()
        behind.goto(link(process))
        at(behind, 0)
        rate(page, "5", "1")
        at(page, 1)
        rate(page, "4", "2")
        at(page, 2)
        rate(behind, "1", "1")
        at(behind, 2)
        assert [row["score"] for row in rows(process)] == ["5", "4"]


def test_the_page_goes_on_after_the_server_was_killed(visit, tmp_path):
    write_study(tmp_path / "study", training=0)
    first = StudyProcess(tmp_path / "study").wait_until_ready()
    page = visit(link(first))
    begin(page)
    rate(page, "5", "1")
    at(page, 1)
    page.wait_for_timeout(500)
    first.stop(signal.SIGKILL)
    rate(page, "4", "2")
    at(page, 2)
    second = StudyProcess(tmp_path / "study", "--port", first.address.rsplit(":", 1)[1]).wait_until_ready()
    try:
        page.wait_for_selector(".offline", state="hidden")
        rate(page, "3", "3")
        at(page, 3)
        assert [row["score"] for row in rows(second)] == ["5", "4", "3"]
    finally:
        second.stop()


def test_after_long_work_the_page_asks_for_a_break(visit):
    with running_study(None, "--break-minutes", "0.02", training=0) as (process, _plan):
        page = visit(link(process))
        begin(page)
        page.wait_for_timeout(1500)
        rate(page, "5", "1")
        page.wait_for_selector(".pause")
        page.keyboard.press("Enter")
        at(page, 1)


def test_a_phone_shows_one_over_the_other_and_withdraws_by_touch(visit):
    phone = {"viewport": {"width": 390, "height": 844}, "device_scale_factor": 2, "has_touch": True, "is_mobile": True}
    with running_study(training=0, size=(480, 608)) as (process, _plan):
        page = visit(link(process), **phone)
        page.tap("button.next")
        page.wait_for_selector("form.check")
        page.tap("form .next")
        at(page, 0)
        assert page.locator(".frame:not(.hidden)").count() == 1
        shown = page.locator(".showing").inner_text()
        page.tap(".flick")
        assert page.locator(".showing").inner_text() != shown
        page.tap(".row:nth-child(1) [data-value='5']")
        page.tap(".row:nth-child(2) [data-value='1']")
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        page.tap(".rating .next")
        at(page, 1)
        page.tap("footer button")
        page.tap("footer .danger")
        page.wait_for_selector("text=You have withdrawn")
        assert rows(process) == []


def test_the_leaders_page_follows_a_session(visit):
    with running_study(training=0) as (process, plan):
        watching = visit(f"{process.address}/leader", http_credentials={"username": "me", "password": PASSWORD})
        watching.wait_for_selector("text=Nobody has begun yet")
        page = visit(link(process))
        begin(page)
        rate(page, "5", "1")
        at(page, 1)
        watching.wait_for_selector(f"text=1 / {len(plan.sessions[0].trials)}")
        assert watching.locator("#began").inner_text() == "1"
        assert watching.locator(".links a").get_attribute("href") == link(process)
