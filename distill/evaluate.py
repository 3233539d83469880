"""Evaluation: every method on every picture of a folder, by SSIM and PSNR, into tables and a sheet to look at.

OUT/images.csv      one row a picture and method
OUT/summary.csv     one row a category and method, and "all": the report's columns
OUT/sheet-NAME.jpg  degraded | restored | clean, a picture of each category
OUT/results.json    the same summary with what made it, and the baselines' tuning
"""

import csv
import io
import json
import re
from functools import partial
from pathlib import Path

import numpy as np
from tqdm import tqdm

from distill.baselines import BASELINES, tune, tuned
from distill.data import SMALLEST_SIDE, data_hash, find_pictures, read_rgb, split_pictures
from distill.degrade import degradation_named
from distill.metrics import PSNR_OF_EQUALS, psnr, ssim
from distill.sheet import save_sheet
from engine.atomic_write import write_atomically, writing_into
from engine.errors import BadData, BadImage, BadSetting
from engine.provenance import provenance
from engine.sharpener import Sharpener, checked_strength

TUNING_PICTURES = 50  # of the tuning folder, the same share of each category


def evaluate(data, out, recipe, methods, *, tune_on=None, strength=1.0, command=""):
    """Measure `methods` (names of BASELINES, shipped models or paths of cards) beside the degraded picture itself.

    data: folder of clean pictures; those that are damaged or under SMALLEST_SIDE pixels are named and left out.
    tune_on: folder that the baselines are tuned on; it shares no picture with `data`. Returns the rows of summary.csv.
    Raises BadSetting, BadData, BadOutput, UnknownModel.
    """
    data, out, strength = Path(data), Path(out), checked_strength(strength)
    if data.resolve() in (out.resolve(), *out.resolve().parents):
        raise BadSetting(f"--out {out} lies in the pictures that are measured; give a folder outside {data}")
    files = find_pictures(data)
    tuning_files = _tuning_files(files, tune_on, [name for name in methods if name in BASELINES])
    cards = {}
    restorers = {"degraded": lambda pixels: pixels}
    for name in methods:
        if name not in BASELINES:
            sharpener = Sharpener(name)
            label = sharpener.name if sharpener.name not in (*restorers, *BASELINES) else str(name)
            cards[label] = sharpener.card
            restorers[label] = partial(sharpener, strength=strength)

    with writing_into(out):
        out.mkdir(parents=True, exist_ok=True)
        baselines = _tuned_baselines(methods, tuning_files, recipe)
        for name, found in baselines.items():
            restorers[name] = tuned(name, found["settings"], recipe)
        rows, left_out = _measure(files, data, restorers, recipe)
        summary = summarise(rows)
        write_atomically(out / "images.csv", _csv(rows).encode(), overwrite=True)
        write_atomically(out / "summary.csv", _csv(summary).encode(), overwrite=True)
        for label in cards:
            sheet = _sheet_rows(files, data, rows, label, restorers[label], recipe)
            save_sheet(out / f"sheet-{re.sub('[^A-Za-z0-9_.-]+', '-', label)}.jpg", sheet)
        results = provenance(command) | {"recipe": recipe, "strength": strength, "pictures": len(files) - len(left_out)}
        results |= {"left_out": left_out, "data_sha256": data_hash(files), "tuning": baselines, "summary": summary}
        results["models"] = {
            label: {"parameters": card.parameters, "weights_sha256": card.weights_sha256}
            for label, card in cards.items()
        }
        write_atomically(out / "results.json", (json.dumps(results, indent=1) + "\n").encode(), overwrite=True)
    return summary


def _measure(files, data, restorers, recipe):
    """(rows of images.csv, names of pictures that were left out)."""
    rows, left_out = [], []
    for file in tqdm(files, desc="evaluating", unit="picture"):
        name = file.path.relative_to(data).as_posix()
        try:
            clean = read_rgb(file.path)
        except BadImage as error:
            tqdm.write(f"left out: {error}")
            left_out.append(name)
            continue
        if min(clean.shape[:2]) < SMALLEST_SIDE:
            tqdm.write(f"left out: {name} has a side under {SMALLEST_SIDE} pixels")
            left_out.append(name)
            continue
        drawn = degradation_named(file.path.stem, recipe)
        degraded = drawn.apply(clean)
        for method, restore in restorers.items():
            restored = restore(degraded)
            row = {"picture": name, "category": file.category, "method": method}
            scores = {"ssim": ssim(clean, restored), "psnr": min(psnr(clean, restored), PSNR_OF_EQUALS)}
            rows.append(row | scores | drawn.record())
    if not rows:
        raise BadData(f"none of the {len(files)} pictures in {data} can be measured")
    return rows, left_out


def summarise(rows):
    """Means by category and method, and over "all": SSIM, number of pictures over 0.9, PSNR and its gain in dB."""
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
            )
    return summary


def _tuning_files(files, tune_on, baselines):
    """The pictures to tune on: TUNING_PICTURES of tune_on at the most, the same share of each category."""
    if not baselines:
        return []
    if tune_on is None:
        raise BadSetting(
            f"{', '.join(baselines)} must be tuned on other pictures than those measured; give --tune-on DIR"
        )
    chosen = find_pictures(tune_on)
    measured = {data_hash([file], names=False) for file in files}
    if any(data_hash([file], names=False) in measured for file in chosen):
        raise BadSetting(f"--tune-on {tune_on} shares pictures with --data; tune on others than those measured")
    if len(chosen) > TUNING_PICTURES:
        chosen = split_pictures(chosen, TUNING_PICTURES / len(chosen), seed=0)[1] or chosen[:TUNING_PICTURES]
    return chosen


def _tuned_baselines(methods, files, recipe):
    names = [name for name in methods if name in BASELINES]
    if not names:
        return {}
    found = tune([(file.path.stem, read_rgb(file.path)) for file in files], recipe, names)
    for baseline in found.values():
        baseline |= {"pictures": len(files), "data_sha256": data_hash(files)}
    return found


def _sheet_rows(files, data, rows, method, restore, recipe):
    """For each category the picture whose gain is the median: neither the best nor the worst is shown."""
    scores = {(row["picture"], row["method"]): row["psnr"] for row in rows}
    gains = {}
    for file in files:
        name = file.path.relative_to(data).as_posix()
        if (name, method) in scores:
            gains[file] = scores[name, method] - scores[name, "degraded"]
    chosen = []
    for category in sorted({file.category for file in gains}):
        members = sorted((file for file in gains if file.category == category), key=gains.__getitem__)
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
