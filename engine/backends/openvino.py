"""OpenVINO: the default on processors, and Intel's GPUs and NPUs."""

import os
from functools import cache

import numpy as np
import openvino as ov

from engine.backends.signal_stack import kept_signal_stack
from engine.errors import UnknownBackend
from engine.graph import onnx_model
from engine.hardware import usable_cores


def device_named(device):
    """OpenVINO's own word for a device. Raises UnknownBackend when this machine has none such."""
    if device in ("auto", "cpu"):
        return "CPU"  # always there; asking would load the plugins of all other devices
    name = device.upper()
    with kept_signal_stack():  # this loads its plugins
        available = _core().available_devices
    if name.split(".")[0] not in {one.split(".")[0] for one in available}:
        raise UnknownBackend(f"OpenVINO has no device {device!r} on this machine; it has: {', '.join(available)}")
    return name


@cache
def _core():
    return ov.Core()


class OpenVinoGraph:
    """An ONNX model compiled by OpenVINO. device: "auto" or "cpu", else OpenVINO's name ("GPU", "NPU")."""

    def __init__(self, model, device="auto", threads=None):
        with kept_signal_stack():
            self._open(model, device, threads)

    def _open(self, model, device, threads):
        self.device, core = device_named(device), _core()
        settings = {"PERFORMANCE_HINT": "LATENCY", "INFERENCE_PRECISION_HINT": "f32"}  # bf16 strays 2 levels
        if self.device == "CPU":
            # kernels are kept for each picture size: unbounded, 2,300 sizes took 600 MB; these serve some eight sizes
            settings["CPU_RUNTIME_CACHE_CAPACITY"] = "64"
            if threads is not None or usable_cores() < (os.cpu_count() or 1):  # a container's share of the machine
                settings["INFERENCE_NUM_THREADS"] = threads or usable_cores()
        self._compiled = core.compile_model(core.read_model(model.SerializeToString()), self.device, settings)
        self._request = self._compiled.create_infer_request()

    def run(self, pixels):
        """pixels: (H, W, C) uint8. Returns the first and only item of what the model gives, valid until the next."""
        self._request.infer({0: pixels[None]}, share_inputs=True, share_outputs=True)
        return np.asarray(self._request.get_output_tensor().data)[0]

    def close(self):
        del self._request, self._compiled


class OpenVinoBackend(OpenVinoGraph):
    """A card's student compiled by OpenVINO."""

    sharpens = False
    kept = 8  # compiling takes a third of the time of a 720p picture

    def __init__(self, card, device="auto", threads=None, precision="float32"):
        super().__init__(onnx_model(card, precision), device, threads)

    def residual(self, pixels):
        return self.run(pixels)

    def rest(self):
        self._compiled.release_memory()
