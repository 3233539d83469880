"""The cheap parts of the recipes for whole batches on any torch device: blur, scaling and sensor noise; no coders.

Before noise a picture equals the CPU's within one grey level, 0.05 on average; noise is other chance, equally strong.
"""

import numpy as np
import torch
import torch.nn.functional as F

from distill.call import CallDegradation
from distill.degrade import ReportDegradation
from distill.luma import luma
from engine.degradation import Degradation

_SIDE = 11  # pixels, of the largest blur kernel


def degrade(batch, draws):
    """Each picture by its own draw; a draw's coder is left out.

    batch: (N, 3, H, W) float RGB in [0, 1], sides of 6 pixels or more; draws: N samples of any recipes.
    Returns (degraded, same shape, in steps of 1/255; (N, 4) Degradation.vector() of what was done), on batch's device.
    The noise of a picture hangs on its draw's noise_seed and the device alone, not on the rest of the batch.
    """
    soft = soften(batch, draws).clamp(0, 1)
    degraded = (soft + _noise(soft, draws)).clamp(0, 1).mul(255).round().div(255)
    truth = torch.tensor([_truth(draw, *batch.shape[2:]).vector() for draw in draws]).to(batch.device)
    noisy = torch.tensor([_noise_of(draw) > 0 for draw in draws], device=batch.device)
    added = 255 * luma(degraded - soft).flatten(1).std(1, correction=0)
    truth[:, 1] = torch.where(noisy, torch.log1p(added) / 3, 0)  # the vector's noise
    return degraded, truth


def soften(batch, draws):
    """The linear part, blur and scaling, as the draws' own soften(). batch: (N, 3, H, W) float. Returns its shape."""
    count, channels, height, width = batch.shape
    margins = [(_SIDE - len(draw.taps())) // 2 for draw in draws]
    taps = np.stack([np.pad(draw.taps(), margin) for draw, margin in zip(draws, margins, strict=True)])
    taps = _like(taps, batch)[:, None].repeat_interleave(channels, 0)
    padded = F.pad(batch, (_SIDE // 2,) * 4, mode="reflect")  # as OpenCV's default border
    blurred = F.conv2d(padded.flatten(0, 1)[None], taps, groups=count * channels).view_as(batch)
    down_up = [_like(np.stack([draw.scaling(length) for draw in draws]), batch)[:, None] for length in (height, width)]
    return down_up[0] @ blurred @ down_up[1].mT


def _noise(soft, draws):
    """Sensor noise for (N, 3, H, W) in [0, 1], in its units."""
    noise = torch.zeros_like(soft)
    generator = torch.Generator(soft.device)
    levels = soft.mul(255).round().long()
    for index, draw in enumerate(draws):
        if _noise_of(draw):
            generator.manual_seed(draw.noise_seed)
            grain = torch.randn(soft.shape[1:], generator=generator, device=soft.device, dtype=soft.dtype)
            noise[index] = grain * _like(draw.noise_levels() / 255, soft)[levels[index]]
    return noise


def _noise_of(draw):
    return draw.noise if isinstance(draw, CallDegradation) else 0.0


def _truth(draw, height, width):
    """What the linear part does."""
    if isinstance(draw, ReportDegradation):
        return draw.truth()
    return Degradation(blur=draw.effective_blur(height, width), upscaling=draw.factor)


def _like(array, batch):
    return torch.from_numpy(array).to(batch.device, batch.dtype)
