"""What a sink of frames promises, the sink that does nothing, and how a frame is made to fit a fixed size."""

from typing import Protocol

import cv2
import numpy as np

from engine.live.frames import Frame


class Sink(Protocol):
    """Opened by being made, closed by close() or `with`; sent to from one thread."""

    name: str  # for people
    fps: float | None  # the most frames a second that it wants; None: all
    repeats: bool  # whether the last frame is sent again while none comes, so that a reader does not give up

    def send(self, frame: Frame) -> None:
        """Raises SinkLost when it went away."""
        ...

    def reopen(self) -> None:
        """Try to get back what was lost. Raises SinkLost while it is not there."""
        ...

    def close(self) -> None: ...


class Null:
    """Counts frames and lets them go."""

    name, fps, repeats = "nowhere", None, False

    def __init__(self):
        self.frames = 0

    def send(self, frame):
        self.frames += 1

    def reopen(self):
        """It is never lost."""

    def close(self):
        """Nothing to free."""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def fitted(pixels, height, width):
    """Pixels at a size: as they are, or scaled to fit with their shape kept, between black bars. (height, width, 3)."""
    if pixels.shape[:2] == (height, width):
        return pixels
    scale = min(height / pixels.shape[0], width / pixels.shape[1])
    inner = max(1, round(pixels.shape[0] * scale)), max(1, round(pixels.shape[1] * scale))
    method = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    scaled = cv2.resize(pixels, inner[::-1], interpolation=method)
    whole = np.zeros((height, width, 3), np.uint8)
    top, left = (height - inner[0]) // 2, (width - inner[1]) // 2
    whole[top : top + inner[0], left : left + inner[1]] = scaled
    return whole


def even(length):
    """The largest even number that is not above a length: cameras have no odd sizes."""
    return max(2, length - length % 2)
