"""Headless Chromium on a running page: pages that keep a log of what they asked for and complained about."""

import contextlib
import shutil
from dataclasses import dataclass, field

NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@dataclass
class Log:
    """What a page did: every request's address, what the console said above "info", uncaught errors."""

    requests: list = field(default_factory=list)
    complaints: list = field(default_factory=list)


def chromium_path():
    """The browser's path, None where there is none."""
    return next(filter(None, map(shutil.which, NAMES)), None)


@contextlib.contextmanager
def chromium(*flags):
    """A headless Chromium (playwright's Browser). flags: more of its command line."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium_path(), args=[*FLAGS, *flags], headless=True)
        try:
            yield browser
        finally:
            browser.close()


@contextlib.contextmanager
def another_chromium(browser, *flags):
    """One more Chromium beside a running one, with other flags (playwright itself can be started only once)."""
    other = browser.browser_type.launch(executable_path=chromium_path(), args=[*FLAGS, *flags], headless=True)
    try:
        yield other
    finally:
        other.close()


@contextlib.contextmanager
def open_page(browser, address, **options):
    """(page, Log) in a fresh profile, the picture tab ready. options: of playwright's new_context (viewport, ...)."""
    context = browser.new_context(**{"viewport": {"width": 1280, "height": 900}, **options})
    try:
        page, log = context.new_page(), Log()
        page.on("request", lambda request: log.requests.append(request.url))
        page.on("console", lambda said: said.type in ("warning", "error") and log.complaints.append(said.text))
        page.on("pageerror", lambda error: log.complaints.append(str(error)))
        page.goto(address)
        page.wait_for_selector("#drop input[type=file]", state="attached")
        page.wait_for_function("document.querySelector('#work') !== null")
        yield page, log
    finally:
        context.close()


def choose(page, *files):
    """Choose files as the file dialog does: paths, or playwright's {name, mimeType, buffer}."""
    page.locator("#drop input[type=file]").set_input_files(list(files))


AFTER = "#compare img.fixed"


def wait_for_result(page, name):
    """Wait until the line names the picture, its result is drawn and the download is ready."""
    page.wait_for_function(
        """name => document.querySelector('#status')?.innerText.includes(name)
            && document.querySelector('#compare img.fixed')?.complete
            && document.querySelector('#compare img.fixed').naturalWidth > 0
            && document.querySelector('#download')?.disabled === false""",
        arg=name,
    )
