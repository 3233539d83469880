"""Laws of a recording that comes to no good end: what a full disk or a killed process leaves of it can be played."""

import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from engine.errors import BadOutput
from engine.live.frames import Frame
from engine.live.recorder import Recorder
from engine.video.reader import VideoReader
from engine.video.writer import holds_frames
from tests.engine.small_disk import small_disk

ROOT = Path(__file__).resolve().parents[3]
KILLED = """
import sys, time
import numpy as np
from engine.live.frames import Frame
from engine.live.recorder import Recorder
recorder, rng = Recorder(sys.argv[1], 30), np.random.default_rng(0)
for index in range(240):
    recorder.send(Frame(rng.integers(0, 255, (96, 128, 3), np.uint8), index, index / 30))
    while recorder.written <= index:
        time.sleep(0.001)
print(recorder.written, flush=True)
time.sleep(60)
"""


@pytest.mark.parametrize("name", ["a.mp4", "a.mov", "a.mkv"])
def test_what_a_full_disk_holds_of_a_recording_is_kept(tmp_path, name):
    with small_disk(tmp_path / "disk", 1500) as disk:
        told, rng, sent = [], np.random.default_rng(0), 0
        recorder = Recorder(disk / name, 30, tell=told.append)
        while not recorder.error and sent < 600:
            before = recorder.written
            recorder.send(Frame(rng.integers(0, 255, (96, 128, 3), np.uint8), sent, sent / 30))
            sent += 1
            while recorder.written == before and not recorder.error:
                time.sleep(0.001)
        recorder.close()
        assert "is full" in told[0] and f"{disk / name} holds what came before" in told[0] and len(told) == 1
        assert os.listdir(disk) == [name]
        with VideoReader(disk / name) as reader:  # which refuses what is damaged
            times = [float(frame.time) for frame in reader.frames()]
        assert 90 <= sent - 90 <= len(times) < sent  # all but the last three seconds
        assert np.diff(times) == pytest.approx(np.full(len(times) - 1, 1 / 30), abs=0.002)


@pytest.mark.skipif(os.name == "nt", reason="SIGKILL is POSIX")
def test_of_a_recording_that_is_killed_all_but_the_last_seconds_can_be_read(tmp_path):
    killed = subprocess.Popen([sys.executable, "-c", KILLED, str(tmp_path / "a.mp4")], cwd=ROOT, stdout=subprocess.PIPE)
    assert killed.stdout.readline() == b"240\n"
    killed.kill()
    killed.communicate(timeout=60)
    (left,) = tmp_path.iterdir()
    assert left.name.startswith(".whetstone-") and holds_frames(left)
    with VideoReader(left) as reader:
        assert 150 <= len(list(reader.frames())) <= 240


@pytest.mark.parametrize("name", ["mp4", ".mp4", "a.gif"])
def test_a_name_without_the_ending_of_a_video_is_refused_at_once(tmp_path, name):
    with pytest.raises(BadOutput, match="does not say which kind of video"):
        Recorder(tmp_path / name, 30)
    assert os.listdir(tmp_path) == []
