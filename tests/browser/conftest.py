"""One page and one headless Chromium for all browser tests."""

import pytest

from tests.browser.chromium import chromium, open_page
from tests.webui.page_process import running_page


@pytest.fixture(scope="module")
def running():
    with running_page() as page_process:
        yield page_process


@pytest.fixture(scope="module")
def browser():
    with chromium() as started:
        yield started


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
