"""All visitors' pictures on the picture tab: who is here, what they may bring, what is deleted when; knows no Gradio.

desk = PictureDesk(workspace, sharpeners)
session = desk.session("the visitor's id")
session.take([Upload(path, "photo.jpg")])
shown = session.show(0, Settings("small", 1.0))  # previews before and after, and what happened
path = session.write_result()  # NAME-sharp.EXT at full size
for step in session.run_all(Settings("small", 1.0)):  # Progress, ..., Finished with the archive
    ...
"""

import contextlib
import threading
import time
from collections import Counter, OrderedDict
from dataclasses import dataclass
from pathlib import Path

from webui.picture_session import Session


@dataclass(frozen=True)
class Limits:
    """What one page accepts."""

    max_pixels: int = 100_000_000  # of one picture, and of all pictures being worked on at the same time
    max_file_bytes: int = 200 * 2**20
    max_files: int = 200  # in one go
    max_total_bytes: int = 2 * 2**30  # of all files in one go
    max_decoded_bytes: int = 600 * 2**20  # pictures kept decoded so that the strength slider answers at once
    max_visitors: int = 200  # with pictures here; of more, one of the address with the most of them loses theirs
    job_s: float = 300.0  # on one picture
    unclaimed_s: float = 3600.0  # an upload that is never announced as a picture is deleted after that
    idle_s: float = 3600.0  # a visitor's pictures are deleted after that long without a click


class PictureDesk:
    """All visitors' pictures. Sessions that nobody touches are closed after limits.idle_s by tidy()."""

    def __init__(self, workspace, sharpeners, limits=None, samples=()):
        self.workspace = workspace
        self.sharpeners = sharpeners
        self.limits = limits or Limits()
        self.samples = tuple(Path(path) for path in samples)
        self._lock = threading.Lock()
        self._sessions: OrderedDict[str, Session] = OrderedDict()  # least recently used first
        self._addresses: dict[str, str] = {}
        self._pixels = _PixelBudget(self.limits.max_pixels)

    def session(self, visitor, address=""):
        """The visitor's session, made on the first call. address: where they are; one who opens many pages shuts out
        nobody elsewhere."""
        with self._lock:
            if visitor not in self._sessions:
                self._sessions[visitor] = Session(self, self._pixels)
                self._addresses[visitor] = address
            self._sessions.move_to_end(visitor)
            session = self._sessions[visitor]
            session.used_at = time.monotonic()
            one_too_many = self._one_too_many()
        if one_too_many is not None:
            self.leave(one_too_many)
        return session

    def _one_too_many(self):
        """Of the address with the most sessions the one that has been idle longest, None while there is room."""
        if len(self._sessions) <= self.limits.max_visitors:
            return None
        counts = Counter(self._addresses.values())
        most = max(counts.values())
        return next(one for one in self._sessions if counts[self._addresses[one]] == most)

    def leave(self, visitor):
        """Delete all that a visitor brought and made."""
        with self._lock:
            session = self._sessions.pop(visitor, None)
            self._addresses.pop(visitor, None)
        if session is not None:
            session.close()

    def tidy(self):
        """Close idle sessions, then delete what no session uses any more. To be called every minute or so."""
        oldest = time.monotonic() - self.limits.idle_s
        with self._lock:
            idle = [
                visitor for visitor, session in self._sessions.items() if session.used_at < oldest and not session.busy
            ]
        for visitor in idle:
            self.leave(visitor)
        with self._lock:
            keep = [path for session in self._sessions.values() for path in session.served]
        self.workspace.sweep(self.limits.unclaimed_s, keep)

    def close(self):
        for visitor in list(self._sessions):
            self.leave(visitor)

    def forget_decoded(self, but):
        """Drop decoded pictures, least recently used first, until they fit the limit; but: the session to spare."""
        with self._lock:
            sessions = list(self._sessions.values())
        total = sum(session.decoded_bytes for session in sessions)
        for session in sessions:
            if total <= self.limits.max_decoded_bytes:
                return
            if session is not but:
                total -= session.forget_decoded()


class _PixelBudget:
    """Lets pictures through as long as their pixels together fit; one that is alone always may."""

    def __init__(self, total):
        self._total = total
        self._used = 0
        self._changed = threading.Condition()

    @contextlib.contextmanager
    def hold(self, pixels):
        with self._changed:
            self._changed.wait_for(lambda: self._used == 0 or self._used + pixels <= self._total)
            self._used += pixels
        try:
            yield
        finally:
            with self._changed:
                self._used -= pixels
                self._changed.notify_all()
