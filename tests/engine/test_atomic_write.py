"""A long file that a library writes is whole or not there, also when Ctrl-C falls between any two steps."""

import gc
import os
import subprocess
import sys
from fractions import Fraction
from pathlib import Path

import pytest

from engine import atomic_write
from engine.atomic_write import Beside
from engine.video import writer
from engine.video.writer import VideoWriter

ROOT = Path(__file__).resolve().parents[2]
FILES = {atomic_write.__file__, writer.__file__}


def interrupted(make, number):
    """Whether make() was interrupted: KeyboardInterrupt before line number `number` of those that FILES run."""
    lines = 0

    def on_line(frame, event, _):
        nonlocal lines
        if event == "line":
            lines += 1
            if lines == number:
                raise KeyboardInterrupt
        return on_line

    def on_call(frame, event, _):
        inside = frame.f_code.co_filename in FILES and frame.f_code.co_name != "_unlink"  # the cleaning itself
        return on_line if inside else None

    sys.settrace(on_call)
    try:
        make()
    except KeyboardInterrupt:
        return True
    finally:
        sys.settrace(None)
    return False


def test_ctrl_c_between_any_two_steps_of_opening_a_video_leaves_nothing(tmp_path):
    def make():
        VideoWriter(tmp_path / "a.mp4", height=32, width=48, rate=Fraction(30), time_base=Fraction(1, 30))

    number = 1
    while interrupted(make, number):
        gc.collect()
        assert os.listdir(tmp_path) == [], f"at step {number}"
        number += 1
    assert number > 10


def test_a_place_that_is_kept_stays_when_its_object_goes(tmp_path):
    place = Beside(tmp_path / "a.bin")
    place.temporary.write_bytes(b"whole")
    place.keep()
    place.discard()
    del place
    gc.collect()
    assert (tmp_path / "a.bin").read_bytes() == b"whole" and os.listdir(tmp_path) == ["a.bin"]


@pytest.mark.parametrize("end", ["raise KeyboardInterrupt", "raise SystemExit(3)", "pass"])
def test_a_process_that_ends_takes_what_it_did_not_keep(tmp_path, end):
    code = f"import sys\nfrom engine.atomic_write import Beside\nplace = Beside(sys.argv[1])\n{end}"
    subprocess.run([sys.executable, "-c", code, tmp_path / "a.bin"], cwd=ROOT, capture_output=True)
    assert os.listdir(tmp_path) == []
