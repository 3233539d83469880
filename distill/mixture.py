"""A student with several experts in the making: estimator, mixer and experts as one torch module, trained together.

    luma batch -> estimator -> measured (N, 4) -> mixer -> shares (N, experts)
    sum over experts of share * weights -> a plain student of engine.students, another one for each sample

The arithmetic is engine.assemble's and engine.graph's; tests hold them equal. A quantised student's is rounded here as
it will be in 8 bits.
"""

import torch
from torch import nn
from torch.nn import functional

from distill.quantise import LEAST_RANGE, rounded_activations, rounded_biases, rounded_filters
from engine.networks import LumaNetwork
from engine.students import ESTIMATOR_SHAPES, MEASURED

# where the experts start: blur, noise and compression of Degradation.vector()
_STARTS = (
    (0, 0, 0),
    (0.4, 0, 0),
    (0.6, 0, 0),
    (0.8, 0, 0),
    (1, 0, 0),
    (0.2, 0.5, 0.4),
    (0.5, 0.5, 0.4),
    (0.8, 0.4, 0.3),
)
_SPREAD = 0.25  # of an expert's neighbourhood, in the same units


class Estimator(nn.Module):
    """Measures a degradation (engine.degradation). batch: (N, 1, H, W) luma in [0, 1] -> (N, 4), Degradation.vector().

    The picture less its mean is divided by its own root mean square gradient; places that tell much get a large weight
    in the mean; logarithms turn what the hidden layer adds up into ratios of detail, which is what blur changes.
    """

    def __init__(self):
        super().__init__()
        shapes = ESTIMATOR_SHAPES
        (first, _, side, _), (second, *_) = shapes["estimator.head.weight"], shapes["estimator.body.0.weight"]
        self.head = nn.Conv2d(1, first, side, stride=2, padding=2)
        self.body = nn.ModuleList([nn.Conv2d(width, second, 3, stride=2, padding=1) for width in (first, second)])
        self.attention = nn.Conv2d(second, 1, 1)
        self.hidden = nn.Linear(2 * second + 1, shapes["estimator.hidden.weight"][0])
        self.output = nn.Linear(self.hidden.out_features, MEASURED)
        with torch.no_grad():
            for layer in (self.head, *self.body, self.hidden):
                nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
                nn.init.zeros_(layer.bias)
            self.head.weight -= self.head.weight.mean(dim=(1, 2, 3), keepdim=True)
            nn.init.zeros_(self.attention.weight)
            self.output.weight *= 0.1
            self.output.bias.copy_(torch.tensor([0.5, 0.2, 0.2, 0.4]))  # the middle of what there is

    def forward(self, batch):
        across, down = batch[..., :, 1:] - batch[..., :, :-1], batch[..., 1:, :] - batch[..., :-1, :]
        contrast = (across.square().mean((1, 2, 3)) + down.square().mean((1, 2, 3)) + 1e-6).sqrt()
        mean = batch.mean((1, 2, 3), keepdim=True)
        features = torch.relu(self.head((batch - mean) / contrast.view(-1, 1, 1, 1)))
        for layer in self.body:
            features = torch.relu(layer(features))
        with torch.autocast(batch.device.type, enabled=False):
            features = features.float()
            weight = functional.softplus(self.attention(features))
            attended = (features * weight).mean((2, 3)) / weight.mean((2, 3))
            strengths = (torch.cat([features.mean((2, 3)), attended], 1) + 0.01).log()
            return self.output(torch.relu(self.hidden(torch.cat([strengths, contrast.log()[:, None]], 1))))


class MixtureNetwork(nn.Module):
    """A luma student with several experts. Its state_dict has the names and shapes of config.stored_shapes()."""

    def __init__(self, config):
        super().__init__()
        self.config = config
        self.slope = 0.0  # of the activations below zero, as LumaNetwork's
        self.hint = nn.Identity()  # the features before the tail, for losses that compare them with a teacher's
        self.watch = None  # distill.quantise.Ranges while first ranges are looked for
        if config.quantised:
            self.ranges = nn.Parameter(torch.ones(config.experts, config.depth + 1))
        self.estimator = Estimator()
        self.mixer = nn.Linear(MEASURED, config.experts)
        start = LumaNetwork(config.plain).state_dict()
        for layer in config.layers():
            part, holder = _Layer(), self
            weight, bias = start[f"{layer}.weight"], start[f"{layer}.bias"]
            if config.mixed == "gains":
                part.weight = nn.Parameter(weight)
                part.gain = nn.Parameter(torch.ones(config.experts, *bias.shape))
            else:
                part.weight = nn.Parameter(_varied(weight, config.experts))
            part.bias = nn.Parameter(bias.repeat(config.experts, 1))
            *parents, name = layer.split(".")
            for parent in parents:
                if not hasattr(holder, parent):
                    holder.add_module(parent, _Layer())
                holder = getattr(holder, parent)
            holder.add_module(name, part)
        with torch.no_grad():
            places = torch.tensor([_STARTS[index % len(_STARTS)] for index in range(config.experts)])
            self.mixer.weight.copy_(functional.pad(places, (0, 1)) / _SPREAD**2)
            self.mixer.bias.copy_(-places.square().sum(1) / (2 * _SPREAD**2))

    def forward(self, batch, told=None, is_told=None):
        """batch: (N, 1, H, W) luma in [0, 1]. Returns (residual, same shape; measured (N, 4)).

        told: (N, 4) degradations used instead of the measured ones where is_told (N,) holds, or everywhere without it.
        """
        measured = self.estimator(batch)
        condition = measured if told is None else told
        if is_told is not None:
            condition = torch.where(is_told[:, None], told, measured)
        config, features = self.config, batch
        with torch.autocast(batch.device.type, enabled=False):
            mix = torch.softmax(self.mixer(condition), 1)
            ranges = mix @ self.ranges if config.quantised else None
        most = torch.ones(len(batch), device=batch.device)  # the largest number that a layer is given
        for index, layer in enumerate(config.layers()):
            if layer == "tail":
                features = self.hint(features)
            step, pad = (config.stride, config.stride) if layer == "head" else (1, 1)
            features = self._convolve(self.get_submodule(layer), features, mix, step, pad, most)
            if layer == "tail":
                break
            features = functional.leaky_relu(features, self.slope)
            if self.watch is not None:
                self.watch.see(index, features)
            elif ranges is not None:
                most = ranges[:, index]
                features = rounded_activations(features, most)
        return functional.pixel_shuffle(features, config.stride), measured

    def _convolve(self, part, features, mix, step, pad, most):
        with torch.autocast(features.device.type, enabled=False):
            bias = mix @ part.bias
            gain = mix @ part.gain if self.config.mixed == "gains" else None
            shared = part.weight if gain is not None else torch.einsum("ne,e...->n...", mix, part.weight)
            kernels = shared
            if self.config.quantised and self.watch is None:
                kernels, steps = rounded_filters(shared)
                steps = steps if gain is None else steps * gain.detach().abs().clamp_min(1e-6)
                bias = rounded_biases(bias, steps * most.detach().clamp_min(LEAST_RANGE)[:, None] / 255)
        if gain is not None:
            features = functional.conv2d(features, kernels, stride=step, padding=pad)
            return features * gain.to(features.dtype)[:, :, None, None] + bias.to(features.dtype)[:, :, None, None]
        count, inputs, height, width = features.shape
        if features.device.type == "cpu" or count == 1:  # as fast as groups there, and keeps channels last
            pairs = zip(features.split(1), kernels, bias, strict=True)
            return torch.cat([functional.conv2d(one, k, b, stride=step, padding=pad) for one, k, b in pairs])
        grouped = functional.conv2d(
            features.reshape(1, count * inputs, height, width),
            kernels.flatten(0, 1),
            bias.flatten(),
            stride=step,
            padding=pad,
            groups=count,
        )
        return grouped.reshape(count, -1, *grouped.shape[2:])


class _Layer(nn.Module):
    """Holds the parameters of one convolution's experts, or the layers below a dotted name."""


def _varied(weight, experts):
    """The same start for every expert, each a little off it, so that they can grow apart."""
    spread = 0.02 * weight.std()
    return weight.repeat(experts, 1, 1, 1, 1) + spread * torch.randn(experts, *weight.shape)
