"""The unsharp mask, which needs OpenCV alone."""

import cv2
import numpy as np


def unsharp(degraded, amount, sigma):
    """Unsharp mask: picture + amount * (picture - its Gaussian blur of sigma pixels)."""
    image = degraded.astype(np.float32)
    blurred = cv2.GaussianBlur(image, (0, 0), sigma)
    return np.clip(np.rint(image + amount * (image - blurred)), 0, 255).astype(np.uint8)
