"""PyTorch: NVIDIA GPUs in half precision, Apple's GPU, and processors for comparison."""

import torch
from torch.nn import functional

from engine.errors import UnknownBackend
from engine.networks import network_from_card

_RED, _GREEN, _BLUE, _SHIFT = 9798, 19235, 3735, 15  # OpenCV's luma of 8 bits: 0.299, 0.587, 0.114 of 2^15


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
        self._stride, self.sharpens = card.config.stride, card.config.channels == 1
        network = network_from_card(card)
        self._network = network.to(self.device, self._dtype, memory_format=torch.channels_last)

    @torch.inference_mode()
    def residual(self, pixels):
        batch = torch.tensor(pixels, device=self.device)[None].permute(0, 3, 1, 2).to(self._dtype) / 255
        return (255 * self._network(batch)[0]).permute(1, 2, 0).float().cpu().numpy()

    @torch.inference_mode()
    def sharpened(self, pixels, strength):
        """The whole way on the device: bytes go there and bytes come back, a quarter of what a residual would be.

        pixels: (H, W, 3) uint8 RGB of any size; strength: 0 to 1. Returns a new array, equal to student_input(),
        residual() and engine.pixels.add() but for what the device rounds otherwise in the network itself.
        """
        frame = torch.tensor(pixels, device=self.device)
        height, width = pixels.shape[:2]
        red, green, blue = frame.int().unbind(2)
        luma = (_RED * red + _GREEN * green + _BLUE * blue + (1 << _SHIFT - 1)) >> _SHIFT
        batch = luma[None, None].float() / 255
        padding = (0, -width % self._stride, 0, -height % self._stride)
        batch = functional.pad(batch, padding, mode="replicate").to(self._dtype)
        residual = 255 * self._network(batch)[0, 0, :height, :width].float()
        change = (strength * residual).round().short()
        sharp = (frame + change[:, :, None]).clamp_(0, 255).byte()
        if not sharp.is_cuda:
            return sharp.cpu().numpy()
        landed = torch.empty(sharp.shape, dtype=torch.uint8, pin_memory=True)  # torch keeps such memory for the next
        return landed.copy_(sharp).numpy()

    def close(self):
        del self._network

    def rest(self):
        """Nothing to give back: torch shares its memory among all networks."""
