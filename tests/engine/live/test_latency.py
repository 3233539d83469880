"""Laws of the latency probe: it finds the delay that is there, counts what is missing, and any user can run it."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from engine.live.latency import Ages, measure_latency
from engine.live.pattern import background, draw_code
from engine.live.session import LiveSettings
from tests.engine.live.fakes import FakeClock

ROOT = Path(__file__).resolve().parents[3]


def shown(index, at_s):
    pixels = background(96, 160)
    draw_code(pixels, index, at_s)
    return pixels


def test_a_known_delay_is_found_and_gaps_and_repeats_are_counted():
    clock = FakeClock()
    ages = Ages(clock)
    ages.add(shown(0, clock.now - 9))  # before it begins
    ages.begin()
    for index in (5, 6, 6, 9, 8, 12):
        ages.add(shown(index, clock.now - 0.040))
    ages.add(np.zeros((96, 160, 3), np.uint8))
    figures = ages.figures()
    assert figures["p50_ms"] == figures["p99_ms"] == pytest.approx(40, abs=0.5)
    # 7, 8 before the 9 and 9, 10, 11 before the 12; the 8 came late
    assert (figures["frames"], figures["missing"], figures["disordered"], figures["unread"]) == (5, 5, 1, 1)


def test_nothing_read_is_no_figure():
    assert Ages(FakeClock()).figures()["p95_ms"] is None


def test_the_real_pipeline_is_measured():
    settings = LiveSettings(source="pattern", height=96, width=160, model="nano", auto=False)
    figures = measure_latency(settings, 1.0)
    assert figures["frames"] >= 3 and figures["disordered"] == figures["unread"] == 0
    assert 0 < figures["p50_ms"] <= figures["p95_ms"] <= figures["p99_ms"] and "read" in figures["path"]


def test_the_command_writes_percentiles_with_what_made_them(tmp_path):
    words = [
        "benchmark",
        "--latency",
        "--model",
        "nano",
        "--size",
        "480p",
        "--seconds",
        "2",
        "--json",
        tmp_path / "l.json",
    ]
    done = subprocess.run([sys.executable, ROOT / "launch.py", *words], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    results = json.loads((tmp_path / "l.json").read_text())
    assert results["command"].startswith("python launch.py benchmark --latency") and results["commit"]
    (row,) = results["rows"]
    assert row["size"] == "480p" and row["p50_ms"] > 0 and "(p50/p95/p99)" in done.stdout
