"""Quantisation-aware training: the rounding of a student in 8 bits, done in floating point so that gradients pass it.

Gradients go through a rounding as if it were not there (straight-through, Bengio et al. 2013, arXiv:1308.3432); the
range of an activation learns from what the rounding and the clipping cost (LSQ, Esser et al. 2020, arXiv:1902.08153).
What is rounded, and how, is engine.graph's; tests hold them equal.
"""

import torch

from engine.graph import LARGEST

LEAST_RANGE = 1e-3  # of an activation, [0, 1] luma
_SHARE = 0.9999  # of the activations that a first range holds


def rounded_filters(kernels):
    """Filters in steps of their largest / LARGEST, each output channel by itself.

    kernels: (..., outputs, inputs, height, width). Returns (the same shape; the steps, (..., outputs)); gradients pass.
    """
    steps = kernels.detach().abs().amax((-3, -2, -1), keepdim=True).clamp_min(1e-12 * LARGEST) / LARGEST
    return kernels + ((kernels / steps).round() * steps - kernels).detach(), steps[..., 0, 0, 0]


def rounded_biases(biases, steps):
    """Biases as whole numbers of steps, those of the features times those of the filters. Both (N, outputs)."""
    return biases + ((biases / steps).round() * steps - biases).detach()


def rounded_activations(features, most):
    """Activations clipped to [0, most] in 255 steps. features: (N, C, H, W); most: (N,). Returns features' shape."""
    steps = (most.clamp_min(LEAST_RANGE) / 255).view(-1, 1, 1, 1)
    inside = (features / steps).clamp(0, 255)
    return (inside + (inside.round() - inside).detach()) * steps


class Ranges:
    """Collects the activations of a network that rounds nothing yet, and sets its first ranges from them."""

    def __init__(self, network):
        self._network = network
        self._seen: list = [[] for _ in range(network.ranges.shape[1])]

    def see(self, index, features):
        """Activations behind layer `index`, (N, C, H, W); a sample of them is kept."""
        flat = features.detach().flatten()
        self._seen[index].append(flat[:: max(1, flat.numel() // 100_000)].float().cpu())

    @torch.no_grad()
    def set(self):
        """Give every expert the range that holds almost all of what was seen."""
        for index, parts in enumerate(self._seen):
            values = torch.cat(parts).sort().values
            self._network.ranges[:, index] = values[int(_SHARE * (len(values) - 1))].clamp_min(LEAST_RANGE)


def calibrate(network, batches):
    """First ranges for a network with trained weights. batches: of luma, (N, 1, H, W) in [0, 1]."""
    network.watch = Ranges(network)
    with torch.no_grad():
        for batch in batches:
            network(batch)
    network.watch.set()
    network.watch = None
