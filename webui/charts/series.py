"""Arithmetic on a series of numbers for drawing it: fewer points, and smoothing."""

import numpy as np


def thin(x, y, most):
    """(x, y) with `most` points or a few fewer: of each of equal spans the lowest and the highest value, so that no
    spike is lost. x, y: arrays of one length, in the order in which they are drawn.
    """
    if len(y) <= most:
        return x, y
    spans = max(1, most // 2 - 1)
    edges = np.linspace(1, len(y) - 1, spans + 1).astype(int)
    kept = [0, len(y) - 1]
    for start, end in zip(edges, edges[1:]):
        if end > start:
            kept += [start + int(y[start:end].argmin()), start + int(y[start:end].argmax())]
    order = np.unique(kept)
    return x[order], y[order]


def smooth(values, weight):
    """Exponential moving average without the pull of the start, as TensorBoard's. weight: 0 (as it is) to under 1."""
    if not 0 < weight < 1:
        return values
    mean, kept, smoothed = 0.0, 1.0, np.empty(len(values))
    for index, value in enumerate(values.tolist()):
        mean = weight * mean + (1 - weight) * value
        kept *= weight
        smoothed[index] = mean / (1 - kept)
    return smoothed
