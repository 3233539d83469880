"""What every test shares: leaving out what this machine cannot run, and saying so once per reason at the end."""

import shutil
from collections import Counter
from functools import cache

import pytest
from hypothesis import settings

from tests.driver import parts

# One budget for all property tests; no deadline, because shared machines stall, and nothing written into the tree.
settings.register_profile("whetstone", deadline=None, max_examples=50, database=None)
settings.load_profile("whetstone")


@cache
def _no_gpu():
    try:
        import torch
    except ImportError:
        return "torch is not installed (`python launch.py test --torch`)"
    return None if torch.cuda.is_available() else "needs an NVIDIA GPU and a CUDA build of torch"


@cache
def _no_browser():
    names = ("chromium", "chromium-browser", "google-chrome", "chrome")
    return None if any(map(shutil.which, names)) else "needs Chromium on PATH (Debian: `apt install chromium`)"


OBSTACLES = {"gpu": _no_gpu, "browser": _no_browser, "driver": cache(parts.obstacle)}


def pytest_collection_modifyitems(items):
    for item in items:
        for marker, obstacle in OBSTACLES.items():
            if item.get_closest_marker(marker) and (reason := obstacle()):
                item.add_marker(pytest.mark.skip(reason=f"[{marker}] {reason}"))


def pytest_terminal_summary(terminalreporter):
    """The tests that did not run, grouped by reason."""
    skipped = terminalreporter.stats.get("skipped", [])
    reasons = Counter(report.longrepr[2].removeprefix("Skipped: ") for report in skipped if report.longrepr)
    if reasons:
        terminalreporter.section("not run on this machine, and why")
        for reason, number in reasons.most_common():
            terminalreporter.write_line(f"{number:4d}  {reason}")
