"""Validation after an epoch: the same pictures under the same draws, measured as DESIGN.md says."""

import numpy as np

from distill.degrade import RECIPES, degradation_named
from distill.learners import restore
from distill.metrics import PSNR_OF_EQUALS, psnr, ssim
from engine.degradation import Degradation


def prepare(pictures, recipe):
    """[(clean, degraded, Degradation.vector()), ...] of a PixelCache, each picture with its own fixed draw."""
    pairs = []
    for file, clean in zip(pictures.files, pictures, strict=True):
        degraded, truth = degradation_named(file.path.stem, recipe).degrade(clean)
        pairs.append((clean, degraded, np.array(truth.vector(), np.float32)))
    return pairs


def validate(network, config, pairs, device):
    """Means over prepared pairs: ssim, psnr, and blur_error (pixels, absolute) of a learner that measures it."""
    informed = bool(getattr(config, "condition", 0))
    scores, errors = [], []
    for clean, degraded, truth in pairs:
        restored, measured = restore(network, config, degraded, device, truth if informed else None)
        scores.append((ssim(clean, restored), min(psnr(clean, restored), PSNR_OF_EQUALS)))
        if measured is not None:
            errors.append(abs(Degradation.from_vector(measured).blur - Degradation.from_vector(truth).blur))
    means = np.mean(scores, axis=0)
    row = {"ssim": float(means[0]), "psnr": float(means[1])}
    return row | ({"blur_error": float(np.mean(errors))} if errors else {})


def recipes_of(recipe):
    """The recipes that a training recipe is validated on: "both" stands for all."""
    return list(RECIPES) if recipe == "both" else [recipe]
