"""What this machine has for Whetstone: collects findings, each with the exact fix when something lacks.

Nothing here raises because a thing is missing: a missing package, driver, model or file is a finding.
"""

import os
import platform
import shutil
import socket
import sys
import tempfile
import time
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from engine.hardware import cpu_name, fast_maths, memory_bytes, nvidia_gpus, pci_display_vendors, usable_cores

ROOT = Path(__file__).resolve().parent.parent
OK, NOTE, PROBLEM = "ok", "note", "problem"
GIB = 2**30
INSTALL = "`python launch.py` installs it"
PORT = 7860  # the page's


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at. status: OK, NOTE (works, could be better) or PROBLEM (something will not work)."""

    text: str
    status: str = OK
    fix: str = ""


def note(text, fix):
    """Something that could be better, and how."""
    return Finding(text, NOTE, fix)


def problem(text, fix):
    """Something that does not work, and what mends it."""
    return Finding(text, PROBLEM, fix)


def examine():
    """topic -> findings, in the order in which a person wants to read them."""
    return {topic: list(_survive(look)) for topic, look in TOPICS.items()}


def _survive(look):
    try:
        yield from look()
    except ImportError as error:
        yield problem(f"needs {error.name}, which is not installed or broken ({error})", INSTALL)
    except Exception as error:  # a broken driver or library must not hide the other findings
        yield problem(f"could not be examined: {type(error).__name__}: {error}", "mend or reinstall it")


def _python():
    yield Finding(f"Python {platform.python_version()} at {sys.executable}, {platform.platform()}")
    if not (3, 10) <= sys.version_info[:2] <= (3, 13):
        yield note("Whetstone is tested with Python 3.10 to 3.13", "start launch.py with Python 3.12")


def _processor():
    cores, all_cores = usable_cores(), os.cpu_count()
    limit = "" if cores == all_cores else f" of {all_cores} (affinity or container quota)"
    yield Finding(f"{cpu_name()}, {cores} {'core' if cores == 1 else 'cores'} usable{limit}")
    found = fast_maths()
    if found is None:
        yield Finding(f"instruction sets are not told on {platform.system()}")
        return
    yield Finding("has " + (", ".join(found) or "no fast maths known here"))
    if platform.machine() in ("x86_64", "AMD64") and "AVX2" not in found:
        yield note(
            "AVX2 is missing, students run several times slower", "in a virtual machine pass the host's CPU through"
        )


def _memory():
    total, free = memory_bytes()
    if total is None:
        yield Finding(f"memory is not told on {platform.system()}")
        return
    yield Finding(f"{total / GIB:.1f} GiB" + (f", {free / GIB:.1f} GiB free" if free is not None else ""))
    if (free if free is not None else total) < GIB:
        yield note("less than 1 GiB is free; a 50-megapixel picture needs up to 1.5 GiB", "close other programs")


def _graphics():
    nvidia = nvidia_gpus()
    for line in nvidia:
        yield Finding(line)
    vendors = pci_display_vendors()
    if "NVIDIA" in vendors and not nvidia:
        yield note("an NVIDIA GPU without a working driver", "install NVIDIA's driver until `nvidia-smi` lists the GPU")
    for vendor in vendors:
        if vendor != "NVIDIA":
            yield Finding(f"{vendor} GPU")
    if sys.platform == "darwin" and platform.machine() == "arm64":
        yield Finding("Apple GPU, through torch (mps)")
    elif not nvidia and not vendors:
        yield Finding("no GPU found; the processor does the work")


def _packages():
    for name in ("numpy", "opencv-python-headless", "pillow", "safetensors", "onnx", "av", "gradio"):
        version = _version(name)
        yield Finding(f"{name} {version}") if version else problem(f"{name} is not installed", INSTALL)


def _openvino():
    if not _version("openvino"):
        yield note(
            "not installed", "`pip install openvino`, the fastest engine on processors (none for ARM Linux, Intel Macs)"
        )
        return
    from openvino import Core

    from engine.backends.signal_stack import kept_signal_stack

    with kept_signal_stack():
        core = Core()
        devices = {name: core.get_property(name, "FULL_DEVICE_NAME") for name in core.available_devices}
    yield Finding(f"{_version('openvino')}: " + ", ".join(f"{name} ({full.strip()})" for name, full in devices.items()))
    if "Intel" in pci_display_vendors() and not any(name.startswith("GPU") for name in devices):
        fix = "install Intel's compute runtime (Debian: `sudo apt install intel-opencl-icd`), join group render"
        yield note("the Intel GPU is not offered", fix)


def _onnxruntime():
    if not _version("onnxruntime"):
        yield note("not installed", INSTALL)
        return
    import onnxruntime

    providers = [name.removesuffix("ExecutionProvider") for name in onnxruntime.get_available_providers()]
    yield Finding(f"{onnxruntime.__version__}: " + ", ".join(providers))


def _torch():
    version, nvidia = _version("torch"), nvidia_gpus()
    if not version:
        if nvidia:
            yield note("not installed, so the NVIDIA GPU is not used", "`python launch.py --torch` (several GB, once)")
        else:
            yield Finding(
                "not installed; only training, evaluation and GPUs need it (`python launch.py train` installs it)"
            )
        return
    import torch

    devices = [f"cuda:{index} ({torch.cuda.get_device_name(index)})" for index in range(torch.cuda.device_count())]
    devices += ["mps"] if torch.backends.mps.is_available() else []
    yield Finding(f"{version}: " + ", ".join([*devices, "cpu"]))
    if nvidia and not torch.cuda.is_available():
        if torch.version.cuda is None:
            install = f"`{sys.executable} -m pip install --force-reinstall torch=={version.split('+')[0]}`"
            yield note(
                "this build has no CUDA, the NVIDIA GPU is not used", f"{install} with the CUDA index of PyTorch's page"
            )
        else:
            yield note(
                f"CUDA {torch.version.cuda} does not start", "update the NVIDIA driver to one for this CUDA version"
            )


def _models():
    from engine.cards import MODELS_DIR, load_card, model_names
    from engine.errors import WhetstoneError

    again = f"`git -C {ROOT} checkout -- assets/models` brings the shipped ones back"
    names = sorted({*model_names(MODELS_DIR), *(path.stem for path in MODELS_DIR.glob("*.json"))})
    if not names:
        yield problem(f"none in {MODELS_DIR}", again)
    for name in names:
        try:
            card = load_card(name, MODELS_DIR)
        except WhetstoneError as error:
            yield problem(str(error), again)
            continue
        yield Finding(f"{name}: {card.parameters:,} parameters, weights and hash as the card says")


def _choice():
    """Sharpens a small picture as the page would, which is the only proof that it works."""
    import numpy as np

    from engine.errors import WhetstoneError
    from engine.sharpener import Sharpener

    try:
        with Sharpener() as sharpen:
            pixels = np.full((720, 1280, 3), 128, np.uint8)
            sharpen(pixels)  # the first call allocates
            started_at = time.perf_counter()
            sharpen(pixels)
            took_ms = 1000 * (time.perf_counter() - started_at)
            engine = f"{sharpen.backend_name} on {sharpen.device}"
    except WhetstoneError as error:
        yield problem(str(error), "see above")
        return
    yield Finding(f"auto takes {engine}; {sharpen.name!r} sharpened a 1280x720 picture in {took_ms:.0f} ms")


def _cameras():
    from engine.live import examine

    return examine.cameras()


def _virtual_camera():
    from engine.live import examine

    return examine.virtual_camera()


def _disk():
    for label, folder in (("Whetstone's folder", ROOT), ("temporary folder", Path(tempfile.gettempdir()))):
        free = shutil.disk_usage(folder).free
        text = f"{label} {folder}: {free / GIB:.1f} GiB free"
        yield Finding(text) if free > 2 * GIB else note(text, "free some space: an install needs 2 GiB")
    try:
        with tempfile.NamedTemporaryFile(prefix="whetstone-") as file:
            file.write(b"\0" * 2**16)
            file.flush()
    except OSError as error:
        yield problem(f"the temporary folder cannot be written ({error.strerror})", "set TMPDIR to a folder that can")


def _port():
    with socket.socket() as probe:
        if os.name != "nt":  # there it would let two servers share the port
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", PORT))
        except OSError as error:
            fix = f"stop what uses it (perhaps another Whetstone), or `python launch.py --port {PORT + 1}`"
            yield note(f"127.0.0.1:{PORT} cannot be used ({error.strerror})", fix)
            return
    yield Finding(f"127.0.0.1:{PORT} is free for the page")


def _version(package):
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


TOPICS = {
    "Python": _python,
    "Processor": _processor,
    "Memory": _memory,
    "Graphics": _graphics,
    "Packages": _packages,
    "OpenVINO": _openvino,
    "ONNX Runtime": _onnxruntime,
    "torch": _torch,
    "Models": _models,
    "Choice": _choice,
    "Cameras": _cameras,
    "Virtual cam": _virtual_camera,
    "Disk": _disk,
    "Port": _port,
}
