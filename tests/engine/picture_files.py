"""Real picture files for tests, made by other programs' code (Pillow, OpenCV) or byte by byte."""

from __future__ import annotations

import io
import struct
import zlib
from functools import cache

import cv2
import numpy as np
from PIL import Image, ImageCms


def photo(height=61, width=83, channels=3, seed=1, dtype=np.uint8) -> np.ndarray:
    """A smooth random picture with every value in play; channels 1 is (H, W)."""
    rng = np.random.default_rng(seed)
    small = rng.random((max(2, height // 6), max(2, width // 6), channels))
    big = cv2.resize(small, (width, height), interpolation=cv2.INTER_CUBIC).reshape(height, width, channels)
    big += rng.normal(0, 0.02, big.shape)
    full = np.iinfo(dtype).max
    pixels = (np.clip(big, 0, 1) * full).round().astype(dtype)
    return pixels[..., 0] if channels == 1 else pixels


def saved(pixels, format: str, **options) -> bytes:
    """pixels: an array, or a Pillow image of any mode."""
    file = io.BytesIO()
    image = pixels if isinstance(pixels, Image.Image) else Image.fromarray(pixels)
    image.save(file, format, **options)
    return file.getvalue()


def as_pillow_reads(data: bytes, mode: str | None = None) -> np.ndarray:
    with Image.open(io.BytesIO(data)) as image:
        return np.asarray(image.convert(mode) if mode else image)


def png_chunk(name: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))


def png(width, height, depth, kind, rows: bytes, *, extra=(), after=(), interlace=0) -> bytes:
    """kind: 0 grey, 2 RGB, 3 palette, 4 grey + alpha, 6 RGBA. rows: each with its filter byte. extra: whole chunks."""
    header = struct.pack(">IIBBBBB", width, height, depth, kind, 0, 0, interlace)
    parts = [
        png_chunk(b"IHDR", header),
        *extra,
        png_chunk(b"IDAT", zlib.compress(rows)),
        *after,
        png_chunk(b"IEND", b""),
    ]
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def png_of(pixels: np.ndarray, kind: int, **options) -> bytes:
    """8 or 16 bits a sample as the array has them, filter 0."""
    depth = 8 * pixels.itemsize
    big = pixels.astype(pixels.dtype.newbyteorder(">"))
    rows = b"".join(b"\0" + row.tobytes() for row in big)
    return png(pixels.shape[1], pixels.shape[0], depth, kind, rows, **options)


def png_parts(data: bytes) -> list[tuple[bytes, bytes]]:
    parts, at = [], 8
    while at < len(data):
        size = int.from_bytes(data[at : at + 4], "big")
        parts.append((data[at + 4 : at + 8], data[at + 8 : at + 8 + size]))
        at += 12 + size
    return parts


def tiff(endian: str, tags: dict[int, tuple[int, tuple]], data: bytes, *, big=False) -> bytes:
    """One-strip TIFF; tags: number -> (type 3, 4, 5 or 7, values); strip offset and byte count are added.

    big: BigTIFF, with 8-byte offsets.
    """
    head = 16 if big else 8
    tags = dict(tags)
    tags.setdefault(273, (4, (head,)))
    tags.setdefault(279, (4, (len(data),)))
    layout = {3: "H", 4: "I", 16: "Q"}
    at = head + len(data) + (len(data) & 1)
    entry, inline = (20, 8) if big else (12, 4)
    values_at = at + (8 if big else 2) + entry * len(tags) + (8 if big else 4)
    directory = struct.pack(endian + ("Q" if big else "H"), len(tags))
    values = b""
    for tag in sorted(tags):
        kind, content = tags[tag]
        if kind == 7:
            count, raw = len(content), bytes(content)
        elif kind == 5:
            count, raw = 1, struct.pack(endian + "II", *content)
        else:
            count, raw = len(content), struct.pack(f"{endian}{len(content)}{layout[kind]}", *content)
        directory += struct.pack(endian + ("HHQ" if big else "HHI"), tag, kind, count)
        if len(raw) <= inline:
            directory += raw.ljust(inline, b"\0")
        else:
            directory += struct.pack(endian + ("Q" if big else "I"), values_at + len(values))
            values += raw + b"\0" * (len(raw) & 1)
    directory += bytes(8 if big else 4)
    order = b"II" if endian == "<" else b"MM"
    start = order + (struct.pack(endian + "HHHQ", 43, 8, 0, at) if big else struct.pack(endian + "HI", 42, at))
    return start + data + b"\0" * (len(data) & 1) + directory + values


LATITUDE = ((52, 1), (31, 1), (123_457, 1000))  # degrees, minutes, seconds as EXIF rationals


def exif_block(endian="<", *, orientation=1, gps=True, thumbnail=b"", sides=(83, 61), maker_note=b"maker" * 4) -> bytes:
    """EXIF laid out by hand: make, orientation, Exif directory (sides, maker note), GPS, IFD1 with a thumbnail."""

    def entry(tag, kind, count, field):
        return struct.pack(endian + "HHI", tag, kind, count) + field

    def u32(value):
        return struct.pack(endian + "I", value)

    def u16(value):
        return struct.pack(endian + "HH", value, 0)

    def directory(entries, following=0):
        return struct.pack(endian + "H", len(entries)) + b"".join(entries) + u32(following)

    make, note_at = b"Whetworks\0", 8
    make_at = note_at + len(maker_note) + (len(maker_note) & 1)
    exif_at = make_at + len(make)
    exif = directory([entry(0x927C, 7, len(maker_note), u32(note_at)), entry(0xA002, 4, 1, u32(sides[0])),
                      entry(0xA003, 4, 1, u32(sides[1]))])  # fmt: skip
    latitude_at = exif_at + len(exif)
    latitude = b"".join(struct.pack(endian + "II", *part) for part in LATITUDE)
    gps_at = latitude_at + len(latitude)
    gps_directory = directory([entry(1, 2, 2, b"N\0\0\0"), entry(2, 5, 3, u32(latitude_at))])
    ifd0_at = gps_at + len(gps_directory)
    entries = [entry(0x010F, 2, len(make), u32(make_at)), entry(0x0112, 3, 1, u16(orientation)),
               entry(0x8769, 4, 1, u32(exif_at))]  # fmt: skip
    if gps:
        entries.append(entry(0x8825, 4, 1, u32(gps_at)))
    ifd1_at = ifd0_at + 2 + 12 * len(entries) + 4
    thumbnail_at = ifd1_at + 2 + 12 * 2 + 4
    ifd1 = directory([entry(0x0201, 4, 1, u32(thumbnail_at)), entry(0x0202, 4, 1, u32(len(thumbnail)))])
    block = (b"II" if endian == "<" else b"MM") + struct.pack(endian + "HI", 42, ifd0_at)
    block += maker_note + b"\0" * (len(maker_note) & 1) + make + exif + latitude + gps_directory
    block += directory(entries, ifd1_at if thumbnail else 0)
    return block + (ifd1 + thumbnail if thumbnail else b"")


def latitude_bytes(endian: str) -> bytes:
    return struct.pack(endian + "II", *LATITUDE[2])


@cache
def rgb_profile() -> bytes:
    """An ICC profile of sRGB, always the same: it holds the second in which it was made."""
    return ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def cmyk_profile() -> bytes:
    """An ICC printer profile of 16 grid points, in which full cyan alone is a strong red (Lab 54 81 70): no formula
    that knows no profile gives that colour. No ink is white, the rest is grey by the amount of ink."""
    grid = []
    for inks in np.ndindex(2, 2, 2, 2):  # C slowest, K fastest
        lightness = {0: 100, 1: 60, 2: 30, 3: 10, 4: 0}[sum(inks)]
        lab = (54, 81, 70) if inks == (1, 0, 0, 0) else (lightness, 0, 0)
        grid.append(bytes([round(lab[0] * 255 / 100), lab[1] + 128, lab[2] + 128]))
    identity = bytes(range(256))
    matrix = struct.pack(">9i", *(65536, 0, 0, 0, 65536, 0, 0, 0, 65536))
    lut = b"mft1" + bytes(4) + bytes([4, 3, 2, 0]) + matrix + identity * 4 + b"".join(grid) + identity * 3
    white = b"XYZ " + bytes(4) + struct.pack(">3i", 63190, 65536, 54061)
    note = b"text" + bytes(4) + b"made for a test\0"
    name = b"desc" + bytes(4) + struct.pack(">I", 5) + b"test\0" + bytes(4 + 4 + 2 + 1 + 67)
    tags, body, at = [], b"", 128 + 4 + 12 * 5
    for tag, content in ((b"desc", name), (b"cprt", note), (b"wtpt", white), (b"A2B0", lut), (b"A2B1", lut)):
        content += bytes(-len(content) % 4)
        tags.append(tag + struct.pack(">II", at + len(body), len(content)))
        body += content
    size = at + len(body)
    header = struct.pack(">I4sI4s4s4s12s4s4sIIIQI3i", size, b"lcms", 0x02400000, b"prtr", b"CMYK", b"Lab ", bytes(12),
                         b"acsp", b"APPL", 0, 0, 0, 0, 0, 63190, 65536, 54061)  # fmt: skip
    return header.ljust(128, b"\0") + struct.pack(">I", 5) + b"".join(tags) + body
