"""Processor threads: as many as this process may use, also with fewer cores than the machine has; sessions share."""

import subprocess
import sys
from pathlib import Path

import pytest

from engine.backends import installed
from engine.hardware import usable_cores
from tests.measure.sharing import Session, at_once

ROOT = Path(__file__).resolve().parents[2]
STARTED = """
import os, sys
if sys.argv[2] == "one core":
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
from engine.benchmark import frame
from engine.sharpener import Sharpener
before = len(os.listdir("/proc/self/task"))
Sharpener("nano", backend=sys.argv[1])(frame(480, 640))
print(len(os.listdir("/proc/self/task")) - before)
"""


def threads_started(backend, cores):
    """How many threads the libraries have started for a frame; some of them only help and sleep."""
    command = [sys.executable, "-c", STARTED, backend, cores]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    return int(done.stdout.splitlines()[-1])


@pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="only Linux lists a process's threads there")
@pytest.mark.skipif(usable_cores() < 2, reason="one core: nothing to leave out")
@pytest.mark.parametrize("backend", [name for name in ("openvino", "onnx") if installed(name)])
def test_a_process_bound_to_one_core_starts_fewer_threads(backend):
    assert threads_started(backend, "one core") <= threads_started(backend, "all") - usable_cores() + 1


@pytest.mark.slow
def test_two_sessions_get_about_as_many_frames_each_and_as_many_as_one_together():
    # at 480p (3 ms a frame) one of them gets a third to a half of the frames in a second, probably as OpenVINO's one
    # helper thread on two cores stays with the other; at 720p it goes round (guide/results.md has both)
    sessions = [Session("nano", "720p") for _ in range(2)]
    alone, together = [], []
    for _ in range(3):
        alone += at_once(sessions[:1], 1)
        together.append(at_once(sessions, 1))
    assert max(min(rates) / sum(rates) for rates in together) > 0.35
    assert max(map(sum, together)) > 0.6 * max(alone)
    for session in sessions:
        session.close()
