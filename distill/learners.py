"""What can be trained, behind one call: plain students, students with several experts, and our own teachers."""

from dataclasses import replace

import numpy as np
import torch

from distill.luma import planes
from distill.mixture import MixtureNetwork
from distill.rrdb import TEACHERS, RRDBConfig, RRDBNet
from engine.errors import BadSetting
from engine.networks import build_network
from engine.students import STUDENTS, StudentConfig

LEARNERS = STUDENTS | TEACHERS


def learner_config(name, experts=None, quantised=False, width=None):
    """The configuration of a name in LEARNERS; experts: another number of them than the student has.

    quantised: trained for 8 bits; width: fewer channels than it has. Raises BadSetting for a learner that cannot be.
    """
    config = LEARNERS[name]
    if experts is not None and not isinstance(config, RRDBConfig):
        config = replace(config, experts=experts)
    if width is not None:
        if not isinstance(config, StudentConfig) or not width < config.width:
            raise BadSetting(f"prune leaves a luma student fewer channels than it has, not {width} to {name!r}")
        config = replace(config, width=width)
    if not quantised:
        return config
    if not isinstance(config, StudentConfig) or config.experts == 1:
        raise BadSetting(f"quantise trains students with experts for 8 bits, {name!r} has none; leave it out")
    return replace(config, quantised=True)


def build_learner(config, device):
    """The untrained module of a configuration on a device, its filters channels last: the fastest there and here."""
    if isinstance(config, RRDBConfig):
        network = RRDBNet(config)
    else:
        network = MixtureNetwork(config) if config.experts > 1 else build_network(config)
    network.to(device)
    for parameter in network.parameters():
        if parameter.dim() == 4:
            parameter.data = parameter.data.contiguous(memory_format=torch.channels_last)
    return network


def run(network, config, degraded, truth=None, is_told=None):
    """(restored, measured) of a degraded batch.

    degraded: (N, 3, H, W) RGB in [0, 1], H and W multiples of the learner's stride. truth: (N, 4), what an informed
    teacher sees, and a student with experts where is_told (N,) holds (everywhere without is_told). restored:
    (N, channels, H, W), unclamped; measured: (N, 4) of a student with experts, else None.
    """
    if isinstance(config, RRDBConfig):
        return network(degraded, truth if config.condition else None).float(), None
    batch = planes(degraded, config.channels)
    if config.experts > 1:
        residual, measured = network(batch, truth, is_told)
        return batch + residual.float(), measured
    return batch + network(batch).float(), None


@torch.no_grad()
def restore(network, config, degraded, device, truth=None):
    """degraded: (H, W, 3) uint8 RGB -> (restored, same shape and type, at strength 1, float32; measured (4,) or None).

    truth: (4,), given to the learner instead of what it measures.
    """
    height, width = degraded.shape[:2]
    pad = [(0, -height % config.stride), (0, -width % config.stride), (0, 0)]
    batch = to_batch(torch.from_numpy(np.pad(degraded, pad, mode="edge"))[None].to(device))
    told = None if truth is None else torch.as_tensor(truth, device=device)[None]
    restored, measured = run(network, config, batch.contiguous(memory_format=torch.channels_last), told)
    change = (restored - planes(batch, config.channels))[0, :, :height, :width]
    pixels = torch.from_numpy(degraded).to(device) + 255 * change.permute(1, 2, 0)
    return pixels.round().clamp(0, 255).byte().cpu().numpy(), None if measured is None else measured[0].cpu().numpy()


def below_rather_than_above(measured, truth, expectile=0.45):
    """Asymmetric squared error of measured degradations: too much blur assumed costs more picture than too little.

    measured, truth: (N, 4). Returns a scalar. Newey and Powell 1987. Squared, because most crops have neither noise nor
    compression: an absolute error, whose best constant is the median, stays at measuring none at all.
    """
    short = truth - measured
    return torch.where(short > 0, expectile, 1 - expectile).mul(short.square()).mean()


def to_batch(images):
    """(N, H, W, 3) uint8 -> (N, 3, H, W) float in [0, 1]; channels last in memory, as it already lies."""
    return images.permute(0, 3, 1, 2).float() / 255
