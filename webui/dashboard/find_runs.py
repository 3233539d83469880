"""The training runs below a folder: which files are logs, and what a glance at each tells, not read through."""

import json
import os
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from webui.dashboard.folders import existing, walk
from webui.dashboard.line_log import is_csv_log

_TAIL = 2**16  # bytes at the end of a log that are sure to hold its last row
_QUIET_S = 120  # a run that was to go on and has written nothing for so long, or three epochs, has stopped


@dataclass(frozen=True)
class FoundRun:
    """A run as a glance sees it. name: its path below the searched folder, unique; kind: jsonl, csv, events."""

    name: str
    kind: str
    files: tuple[str, ...]  # paths of its logs
    modified_at: float  # seconds since 1970
    settings: dict[str, Any] = field(default_factory=dict)
    last: dict[str, Any] = field(default_factory=dict)  # the last row, of a JSONL
    can_go_on: bool = True  # `train` has a lock beside its log; a log that was copied or shipped has none

    @property
    def epochs(self):
        """(done, asked for), None where unknown."""
        return self.last.get("epoch"), self.settings.get("epochs")

    def state(self, now=None):
        """finished, running, stopped, or "" where the log does not tell."""
        done, asked = self.epochs
        if not isinstance(done, int) or not isinstance(asked, int):
            return "running" if (now or time.time()) - self.modified_at < _QUIET_S else ""
        if done >= asked:
            return "finished"
        if not self.can_go_on:
            return "stopped"
        seconds = self.last.get("seconds")
        quiet = max(_QUIET_S, 3 * seconds if isinstance(seconds, int | float) else 0)
        return "running" if (now or time.time()) - self.modified_at < quiet else "stopped"

    def seconds_left(self, now=None):
        """An estimate for a run that is running, from its last epoch; else None."""
        seconds, (done, asked) = self.last.get("seconds"), self.epochs
        if self.state(now) != "running" or not isinstance(seconds, int | float) or not isinstance(asked, int):
            return None
        return (asked - done) * seconds


def find_runs(folders):
    """([FoundRun, ...] by name, [what could not be read, one line each]) of everything below the folders."""
    runs, problems = [], []
    for folder in existing(map(Path, folders), "--runs", problems):
        for place, names in walk(folder, problems, lambda names: "metrics.jsonl" in names):
            for files, kind in _logs(place, names, problems):
                title = place if kind != "csv" else place / files[0].stem
                name = title.relative_to(folder).as_posix()
                runs.append((name if name != "." else folder.resolve().name, folder, kind, files))
    names = [name for name, *_ in runs]
    found = []
    for name, folder, kind, files in runs:
        unique = name if names.count(name) == 1 else f"{name} ({folder})"
        try:
            found.append(_glance(unique, kind, files))
        except OSError as error:
            problems.append(f"{files[0]} cannot be read ({error.strerror})")
    return sorted(found, key=lambda run: run.name), problems


def _logs(place, names, problems):
    if "metrics.jsonl" in names:  # the events beside it are the same numbers
        yield (place / "metrics.jsonl",), "jsonl"
        return
    if events := [place / name for name in names if "tfevents" in name]:
        yield tuple(events), "events"
    for name in names:
        if name.endswith(".csv"):
            try:
                if is_csv_log(place / name):
                    yield (place / name,), "csv"
            except OSError as error:
                problems.append(f"{place / name} cannot be read ({error.strerror})")


def _glance(name, kind, files):
    modified_at = max(file.stat().st_mtime for file in files)
    paths = tuple(map(str, files))
    if kind != "jsonl":
        return FoundRun(name, kind, paths, modified_at)
    settings, lock = _object(_read(files[0].with_name("settings.json"))), files[0].with_name("training.lock")
    return FoundRun(name, kind, paths, modified_at, settings, _last_row(files[0]), lock.exists())


def _last_row(path):
    with open(path, "rb") as file:
        file.seek(max(0, os.fstat(file.fileno()).st_size - _TAIL))
        lines = file.read().splitlines()
    return next((row for line in reversed(lines[-3:]) if (row := _object(line))), {})


def _read(path):
    try:
        return path.read_bytes()
    except OSError:  # the curves say enough without
        return b""


def _object(text):
    try:
        found = json.loads(text)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
