"""Sharpening opens no connection: neither ours nor a library's."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

# OpenVINO's telemetry asks for CI and stays silent there; it must be silent everywhere
PROGRAM = """
import os, socket, sys, time
for name in ("CI", "TF_BUILD", "JENKINS_URL"):
    os.environ.pop(name, None)
def refuse(*args, **kwargs):
    print("CONNECTED", args, flush=True)
    raise OSError("no network in this test")
socket.socket.connect = socket.create_connection = socket.getaddrinfo = refuse
import numpy as np
from engine import Sharpener
for backend in ("openvino", "onnx"):
    Sharpener("nano", backend=backend)(np.zeros((8, 8, 3), np.uint8))
assert "openvino" in sys.modules
time.sleep(1)
print("MODULES", sorted(name for name in sys.modules if "openvino_telemetry." in name))
"""


def test_no_library_calls_home():
    done = subprocess.run([sys.executable, "-c", PROGRAM], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == ["MODULES []"]
