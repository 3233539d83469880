"""Model cards: a student's weights (safetensors) beside a JSON card that says what they are and what made them.

    small.json          format, name, architecture, config, parameters, weights {file, sha256}, training, metrics
    small.safetensors   the tensors of engine.students' stored_shapes(), half precision

A card is trusted only when every key is known, every shape fits its configuration and the weights' hash is the card's.
"""

import hashlib
import json
import os
import re
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load as load_tensors
from safetensors.numpy import save as save_tensors

from engine.atomic_write import write_atomically
from engine.errors import BadCard, BadSetting, UnknownModel
from engine.students import ReportConfig, StudentConfig, parameter_count

MODELS_DIR = Path(__file__).resolve().parent.parent / "assets" / "models"
DEFAULT_MODEL = "small"
FORMAT = 1
ARCHITECTURES = {"luma": StudentConfig, "report": ReportConfig}
KEYS = {"format", "name", "architecture", "config", "parameters", "weights", "training", "metrics"}
_LARGEST_WEIGHTS = 64 * 2**20  # bytes; a student has under 1 MB


@dataclass(frozen=True)
class Card:
    """A trained student: its configuration, its weights, and what made it.

    weights: name -> float32 array of the configuration's stored_shapes(). training, metrics: plain JSON values.
    """

    name: str
    config: StudentConfig | ReportConfig
    weights: dict = field(repr=False)
    training: dict = field(default_factory=dict, repr=False)
    metrics: dict = field(default_factory=dict, repr=False)

    @property
    def parameters(self):
        return parameter_count(self.config)

    @property
    def weights_sha256(self):
        return hashlib.sha256(_packed(self.weights)).hexdigest()


def model_names(folder=MODELS_DIR):
    """Names of the cards in a folder, smallest student first."""
    sizes = {}
    for path in folder.glob("*.json"):
        try:
            sizes[path.stem] = json.loads(path.read_text(encoding="utf-8"))["parameters"]
        except (OSError, ValueError, KeyError, TypeError):
            continue  # load_card names what is wrong with it to whoever asks for it
    return sorted(sizes, key=lambda name: (sizes[name], name))


def load_card(model, folder=MODELS_DIR, architectures=ARCHITECTURES):
    """The card of a shipped name ("small") or at a path ("runs/mine/small.json").

    architectures: name -> configuration class, of the networks that the caller can run. Raises UnknownModel when there
    is no such card, BadCard when it or its weights are not what they claim.
    """
    if not isinstance(model, str | os.PathLike):
        raise UnknownModel(f"a model is a name or the path of a card, not {model!r}")
    path = Path(model)
    if path.suffix != ".json":
        path = folder / f"{model}.json"
        if os.sep in str(model) or not path.is_file():
            known = ", ".join(model_names(folder)) or "none"
            raise UnknownModel(
                f"model {str(model)!r} is not shipped; choose one of: {known}; or give the path of a card (.json)"
            )
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise UnknownModel(f"there is no model card at {str(path)!r}; give the path of a card (.json)") from None
    except (OSError, UnicodeDecodeError) as error:
        raise BadCard(f"the model card {str(path)!r} cannot be read: {error}") from None
    return _parse(text, path, architectures)


def save_card(card, folder, architectures=ARCHITECTURES):
    """Write NAME.safetensors and then NAME.json into folder, each whole or not at all; returns the card's path.

    architectures: as load_card's, the one of the card's configuration among them.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    packed = _packed(card.weights)
    architecture = next(name for name, kind in architectures.items() if isinstance(card.config, kind))
    weights_name = f"{card.name}.safetensors"
    content = {
        "format": FORMAT,
        "name": card.name,
        "architecture": architecture,
        "config": asdict(card.config),
        "parameters": card.parameters,
        "weights": {"file": weights_name, "sha256": hashlib.sha256(packed).hexdigest()},
        "training": card.training,
        "metrics": card.metrics,
    }
    write_atomically(folder / weights_name, packed, overwrite=True)
    path = folder / f"{card.name}.json"
    write_atomically(path, (json.dumps(content, indent=2) + "\n").encode(), overwrite=True)
    return path


def _packed(weights):
    """Half precision: the rounding is a hundredth of a grey level, the file half as large."""
    return save_tensors({name: np.ascontiguousarray(array, dtype=np.float16) for name, array in weights.items()})


def _parse(text, path, architectures):
    def refuse(reason):
        return BadCard(f"model card {str(path)!r}: {reason}; take the card and its weights again from where they came")

    try:
        content = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise refuse(f"is not JSON ({error})") from None
    if not isinstance(content, dict):
        raise refuse("holds no JSON object")
    for key in sorted(content.keys() - KEYS):
        raise refuse(f"unknown key {key!r}")
    for key in sorted(KEYS - content.keys()):
        raise refuse(f"key {key!r} is missing")
    if not isinstance(content["name"], str) or not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}", content["name"]):
        raise refuse(f"name {content['name']!r} is not one of letters, digits, '_', '.' and '-'")
    for key in ("config", "training", "metrics"):
        if not isinstance(content[key], dict):
            raise refuse(f"{key} must be an object, not {content[key]!r}")
    if content["format"] != FORMAT or isinstance(content["format"], bool):
        raise refuse(f"format {content['format']!r} is not {FORMAT}, the one that this version reads")
    if not isinstance(content["architecture"], str) or content["architecture"] not in architectures:
        raise refuse(f"architecture {content['architecture']!r} is not one of {sorted(architectures)}")
    try:
        config = architectures[content["architecture"]](**content["config"])
    except (TypeError, BadSetting) as error:
        raise refuse(f"config: {error}") from None
    if content["parameters"] != parameter_count(config):
        raise refuse(f"parameters says {content['parameters']!r}, its config has {parameter_count(config)}")
    weights = _load_weights(content["weights"], config, path.parent, refuse)
    return Card(content["name"], config, weights, content["training"], content["metrics"])


def _load_weights(entry, config, folder, refuse):
    if not isinstance(entry, dict) or set(entry) != {"file", "sha256"}:
        raise refuse(f"weights must hold 'file' and 'sha256', not {entry!r}")
    name = entry["file"]
    if not isinstance(name, str) or Path(name).name != name or not name.endswith(".safetensors"):
        raise refuse(f"weights file {name!r} is not a plain .safetensors name beside the card")
    try:
        size = (folder / name).stat().st_size
        packed = (folder / name).read_bytes() if size <= _LARGEST_WEIGHTS else b""
    except (OSError, ValueError) as error:
        raise refuse(f"weights file {name!r} cannot be read ({error})") from None
    found = hashlib.sha256(packed).hexdigest()
    if found != entry["sha256"]:
        raise refuse(f"weights file {name!r} has SHA-256 {found[:12]}..., the card says {str(entry['sha256'])[:12]}...")
    try:
        tensors = load_tensors(packed)
    except SafetensorError as error:
        raise refuse(f"weights file {name!r} is no safetensors file ({error})") from None
    shapes = config.stored_shapes()
    for key in sorted(tensors.keys() ^ shapes.keys()):
        raise refuse(f"weights file {name!r}: tensor {key!r} is {'unknown' if key in tensors else 'missing'}")
    for key, shape in shapes.items():
        if tensors[key].shape != shape:
            raise refuse(f"weights file {name!r}: tensor {key!r} has shape {tensors[key].shape}, expected {shape}")
        if not np.isfinite(tensors[key]).all():
            raise refuse(f"weights file {name!r}: tensor {key!r} holds numbers that are not finite")
    return {key: tensors[key].astype(np.float32) for key in shapes}
