"""Where the page of the visitor's own browser has its runtime from: its folder, a CDN or our server."""

import shutil

import cv2
import numpy as np
import pytest
from skimage import data

import launch
from tests.browser.chromium import open_page
from tests.browser.here_page import bring, canvas, here_page, line, png, strangers
from tests.browser.ort_web import runtime_or_skip
from tests.browser.static_server import custom_headers, served
from webui.browser_runtime import CDN, FETCH, FILES

pytestmark = [pytest.mark.browser, pytest.mark.slow]

PICTURE = cv2.GaussianBlur(data.astronaut(), (0, 0), 1.4)[100:200, 100:250]
PLAIN = {"cross-origin-resource-policy": "same-origin"}  # a host that cannot be told headers


def check_it_sharpens(page):
    bring(page, png(PICTURE))
    assert np.mean(canvas(page) != PICTURE) > 0.3


@pytest.fixture
def from_cdn(tmp_path):
    """(folder, headers) of a page as it is written for a Space: without the runtime."""
    assert launch.main(["space", "--static", str(tmp_path / "space"), "--skip-install"]) == 0
    return tmp_path / "space", custom_headers((tmp_path / "space" / "README.md").read_text(encoding="utf-8"))


def answer_for_the_cdn(page, changed=None):
    """Answer for it with the files that npm brought; changed: the name of one in which a byte is another."""
    folder = runtime_or_skip()

    def answer(route):
        name = route.request.url.removeprefix(CDN)
        body = bytearray((folder / name).read_bytes())
        body[-1] ^= name == changed
        headers = {"access-control-allow-origin": "*", "cross-origin-resource-policy": "cross-origin"}
        route.fulfill(body=bytes(body), headers=headers)

    page.context.route(CDN + "*", answer)


def test_a_space_loads_the_runtime_from_its_cdn_and_nothing_else(browser, from_cdn):
    folder, headers = from_cdn
    assert not (folder / "runtime").exists()
    with served(folder, headers) as address, here_page(browser, "about:blank", ready=False) as (page, log):
        answer_for_the_cdn(page)
        page.goto(f"{address}?backend=wasm")
        page.wait_for_selector("body[data-ready=true]", timeout=60_000)
        check_it_sharpens(page)
        assert page.evaluate("() => crossOriginIsolated")
        elsewhere = {one for one in log.requests if not one.startswith((address, "blob:", "about:"))}
        assert elsewhere == {CDN + name for name in list(FILES)[:3]} and log.complaints == []


def test_a_runtime_with_another_byte_is_not_run(browser, from_cdn):
    folder, headers = from_cdn
    with served(folder, headers) as address, here_page(browser, "about:blank", ready=False) as (page, _log):
        answer_for_the_cdn(page, changed="ort.wasm.min.mjs")
        page.goto(f"{address}?backend=wasm")
        assert line(page, "could not be loaded whole").startswith("ort.wasm.min.mjs could not be loaded whole.")
        assert page.get_attribute("body", "data-ready") == "false"


def test_a_missing_file_of_the_runtime_is_named(browser, site, tmp_path):
    shutil.copytree(site, tmp_path / "site")
    (tmp_path / "site" / "runtime" / "ort-wasm-simd-threaded.wasm").unlink()
    with served(tmp_path / "site", PLAIN) as address, here_page(browser, address, ready=False) as (page, _log):
        said = line(page, "is missing")
    assert said.startswith("The file ort-wasm-simd-threaded.wasm is missing (status 404).") and "space --static" in said


def test_a_host_without_headers_gives_one_thread(browser, site):
    with served(site, PLAIN) as address, here_page(browser, f"{address}?backend=wasm&student=nano") as (page, log):
        check_it_sharpens(page)
        assert not page.evaluate("() => crossOriginIsolated") and "WASM, 1 thread" in page.inner_text("#figures")
        assert strangers(log, address) == []


def test_the_apps_own_page_is_isolated_and_the_live_tab_leads_to_it(browser, running):
    runtime_or_skip()
    with open_page(browser, running.address) as (page, log):
        page.get_by_role("tab", name="Live").click()
        page.check("#live input[value=browser]")
        with page.context.expect_page() as opened:
            page.get_by_role("link", name="In this browser").click()
        here = opened.value
        here.wait_for_selector("body[data-ready=true]", timeout=60_000)
        assert here.url == f"{running.address}/here/" and here.evaluate("() => crossOriginIsolated")
        check_it_sharpens(here)
        assert log.complaints == [] and all(one.startswith((running.address, "data:", "blob:")) for one in log.requests)


def test_the_apps_own_page_says_how_to_fetch_the_runtime(browser, running):
    missing = {"missing": f"Run `{FETCH}`."}  # what it answers is tested in tests/webui/test_here_routes.py
    with here_page(browser, "about:blank", ready=False) as (page, _log):
        page.context.route("**/here/runtime.json", lambda route: route.fulfill(json=missing))
        page.goto(f"{running.address}/here/")
        assert line(page, "Run `") == missing["missing"]
