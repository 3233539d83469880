"""The virtual machine itself: it ends in time, says what went wrong in it, and leaves nothing behind."""

import os
import time
from pathlib import Path

import pytest

from tests.driver.machine import MachineFailed, run_inside
from tests.driver.parts import prepared

pytestmark = pytest.mark.driver


def running_machines():
    """Process numbers of the QEMUs that this process has started."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            name, fields = stat.read_text().split("(", 1)[1].rsplit(")", 1)
        except OSError:  # it has ended meanwhile
            continue
        if name.startswith("qemu") and int(fields.split()[1]) == os.getpid():
            found.append(int(stat.parent.name))
    return found


def test_a_machine_that_takes_too_long_is_ended():
    parts = prepared()
    began = time.monotonic()
    with pytest.raises(MachineFailed, match="did not end within 2 s"):
        run_inside(parts, "tests.driver.probe", timeout_s=2)
    assert time.monotonic() - began < 20
    assert running_machines() == []


def test_a_program_that_fails_is_reported_with_what_it_said():
    with pytest.raises(MachineFailed, match="No module named tests.driver.nowhere"):
        run_inside(prepared(), "tests.driver.nowhere", timeout_s=300)
    assert running_machines() == []
