"""The cards of the models as facts to compare; no weights are loaded."""

import hashlib
import json

from webui.dashboard.file_cache import FileCache


def find_cards(folder):
    """([{fact: text}, ...] smallest first, [what could not be read, one line each])."""
    cards, problems = [], []
    for path in sorted(folder.glob("*.json")):
        try:
            card = _card(path)
            cards.append((card["parameters"], _facts(card, path)))
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            problems.append(f"{path} is no card of a model ({type(error).__name__}: {error})")
    return [facts for _, facts in sorted(cards, key=lambda pair: pair[0])], problems


def _facts(card, path):
    training, metrics = card.get("training", {}), card.get("metrics", {})
    settings, weights = training.get("settings", {}), path.with_name(card["weights"]["file"])
    stated, size = card["weights"]["sha256"], "missing"
    agrees = "file missing"
    if weights.is_file():
        size = f"{weights.stat().st_size / 1000:,.0f} KB"
        agrees = "is the file's" if _sha256(weights) == stated else "IS NOT the file's: take both again"
    facts = {
        "name": card["name"],
        "parameters": f"{card['parameters']:,}",
        "weights file": size,
        "network": card["architecture"] + ": " + ", ".join(f"{key} {value}" for key, value in card["config"].items()),
        "recipe": settings.get("recipe"),
        "teacher": settings.get("teacher"),
        "loss": settings.get("loss"),
        "last stage": f"{training['steps']:,} steps, {training['epoch']} epochs" if "steps" in training else None,
    }
    facts |= {_LABELS.get(key, key): f"{value:.4g}" for key, value in metrics.items()}
    facts |= {
        "trained by": training.get("command"),
        "commit": training.get("commit"),
        "date": training.get("date"),
        "pictures, SHA-256": str(training.get("data_sha256", ""))[:16],
        "weights, SHA-256": f"{stated[:16]}, {agrees}",
    }
    return {key: "none" if value in (None, "") else str(value) for key, value in facts.items()}


_LABELS = {
    "val_ssim": "validation SSIM",
    "val_psnr": "validation PSNR, dB",
    "val_report_ssim": "SSIM, recipe report",
    "val_report_psnr": "PSNR, recipe report, dB",
    "val_call_ssim": "SSIM, recipe call",
    "val_call_psnr": "PSNR, recipe call, dB",
    "val_report_blur_error": "error of the measured blur, report, pixels",
    "val_call_blur_error": "error of the measured blur, call, pixels",
}
_card = FileCache(lambda path: json.loads(path.read_text(encoding="utf-8")))
_sha256 = FileCache(lambda path: hashlib.sha256(path.read_bytes()).hexdigest())
