"""What every format module shares: the opened file, the way back to a file, and pixels out of a Pillow image."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from PIL import Image

STRIP_PIXELS = 1 << 20  # pixels converted at a time, so that no second whole picture stands in memory

# (height, width) -> None; raises BadImage when that is more than the caller allows
CheckSize = Callable[[int, int], None]


class Damaged(Exception):
    """The bytes are not what their format promises; str() continues the sentence "NAME: ..."."""


@dataclass(frozen=True)
class Coding:
    """How a file was coded, so that the result can be coded alike; formats add what they need to know."""

    def transposed(self) -> Coding:
        """The same for the picture turned by 90 degrees."""
        return self


@dataclass(frozen=True)
class Opened:
    """A file whose header was read and whose size was accepted; not one pixel is decoded before `decode()`.

    decode(): pixels as the file stores them (before the orientation tag), uint8 or uint16, (H, W), (H, W, 3) or
    (H, W, 4). density: pixels per inch (across, down), or None. orientation: 1..8 as in EXIF.
    """

    format: str
    height: int
    width: int
    decode: Callable[[], np.ndarray]
    coding: Coding = field(default_factory=Coding)
    icc: bytes | None = None
    exif: bytes | None = None  # a TIFF structure, without the "Exif" prefix of JPEG
    orientation: int | None = None  # None: look into exif
    density: tuple[float, float] | None = None
    notices: tuple[str, ...] = ()


@dataclass(frozen=True)
class Extras:
    """What is written beside the pixels."""

    icc: bytes | None = None
    exif: bytes | None = None
    density: tuple[float, float] | None = None


def pixels_of(image: Image.Image, mode: str) -> np.ndarray:
    """A loaded Pillow image as an array in `mode` ("L", "RGB", "RGBA"), strip by strip; the image is closed."""
    channels = {"L": (), "RGB": (3,), "RGBA": (4,)}[mode]
    pixels = np.empty((image.height, image.width, *channels), np.uint8)
    for top, bottom in strips(image.height, image.width):
        strip = image.crop((0, top, image.width, bottom))
        pixels[top:bottom] = np.asarray(strip if strip.mode == mode else strip.convert(mode))
    image.close()
    return pixels


def strips(height: int, width: int):
    """(top, bottom) of the bands of about STRIP_PIXELS pixels that cover a picture."""
    rows = max(1, STRIP_PIXELS // width)
    for top in range(0, height, rows):
        yield top, min(top + rows, height)


def swap_red_blue(pixels: np.ndarray) -> np.ndarray:
    """(H, W, 3 or 4) BGR(A) to RGB(A) or back, in place, strip by strip."""
    for top, bottom in strips(*pixels.shape[:2]):
        band = pixels[top:bottom]
        red = band[..., 0].copy()
        band[..., 0] = band[..., 2]
        band[..., 2] = red
    return pixels


def with_key_alpha(pixels: np.ndarray, key: tuple[int, ...]) -> np.ndarray:
    """(H, W) or (H, W, 3) plus "this one colour is transparent" -> (H, W, 4) of the same dtype."""
    height, width = pixels.shape[:2]
    opaque = np.iinfo(pixels.dtype).max
    out = np.empty((height, width, 4), pixels.dtype)
    for top, bottom in strips(height, width):
        band = pixels[top:bottom]
        if band.ndim == 2:
            band = band[..., None]
        out[top:bottom, :, :3] = band
        out[top:bottom, :, 3] = np.where((band == np.array(key, pixels.dtype)).all(axis=-1), 0, opaque)
    return out


def is_grey(pixels: np.ndarray) -> bool:
    """Whether the three colours of (H, W, 3 or 4) are equal everywhere."""
    return all(
        np.array_equal(pixels[top:bottom, :, 0], pixels[top:bottom, :, 1])
        and np.array_equal(pixels[top:bottom, :, 1], pixels[top:bottom, :, 2])
        for top, bottom in strips(*pixels.shape[:2])
    )
