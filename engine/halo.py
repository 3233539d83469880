"""The halo guard: above strength 1 the extra sharpening may not push a pixel far past its surroundings."""

import cv2
import numpy as np

WINDOW = 5  # pixels, side of the square that counts as a pixel's surroundings
REACH = WINDOW // 2  # pixels on each side that can change the bound
OVERSHOOT = 6.0  # grey levels that a pixel may pass the darkest or brightest of them


def bounded(seen, residual, strength):
    """strength * residual, held so that the result stays within its surroundings and OVERSHOOT.

    The surroundings are the darkest and brightest of the WINDOW x WINDOW pixels around, in the input and in the result
    at strength 1: so strength 1 itself is never changed, and the bound joins it without a step.
    seen: (H, W, C) uint8; residual: (H, W, C) float32 in grey levels; strength above 1. Returns (H, W, C) float32.
    """
    height, width, channels = residual.shape
    base = seen.astype(np.float32)
    trained = base + residual
    square = np.ones((WINDOW, WINDOW), np.uint8)
    shape = (height, width, channels)
    low = cv2.erode(np.minimum(base, trained), square, borderType=cv2.BORDER_REPLICATE).reshape(shape)
    high = cv2.dilate(np.maximum(base, trained), square, borderType=cv2.BORDER_REPLICATE).reshape(shape)
    return np.clip(strength * residual, low - OVERSHOOT - base, high + OVERSHOOT - base)
