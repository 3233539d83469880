"""Glass-to-glass latency: the test pattern through the live pipeline and the virtual camera, read as a call reads it.

The time is drawn into the pixels (engine.live.pattern), so what is measured is all that lies between: capture, student,
conversion, driver, reading. Without a virtual camera the frames are read where they would be handed to its driver.
"""

import sys
import threading
import time
from dataclasses import replace

import cv2

from engine.live.devices import path_of
from engine.live.pattern import read_code
from engine.live.session import LiveSession
from engine.live.stats import Percentiles

WARM_UP_S = 1.0  # of the pipeline and the reader; not counted
_MOST_CAMERAS = 10  # that are looked through for the pattern where a virtual camera has no file name


class Ages:
    """How old frames are when they are read. clock: the one that drew the time."""

    def __init__(self, clock=time.monotonic):
        self._clock = clock
        self._from = None
        self._percentiles = Percentiles()
        self.frames = self.missing = self.disordered = self.unread = 0
        self._first = self._last = None

    def begin(self):
        """Count from now on."""
        self._from = self._clock()

    def add(self, pixels):
        """A frame that was read just now."""
        now = self._clock()
        if self._from is None:
            return
        code = read_code(pixels)
        if code is None:
            self.unread += 1
            return
        if self._last is not None:
            self.missing += max(0, code.index - self._last - 1)
            if code.index == self._last:
                return  # the driver gave the same frame twice
            self.disordered += code.index < self._last
        self._last = code.index
        self.frames += 1
        self._percentiles.add(code.age_ms(now))

    def figures(self):
        """Plain numbers; percentiles are None where nothing was read. missing: indices that never came."""
        figures = {"frames": self.frames, "missing": self.missing, "disordered": self.disordered, "unread": self.unread}
        return figures | {f"p{percent}_ms": self._percentiles(percent) for percent in (50, 95, 99)}


class ReadsBack:
    """A tap of the pipeline: reads what is sent."""

    def __init__(self, ages):
        self._ages = ages

    def send(self, frame):
        self._ages.add(frame.pixels)

    def close(self):
        """Nothing to free."""


def measure_latency(settings, seconds):
    """Ages.figures() of a run, with "path": what lay between. settings: LiveSettings whose source is the pattern.

    Raises what LiveSession.start raises.
    """
    ages, session = Ages(), LiveSession(watched=False)
    session.start(replace(settings, source="pattern", output="virtual", output_needed=False))
    try:
        reader = _reader_of(session, ages)
        if reader is None:
            session.tap(ReadsBack(ages))
            path = "no virtual camera: read inside this process"
        else:
            path = f"read from {session.stats()['output']}"
        time.sleep(WARM_UP_S)
        ages.begin()
        session.wait(seconds)
        if reader is not None:
            reader.stop()
    finally:
        session.stop()
    if session.error is not None:
        raise session.error
    return ages.figures() | {"path": path}


def _reader_of(session, ages):
    """A Reader of the virtual camera that the session feeds; None where it feeds none or none shows the pattern."""
    output = session.stats()["output"]
    if not output.startswith("virtual camera"):
        return None
    if sys.platform.startswith("linux"):
        return Reader(str(path_of(output.split()[-1])), cv2.CAP_V4L2, ages)
    for number in range(_MOST_CAMERAS):
        capture = cv2.VideoCapture(number)
        shows = any(taken and read_code(pixels) for taken, pixels in (capture.read() for _ in range(10)))
        capture.release()
        if shows:
            return Reader(number, cv2.CAP_ANY, ages)
    return None


class Reader:
    """Reads a camera on a thread of its own, as a call does: every frame, at once."""

    def __init__(self, which, library, ages):
        self._stopping, self._ages = threading.Event(), ages
        self._capture = cv2.VideoCapture(which, library)
        self._thread = threading.Thread(target=self._work, name="whetstone-reader", daemon=True)
        self._thread.start()

    def _work(self):
        while not self._stopping.is_set():
            taken, pixels = self._capture.read()
            if taken:
                self._ages.add(pixels)
            else:
                time.sleep(0.01)

    def stop(self):
        self._stopping.set()
        self._thread.join()
        self._capture.release()
