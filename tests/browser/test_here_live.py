"""The page in the visitor's own browser with a camera (Chromium's fake one), and in a call with itself."""

import pytest

from tests.browser.camera_clip import write_film
from tests.browser.chromium import FLAGS, another_chromium, chromium_path
from tests.browser.here_page import canvas, figures, here_page, line, pixels_of, set_strength, strangers
from tests.browser.live_page import number, sharpness

pytestmark = [pytest.mark.browser, pytest.mark.slow]

OPENED = """
window.opened = 0;
const open = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
navigator.mediaDevices.getUserMedia = (...wishes) => { window.opened += 1; return open(...wishes); };
"""
RECEIVED = """() => {
    const video = document.getElementById("received");
    const canvas = document.createElement("canvas");
    [canvas.width, canvas.height] = [video.videoWidth, video.videoHeight];
    canvas.getContext("2d").drawImage(video, 0, 0);
    return canvas.toDataURL("image/png");
}"""


@pytest.fixture(scope="module")
def filming(browser, tmp_path_factory):
    """A Chromium whose camera plays a soft film of 320x240."""
    flags = write_film(tmp_path_factory.mktemp("film") / "film.mjpeg", 240, 320)
    with another_chromium(browser, *flags) as started:
        yield started


@pytest.fixture
def page(filming, address):
    with here_page(filming, f"{address}?backend=wasm&student=nano") as (opened, log):
        yield opened
    assert strangers(log, address) == []


def start(page):
    page.click("#start")
    page.wait_for_selector("#figures [data-figure=fps]", timeout=60_000)


def test_the_camera_opens_after_a_click_alone_and_is_closed_by_another(filming, address):
    with here_page(filming, f"{address}?backend=wasm&student=nano", ready=False) as (page, _log):
        page.add_init_script(OPENED)
        page.reload()
        page.wait_for_selector("body[data-ready=true]", timeout=60_000)
        assert page.evaluate("() => window.opened") == 0 and page.inner_text("#start") == "Start the camera"
        start(page)
        assert page.evaluate("() => window.opened") == 1 and page.inner_text("#start") == "Stop the camera"
        page.click("#start")
        assert (
            page.get_attribute("#picture", "data-state") == "empty" and page.inner_text("#start") == "Start the camera"
        )


def test_frames_come_out_sharper_with_their_figures(page):
    start(page)
    page.wait_for_timeout(2000)
    told = figures(page)
    assert number(told["fps"]) > 1 and 1 < number(told["latency p50"]) <= number(told["latency p95"])
    assert told["size"] == "320 × 240" and told["measured"].startswith("blur ") and "int8" in told["computed by"]
    before, after = canvas(page, "input"), canvas(page)
    assert before.shape == after.shape == (240, 320, 3)
    assert sharpness(after) > 1.3 * sharpness(before)


def test_bypass_sends_the_camera_untouched_and_strength_holds_for_the_next_frames(page):
    start(page)
    page.keyboard.press("B")
    page.wait_for_selector("#picture[data-state=untouched]")
    untouched = sharpness(canvas(page))
    page.keyboard.press("B")
    page.wait_for_selector("#picture[data-state=split]")
    set_strength(page, 0)
    page.wait_for_timeout(1000)
    assert abs(sharpness(canvas(page)) - untouched) < 0.25 * untouched


def test_another_way_to_compute_is_taken_while_the_camera_runs(page):
    start(page)
    page.select_option("#backend", "")
    page.wait_for_selector("body[data-ready=false]")
    page.wait_for_selector("body[data-ready=true]", timeout=60_000)
    before = page.evaluate("() => document.querySelector('#picture .result').toDataURL()")
    page.wait_for_function(
        "(before) => document.querySelector('#picture .result').toDataURL() !== before", arg=before, timeout=60_000
    )
    assert "WASM" in figures(page)["computed by"]


def test_a_call_receives_frames_that_are_sharper(page):
    start(page)
    page.click("#call")
    page.wait_for_function("() => document.getElementById('call-facts').textContent.startsWith('Arrives as')")
    page.wait_for_timeout(3000)
    before, received = canvas(page, "input"), pixels_of(page.evaluate(RECEIVED))
    assert received.shape == before.shape  # a call at full size
    assert sharpness(received) > 1.2 * sharpness(before)
    moving = page.evaluate("() => document.getElementById('received').currentTime")
    page.wait_for_timeout(1000)
    assert page.evaluate("() => document.getElementById('received').currentTime") > moving
    page.click("#call")
    assert page.evaluate("() => document.getElementById('received').srcObject") is None


def test_without_a_camera_or_permission_one_line_says_what_to_do(browser, address):
    with here_page(browser, f"{address}?backend=wasm&student=nano") as (page, _log):
        page.click("#start")
        assert line(page, "No camera was found") == "No camera was found. Plug one in, then press Start."
    flags = [*FLAGS, "--use-fake-device-for-media-stream", "--deny-permission-prompts"]
    refusing = browser.browser_type.launch(executable_path=chromium_path(), args=flags, headless=True)
    try:
        with here_page(refusing, f"{address}?backend=wasm&student=nano") as (page, _log):
            page.click("#start")
            assert line(page, "was not allowed").startswith("The camera was not allowed. Allow it for this page")
            assert page.inner_text("#start") == "Start the camera"
    finally:
        refusing.close()
