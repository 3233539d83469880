"""PNG and its chunks: eight bits through Pillow, sixteen through OpenCV (Pillow has no 16-bit colour).

Decoders are given IHDR, PLTE, tRNS of a palette, IDAT and IEND; all else is read here, and nothing but a colour profile
is ever inflated (to a bound).
"""

from __future__ import annotations

import io
import struct
import zlib
from dataclasses import dataclass
from functools import partial

import cv2
import numpy as np
from PIL import Image, PngImagePlugin

from engine.formats.parts import (
    CheckSize,
    Coding,
    Damaged,
    Extras,
    Opened,
    is_grey,
    pixels_of,
    strips,
    swap_red_blue,
    with_key_alpha,
)

MAX_PROFILE_BYTES = 16 << 20
SIGNATURE = b"\x89PNG\r\n\x1a\n"
_GREY, _RGB, _PALETTE, _GREY_ALPHA, _RGBA = 0, 2, 3, 4, 6
_DEPTHS = {_GREY: (1, 2, 4, 8, 16), _RGB: (8, 16), _PALETTE: (1, 2, 4, 8), _GREY_ALPHA: (8, 16), _RGBA: (8, 16)}
_SAMPLES = {_GREY: 1, _RGB: 3, _PALETTE: 1, _GREY_ALPHA: 2, _RGBA: 4}
_COLOUR_CHUNKS = (b"cICP", b"sRGB", b"gAMA", b"cHRM")  # what a value means: copied as they are
_INCH_M = 0.0254
_COMPRESS_LEVEL = 3  # half the time of 6 for about a tenth more bytes (1080p photograph, zlib-ng)


@dataclass(frozen=True)
class PngCoding(Coding):
    """How a PNG held its pixels: grey_alpha, two channels; colour_chunks: (name, content) of those on colour."""

    grey_alpha: bool = False
    colour_chunks: tuple[tuple[bytes, bytes], ...] = ()


def open_png(data: bytes, check_size: CheckSize) -> Opened:
    """Raises Damaged. data: the whole file."""
    if data[8:16] != b"\0\0\0\x0dIHDR" or len(data) < 33:
        raise Damaged("the PNG is cut off or damaged: it does not start with a picture header")
    width, height, depth, kind, _, _, interlaced = struct.unpack_from(">IIBBBBB", data, 16)
    if not 0 < width < 2**31 or not 0 < height < 2**31 or depth not in _DEPTHS.get(kind, ()):
        raise Damaged("the PNG has a picture header with values that do not exist")
    check_size(height, width)

    kept: list[bytes | memoryview] = []
    kept_once: dict[bytes, tuple[memoryview, memoryview]] = {}
    notices: list[str] = []
    for name, body, whole in _chunks(data):
        if name in (b"IHDR", b"PLTE", b"IDAT", b"IEND"):
            kept.append(whole)
        elif name not in kept_once:
            kept_once[name] = (body, whole)
    if not any(whole[4:8] == b"IDAT" for whole in kept):
        raise Damaged("the PNG is cut off: it holds no picture data")
    if b"acTL" in kept_once:
        notices.append("animated: only its first frame was taken")
    icc, lost = _profile(kept_once)
    notices += lost
    key = None
    if b"tRNS" in kept_once:
        body, whole = kept_once[b"tRNS"]
        if kind == _PALETTE:
            first_data = next(index for index, part in enumerate(kept) if part[4:8] == b"IDAT")
            kept.insert(first_data, whole)
        elif kind in (_GREY, _RGB) and len(body) >= 2 * _SAMPLES[kind]:
            key = struct.unpack_from(f">{_SAMPLES[kind]}H", body)
            if depth < 8:
                key = tuple(value * 255 // (2**depth - 1) for value in key)
    if kept[-1][4:8] != b"IEND":
        kept.append(_chunk(b"IEND", b""))
    exif = bytes(kept_once[b"eXIf"][0]) if b"eXIf" in kept_once else None
    return Opened(
        "PNG",
        height,
        width,
        partial(_decode, kept, height, width, depth, kind, bool(interlaced), key),
        coding=PngCoding(
            grey_alpha=kind == _GREY_ALPHA or (kind == _GREY and key is not None),
            colour_chunks=tuple((name, bytes(kept_once[name][0])) for name in _COLOUR_CHUNKS if name in kept_once),
        ),
        icc=icc,
        exif=exif,
        density=_density(kept_once),
        notices=tuple(notices),
    )


def _chunks(data: bytes):
    """(name, body, whole) of the chunks up to IEND; the checksum of those that carry the picture is verified."""
    view, at = memoryview(data), 8
    while at < len(data):
        size = int.from_bytes(view[at : at + 4], "big")
        name = bytes(view[at + 4 : at + 8])
        whole = view[at : at + 12 + size]
        if len(whole) < 12 + size:
            raise Damaged("the PNG is cut off: it ends in the middle of a part")
        if zlib.crc32(whole[4:-4]) != int.from_bytes(whole[-4:], "big"):
            if name[:1].isupper() or not name.isalpha():
                raise Damaged(f"the PNG is damaged: the checksum of its part {name!r} is wrong")
        else:
            yield name, whole[8:-4], whole
        at += 12 + size
        if name == b"IEND":
            return


def _profile(chunks: dict) -> tuple[bytes | None, tuple[str, ...]]:
    if b"iCCP" not in chunks:
        return None, ()
    body = bytes(chunks[b"iCCP"][0])
    inflate = zlib.decompressobj()
    try:
        profile = inflate.decompress(body[body.index(b"\0") + 2 :], MAX_PROFILE_BYTES)
    except (ValueError, zlib.error):
        return None, ("its colour profile is damaged and was left out",)
    if not inflate.eof:
        return None, ("its colour profile is damaged or larger than 16 MB and was left out",)
    return profile, ()


def _density(chunks: dict) -> tuple[float, float] | None:
    if b"pHYs" not in chunks or len(chunks[b"pHYs"][0]) != 9:
        return None
    across, down, unit = struct.unpack(">IIB", chunks[b"pHYs"][0])
    return (across * _INCH_M, down * _INCH_M) if unit == 1 and across and down else None


def _decode(
    kept: list, height: int, width: int, depth: int, kind: int, interlaced: bool, key: tuple[int, ...] | None
) -> np.ndarray:
    file = b"".join([SIGNATURE, *kept])
    if depth == 16:
        _check_amount(kept, height, width, _SAMPLES[kind] * depth, interlaced)
        pixels = cv2.imdecode(np.frombuffer(file, np.uint8), cv2.IMREAD_UNCHANGED)
        if pixels is None or pixels.shape[:2] != (height, width) or pixels.dtype != np.uint16:
            raise Damaged("the PNG is damaged: its picture data cannot be decoded")
        if pixels.ndim == 3:
            swap_red_blue(pixels)
    else:
        image = PngImagePlugin.PngImageFile(io.BytesIO(file))
        if image.size != (width, height):
            raise Damaged("the PNG gives two different sizes")
        image.load()
        if interlaced or image.crop((0, height - 1, width, height)).getbbox(alpha_only=False) is None:
            _check_amount(kept, height, width, _SAMPLES[kind] * depth, interlaced)
        if kind == _PALETTE:
            mode = "RGBA" if "transparency" in image.info else "RGB"
        else:
            mode = {_GREY: "L", _RGB: "RGB"}.get(kind, "RGBA")
        pixels = pixels_of(image, mode)
    return pixels if key is None else with_key_alpha(pixels, key)


def _check_amount(kept: list, height: int, width: int, pixel_bits: int, interlaced: bool) -> None:
    """Raises Damaged unless the compressed stream is sound and holds the whole picture.

    Pillow leaves rows that are missing at zero, so only a picture that ends in zeros is in doubt; OpenCV prints a line
    of its own, which is better not provoked.
    """
    passes = ((0, 8, 0, 8), (4, 8, 0, 8), (0, 4, 4, 8), (2, 4, 0, 4), (0, 2, 2, 4), (1, 2, 0, 2), (0, 1, 1, 2))
    expected = 0
    for left, step_x, top, step_y in passes if interlaced else ((0, 1, 0, 1),):
        columns, rows = -(-(width - left) // step_x), -(-(height - top) // step_y)
        if columns > 0 and rows > 0:
            expected += rows * (1 + -(-columns * pixel_bits // 8))
    inflate, found = zlib.decompressobj(), 0
    try:
        for part in kept:
            if part[4:8] != b"IDAT":
                continue
            piece = part[8:-4]
            while piece and not inflate.eof and found <= expected:
                found += len(inflate.decompress(piece, 1 << 20))
                piece = inflate.unconsumed_tail
    except zlib.error as error:
        raise Damaged(f"the PNG is damaged: its picture data cannot be unpacked ({error})") from error
    if found < expected:
        raise Damaged("the PNG is cut off: part of its picture data is missing")


def encode_png(pixels: np.ndarray, coding: Coding, extras: Extras) -> bytes:
    """pixels: uint8 or uint16, (H, W), (H, W, 3) or (H, W, 4)."""
    if pixels.dtype == np.uint16:
        file = _encode_16_bit(pixels)
    else:
        was_grey_alpha = isinstance(coding, PngCoding) and coding.grey_alpha
        if was_grey_alpha and pixels.ndim == 3 and pixels.shape[2] == 4 and is_grey(pixels):
            pixels = np.ascontiguousarray(pixels[..., ::3])
        stream = io.BytesIO()
        with Image.fromarray(pixels) as image:
            image.save(stream, "PNG", compress_level=_COMPRESS_LEVEL)
        file = stream.getvalue()
    added = []
    if extras.icc:
        added.append(_chunk(b"iCCP", b"ICC profile\0\0" + zlib.compress(extras.icc)))
    if isinstance(coding, PngCoding):
        added += [_chunk(name, body) for name, body in coding.colour_chunks]
    if extras.density:
        across, down = (min(2**31 - 1, max(1, round(value / _INCH_M))) for value in extras.density)
        added.append(_chunk(b"pHYs", struct.pack(">IIB", across, down, 1)))
    if extras.exif:
        added.append(_chunk(b"eXIf", extras.exif))
    return b"".join([file[:33], *added, file[33:]])


def _encode_16_bit(pixels: np.ndarray) -> bytes:
    if pixels.ndim == 3:
        turned = np.empty_like(pixels, order="C")
        for top, bottom in strips(*pixels.shape[:2]):
            turned[top:bottom] = pixels[top:bottom]
        pixels = swap_red_blue(turned)
    options = [cv2.IMWRITE_PNG_COMPRESSION, _COMPRESS_LEVEL, cv2.IMWRITE_PNG_STRATEGY, cv2.IMWRITE_PNG_STRATEGY_DEFAULT]
    done, file = cv2.imencode(".png", pixels, options)
    if not done:
        raise RuntimeError(f"OpenCV did not encode {pixels.shape} {pixels.dtype} as PNG")
    return file.tobytes()


def _chunk(name: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))
