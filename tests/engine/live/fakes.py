"""A scripted camera, sharpeners and a sink: what the laws of the pipeline are tried with."""

import threading

import numpy as np

from engine.errors import SinkLost, SourceLost
from engine.live.frames import Frame


def picture(index, height=4, width=6):
    """Pixels that tell their index."""
    return np.full((height, width, 3), index % 200, np.uint8)


class FakeClock:
    """Seconds that pass when told."""

    def __init__(self):
        self.now = 100.0

    def __call__(self):
        return self.now

    def sleep(self, seconds):
        self.now += seconds


class FakeCamera:
    """Gives `frames` frames; losses: {index before which it is lost: how many attempts to reopen fail}.

    release: a semaphore that each frame needs, None for as fast as it is read.
    """

    name, fps, notice = "fake camera", 30.0, ""
    height, width = 4, 6

    def __init__(self, frames, losses=(), release=None, clock=None):
        self.frames, self.losses, self.release = frames, dict(losses), release
        self.index, self.ended, self.closed, self.failures = 0, frames == 0, False, 0
        self.clock = clock or (lambda: 0.0)

    def read(self):
        if self.index in self.losses:
            self.failures = self.losses.pop(self.index)
            raise SourceLost("fake camera was unplugged; plug it in again")
        if self.release is not None and not self.release.acquire(timeout=0.2):
            return None
        frame = Frame(picture(self.index), self.index, self.clock())
        self.index += 1
        self.ended = self.index == self.frames
        return frame

    def reopen(self):
        if self.failures:
            self.failures -= 1
            raise SourceLost("fake camera is not there yet")

    def close(self):
        self.closed = True


class Adds:
    """A sharpener that adds 50 x strength, and fails at the indices of fail_at."""

    def __init__(self, fail_at=()):
        self.fail_at, self.seen = set(fail_at), []

    def __call__(self, frame, strength):
        self.seen.append((frame.index, strength))
        if frame.index in self.fail_at:
            raise RuntimeError("backend on fire")
        return frame.pixels + np.uint8(50 * strength)


class Collects:
    """A sink that keeps what it gets; lost_at: the send() that fails; stays_lost: the reopen()s that fail after it."""

    name, fps, repeats = "fake sink", None, False

    def __init__(self, lost_at=None, stays_lost=10**9):
        self.frames, self.closed, self.sends = [], False, 0
        self.lost_at, self.stays_lost = lost_at, stays_lost
        self.arrived = threading.Condition()

    def send(self, frame):
        self.sends += 1
        if self.sends - 1 == self.lost_at:
            raise SinkLost("fake sink is gone")
        with self.arrived:
            self.frames.append(frame)
            self.arrived.notify_all()

    def wait_for(self, number, timeout_s=30):
        """Wait until that many frames came."""
        with self.arrived:
            assert self.arrived.wait_for(lambda: len(self.frames) >= number, timeout_s)

    @property
    def indices(self):
        return [frame.index for frame in self.frames]

    def reopen(self):
        if self.stays_lost:
            self.stays_lost -= 1
            raise SinkLost("still gone")

    def close(self):
        self.closed = True
