"""What a program that watches a webcam does, here OpenCV over V4L2: takes each frame, and notes when it came."""

import threading
import time
from dataclasses import dataclass
from typing import Any

import cv2

from tests.driver.pictures import index_of


@dataclass(frozen=True)
class Arrival:
    """One frame as the watching program got it. pixels: (H, W, 3) uint8 RGB."""

    index: int  # that the pixels show
    at_s: float
    pixels: Any


class Reader(threading.Thread):
    """Reads camera 0 until a frame shows `until` or none comes; keeps every frame, or its number alone if in `passing`.

    What pyvirtualcam and OpenCV do with a frame leaves Python's lock free: one process is enough for both ends.
    """

    def __init__(self, until, passing):
        super().__init__(daemon=True)
        self.arrivals, self.taken, self.failed = [], 0, False  # taken: frames of any number
        self._until, self._passing = until, passing
        self._changed, self._newest = threading.Condition(), None

    def run(self):
        camera = cv2.VideoCapture(0, cv2.CAP_V4L2)
        while self._newest != self._until and not self.failed:
            self._take(*camera.read())
        camera.release()

    def _take(self, there, pixels):
        at_s = time.monotonic()
        with self._changed:
            self.failed = not there
            if there:
                self.taken += 1
                self._newest = index_of(pixels)
                if self._newest not in self._passing:
                    self.arrivals.append(Arrival(self._newest, at_s, pixels[:, :, ::-1]))
            self._changed.notify_all()

    def wait_for(self, index, timeout_s=5):
        """Whether a frame that shows index came last, now or within so long."""
        with self._changed:
            return self._changed.wait_for(lambda: self._newest == index, timeout_s)
