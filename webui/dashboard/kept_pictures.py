"""The pictures behind a score, where `evaluate` kept them: whole (`--pictures`), or in its contact sheet."""

from pathlib import PurePosixPath

import numpy as np
from PIL import Image

from webui.dashboard.evaluations import DEGRADED, file_name, median_picture

_CELL, _GAP, _CAPTION = 320, 8, 26  # pixels, of distill.sheet's layout
MOST_LEVELS = 32  # of 255; an error of more looks the same in the map


def find_pictures(evaluation, picture, method):
    """({"degraded", method, "clean": (H, W, 3) uint8 RGB}, where they are from), or (None, "") where none was kept.

    Raises OSError when a file is damaged.
    """
    parts = PurePosixPath(picture)
    if parts.is_absolute() or ".." in parts.parts:  # images.csv comes from anywhere
        return None, ""
    folder = evaluation.folder / "pictures" / parts.with_suffix("")
    files = {name: folder / f"{file_name(name)}.png" for name in (DEGRADED, method, "clean")}
    if all(file.is_file() for file in files.values()):
        return {name: _pixels(file) for name, file in files.items()}, "the whole picture"
    sheet = evaluation.folder / f"sheet-{file_name(method)}.jpg"
    for row, category in enumerate(evaluation.categories):
        if sheet.is_file() and median_picture(evaluation.rows, method, category) == picture:
            found = _row_of_sheet(_pixels(sheet), row)
            if found:
                where = f"the middle {_CELL} pixels, from the contact sheet (JPEG, so the error map is approximate)"
                return dict(zip((DEGRADED, method, "clean"), found)), where
    return None, ""


def error_map(clean, restored):
    """(H, W) float in [0, 1]: the mean difference of R, G and B, 1 at MOST_LEVELS and more."""
    difference = np.abs(clean.astype(np.int16) - restored.astype(np.int16)).mean(axis=2)
    return np.clip(difference / MOST_LEVELS, 0, 1)


def _pixels(path):
    with Image.open(path) as image:
        return np.asarray(image.convert("RGB"))


def _row_of_sheet(sheet, row):
    """Its three cells, None where the sheet is no sheet of ours."""
    top = _GAP + row * (_CELL + _CAPTION + _GAP)
    if sheet.shape[1] != 3 * (_CELL + _GAP) + _GAP or top + _CELL > sheet.shape[0]:
        return None
    return [sheet[top : top + _CELL, left : left + _CELL] for left in (_GAP + at * (_CELL + _GAP) for at in range(3))]
