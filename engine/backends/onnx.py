"""ONNX Runtime: the exchange format's own engine, for processors without OpenVINO."""

import onnxruntime as ort

from engine.errors import UnknownBackend
from engine.graph import onnx_model

_PROVIDERS = {
    "auto": "CPUExecutionProvider",
    "cpu": "CPUExecutionProvider",
    "directml": "DmlExecutionProvider",
    "coreml": "CoreMLExecutionProvider",
}


class OnnxBackend:
    """A card's student in ONNX Runtime. device: "auto" or "cpu", "directml", "coreml"."""

    def __init__(self, card, device="auto", threads=None):
        provider = _PROVIDERS.get(device)
        if provider not in ort.get_available_providers():
            raise UnknownBackend(
                f"ONNX Runtime has no device {device!r} here; it has: {', '.join(ort.get_available_providers())}"
            )
        self.device = device if device != "auto" else "cpu"
        options = ort.SessionOptions()
        options.log_severity_level = 3  # errors alone
        if threads is not None:
            options.intra_op_num_threads = threads
        self._session = ort.InferenceSession(onnx_model(card).SerializeToString(), options, providers=[provider])

    def residual(self, pixels):
        return self._session.run(None, {"pixels": pixels[None]})[0][0]

    def close(self):
        del self._session
