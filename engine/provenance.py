"""What made a result: command, commit, package versions and machine, written beside every figure."""

import platform
import subprocess
from datetime import datetime, timezone
from importlib import metadata
from pathlib import Path

from engine.hardware import cpu_name, usable_cores

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
    return {
        "command": command,
        "commit": commit(),
        "date": datetime.now(timezone.utc).strftime("%Y-%m-%d"),
        "machine": {"cpu": cpu_name(), "cores": usable_cores(), "system": f"{platform.system()} {platform.machine()}"},
        "versions": {"python": platform.python_version(), **_versions()},
    }


def commit():
    """The commit of this checkout, "-dirty" when tracked files differ from it; "unknown" outside a checkout."""
    root = Path(__file__).resolve().parent.parent
    command = ["git", "-C", str(root), "describe", "--always", "--dirty", "--abbrev=12", "--exclude=*"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=10)
    except (OSError, subprocess.TimeoutExpired):
        return "unknown"
    return done.stdout.strip() or "unknown"


def _versions():
    found = {}
    for package in _PACKAGES:
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    return found
