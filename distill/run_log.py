"""The log of a training run as its readers want it: rows, series and the best epoch, also while the run goes on."""

import json
import math
from dataclasses import dataclass
from pathlib import Path

from engine.errors import BadData


@dataclass(frozen=True)
class Run:
    """A run's log. rows: one dict an epoch, as distill.train logs them; settings: what it was asked for, or {}."""

    name: str
    rows: list
    settings: dict

    def series(self, key):
        """(epochs, values) of the rows that hold a finite number under `key`."""
        pairs = [(row["epoch"], row[key]) for row in self.rows if is_number(row.get(key))]
        return [epoch for epoch, _ in pairs], [value for _, value in pairs]

    def best(self, key="val_ssim"):
        """(epoch, value) of the largest value, None without any."""
        return max(zip(*self.series(key)), key=lambda pair: pair[1], default=None)


def read_run(folder):
    """The Run of a folder that `train` wrote into; a last line that is still being written is left out.

    Raises BadData when there is no log, no finished epoch, or another line is damaged.
    """
    folder = Path(folder)
    log = folder / "metrics.jsonl"
    try:
        lines = log.read_bytes().split(b"\n")
    except OSError as error:
        raise BadData(f"{log} cannot be read ({error.strerror}); give the --out folder of a `train` run") from error
    rows = []
    for number, line in enumerate(lines, start=1):
        try:
            row = json.loads(line) if line.strip() else None
        except ValueError:
            row = {}
        if row is None or row == {} and number == len(lines):
            continue
        if not isinstance(row, dict) or not is_number(row.get("epoch")):
            raise BadData(f"line {number} of {log} is damaged; delete that line, or start the run anew")
        rows.append(row)
    if not rows:
        raise BadData(f"{log} holds no finished epoch yet; come back after the first")
    try:
        settings = json.loads((folder / "settings.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):  # the curves say enough without
        settings = {}
    return Run(folder.resolve().name, rows, settings if isinstance(settings, dict) else {})


def is_number(value):
    """Whether a value of the log can be drawn: finite, and no truth value."""
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)
