"""One page and one headless Chromium for all browser tests; the page for static hosts, as its command writes it."""

import pytest

import launch
from tests.browser.chromium import chromium, open_page
from tests.browser.here_page import here_page, strangers
from tests.browser.ort_web import runtime_or_skip
from tests.browser.static_server import custom_headers, served
from tests.webui.page_process import running_page

BELOW = "/somebody/whetstone/"  # a static host may serve a page below a path


@pytest.fixture(scope="module")
def running():
    with running_page() as page_process:
        yield page_process


@pytest.fixture(scope="module")
def browser():
    with chromium() as started:
        yield started


@pytest.fixture(scope="session")
def site(tmp_path_factory):
    """The folder that `launch.py space --static` writes, with the runtime in it."""
    runtime_or_skip()
    folder = tmp_path_factory.mktemp("written") / "site"
    assert launch.main(["space", "--static", str(folder), "--runtime", "local", "--skip-install"]) == 0
    return folder


@pytest.fixture(scope="module")
def address(site):
    """Where a plain static host serves it."""
    with served(site, custom_headers((site / "README.md").read_text(encoding="utf-8")), BELOW) as where:
        yield where


@pytest.fixture
def visit_here(browser, address):
    """visit_here(query, **options) gives its page, ready; nothing was asked of others, and nothing complained."""
    opened = []

    def open_one(query="", **options):
        context = here_page(browser, f"{address}?{query}", **options)
        page, log = context.__enter__()
        opened.append((context, log))
        return page

    yield open_one
    for context, _log in reversed(opened):
        context.__exit__(None, None, None)
    for _context, log in opened:
        assert strangers(log, address) == []


@pytest.fixture
def visit(running, browser):
    """visit(**options of a browser context) gives (page, log); at the end nothing may have left this machine."""
    opened, logs = [], []

    def open_one(**options):
        context = open_page(browser, running.address, **options)
        page, log = context.__enter__()
        opened.append(context)
        logs.append(log)
        return page, log

    yield open_one
    for context in reversed(opened):
        context.__exit__(None, None, None)
    for log in logs:
        strangers = [address for address in log.requests if not address.startswith((running.address, "data:", "blob:"))]
        assert strangers == [] and log.complaints == []
