"""TIFF directories (TIFF 6.0, section 2; BigTIFF): read with every bound checked, and laid out anew."""

from __future__ import annotations

import struct
from dataclasses import dataclass

from engine.formats.exif import TYPE_BYTES
from engine.formats.parts import Coding, Damaged

# tags
SUBFILE, WIDTH, HEIGHT, BITS, COMPRESSION, PHOTOMETRIC, FILL_ORDER = 254, 256, 257, 258, 259, 262, 266
STRIP_OFFSETS, SAMPLES, ROWS_PER_STRIP, STRIP_BYTES = 273, 277, 278, 279
ACROSS, DOWN, PLANAR, UNIT, PREDICTOR, COLOUR_MAP = 282, 283, 284, 296, 317, 320
TILE_WIDTH, TILE_HEIGHT, TILE_OFFSETS, TILE_BYTES = 322, 323, 324, 325
SUB_DIRECTORIES, EXTRA_SAMPLES, SAMPLE_FORMAT, JPEG_TABLES, ICC, DNG_VERSION = 330, 338, 339, 347, 34675, 50706

_INTEGERS = {1: "B", 3: "H", 4: "I", 13: "I", 16: "Q", 18: "Q"}
_LONG = 4
_MAX_ENTRIES = 4096  # real files have at most a few dozen

Entry = tuple[int, int, int, bytes]  # tag, type, count, value in the file's byte order


@dataclass(frozen=True)
class TiffCoding(Coding):
    """Whether a TIFF held its pixels compressed."""

    compressed: bool = True


class TiffFile:
    """The header of a TIFF or BigTIFF file. Raises Damaged when the first directory cannot lie where it says."""

    def __init__(self, data: bytes):
        self.data = data
        self.endian = "<" if data[:2] == b"II" else ">"
        (version,) = self._read(2, "H")
        self.big = version == 43
        self.first = self._read(8, "Q")[0] if self.big else self._read(4, "I")[0]

    def directory(self, at: int) -> TiffDirectory:
        return TiffDirectory(self, at)

    def _read(self, at: int, layout: str) -> tuple[int, ...]:
        try:
            return struct.unpack_from(self.endian + layout, self.data, at)
        except (struct.error, OverflowError) as error:
            raise Damaged("the TIFF is cut off or damaged: a part lies beyond its end") from error


class TiffDirectory:
    """One directory: what each tag holds, read when asked for."""

    def __init__(self, file: TiffFile, at: int):
        self.file = file
        if at < 8:
            raise Damaged("the TIFF is damaged: it has no directory")
        (count,) = file._read(at, "Q" if file.big else "H")
        entry_bytes, start = (20, at + 8) if file.big else (12, at + 2)
        if count > _MAX_ENTRIES:
            raise Damaged(f"the TIFF is damaged: a directory claims {count} entries")
        if start + count * entry_bytes > len(file.data):
            raise Damaged("the TIFF is cut off: its directory lies beyond its end")
        self._places: dict[int, tuple[int, int, int]] = {}  # tag -> type, count, position of the value field
        for place in range(start, start + count * entry_bytes, entry_bytes):
            tag, kind, values = file._read(place, "HHQ" if file.big else "HHI")
            self._places.setdefault(tag, (kind, values, place + (12 if file.big else 8)))
        end = start + count * entry_bytes
        try:
            (self.next,) = file._read(end, "Q" if file.big else "I")
        except Damaged:
            self.next = 0  # some writers stop right after the last entry

    def __contains__(self, tag: int) -> bool:
        return tag in self._places

    def tags(self) -> list[int]:
        return list(self._places)

    def entry(self, tag: int, *, max_bytes: int = 1 << 24) -> Entry | None:
        """Raises Damaged where the value is larger than max_bytes or lies outside the file."""
        if tag not in self._places:
            return None
        kind, count, field = self._places[tag]
        length = TYPE_BYTES.get(kind, 1) * count
        if length > max_bytes:
            raise Damaged(f"the TIFF is damaged: its tag {tag} claims {length} bytes")
        inline = 8 if self.file.big else 4
        start = field if length <= inline else self.file._read(field, "Q" if self.file.big else "I")[0]
        value = self.file.data[start : start + length]
        if len(value) < length:
            raise Damaged("the TIFF is cut off: a part of its header lies beyond its end")
        return tag, kind, count, bytes(value)

    def integers(self, tag: int, default: tuple[int, ...] = ()) -> tuple[int, ...]:
        entry = self.entry(tag)
        if entry is None:
            return default
        _, kind, count, value = entry
        if kind not in _INTEGERS:
            raise Damaged(f"the TIFF is damaged: its tag {tag} is not a number")
        return struct.unpack(f"{self.file.endian}{count}{_INTEGERS[kind]}", value)

    def integer(self, tag: int, default: int) -> int:
        values = self.integers(tag, (default,))
        if len(values) != 1:
            raise Damaged(f"the TIFF is damaged: its tag {tag} has {len(values)} values instead of one")
        return values[0]

    def ratio(self, tag: int) -> float | None:
        entry = self.entry(tag)
        if entry is None or entry[1] != 5 or entry[2] != 1:
            return None
        above, below = struct.unpack(self.file.endian + "II", entry[3])
        return above / below if below else None


def longs(tag: int, values: tuple[int, ...], endian: str) -> Entry:
    """An entry of whole numbers of 32 bits. Raises Damaged for larger ones."""
    if any(value >= 2**32 for value in values):
        raise Damaged("the TIFF is damaged: a part lies beyond 4 GB")
    return tag, _LONG, len(values), struct.pack(f"{endian}{len(values)}I", *values)


def shorts(tag: int, values: tuple[int, ...], endian: str) -> Entry:
    """An entry of whole numbers of 16 bits."""
    return tag, 3, len(values), struct.pack(f"{endian}{len(values)}H", *values)


def pack(entries: list[Entry], endian: str, at: int) -> bytes:
    """A classic directory for the position `at` (even), its larger values right behind it, no further directory."""
    entries = sorted(entries)
    fields, values = [], bytearray()
    values_at = at + 2 + 12 * len(entries) + 4
    for tag, kind, count, value in entries:
        field = value.ljust(4, b"\0")
        if len(value) > 4:
            field = struct.pack(endian + "I", values_at + len(values))
            values += value + b"\0" * (len(value) & 1)
        fields.append(struct.pack(endian + "HHI", tag, kind, count) + field)
    return b"".join([struct.pack(endian + "H", len(entries)), *fields, bytes(4), values])
