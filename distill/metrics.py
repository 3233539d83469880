"""SSIM and PSNR of 8-bit RGB pictures, as the whole product quotes them."""

import math

import numpy as np
from skimage.metrics import structural_similarity

PSNR_OF_EQUALS = 100.0  # dB, what equal pictures count in a mean; infinity would swallow all others


def ssim(clean, restored):
    """Structural similarity (Wang et al. 2004) in scikit-image's default form: 7x7 uniform window, mean of R, G, B.

    clean, restored: (H, W, 3) uint8, of one shape, at least 7 pixels a side. Returns a float up to 1.
    Raises ValueError for other shapes.
    """
    return float(structural_similarity(clean, restored, channel_axis=-1, data_range=255))


def psnr(clean, restored):
    """Peak signal-to-noise ratio in dB over all pixels and channels; infinity for equal pictures.

    clean, restored: (H, W, 3) uint8, of one shape. Raises ValueError when shapes differ.
    """
    if clean.shape != restored.shape:
        raise ValueError(f"the pictures must have one shape, not {clean.shape} and {restored.shape}")
    error = np.mean((clean.astype(np.float32) - restored) ** 2, dtype=np.float64)
    return math.inf if error == 0 else float(10 * math.log10(255**2 / error))
