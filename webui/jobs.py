"""The time that a job on one picture may take: a deadline, and a sharpener that looks at it between two tiles."""

import time

from engine.errors import BadSetting


class JobStopped(BadSetting):
    """A job took too long, or its visitor has left."""


class Deadline:
    """Ends a job that takes longer than limit_s, or that nobody wants any more: unwanted() is asked, too."""

    def __init__(self, limit_s, unwanted=lambda: False, clock=time.monotonic):
        self._limit_s, self._unwanted, self._clock = limit_s, unwanted, clock
        self._ends_at = clock() + limit_s

    def check(self):
        """Raises JobStopped when the time is over or the visitor has left."""
        if self._unwanted():
            raise JobStopped("this page was closed; reload it and bring the picture again")
        if self._clock() > self._ends_at:
            raise JobStopped(
                f"this took longer than {self._limit_s:g} s and was stopped; choose a smaller picture or a faster model"
            )


class Timed:
    """An engine.sharpener.Sharpener whose work ends when its deadline says so."""

    def __init__(self, sharpener, deadline):
        self._sharpener, self._deadline = sharpener, deadline
        self.blind = sharpener.blind

    def measure(self, pixels, **told):
        self._deadline.check()
        return self._sharpener.measure(pixels, **told)

    def __call__(self, pixels, strength=1.0, degradation=None):
        return self._sharpener(pixels, strength, degradation, checkpoint=self._deadline.check)
