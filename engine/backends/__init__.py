"""The inference engines behind one protocol, and the choice between them. Each file here wraps one library."""

from importlib import import_module, util
from typing import Protocol

import numpy as np

from engine.errors import BadSetting, UnknownBackend


class Backend(Protocol):
    """A compiled student. Calls come from one thread at a time."""

    device: str  # where it runs, in the library's own word: "CPU", "cuda:0", ...
    sharpens: bool  # whether it has sharpened(pixels, strength), the whole way of a frame on its own device
    kept: int  # how many compiled students are worth their memory; another one takes the place of the oldest

    def residual(self, pixels: np.ndarray) -> np.ndarray:
        """pixels: (H, W, C) uint8, C the student's channels, H and W multiples of its stride, contiguous.

        Returns (H, W, C) float32, what to add in grey levels at strength 1, or, of a student in 8 bits, uint8 with
        engine.pixels.ZERO for nothing; valid until the next call.
        """
        ...

    def rest(self) -> None:
        """Give back working memory, as another student has its turn; the next call takes it again."""
        ...

    def close(self) -> None:
        """Free what the library holds; the backend is not used after it."""
        ...


# name -> (module, class, the package that must be installed)
BACKENDS = {
    "openvino": ("engine.backends.openvino", "OpenVinoBackend", "openvino"),
    "onnx": ("engine.backends.onnx", "OnnxBackend", "onnxruntime"),
    "torch": ("engine.backends.torch", "TorchBackend", "torch"),
}


PRECISIONS = ("auto", "float32", "int8")


def installed(name):
    """Whether the library of a backend is there to be imported."""
    return util.find_spec(BACKENDS[name][2]) is not None


def choose(backend="auto", device="auto"):
    """The backend to use for a request: what was asked for, or CUDA through torch, else OpenVINO, else ONNX Runtime.

    Raises UnknownBackend for a name that is none, or whose library is not installed.
    """
    if backend == "auto":
        if device not in ("auto", "cpu"):
            wanted = "torch" if device.split(":")[0] in ("cuda", "mps") else "openvino"
            return choose(wanted)
        if device == "auto" and installed("torch") and _cuda_available():
            return "torch"
        for name in ("openvino", "onnx", "torch"):
            if installed(name):
                return name
        raise UnknownBackend("no inference engine is installed; `pip install openvino` gives one")
    if backend not in BACKENDS:
        raise UnknownBackend(f"backend {backend!r} is not one of auto, {', '.join(BACKENDS)}")
    if not installed(backend):
        raise UnknownBackend(
            f"backend {backend!r} needs a package that is not installed; `pip install {BACKENDS[backend][2]}`"
        )
    return backend


def preload(backend="auto"):
    """Import the libraries of a student and of an estimator, so that what they take afterwards is theirs alone."""
    for name, (module, *_) in BACKENDS.items():
        if name in (backend, "openvino", "onnx") and installed(name):
            import_module(module)


def open_backend(card, backend="auto", device="auto", threads=None, precision="auto"):
    """(name, compiled student) for a plain card. threads: processor threads to use, None for the library's own choice.

    precision: as choose_precision. Raises UnknownBackend, also when the backend has no such device; BadSetting.
    """
    name = choose(backend, device)
    module, kind, _ = BACKENDS[name]
    return name, getattr(import_module(module), kind)(
        card, device, threads, choose_precision(card, name, device, precision)
    )


def device_of(backend, device="auto"):
    """A backend's word for a device, without compiling anything. Raises UnknownBackend when there is none such."""
    return import_module(BACKENDS[backend][0]).device_named(device)


def choose_precision(card, backend, device="auto", precision="auto"):
    """ "int8" or "float32" for a card on a backend (a name in BACKENDS) and device.

    "auto" takes 8 bits where the card was trained for them and a processor does the work, as it saves almost half the
    time there. Raises BadSetting for what cannot be.
    """
    if precision not in PRECISIONS:
        raise BadSetting(f"precision must be one of {', '.join(PRECISIONS)}, not {precision!r}")
    on_processor = backend in ("openvino", "onnx") and device in ("auto", "cpu")
    if precision == "int8" and not (card.config.quantised and on_processor):
        reason = (
            "backend and device compute in no 8 bits" if card.config.quantised else f"{card.name!r} has no 8-bit form"
        )
        raise BadSetting(f"precision 'int8' is not to be had: {reason}; leave it out, or say float32")
    if precision == "auto":
        return "int8" if card.config.quantised and on_processor else "float32"
    return precision


def open_estimator(model, backend="auto", threads=None):
    """An estimator's ONNX model compiled for the processor: `run(pixels)`, `close()`.

    By ONNX Runtime where it is installed, as it takes 4 ms where OpenVINO takes 10 (384 x 384 pixels, one core); else,
    or when asked for, by OpenVINO. Raises UnknownBackend.
    """
    if backend == "auto" or choose(backend) not in ("onnx", "openvino"):  # only these two run it
        backend = next((name for name in ("onnx", "openvino") if installed(name)), "onnx")
    module, _, _ = BACKENDS[choose(backend)]
    if backend == "onnx":
        return import_module(module).OnnxGraph(model, "cpu", threads, wait_busily=False)
    return import_module(module).OpenVinoGraph(model, "cpu", threads)


def _cuda_available():
    """Looks for a driver before importing torch, which takes seconds."""
    try:
        has_driver = util.find_spec("torch") is not None and _driver_present()
    except (ImportError, ValueError):
        return False
    return has_driver and import_module("torch").cuda.is_available()


def _driver_present():
    import ctypes

    for library in ("libcuda.so.1", "nvcuda.dll"):
        try:
            ctypes.CDLL(library)
            return True
        except OSError:
            continue
    return False
