"""BMP, read by Pillow, written by Pillow (grey, RGB) or OpenCV (RGBA, which needs channel masks in the header)."""

from __future__ import annotations

import io
import struct
from functools import partial

import cv2
import numpy as np
from PIL import BmpImagePlugin, Image

from engine.formats.parts import CheckSize, Coding, Damaged, Extras, Opened, pixels_of, swap_red_blue

_INCH_M = 0.0254


def open_bmp(data: bytes, check_size: CheckSize) -> Opened:
    """Raises Damaged. data: the whole file."""
    header_bytes = int.from_bytes(data[14:18], "little")
    if len(data) < 14 + header_bytes:
        raise Damaged("the BMP is cut off in its header")
    density = None
    if header_bytes == 12:
        width, height = struct.unpack_from("<HH", data, 18)
    else:
        width, height = struct.unpack_from("<ii", data, 18)
        across, down = struct.unpack_from("<ii", data, 38)
        if across > 0 and down > 0:
            density = (across * _INCH_M, down * _INCH_M)
    height = abs(height)  # negative: the rows run from the top
    if width <= 0 or height == 0:
        raise Damaged(f"the BMP says it is {width} x {height} pixels")
    check_size(height, width)
    return Opened("BMP", height, width, partial(_decode, data, height, width), density=density)


def _decode(data: bytes, height: int, width: int) -> np.ndarray:
    image = BmpImagePlugin.BmpImageFile(io.BytesIO(data))
    if image.size != (width, height):
        raise Damaged("the BMP gives two different sizes")
    image.load()
    pixels = pixels_of(image, {"1": "L", "L": "L", "RGBA": "RGBA"}.get(image.mode, "RGB"))
    if pixels.ndim == 3 and pixels.shape[2] == 4 and not pixels[..., 3].any():
        pixels = np.ascontiguousarray(pixels[..., :3])  # the fourth byte was padding, as in most 32-bit files
    return pixels


def encode_bmp(pixels: np.ndarray, coding: Coding, extras: Extras) -> bytes:
    """pixels: (H, W), (H, W, 3) or (H, W, 4) uint8. The format has no place for ICC and EXIF."""
    if pixels.ndim == 3 and pixels.shape[2] == 4:
        done, coded = cv2.imencode(".bmp", swap_red_blue(pixels.copy()))
        if not done:
            raise RuntimeError(f"OpenCV did not encode {pixels.shape} as BMP")
        return coded.tobytes()
    file = io.BytesIO()
    with Image.fromarray(pixels) as image:
        image.save(file, "BMP", **({"dpi": extras.density} if extras.density else {}))
    return file.getvalue()
