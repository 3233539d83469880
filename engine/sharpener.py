"""The sharpener: a picture of any size, depth and channel count through a student, tile by tile.

    pixels -> luma in 8 bits -> student -> residual x strength (above 1: halo guard) -> added to R, G and B alike

Adding one number to R, G and B changes luma by it and leaves Cb and Cr alone, up to clipping at black and white.
Strength 0 is the identity.
"""

import math
import threading
from dataclasses import dataclass

import cv2
import numpy as np

from engine.backends import open_backend
from engine.cards import DEFAULT_MODEL, Card, load_card
from engine.errors import BadSetting
from engine.halo import REACH, bounded

LARGEST_STRENGTH = 2.0
WHOLE_PIXELS = 4_000_000  # a larger picture is cut into tiles; 1080p and 1440p are not
TILE = 1024  # pixels, side; a multiple of every stride


@dataclass(frozen=True)
class Tile:
    """One piece of a picture: `inner` is written, `outer` is read (inner and its reach); slices of rows, columns."""

    inner: tuple
    outer: tuple

    @property
    def inner_in_outer(self):
        return tuple(
            slice(inner.start - outer.start, inner.stop - outer.start)
            for inner, outer in zip(self.inner, self.outer, strict=True)
        )


class Sharpener:
    """A student ready to sharpen pictures; safe to call from several threads, which then take turns.

    model: a shipped name ("nano", "small") or the path of a card. backend: "auto", "openvino", "onnx", "torch".
    device: "auto", "cpu", "cuda", "mps", ... threads: processor threads, None for the library's choice.
    Raises UnknownModel, BadCard, UnknownBackend, BadSetting.
    """

    def __init__(self, model=DEFAULT_MODEL, *, device="auto", backend="auto", threads=None):
        if not isinstance(backend, str) or not isinstance(device, str):
            raise BadSetting(f'backend and device are words such as "auto", not {backend!r} and {device!r}')
        if threads is not None and (not isinstance(threads, int) or isinstance(threads, bool) or threads < 1):
            raise BadSetting(
                f"threads must be a whole number of 1 or more, not {threads!r}; leave it out for the default"
            )
        self.card = model if isinstance(model, Card) else load_card(model)
        self.name = self.card.name
        self.backend_name, self._backend = open_backend(self.card, backend, device, threads)
        self.device = self._backend.device
        self._lock = threading.Lock()

    def __call__(self, pixels, strength=1.0):
        """pixels: (H, W) grey, (H, W, 3) RGB or (H, W, 4) RGBA, uint8 or uint16, any size from 1x1; never changed.

        strength: 0 returns a copy, bit for bit; 1 is as trained; up to 2 with the halo guard. Returns an array of the
        same shape and type; alpha is untouched. Raises BadSetting for other pixels or strengths.
        """
        pixels, strength = _checked(pixels), checked_strength(strength)
        sharp = pixels.copy()
        if strength > 0:
            with self._lock:
                for tile in tiles(pixels.shape[0], pixels.shape[1], self._margin):
                    self._sharpen_tile(pixels, sharp, tile, strength)
        return sharp

    def close(self):
        """Free the backend; the sharpener is not used after it."""
        with self._lock:
            if self._backend is not None:
                self._backend.close()
                self._backend = None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    @property
    def _margin(self):
        """What a tile reads around itself: the student's reach and the halo guard's, a multiple of the stride."""
        stride = self.card.config.stride
        return self.card.config.reach + -(-REACH // stride) * stride

    def _sharpen_tile(self, pixels, sharp, tile, strength):
        seen = student_input(pixels[tile.outer], self.card.config.channels)
        residual = self.residual(seen)
        if strength > 1:
            change = bounded(seen, residual, strength)[tile.inner_in_outer]
        else:
            change = strength * residual[tile.inner_in_outer]
        add(sharp[tile.inner], change)

    def residual(self, seen):
        """What the student adds at strength 1; the edge is repeated to a multiple of the stride.

        seen: (H, W, C) uint8, C the student's channels. Returns (H, W, C) float32 in grey levels, valid until the
        next call.
        """
        height, width = seen.shape[:2]
        stride = self.card.config.stride
        bottom, right = -height % stride, -width % stride
        if bottom or right:
            seen = cv2.copyMakeBorder(seen, 0, bottom, 0, right, cv2.BORDER_REPLICATE).reshape(
                height + bottom, width + right, -1
            )
        if self._backend is None:
            raise BadSetting("this sharpener is closed; make another")
        return self._backend.residual(np.ascontiguousarray(seen))[:height, :width]


def checked_strength(strength):
    """The strength as a float. Raises BadSetting unless it is a number from 0 to 2."""
    try:
        value = float(strength)
    except (TypeError, ValueError):
        value = math.nan
    if not 0 <= value <= LARGEST_STRENGTH:
        raise BadSetting(f"strength must be a number from 0 (unchanged) over 1 (as trained) to 2, not {strength!r}")
    return value


def tiles(height, width, margin):
    """The tiles of a picture, row by row: the whole of it up to WHOLE_PIXELS, else squares of TILE with margins."""
    if height * width <= WHOLE_PIXELS:
        whole = (slice(0, height), slice(0, width))
        yield Tile(whole, whole)
        return
    for top in range(0, height, TILE):
        for left in range(0, width, TILE):
            inner = (slice(top, min(top + TILE, height)), slice(left, min(left + TILE, width)))
            outer = (
                slice(max(0, top - margin), min(inner[0].stop + margin, height)),
                slice(max(0, left - margin), min(inner[1].stop + margin, width)),
            )
            yield Tile(inner, outer)


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


def add(pixels, change):
    """Add a change to the colours of pixels in place, rounded once and clipped.

    pixels: (H, W), (H, W, 3) or (H, W, 4), uint8 or uint16; alpha stays.
    change: (H, W, 1) for all colours or (H, W, 3), float32, in 8-bit grey levels.
    """
    height, width = pixels.shape[:2]
    if pixels.dtype == np.uint16:
        return _add_16bit(pixels, change)
    # rounding to whole levels first lets the sum run in integers: twice as fast as floats, and equal
    levels = cv2.add(np.ascontiguousarray(change), 0.0, dtype=cv2.CV_16S)  # type: ignore[call-overload]
    levels = levels.reshape(height, width, -1)
    if pixels.ndim == 2:
        levels = levels if levels.shape[2] == 1 else levels.mean(axis=2, keepdims=True).astype(np.int16)
        pixels[...] = cv2.add(pixels, levels[:, :, 0], dtype=cv2.CV_8U)
        return None
    colours = [levels[:, :, index % levels.shape[2]] for index in range(3)]
    if pixels.shape[2] == 4:
        colours.append(np.zeros((height, width), np.int16))
    pixels[...] = cv2.add(pixels, cv2.merge(colours), dtype=cv2.CV_8U).reshape(pixels.shape)
    return None


def _add_16bit(pixels, change):
    colours = pixels[:, :, :3] if pixels.ndim == 3 else pixels[:, :, None]
    if colours.shape[2] == 1:
        change = change.mean(axis=2, keepdims=True)
    colours[...] = np.clip(np.rint(colours + change * np.float32(257)), 0, 65535)


def _checked(pixels):
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
