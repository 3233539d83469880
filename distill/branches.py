"""Re-parameterised branches: while it trains, a 3x3 filter is a sum of branches; afterwards it is one filter again.

Beside the free 3x3 filter: a 1x1 filter and scaled Sobel and Laplacian filters (Zhang et al. 2021, ECBSR). As all are
linear, they are summed as weights: a training step costs no more pixels' worth of work, and a frame none at all.
"""

import torch
from torch import nn
from torch.nn import functional
from torch.nn.utils import parametrize

_EDGES = [
    [[1, 0, -1], [2, 0, -2], [1, 0, -1]],
    [[1, 2, 1], [0, 0, 0], [-1, -2, -1]],
    [[0, 1, 0], [1, -4, 1], [0, 1, 0]],
]


class Branches(nn.Module):
    """(..., outputs, inputs, 3, 3) free filters -> the filters that are used. Zero branches at the start."""

    def __init__(self, weight):
        super().__init__()
        self.point = nn.Parameter(torch.zeros(weight.shape[:-2]))
        self.edges = nn.Parameter(torch.zeros(len(_EDGES), *weight.shape[:-2]))
        self.register_buffer("filters", torch.tensor(_EDGES, dtype=torch.float32) / 8, persistent=False)

    def forward(self, weight):
        edges = torch.einsum("f...,fhw->...hw", self.edges, self.filters)
        return weight + edges + functional.pad(self.point[..., None, None], (1, 1, 1, 1))


def add_branches(network):
    """Give every 3x3 filter of a student in the making its branches; the network computes what it did before."""
    for module in list(network.modules()):
        weight = getattr(module, "weight", None)
        if isinstance(weight, nn.Parameter) and weight.dim() >= 4 and weight.shape[-2:] == (3, 3):
            parametrize.register_parametrization(module, "weight", Branches(weight))


def folded(network, shapes):
    """Name -> tensor of a network's weights by the names of `shapes`, each filter's branches summed up."""
    found = {}
    for name in shapes:
        module, _, parameter = name.rpartition(".")
        found[name] = getattr(network.get_submodule(module), parameter).detach()
    return found
