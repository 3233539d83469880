"""The students as torch modules, for training and the torch backend: batch (N, C, H, W) -> residual, same shape."""

import torch
from torch import nn
from torch.nn import functional

from engine.students import ReportConfig


class LumaNetwork(nn.Module):
    """A luma student (engine.students). batch: (N, 1, H, W) in [0, 1], H and W multiples of the stride."""

    def __init__(self, config):
        super().__init__()
        stride, width = config.stride, config.width
        self.head = nn.Conv2d(1, width, 3 * stride, stride=stride, padding=stride)
        self.body = nn.ModuleList(nn.Conv2d(width, width, 3, padding=1) for _ in range(config.depth))
        self.tail = nn.Conv2d(width, stride**2, 3, padding=1)
        self.hint = nn.Identity()  # the features before the tail, for losses that compare them with a teacher's
        self.shuffle = nn.PixelShuffle(stride)
        self.slope = 0.0  # of the activations below zero; training starts with more and ends at this plain ReLU
        self._initialise()

    def _initialise(self):
        """Start close to the identity and blind to brightness.

        With plain Kaiming weights brightness drowns detail, and the first noisy steps can push every channel of the
        last layer below zero, from where no gradient returns (dead ReLUs); distill.train also starts with leaky
        activations against that.
        """
        with torch.no_grad():
            for convolution in (self.head, *self.body):
                nn.init.kaiming_normal_(convolution.weight, nonlinearity="relu")
                nn.init.zeros_(convolution.bias)
            self.head.weight -= self.head.weight.mean(dim=(1, 2, 3), keepdim=True)
            self.head.weight *= 4  # local contrast is about a quarter of the range
            for convolution in self.body:
                convolution.weight *= 0.3
                nn.init.dirac_(identity := torch.empty_like(convolution.weight))
                convolution.weight += identity
            nn.init.normal_(self.tail.weight, std=1e-3)
            nn.init.zeros_(self.tail.bias)

    def forward(self, batch):
        features = functional.leaky_relu(self.head(batch), self.slope)
        for convolution in self.body:
            features = functional.leaky_relu(convolution(features), self.slope)
        return self.shuffle(self.tail(self.hint(features)))


class ReportNetwork(nn.Module):
    """The report's student; its clamped output minus its input. batch: (N, 3, H, W) RGB in [0, 1]."""

    def __init__(self):
        super().__init__()
        self.head = nn.ModuleList([_convolution(3, 32), _convolution(32, 64)])
        self.body = nn.ModuleList(nn.ModuleList([_convolution(64, 64), _convolution(64, 64)]) for _ in range(4))
        self.hint = nn.Identity()  # as LumaNetwork's
        self.tail = nn.ModuleList([_convolution(64, 32), _convolution(32, 3)])

    def forward(self, batch):
        features = torch.relu(self.head[1](torch.relu(self.head[0](batch))))
        for first, second in self.body:
            features = features + second(torch.relu(first(features)))
        output = self.tail[1](torch.relu(self.tail[0](self.hint(features))))
        return output.clamp(0, 1) - batch


def _convolution(inputs, outputs):
    return nn.Conv2d(inputs, outputs, 3, padding=1)


def build_network(config):
    """The untrained module of a configuration."""
    return ReportNetwork() if isinstance(config, ReportConfig) else LumaNetwork(config)


def network_from_card(card):
    """The trained module of a card, in evaluation mode, float32 on the CPU."""
    network, shapes = build_network(card.config), card.config.shapes()
    network.load_state_dict({name: torch.from_numpy(card.weights[name].copy()) for name in shapes})
    return network.eval()
