"""Laws of the benchmark: its figures belong together, and its file says what made them."""

import argparse
import json
import subprocess
import sys
from pathlib import Path

import pytest

from engine import Sharpener
from engine.benchmark import frame, time_measuring, time_sharpener
from engine.commands import benchmark
from engine.errors import BadSetting, WhetstoneError
from tests.engine.students_for_tests import mixture_card, random_card

ROOT = Path(__file__).resolve().parents[2]


def test_steps_add_up_to_about_the_whole():
    with Sharpener(random_card()) as sharpener:
        times = time_sharpener(sharpener, "720p", runs=9)
    assert times["median_ms"] <= times["p95_ms"]
    assert times["fps"] == pytest.approx(1000 / times["median_ms"], rel=0.05)
    assert 0.3 < sum(times["steps"].values()) / times["median_ms"] < 2  # other programs run on the machine too


def test_measuring_and_assembling_are_counted_apart_from_the_frames(monkeypatch):
    with Sharpener(mixture_card()) as sharpener, Sharpener(random_card()) as blind:
        once = time_measuring(sharpener, "480p", runs=2)
        assert once["measure_ms"] > 0 and once["assemble_ms"] > 0
        assert time_measuring(blind, "480p") == {}
        monkeypatch.setattr(sharpener, "measure", lambda pixels: pytest.fail("a frame is not measured"))
        assert time_sharpener(sharpener, "480p", runs=2, warm_up=0)["fps"] > 0


def test_a_frame_repeats_and_holds_detail():
    assert (frame(48, 64) == frame(48, 64)).all() and (frame(48, 64) != frame(48, 64, seed=1)).any()
    assert frame(48, 64).std() > 10


def test_an_unknown_size_is_refused():
    with Sharpener(random_card()) as sharpener, pytest.raises(BadSetting, match="'9000p' is not one of 480p"):
        time_sharpener(sharpener, "9000p")


@pytest.mark.parametrize(
    "words, reason",
    [
        (["--size", "480p", "4K"], "'4K' is not one of 480p"),
        (["--model", "nano", "enormous"], "enormous"),
        (["--backend", "auto", "magic"], "magic"),
        (["--json", ""], "ends in .json"),
        (["--json", "a.png"], "ends in .json"),
        (["--json", "missing/b.json"], "'missing' does not exist"),
        (["--json", "folder.json"], "is a folder"),
    ],
)
def test_what_will_be_refused_is_refused_before_anything_is_measured(tmp_path, monkeypatch, capsys, words, reason):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.png").write_bytes(b"precious")
    (tmp_path / "folder.json").mkdir()
    parser = argparse.ArgumentParser()
    benchmark.add_arguments(parser)
    with pytest.raises(WhetstoneError, match=reason):
        benchmark.run(parser.parse_args(words))
    assert capsys.readouterr() == ("", "") and (tmp_path / "a.png").read_bytes() == b"precious"


def test_the_command_writes_figures_with_what_made_them(tmp_path):
    words = ["benchmark", "--model", "nano", "--size", "480p", "--runs", "3", "--json", str(tmp_path / "b.json")]
    done = subprocess.run([sys.executable, ROOT / "launch.py", *words], capture_output=True, text=True, check=True)
    assert "nano" in done.stdout
    results = json.loads((tmp_path / "b.json").read_text())
    assert results["command"].startswith("python launch.py benchmark --model nano")
    assert results["machine"]["cores"] >= 1 and results["versions"]["numpy"] and results["commit"]
    (row,) = results["rows"]
    assert row["model"] == "nano" and row["size"] == "480p" and row["fps"] > 0
