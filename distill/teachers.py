"""Teachers: any network that restores pictures, loaded and called in one way.

A teacher is the card of one of ours or of a student, or a weights file: an RRDB network as its authors publish it
(distill.public_weights), or whatever spandrel knows (distill.spandrel_teachers).
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import torch
from torch import nn
from torch.nn import functional

from distill.learners import build_learner, run
from distill.luma import planes
from distill.public_weights import SUFFIXES, read_weights, rrdb_from_state
from distill.rrdb import RRDBConfig
from distill.spandrel_teachers import network_from_state
from engine.cards import ARCHITECTURES, Card, load_card, save_card
from engine.errors import BadSetting

TEACHER_ARCHITECTURES = {"rrdb": RRDBConfig}
RESIZES = ("after", "before")


@dataclass(frozen=True)
class Teacher:
    """A loaded network. Call it: degraded batch -> restored batch of the same shape."""

    name: str
    network: nn.Module = field(repr=False)  # its weights fixed, in evaluation mode
    parameters: int
    weights_sha256: str  # of the weights file
    device: torch.device
    informed: bool  # must be told the degradation
    macs_per_pixel: float | None  # of the picture as it is called with; None: not known
    resize: str | None  # how pictures keep their size; None: the network does not enlarge
    _restore: Callable = field(repr=False)

    @torch.no_grad()
    def __call__(self, batch, degradation=None):
        """batch: (N, 3, H, W) RGB in [0, 1], any H and W, on the teacher's device; returns the same, float32.

        degradation: of each picture, a list of Degradation or their vectors (N, 4); None where nothing is known. A
        blind teacher leaves it aside, an informed one raises BadSetting without it.
        """
        if degradation is None and self.informed:
            raise BadSetting(f"teacher {self.name!r} must be told each picture's degradation; give it, or a blind one")
        if degradation is not None and not isinstance(degradation, torch.Tensor):
            degradation = torch.tensor([one.vector() for one in degradation])
        if degradation is not None:
            degradation = degradation.to(batch)
            if degradation.shape != (len(batch), 4):
                raise BadSetting(
                    f"a batch of {len(batch)} pictures needs as many degradations of 4 numbers, "
                    f"not {tuple(degradation.shape)}"
                )
        return self._restore(batch, degradation).float().clamp(0, 1)


def load_teacher(source, device="cpu", resize="after"):
    """The teacher of a shipped name ("base"), at a card's path (.json) or in a weights file (.pth, .safetensors, ...).

    resize: how a network that enlarges by s is used on pictures that keep their size. "after" shrinks what comes out:
    no detail is lost, and each pixel costs s^2 times as much. "before" shrinks what goes in: right only for pictures
    that were enlarged by s or more before, because what they had between the two resolutions is gone.
    Raises UnknownModel, BadCard, and BadSetting for another resize.
    """
    if resize not in RESIZES:
        raise BadSetting(f"resize must be one of {', '.join(RESIZES)}, not {resize!r}")
    device = torch.device(device)
    if Path(source).suffix in SUFFIXES:
        return _from_weights(Path(source), device, resize)
    card = load_card(source, architectures=ARCHITECTURES | TEACHER_ARCHITECTURES)
    network = build_learner(card.config, device)
    network.load_state_dict({name: torch.from_numpy(array) for name, array in card.weights.items()})
    return _of_config(network, card.config, card.name, card.weights_sha256, device, resize)


def save_teacher(name, network, training, metrics, folder):
    """Write an RRDBNet as a card, NAME.json and NAME.safetensors in half precision; returns the card's path.

    training, metrics: plain JSON values, as engine.cards.Card has.
    """
    weights = {key: tensor.detach().cpu().contiguous().numpy() for key, tensor in network.state_dict().items()}
    return save_card(Card(name, network.config, weights, training, metrics), folder, TEACHER_ARCHITECTURES)


def _from_weights(path, device, resize):
    state, sha256 = read_weights(path)
    if (network := rrdb_from_state(state)) is not None:
        return _of_config(network.to(device), network.config, path.stem, sha256, device, resize)
    network, scale, channels, module = network_from_state(state, path, device)

    def restored_planes(batch, _):
        return network(planes(batch, channels))

    return Teacher(
        path.stem,
        _fixed(module),
        sum(parameter.numel() for parameter in module.parameters()),
        sha256,
        device,
        informed=False,
        macs_per_pixel=None,
        resize=None if scale == 1 else resize,
        _restore=_keeping_size(restored_planes, scale, 1, channels, resize),
    )


def _of_config(network, config, name, sha256, device, resize):
    """The teacher of one of our own modules; also the public RRDB networks are that."""
    scale = config.scale if isinstance(config, RRDBConfig) else 1

    def restored_planes(batch, degradation):
        return run(network, config, batch, degradation)[0]

    return Teacher(
        name,
        _fixed(network),
        sum(parameter.numel() for parameter in network.parameters()),
        sha256,
        device,
        informed=isinstance(config, RRDBConfig) and config.condition > 0,
        macs_per_pixel=config.macs_per_pixel() / (scale**2 if resize == "before" else 1),
        resize=None if scale == 1 else resize,
        _restore=_keeping_size(restored_planes, scale, config.stride, config.channels, resize),
    )


def _fixed(network):
    return network.requires_grad_(False).eval()


def _keeping_size(restored_planes, scale, stride, channels, resize):
    """(batch, degradation) -> restored batch of any size, around a network that enlarges by scale and needs multiples.

    restored_planes: (batch, degradation) -> (N, channels, H x scale, W x scale), for H and W multiples of stride. What
    a network of luma alone changes is added to R, G and B.
    """
    shrink_first = scale > 1 and resize == "before"

    def restore(batch, degradation):
        height, width = batch.shape[2:]
        multiple = stride * scale if shrink_first else stride
        padded = functional.pad(batch, (0, -width % multiple, 0, -height % multiple), mode="replicate")
        size = padded.shape[2:]
        given = _shrunk(padded, (size[0] // scale, size[1] // scale)) if shrink_first else padded
        restored = restored_planes(given.contiguous(memory_format=torch.channels_last), degradation).float()
        if scale > 1 and not shrink_first:
            restored = _shrunk(restored, size)
        if channels == 1:
            restored = padded + restored - planes(padded, 1)
        return restored[..., :height, :width]

    return restore


def _shrunk(batch, size):
    return functional.interpolate(batch, size=size, mode="bicubic", antialias=True, align_corners=False).clamp(0, 1)
