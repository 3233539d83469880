"""The newest pair of frames, before and after, for whoever wants to look; putting it there never waits."""

import threading


class Preview:
    """Safe from several threads; holds one pair and nothing else."""

    def __init__(self):
        self._changed = threading.Condition()
        self._pair = None

    def offer(self, before, after):
        """before, after: Frames of the same index."""
        with self._changed:
            self._pair = before, after
            self._changed.notify_all()

    def latest(self):
        """(before, after), or None before the first frame."""
        with self._changed:
            return self._pair

    def newer_than(self, index, timeout_s):
        """The newest pair as soon as its index is another than `index` (None: any); None when that takes longer."""
        with self._changed:
            self._changed.wait_for(lambda: self._pair is not None and self._pair[0].index != index, timeout_s)
            return self._pair if self._pair is not None and self._pair[0].index != index else None

    def clear(self):
        with self._changed:
            self._pair = None
