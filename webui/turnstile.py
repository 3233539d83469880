"""How much one visitor may ask of the page: events and uploaded bytes for a time, events that wait, disk that is left.

A visitor is an address; who asks a little too fast is held back and sees nothing of it, who floods is told.
"""

import math
import shutil
import time
from collections import OrderedDict
from dataclasses import dataclass

_MOST_ADDRESSES = 10_000  # remembered; the one who asked longest ago is forgotten first
_MB = 2**20


@dataclass(frozen=True)
class VisitLimits:
    """burst: what may come at once after a pause. patience_s: for so long a request is held back, then refused."""

    events_per_s: float = 50.0
    events_burst: float = 300.0
    upload_bytes_per_s: float = 100.0 * _MB
    upload_burst: float = 4096.0 * _MB
    waiting: int = 64  # events of one address in the page's queue
    waiting_each: int = 8  # of one open page
    patience_s: float = 5.0
    disk_left: int = 1024 * _MB  # bytes; no upload is taken while the temporary folder's disk has less


class Turnstile:
    """waiting(): (session, address) of every event that waits or is worked on. folder: where uploads go."""

    def __init__(self, limits, waiting, folder, clock=time.monotonic):
        self.limits, self._waiting, self._folder = limits, waiting, folder
        self._events = _Buckets(limits.events_per_s, limits.events_burst, clock)
        self._bytes = _Buckets(limits.upload_bytes_per_s, limits.upload_burst, clock)

    def event(self, address, session):
        """(seconds to hold an event back, None) or (0, why it is refused)."""
        places = self._waiting()
        if sum(one == session for one, _address in places) >= self.limits.waiting_each:
            return 0.0, "Too much was asked for at once; wait for what is under way."
        if sum(one == address for _session, one in places) >= self.limits.waiting:
            return 0.0, "Too much from this address waits already; try again in a minute."
        return self._hold(self._events.wait_s(address, 1))

    def upload(self, address):
        """(seconds to hold an upload back, None) or (0, why it is refused); came() says afterwards how large it was."""
        if shutil.disk_usage(self._folder).free < self.limits.disk_left:
            return 0.0, "This machine's disk is full; try again later."
        return self._hold(self._bytes.wait_s(address, 0))

    def came(self, address, size):
        """So many bytes of an upload arrived. Returns whether more may come."""
        return self._bytes.wait_s(address, size) <= self.limits.patience_s

    def _hold(self, wait_s):
        if wait_s <= self.limits.patience_s:
            return wait_s, None
        return 0.0, f"Too much came from this address; try again in {math.ceil(wait_s)} seconds."


class _Buckets:
    """A token bucket for each address: per_s flow in, at most burst lie there, what is taken beyond is owed."""

    def __init__(self, per_s, burst, clock):
        self._per_s, self._burst, self._clock = per_s, burst, clock
        self._left: OrderedDict[str, tuple[float, float]] = OrderedDict()  # address -> (left, when)

    def wait_s(self, address, amount):
        """Take the amount; seconds until nothing is owed."""
        now = self._clock()
        left, at = self._left.pop(address, (self._burst, now))
        left = min(self._burst, left + (now - at) * self._per_s) - amount
        if amount == 1 and -left / self._per_s > 60:  # refused for a minute already: it gets no longer
            left += amount
        self._left[address] = left, now
        if len(self._left) > _MOST_ADDRESSES:
            self._left.popitem(last=False)
        return max(0.0, -left / self._per_s)


def address_of(scope, behind_proxy=False):
    """Who asks. behind_proxy: all requests come through a proxy of the platform, which adds the address at the end."""
    if behind_proxy:
        values = [value.decode("latin-1") for name, value in scope["headers"] if name.lower() == b"x-forwarded-for"]
        last = ",".join(values).rsplit(",", 1)[-1].strip()
        if last:
            return last
    return (scope.get("client") or ("", 0))[0]
