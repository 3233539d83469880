"""A command that serves until it is told to stop, in a process of its own: what it printed, its readiness, its end."""

import os
import re
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
START_S = 90  # importing Gradio or Streamlit takes four seconds on an idle machine
STOP_S = 20


class ServerProcess:
    """`words` behind the interpreter, from the repository's root. environment: on top of this process's.

    more: other arguments of Popen, such as cwd, env (then environment is not looked at) and user.
    """

    def __init__(self, words, environment=None, python=sys.executable, **more):
        options = {"cwd": ROOT, "env": os.environ | {"PYTHONUNBUFFERED": "1"} | (environment or {})} | more
        self.process = subprocess.Popen(
            [str(python), *map(str, words)],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
            **options,
        )
        self._lines = []
        self._reader = threading.Thread(target=lambda: self._lines.extend(self.process.stdout), daemon=True)
        self._reader.start()

    @property
    def output(self):
        """All that it has printed so far."""
        return "".join(self._lines)

    def wait_for(self, pattern):
        """The match of a regular expression in its output; the process is killed when none comes in START_S."""
        ends_at = time.monotonic() + START_S
        while time.monotonic() < ends_at and self.process.poll() is None:
            if found := re.search(pattern, self.output):
                return found
            time.sleep(0.05)
        status = self.process.poll()
        self.stop(signal.SIGKILL)
        raise AssertionError(f"nothing like {pattern!r} within {START_S} s, status {status}:\n{self.output}")

    def stop(self, number=signal.SIGTERM):
        """Ask it to end with a signal; returns its exit status."""
        if self.process.poll() is None:
            self.process.send_signal(number)
        try:
            self.process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait(STOP_S)
            raise AssertionError(f"still running {STOP_S} s after signal {number}:\n{self.output}") from None
        finally:
            self._reader.join(5)
            self.process.stdout.close()
        return self.process.returncode
