"""Training losses: functions of two batches of the same shape, the matching of features, and how the report adds up."""

import torch
from torch import nn
from torch.nn import functional


def charbonnier(pred, target, eps=1e-3):
    """Smooth L1 (Charbonnier et al. 1994): mean of sqrt((pred - target)^2 + eps^2) - eps, so equal images score 0.

    pred, target: (N, C, H, W) in [0, 1], same shape. Returns a scalar. Raises ValueError when shapes differ.
    """
    _check_shapes(pred, target)
    return (torch.sqrt((pred - target) ** 2 + eps**2) - eps).mean()


def wavelet(pred, target, levels=2):
    """L1 between orthonormal Haar coefficients: the mean over every level's details and the last approximation.

    An error that is the same everywhere lies in the approximation alone, one that changes sign from pixel to pixel in
    the finest details alone; each of these bands counts alike, whatever its number of coefficients.
    pred, target: (N, C, H, W) in [0, 1], same shape, H and W multiples of 2^levels. Returns a scalar. Raises ValueError
    when shapes differ or do not divide.
    """
    _check_shapes(pred, target)
    if any(side % 2**levels for side in pred.shape[2:]):
        raise ValueError(f"{tuple(pred.shape[2:])} must be multiples of {2**levels} for {levels} levels")
    error, bands = pred - target, []  # the transform is linear
    for _ in range(levels):
        error, details = _haar(error)
        bands += details
    return torch.stack([band.abs().mean() for band in (error, *bands)]).mean()


def log_mse(pred, target, floor=1e-4):
    """What images lack of PSNR (Chen et al. 2022, NAFNet): mean over the batch of ln(1 + MSE / floor) / 100.

    Every image counts by the ratio of its error, not by its size, as the mean of PSNR over pictures does. floor: the
    MSE (40 dB) from which on less matters little, or sharp and flat crops would outweigh all others.
    pred, target: (N, C, H, W) in [0, 1], same shape. Returns a scalar. Raises ValueError when shapes differ.
    """
    _check_shapes(pred, target)
    return torch.log1p((pred - target).square().mean((1, 2, 3)) / floor).mean() / 100


LOSSES = {"l1": functional.l1_loss, "charbonnier": charbonnier, "wavelet": wavelet, "psnr": log_mse}


def distillation(restored, clean, taught=None, *, alpha=0.7, pixel=functional.l1_loss, further=None):
    """The report's loss: alpha * L1(student, clean) + (1 - alpha) * MSE(student, teacher), and what is added to it.

    restored, clean, taught: (N, C, H, W) in [0, 1]; taught is the teacher's picture, None without a teacher (then the
    first term alone, unweighted). further: {name: (weight, scalar)}, such as the report's feature-map and perceptual
    terms. Returns named scalars, those of `further` before weighting; "total" is what is minimised.
    """
    terms = {"pixel": pixel(restored, clean)}
    if taught is None:
        total = terms["pixel"]
    else:
        terms["teacher"] = functional.mse_loss(restored, taught)
        total = alpha * terms["pixel"] + (1 - alpha) * terms["teacher"]
    for name, (weight, value) in (further or {}).items():
        terms[name] = value
        total = total + weight * value
    return terms | {"total": total}


class FeatureMatching(nn.Module):
    """Hints (Romero et al. 2015, FitNets): how much of the teacher's features a 1x1 convolution finds in the student's.

    student_channels, teacher_channels: of each matched pair of layers. The convolutions are trained with the student
    and left behind with this module: the optimiser has to hold its parameters, too.
    """

    def __init__(self, student_channels, teacher_channels):
        super().__init__()
        pairs = zip(student_channels, teacher_channels, strict=True)
        self.projections = nn.ModuleList(nn.Conv2d(inputs, outputs, 1, bias=False) for inputs, outputs in pairs)

    def forward(self, student_features, teacher_features):
        """Unexplained share of the teacher's variance, mean over the pairs: 0 all is found, 1 no better than nothing.

        Each a sequence of (N, C, h, w), one a pair; the larger of two maps is averaged down to the other's size, as
        students work at a fraction of the resolution. No gradient reaches the teacher. Returns a scalar.
        """
        shares = []
        for project, found, hint in zip(self.projections, student_features, teacher_features, strict=True):
            size = [min(sides) for sides in zip(found.shape[2:], hint.shape[2:], strict=True)]
            found, hint = _variation(found, size), _variation(hint.detach(), size)
            shares.append(functional.mse_loss(project(found), hint) / (hint.square().mean() + 1e-8))
        return torch.stack(shares).mean()


class LayerOutputs:
    """What the named modules of a network gave in its last forward pass, in the order of `names`: .features().

    names: as in network.named_modules(). Raises AttributeError for a name that is not there. `with` lets go of them.
    """

    def __init__(self, network, names):
        self._last = [None] * len(names)
        modules = [network.get_submodule(name) for name in names]
        self._hooks = [module.register_forward_hook(self._keep(index)) for index, module in enumerate(modules)]

    def _keep(self, index):
        def hook(module, inputs, output):
            self._last[index] = output

        return hook

    def features(self):
        """The outputs, handed over: a second call before the next forward pass gives None for each."""
        outputs, self._last[:] = list(self._last), [None] * len(self._last)
        return outputs

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for hook in self._hooks:
            hook.remove()


def _variation(features, size):
    """Features averaged down to `size`, each channel less its mean over the batch."""
    features = functional.adaptive_avg_pool2d(features.float(), size)
    return features - features.mean((0, 2, 3), keepdim=True)


def _haar(batch):
    """(approximation, [across, down, diagonal details]), each (N, C, H / 2, W / 2); the transform keeps the energy."""
    a, b = batch[..., 0::2, 0::2], batch[..., 0::2, 1::2]
    c, d = batch[..., 1::2, 0::2], batch[..., 1::2, 1::2]
    return (a + b + c + d) / 2, [(a - b + c - d) / 2, (a + b - c - d) / 2, (a - b - c + d) / 2]


def _check_shapes(pred, target):
    if pred.shape != target.shape:
        raise ValueError(f"shapes differ: {tuple(pred.shape)} and {tuple(target.shape)}")
