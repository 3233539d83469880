"""Where the dashboard looks. Streamlit runs the page anew for each visitor and click, so it asks here."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent.parent
SHIPPED_RESULTS = ROOT / "assets" / "results"
SHIPPED_RUNS = SHIPPED_RESULTS / "training"
SHIPPED_MODELS = ROOT / "assets" / "models"


@dataclass(frozen=True)
class Places:
    """Folders, all of which may be absent. password: of the study's leader, "" where none was set."""

    runs: tuple[Path, ...] = (SHIPPED_RUNS,)
    results: tuple[Path, ...] = (SHIPPED_RESULTS,)
    studies: Path | None = None
    database: Any = None  # a mos_study.watch.Watch of a running study
    models: Path = SHIPPED_MODELS
    password: str = ""


_chosen = Places()


def use(places):
    """Called once, before the first visitor."""
    global _chosen
    _chosen = places


def places():
    """The folders that the dashboard was started with."""
    return _chosen
