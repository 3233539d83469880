"""What a source of frames promises, and the pace that those without a clock of their own keep."""

import time
from typing import Protocol

from engine.live.frames import Frame


class Source(Protocol):
    """Opened by being made, closed by close() or `with`; read from one thread."""

    name: str  # for people
    height: int  # of the frames it gives first
    width: int
    fps: float  # that it promises; what it keeps is measured
    ended: bool  # no more frames will come
    notice: str  # one line when it is not what was asked for, else ""

    def read(self) -> Frame | None:
        """The next frame, its index one higher than the last one's; None when none came within about a second.

        Raises SourceLost when the device went away.
        """
        ...

    def reopen(self) -> None:
        """Try to get back what was lost. Raises SourceLost while it is not there."""
        ...

    def close(self) -> None: ...


class Pace:
    """When the next frame of a rate is due; frames that are late are not caught up with.

    clock, sleep: seconds; for tests.
    """

    def __init__(self, fps, clock=time.monotonic, sleep=time.sleep):
        self._period, self._clock, self._sleep = 1 / fps, clock, sleep
        self._due = None

    def wait(self):
        """Wait until the next frame is due; True, or False after a second of waiting that has not come to its end."""
        now = self._clock()
        if self._due is None:
            self._due = now
        if self._due - now > 1.0:
            self._sleep(1.0)
            return False
        if self._due > now:
            self._sleep(self._due - now)
        self._due += self._period
        if self._due < now:
            self._due = now + self._period
        return True
