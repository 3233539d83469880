"""A real disk that is soon full."""

import contextlib
import subprocess

import pytest


@contextlib.contextmanager
def small_disk(folder, kilobytes=64):
    """A new tmpfs of so many kilobytes at folder; skips the test where this user may not mount one."""
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", f"size={kilobytes}k", "tmpfs", folder]
    mounted = subprocess.run(command, capture_output=True, text=True)
    if mounted.returncode:
        pytest.skip(f"needs root's right to mount a small disk ({mounted.stderr.strip()})")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", folder], check=True)  # a file there may still be open
