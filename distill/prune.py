"""Structured pruning: the channels of a trained student that matter least are taken out, the rest is trained on.

A whole channel goes, its filter and what reads it, so that what is left is a smaller student like any other and every
backend is faster for it; single weights set to zero would cost as much as before.
"""

from dataclasses import replace
from itertools import pairwise

import numpy as np


def pruned(weights, config, width):
    """A student of fewer channels: (its weights, its configuration).

    weights: name -> array, as config.stored_shapes(); width: channels kept after each convolution but the last, at most
    config.width. Of a channel counts the mean size of the filters that make it (Li et al. 2017, arXiv:1608.08710) times
    that of those that read it: a factor moved from one to the other, which changes nothing, changes no choice.
    """
    weights = dict(weights)
    for layer, following in pairwise(config.layers()):
        made, read = weights[f"{layer}.weight"], weights[f"{following}.weight"]
        filters = np.abs(made).mean((-3, -2, -1)).reshape(-1, config.width).mean(0)  # of all experts
        if config.mixed == "gains":
            filters = filters * np.abs(weights[f"{layer}.gain"]).mean(0)
        readers = np.abs(read).mean((-4, -2, -1)).reshape(-1, config.width).mean(0)
        kept = np.sort(np.argsort(-filters * readers, kind="stable")[:width])
        weights[f"{layer}.weight"] = np.take(made, kept, axis=-4)
        weights[f"{following}.weight"] = np.take(read, kept, axis=-3)
        for name in ("gain", "bias"):
            if f"{layer}.{name}" in weights:
                weights[f"{layer}.{name}"] = np.take(weights[f"{layer}.{name}"], kept, axis=-1)
    return weights, replace(config, width=width)
