"""The boxes that an MP4 or MOV file is made of, ISO/IEC 14496-12: where whole pieces of it end."""

import os

_HEADER = 8  # bytes: the size of the box, its kind
_PIECES = (b"moof", b"mdat")


def whole_pieces(path):
    """(bytes up to the end of the last whole mdat box, 0 where there is none; whether a piece behind it is cut off).

    (None, False) for a file of another kind.
    """
    size, at, end = os.path.getsize(path), 0, 0
    with open(path, "rb") as file:
        while at + _HEADER <= size:
            file.seek(at)
            header = file.read(_HEADER)
            length, kind = int.from_bytes(header[:4], "big"), header[4:]
            if not at and kind != b"ftyp":
                return None, False
            if length == 1:  # the size follows, in 8 bytes
                length = int.from_bytes(file.read(8), "big")
            if length == 0:  # up to the end of the file
                length = size - at
            if length < _HEADER or at + length > size:
                return end, kind in _PIECES
            at += length
            if kind == b"mdat":
                end = at
    return end, False
