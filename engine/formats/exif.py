"""EXIF edited in place, byte for byte: nothing is laid out anew, so maker notes with absolute offsets stay valid.

A block is a TIFF structure (EXIF 2.32, section 4.5): byte order, offset of IFD0, then directories of 12-byte entries
that point to further directories (Exif, GPS) and to a second one (IFD1) with the thumbnail.
"""

from __future__ import annotations

import contextlib
import struct

MAX_EXIF_BYTES = 4 << 20  # JPEG holds 64 KB; the other formats set no limit of their own

ORIENTATION = 0x0112
EXIF_IFD = 0x8769
GPS_IFD = 0x8825
_THUMBNAIL_OFFSET, _THUMBNAIL_LENGTH = 0x0201, 0x0202
_SIDES = ((0x0100, 0x0101), (0xA002, 0xA003))  # (width, height) tags in IFD0 and in the Exif directory
TYPE_BYTES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4, 16: 8, 17: 8, 18: 8}


class BadExif(Exception):
    """The block does not follow the structure it promises."""


class ExifBlock:
    """A block that can be read and edited; BadExif when its directories leave it."""

    def __init__(self, block: bytes):
        if len(block) < 14 or len(block) > MAX_EXIF_BYTES or block[:4] not in (b"II*\0", b"MM\0*"):
            raise BadExif(f"{len(block)} bytes that do not start as EXIF")
        self.bytes = bytearray(block)
        self.endian = "<" if block[:2] == b"II" else ">"
        self.ifd0 = self._u32(4)
        self._entries(self.ifd0)  # raises now rather than later

    def orientation(self) -> int:
        """1..8; 1 also where the tag is missing or holds nonsense."""
        at = self._find(self.ifd0, ORIENTATION)
        value = self._short_or_long(at) if at is not None else 1
        return value if value in range(1, 9) else 1

    def make_upright(self) -> None:
        """Says that the pixels are upright now: orientation 1, sides exchanged if it turned the picture."""
        turned = self.orientation() >= 5
        at = self._find(self.ifd0, ORIENTATION)
        if at is not None:
            self._write(at, "HHIHH", ORIENTATION, 3, 1, 1, 0)
        if turned:
            for directory, tags in zip((self.ifd0, self._directory(self.ifd0, EXIF_IFD)), _SIDES):
                if directory is None:
                    continue
                first, second = (self._find(directory, tag) for tag in tags)
                if first is not None and second is not None:
                    here, there = self.bytes[first + 2 : first + 12], self.bytes[second + 2 : second + 12]
                    self.bytes[first + 2 : first + 12], self.bytes[second + 2 : second + 12] = there, here

    def drop_thumbnail(self) -> None:
        """The thumbnail shows the picture as it was (and unturned): viewers make a new one."""
        next_at = self.ifd0 + 2 + 12 * len(self._entries(self.ifd0))
        second = self._u32(next_at)
        self._write(next_at, "I", 0)
        if not second:
            return
        try:
            at, length_at = self._find(second, _THUMBNAIL_OFFSET), self._find(second, _THUMBNAIL_LENGTH)
        except BadExif:
            return  # nothing points there any more
        if at is None or length_at is None:
            return
        start, length = self._short_or_long(at), self._short_or_long(length_at)
        if start < 8 or start + length > len(self.bytes):
            return
        if start + length >= len(self.bytes) - 1:
            del self.bytes[start:]
        else:
            self.bytes[start : start + length] = bytes(length)

    def drop_gps(self) -> None:
        """Takes the place of exposure out: the entry, its directory and every value the directory points to."""
        for directory in (self.ifd0, self._directory(self.ifd0, EXIF_IFD)):
            while directory is not None and (at := self._find(directory, GPS_IFD)) is not None:
                gps = self._short_or_long(at)
                self._remove(directory, at)
                try:
                    for entry in self._entries(gps):
                        start, length = self._value(entry)
                        self.bytes[start : start + length] = bytes(length)
                    length = 2 + 12 * len(self._entries(gps))
                    self.bytes[gps : gps + length] = bytes(length)
                except BadExif:
                    pass  # a pointer into nowhere
        ExifBlock(bytes(self.bytes))  # a hostile block may overlap itself: check again

    def values(self, directory: int) -> list[tuple[int, int, int, bytes]]:
        """(tag, type, count, value) of one directory, in the byte order of the block; without what lies outside it."""
        found = []
        for at in self._entries(directory):
            tag, kind, count = self._read(at, "HHI")
            with contextlib.suppress(BadExif):
                start, length = self._value(at)
                found.append((tag, kind, count, bytes(self.bytes[start : start + length])))
        return found

    def _entries(self, directory: int) -> list[int]:
        if directory < 8:
            raise BadExif(f"a directory at byte {directory}")
        (count,) = self._read(directory, "H")
        if directory + 2 + 12 * count + 4 > len(self.bytes):
            raise BadExif(f"a directory of {count} entries at byte {directory} of {len(self.bytes)}")
        return [directory + 2 + 12 * index for index in range(count)]

    def _find(self, directory: int, tag: int) -> int | None:
        return next((at for at in self._entries(directory) if self._read(at, "H")[0] == tag), None)

    def _directory(self, parent: int, tag: int) -> int | None:
        at = self._find(parent, tag)
        if at is None:
            return None
        directory = self._short_or_long(at)
        self._entries(directory)
        return directory

    def _remove(self, directory: int, at: int) -> None:
        count = len(self._entries(directory))
        end = directory + 2 + 12 * count + 4  # the offset of the next directory moves up too
        self.bytes[at:end] = self.bytes[at + 12 : end] + bytes(12)
        self._write(directory, "H", count - 1)

    def _value(self, at: int) -> tuple[int, int]:
        """(start, length in bytes) of an entry's value, inside the entry or outside."""
        _, kind, count = self._read(at, "HHI")
        length = TYPE_BYTES.get(kind, 1) * count
        start = at + 8 if length <= 4 else self._u32(at + 8)
        if start < 8 or start + length > len(self.bytes):
            raise BadExif(f"a value of {length} bytes at byte {start} of {len(self.bytes)}")
        return start, length

    def _short_or_long(self, at: int) -> int:
        _, kind, _ = self._read(at, "HHI")
        return self._read(at + 8, "H")[0] if kind == 3 else self._u32(at + 8)

    def _u32(self, at: int) -> int:
        return self._read(at, "I")[0]

    def _read(self, at: int, layout: str) -> tuple[int, ...]:
        try:
            return struct.unpack_from(self.endian + layout, self.bytes, at)
        except struct.error as error:
            raise BadExif(f"byte {at} of {len(self.bytes)}") from error

    def _write(self, at: int, layout: str, *values: int) -> None:
        struct.pack_into(self.endian + layout, self.bytes, at, *values)
