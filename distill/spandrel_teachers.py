"""Networks that spandrel knows (Real-ESRGAN compact, DnCNN, FBCNN, SwinIR, NAFNet, ...), when it is installed."""

import torch
from torch import library

from engine.errors import BadCard


def network_from_state(state, path, device):
    """(network, scale, channels, module): network maps (N, channels, H, W), any size, to scale times the sides.

    channels: 3 for RGB, 1 for luma. Raises BadCard when spandrel is not there or does not know the network, or when it
    is no plain restoration.
    """
    spandrel = _spandrel(path)
    try:
        loaded = spandrel.ModelLoader(device).load_from_state_dict(spandrel.canonicalize_state_dict(state))
    except Exception as error:  # its detection guesses by names; what a guess meets in the shapes can be any error
        raise BadCard(
            f"the weights in {str(path)!r} are of no network that spandrel {spandrel.__version__} knows; give another"
        ) from error
    channels = loaded.input_channels
    if not isinstance(loaded, spandrel.ImageModelDescriptor) or (channels, loaded.output_channels) not in (
        (3, 3),
        (1, 1),
    ):
        raise BadCard(
            f"the network in {str(path)!r} ({loaded.architecture.name}) takes {channels} planes and gives "
            f"{loaded.output_channels}, for {loaded.purpose}; a teacher restores RGB or luma: give another"
        )

    def network(batch):
        # one by one as spandrel asks; cloned because what it computes in inference mode could not enter a loss
        return torch.cat([loaded(one).clone() for one in batch.split(1)])

    return network, loaded.scale, channels, loaded.model


def _spandrel(path):
    """The package; with a torchvision built for another torch, whose operators are missing, two of them are declared.

    Two architectures of spandrel import torchvision, none of them calls its operators; it only wants them declared.
    """
    try:
        try:
            import spandrel
        except RuntimeError as error:
            if "torchvision::" not in str(error):
                raise
            _declare_torchvision()
            import spandrel
        return spandrel
    except (ImportError, RuntimeError) as error:
        raise BadCard(
            f"the weights in {str(path)!r} are no RRDB network; other networks load through spandrel, which cannot be "
            f"imported ({error}): `python -m pip install spandrel`"
        ) from error


def _declare_torchvision():
    _declared.append(operators := library.Library("torchvision", "DEF"))
    for name in ("nms", "qnms"):
        operators.define(f"{name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")


_declared: list = []  # a declaration lives as long as the object that made it
