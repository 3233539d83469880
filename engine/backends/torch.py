"""PyTorch: NVIDIA GPUs in half precision, Apple's GPU, and processors for comparison."""

import torch

from engine.errors import UnknownBackend
from engine.networks import network_from_card


def device_named(device):
    """torch's word for a device, of "auto" the best there is. Raises UnknownBackend when this machine has none such."""
    if device == "auto":
        device = "cuda" if torch.cuda.is_available() else "mps" if torch.backends.mps.is_available() else "cpu"
    has = {"cpu": True, "cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    if not has.get(device.split(":")[0], False):
        raise UnknownBackend(
            f"torch has no device {device!r} on this machine; it has: {', '.join(k for k in has if has[k])}"
        )
    return device


class TorchBackend:
    """A card's student in PyTorch. device: "auto", "cpu", "cuda", "cuda:1", "mps"."""

    kept = 8  # each is its weights alone

    def __init__(self, card, device="auto", threads=None, precision="float32"):
        """precision: "float32" alone; an NVIDIA GPU computes in half precision all the same."""
        self.device = device_named(device)
        kind = self.device.split(":")[0]
        if threads is not None and kind == "cpu":
            torch.set_num_threads(threads)  # torch knows one number for the process
        self._dtype = torch.float16 if kind == "cuda" else torch.float32
        network = network_from_card(card)
        self._network = network.to(self.device, self._dtype, memory_format=torch.channels_last)

    @torch.inference_mode()
    def residual(self, pixels):
        batch = torch.tensor(pixels, device=self.device)[None].permute(0, 3, 1, 2).to(self._dtype) / 255
        return (255 * self._network(batch)[0]).permute(1, 2, 0).float().cpu().numpy()

    def close(self):
        del self._network

    def rest(self):
        """Nothing to give back: torch shares its memory among all networks."""
