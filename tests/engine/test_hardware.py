"""What the hardware tells, and memory that goes back to the system."""

import platform
import subprocess
import sys

import pytest

CHUNKS = """
from engine.hardware import give_back_memory, process_memory_bytes
chunks = [bytes(60_000) for _ in range(1000)]
full = process_memory_bytes()
last = chunks[-1]  # the C library gives back what lies behind it alone
del chunks
kept = process_memory_bytes()
give_back_memory()
print(full - kept, kept - process_memory_bytes())
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="the C library is not glibc: nothing is done")
def test_freed_memory_goes_back_to_the_system():
    done = subprocess.run([sys.executable, "-c", CHUNKS], capture_output=True, text=True, check=True)
    by_itself, given_back = map(int, done.stdout.split())
    assert by_itself < 10e6 and given_back > 30e6
