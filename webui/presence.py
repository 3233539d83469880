"""Who has the page open: a visitor's heartbeat connections, and a call when the last one has been gone for a while."""

import threading


class Presence:
    """Counts each visitor's open connections; on_gone(visitor) is called grace_s after the last one ended.

    The grace is for a connection that breaks off under an open page: a browser is back after about three seconds.
    """

    def __init__(self, on_gone, grace_s=6.0):
        self._on_gone = on_gone
        self._grace_s = grace_s
        self._lock = threading.Lock()
        self._open: dict[str, int] = {}
        self._timers: dict[str, threading.Timer] = {}

    def arrive(self, visitor):
        """A connection was opened."""
        with self._lock:
            self._open[visitor] = self._open.get(visitor, 0) + 1
            timer = self._timers.pop(visitor, None)
        if timer is not None:
            timer.cancel()

    def depart(self, visitor):
        """A connection has ended."""
        with self._lock:
            self._open[visitor] -= 1
            if self._open[visitor] > 0:
                return
            del self._open[visitor]
            timer = self._timers[visitor] = threading.Timer(self._grace_s, self._gone, [visitor])
            timer.daemon = True
            timer.start()

    def close(self):
        """Call nobody any more."""
        with self._lock:
            timers = list(self._timers.values())
            self._timers.clear()
        for timer in timers:
            timer.cancel()

    def _gone(self, visitor):
        with self._lock:
            if visitor in self._open or self._timers.pop(visitor, None) is None:
                return
        self._on_gone(visitor)
