"""ONNX Runtime: the exchange format's own engine, for processors without OpenVINO."""

import os

import onnxruntime as ort
from onnxruntime.capi.onnxruntime_pybind11_state import NotImplemented

from engine.errors import UnknownBackend
from engine.graph import moving_floats, onnx_model
from engine.hardware import usable_cores

_PROVIDERS = {
    "auto": "CPUExecutionProvider",
    "cpu": "CPUExecutionProvider",
    "directml": "DmlExecutionProvider",
    "coreml": "CoreMLExecutionProvider",
}


def device_named(device):
    """The device, "cpu" for "auto". Raises UnknownBackend when ONNX Runtime has none such here."""
    if _PROVIDERS.get(device) not in ort.get_available_providers():
        raise UnknownBackend(
            f"ONNX Runtime has no device {device!r} here; it has: {', '.join(ort.get_available_providers())}"
        )
    return device if device != "auto" else "cpu"


def open_session(model, options, provider):
    """(ort.InferenceSession, the model that it holds): moving_floats(model) where this runtime has no other moves."""
    try:
        return ort.InferenceSession(model.SerializeToString(), options, providers=[provider]), model
    except NotImplemented:  # 1.23, the last for Python 3.10 and for Macs with an Intel processor
        model = moving_floats(model)
        return ort.InferenceSession(model.SerializeToString(), options, providers=[provider]), model


class OnnxGraph:
    """An ONNX model in ONNX Runtime. device: "auto" or "cpu", "directml", "coreml".

    wait_busily: whether its threads stay awake for a while after a run, which slows down another library that is next.
    """

    def __init__(self, model, device="auto", threads=None, wait_busily=True):
        self.device = device_named(device)
        options = ort.SessionOptions()
        options.log_severity_level = 3  # errors alone
        if not wait_busily:
            options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        if threads is not None or usable_cores() < (os.cpu_count() or 1):  # a container's share of the machine
            options.intra_op_num_threads = threads or usable_cores()
        self._session, _model = open_session(model, options, _PROVIDERS[device])

    def run(self, pixels):
        """pixels: (H, W, C) uint8. Returns the first and only item of what the model gives."""
        return self._session.run(None, {"pixels": pixels[None]})[0][0]

    def close(self):
        del self._session


class OnnxBackend(OnnxGraph):
    """A card's student in ONNX Runtime."""

    sharpens = False
    kept = 1  # compiling takes 15 ms, and what a session has allocated it never gives back

    def __init__(self, card, device="auto", threads=None, precision="float32"):
        super().__init__(onnx_model(card, precision), device, threads)

    def residual(self, pixels):
        return self.run(pixels)

    def rest(self):
        """Nothing to give back."""
