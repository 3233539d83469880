"""RRDBNet, the network of ESRGAN, BSRGAN and Real-ESRGAN, and the same body for same-size restoration: our teachers.

Residual-in-residual dense blocks: Wang et al. 2018 (ESRGAN), https://arxiv.org/abs/1809.00219. Weights are named as in
BasicSR and Real-ESRGAN; distill.teacher_files renames those of ESRGAN and BSRGAN.
"""

import math
from dataclasses import dataclass

import torch
from torch import nn
from torch.nn import functional

from engine.errors import BadSetting

BSRGAN_PARAMETERS = 16_697_987  # of the public x4 networks BSRGAN, ESRGAN and Real-ESRGAN: RRDBConfig()


@dataclass(frozen=True)
class RRDBConfig:
    """An RRDBNet. Raises BadSetting when a number is outside its range.

    scale 4 or 2, or 1 without shuffle: the public networks; shuffle 2 belongs to Real-ESRGAN x2, which unshuffles first
    and enlarges by 4. scale 1 with shuffle 2 or 4: ours, which works on unshuffled pixels and adds to its input.
    """

    scale: int = 4  # sides of the restored picture against the given one's
    shuffle: int = 1  # pixels of each side that the pixel-unshuffle in front makes channels of
    width: int = 64  # channels between the dense blocks
    growth: int = 32  # channels that each convolution adds inside a dense block
    blocks: int = 23
    condition: int = 0  # numbers appended to the input as constant planes: 4 of Degradation.vector(), or none

    def __post_init__(self):
        for name, low, high in (("width", 1, 512), ("growth", 1, 512), ("blocks", 1, 64)):
            value = getattr(self, name)
            if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
                raise BadSetting(f"teacher {name} must be a whole number from {low} to {high}, not {value!r}")
        if (self.scale, self.shuffle) not in {(4, 1), (2, 1), (2, 2), (1, 1), (1, 2), (1, 4)}:
            raise BadSetting(
                f"teacher scale and shuffle must be 4 and 1, 2 and 1 or 2, or 1 and 1, 2 or 4, "
                f"not {self.scale!r} and {self.shuffle!r}"
            )
        if self.condition not in (0, 4):
            raise BadSetting(f"teacher condition must be 0 or 4 numbers, not {self.condition!r}")

    @property
    def same_size(self):
        """Whether the network ends in a pixel-shuffle and adds its input, instead of enlarging step by step."""
        return self.scale == 1 and self.shuffle > 1

    @property
    def doublings(self):
        """Times that the features are enlarged by 2 after the body."""
        return 0 if self.same_size else int(math.log2(self.scale * self.shuffle))

    @property
    def stride(self):
        """What height and width must be multiples of."""
        return self.shuffle

    @property
    def channels(self):
        """Planes that go in and come out: R, G, B."""
        return 3

    def convolutions(self):
        """Name -> (channels in, channels out, doublings before it) of every 3x3 convolution, as the pass meets them."""
        width, growth = self.width, self.growth
        table = {"conv_first": (3 * self.shuffle**2 + self.condition, width, 0)}
        for block in range(self.blocks):
            for dense in (1, 2, 3):
                for index in range(5):
                    outputs = growth if index < 4 else width
                    table[f"body.{block}.rdb{dense}.conv{index + 1}"] = (width + index * growth, outputs, 0)
        table["conv_body"] = (width, width, 0)
        for doubling in range(1, self.doublings + 1):
            table[f"conv_up{doubling}"] = (width, width, doubling)
        if not self.same_size:
            table["conv_hr"] = (width, width, self.doublings)
        table["conv_last"] = (width, 3 * self.shuffle**2 if self.same_size else 3, self.doublings)
        return table

    def shapes(self):
        """Weight name -> shape, in the order of the forward pass."""
        shapes: dict[str, tuple[int, ...]] = {}
        for name, (inputs, outputs, _) in self.convolutions().items():
            shapes[f"{name}.weight"] = (outputs, inputs, 3, 3)
            shapes[f"{name}.bias"] = (outputs,)
        return shapes

    def stored_shapes(self):
        """Name -> shape of what a card holds."""
        return self.shapes()

    @property
    def parameters(self):
        """Number of weights and biases."""
        return sum(math.prod(shape) for shape in self.shapes().values())

    def macs_per_pixel(self):
        """Multiply-accumulates for one pixel of the picture that goes in."""
        macs = sum(9 * inputs * outputs * 4**doubled for inputs, outputs, doubled in self.convolutions().values())
        return macs / self.shuffle**2


# Unshuffled by 4, the full body costs a restored pixel as much as it does in BSRGAN x4, and sees 16 times as far.
TEACHERS = {
    "rrdb": RRDBConfig(scale=1, shuffle=4),
    "rrdb-informed": RRDBConfig(scale=1, shuffle=4, condition=4),
    "rrdb-small": RRDBConfig(scale=1, shuffle=4, width=48, growth=24, blocks=1),
    "rrdb-small-informed": RRDBConfig(scale=1, shuffle=4, width=48, growth=24, blocks=1, condition=4),
}


class RRDBNet(nn.Module):
    """batch (N, 3, H, W) in [0, 1] -> restored (N, 3, H x scale, W x scale), not clamped.

    H and W are multiples of the config's stride. condition: (N, 4) of Degradation.vector(); a network whose config has
    none leaves it aside.
    """

    def __init__(self, config):
        super().__init__()
        self.config = config
        table = config.convolutions()
        self.conv_first = _convolution(*table["conv_first"][:2])
        self.body = nn.ModuleList(_ResidualBlock(config.width, config.growth) for _ in range(config.blocks))
        for name, (inputs, outputs, _) in table.items():
            if "." not in name and name != "conv_first":
                setattr(self, name, _convolution(inputs, outputs))
        if config.same_size:  # start close to the identity
            nn.init.normal_(self.conv_last.weight, std=3e-4)
            nn.init.zeros_(self.conv_last.bias)
            with torch.no_grad():
                self.conv_body.weight *= 1.2**-config.blocks  # each untrained block enlarges its input by 1.2

    def forward(self, batch, condition=None):
        config = self.config
        pixels = functional.pixel_unshuffle(batch, config.shuffle)
        if config.condition:
            constant = condition.to(pixels.dtype)[:, :, None, None].expand(-1, -1, *pixels.shape[2:])
            pixels = torch.cat([pixels, constant], 1)
        features = first = self.conv_first(pixels)
        for block in self.body:
            features = block(features)
        features = first + self.conv_body(features)
        if config.same_size:
            return batch + functional.pixel_shuffle(self.conv_last(_activated(features)), config.shuffle)
        for doubling in range(1, config.doublings + 1):
            larger = functional.interpolate(features, scale_factor=2, mode="nearest")
            features = _activated(getattr(self, f"conv_up{doubling}")(larger))
        return self.conv_last(_activated(self.conv_hr(features)))


class _ResidualBlock(nn.Module):
    """Three dense blocks, a fifth of what they find added to their input."""

    def __init__(self, width, growth):
        super().__init__()
        self.rdb1 = _DenseBlock(width, growth)
        self.rdb2 = _DenseBlock(width, growth)
        self.rdb3 = _DenseBlock(width, growth)

    def forward(self, features):
        return features + 0.2 * self.rdb3(self.rdb2(self.rdb1(features)))


class _DenseBlock(nn.Module):
    """Five convolutions, each of which sees the input and what all before it found."""

    def __init__(self, width, growth):
        super().__init__()
        for index in range(1, 6):
            convolution = _convolution(width + (index - 1) * growth, growth if index < 5 else width)
            nn.init.kaiming_normal_(convolution.weight)
            with torch.no_grad():
                convolution.weight *= 0.1  # as ESRGAN: deep residual stacks start close to the identity
            nn.init.zeros_(convolution.bias)
            setattr(self, f"conv{index}", convolution)

    def forward(self, features):
        found = [features]
        for convolution in (self.conv1, self.conv2, self.conv3, self.conv4):
            found.append(_activated(convolution(torch.cat(found, 1))))
        return features + 0.2 * self.conv5(torch.cat(found, 1))


def _convolution(inputs, outputs):
    return nn.Conv2d(inputs, outputs, 3, padding=1)


def _activated(features):
    return functional.leaky_relu(features, 0.2)
