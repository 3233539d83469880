"""How well students measure a picture: errors against the truth, and the PSNR that they lose by them."""

from dataclasses import fields
from functools import partial

import cv2
import numpy as np

from distill.degrade import degradation_named
from distill.measure import over_pictures, scores
from distill.methods import INFORMED
from engine.degradation import Degradation
from engine.errors import BadSetting

NUMBERS = tuple(field.name for field in fields(Degradation))
FLAT_SHARE = 0.1  # of the pictures, those with the least gradient energy, are the group "flat"


def estimate_rows(files, data, methods, recipe, strength):
    """A row for each picture and student that measures: true and measured numbers, and PSNR with either.

    methods: of distill.methods; one row a student, whether it is there measuring, informed or both. Raises BadSetting
    when none of them measures, BadData.
    """
    students = {}
    for method in methods:
        if method.sharpener is not None and not method.sharpener.blind:
            students.setdefault(method.sharpener, method.name.removesuffix(INFORMED))
    if not students:
        raise BadSetting("none of the models measures the picture: all are blind; leave out `--by estimate`")
    found, _ = over_pictures(files, data, partial(_rows_of_one, students, recipe, strength), "estimates")
    return [row for rows in found for row in rows]


def _rows_of_one(students, recipe, strength, file, name, clean):
    degraded, truth = degradation_named(file.path.stem, recipe).degrade(clean)
    rows = []
    for sharpener, label in students.items():
        measured = sharpener.measure(degraded)
        row = {"picture": name, "category": file.category, "method": label, "gradient": gradient_energy(clean)}
        for number in NUMBERS:
            row |= {f"true_{number}": getattr(truth, number), f"measured_{number}": getattr(measured, number)}
        for key, degradation in (("psnr_true", truth), ("psnr_measured", measured)):
            row[key] = scores(clean, sharpener(degraded, strength=strength, degradation=degradation))["psnr"]
        rows.append(row)
    return rows


def gradient_energy(pixels):
    """Mean square of luma's differences between neighbours, across and down together. pixels: (H, W, 3) uint8 RGB."""
    luma = cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY).astype(np.float64)
    return float(np.mean(np.diff(luma, axis=0) ** 2) + np.mean(np.diff(luma, axis=1) ** 2))


def summarise_estimates(rows):
    """By student and category, "flat" and "all": mean absolute and mean signed error of each number, and lost dB."""
    pictures = sorted({(row["gradient"], row["picture"]) for row in rows})
    flat = {picture for _, picture in pictures[: max(1, round(FLAT_SHARE * len(pictures)))]}
    categories = sorted({row["category"] for row in rows})
    summary = []
    for method in dict.fromkeys(row["method"] for row in rows):
        for category in [*(categories if len(categories) > 1 else []), "flat", "all"]:
            chosen = [row for row in rows if row["method"] == method and _in(row, category, flat)]
            line = {"category": category, "method": method, "pictures": len(chosen)}
            for number in NUMBERS:
                errors = [row[f"measured_{number}"] - row[f"true_{number}"] for row in chosen]
                line[f"{number}_error"] = round(float(np.mean(np.abs(errors))), 4)
                line[f"{number}_bias"] = round(float(np.mean(errors)), 4)
            lost = [row["psnr_true"] - row["psnr_measured"] for row in chosen]
            summary.append(line | {"psnr_lost": round(float(np.mean(lost)), 3)})
    return summary


def _in(row, category, flat):
    return category in ("all", row["category"]) or (category == "flat" and row["picture"] in flat)
