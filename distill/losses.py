"""Training losses: each a function of two batches of the same shape that returns a scalar."""

import torch
from torch.nn import functional


def charbonnier(pred, target, eps=1e-3):
    """Smooth L1 (Charbonnier et al. 1994): mean of sqrt((pred - target)^2 + eps^2) - eps, so equal images score 0.

    pred, target: (N, C, H, W) in [0, 1], same shape. Returns a scalar. Raises ValueError when shapes differ.
    """
    if pred.shape != target.shape:
        raise ValueError(f"shapes differ: {tuple(pred.shape)} and {tuple(target.shape)}")
    return (torch.sqrt((pred - target) ** 2 + eps**2) - eps).mean()


LOSSES = {"l1": functional.l1_loss, "charbonnier": charbonnier}


def distillation(restored, clean, taught=None, *, alpha=0.7, pixel=functional.l1_loss):
    """The report's loss: alpha * L1(student, clean) + (1 - alpha) * MSE(student, teacher).

    restored, clean, taught: (N, C, H, W) in [0, 1]; taught is the teacher's picture, None without a teacher (then the
    first term alone, unweighted). Returns named scalars; "total" is what is minimised.
    """
    terms = {"pixel": pixel(restored, clean)}
    if taught is None:
        terms["total"] = terms["pixel"]
    else:
        terms["teacher"] = functional.mse_loss(restored, taught)
        terms["total"] = alpha * terms["pixel"] + (1 - alpha) * terms["teacher"]
    return terms
