"""Whetstone's engine: pictures in, sharper pictures out.

    from engine import Sharpener
    sharp = Sharpener("small")(pixels, strength=1.0)   # (H, W, 3) uint8 RGB in and out

Names are loaded on first use, so that importing the package costs nothing and `--help` needs no library.
"""

import sys
from importlib import import_module

# Importing OpenVINO reports to Google Analytics unless this package of it cannot be imported; None makes it so.
sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]

_HOME = {
    "Sharpener": "engine.sharpener",
    "Degradation": "engine.degradation",
    "Estimator": "engine.estimate",
    "measure": "engine.estimate",
    "Picture": "engine.images",
    "read_picture": "engine.images",
    "write_picture": "engine.images",
    "StudentConfig": "engine.students",
    "ReportConfig": "engine.students",
    "load_card": "engine.cards",
    "model_names": "engine.cards",
    "WhetstoneError": "engine.errors",
}
__all__ = list(_HOME)


def __getattr__(name):
    if name not in _HOME:
        raise AttributeError(f"module 'engine' has no attribute {name!r}")
    return getattr(import_module(_HOME[name]), name)
