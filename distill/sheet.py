"""What evaluation leaves to look at: a contact sheet, one row a picture, its versions side by side at their own pixels,
scores written below; and, on demand, every picture whole.
"""

import io
import math
import re
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from distill.data import read_rgb
from distill.degrade import degradation_named
from distill.metrics import psnr, ssim
from engine.atomic_write import write_atomically

_CELL = 320  # pixels, width and height of the part that is shown
_GAP, _CAPTION = 8, 26


def save_sheet(path, rows):
    """Write a JPEG. rows: list of (category, {name: (pixels (H, W, 3) uint8 RGB, ssim, psnr)}), the same names in each.

    The middle _CELL x _CELL pixels of every picture are shown, neither enlarged nor reduced.
    """
    columns = max(len(versions) for _, versions in rows)
    width, height = columns * (_CELL + _GAP) + _GAP, len(rows) * (_CELL + _CAPTION + _GAP) + _GAP
    sheet = Image.new("RGB", (width, height), "white")
    draw, font = ImageDraw.Draw(sheet), ImageFont.load_default(15)
    for row, (category, versions) in enumerate(rows):
        top = _GAP + row * (_CELL + _CAPTION + _GAP)
        for column, (name, (pixels, likeness, decibels)) in enumerate(versions.items()):
            left = _GAP + column * (_CELL + _GAP)
            sheet.paste(Image.fromarray(_middle(pixels)), (left, top))
            scores = "" if math.isinf(decibels) else f"   SSIM {likeness:.3f}   {decibels:.2f} dB"
            draw.text((left + 2, top + _CELL + 4), f"{category} {name}{scores}", "black", font)
    packed = io.BytesIO()
    sheet.save(packed, "JPEG", quality=90)
    write_atomically(path, packed.getvalue(), overwrite=True)


def median_rows(files, data, rows, method, recipe):
    """For each category the picture whose gain is the median: neither the best nor the worst is shown.

    rows: of images.csv. method: of distill.methods. Returns rows as save_sheet takes them.
    """
    decibels = {(row["picture"], row["method"]): row["psnr"] for row in rows}
    gains = {}
    for file in files:
        name = file.path.relative_to(data).as_posix()
        if (name, method.name) in decibels:
            gains[file] = decibels[name, method.name] - decibels[name, "degraded"]
    chosen = []
    for category in sorted({file.category for file in gains}):
        members = sorted((file for file in gains if file.category == category), key=gains.__getitem__)
        file = members[len(members) // 2]
        clean = read_rgb(file.path)
        degraded, truth = degradation_named(file.path.stem, recipe).degrade(clean)
        columns = {"degraded": degraded, method.name: method.restore(degraded, truth), "clean": clean}
        chosen.append(
            (category, {name: (pixels, ssim(clean, pixels), psnr(clean, pixels)) for name, pixels in columns.items()})
        )
    return chosen


def keep_pictures(folder, picture, versions):
    """Write folder/PICTURE/NAME.png for each of {name: pixels (H, W, 3) uint8 RGB}. picture: its name in images.csv."""
    place = Path(folder) / Path(picture).with_suffix("")
    place.mkdir(parents=True, exist_ok=True)
    for name, pixels in versions.items():
        packed = io.BytesIO()
        Image.fromarray(pixels).save(packed, "PNG", compress_level=1)
        write_atomically(place / f"{file_name(name)}.png", packed.getvalue(), overwrite=True)


def file_name(method):
    """A method's name as it stands in the names of files."""
    return re.sub("[^A-Za-z0-9_.-]+", "-", method).strip("-")


def _middle(pixels):
    height, width = pixels.shape[:2]
    top, left = max(0, (height - _CELL) // 2), max(0, (width - _CELL) // 2)
    return np.ascontiguousarray(pixels[top : top + _CELL, left : left + _CELL])
