"""Between a picture's pixels, of any depth and channel count, and a student's: what it sees, what it adds."""

import cv2
import numpy as np

from engine.errors import BadSetting

_STRIP = 64  # rows that are worked on at a time: they stay in the processor's cache

ZERO = 128  # of a residual in 8 bits: the level that adds nothing


def student_input(pixels, channels):
    """What a student sees: (H, W, 1) luma or (H, W, 3) RGB, uint8. Y = 0.299 R + 0.587 G + 0.114 B, full range.

    pixels: (H, W), (H, W, 3) or (H, W, 4), uint8 or uint16.
    """
    if pixels.dtype == np.uint16:
        pixels = cv2.convertScaleAbs(pixels, alpha=1 / 257)  # rounds; 65535 becomes 255
    if channels == 1:
        if pixels.ndim == 3:
            pixels = cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY if pixels.shape[2] == 3 else cv2.COLOR_RGBA2GRAY)
        return pixels[:, :, None]
    if pixels.ndim == 2:
        return cv2.cvtColor(pixels, cv2.COLOR_GRAY2RGB)
    return pixels if pixels.shape[2] == 3 else cv2.cvtColor(pixels, cv2.COLOR_RGBA2RGB)


def as_levels(residual):
    """A residual as float32 grey levels: (H, W, C) uint8 with ZERO for nothing, or float32, which stays as it is."""
    if residual.dtype != np.uint8:
        return residual
    return (residual.astype(np.float32) - np.float32(ZERO)).reshape(residual.shape)


def add_residual(pixels, residual, strength, out):
    """out = pixels + strength x residual, rounded once and clipped; as add, in half its time.

    pixels: (H, W), (H, W, 3) or (H, W, 4) uint8; residual: (H, W, 1) uint8, ZERO for nothing; strength: 0 to 1; out: of
    the shape and type of pixels, which may be pixels themselves.
    """
    for top in range(0, len(pixels), _STRIP):
        part, levels = pixels[top : top + _STRIP], residual[top : top + _STRIP]
        if pixels.ndim == 3 and pixels.shape[2] == 3:
            levels = cv2.cvtColor(levels, cv2.COLOR_GRAY2RGB)
        elif pixels.ndim == 3:
            levels = cv2.merge([levels, levels, levels, np.full_like(levels, ZERO)])
        cv2.addWeighted(part, 1.0, levels.reshape(part.shape), strength, -ZERO * strength, dst=out[top : top + _STRIP])


def add(pixels, change):
    """Add a change to the colours of pixels in place, rounded once and clipped.

    pixels: (H, W), (H, W, 3) or (H, W, 4), uint8 or uint16; alpha stays.
    change: (H, W, 1) for all colours or (H, W, 3), float32, in 8-bit grey levels.
    """
    if pixels.dtype == np.uint16:
        _add_16bit(pixels, change)
        return
    for top in range(0, len(pixels), _STRIP):
        _add_8bit(pixels[top : top + _STRIP], change[top : top + _STRIP])


def _add_8bit(pixels, change):
    height, width = pixels.shape[:2]
    # rounding to whole levels first lets the sum run in integers: twice as fast as floats, and equal
    levels = cv2.add(np.ascontiguousarray(change), 0.0, dtype=cv2.CV_16S)  # type: ignore[call-overload]
    levels = levels.reshape(height, width, -1)
    if pixels.ndim == 2:
        levels = levels if levels.shape[2] == 1 else levels.mean(axis=2, keepdims=True).astype(np.int16)
        pixels[...] = cv2.add(pixels, levels[:, :, 0], dtype=cv2.CV_8U)
        return
    colours = [levels[:, :, index % levels.shape[2]] for index in range(3)]
    if pixels.shape[2] == 4:
        colours.append(np.zeros((height, width), np.int16))
    pixels[...] = cv2.add(pixels, cv2.merge(colours), dtype=cv2.CV_8U).reshape(pixels.shape)


def _add_16bit(pixels, change):
    colours = pixels[:, :, :3] if pixels.ndim == 3 else pixels[:, :, None]
    if colours.shape[2] == 1:
        change = change.mean(axis=2, keepdims=True)
    colours[...] = np.clip(np.rint(colours + change * np.float32(257)), 0, 65535)


def checked_pixels(pixels):
    """The pixels as a contiguous array of native byte order. Raises BadSetting for what is no picture."""
    pixels = np.asarray(pixels)
    if not pixels.dtype.isnative:  # big-endian 16 bits, as files hold them
        pixels = pixels.astype(pixels.dtype.newbyteorder("="))
    shaped = pixels.ndim == 2 or (pixels.ndim == 3 and pixels.shape[2] in (3, 4))
    if not shaped or min(pixels.shape[:2], default=0) < 1 or pixels.dtype not in (np.uint8, np.uint16):
        raise BadSetting(
            "pixels must be (H, W), (H, W, 3) RGB or (H, W, 4) RGBA in uint8 or uint16, "
            f"not {pixels.shape} {pixels.dtype}"
        )
    return np.ascontiguousarray(pixels)
