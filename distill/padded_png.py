"""PNG files whose size says nothing about the picture: filled up with a chunk that no decoder looks at."""

import io
import zlib

import numpy as np
from PIL import Image

_CHUNK = b"whPd"  # ancillary, private, safe to copy (PNG, section 5.4)
_OVERHEAD = 12  # bytes of a chunk without content: length, name, checksum
_END = _OVERHEAD  # bytes of the last chunk, IEND


def plain_png(frames, frame_ms=0):
    """The bytes of a PNG without words about it, which plays its frames without end where it has more than one (APNG).

    frames: (H, W, 3) uint8 RGB each, of one size; frame_ms: how long each is shown.
    """
    first, *rest = map(Image.fromarray, frames)
    file = io.BytesIO()
    if rest:
        first.save(file, "PNG", save_all=True, append_images=rest, duration=frame_ms, loop=0)
    else:
        first.save(file, "PNG")
    return file.getvalue()


def padded(png, size, name):
    """The PNG, longer: as many bytes for every PNG of at most `size` bytes.

    The filling is noise, so that compression on the way does not undo it; name: seeds it, so that bytes repeat.
    """
    noise = np.random.default_rng(int.from_bytes(name.encode(), "big")).bytes(size - len(png))
    chunk = _CHUNK + noise
    chunk = len(noise).to_bytes(4, "big") + chunk + zlib.crc32(chunk).to_bytes(4, "big")
    return png[:-_END] + chunk + png[-_END:]
