"""The visitors whose browser cameras are sharpened here: a bounded number of places, and turns that go round.

Each visitor has a stream of its own (student, measured degradation) and at most one frame in the line for a turn, so
the line is fair: nobody's second frame goes before somebody else's first. Knows no web server and no Gradio.
"""

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from engine.errors import BadImage, TooManyPixels, WhetstoneError
from engine.live.frames import Frame
from engine.live.stream_sharpener import StreamSharpener
from webui.live_jpeg import decode, encode
from webui.live_protocol import AGAINST_THE_RULES, BUSY, NOT_OURS, TOO_LARGE, Refusal


@dataclass(frozen=True)
class LiveLimits:
    """places: visitors at once, each about 25 MB; at_once: frames being worked on; idle_s: without any message."""

    places: int = 8
    at_once: int = 2
    max_pixels: int = 1920 * 1080
    max_bytes: int = 2**21  # of a frame; a 1080p JPEG of a camera has about 0.4 MB
    messages_per_s: int = 120  # cameras give 60 frames at most
    idle_s: float = 60.0


class Visitors:
    """The places. names: the students to choose from; default: the one chosen first. open_stream(name): a stream."""

    def __init__(self, names, default, open_stream=None, limits=None):
        self.names, self.default, self.limits = list(names), default, limits or LiveLimits()
        self._open_stream = open_stream or open_stream_sharpener
        self._lock = threading.Lock()
        self._inside = 0
        self.turns = ThreadPoolExecutor(
            self.limits.at_once, thread_name_prefix="whetstone-live"
        )  # first come, first served

    @property
    def inside(self):
        """Places taken."""
        with self._lock:
            return self._inside

    def enter(self):
        """A Visit; leave() gives the place back. Raises Refusal when all are taken."""
        with self._lock:
            if self._inside >= self.limits.places:
                raise Refusal(BUSY, f"busy: {self.limits.places} visitors are live here already; try again in a minute")
            self._inside += 1
        return Visit(self)

    def open_stream(self, name):
        """A stream for a student. Raises Refusal for a name that is no choice."""
        if name not in self.names:  # a path from a visitor is not a choice
            raise Refusal(AGAINST_THE_RULES, f"there is no student {str(name)[:40]!r} on this page")
        return self._open_stream(name)

    def left(self):
        with self._lock:
            self._inside -= 1

    def close(self):
        self.turns.shutdown(wait=True, cancel_futures=True)


def open_stream_sharpener(name, **options):
    """A StreamSharpener that keeps noise from flickering."""
    from engine.live.steady import Steady

    return StreamSharpener(name, steady=Steady(), **options)


class Visit:
    """One visitor's stream. Its methods are called from the turns' threads; leave() from any, once or more."""

    def __init__(self, visitors):
        self._visitors = visitors
        self._lock = threading.Lock()
        self._stream: Any = None  # a StreamSharpener
        self._student = None
        self._here = True

    @property
    def measured(self):
        """Words on what is wrong with the stream, "" while nothing is known."""
        stream = self._stream
        degradation = stream.degradation if stream is not None else None
        return degradation.words if degradation is not None else ""

    def sharpen(self, jpeg, strength, student):
        """The JPEG of the sharpened frame; None when the visitor has left meanwhile. Raises Refusal."""
        limits = self._visitors.limits
        if len(jpeg) > limits.max_bytes:
            raise Refusal(
                TOO_LARGE, f"a frame of {len(jpeg) / 1e6:.1f} MB is larger than {limits.max_bytes / 1e6:.1f} MB"
            )
        try:
            pixels = decode(jpeg, limits.max_pixels)
        except TooManyPixels as error:
            raise Refusal(TOO_LARGE, str(error)) from None
        except BadImage as error:
            raise Refusal(NOT_OURS, str(error)) from None
        with self._lock:
            if not self._here:
                return None
            self._take(student or self._visitors.default)
            sharp = self._stream(Frame(pixels, 0, time.monotonic()), strength)
        return encode(sharp)

    def _take(self, student):
        if student == self._student:
            return
        try:
            fresh = self._visitors.open_stream(student)
        except WhetstoneError as error:
            raise Refusal(AGAINST_THE_RULES, str(error)) from None
        if self._stream is not None:
            self._stream.close()
        self._stream, self._student = fresh, student

    def leave(self):
        """Give back the place and everything of this visitor; waits for a frame that is being worked on."""
        with self._lock:
            if not self._here:
                return
            self._here = False
            if self._stream is not None:
                self._stream.close()
                self._stream = None
        self._visitors.left()
