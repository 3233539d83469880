"""CMYK to RGB: through the picture's own ICC profile where it has one, else by the plain formula, and said so."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image, ImageChops, ImageCms

from engine.formats.parts import pixels_of, strips

_BY_PROFILE = "CMYK was converted to sRGB through its colour profile"
_PLAIN = "CMYK without a usable colour profile was converted to RGB: colours are approximate"


def usable_profile(icc: bytes | None, *spaces: bytes) -> bytes | None:
    """The profile, cut to its own length, if it is one and describes one of the colour spaces; else None."""
    if not icc or len(icc) < 132 or icc[36:40] != b"acsp" or (spaces and icc[16:20] not in spaces):
        return None
    length = int.from_bytes(icc[:4], "big")
    return icc[:length] if 132 <= length <= len(icc) else None


def notice(icc: bytes | None) -> str:
    """What a user is told of a CMYK picture: whether its profile could be followed."""
    return _BY_PROFILE if _transform(icc) else _PLAIN


def rgb_from_cmyk(image: Image.Image, icc: bytes | None, *, inverted: bool) -> np.ndarray:
    """A loaded CMYK image -> (H, W, 3) uint8 RGB; the image is closed. inverted: 0 means full ink."""
    transform = _transform(icc)
    if transform is None and not inverted:
        return pixels_of(image, "RGB")
    pixels = np.empty((image.height, image.width, 3), np.uint8)
    for top, bottom in strips(image.height, image.width):
        strip = image.crop((0, top, image.width, bottom))
        if inverted:
            strip = ImageChops.invert(strip)
        rgb = strip.convert("RGB") if transform is None else ImageCms.applyTransform(strip, transform)
        pixels[top:bottom] = np.asarray(rgb)
    image.close()
    return pixels


def _transform(icc: bytes | None) -> ImageCms.ImageCmsTransform | None:
    profile = usable_profile(icc, b"CMYK")
    if profile is None:
        return None
    try:
        return ImageCms.buildTransform(
            ImageCms.ImageCmsProfile(io.BytesIO(profile)),
            ImageCms.createProfile("sRGB"),
            "CMYK",
            "RGB",
            renderingIntent=ImageCms.Intent.RELATIVE_COLORIMETRIC,
            flags=ImageCms.Flags.BLACKPOINTCOMPENSATION,
        )
    except (ImageCms.PyCMSError, OSError, ValueError):
        return None  # the notice says so
