"""Logs of training runs for tests, as `train` writes them."""

import json
import math

SETTINGS = {"student": "nano", "recipe": "both", "loss": "l1", "epochs": 8, "seed": 42, "learning_rate": 0.002}


def row(epoch, **changed):
    """A row of metrics.jsonl; its curve rises and flattens."""
    rise = 1 - math.exp(-epoch / 3)
    return {
        "epoch": epoch,
        "step": 100 * epoch,
        "learning_rate": 0.002 / epoch,
        "loss_pixel": 0.05 / epoch,
        "loss_total": 0.06 / epoch,
        "val_ssim": 0.7 + 0.2 * rise,
        "val_psnr": 25 + 3 * rise,
        "train_ssim": 0.72 + 0.21 * rise,
        "seconds": 30.0,
        "images_per_s": 40.0,
    } | changed


def write_run(folder, epochs=8, settings=SETTINGS, rows=None):
    """A folder as `train` leaves it after some epochs; returns it."""
    folder.mkdir(parents=True, exist_ok=True)
    rows = [row(epoch) for epoch in range(1, epochs + 1)] if rows is None else rows
    (folder / "metrics.jsonl").write_text("".join(json.dumps(found) + "\n" for found in rows))
    (folder / "settings.json").write_text(json.dumps(settings))
    (folder / "training.lock").touch()
    return folder
