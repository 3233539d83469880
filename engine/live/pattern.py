"""The test pattern: smooth moving pictures with index and time drawn into the pixels, and how to read them back.

The code is two rows of neutral grey blocks at the top: 24 bits of index, 32 bits of time in ms, 8 bits of check sum.
Blocks that large survive JPEG, I420 and sharpening, and being scaled.
"""

import time
import zlib
from dataclasses import dataclass

import numpy as np

from engine.errors import BadSetting
from engine.live.buffers import Buffers
from engine.live.frames import Frame
from engine.live.sources import Pace

COLUMNS, ROWS = 32, 2  # blocks
DARK, LIGHT = 64, 192  # grey levels; not black and white, so that a sharpened edge has room
LEAST_HEIGHT, LEAST_WIDTH = 48, 128  # a block is then 4 pixels wide
_INDICES, _TIMES = 1 << 24, 1 << 32


@dataclass(frozen=True)
class Code:
    """What is drawn into a frame. time_ms: of the clock that drew it, modulo 2^32 (50 days)."""

    index: int
    time_ms: int

    def age_ms(self, now_s):
        """Milliseconds from being drawn until now_s, seconds of the same clock."""
        return (round(1e3 * now_s) - self.time_ms) % _TIMES


def draw_code(pixels, index, now_s):
    """Draw index (modulo 2^24) and time (seconds) into pixels, (H, W, 3) uint8, in place."""
    bits = _bits(index % _INDICES, round(1e3 * now_s) % _TIMES)
    height, width = pixels.shape[:2]
    levels = np.where(bits, LIGHT, DARK).astype(np.uint8)
    rows, columns = _edges(height, width)
    for row in range(ROWS):
        line = np.repeat(levels[row * COLUMNS : (row + 1) * COLUMNS], np.diff(columns))
        pixels[rows[row] : rows[row + 1]] = line[None, :, None]


def read_code(pixels):
    """The Code of a frame, (H, W, 3) or (H, W) uint8; None when there is none or it is damaged."""
    height, width = pixels.shape[:2]
    if height < LEAST_HEIGHT or width < LEAST_WIDTH:
        return None
    rows, columns = _edges(height, width)
    middle = (columns[:-1] + columns[1:]) // 2
    reach = max(1, width // COLUMNS // 4)
    bits = []
    for row in range(ROWS):
        inside = (rows[row + 1] - rows[row]) // 4
        band = pixels[rows[row] + inside : rows[row + 1] - inside]
        bits += [band[:, at - reach : at + reach].mean() > (DARK + LIGHT) / 2 for at in middle]
    value = int("".join("1" if bit else "0" for bit in bits), 2)
    index, time_ms, check = value >> 40, value >> 8 & (_TIMES - 1), value & 255
    return Code(index, time_ms) if check == _check(index, time_ms) else None


def _bits(index, time_ms):
    value = index << 40 | time_ms << 8 | _check(index, time_ms)
    return np.array([value >> shift & 1 for shift in range(63, -1, -1)], bool)


def _check(index, time_ms):
    """Never the same for all dark and all light blocks, so that a plain picture holds no code."""
    return zlib.crc32(index.to_bytes(3, "big") + time_ms.to_bytes(4, "big")) & 255


def _edges(height, width):
    block = max(4, height // 24)
    return [row * block for row in range(ROWS + 1)], np.linspace(0, width, COLUMNS + 1).round().astype(int)


def background(height, width):
    """Smooth colours with some detail for the student: (H, W, 3) uint8."""
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    scale = 1280 / width
    detail = 12 * np.sin(x * scale / 5) * np.sin(y * scale / 7)
    planes = [
        128 + 60 * np.sin(x * scale / 210 + phase) * np.cos(y * scale / 170 - phase) + detail for phase in (0, 1, 2)
    ]
    return np.clip(np.stack(planes, axis=2), 0, 255).astype(np.uint8)


class TestPattern:
    """A source that needs no camera. fps: kept by waiting. clock, sleep: for tests. Raises BadSetting."""

    __test__ = False  # not a test of pytest's
    ended, notice = False, ""

    def __init__(self, height=720, width=1280, fps=30.0, clock=time.monotonic, sleep=time.sleep):
        if height < LEAST_HEIGHT or width < LEAST_WIDTH:
            raise BadSetting(
                f"the test pattern needs {LEAST_WIDTH}x{LEAST_HEIGHT} pixels or more for its code, not {width}x{height}"
            )
        self.name, self.height, self.width, self.fps = "test pattern", height, width, fps
        self._clock, self._pace, self._index = clock, Pace(fps, clock, sleep), 0
        self._still, self._buffers = background(height, width), Buffers()
        self._bar = max(4, width // 40)  # pixels, the side of what moves
        self._band = slice(height // 2, height // 2 + 3 * self._bar)

    def read(self):
        if not self._pace.wait():
            return None
        pixels = self._buffers.take(self._still.shape)
        pixels[...] = self._still
        left = self._index * 8 % (self.width - self._bar)
        moving = pixels[self._band, left : left + self._bar]
        np.subtract(255, moving, out=moving)
        now = self._clock()
        draw_code(pixels, self._index, now)
        self._index += 1
        return Frame(pixels, self._index - 1, now)

    def reopen(self):
        """It is never lost."""

    def close(self):
        self._still = None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
