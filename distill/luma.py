"""Luma in torch: the Y plane of an RGB batch, and a residual added to RGB."""

import torch

LUMA = (0.299, 0.587, 0.114)  # R, G, B; BT.601, full range, as the engine's


def luma(batch):
    """(N, 3, H, W) RGB -> (N, 1, H, W), same range."""
    weights = torch.tensor(LUMA, dtype=batch.dtype, device=batch.device).view(1, 3, 1, 1)
    return (batch * weights).sum(1, keepdim=True)


def planes(batch, channels):
    """What a student sees of an RGB batch in [0, 1]: RGB itself (3), or luma in 8 bits as the engine feeds it (1)."""
    return batch if channels == 3 else torch.round(luma(batch) * 255) / 255
