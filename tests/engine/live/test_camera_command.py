"""Laws of `python launch.py camera`: it runs without camera and driver, ends cleanly, refuses in one line."""

import argparse
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from engine.commands import camera
from engine.errors import BadOutput, BadSetting
from tests.engine.small_disk import small_disk
from tests.engine.video.clips import contents

ROOT = Path(__file__).resolve().parents[3]
NO_DRIVER = not any(os.path.exists(f"/dev/video{number}") for number in range(16))
QUICK = ("--source", "pattern", "--size", "160x96", "--model", "nano")


def start(*words):
    command = [sys.executable, ROOT / "launch.py", "camera", *map(str, words)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def test_it_runs_for_so_long_and_writes_its_figures(tmp_path):
    process = start(*QUICK, "--output", "null", "--seconds", 5, "--json", tmp_path / "run.json")
    out, err = process.communicate(timeout=300)
    assert process.returncode == 0, err
    first, *status, total = out.splitlines()
    assert first.startswith("160x96 from test pattern to nowhere; nano by ")
    assert 1 <= len(status) <= 2 and all(
        word in status[0] for word in ("fps in", "latency", "p50/p95", "dropped", "bypassed", "nano: ", " ms")
    )
    assert "frames sent in" in total
    figures = json.loads((tmp_path / "run.json").read_text())
    assert figures["command"].startswith("python launch.py camera --source pattern") and figures["commit"]
    assert figures["machine"]["cores"] >= 1 and figures["versions"]["av"]
    assert figures["frames_out"] > 20 and figures["latency_p95_ms"] >= figures["latency_p50_ms"] > 0
    above = figures["memory_mb"] - figures["memory_of_imports_mb"]
    assert figures["memory_of_imports_mb"] > 10 and figures["memory_above_imports_mb"] == pytest.approx(above, abs=0.2)
    assert figures["bypassed"] == 0 and figures["settings"]["source"] == "pattern" and figures["error"] is None
    assert figures["frames_in"] - figures["frames_out"] - figures["dropped"] in (0, 1, 2, 3)


@pytest.mark.skipif(os.name == "nt", reason="Ctrl-C is sent as a signal")
@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_ends_it_with_a_whole_recording(tmp_path, how):
    process = start(*QUICK, "--output", tmp_path / "a.mp4")
    deadline = time.monotonic() + 120
    while not list(tmp_path.glob(".whetstone*")) and time.monotonic() < deadline and process.poll() is None:
        time.sleep(0.05)
    time.sleep(1)
    process.send_signal(how)
    out, err = process.communicate(timeout=120)
    assert process.returncode == 130 and "Traceback" not in err and "frames sent in" in out
    assert os.listdir(tmp_path) == ["a.mp4"] and len(contents(tmp_path / "a.mp4").times) >= 1


@pytest.mark.parametrize("figures_fit", [True, False])
def test_a_full_disk_ends_it_with_one_line_and_keeps_film_and_figures(tmp_path, figures_fit):
    words = ("--source", "pattern", "--size", "1280x720", "--model", "nano", "--no-auto", "--seconds", 100)
    with small_disk(tmp_path / "disk", 250) as disk, small_disk(tmp_path / "other", 64) as other:
        figures = (tmp_path if figures_fit else other) / "run.json"
        (other / "all").write_bytes(bytes(64 << 10))
        out, err = (process := start(*words, "--output", disk / "a.mp4", "--json", figures)).communicate(timeout=300)
        assert process.returncode == 2 and "frames sent in" not in out
        assert err.count("\n") == 1 and f"the disk of {disk} is full: a.mp4" in err
        assert f"{disk / 'a.mp4'} holds what came before" in err and len(contents(disk / "a.mp4").times) >= 30
        if figures_fit:
            told = json.loads(figures.read_text())
            assert told["frames_out"] > 30 and "is full" in told["error"]
        else:
            assert os.listdir(other) == ["all"]


@pytest.mark.skipif(not NO_DRIVER, reason="a camera or driver may be here")
@pytest.mark.parametrize(
    "words, reason",
    [
        (("--source", "0", "--output", "null"), "there is no camera 0"),
        (QUICK, "modprobe v4l2loopback devices=1 exclusive_caps=1 card_label=Whetstone"),
    ],
)
def test_what_lacks_is_one_line_and_status_2(words, reason):
    out, err = (process := start(*words)).communicate(timeout=300)
    assert (process.returncode, out) == (2, "") and err.startswith("whetstone: ") and err.count("\n") == 1
    assert reason in err


@pytest.mark.parametrize(
    "words, kind, reason",
    [
        (["--size", "big"], BadSetting, "--size must be WIDTHxHEIGHT"),
        (["--size", "1x-5"], BadSetting, "--size must be WIDTHxHEIGHT"),
        (["--size", "0x0"], BadSetting, "from 16 to"),
        (["--seconds", "0"], BadSetting, "--seconds must be a number above 0"),
        (["--seconds", "nan"], BadSetting, "--seconds must be a number above 0"),
        (["--fps", "0"], BadSetting, "fps must be a number from 1"),
        (["--fps", "nan"], BadSetting, "fps must be a number from 1"),
        (["--strength", "3"], BadSetting, "strength must be"),
        (["--json", "figures.txt"], BadSetting, "ends in .json"),
        (["--json", "no/run.json"], BadOutput, "does not exist"),
        (["--source", ""], BadSetting, "source must be"),
        ([*QUICK, "--output", "film.gif"], BadOutput, "end it in .mp4"),
    ],
)
def test_wrong_words_are_refused_before_anything_runs(words, kind, reason, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    parser = argparse.ArgumentParser()
    camera.add_arguments(parser)
    with pytest.raises(kind, match=reason):
        camera.run(parser.parse_args(words))
    assert os.listdir(tmp_path) == []


def test_sizes_have_names():
    assert camera.size_of("1280x720") == camera.size_of("720p") == camera.size_of("1280X720") == (720, 1280)
