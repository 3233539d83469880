"""The one plain student for a stated degradation, and its card's estimator, as files that run without Whetstone.

    onnx        NAME.onnx: ONNX Runtime, ONNX Runtime Web, OpenVINO
    openvino    NAME.xml and NAME.bin: OpenVINO IR

What goes in and comes out is said in engine.graph. Beside the graph a file holds, as ONNX metadata_props or as rt_info
below "whetstone" of an IR, words each: name, commit, weights_sha256 (the card's), precision, and of a student
degradation (JSON, or "any" of a blind one), stride, zero (the level that adds nothing), of an estimator vector.
No file is given out before it was run by its own runtime and found equal to the engine, which computes by the other.
"""

import json
import os
import tempfile
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np
from onnx import helper

from engine.assemble import assembled
from engine.atomic_write import already_there, write_atomically
from engine.backends import choose, choose_precision, installed
from engine.backends.signal_stack import kept_signal_stack
from engine.benchmark import frame
from engine.compiled import degradation_of, step_of
from engine.errors import BadOutput
from engine.estimate import TILE, Estimator
from engine.graph import estimator_model, onnx_model
from engine.pixels import ZERO, as_levels, student_input
from engine.provenance import commit
from engine.sharpener import Sharpener

ENDINGS = {"onnx": (".onnx",), "openvino": (".xml", ".bin")}  # the first is the one that is named
VECTOR = "blur / 2.5, ln(1 + noise) / 3, ln(1 + compression) / 3, (upscaling - 1) / 2"  # Degradation.vector()

# Sums in another order; 0.0006 grey levels and 0.000004 were seen between ONNX Runtime and OpenVINO.
LEVELS_APART = 0.01  # grey levels, any pixel in 32 bits
VECTORS_APART = 0.001  # any number that is measured
# In 8 bits an activation at the edge between two levels may go to either: a level on some pixels, more on almost none.
SHARE_A_LEVEL_APART = 0.1  # of the pixels, by one level or more
SHARE_FURTHER_APART = 0.001


@dataclass(frozen=True)
class Exported:
    """Files in memory: ending -> bytes; `words` says how close to the engine they came."""

    files: dict = field(repr=False)
    words: str


def exported_student(card, degradation, file_format="onnx", precision="float32"):
    """The student of a card as Exported: the one that a Sharpener takes for a degradation; a blind card has but one.

    file_format: of ENDINGS. Raises BadSetting (no 8 bits), UnknownBackend (no runtime for it), BadOutput (unequal).
    """
    choose_precision(card, "onnx", precision=precision)
    blind = card.config.experts == 1
    model = onnx_model(card if blind else assembled(card, degradation_of(step_of(degradation))), precision)
    told = {"degradation": "any" if blind else json.dumps(asdict(degradation)), "precision": precision}
    zero = ZERO if precision == "int8" else 0
    files, run = _made(model, file_format, _facts(card) | told | {"stride": card.config.stride, "zero": zero})
    other = other_runtime(file_format)
    apart = residuals_apart(card, degradation, precision, other, run)
    return Exported(files, agreement(apart, precision, other))


def residuals_apart(card, degradation, precision, other, run):
    """How far apart two residuals are, in grey levels, over pictures of two sizes: an array.

    run(pixels): (H, W, C) uint8 -> a file's residual; other: the engine's backend that it is compared with.
    """
    stride, apart = card.config.stride, []
    told = "auto" if card.config.experts == 1 else degradation
    with Sharpener(card, backend=other, degradation=told, precision=precision) as engine:
        for height, width in ((48 * stride, 80 * stride), (31 * stride, 9 * stride)):  # two: sizes are dynamic
            seen = student_input(frame(height, width), card.config.channels)
            apart.append(np.abs(as_levels(run(seen)) - as_levels(engine.residual(seen))).ravel())
    return np.concatenate(apart)


def exported_estimator(card, file_format="onnx"):
    """The estimator of a card with several experts as Exported. Raises BadSetting, UnknownBackend, BadOutput."""
    other = other_runtime(file_format)
    engine = Estimator(card, backend=other)
    try:
        facts = _facts(card) | {"precision": "float32", "vector": VECTOR}
        files, run = _made(estimator_model(card), file_format, facts)
        tile = student_input(frame(TILE, TILE), 1)
        apart = float(np.abs(run(tile) - engine.of_tiles([tile[:, :, 0]])).max())
    finally:
        engine.close()
    words = f"measures within {apart:.6f} of the engine by {other}, at most {VECTORS_APART} is allowed"
    return Exported(files, _accepted(apart <= VECTORS_APART, words))


def write_files(files, overwrite=False):
    """Path -> bytes, all or none. Raises BadOutput: one is there (without overwrite), folder missing, disk full."""
    for path in files:
        if not overwrite and os.path.lexists(path):
            raise BadOutput(already_there(path))
    written = []
    try:
        for path, data in files.items():
            write_atomically(path, data, overwrite=overwrite)
            written.append(path)
    except BaseException:
        for path in written:
            path.unlink()
        raise


def _facts(card):
    return {"name": card.name, "commit": commit(), "weights_sha256": card.weights_sha256}


def _made(model, file_format, facts):
    """({ending: bytes}, run): run(pixels) gives the first item of what these very bytes give in their own runtime."""
    choose(file_format)  # refuses what is not installed
    facts = {key: str(value) for key, value in facts.items()}
    if file_format == "onnx":
        helper.set_model_props(model, facts)
        session, model = onnx_runtime(model)
        data = model.SerializeToString()
        return {".onnx": data}, lambda pixels: session.run(None, {"pixels": pixels[None]})[0][0]
    return _made_ir(model, facts)


def onnx_runtime(model):
    """(a session of ONNX Runtime on the processor, the model that it holds). model: onnx.ModelProto."""
    import onnxruntime as ort

    from engine.backends.onnx import open_session

    options = ort.SessionOptions()
    options.log_severity_level = 3  # errors alone
    return open_session(model, options, "CPUExecutionProvider")


def _made_ir(model, facts):
    import openvino as ov

    core = ov.Core()
    core.set_property({"ENABLE_MMAP": False})  # Windows deletes no file that is mapped
    graph = core.read_model(model.SerializeToString())
    for key, value in facts.items():
        graph.set_rt_info(value, ["whetstone", key])
    with tempfile.TemporaryDirectory(prefix="whetstone-") as folder, kept_signal_stack():
        place = Path(folder) / "model.xml"
        ov.save_model(graph, place, compress_to_fp16=False)  # half precision strays 0.2 levels
        files = {ending: place.with_suffix(ending).read_bytes() for ending in ENDINGS["openvino"]}
        compiled = core.compile_model(core.read_model(place), "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    return files, lambda pixels: compiled({0: pixels[None]})[0][0]


def other_runtime(file_format):
    """The engine's backend that does not also run the file; where it is not installed, the same one."""
    other = "onnx" if file_format == "openvino" else "openvino"
    return other if installed(other) else choose(file_format)


def agreement(apart, precision, other):
    """How far apart the residuals are, in words; apart: absolute differences in grey levels."""
    if precision == "float32":
        words = f"within {apart.max():.5f} grey levels of the engine by {other}, at most {LEVELS_APART} is allowed"
        return _accepted(apart.max() <= LEVELS_APART, words)
    some, further = float(np.mean(apart > 0)), float(np.mean(apart > 1))
    words = (
        f"a level from the engine by {other} on {some:.2%} of the pixels and further on {further:.3%}, "
        f"at most {SHARE_A_LEVEL_APART:.0%} and {SHARE_FURTHER_APART:.1%} are allowed"
    )
    return _accepted(some <= SHARE_A_LEVEL_APART and further <= SHARE_FURTHER_APART, words)


def _accepted(close, words):
    if not close:
        raise BadOutput(
            f"the file is not what the engine computes, nothing is written ({words}); requirements.txt has the "
            "versions of ONNX Runtime and OpenVINO that agree"
        )
    return words
