"""RRDB networks as their authors publish them: ESRGAN's, BSRGAN's and Real-ESRGAN's names of the same tensors.

ours, Real-ESRGAN   BSRGAN, ESRGAN since 2019           ESRGAN of 2018, most community models
conv_first          conv_first                          model.0
body.0.rdb1.conv1   RRDB_trunk.0.RDB1.conv1             model.1.sub.0.RDB1.conv1.0
conv_body           trunk_conv                          model.1.sub.BLOCKS
conv_up1, conv_up2  upconv1, upconv2                    model.3, model.6
conv_hr, conv_last  HRconv, conv_last                   the last two
"""

import hashlib
import io
import math
import re

import torch
from safetensors.torch import load as load_safetensors

from distill.rrdb import RRDBConfig, RRDBNet
from engine.errors import BadCard, BadSetting, UnknownModel

SUFFIXES = (".pth", ".pt", ".ckpt", ".safetensors")
_WRAPPERS = ("params_ema", "params", "state_dict", "model_state_dict", "model", "net")  # best weights first


def read_weights(path):
    """(name -> tensor on the CPU, SHA-256 of the file). Nothing in the file is run.

    Raises UnknownModel when there is no file, BadCard when it is damaged or holds anything but weights.
    """
    try:
        packed = path.read_bytes()
    except FileNotFoundError:
        raise UnknownModel(f"there is no weights file at {str(path)!r}; give the path of one, or of a card") from None
    except OSError as error:
        raise BadCard(f"weights file {str(path)!r} cannot be read: {error.strerror}; give another") from None
    refusal = BadCard(
        f"weights file {str(path)!r} is damaged, or holds Python objects besides weights, which are never loaded; "
        "take it again from where it came, as a plain state dict"
    )
    try:
        if path.suffix == ".safetensors":
            state = load_safetensors(packed)
        else:
            state = torch.load(io.BytesIO(packed), map_location="cpu", weights_only=True)
    except Exception as error:  # a broken file breaks its parser anywhere; the cause stays attached
        raise refusal from error
    for wrapper in _WRAPPERS:
        if isinstance(state, dict) and isinstance(state.get(wrapper), dict):
            state = state[wrapper]
            break
    if not isinstance(state, dict) or not state:
        raise refusal
    if not all(isinstance(name, str) and isinstance(tensor, torch.Tensor) for name, tensor in state.items()):
        raise refusal
    if not all(torch.isfinite(tensor).all() for tensor in state.values()):
        raise BadCard(f"weights file {str(path)!r} holds numbers that are not finite; take it again from its source")
    return {name.removeprefix("module."): tensor for name, tensor in state.items()}, hashlib.sha256(packed).hexdigest()


def rrdb_from_state(state):
    """The RRDBNet of weights in any of the three layouts, or None when they are of another network."""
    last_layers = _last_layers(state)
    weights = {_our_name(name, last_layers): tensor.float() for name, tensor in state.items()}
    first, dense = weights.get("conv_first.weight"), weights.get("body.0.rdb1.conv1.weight")
    if first is None or dense is None or first.dim() != 4 or dense.dim() != 4:
        return None
    doublings = sum(re.fullmatch(r"conv_up\d\.weight", name) is not None for name in weights)
    shuffle = math.isqrt(first.shape[1] // 3)
    blocks = {name.split(".")[1] for name in weights if name.startswith("body.")}
    try:
        config = RRDBConfig(2**doublings // shuffle, shuffle, first.shape[0], dense.shape[0], len(blocks))
    except (BadSetting, ZeroDivisionError):
        return None
    if {name: tuple(tensor.shape) for name, tensor in weights.items()} != config.shapes():
        return None
    network = RRDBNet(config)
    network.load_state_dict(weights)
    return network


def _last_layers(state):
    """Number in a name of 2018 ("model.8") -> our name, for what follows the blocks; empty for the other layouts."""
    numbers = sorted({int(found[1]) for name in state if (found := re.match(r"model\.(\d+)\.(weight|bias)$", name))})
    after = [number for number in numbers if number > 1]
    names = [*(f"conv_up{index}" for index in range(1, len(after) - 1)), "conv_hr", "conv_last"]
    return dict(zip(after, names)) | {0: "conv_first"}


def _our_name(name, last_layers):
    if found := re.fullmatch(r"model\.1\.sub\.(\d+)\.RDB(\d)\.conv(\d)\.0\.(\w+)", name):
        return "body.{}.rdb{}.conv{}.{}".format(*found.groups())
    if found := re.fullmatch(r"model\.1\.sub\.\d+\.(\w+)", name):
        return f"conv_body.{found[1]}"
    if (found := re.fullmatch(r"model\.(\d+)\.(\w+)", name)) and int(found[1]) in last_layers:
        return f"{last_layers[int(found[1])]}.{found[2]}"
    if found := re.fullmatch(r"RRDB_trunk\.(\d+)\.RDB(\d)\.conv(\d)\.(\w+)", name):
        return "body.{}.rdb{}.conv{}.{}".format(*found.groups())
    layer, _, kind = name.rpartition(".")
    ours = {"trunk_conv": "conv_body", "upconv1": "conv_up1", "upconv2": "conv_up2", "HRconv": "conv_hr"}
    return f"{ours.get(layer, layer)}.{kind}"
