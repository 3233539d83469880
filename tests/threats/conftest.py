"""The real servers that the attacks are on, each started once: the page, the page with a password, a study."""

import pytest

from tests.webui.contacts import WATCH
from tests.webui.page_process import running_page
from tests.webui.study_process import running_study


@pytest.fixture(scope="session")
def page():
    """The page as one starts it for oneself, which prints every address that it contacts."""
    with running_page("--max-megapixels", "3", prelude=WATCH) as running:
        yield running


@pytest.fixture(scope="session")
def locked_page():
    """The page for other machines, behind a password."""
    with running_page("--listen", "--auth", "anna:right") as running:
        yield running


@pytest.fixture(scope="session")
def study():
    """(process, plan) of a blind study."""
    with running_study(raters=20) as running:
        yield running
