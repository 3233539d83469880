"""The real page for tests: `python launch.py app` in a process of its own on a free port, with a tiny student."""

import contextlib
import os
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import numpy as np

from engine.cards import Card, save_card
from engine.students import StudentConfig
from tests.engine.students_for_tests import mixture_card

ROOT = Path(__file__).resolve().parents[2]
START_S = 90  # importing Gradio takes four seconds on an idle machine


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


class PageProcess:
    """The command `app` as a user starts it. address: where it answers; temporary: its folder for temporary files."""

    def __init__(self, folder, *options, environment=None, prelude="", browser=False):
        """folder: for the student and the temporary files. options: of the command. prelude: Python run before it."""
        self.temporary = Path(folder) / "tmp"
        self.temporary.mkdir(exist_ok=True)
        if "--model" not in options:
            options = (*options, "--model", str(tiny_student(folder)))
        words = ["app", "--skip-install", *([] if browser else ["--no-browser"]), *options]
        if "--port" not in options:
            words += ["--port", "0"]
        program = f"{prelude}\nimport sys, launch\nsys.exit(launch.main({list(map(str, words))!r}))"
        self.process = subprocess.Popen(
            [sys.executable, "-c", program],
            cwd=ROOT,
            env={**os.environ, "TMPDIR": str(self.temporary), **(environment or {})},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        self._lines = []
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        self.address = None

    def _read(self):
        for line in self.process.stdout:
            self._lines.append(line)

    @property
    def output(self):
        """All that it has printed so far."""
        return "".join(self._lines)

    def wait_until_ready(self):
        """Wait for the line with the address."""
        ends_at = time.monotonic() + START_S
        while time.monotonic() < ends_at and self.process.poll() is None:
            found = re.search(r"Whetstone is at (http://\S+)", self.output)
            if found:
                self.address = found[1]
                return self
            time.sleep(0.05)
        raise AssertionError(f"no page after {START_S} s or status {self.process.poll()}:\n{self.output}")

    def stop(self, number=signal.SIGTERM):
        """Ask it to end with a signal; returns its exit status."""
        if self.process.poll() is None:
            self.process.send_signal(number)
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait(20)
            raise AssertionError(f"still running 20 s after signal {number}:\n{self.output}") from None
        finally:
            self._reader.join(5)
            self.process.stdout.close()
        return self.process.returncode


@contextlib.contextmanager
def running_page(*options, **more):
    """A page that answers; it is stopped and its folder removed at the end."""
    with tempfile.TemporaryDirectory(prefix="whetstone-test-") as folder:
        page = PageProcess(folder, *options, **more)
        try:
            yield page.wait_until_ready()
        finally:
            page.stop()
