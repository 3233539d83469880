"""The ablation: what each part of the students' recipe is worth, on validation pictures, after the same steps.

OUT/NAME/...        the training run of a row (distill.train); an interrupted ablation goes on where it was
OUT/ablation.json   the table with what made it
"""

import json
from dataclasses import replace
from pathlib import Path

from tqdm import tqdm

from distill.teachers import load_teacher
from distill.train import train
from engine.atomic_write import write_atomically
from engine.cards import load_card
from engine.provenance import provenance

COLUMNS = ("val_ssim", "val_psnr", "val_report_psnr", "val_call_psnr", "val_report_blur_error")


def rows(settings):
    """[(name, what is changed, TrainSettings), ...]: the blind student first, then one change at a time."""
    blind = replace(settings, experts=1, teacher=None)
    measured = replace(settings, teacher=None)
    table = [("blind", "one set of weights for the whole mixture", blind)]
    table += [("measured", "experts mixed for the measured degradation", measured)]
    if settings.teacher is not None:
        table += [("teacher", "and the teacher's picture as a second target", settings)]
    table += [
        ("wavelet", "and the wavelet loss instead of L1", replace(measured, loss="wavelet")),
        ("psnr", "and the PSNR loss instead of L1", replace(measured, loss="psnr")),
        ("branches", "and re-parameterised branches", replace(measured, branches=True)),
        ("longer", "and twice as many steps", replace(measured, epochs=2 * settings.epochs)),
    ]
    return table


def ablate(settings, out, *, command=""):
    """Train and tabulate every row; returns the table, a list of dicts. Raises what train() raises."""
    out, table = Path(out), []
    if settings.teacher is not None:
        load_teacher(settings.teacher, "cpu")  # a wrong name is refused before the rows that need none
    for name, change, chosen in rows(settings):
        tqdm.write(f"{name}: {change}")
        card = load_card(train(chosen, out / name, command=command))
        # a run keeps its best epoch by SSIM; the table shows its last, where every row has had the same steps
        last = json.loads((out / name / "metrics.jsonl").read_text(encoding="utf-8").splitlines()[-1])
        row = {"name": name, "change": change, "parameters": card.parameters, "steps": last["step"]}
        table.append(row | {key: round(last[key], 4) for key in COLUMNS if key in last})
    results = provenance(command) | {"student": settings.student, "recipe": settings.recipe, "rows": table}
    write_atomically(out / "ablation.json", (json.dumps(results, indent=1) + "\n").encode(), overwrite=True)
    return table
