"""Laws of the benchmark: its figures belong together, and its file says what made them."""

import argparse
import json
import subprocess
import sys
import time
from pathlib import Path

import cv2
import numpy as np
import onnxruntime
import pytest

from engine import Sharpener
from engine.benchmark import SIZES, Candidate, frame, on_a_stream, time_in_turns, time_measuring, time_steps
from engine.commands import benchmark
from engine.errors import BadSetting, WhetstoneError
from engine.peers import PEERS, compact_graph, open_compact, open_peer
from engine.roofline import limits, machine_peaks
from engine.students import StudentConfig
from tests.engine.students_for_tests import mixture_card, random_card

ROOT = Path(__file__).resolve().parents[2]
COMPACT = ROOT.parent / "shared" / "peers" / "realesr-general-x4v3.pth"


def test_steps_add_up_to_about_the_whole():
    pixels = frame(*SIZES["720p"])
    with Sharpener(random_card()) as sharpener:
        candidate = Candidate("nano", on_a_stream(sharpener))
        time_in_turns([candidate], pixels, runs=9)
        steps = time_steps(sharpener, pixels)
    times = candidate.figures()
    assert times["median_ms"] <= times["p95_ms"] and times["cpu_ms"] > 0
    assert times["fps"] == pytest.approx(1000 / times["median_ms"], rel=0.05)
    assert 0.3 < sum(steps.values()) / times["median_ms"] < 2  # other programs run on the machine too


def test_candidates_take_turns_and_a_slow_one_rests_once_it_has_enough():
    order = []

    def sharpen(name, seconds):
        def work(pixels):
            order.append(name)
            time.sleep(seconds)

        return work

    candidates = [Candidate("fast", sharpen("fast", 0)), Candidate("slow", sharpen("slow", 0.02))]
    time_in_turns(candidates, frame(8, 8), runs=9, warm_up=0, budget_s=0.05)
    assert order[:6] == 3 * ["fast", "slow"] and order.count("fast") == 9
    assert order.count("slow") == len(candidates[1].wall_s) == 3
    assert candidates[1].figures()["median_ms"] >= 20


def test_a_frame_of_a_stream_is_not_measured(monkeypatch):
    with Sharpener(mixture_card()) as sharpener, Sharpener(random_card()) as blind:
        once = time_measuring(sharpener, frame(480, 640), runs=2)
        assert once["measure_ms"] > 0 and once["assemble_ms"] > 0
        assert time_measuring(blind, frame(480, 640)) == {}
        monkeypatch.setattr(sharpener, "measure", lambda pixels: pytest.fail("a frame is not measured"))
        assert on_a_stream(sharpener)(frame(48, 64)).shape == (48, 64, 3)


def test_a_frame_repeats_and_holds_detail():
    assert (frame(48, 64) == frame(48, 64)).all() and (frame(48, 64) != frame(48, 64, seed=1)).any()
    assert frame(48, 64).std() > 10


@pytest.mark.parametrize("name", PEERS)
def test_a_peer_sharpens(name):
    soft = cv2.GaussianBlur(frame(120, 160), (0, 0), 1.2)
    sharp = open_peer(name, 120, 160)(soft)
    assert sharp.shape == soft.shape and sharp.dtype == np.uint8
    if name != "report's student":  # its weights are random
        assert sharp.astype(float).std() > soft.astype(float).std()
        assert np.abs(sharp.astype(int) - soft).mean() < 20


def test_the_compact_network_equals_spandrels():
    torch = pytest.importorskip("torch", reason="torch is not installed")
    if not COMPACT.exists():
        pytest.skip("needs ../shared/peers/realesr-general-x4v3.pth")
    spandrel = pytest.importorskip("spandrel", reason="spandrel is not installed")
    pixels = frame(24, 32)
    batch = pixels.transpose(2, 0, 1)[None].astype(np.float32) / 255
    theirs = spandrel.ModelLoader().load_from_file(COMPACT).eval()
    session = onnxruntime.InferenceSession(compact_graph(COMPACT).SerializeToString())
    with torch.no_grad():
        expected = theirs.model(torch.from_numpy(batch)).numpy()
    np.testing.assert_allclose(session.run(None, {"picture": batch})[0], expected, atol=1e-4)
    assert open_compact(COMPACT)(pixels).shape == pixels.shape


def test_what_is_no_compact_network_is_refused_in_one_line(tmp_path):
    torch = pytest.importorskip("torch", reason="torch is not installed")
    torch.save({"params": {"conv.weight": torch.zeros(3)}}, tmp_path / "other.pth")
    (tmp_path / "junk.pth").write_bytes(b"junk")
    for name in ("other.pth", "junk.pth", "missing.pth"):
        with pytest.raises(BadSetting, match="does not hold Real-ESRGAN compact"):
            open_compact(tmp_path / name)


def test_the_limit_counts_what_the_design_counts():
    # DESIGN.md's stride 4, width 24, depth 3: 9 x (16 x 24 + 3 x 24 x 24 + 24 x 16) / 16 multiply-adds a pixel
    found = limits(StudentConfig(4, 24, 3), "int8", 1080, 1920, {"gmacs": 100.0, "gbytes": 10.0})
    assert found["gmacs"] == pytest.approx(1404 * 1080 * 1920 / 1e9, abs=0.01)
    assert found["compute_ms"] == pytest.approx(10 * found["gmacs"], rel=0.01)
    # RGB in and out, then 16 -> 24, 24, 24, 24 -> 16 values of a byte a place, each written and read
    values = 6 * 16 + 16 + 2 * (4 * 24 + 16)
    assert found["mbytes"] == pytest.approx(values * 1080 * 1920 / 16 / 1e6, abs=0.1)
    assert found["memory_ms"] == pytest.approx(found["mbytes"] / 10, rel=0.01)


def test_a_machine_has_peaks_that_repeat():
    first, second = machine_peaks(0.2), machine_peaks(0.2)
    assert first["gmacs"] > 1 and 0.3 < first["gmacs"] / second["gmacs"] < 3
    assert first["gbytes"] > 0.5


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
    assert "nano" in done.stdout and "float32 limit" in done.stdout  # the nano of this table computes in 8 bits
    results = json.loads((tmp_path / "b.json").read_text())
    assert results["command"].startswith("python launch.py benchmark --model nano")
    assert results["machine"]["cores"] >= 1 and results["versions"]["numpy"] and results["commit"]
    (row,) = results["rows"]
    assert row["model"] == "nano" and row["size"] == "480p" and row["fps"] > 0
    assert row["first_frame_s"] > 0 and row["memory_mb"] > row["libraries_mb"] >= 0 and row["limit"]["compute_ms"] > 0


def test_a_quick_run_times_peers_in_under_a_minute(tmp_path):
    words = ["benchmark", "--quick", "--peers", "--model", "nano", "small", "--json", str(tmp_path / "b.json")]
    started = time.monotonic()
    subprocess.run([sys.executable, ROOT / "launch.py", *words], capture_output=True, text=True, check=True)
    assert time.monotonic() - started < 120  # under 60 on an idle machine
    rows = json.loads((tmp_path / "b.json").read_text())["rows"]
    assert len(rows) == 2 * (2 + len(PEERS)) - 1  # the report's student at 480p alone
