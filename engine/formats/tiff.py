"""TIFF: read by Pillow (up to 8 bits) or OpenCV (16 bits) through a directory made anew, written here.

A decoder sees a first and only directory that holds the tags of the pixels and nothing else, each one checked.
"""

from __future__ import annotations

import io
import struct
import zlib
from dataclasses import dataclass
from functools import partial

import cv2
import numpy as np
from PIL import TiffImagePlugin

from engine.formats import colour
from engine.formats.exif import EXIF_IFD, GPS_IFD, MAX_EXIF_BYTES, ORIENTATION, ExifBlock
from engine.formats.parts import (
    CheckSize,
    Coding,
    Damaged,
    Decoded,
    Extras,
    Opened,
    pixels_of,
    strips,
    swap_red_blue,
)
from engine.formats.tiff_directory import Entry, TiffDirectory, TiffFile, longs, pack, shorts

_SUBFILE, _WIDTH, _HEIGHT, _BITS, _COMPRESSION, _PHOTOMETRIC, _FILL_ORDER = 254, 256, 257, 258, 259, 262, 266
_STRIP_OFFSETS, _SAMPLES, _ROWS_PER_STRIP, _STRIP_BYTES = 273, 277, 278, 279
_ACROSS, _DOWN, _PLANAR, _UNIT, _PREDICTOR, _COLOUR_MAP = 282, 283, 284, 296, 317, 320
_TILE_WIDTH, _TILE_HEIGHT, _TILE_OFFSETS, _TILE_BYTES = 322, 323, 324, 325
_SUB_DIRECTORIES, _EXTRA_SAMPLES, _SAMPLE_FORMAT, _JPEG_TABLES, _ICC, _DNG_VERSION = 330, 338, 339, 347, 34675, 50706
_MAKER_NOTE, _INTEROPERABILITY = 0x927C, 0xA005

# copied to the decoder as they are (fax options, ink set, JPEG tables, YCbCr coefficients, sampling, positioning, range)
_DECODER_TAGS = (292, 293, 332, _JPEG_TABLES, 529, 530, 531, 532, _COLOUR_MAP, _SAMPLE_FORMAT, _FILL_ORDER)
# description, make, model, software, date, artist, computer, copyright
_TEXT_TAGS = (270, 271, 272, 305, 306, 315, 316, 33432)
_RAW = "this is a camera raw file, which holds only a small preview in a readable form; develop it to TIFF or JPEG first"
_MAX_PAGES = 10_000


@dataclass(frozen=True)
class TiffCoding(Coding):
    compressed: bool = True


@dataclass(frozen=True)
class _Layout:
    """How the samples lie in the file; each field was checked."""

    height: int
    width: int
    bits: int
    samples: int
    photometric: int
    extra: int | None  # meaning of the first sample beyond the colours: 0 unknown, 1 and 2 alpha (1: multiplied in)
    directory: bytes  # for the decoder, to be placed at data_end
    data_end: int
    endian: str


def open_tiff(data: bytes, check_size: CheckSize) -> Opened:
    """Raises Damaged. data: the whole file."""
    file = TiffFile(data)
    first = file.directory(file.first)
    if _DNG_VERSION in first or (first.integer(_SUBFILE, 0) & 1 and _SUB_DIRECTORIES in first):
        raise Damaged(_RAW)
    layout = _layout(first, check_size)
    pages, notices = _pages(file, first), ()
    if pages > 1:
        notices = (f"has {pages} pages: only the first was taken",)
    profile = first.entry(_ICC)
    icc = profile[3] if profile else None
    if layout.photometric == 5:
        notices += (colour.notice(icc),)
    across, down, unit = first.ratio(_ACROSS), first.ratio(_DOWN), first.integer(_UNIT, 2)
    scale = {2: 1.0, 3: 2.54}.get(unit)
    orientation = first.integer(ORIENTATION, 1)
    return Opened(
        "TIFF",
        layout.height,
        layout.width,
        partial(_decode, data, layout, icc),
        coding=TiffCoding(compressed=first.integer(_COMPRESSION, 1) != 1),
        icc=None if layout.photometric == 5 else icc,
        exif=_exif(file, first),
        orientation=orientation if orientation in range(1, 9) else 1,
        density=(across * scale, down * scale) if across and down and scale else None,
        notices=notices,
    )


def _layout(first: TiffDirectory, check_size: CheckSize) -> _Layout:
    endian, data = first.file.endian, first.file.data
    height, width = first.integer(_HEIGHT, 0), first.integer(_WIDTH, 0)
    if not height or not width:
        raise Damaged(f"the TIFF says it is {width} x {height} pixels")
    check_size(height, width)
    samples = first.integer(_SAMPLES, 1)
    photometric, compression = first.integer(_PHOTOMETRIC, 1), first.integer(_COMPRESSION, 1)
    bits = first.integers(_BITS, (1,))
    if not 1 <= samples <= 8 or len(bits) > 8 or len(set(bits)) != 1 or bits[0] not in (1, 2, 4, 8, 16):
        raise Damaged(f"this TIFF has {samples} samples of {bits[:8]} bits, which is not read; save it with 8 or 16 bits")
    if set(first.integers(_SAMPLE_FORMAT, (1,))) - {1, 4}:
        raise Damaged("this TIFF holds signed or floating-point numbers, which are not read; save it with 8 or 16 bits")
    if photometric in (32803, 34892):
        raise Damaged(_RAW)
    if photometric not in (0, 1, 2, 3, 5, 6) or (bits[0] == 16 and photometric not in (0, 1, 2)):
        raise Damaged("this TIFF stores its colours in a rare way (such as Lab or 16-bit CMYK); save it as RGB")
    if photometric == 3 and _COLOUR_MAP not in first:
        raise Damaged("the TIFF is damaged: it has no palette")
    colours = {0: 1, 1: 1, 2: 3, 3: 1, 5: 4, 6: 3}[photometric]
    if photometric == 6 and samples == 1:
        colours = 1
    extra = None
    if samples > colours:
        meaning = first.integers(_EXTRA_SAMPLES, (2,))
        extra = meaning[0] if meaning else 2
    elif samples < colours:
        raise Damaged(f"the TIFF is damaged: it has {samples} samples where its colours need {colours}")

    entries: list[Entry] = [
        longs(_WIDTH, (width,), endian),
        longs(_HEIGHT, (height,), endian),
        shorts(_BITS, bits[:1] * samples, endian),
        shorts(_COMPRESSION, (compression,), endian),
        # for 16 bits "0 is white" is undone here, the decoders disagree about it
        shorts(_PHOTOMETRIC, (1 if bits[0] == 16 and photometric == 0 else photometric,), endian),
        shorts(_SAMPLES, (samples,), endian),
    ]
    if extra is not None:
        kind = 2 if bits[0] == 16 else extra
        entries.append(shorts(_EXTRA_SAMPLES, (kind, *(0,) * (samples - colours - 1)), endian))
    planar, predictor = first.integer(_PLANAR, 1), first.integer(_PREDICTOR, 1)
    entries += [shorts(_PLANAR, (planar,), endian), shorts(_PREDICTOR, (predictor,), endian)]
    for tag in _DECODER_TAGS:
        entry = first.entry(tag)
        if entry is not None:
            entries.append(entry)
    entries += _pieces(first, height, width, samples, bits[0], planar, compression, check_size)
    data_end = len(data) + (len(data) & 1)
    return _Layout(
        height,
        width,
        bits[0],
        samples,
        photometric,
        extra,
        pack(entries, endian, data_end),
        data_end,
        endian,
    )


def _pieces(
    first: TiffDirectory, height: int, width: int, samples: int, bits: int, planar: int, compression: int, check_size: CheckSize
) -> list[Entry]:
    """Where the strips or tiles lie; Damaged unless there are as many as the size needs, all inside the file."""
    endian = first.file.endian
    if planar not in (1, 2):
        raise Damaged("the TIFF is damaged: its planes are arranged in an unknown way")
    tiled = _TILE_OFFSETS in first
    if tiled:
        rows, columns = first.integer(_TILE_HEIGHT, 0), first.integer(_TILE_WIDTH, 0)
        if not rows or not columns or rows % 16 or columns % 16:
            raise Damaged(f"the TIFF is damaged: its tiles are {columns} x {rows} pixels")
        check_size(rows, columns)  # a decoder allocates a whole tile, however small the picture
        shape = [longs(_TILE_WIDTH, (columns,), endian), longs(_TILE_HEIGHT, (rows,), endian)]
        count = -(-height // rows) * -(-width // columns)
    else:
        rows, columns = min(first.integer(_ROWS_PER_STRIP, height), height), width
        if not rows:
            raise Damaged("the TIFF is damaged: its strips have no rows")
        shape = [longs(_ROWS_PER_STRIP, (rows,), endian)]
        count = -(-height // rows)
    if planar == 2:
        count *= samples
    offsets_tag, bytes_tag = (_TILE_OFFSETS, _TILE_BYTES) if tiled else (_STRIP_OFFSETS, _STRIP_BYTES)
    row_bytes = -(-columns * bits * (1 if planar == 2 else samples) // 8)
    offsets = first.integers(offsets_tag)
    sizes = first.integers(bytes_tag)
    if not sizes and compression == 1 and len(offsets) == 1:
        sizes = (rows * row_bytes,)  # old writers leave it out
    if len(offsets) != count or len(sizes) != count:
        raise Damaged(f"the TIFF is damaged: it has {len(offsets)} strips or tiles where its size needs {count}")
    for index, (offset, size) in enumerate(zip(offsets, sizes)):
        if offset + size > len(first.file.data):
            raise Damaged("the TIFF is cut off: part of its picture data lies beyond its end")
        if compression == 1:
            last = not tiled and index % -(-height // rows) == -(-height // rows) - 1
            if size < row_bytes * (height - (-(-height // rows) - 1) * rows if last else rows):
                raise Damaged("the TIFF is damaged: its picture data is shorter than its size needs")
    return [*shape, longs(offsets_tag, offsets, endian), longs(bytes_tag, sizes, endian)]


def _pages(file: TiffFile, first: TiffDirectory) -> int:
    """How many pages there are, smaller copies of a page not counted."""
    pages, at, seen = 1, first.next, {file.first}
    while at and at not in seen and len(seen) < _MAX_PAGES:
        seen.add(at)
        try:
            page = file.directory(at)
            pages += not page.integer(_SUBFILE, 0) & 1
        except Damaged:
            break  # the first page is whole, and it is the one that is taken
        at = page.next
    return pages


def _exif(file: TiffFile, first: TiffDirectory) -> bytes | None:
    """A block of its own with the texts, the Exif and the GPS directory; None where there are none."""
    endian = file.endian
    block = bytearray(struct.pack(endian + "2sHI", b"II" if endian == "<" else b"MM", 42, 0))
    entries: list[Entry] = []
    try:
        for tag in _TEXT_TAGS:
            entry = first.entry(tag, max_bytes=MAX_EXIF_BYTES)
            if entry is not None:
                entries.append(entry)
        for tag in (EXIF_IFD, GPS_IFD):
            if tag not in first:
                continue
            part = file.directory(first.integer(tag, 0))
            # maker notes hold offsets that do not survive a move
            kept = [part.entry(t, max_bytes=MAX_EXIF_BYTES) for t in part.tags() if t not in (_MAKER_NOTE, _INTEROPERABILITY)]
            entries.append(longs(tag, (len(block),), endian))
            block += pack([entry for entry in kept if entry is not None and entry[1] <= 12], endian, len(block))
    except Damaged:
        return b""  # the door says that it is damaged
    if not entries:
        return None
    if ORIENTATION in first:  # tells whether the sides that Exif names have to be exchanged
        entries.append(shorts(ORIENTATION, first.integers(ORIENTATION)[:1], endian))
    struct.pack_into(endian + "I", block, 4, len(block))
    block += pack(entries, endian, len(block))
    return bytes(block)


def _decode(data: bytes, layout: _Layout, icc: bytes | None) -> Decoded:
    file = bytearray(layout.data_end)
    file[: len(data)] = data
    file += layout.directory
    struct.pack_into(layout.endian + "2sHI", file, 0, b"II" if layout.endian == "<" else b"MM", 42, layout.data_end)
    if layout.bits == 16:
        return Decoded(_decode_16_bit(file, layout))
    with io.BytesIO(file) as stream:
        del file
        image = TiffImagePlugin.TiffImageFile(stream)
        if image.size != (layout.width, layout.height):
            raise Damaged("the TIFF gives two different sizes")
        image.load()
    if image.mode == "CMYK":
        pixels, notices = colour.rgb_from_cmyk(image, icc, inverted=False)
        return Decoded(pixels, notices)
    mode = {"1": "L", "L": "L", "LA": "RGBA", "PA": "RGBA", "RGBA": "RGBA", "RGB": "RGB", "RGBX": "RGB", "P": "RGB"}.get(image.mode)
    if mode is None:
        raise Damaged(f"this TIFF is of a kind that is not read ({image.mode}); save it as RGB")
    return Decoded(pixels_of(image, mode))


def _decode_16_bit(file: bytearray, layout: _Layout) -> np.ndarray:
    pixels = cv2.imdecode(np.frombuffer(file, np.uint8), cv2.IMREAD_UNCHANGED)
    if pixels is None or pixels.shape[:2] != (layout.height, layout.width) or pixels.dtype != np.uint16:
        raise Damaged("the TIFF is damaged, or of a kind that is not read: its picture data cannot be decoded")
    channels = 1 if pixels.ndim == 2 else pixels.shape[2]
    if channels != layout.samples or channels not in (1, 3, 4):
        raise Damaged(f"this 16-bit TIFF has {layout.samples} samples a pixel, which is not read; save it as grey, RGB or RGBA")
    if layout.photometric == 0:
        np.subtract(65_535, pixels, out=pixels)
    if channels >= 3:
        swap_red_blue(pixels)
    if channels == 4 and layout.extra == 0:
        return np.ascontiguousarray(pixels[..., :3])
    if channels == 4 and layout.extra == 1:
        for top, bottom in strips(layout.height, layout.width):
            band = pixels[top:bottom]
            alpha = np.maximum(band[..., 3:].astype(np.uint32), 1)
            band[..., :3] = np.minimum((band[..., :3].astype(np.uint32) * 65_535 + alpha // 2) // alpha, 65_535)
    return pixels


def encode_tiff(pixels: np.ndarray, coding: Coding, extras: Extras) -> bytes:
    """pixels: uint8 or uint16, (H, W), (H, W, 3) or (H, W, 4). Deflate with horizontal differences, or uncompressed.

    The file begins with the EXIF block as it is, so that every offset inside it stays valid.
    """
    height, width = pixels.shape[:2]
    samples = 1 if pixels.ndim == 2 else pixels.shape[2]
    compressed = not isinstance(coding, TiffCoding) or coding.compressed
    entries: list[Entry] = []
    endian, parts = "<", [b"II*\0" + bytes(4)]
    if extras.exif:
        block = ExifBlock(extras.exif)
        endian, parts = block.endian, [bytes(block.bytes)]
        entries = block.values(block.ifd0)
    at = len(parts[0])

    def place(part: bytes) -> int:
        nonlocal at
        if at & 1:
            parts.append(b"\0")
            at += 1
        parts.append(part)
        at += len(part)
        return at - len(part)

    rows = min(height, max(1, (1 << 18) // (width * samples * pixels.itemsize)))
    offsets, sizes = [], []
    for top in range(0, height, rows):
        band = pixels[top : top + rows]
        if compressed:
            band = np.concatenate([band[:, :1], band[:, 1:] - band[:, :-1]], axis=1)  # wraps round, as predictor 2 wants
        strip = np.ascontiguousarray(band, dtype=band.dtype.newbyteorder(endian)).tobytes()
        if compressed:
            strip = zlib.compress(strip, 4)
        offsets.append(place(strip))
        sizes.append(len(strip))
    ours = [
        longs(_WIDTH, (width,), endian),
        longs(_HEIGHT, (height,), endian),
        shorts(_BITS, (8 * pixels.itemsize,) * samples, endian),
        shorts(_COMPRESSION, (8 if compressed else 1,), endian),
        shorts(_PHOTOMETRIC, (1 if samples == 1 else 2,), endian),
        longs(_STRIP_OFFSETS, tuple(offsets), endian),
        shorts(_SAMPLES, (samples,), endian),
        longs(_ROWS_PER_STRIP, (rows,), endian),
        longs(_STRIP_BYTES, tuple(sizes), endian),
        shorts(_PLANAR, (1,), endian),
        shorts(_PREDICTOR, (2 if compressed else 1,), endian),
    ]
    if samples == 4:
        ours.append(shorts(_EXTRA_SAMPLES, (2,), endian))
    if extras.icc:
        ours.append((_ICC, 7, len(extras.icc), extras.icc))
    if extras.density:
        across, down = ((min(2**32 - 1, max(1, round(value * 1000))), 1000) for value in extras.density)
        ours += [(tag, 5, 1, struct.pack(endian + "II", *value)) for tag, value in ((_ACROSS, across), (_DOWN, down))]
        ours.append(shorts(_UNIT, (2,), endian))
    # what EXIF says of the pixels it once stood beside (size, compression, strips) gives way
    about_pixels = {entry[0] for entry in ours} | {_EXTRA_SAMPLES, _COLOUR_MAP, 513, 514, *_DECODER_TAGS}
    entries = [entry for entry in entries if entry[0] not in about_pixels] + ours
    directory_at = at + (at & 1)
    place(pack(entries, endian, directory_at))
    parts[0] = parts[0][:4] + struct.pack(endian + "I", directory_at) + parts[0][8:]
    return b"".join(parts)
