"""A contact sheet: one row a picture, its versions side by side at their own pixels, scores written below."""

import io
import math

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


def _middle(pixels):
    height, width = pixels.shape[:2]
    top, left = max(0, (height - _CELL) // 2), max(0, (width - _CELL) // 2)
    return np.ascontiguousarray(pixels[top : top + _CELL, left : left + _CELL])
