"""The VGG perceptual loss: distance between what a network trained on ImageNet sees in two pictures.

Nothing is downloaded: the weights are a file that the user has, with the names that torchvision gives them.
"""

import pickle
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import nn
from torch.nn import functional

from engine.errors import BadSetting

_WIDTHS = ((64, 2), (128, 2), (256, 4), (512, 4), (512, 4))  # VGG-19 (Simonyan and Zisserman 2015): channels, how many
_MEAN, _STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)  # of ImageNet, R, G, B, which the weights were trained with
SMALLEST_SIDE = 16  # pixels: four halvings lie before conv5
LAYERS = {"conv1_2": 0.1, "conv2_2": 0.1, "conv3_4": 1.0, "conv4_4": 1.0, "conv5_4": 1.0}  # Wang et al. 2021, ESRGAN's


class VGG19(nn.Module):
    """The convolutions of VGG-19 in torchvision's numbering, features.0 to features.34 (conv5_4)."""

    def __init__(self):
        super().__init__()
        layers: list[nn.Module] = []
        self.index = {}  # "conv5_4" -> 34
        inputs = 3
        for block, (width, count) in enumerate(_WIDTHS, start=1):
            for number in range(1, count + 1):
                self.index[f"conv{block}_{number}"] = len(layers)
                layers += [nn.Conv2d(inputs, width, 3, padding=1), nn.ReLU()]
                inputs = width
            layers.append(nn.MaxPool2d(2))
        self.features = nn.Sequential(*layers[:-2])

    def forward(self, batch, names):
        """{name: what that convolution gives, before its activation}. batch: (N, 3, H, W), normalised."""
        wanted = {self.index[name]: name for name in names}
        found = {}
        for index, layer in enumerate(self.features):
            batch = layer(batch)
            if index in wanted:
                found[wanted[index]] = batch
            if len(found) == len(wanted):
                break
        return found


class PerceptualLoss(nn.Module):
    """Weighted sum over layers of the L1 distance between features (Johnson et al. 2016; before activation: ESRGAN).

    network: a VGG19; its weights stay fixed. layers: {name: weight}. Raises BadSetting for a layer it does not have.
    """

    def __init__(self, network, layers=None):
        super().__init__()
        self.layers = dict(LAYERS if layers is None else layers)
        if not self.layers or set(self.layers) - set(network.index):
            raise BadSetting(
                f"perceptual layers must be among {', '.join(network.index)}, not {', '.join(self.layers) or 'none'}"
            )
        self.network = network.requires_grad_(False).eval()
        self.register_buffer("mean", torch.tensor(_MEAN).view(1, 3, 1, 1))
        self.register_buffer("std", torch.tensor(_STD).view(1, 3, 1, 1))

    def forward(self, pred, target):
        """pred, target: (N, 3 or 1, H, W) in [0, 1], at least 16 pixels a side; one plane is seen as grey.

        Returns a scalar; no gradient reaches the target. Raises ValueError when shapes differ or are too small.
        """
        if pred.shape != target.shape:
            raise ValueError(f"shapes differ: {tuple(pred.shape)} and {tuple(target.shape)}")
        if min(pred.shape[2:]) < SMALLEST_SIDE:
            raise ValueError(f"{tuple(pred.shape[2:])} is smaller than {SMALLEST_SIDE} pixels a side")
        seen = self.network(self._normalised(pred), self.layers)
        with torch.no_grad():
            wanted = self.network(self._normalised(target), self.layers)
        return sum(weight * functional.l1_loss(seen[name], wanted[name]) for name, weight in self.layers.items())

    def _normalised(self, batch):
        return (batch.expand(-1, 3, -1, -1) - self.mean) / self.std


def load_vgg19(path):
    """A VGG19 with the weights of a .pth or .safetensors file named as torchvision names them; what else is in is left.

    Raises BadSetting when the file is missing, is no such file, or lacks weights.
    """
    path, advice = Path(path), "give torchvision's vgg19 weights (a .pth of about 550 MB), or leave this loss out"
    try:
        kept = load_file(path) if path.suffix == ".safetensors" else torch.load(path, "cpu", weights_only=True)
    except OSError as error:
        raise BadSetting(f"the VGG-19 weights {path} cannot be read ({error.strerror}); {advice}") from None
    except (RuntimeError, EOFError, ValueError, KeyError, pickle.UnpicklingError, SafetensorError):
        raise BadSetting(f"{path} is damaged, or no file of weights alone; {advice}") from None
    network = VGG19()
    needed = network.state_dict()
    kept = kept if isinstance(kept, dict) else {}
    wrong = [name for name, tensor in needed.items() if getattr(kept.get(name), "shape", None) != tensor.shape]
    if wrong:
        raise BadSetting(
            f"{path} holds no VGG-19: {len(wrong)} of {len(needed)} weights are missing or of another shape, "
            f"the first is {wrong[0]} {tuple(needed[wrong[0]].shape)}; {advice}"
        )
    network.load_state_dict({name: kept[name] for name in needed})
    return network
