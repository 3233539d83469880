"""From scores of single pictures to means by category and method, and to CSV."""

import csv
import io

import numpy as np

from distill.metrics import PSNR_OF_EQUALS

SHARP_PSNR = 45.0  # dB, what a picture that is sharp already has to keep


def summarise(rows, methods=()):
    """Means by category and method, and over "all": SSIM, number of pictures over 0.9, PSNR and its gain in dB.

    rows: of images.csv. methods: of distill.methods; where given, parameters and arithmetic stand beside, else "-".
    """
    facts = {method.name: method.facts for method in methods}
    summary = []
    categories = sorted({row["category"] for row in rows})
    for category in [*(categories if len(categories) > 1 else []), "all"]:
        inside = [row for row in rows if category == "all" or row["category"] == category]
        start = np.mean([row["psnr"] for row in inside if row["method"] == "degraded"])
        for method in dict.fromkeys(row["method"] for row in inside):
            chosen = [row for row in inside if row["method"] == method]
            mean_psnr = np.mean([row["psnr"] for row in chosen])
            summary.append(
                {
                    "category": category,
                    "method": method,
                    "pictures": len(chosen),
                    "ssim": round(float(np.mean([row["ssim"] for row in chosen])), 4),
                    "ssim_over_0.9": sum(row["ssim"] > 0.9 for row in chosen),
                    "psnr": round(float(mean_psnr), 3),
                    "psnr_gain": round(float(mean_psnr - start), 3),
                }
                | {key: facts.get(method, {}).get(key, "-") for key in ("parameters", "gmacs_1080p")}
            )
    return summary


def touched(rows):
    """The rows of pictures that the degradation changed; all rows where it changed none.

    A call without blur, scaling, noise and coder leaves a picture as it is; its 100 dB would swallow a mean, and the
    table of sharp pictures is where it belongs.
    """
    same = {row["picture"] for row in rows if row["method"] == "degraded" and row["psnr"] >= PSNR_OF_EQUALS}
    return [row for row in rows if row["picture"] not in same] or rows


def summarise_clean(rows):
    """What sharp pictures keep, by method: mean, 5th percentile and least PSNR, and how many fall under SHARP_PSNR."""
    summary = []
    for method in dict.fromkeys(row["method"] for row in rows if row["method"] != "degraded"):
        values = [row["psnr"] for row in rows if row["method"] == method]
        summary.append(
            {
                "method": method,
                "pictures": len(values),
                "psnr": round(float(np.mean(values)), 3),
                "psnr_p5": round(float(np.percentile(values, 5)), 3),
                "psnr_min": round(float(np.min(values)), 3),
                "under_45_db": sum(value < SHARP_PSNR for value in values),
            }
        )
    return summary


def as_csv(rows):
    """Rows of equal keys as the bytes of a CSV file; floats to five places, no name that a spreadsheet would run."""
    text = io.StringIO()
    writer = csv.DictWriter(text, rows[0].keys(), lineterminator="\n")
    writer.writeheader()
    writer.writerows({key: _cell(value) for key, value in row.items()} for row in rows)
    return text.getvalue().encode()


def _cell(value):
    if isinstance(value, float):
        return round(value, 5)
    if isinstance(value, str):  # a picture may be called anything
        value = value.replace("\r", " ")
        return "'" + value if value.lstrip().startswith(("=", "+", "-", "@")) else value
    return value
