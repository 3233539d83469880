"""A student with several experts as files that follow a stream without Whetstone: a browser mixes the experts itself.

    NAME-PRECISION.onnx    the plain student for an average picture, as engine.export makes it
    NAME-mixer.onnx        degradation in, the constants of the plain student out (engine.mixer_graph)
    NAME-estimator.onnx    what measures the degradation

As in engine.export no file is given out before it was run and found equal to the engine, for two degradations.
"""

import hashlib
from base64 import b64encode

import numpy as np
import onnx

from engine.compiled import degradation_of, step_of
from engine.degradation import TYPICAL, Degradation
from engine.errors import BadSetting
from engine.export import agreement, exported_estimator, exported_student, onnx_runtime, other_runtime, residuals_apart
from engine.mixer_graph import constant_places, mixer_model
from engine.pixels import ZERO

_ANOTHER = Degradation(blur=0.5, noise=3.0, compression=6.0, upscaling=1.0)  # far from TYPICAL: other experts


def mixed_files(card):
    """({name: bytes}, facts): the files of a card and what who runs them has to know (plain JSON values).

    Raises BadSetting for a card without experts of their own weights, UnknownBackend, BadOutput (unequal).
    """
    config = card.config
    if config.experts == 1 or config.mixed != "weights":
        raise BadSetting(f"student {card.name!r} has no experts with weights of their own; choose nano or small")
    precisions = ("float32", "int8") if config.quantised else ("float32",)
    mixer = mixer_model(card, precisions)
    files = {
        f"{card.name}-mixer.onnx": mixer.SerializeToString(),
        f"{card.name}-estimator.onnx": exported_estimator(card).files[".onnx"],
    }
    mix, _mixer = onnx_runtime(mixer)
    given = [output.name for output in mixer.graph.output]
    plain = {}
    for precision in precisions:
        data = exported_student(card, TYPICAL, precision=precision).files[".onnx"]
        prefix = f"{precision}/"
        names = {name.removeprefix(prefix) for name in given if name.startswith(prefix)}
        places = constant_places(onnx.load_from_string(data), names)
        if set(places) != names:
            raise RuntimeError(f"the plain student lacks {sorted(names - set(places))}")
        for degradation in (TYPICAL, _ANOTHER):
            told = np.array([degradation_of(step_of(degradation)).vector()], np.float32)  # as the engine takes it
            made = dict(zip(given, mix.run(None, {"degradation": told})))
            numbers = {name: made[prefix + name] for name in names}
            _check(card, degradation, precision, filled(data, places, numbers))
        name = f"{card.name}-{precision}.onnx"
        files[name] = data
        plain[precision] = {"file": name, "zero": ZERO if precision == "int8" else 0, "places": places}
    facts = {
        "name": card.name,
        "parameters": card.parameters,
        "weights_sha256": card.weights_sha256,
        "stride": config.stride,
        "reach": config.reach,
        "mixer": f"{card.name}-mixer.onnx",
        "estimator": f"{card.name}-estimator.onnx",
        "plain": plain,
        "integrity": {name: integrity(data) for name, data in files.items()},
    }
    return files, facts


def filled(data, places, numbers):
    """The file with other constants. places: name -> (offset, length); numbers: name -> array."""
    changed = bytearray(data)
    for name, (offset, length) in places.items():
        packed = np.ascontiguousarray(numbers[name]).tobytes()
        if len(packed) != length:
            raise RuntimeError(f"{name} has {len(packed)} bytes, its place {length}")
        changed[offset : offset + length] = packed
    return bytes(changed)


def integrity(data):
    """The hash of a file as browsers check it (Subresource Integrity, W3C)."""
    return "sha384-" + b64encode(hashlib.sha384(data).digest()).decode()


def _check(card, degradation, precision, data):
    other = other_runtime("onnx")
    session, _model = onnx_runtime(onnx.load_from_string(data))
    apart = residuals_apart(
        card, degradation, precision, other, lambda seen: session.run(None, {"pixels": seen[None]})[0][0]
    )
    agreement(apart, precision, other)
