"""What made a result: command, commit, package versions and machine, written beside every figure."""

import os
import platform
import subprocess
from datetime import datetime, timezone
from importlib import metadata
from pathlib import Path

from engine.hardware import cpu_name, fast_maths, usable_cores

_CHECKOUT = Path(__file__).resolve().parent.parent
_SETTINGS = ("ONEDNN_MAX_CPU_ISA", "DNNL_MAX_CPU_ISA")  # which instructions OpenVINO's kernels may use
_PACKAGES = (
    "torch",
    "numpy",
    "opencv-python-headless",
    "openvino",
    "onnxruntime",
    "pillow",
    "scikit-image",
    "av",
    "pyvirtualcam",
    "gradio",
)


def provenance(command):
    """A JSON-ready dict: the command line that makes the figure again, and all that it depends on beside its data."""
    told = " ".join(f"{name}={os.environ[name]}" for name in _SETTINGS if name in os.environ)
    return {
        "command": f"{told} {command}".lstrip(),
        "commit": commit(),
        "date": datetime.now(timezone.utc).strftime("%Y-%m-%d"),
        "machine": {
            "cpu": cpu_name(),
            "instructions": fast_maths(),
            "cores": usable_cores(),
            "system": f"{platform.system()} {platform.machine()}",
        }
        | ({"told": told} if told else {}),  # another machine, for who compares figures
        "versions": {"python": platform.python_version(), **_versions()},
    }


def commit():
    """The commit of this checkout; "unknown" outside one.

    "-dirty" behind it says that tracked files differ from it, those of assets/results aside: a figure written a moment
    ago changes nothing of what the next one measures.
    """
    head = _git("rev-parse", "--short=12", "HEAD")
    changed = _git("status", "--porcelain", "--untracked-files=no", "--", ".", ":!assets/results")
    if not head or changed is None:
        return "unknown"
    return head + "-dirty" if changed else head


def _git(*arguments):
    try:
        done = subprocess.run(["git", "-C", str(_CHECKOUT), *arguments], capture_output=True, text=True, timeout=10)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() if done.returncode == 0 else None


def _versions():
    found = {}
    for package in _PACKAGES:
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    return found
