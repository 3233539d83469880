"""JPEG: markers walked here, pixels decoded by Pillow from a stream that holds nothing but the picture.

A result is never coarser than quality 90, whatever the input was: sharpening brings detail back that the tables of a
quality-40 file would round away again; a finer input keeps its own, finer tables. Chroma keeps its resolution.
"""

from __future__ import annotations

import io
import re
import struct
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
from PIL import Image, JpegImagePlugin

from engine.formats import colour
from engine.formats.parts import CheckSize, Coding, Damaged, Extras, Opened, pixels_of

MAX_SIDE = 65_500  # what libjpeg writes
MAX_SCANS = 100  # real files have at most about 20; each further one costs a pass over the whole picture
_MAX_SEGMENT = 65_533
_EOI = b"\xff\xd9"
# A decoder that is given these instead of the end marker asks for more as soon as picture data is missing,
# where it would fill the rest with grey at an end marker. More than the 8 bytes that it reads ahead.
_PADDING = bytes(64)

_MARKER_IN_SCAN = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]")
_ZIGZAG = (
    0, 1, 8, 16, 9, 2, 3, 10, 17, 24, 32, 25, 18, 11, 4, 5,
    12, 19, 26, 33, 40, 48, 41, 34, 27, 20, 13, 6, 7, 14, 21, 28,
    35, 42, 49, 56, 57, 50, 43, 36, 29, 22, 15, 23, 30, 37, 44, 51,
    58, 59, 52, 45, 38, 31, 39, 46, 53, 60, 61, 54, 47, 55, 62, 63,
)  # fmt: skip
# ITU-T T.81, tables K.1 and K.2, row by row
_LUMA_TABLE = (
    16, 11, 10, 16, 24, 40, 51, 61, 12, 12, 14, 19, 26, 58, 60, 55,
    14, 13, 16, 24, 40, 57, 69, 56, 14, 17, 22, 29, 51, 87, 80, 62,
    18, 22, 37, 56, 68, 109, 103, 77, 24, 35, 55, 64, 81, 104, 113, 92,
    49, 64, 78, 87, 103, 121, 120, 101, 72, 92, 95, 98, 112, 100, 103, 99,
)  # fmt: skip
_CHROMA_TABLE = (
    17, 18, 24, 47, 99, 99, 99, 99, 18, 21, 26, 66, 99, 99, 99, 99,
    24, 26, 56, 99, 99, 99, 99, 99, 47, 66, 99, 99, 99, 99, 99, 99,
    *(99,) * 32,
)  # fmt: skip


def _at_quality(table: tuple[int, ...], quality: int) -> tuple[int, ...]:
    """libjpeg's scaling of the standard tables, for quality 50 and above."""
    return tuple(max(1, (step * (200 - 2 * quality) + 50) // 100) for step in table)


@dataclass(frozen=True)
class JpegCoding(Coding):
    """luma_steps, chroma_steps: 64 quantisation steps, row by row. chroma_every: a sample in (down, across) pixels."""

    luma_steps: tuple[int, ...] = _at_quality(_LUMA_TABLE, 95)
    chroma_steps: tuple[int, ...] = _at_quality(_CHROMA_TABLE, 95)
    chroma_every: tuple[int, int] = (1, 1)
    progressive: bool = False

    def transposed(self) -> JpegCoding:
        turn = [8 * column + row for row in range(8) for column in range(8)]
        return replace(
            self,
            luma_steps=tuple(self.luma_steps[index] for index in turn),
            chroma_steps=tuple(self.chroma_steps[index] for index in turn),
            chroma_every=self.chroma_every[::-1],
        )


def open_jpeg(data: bytes, check_size: CheckSize) -> Opened:
    """Raises Damaged. data: the whole file, which may go on after the picture (motion photos do)."""
    stream = _Walk(data, check_size)
    notices = ["extra pictures inside the file (depth, gain map, second view) were left out"] * stream.has_more
    icc = stream.icc()
    if stream.components == 4:
        notices.append(colour.notice(icc))
    return Opened(
        "JPEG",
        stream.height,
        stream.width,
        partial(_decode, stream, icc),
        coding=stream.coding(),
        icc=None if stream.components == 4 else icc,
        exif=stream.exif,
        density=stream.density,
        notices=tuple(notices),
    )


class _Walk:
    """One pass over the markers of a file up to the end of its first picture."""

    def __init__(self, data: bytes, check_size: CheckSize):
        self.data = data
        self.check_size = check_size
        self.kept: list[bytes] = [b"\xff\xd8"]  # what a decoder needs, in order
        self.tables: dict[int, tuple[int, ...]] = {}
        self.table_of: list[int] = []  # quantisation table of each component
        self.sampling: list[tuple[int, int]] = []  # (down, across) of each component
        self.bits_to_come: dict[int, list[int]] = {}  # of each component's 64 coefficients; -1: none has come
        self.height = self.width = self.components = self.scans = 0
        self.progressive = self.adobe = self.jfif = self.has_more = self.single_scan = False
        self.exif: bytes | None = None
        self.density: tuple[float, float] | None = None
        self._icc: dict[int, bytes] = {}
        self._walk()

    def _walk(self) -> None:
        data, at = self.data, 2
        while True:
            at = data.find(b"\xff", at)
            while at >= 0 and data[at : at + 2] == b"\xff\xff":
                at += 1
            if at < 0 or at + 1 >= len(data):
                break
            marker = data[at + 1]
            if marker == 0xD9:
                break
            if marker in (0x00, 0x01) or 0xD0 <= marker <= 0xD8:
                at += 2
                continue
            size = int.from_bytes(data[at + 2 : at + 4], "big")
            body = data[at + 4 : at + 2 + size]
            if size < 2 or len(body) != size - 2:
                if self.scans:  # a tail that only looks like a segment: the picture itself is judged by the decoder
                    break
                raise Damaged("the JPEG is cut off in its header")
            keep = self._segment(marker, body)
            if keep:
                self.kept.append(data[at : at + 2 + size])
            at += 2 + size
            if marker == 0xDA:
                end = _MARKER_IN_SCAN.search(data, at)
                stop = end.start() if end else len(data)
                self.kept.append(data[at:stop])
                at = stop
        if not self.height:
            raise Damaged("the JPEG is cut off before it says its size")
        if not self.scans:
            raise Damaged("the JPEG is cut off before its picture data")
        if any(any(coefficients) for coefficients in self.bits_to_come.values()):
            raise Damaged("the JPEG is cut off: the last of its scans are missing")

    def _segment(self, marker: int, body: bytes) -> bool:
        """Reads one segment; True when a decoder needs it."""
        if marker in (0xC4, 0xCC, 0xDD):  # Huffman and arithmetic tables, restart interval
            return True
        if marker == 0xDB:
            self._quantisation(body)
            return True
        if 0xC0 <= marker <= 0xCF and marker != 0xC8:
            self._frame(marker, body)
            return True
        if marker == 0xDA:
            self.scans += 1
            if self.scans > MAX_SCANS:
                raise Damaged(f"the JPEG has more than {MAX_SCANS} scans, which no camera or program writes")
            self._scan(body)
            return True
        if self.scans:
            return False
        if marker == 0xEE and body[:5] == b"Adobe" and len(body) >= 12:
            self.adobe = True
            return True
        if marker == 0xE0 and body[:5] == b"JFIF\0" and len(body) >= 12 and not self.jfif:
            self.jfif = True
            unit, across, down = struct.unpack_from(">BHH", body, 7)
            if unit in (1, 2) and across and down:
                scale = 1.0 if unit == 1 else 2.54
                self.density = (across * scale, down * scale)
            return True
        if marker == 0xE1 and body[:6] == b"Exif\0\0" and self.exif is None:
            self.exif = body[6:]
        if marker == 0xE2 and body[:12] == b"ICC_PROFILE\0" and len(body) > 14:
            self._icc.setdefault(body[12], body[14:])
        if marker == 0xE2 and body[:4] == b"MPF\0":
            self.has_more = True
        return False

    def _quantisation(self, body: bytes) -> None:
        at = 0
        while at < len(body):
            wide, index = body[at] >> 4, body[at] & 15
            steps = body[at + 1 : at + 1 + (128 if wide else 64)]
            if len(steps) < (128 if wide else 64):
                raise Damaged("the JPEG has a damaged quantisation table")
            values = struct.unpack(">64H", steps) if wide else tuple(steps)
            table = [1] * 64
            for place, value in zip(_ZIGZAG, values):
                table[place] = max(1, value)
            self.tables[index] = tuple(table)
            at += 1 + len(steps)

    def _frame(self, marker: int, body: bytes) -> None:
        if self.height:
            raise Damaged("the JPEG has two picture headers")
        if len(body) < 6 or len(body) < 6 + 3 * body[5]:
            raise Damaged("the JPEG has a damaged picture header")
        precision, self.height, self.width, self.components = struct.unpack_from(">BHHB", body)
        if not self.height or not self.width:
            raise Damaged(f"the JPEG says it is {self.width} x {self.height} pixels")
        self.check_size(self.height, self.width)
        if precision != 8 or marker in (0xC3, 0xC5, 0xC6, 0xC7, 0xCB, 0xCD, 0xCE, 0xCF):
            raise Damaged(f"this is a {precision}-bit or lossless JPEG, which is not read; save it as PNG first")
        if self.components not in (1, 3, 4):
            raise Damaged(f"the JPEG has {self.components} colour channels instead of 1, 3 or 4")
        self.progressive = marker in (0xC2, 0xCA)
        for index in range(self.components):
            component, sampling, table = body[6 + 3 * index : 9 + 3 * index]
            self.bits_to_come[component] = [-1] * 64
            self.table_of.append(table)
            self.sampling.append((sampling & 15, sampling >> 4))

    def _scan(self, body: bytes) -> None:
        count = body[0] if body else 0
        if not count or len(body) < 1 + 2 * count + 3:
            raise Damaged("the JPEG has a damaged scan header")
        self.single_scan = self.scans == 1 and count == self.components
        first, last, precision = body[1 + 2 * count : 4 + 2 * count]
        for component in body[1 : 1 + 2 * count : 2]:
            coefficients = self.bits_to_come.get(component)
            if coefficients is None:
                raise Damaged("the JPEG has a scan of a colour channel that it does not have")
            if self.progressive:
                span = range(first, min(last, 63) + 1)
                coefficients[first : min(last, 63) + 1] = [precision & 15 for _ in span]
            else:
                coefficients[:] = [0] * 64

    def icc(self) -> bytes | None:
        return b"".join(self._icc[index] for index in sorted(self._icc)) or None

    def coding(self) -> JpegCoding:
        tables = [self.tables.get(index, (255,) * 64) for index in self.table_of]
        chroma = tables[1:3] if self.components == 3 else tables
        downs, acrosses = zip(*self.sampling)
        smallest = self.sampling[1:3] if self.components == 3 else self.sampling
        every_down = max(1, max(downs) // max(1, *(down for down, _ in smallest)))
        every_across = max(1, max(acrosses) // max(1, *(across for _, across in smallest)))
        return JpegCoding(
            luma_steps=tables[0],
            chroma_steps=tuple(map(min, *chroma)) if len(chroma) > 1 else chroma[0],
            chroma_every=(every_down, every_across) if self.components == 3 else (1, 1),
            progressive=self.progressive,
        )


def _decode(stream: _Walk, icc: bytes | None) -> np.ndarray:
    one_pass = stream.single_scan and stream.scans == 1 and not stream.progressive
    pixels = _pixels(stream, icc, [*stream.kept, _PADDING] if one_pass else [*stream.kept, _PADDING, _EOI])
    if not one_pass:
        # A decoder of many scans needs the end marker, and would fill up there. Where data is missing it takes the
        # padding for picture: another padding, then, gives another picture.
        again = _pixels(stream, icc, [*stream.kept, b"\x5a" * len(_PADDING), _EOI])
        if not np.array_equal(pixels, again):
            raise Damaged("the JPEG is cut off or damaged: part of its picture data is missing")
    return pixels


def _pixels(stream: _Walk, icc: bytes | None, parts: list[bytes]) -> np.ndarray:
    # The plugin is asked directly: no other format can answer, and Image.open's size limit is a global of the process.
    image = JpegImagePlugin.JpegImageFile(io.BytesIO(b"".join(parts)))
    if image.size != (stream.width, stream.height):
        raise Damaged("the JPEG gives two different sizes")
    image.load()
    if image.mode == "CMYK":
        # Pillow turns every CMYK JPEG round; only those with Adobe's marker are stored inverted
        return colour.rgb_from_cmyk(image, icc, inverted=not stream.adobe)
    return pixels_of(image, "L" if image.mode == "L" else "RGB")


def encode_jpeg(pixels: np.ndarray, coding: Coding, extras: Extras) -> bytes:
    """pixels: (H, W) or (H, W, 3) uint8. Raises ValueError where the sides are above MAX_SIDE."""
    if max(pixels.shape[:2]) > MAX_SIDE:
        raise ValueError(f"JPEG holds at most {MAX_SIDE} pixels a side")
    if not isinstance(coding, JpegCoding):
        coding = JpegCoding()
    tables = [_finest(coding.luma_steps, _LUMA_TABLE), _finest(coding.chroma_steps, _CHROMA_TABLE)]
    options: dict = {"qtables": tables[: 1 if pixels.ndim == 2 else 2]}
    if extras.density:
        options["dpi"] = tuple(min(65_535, max(1, round(value))) for value in extras.density)
    if pixels.ndim == 3:
        options["subsampling"] = {(1, 1): 0, (1, 2): 1, (1, 4): 1, (2, 2): 2, (2, 4): 2, (4, 2): 2, (4, 4): 2}.get(
            coding.chroma_every, 0
        )
    file = io.BytesIO()
    with Image.fromarray(pixels) as image:
        image.save(file, "JPEG", **options)
        # A progressive file has to fit the buffer that Pillow gives it, of a byte a pixel and at least 64 KB. It is
        # smaller than a plain one as a rule.
        if coding.progressive and len(file.getvalue()) < 0.9 * max(65_536, pixels.shape[0] * pixels.shape[1]):
            file = io.BytesIO()
            image.save(file, "JPEG", progressive=True, **options)
    coded = file.getvalue()
    after_jfif = 4 + int.from_bytes(coded[4:6], "big")
    return b"".join([coded[:after_jfif], *_segments(extras), coded[after_jfif:]])


def _segments(extras: Extras):
    """EXIF, then the profile in as many parts as it needs. (Pillow's own way fails where they outgrow the picture.)"""
    if extras.exif and len(extras.exif) + 6 <= _MAX_SEGMENT:
        yield b"\xff\xe1" + struct.pack(">H", len(extras.exif) + 8) + b"Exif\0\0" + extras.exif
    step = _MAX_SEGMENT - 14
    parts = [extras.icc[at : at + step] for at in range(0, len(extras.icc), step)] if extras.icc else []
    if len(parts) <= 255:
        for index, part in enumerate(parts, 1):
            yield b"\xff\xe2" + struct.pack(">H12sBB", len(part) + 16, b"ICC_PROFILE\0", index, len(parts)) + part


def _finest(steps: tuple[int, ...], standard: tuple[int, ...]) -> list[int]:
    return [min(pair) for pair in zip(steps, _at_quality(standard, 90))]
