"""TIFF: read by Pillow (up to 8 bits) or OpenCV (16 bits) through a directory made anew.

A decoder sees a first and only directory that holds the tags of the pixels and nothing else, each one checked.
"""

from __future__ import annotations

import io
import struct
from dataclasses import dataclass
from functools import partial

import cv2
import numpy as np
from PIL import TiffImagePlugin

from engine.formats import colour
from engine.formats import tiff_directory as tags
from engine.formats.exif import EXIF_IFD, GPS_IFD, MAX_EXIF_BYTES, ORIENTATION
from engine.formats.parts import CheckSize, Damaged, Opened, pixels_of, strips, swap_red_blue
from engine.formats.tiff_directory import Entry, TiffCoding, TiffDirectory, TiffFile, longs, pack, shorts

_MAKER_NOTE, _INTEROPERABILITY = 0x927C, 0xA005

# copied to the decoder as they are: fax options, ink set, YCbCr coefficients, sampling, position, range, and more
_DECODER_TAGS = (
    292, 293, 332, 529, 530, 531, 532, tags.JPEG_TABLES, tags.COLOUR_MAP, tags.SAMPLE_FORMAT, tags.FILL_ORDER,
)  # fmt: skip
# description, make, model, software, date, artist, computer, copyright
_TEXT_TAGS = (270, 271, 272, 305, 306, 315, 316, 33432)
_RAW = "this is a camera raw file, of which only a small preview could be read; develop it to TIFF or JPEG first"
_MAX_PAGES = 10_000
# Pillow's modes -> ours
_MODES = {"1": "L", "L": "L", "LA": "RGBA", "PA": "RGBA", "RGBA": "RGBA", "RGB": "RGB", "RGBX": "RGB", "P": "RGB"}


@dataclass(frozen=True)
class _Layout:
    """How the samples lie in the file; each field was checked."""

    height: int
    width: int
    bits: int
    samples: int
    photometric: int
    extra: int | None  # meaning of the first sample beyond the colours: 0 unknown, 1 and 2 alpha (1: multiplied in)
    directories: tuple[
        bytes, ...
    ]  # for the decoder, to be placed at data_end; several: one a plane, each a grey picture
    data_end: int
    endian: str


def open_tiff(data: bytes, check_size: CheckSize) -> Opened:
    """Raises Damaged. data: the whole file."""
    file = TiffFile(data)
    first = file.directory(file.first)
    if tags.DNG_VERSION in first or (first.integer(tags.SUBFILE, 0) & 1 and tags.SUB_DIRECTORIES in first):
        raise Damaged(_RAW)
    layout = _layout(first, check_size)
    pages, notices = _pages(file, first), []
    if pages > 1:
        notices.append(f"has {pages} pages: only the first was taken")
    profile = first.entry(tags.ICC)
    icc = profile[3] if profile else None
    if layout.photometric == 5:
        notices.append(colour.notice(icc))
    across, down, unit = first.ratio(tags.ACROSS), first.ratio(tags.DOWN), first.integer(tags.UNIT, 2)
    scale = {2: 1.0, 3: 2.54}.get(unit)
    orientation = first.integer(ORIENTATION, 1)
    return Opened(
        "TIFF",
        layout.height,
        layout.width,
        partial(_decode, data, layout, icc),
        coding=TiffCoding(compressed=first.integer(tags.COMPRESSION, 1) != 1),
        icc=None if layout.photometric == 5 else icc,
        exif=_exif(file, first),
        orientation=orientation if orientation in range(1, 9) else 1,
        density=(across * scale, down * scale) if across and down and scale else None,
        notices=tuple(notices),
    )


def _layout(first: TiffDirectory, check_size: CheckSize) -> _Layout:
    endian, data = first.file.endian, first.file.data
    height, width = first.integer(tags.HEIGHT, 0), first.integer(tags.WIDTH, 0)
    if not height or not width:
        raise Damaged(f"the TIFF says it is {width} x {height} pixels")
    check_size(height, width)
    samples = first.integer(tags.SAMPLES, 1)
    photometric, compression = first.integer(tags.PHOTOMETRIC, 1), first.integer(tags.COMPRESSION, 1)
    bits = first.integers(tags.BITS, (1,))
    if not 1 <= samples <= 8 or len(bits) > 8 or len(set(bits)) != 1 or bits[0] not in (1, 2, 4, 8, 16):
        listed = "/".join(map(str, bits[:8]))
        raise Damaged(f"this TIFF has {samples} samples of {listed} bits, which is not read; save it with 8 or 16 bits")
    if set(first.integers(tags.SAMPLE_FORMAT, (1,))) - {1, 4}:
        raise Damaged("this TIFF holds signed or floating-point numbers, which are not read; save it with 8 or 16 bits")
    if photometric in (32803, 34892):
        raise Damaged(_RAW)
    if photometric not in (0, 1, 2, 3, 5, 6) or (bits[0] == 16 and photometric not in (0, 1, 2)):
        raise Damaged("this TIFF stores its colours in a rare way (such as Lab or 16-bit CMYK); save it as RGB")
    if photometric == 3 and tags.COLOUR_MAP not in first:
        raise Damaged("the TIFF is damaged: it has no palette")
    colours = {0: 1, 1: 1, 2: 3, 3: 1, 5: 4, 6: 3}[photometric]
    if photometric == 6 and samples == 1:
        colours = 1
    extra = None
    if samples > colours:
        meaning = first.integers(tags.EXTRA_SAMPLES, (2,))
        extra = meaning[0] if meaning else 2
    elif samples < colours:
        raise Damaged(f"the TIFF is damaged: it has {samples} samples where its colours need {colours}")

    shape, offsets, sizes = _pieces(first, height, width, samples, bits[0], check_size)
    offsets_tag, sizes_tag = (
        (tags.TILE_OFFSETS, tags.TILE_BYTES) if tags.TILE_OFFSETS in first else (tags.STRIP_OFFSETS, tags.STRIP_BYTES)
    )
    common: list[Entry] = [
        longs(tags.WIDTH, (width,), endian),
        longs(tags.HEIGHT, (height,), endian),
        shorts(tags.COMPRESSION, (compression,), endian),
        *shape,
    ]
    predictor = first.integer(tags.PREDICTOR, 1)
    if predictor != 1:
        common.append(shorts(tags.PREDICTOR, (predictor,), endian))
    for tag in _DECODER_TAGS:
        entry = first.entry(tag)
        if entry is not None:
            common.append(entry)

    def directory(planar: int, channels: int, photometric: int, start: int, stop: int) -> bytes:
        entries = [
            *common,
            shorts(tags.PLANAR, (planar,), endian),
            shorts(tags.BITS, bits[:1] * channels, endian),
            shorts(tags.SAMPLES, (channels,), endian),
            shorts(tags.PHOTOMETRIC, (photometric,), endian),
            longs(offsets_tag, offsets[start:stop], endian),
            longs(sizes_tag, sizes[start:stop], endian),
        ]
        if channels > colours:
            # 16 bits: what is multiplied in is taken out here, and decoders keep their hands off "2"
            kind = 2 if bits[0] == 16 else extra or 0
            entries.append(shorts(tags.EXTRA_SAMPLES, (kind, *(0,) * (channels - colours - 1)), endian))
        return pack(entries, endian, data_end)

    data_end = len(data) + (len(data) & 1)
    planar = first.integer(tags.PLANAR, 1)
    if bits[0] == 16 and planar == 2:  # OpenCV takes 16-bit planes for interleaved samples
        step = len(offsets) // samples
        directories = tuple(directory(1, 1, 1, at, at + step) for at in range(0, len(offsets), step))
    else:
        # for 16 bits "0 is white" is undone here, the decoders disagree about it
        shown = 1 if bits[0] == 16 and photometric == 0 else photometric
        directories = (directory(planar, samples, shown, 0, len(offsets)),)
    return _Layout(height, width, bits[0], samples, photometric, extra, directories, data_end, endian)


def _pieces(
    first: TiffDirectory, height: int, width: int, samples: int, bits: int, check_size: CheckSize
) -> tuple[list[Entry], tuple[int, ...], tuple[int, ...]]:
    """(entries of their shape, offsets, bytes) of the strips or tiles.

    Raises Damaged unless there are as many as the size needs, all inside the file.
    """
    endian = first.file.endian
    planar, compression = first.integer(tags.PLANAR, 1), first.integer(tags.COMPRESSION, 1)
    if planar not in (1, 2):
        raise Damaged("the TIFF is damaged: its planes are arranged in an unknown way")
    tiled = tags.TILE_OFFSETS in first
    if tiled:
        rows, columns = first.integer(tags.TILE_HEIGHT, 0), first.integer(tags.TILE_WIDTH, 0)
        if not rows or not columns or rows % 16 or columns % 16:
            raise Damaged(f"the TIFF is damaged: its tiles are {columns} x {rows} pixels")
        check_size(rows, columns)  # a decoder allocates a whole tile, however small the picture
        shape = [longs(tags.TILE_WIDTH, (columns,), endian), longs(tags.TILE_HEIGHT, (rows,), endian)]
        count = -(-height // rows) * -(-width // columns)
    else:
        rows, columns = min(first.integer(tags.ROWS_PER_STRIP, height), height), width
        if not rows:
            raise Damaged("the TIFF is damaged: its strips have no rows")
        shape = [longs(tags.ROWS_PER_STRIP, (rows,), endian)]
        count = -(-height // rows)
    if planar == 2:
        count *= samples
    row_bytes = -(-columns * bits * (1 if planar == 2 else samples) // 8)
    offsets = first.integers(tags.TILE_OFFSETS if tiled else tags.STRIP_OFFSETS)
    sizes = first.integers(tags.TILE_BYTES if tiled else tags.STRIP_BYTES)
    if not sizes and compression == 1 and len(offsets) == 1:
        sizes = (rows * row_bytes,)  # old writers leave it out
    if len(offsets) != count or len(sizes) != count:
        raise Damaged(f"the TIFF is damaged: it has {len(offsets)} strips or tiles where its size needs {count}")
    for index, (offset, size) in enumerate(zip(offsets, sizes)):
        if offset + size > len(first.file.data):
            raise Damaged("the TIFF is cut off: part of its picture data lies beyond its end")
        # the last strip (of each plane) ends with the picture, a tile never does
        rows_here = rows if tiled else min(rows, height - index % -(-height // rows) * rows)
        if compression == 1 and size < row_bytes * rows_here:
            raise Damaged("the TIFF is damaged: its picture data is shorter than its size needs")
    return shape, offsets, sizes


def _pages(file: TiffFile, first: TiffDirectory) -> int:
    """How many pages there are, smaller copies of a page not counted."""
    pages, at, seen = 1, first.next, {file.first}
    while at and at not in seen and len(seen) < _MAX_PAGES:
        seen.add(at)
        try:
            page = file.directory(at)
            pages += not page.integer(tags.SUBFILE, 0) & 1
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
            kept = (t for t in part.tags() if t not in (_MAKER_NOTE, _INTEROPERABILITY))
            found = (part.entry(t, max_bytes=MAX_EXIF_BYTES) for t in kept)
            entries.append(longs(tag, (len(block),), endian))
            block += pack([entry for entry in found if entry is not None and entry[1] <= 12], endian, len(block))
    except Damaged:
        return b""  # the door says that it is damaged
    if not entries:
        return None
    if ORIENTATION in first:  # tells whether the sides that Exif names have to be exchanged
        entries.append(shorts(ORIENTATION, first.integers(ORIENTATION)[:1], endian))
    struct.pack_into(endian + "I", block, 4, len(block))
    block += pack(entries, endian, len(block))
    return bytes(block)


def _decode(data: bytes, layout: _Layout, icc: bytes | None) -> np.ndarray:
    file = bytearray(layout.data_end)
    file[: len(data)] = data
    struct.pack_into(layout.endian + "2sHI", file, 0, b"II" if layout.endian == "<" else b"MM", 42, layout.data_end)
    if layout.bits == 16:
        return _decode_16_bit(file, layout)
    file += layout.directories[0]
    with io.BytesIO(file) as stream:
        del file
        image = TiffImagePlugin.TiffImageFile(stream)
        if image.size != (layout.width, layout.height):
            raise Damaged("the TIFF gives two different sizes")
        image.load()
    if image.mode == "CMYK":
        return colour.rgb_from_cmyk(image, icc, inverted=False)
    if image.mode not in _MODES:
        raise Damaged(f"this TIFF is of a kind that is not read ({image.mode}); save it as RGB")
    return pixels_of(image, _MODES[image.mode])


def _decode_16_bit(file: bytearray, layout: _Layout) -> np.ndarray:
    channels = layout.samples
    if channels not in (1, 3, 4):
        raise Damaged(f"this 16-bit TIFF has {channels} samples a pixel; save it as grey, RGB or RGBA")
    if len(layout.directories) == 1:
        pixels = _opencv(file, layout.directories[0], layout)
        if pixels.shape[2:] != (() if channels == 1 else (channels,)):
            raise Damaged("the TIFF is of a kind that is not read; save it as grey, RGB or RGBA")
        if channels >= 3:
            swap_red_blue(pixels)
    else:
        pixels = np.empty((layout.height, layout.width, channels), np.uint16)
        for channel, directory in enumerate(layout.directories):
            plane = _opencv(file, directory, layout)
            if plane.ndim != 2:
                raise Damaged("the TIFF is of a kind that is not read; save it as grey, RGB or RGBA")
            pixels[..., channel] = plane
        if channels == 1:
            pixels = pixels[..., 0]
    if layout.photometric == 0:
        np.subtract(65_535, pixels, out=pixels)
    if channels == 4 and layout.extra == 0:
        return np.ascontiguousarray(pixels[..., :3])
    if channels == 4 and layout.extra == 1:
        for top, bottom in strips(layout.height, layout.width):
            band = pixels[top:bottom]
            alpha = np.maximum(band[..., 3:].astype(np.uint32), 1)
            band[..., :3] = np.minimum((band[..., :3].astype(np.uint32) * 65_535 + alpha // 2) // alpha, 65_535)
    return pixels


def _opencv(file: bytearray, directory: bytes, layout: _Layout) -> np.ndarray:
    file[layout.data_end :] = directory
    pixels = cv2.imdecode(np.frombuffer(file, np.uint8), cv2.IMREAD_UNCHANGED)
    if pixels is None or pixels.shape[:2] != (layout.height, layout.width) or pixels.dtype != np.uint16:
        raise Damaged("the TIFF is damaged, or of a kind that is not read: its picture data cannot be decoded")
    return pixels
