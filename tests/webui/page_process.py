"""The real page for tests: `python launch.py app` in a process of its own on a free port, with a tiny student."""

import contextlib
import tempfile
from pathlib import Path

import numpy as np

from engine.cards import Card, save_card
from engine.students import StudentConfig
from tests.engine.students_for_tests import mixture_card
from tests.webui.server_process import ServerProcess


def tiny_student(folder):
    """The card of a real, small and untrained student whose residual is not zero; returns its path."""
    config = StudentConfig(stride=4, width=4, depth=1)
    rng = np.random.default_rng(7)
    weights = {name: rng.normal(0, 0.02, shape).astype(np.float32) for name, shape in config.shapes().items()}
    return save_card(Card("tiny", config, weights), Path(folder))


def tiny_mixture(folder):
    """The card of a small student with several experts that measures and is told what is wrong; returns its path."""
    card = mixture_card("tiny-mixture", config=StudentConfig(stride=4, width=4, depth=1, experts=3))
    return save_card(card, Path(folder))


class PageProcess(ServerProcess):
    """The command `app` as a user starts it. address: where it answers; temporary: its folder for temporary files."""

    def __init__(self, folder, *options, environment=None, prelude="", browser=False, **more):
        """folder: for the student and the temporary files. options: of the command. prelude: Python run before it.

        more: of ServerProcess.
        """
        self.temporary = Path(folder) / "tmp"
        self.temporary.mkdir(exist_ok=True)
        if "--model" not in options:
            options = (*options, "--model", str(tiny_student(folder)))
        words = ["app", "--skip-install", *([] if browser else ["--no-browser"]), *options]
        if "--port" not in options:
            words += ["--port", "0"]
        program = f"{prelude}\nimport sys, launch\nsys.exit(launch.main({list(map(str, words))!r}))"
        super().__init__(["-c", program], {"TMPDIR": str(self.temporary)} | (environment or {}), **more)
        self.address = None

    def wait_until_ready(self):
        """Wait for the line with the address."""
        self.address = self.wait_for(r"Whetstone is at (http://\S+)")[1]
        return self


@contextlib.contextmanager
def running_page(*options, **more):
    """A page that answers; it is stopped and its folder removed at the end."""
    with tempfile.TemporaryDirectory(prefix="whetstone-test-") as folder:
        page = PageProcess(folder, *options, **more)
        try:
            yield page.wait_until_ready()
        finally:
            page.stop()
