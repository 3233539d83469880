"""The real dashboard for tests: `python launch.py dashboard` in a process of its own on a free port."""

import os
import re
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
START_S = 90


class DashboardProcess:
    """The command as a user starts it; answers inside its `with` block. address: where."""

    def __init__(self, *options, environment=None):
        words = [sys.executable, "launch.py", "dashboard", "--skip-install", "--no-browser", *map(str, options)]
        self.process = subprocess.Popen(
            words if "--port" in words else [*words, "--port", "0"],
            cwd=ROOT,
            env=os.environ | (environment or {}),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        self._lines = []
        self._reader = threading.Thread(target=lambda: self._lines.extend(self.process.stdout), daemon=True)
        self._reader.start()

    @property
    def output(self):
        return "".join(self._lines)

    def __enter__(self):
        ends_at = time.monotonic() + START_S
        while time.monotonic() < ends_at and self.process.poll() is None:
            if found := re.search(r"dashboard is at (http://\S+)\.\s", self.output):
                self.address = found[1]
                return self
            time.sleep(0.05)
        self.stop(signal.SIGKILL)
        raise AssertionError(f"no dashboard after {START_S} s:\n{self.output}")

    def __exit__(self, *_):
        self.stop()

    def stop(self, number=signal.SIGTERM):
        """Ask it to end with a signal; returns its exit status."""
        if self.process.poll() is None:
            self.process.send_signal(number)
        try:
            self.process.wait(60)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait(60)
            raise AssertionError(f"still running 60 s after signal {number}:\n{self.output}") from None
        finally:
            self._reader.join(5)
            self.process.stdout.close()
        return self.process.returncode
