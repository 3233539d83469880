"""What `evaluate` left: its scores of single pictures, what made them, and the pictures where it kept some."""

import csv
import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from webui.dashboard.file_cache import FileCache
from webui.dashboard.folders import existing, walk

_NEEDED = ("picture", "category", "method", "ssim", "psnr")
DEGRADED = "degraded"


@dataclass(frozen=True)
class Evaluation:
    """rows: of images.csv, ssim and psnr as numbers, gain (dB over the soft picture) added; made: results.json."""

    name: str
    folder: Path
    rows: list[dict[str, Any]]
    made: dict[str, Any]

    @property
    def recipe(self):
        return str(self.made.get("recipe", ""))

    @property
    def methods(self):
        return list(dict.fromkeys(row["method"] for row in self.rows))

    @property
    def categories(self):
        return sorted({row["category"] for row in self.rows})


def find_evaluations(folders):
    """([Evaluation, ...] by name, [what could not be read, one line each])."""
    found, problems = [], []
    for folder in existing(folders, "--results", problems):
        for place, names in walk(folder, problems):
            if "images.csv" in names:
                try:
                    rows = _rows(place / "images.csv")
                    made = _made(place / "results.json") if "results.json" in names else {}
                except (OSError, ValueError) as error:
                    problems.append(f"{place / 'images.csv'} or results.json beside it cannot be read ({error})")
                    continue
                name = place.relative_to(folder).as_posix()
                found.append(Evaluation(name if name != "." else place.resolve().name, place, rows, made))
    return sorted(found, key=lambda evaluation: evaluation.name), problems


def summary(rows):
    """{category: {method: {pictures, ssim, over, psnr, gain}}} with "all" last; means, and how many have SSIM > 0.9."""
    found = {}
    for category in [*sorted({row["category"] for row in rows}), "all"]:
        inside = [row for row in rows if category in ("all", row["category"])]
        found[category] = {}
        for method in dict.fromkeys(row["method"] for row in inside):
            of = [row for row in inside if row["method"] == method]
            found[category][method] = {
                "pictures": len(of),
                "ssim": float(np.mean([row["ssim"] for row in of])),
                "over": sum(row["ssim"] > 0.9 for row in of),
                "psnr": float(np.mean([row["psnr"] for row in of])),
                "gain": float(np.mean([row["gain"] for row in of])),
            }
    return found


def largest_first(evaluations):
    """The evaluations, those of most pictures and methods first."""
    return sorted(evaluations, key=lambda evaluation: -len(evaluation.rows))


def median_picture(rows, method, category):
    """The name of the picture that the row of a category shows in the method's contact sheet: that of the median gain.

    As distill.sheet chooses it.
    """
    of = [row for row in rows if row["method"] == method and row["category"] == category]
    return sorted(of, key=lambda row: row["gain"])[len(of) // 2]["picture"] if of else None


def file_name(method):
    """A method's name as it stands in the names of files."""
    return re.sub("[^A-Za-z0-9_.-]+", "-", method).strip("-")


def _read_rows(path):
    with open(path, encoding="utf-8", newline="") as file:
        reader = csv.DictReader(file)
        if missing := [name for name in _NEEDED if name not in (reader.fieldnames or ())]:
            raise ValueError(f"no column {', '.join(missing)}")
        rows: list[dict] = [row | {"ssim": float(row["ssim"]), "psnr": float(row["psnr"])} for row in reader]
    if not rows:
        raise ValueError("no rows")
    before = {row["picture"]: row["psnr"] for row in rows if row["method"] == DEGRADED}
    for row in rows:
        row["gain"] = row["psnr"] - before.get(row["picture"], np.nan)
    return rows


def _read_made(path):
    found = json.loads(path.read_text(encoding="utf-8"))
    return found if isinstance(found, dict) else {}


_rows, _made = FileCache(_read_rows), FileCache(_read_made)
