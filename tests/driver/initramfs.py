"""Packs files into the archive that Linux unpacks as its first file system (cpio, format "newc")."""

import stat

_MAGIC = "070701"
_FOLDER, _PROGRAM = stat.S_IFDIR | 0o755, stat.S_IFREG | 0o755


def archive(files):
    """files: path without leading slash -> bytes, or None for a folder; folders before what is in them."""
    entries = [
        _entry(path, _FOLDER, b"") if data is None else _entry(path, _PROGRAM, data) for path, data in files.items()
    ]
    return b"".join([*entries, _entry("TRAILER!!!", 0, b"")])


def _entry(path, mode, data):
    name = path.encode() + b"\0"
    # inode, mode, user, group, links, time, size, then the devices' numbers, the name's length and an unused sum
    numbers = (0, mode, 0, 0, 1, 0, len(data), 0, 0, 0, 0, len(name), 0)
    head = _MAGIC.encode() + b"".join(b"%08X" % number for number in numbers) + name
    return _to_four(head) + _to_four(data)


def _to_four(data):
    """Filled with zeros to a multiple of four bytes."""
    return data + bytes(-len(data) % 4)
