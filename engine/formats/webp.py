"""WebP: chunks walked here, one still picture decoded by OpenCV (half the memory of Pillow's animation decoder).

Lossless stays lossless. A lossy result has quality 90: the file does not say which quality it was made with.
"""

from __future__ import annotations

import io
import struct
from dataclasses import dataclass
from functools import partial

import cv2
import numpy as np
from PIL import Image

from engine.formats.parts import CheckSize, Coding, Damaged, Extras, Opened, swap_red_blue

MAX_SIDE = 16_383
LOSSY_QUALITY = 90


@dataclass(frozen=True)
class WebpCoding(Coding):
    """Whether a WebP held its pixels without loss."""

    lossless: bool = False


def open_webp(data: bytes, check_size: CheckSize) -> Opened:
    """Raises Damaged. data: the whole file."""
    end = 8 + int.from_bytes(data[4:8], "little")
    if len(data) < end or end < 20:
        raise Damaged(f"the WebP is cut off: {len(data)} of {end} bytes are there")
    chunks = _chunks(data, 12, end)
    names = [name for name, _ in chunks]
    first = dict(reversed(chunks))
    canvas, place = None, (0, 0)
    notices: tuple[str, ...] = ()
    if names[:1] == [b"VP8X"] and len(first[b"VP8X"]) >= 10:
        body = first[b"VP8X"]
        canvas = (1 + int.from_bytes(body[7:10], "little"), 1 + int.from_bytes(body[4:7], "little"))
        check_size(*canvas)
    if b"ANMF" in first:
        frame = first[b"ANMF"]
        if canvas is None or len(frame) < 24:
            raise Damaged("the WebP is damaged: its first frame is incomplete")
        place = (2 * int.from_bytes(frame[3:6], "little"), 2 * int.from_bytes(frame[0:3], "little"))
        picture = dict(reversed(_chunks(frame, 16, len(frame))))
        if names.count(b"ANMF") > 1:
            notices = ("animated: only its first frame was taken",)
    else:
        picture = first
    coded = next((name for name in (b"VP8 ", b"VP8L") if name in picture), None)
    if coded is None:
        raise Damaged("the WebP is damaged: it holds no picture data")
    size = _size(coded, picture[coded])
    check_size(*size)
    canvas = canvas or size
    fits = all(start + side <= whole for start, side, whole in zip(place, size, canvas))
    if not fits or (b"ANMF" not in first and size != canvas):
        raise Damaged("the WebP is damaged: its picture has another size than its header says")
    still: list[tuple[bytes, bytes | memoryview]] = [(coded, picture[coded])]
    if b"ALPH" in picture and coded == b"VP8 ":
        header = bytes([0x10, 0, 0, 0]) + (size[1] - 1).to_bytes(3, "little") + (size[0] - 1).to_bytes(3, "little")
        still = [(b"VP8X", header), (b"ALPH", picture[b"ALPH"]), *still]
    exif = first.get(b"EXIF")
    return Opened(
        "WEBP",
        *canvas,
        partial(_decode, still, size, canvas, place),
        coding=WebpCoding(lossless=coded == b"VP8L"),
        icc=bytes(first[b"ICCP"]) if b"ICCP" in first else None,
        exif=bytes(exif[6:] if exif[:6] == b"Exif\0\0" else exif) if exif is not None else None,
        notices=notices,
    )


def _chunks(data, at: int, end: int) -> list[tuple[bytes, memoryview]]:
    view, found = memoryview(data), []
    while at + 8 <= end:
        name, size = bytes(view[at : at + 4]), int.from_bytes(view[at + 4 : at + 8], "little")
        if at + 8 + size > end:
            raise Damaged("the WebP is cut off: it ends in the middle of a part")
        found.append((name, view[at + 8 : at + 8 + size]))
        at += 8 + size + (size & 1)
    return found


def _size(name: bytes, body: memoryview) -> tuple[int, int]:
    """(height, width) that the coded picture itself gives."""
    if name == b"VP8 ":
        if len(body) < 10 or bytes(body[3:6]) != b"\x9d\x01\x2a":
            raise Damaged("the WebP is damaged: its picture data has no start code")
        width, height = (value & 0x3FFF for value in struct.unpack_from("<HH", body, 6))
    else:
        if len(body) < 5 or body[0] != 0x2F:
            raise Damaged("the WebP is damaged: its picture data has no start code")
        bits = int.from_bytes(body[1:5], "little")
        width, height = 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)
    if not width or not height:
        raise Damaged(f"the WebP says it is {width} x {height} pixels")
    return height, width


def _decode(still: list, size: tuple[int, int], canvas: tuple[int, int], place: tuple[int, int]) -> np.ndarray:
    parts = [name + struct.pack("<I", len(body)) + bytes(body) + b"\0" * (len(body) & 1) for name, body in still]
    file = b"".join([b"RIFF", struct.pack("<I", 4 + sum(map(len, parts))), b"WEBP", *parts])
    pixels = cv2.imdecode(np.frombuffer(file, np.uint8), cv2.IMREAD_UNCHANGED)
    if pixels is None or pixels.shape[:2] != size or pixels.ndim != 3:
        raise Damaged("the WebP is cut off or damaged: its picture data cannot be decoded")
    swap_red_blue(pixels)
    if canvas == size:
        return pixels
    whole = np.zeros((*canvas, 4), np.uint8)  # the first frame of an animation may leave a transparent margin
    top, left = place
    part = whole[top : top + size[0], left : left + size[1]]
    part[..., :3] = pixels[..., :3]
    part[..., 3] = pixels[..., 3] if pixels.shape[2] == 4 else 255
    return whole


def encode_webp(pixels: np.ndarray, coding: Coding, extras: Extras) -> bytes:
    """pixels: (H, W), (H, W, 3) or (H, W, 4) uint8. Raises ValueError where the sides are above MAX_SIDE."""
    if max(pixels.shape[:2]) > MAX_SIDE:
        raise ValueError(f"WebP holds at most {MAX_SIDE} pixels a side")
    lossless = isinstance(coding, WebpCoding) and coding.lossless
    options: dict = {"quality": LOSSY_QUALITY, "method": 2}  # half the time of 4 for 5 % more bytes
    if lossless:  # "quality" is effort here, and more of it takes twice the time for no fewer bytes
        options = {"lossless": True, "quality": 20, "method": 1}
    if extras.icc:
        options["icc_profile"] = extras.icc
    if extras.exif:
        options["exif"] = extras.exif
    file = io.BytesIO()
    with Image.fromarray(pixels) as image:
        image.save(file, "WEBP", exact=True, **options)  # exact: colours under full transparency are kept
    return file.getvalue()
