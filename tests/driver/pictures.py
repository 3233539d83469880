"""Numbered pictures for a stream: smooth everywhere, so that the halved colour of video costs them next to nothing."""

import numpy as np

BITS = 8
LAST = (1 << BITS) - 1
_BAND = 8  # the number is in the top eighth of the height: neutral grey, a wave up for a one, down for a zero


def picture(index, height, width):
    """(height, width, 3) uint8 RGB that shows index, 0 to LAST, in its top band and as the colours' place below."""
    x, y = np.linspace(0, 1, width, dtype=np.float32), np.linspace(0, 1, height, dtype=np.float32)
    place = np.minimum(x * BITS, BITS - 1e-3)
    signs = np.array([1 if index >> bit & 1 else -1 for bit in range(BITS)], np.float32)
    number = 70 * signs[place.astype(int)] * np.sin(np.pi * place) ** 2
    band = np.sin(np.pi * np.minimum(_BAND * y, 1)) ** 2
    below = np.clip(_BAND * y - 1, 0, 1) * np.cos(np.pi * (y - 0.5))
    turn = 2 * np.pi * (1.5 * x + index / 40)
    grey = 128.5 + np.outer(band, number)
    planes = [grey + np.outer(below, 80 * np.sin(turn + shift)) for shift in (0, 2 * np.pi / 3, 4 * np.pi / 3)]
    return np.stack([plane.astype(np.uint8) for plane in planes], axis=2)


def index_of(pixels):
    """The number that (H, W, 3) uint8 pixels show, in any order of the channels."""
    height, width = pixels.shape[:2]
    middle = height // (2 * _BAND)
    reach = max(1, middle // 2)
    index = 0
    for bit in range(BITS):
        at = (2 * bit + 1) * width // (2 * BITS)
        index |= int(pixels[middle - reach : middle + reach, at - reach : at + reach].mean() > 128) << bit
    return index
