"""Reads chosen runs through, a little at every look, and remembers what it has read."""

import threading
import time
from collections import OrderedDict

from webui.dashboard.event_log import EventLog, join
from webui.dashboard.line_log import LineLog
from webui.dashboard.run_curves import RunCurves

_MOST = 256  # runs that are remembered


class RunReader:
    """The logs that were read so far, for all visitors. read() may be called from several threads."""

    def __init__(self):
        self._lock = threading.Lock()
        self._logs = OrderedDict()  # files -> (logs, [what was known when curves were made, the curves])

    def read(self, runs, budget_s):
        """[RunCurves, ...] of the FoundRuns, as far as budget_s seconds allow; share_read says how far. Every run gets
        its share of the time. A file that has not changed is not opened.
        """
        with self._lock:
            ends_at = time.monotonic() + budget_s
            read = []
            for index, run in enumerate(runs):
                now = time.monotonic()
                read.append(self._read(run, now + max(0.0, ends_at - now) / (len(runs) - index)))
            return read

    def is_read(self, run):
        """Whether the last look at a FoundRun came to its end."""
        logs, _ = self._logs.get(run.files, ((), None))
        return bool(logs) and all(log.file.is_read for log in logs)

    def _read(self, run, until):
        if run.files not in self._logs:
            logs = [EventLog(file) if run.kind == "events" else LineLog(file, run.kind) for file in run.files]
            self._logs[run.files] = (logs, [None, {}])
            if len(self._logs) > _MOST:
                self._logs.popitem(last=False)
        self._logs.move_to_end(run.files)
        logs, made = self._logs[run.files]
        problems = []
        for log in logs:
            try:
                log.file.advance(until)
            except OSError as error:
                problems.append(f"{log.path} cannot be read ({error.strerror})")
        known = [(log.file.identity, log.file.done) for log in logs]
        if known != made[0]:
            made[:] = known, join(logs) if run.kind == "events" else logs[0].curves()
        size = sum(log.file.size for log in logs)
        done = sum(log.file.size if log.file.is_read else log.file.done for log in logs)
        problems += [line for log in logs for line in log.problems]
        return RunCurves(run.name, made[1], run.settings, tuple(problems), done / size if size else 1.0)
