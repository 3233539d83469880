"""TIFF written: grey, RGB or RGBA of 8 or 16 bits, deflated with horizontal differences or uncompressed."""

from __future__ import annotations

import struct
import zlib

import numpy as np

from engine.formats import tiff_directory as tags
from engine.formats.exif import ExifBlock
from engine.formats.parts import Coding, Extras
from engine.formats.tiff_directory import Entry, TiffCoding, longs, pack, shorts

# what an EXIF block may say of the pixels it once stood beside, in another file
_ABOUT_PIXELS = {
    tags.EXTRA_SAMPLES, tags.COLOUR_MAP, tags.SAMPLE_FORMAT, tags.FILL_ORDER, tags.JPEG_TABLES, tags.SUB_DIRECTORIES,
    tags.TILE_WIDTH, tags.TILE_HEIGHT, tags.TILE_OFFSETS, tags.TILE_BYTES, 292, 293, 332, 513, 514, 529, 530, 531, 532,
}  # fmt: skip
_STRIP_BYTES = 1 << 18


def encode_tiff(pixels: np.ndarray, coding: Coding, extras: Extras) -> bytes:
    """pixels: uint8 or uint16, (H, W), (H, W, 3) or (H, W, 4).

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

    rows = min(height, max(1, _STRIP_BYTES // (width * samples * pixels.itemsize)))
    offsets, sizes = [], []
    for top in range(0, height, rows):
        band = pixels[top : top + rows]
        if compressed:
            # differences wrap round, as predictor 2 wants
            band = np.concatenate([band[:, :1], band[:, 1:] - band[:, :-1]], axis=1)
        strip = np.ascontiguousarray(band, dtype=np.dtype(f"{endian}u{pixels.itemsize}")).tobytes()
        if compressed:
            strip = zlib.compress(strip, 4)
        offsets.append(place(strip))
        sizes.append(len(strip))
    ours = [
        longs(tags.WIDTH, (width,), endian),
        longs(tags.HEIGHT, (height,), endian),
        shorts(tags.BITS, (8 * pixels.itemsize,) * samples, endian),
        shorts(tags.COMPRESSION, (8 if compressed else 1,), endian),
        shorts(tags.PHOTOMETRIC, (1 if samples == 1 else 2,), endian),
        longs(tags.STRIP_OFFSETS, tuple(offsets), endian),
        shorts(tags.SAMPLES, (samples,), endian),
        longs(tags.ROWS_PER_STRIP, (rows,), endian),
        longs(tags.STRIP_BYTES, tuple(sizes), endian),
        shorts(tags.PLANAR, (1,), endian),
        shorts(tags.PREDICTOR, (2 if compressed else 1,), endian),
    ]
    if samples == 4:
        ours.append(shorts(tags.EXTRA_SAMPLES, (2,), endian))
    if extras.icc:
        ours.append((tags.ICC, 7, len(extras.icc), extras.icc))
    if extras.density:
        for tag, value in zip((tags.ACROSS, tags.DOWN), extras.density):
            ours.append((tag, 5, 1, struct.pack(endian + "II", min(2**32 - 1, max(1, round(value * 1000))), 1000)))
        ours.append(shorts(tags.UNIT, (2,), endian))
    replaced = {entry[0] for entry in ours} | _ABOUT_PIXELS
    entries = [entry for entry in entries if entry[0] not in replaced] + ours
    directory_at = at + (at & 1)
    place(pack(entries, endian, directory_at))
    parts[0] = parts[0][:4] + struct.pack(endian + "I", directory_at) + parts[0][8:]
    return b"".join(parts)
