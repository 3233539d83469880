"""JPEG frames of a live stream: the size is read from the header before anything is decoded, and only plain ones pass.

A browser's camera frames are sequential JPEGs of 8 bits with one or three components; nothing else needs to be read.
"""

import struct

import cv2
import numpy as np

from engine.errors import BadImage, TooManyPixels

QUALITY = 90
_MOST_SEGMENTS = 64  # a browser writes about ten
_FRAME_HEADERS = {marker for marker in range(0xC0, 0xD0) if marker not in (0xC4, 0xC8, 0xCC)}
_SEQUENTIAL = (0xC0, 0xC1)


def size_of(jpeg):
    """(height, width) from the header. Raises BadImage for what is no sequential JPEG of 8 bits."""
    if jpeg[:3] != b"\xff\xd8\xff":
        raise BadImage("the frame is not a JPEG; only JPEG frames are read")
    at = 2
    for _ in range(_MOST_SEGMENTS):
        if len(jpeg) < at + 4 or jpeg[at] != 0xFF:
            break
        marker, length = struct.unpack_from(">xBH", jpeg, at)
        if marker in _FRAME_HEADERS:
            if len(jpeg) < at + 10:
                break
            precision, height, width, components = struct.unpack_from(">BHHB", jpeg, at + 4)
            if marker not in _SEQUENTIAL or precision != 8 or components not in (1, 3):
                raise BadImage("the frame is a JPEG of an unusual kind; 8 bits, sequential, grey or colour is read")
            if not height or not width:
                raise BadImage(f"the frame says that it is {width} x {height} pixels")
            return height, width
        if length < 2:
            break
        at += 2 + length
    raise BadImage("the frame is a damaged JPEG: it says no size")


def decode(jpeg, max_pixels):
    """(H, W, 3) uint8 RGB. Raises BadImage; TooManyPixels from the header alone."""
    height, width = size_of(jpeg)
    if height * width > max_pixels:
        raise TooManyPixels(
            f"the frame has {width} x {height} pixels, more than {max_pixels / 1e6:.1f} million; choose a smaller size"
        )
    if b"\xff\xd9" not in jpeg[-16:]:
        raise BadImage("the frame is a JPEG that was cut off")
    pixels = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR_RGB | cv2.IMREAD_IGNORE_ORIENTATION)
    if pixels is None or pixels.shape[:2] != (height, width):
        raise BadImage("the frame is a damaged JPEG")
    return pixels


def encode(pixels, quality=QUALITY):
    """The bytes of a JPEG. pixels: (H, W, 3) uint8 RGB."""
    done, jpeg = cv2.imencode(".jpg", cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, quality])
    if not done:
        raise ValueError(f"no JPEG of {pixels.shape}")
    return jpeg.tobytes()
