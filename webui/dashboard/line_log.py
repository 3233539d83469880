"""Logs of one row a line: the project's metrics.jsonl, and CSV with a column of steps or epochs."""

import csv
import json
import math
from array import array

import numpy as np

from webui.dashboard.growing_file import GrowingFile
from webui.dashboard.run_curves import Curve

_STEPS, _EPOCHS = ("step", "steps", "global_step", "iteration"), ("epoch", "epochs")
_CLOCKS = ("wall_time", "time", "timestamp")  # seconds, of any clock
_DURATION = "seconds"  # of this row alone, as `train` writes it
_NO_CURVES = {*_STEPS, *_EPOCHS, *_CLOCKS, _DURATION}


class LineLog:
    """The rows of a log. kind: "jsonl" or "csv"."""

    def __init__(self, path, kind):
        self.path, self._parse = path, {"jsonl": self._json_row, "csv": self._csv_row}[kind]
        self.file = GrowingFile(path, self._take, self._forget)
        self._forget()

    def _forget(self):
        self._columns = {}  # name -> array of numbers, NaN where a row has none
        self._rows = self._lines = 0
        self._head = None
        self._damaged = []  # numbers of lines

    def _take(self, buffer):
        end = buffer.rfind(b"\n") + 1
        for line in buffer[:end].splitlines():
            self._lines += 1
            if line.strip():
                row = self._parse(line)
                if row is None:
                    self._damaged.append(self._lines)
                else:
                    self._add(row)
        return end

    def _add(self, row):
        for name, value in row.items():
            if type(value) in (int, float):
                column = self._columns.get(name)
                if column is None:
                    column = self._columns[name] = array("d")
                if len(column) < self._rows:
                    column.extend([math.nan] * (self._rows - len(column)))
                column.append(value)
        self._rows += 1

    def _json_row(self, line):
        try:
            row = json.loads(line)
        except ValueError:
            return None
        return row if isinstance(row, dict) and any(name in row for name in (*_STEPS, *_EPOCHS)) else None

    def _csv_row(self, line):
        try:
            cells = next(csv.reader([line.decode("utf-8-sig")]))
        except (ValueError, csv.Error, StopIteration):
            return None
        if self._head is None:
            self._head = [cell.strip() for cell in cells]
            return {}
        return dict(zip(self._head, map(_number, cells))) if len(cells) == len(self._head) else None

    @property
    def problems(self):
        if not self._damaged:
            return []
        lines = ", ".join(map(str, self._damaged[:3])) + (", ..." if len(self._damaged) > 3 else "")
        plural = "s" if len(self._damaged) > 1 else ""
        return [f"{self.path}: {len(self._damaged)} damaged line{plural} left out (line {lines})"]

    def curves(self):
        """Name -> Curve."""
        columns = {name: self._whole(column) for name, column in self._columns.items()}
        none = np.full(self._rows, np.nan)
        step = next((columns[name] for name in _STEPS if name in columns), none)
        epoch = next((columns[name] for name in _EPOCHS if name in columns), none)
        clock = next((columns[name] for name in _CLOCKS if name in columns), None)
        if clock is not None and np.isfinite(clock).any():
            hours = (clock - clock[np.isfinite(clock)][0]) / 3600
        elif _DURATION in columns:
            hours = np.cumsum(np.nan_to_num(columns[_DURATION])) / 3600
        else:
            hours = none
        found = {}
        for name, values in columns.items():
            finite = np.isfinite(values)
            if name not in _NO_CURVES and finite.any():
                found[name] = Curve(step[finite], epoch[finite], hours[finite], values[finite])
        return found

    def _whole(self, column):
        values = np.full(self._rows, np.nan)
        values[: len(column)] = column
        return values


def _number(cell):
    try:
        return float(cell)
    except ValueError:
        return None


def is_csv_log(path):
    """Whether a CSV file's head names steps or epochs. Raises OSError."""
    with open(path, "rb") as file:
        head = file.readline(65536).decode("utf-8-sig", errors="replace")
    return bool({cell.strip() for cell in head.strip().split(",")} & {*_STEPS, *_EPOCHS})
