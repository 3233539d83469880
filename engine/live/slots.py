"""Where one thread leaves frames for the next: the newest frame alone (live), or every frame in order (files)."""

import threading
from collections import deque


class LatestSlot:
    """One-frame mailbox: the newest frame wins, putting never waits."""

    def __init__(self):
        self._changed = threading.Condition()
        self._frame = None
        self._closed = False
        self.dropped = 0  # frames replaced before anyone took them

    def put(self, frame):
        """False once closed."""
        with self._changed:
            if self._closed:
                return False
            self.dropped += self._frame is not None
            self._frame = frame
            self._changed.notify_all()
        return True

    def take(self, timeout_s=None):
        """The newest frame that was not taken yet; None when none came in time or the slot is closed and empty."""
        with self._changed:
            self._changed.wait_for(lambda: self._frame is not None or self._closed, timeout_s)
            frame, self._frame = self._frame, None
            return frame

    def close(self):
        """No more frames come; the one that lies here can still be taken."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    @property
    def finished(self):
        """Closed and empty."""
        with self._changed:
            return self._closed and self._frame is None


class OrderedQueue:
    """A short queue: every frame in order, putting waits for room. Closing lets go of whoever waits."""

    dropped = 0

    def __init__(self, capacity=2):
        self._changed = threading.Condition()
        self._frames: deque = deque()
        self._capacity = capacity
        self._closed = False

    def put(self, frame, wait=True):
        """False once closed, or full without wait; the frame is then not taken."""
        with self._changed:
            if wait:
                self._changed.wait_for(lambda: len(self._frames) < self._capacity or self._closed)
            if self._closed or len(self._frames) >= self._capacity:
                return False
            self._frames.append(frame)
            self._changed.notify_all()
        return True

    def take(self, timeout_s=None):
        """The oldest frame; None when none came in time or the queue is closed and empty."""
        with self._changed:
            self._changed.wait_for(lambda: self._frames or self._closed, timeout_s)
            frame = self._frames.popleft() if self._frames else None
            self._changed.notify_all()
            return frame

    def close(self):
        """No more frames come; those that lie here can still be taken."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    @property
    def finished(self):
        """Closed and empty."""
        with self._changed:
            return self._closed and not self._frames
