"""Evaluation: every method on every picture of a folder, by SSIM and PSNR, into tables and a sheet to look at.

OUT/images.csv      one row a picture and method
OUT/summary.csv     one row a category and method, and "all": the report's columns, parameters, arithmetic a frame
OUT/sheet-NAME.jpg  degraded | restored | clean, a picture of each category
OUT/pictures/       on demand PICTURE/METHOD.png, degraded.png and clean.png of every picture, for the dashboard
OUT/sweeps.csv      by sigma, noise, quality: the summary at each setting, of the pictures that it changes
OUT/clean.csv       what sharp pictures keep
OUT/estimates.csv   what the students measured of each picture; estimates-summary.csv their errors
OUT/results.json    all summaries with what made them, and the baselines' tuning; `python -m distill.tables` prints it
"""

import json
from functools import partial
from pathlib import Path

from distill.baselines import BASELINES, tune
from distill.data import data_hash, find_pictures, read_rgb, split_pictures
from distill.degrade import degradation_named
from distill.estimates import estimate_rows, summarise_estimates
from distill.measure import measure
from distill.methods import DEGRADED, baseline_method, student_methods, teacher_methods
from distill.sheet import file_name, keep_pictures, median_rows, save_sheet
from distill.summary import as_csv, summarise, summarise_clean, touched
from distill.sweeps import SWEEPS
from engine.atomic_write import write_atomically, writing_into
from engine.errors import BadSetting
from engine.provenance import provenance
from engine.sharpener import checked_strength

TUNING_PICTURES = 50  # of the tuning folder, the same share of each category
ESTIMATE = "estimate"
BY = (*SWEEPS, ESTIMATE)


def evaluate(
    data,
    out,
    recipe,
    methods,
    *,
    tune_on=None,
    strength=1.0,
    teachers=(),
    degradations=("auto",),
    precisions=("auto",),
    by=(),
    pictures=False,
    command="",
):
    """Measure `methods` (names of BASELINES, shipped models or paths of cards) beside the degraded picture itself.

    data: folder of clean pictures; those that are damaged or under SMALLEST_SIDE pixels are named and left out.
    tune_on: folder that the baselines are tuned on; it shares no picture with `data`. teachers: sources of
    distill.teachers. degradations, precisions: of distill.methods. by: some of BY, more tables of the same methods.
    pictures: whether to keep them all.
    Returns the content of results.json; it is written after each table, whole. Raises BadSetting, BadData, BadOutput,
    UnknownModel.
    """
    data, out, strength = Path(data), Path(out), checked_strength(strength)
    if data.resolve() in (out.resolve(), *out.resolve().parents):
        raise BadSetting(f"--out {out} lies in the pictures that are measured; give a folder outside {data}")
    for word in by:
        if word not in BY:
            raise BadSetting(f"--by takes {', '.join(BY)}, not {word!r}")
    files = find_pictures(data)
    names = [name for name in methods if name in BASELINES]
    tuning_files = _tuning_files(files, tune_on, names)
    models = [name for name in methods if name not in BASELINES]
    networks = student_methods(models, strength, degradations, precisions)
    if ESTIMATE in by and not any(method.sharpener and not method.sharpener.blind for method in networks):
        raise BadSetting("--by estimate needs a model that measures the picture; those that were given are blind")
    kept = out.parent / "whetstone-cache" / "teachers"
    networks += teacher_methods(teachers, kept, [method.name for method in networks])
    labels = [*names, *(method.name for method in networks)]
    for label in labels:
        if labels.count(label) > 1:
            raise BadSetting(f"{label!r} is given more than once; name each method and teacher once")

    with writing_into(out):
        out.mkdir(parents=True, exist_ok=True)
        found = _tuned_baselines(names, tuning_files, recipe)
        rivals = [baseline_method(name, found[name]["settings"], recipe) for name in found]
        compared = [DEGRADED, *rivals, *networks]
        results = provenance(command) | {"recipe": recipe, "strength": strength}
        keep = partial(keep_pictures, out / "pictures") if pictures else None
        rows = _main_table(files, data, out, recipe, compared, results, keep)
        results |= {"data_sha256": data_hash(files), "tuning": found}
        results["models"] = {method.name: method.facts for method in networks}
        for method in networks:
            sheet = median_rows(files, data, rows, method, recipe)
            save_sheet(out / f"sheet-{file_name(method.name)}.jpg", sheet)
        _write_results(out, results)
        for word in by:
            if word == ESTIMATE:
                _estimates(files, data, out, recipe, networks, strength, results)
            else:
                _sweep(word, files, data, out, recipe, compared, results)
            _write_results(out, results)
    return results


def _main_table(files, data, out, recipe, methods, results, keep):
    """Into results and two tables; returns the rows of images.csv."""
    found, left_out = measure(files, data, methods, {"": lambda stem: degradation_named(stem, recipe)}, keep=keep)
    rows = found[""]
    results |= {"pictures": len(files) - len(left_out), "left_out": left_out, "summary": summarise(rows, methods)}
    write_atomically(out / "images.csv", as_csv(rows), overwrite=True)
    write_atomically(out / "summary.csv", as_csv(results["summary"]), overwrite=True)
    return rows


def _sweep(word, files, data, out, recipe, methods, results):
    found, _ = measure(files, data, methods, SWEEPS[word](recipe), f"by {word}")
    if word == "clean":
        results["clean"] = summarise_clean(found["clean"])
        write_atomically(out / "clean.csv", as_csv(results["clean"]), overwrite=True)
        return
    results.setdefault("sweeps", []).extend(
        {"by": word, "setting": setting} | line
        for setting, rows in found.items()
        for line in summarise(touched(rows), methods)
    )
    write_atomically(out / "sweeps.csv", as_csv(results["sweeps"]), overwrite=True)


def _estimates(files, data, out, recipe, methods, strength, results):
    rows = estimate_rows(files, data, methods, recipe, strength)
    results["estimates"] = summarise_estimates(rows)
    write_atomically(out / "estimates.csv", as_csv(rows), overwrite=True)
    write_atomically(out / "estimates-summary.csv", as_csv(results["estimates"]), overwrite=True)


def _write_results(out, results):
    write_atomically(out / "results.json", (json.dumps(results, indent=1) + "\n").encode(), overwrite=True)


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


def _tuned_baselines(names, files, recipe):
    if not names:
        return {}
    found = tune([(file.path.stem, read_rgb(file.path)) for file in files], recipe, names)
    for baseline in found.values():
        baseline |= {"pictures": len(files), "data_sha256": data_hash(files)}
    return found
