"""Evaluation: every method on every picture of a folder, by SSIM and PSNR, into tables and a sheet to look at.

OUT/images.csv      one row a picture and method
OUT/summary.csv     one row a category and method, and "all": the report's columns
OUT/sheet-NAME.jpg  degraded | restored | clean, a picture of each category
OUT/results.json    the same summary with what made it, and the baselines' tuning
"""

import csv
import io
import json
from pathlib import Path

import numpy as np
from tqdm import tqdm

from distill.baselines import BASELINES, tune, tuned
from distill.data import data_hash, find_pictures, read_rgb, split_pictures
from distill.degrade import degradation_named
from distill.metrics import psnr, ssim
from distill.sheet import save_sheet
from engine.atomic_write import write_atomically
from engine.errors import BadSetting
from engine.provenance import provenance
from engine.sharpener import Sharpener

TUNING_PICTURES = 50  # of the tuning folder, the same share of each category


def evaluate(data, out, recipe, methods, *, tune_on=None, strength=1.0, command=""):
    """Measure `methods` (names of BASELINES, shipped models or paths of cards) beside the degraded picture itself.

    data: folder of clean pictures. tune_on: folder that the baselines are tuned on, never `data` itself.
    Returns the rows of summary.csv. Raises BadSetting, BadData, UnknownModel.
    """
    out = Path(out)
    files = find_pictures(data)
    baselines = _tuned_baselines([name for name in methods if name in BASELINES], tune_on, data, recipe)
    restorers = {"degraded": lambda pixels: pixels}
    restorers |= {name: tuned(name, found["settings"], recipe) for name, found in baselines.items()}
    cards = {}
    for name in methods:
        if name not in BASELINES:
            sharpener = Sharpener(name)
            cards[sharpener.name] = sharpener.card
            restorers[sharpener.name] = lambda pixels, sharpener=sharpener: sharpener(pixels, strength)
    out.mkdir(parents=True, exist_ok=True)

    rows = []
    for file in tqdm(files, desc="evaluating", unit="picture"):
        clean = read_rgb(file.path)
        drawn = degradation_named(file.path.stem, recipe)
        degraded = drawn.apply(clean)
        for method, restore in restorers.items():
            restored = restore(degraded)
            row = {"picture": file.path.stem, "category": file.category, "method": method}
            rows.append(row | {"ssim": ssim(clean, restored), "psnr": psnr(clean, restored)} | drawn.record())

    summary = summarise(rows)
    write_atomically(out / "images.csv", _csv(rows).encode(), overwrite=True)
    write_atomically(out / "summary.csv", _csv(summary).encode(), overwrite=True)
    for name in cards:
        save_sheet(out / f"sheet-{name}.jpg", _sheet_rows(files, rows, name, restorers[name], recipe))
    results = provenance(command) | {"recipe": recipe, "strength": strength, "pictures": len(files)}
    results |= {"data_sha256": data_hash(files), "tuning": baselines, "summary": summary}
    results["models"] = {
        name: {"parameters": card.parameters, "weights_sha256": card.weights_sha256} for name, card in cards.items()
    }
    write_atomically(out / "results.json", (json.dumps(results, indent=1) + "\n").encode(), overwrite=True)
    return summary


def summarise(rows):
    """Means by category and method, and over "all": SSIM, number of pictures over 0.9, PSNR and its gain in dB."""
    summary = []
    categories = sorted({row["category"] for row in rows})
    for category in [*categories, "all"]:
        inside = [row for row in rows if category in (row["category"], "all")]
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
            )
    return summary


def _tuned_baselines(names, tune_on, data, recipe):
    if not names:
        return {}
    if tune_on is None or Path(tune_on).resolve() == Path(data).resolve():
        raise BadSetting(f"{', '.join(names)} must be tuned on other pictures than those measured; give --tune-on DIR")
    files = find_pictures(tune_on)
    if len(files) > TUNING_PICTURES:
        files = split_pictures(files, TUNING_PICTURES / len(files), seed=0)[1]
    found = tune([(file.path.stem, read_rgb(file.path)) for file in files], recipe, names)
    for baseline in found.values():
        baseline |= {"pictures": len(files), "data_sha256": data_hash(files)}
    return found


def _sheet_rows(files, rows, method, restore, recipe):
    """For each category the picture whose gain is the median: neither the best nor the worst is shown."""
    scores = {(row["picture"], row["method"]): row["psnr"] for row in rows}
    chosen = []
    for category in sorted({file.category for file in files}):
        members = [file for file in files if file.category == category]
        members.sort(key=lambda file: scores[file.path.stem, method] - scores[file.path.stem, "degraded"])
        file = members[len(members) // 2]
        clean = read_rgb(file.path)
        degraded = degradation_named(file.path.stem, recipe).apply(clean)
        columns = {"degraded": degraded, method: restore(degraded), "clean": clean}
        chosen.append(
            (category, {name: (pixels, ssim(clean, pixels), psnr(clean, pixels)) for name, pixels in columns.items()})
        )
    return chosen


def _csv(rows):
    text = io.StringIO()
    writer = csv.DictWriter(text, rows[0].keys(), lineterminator="\n")
    writer.writeheader()
    writer.writerows(
        {key: round(value, 5) if isinstance(value, float) else value for key, value in row.items()} for row in rows
    )
    return text.getvalue()
