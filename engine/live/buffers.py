"""Memory for the frames of a stream, used again once nobody holds it.

Frames are made on one thread and let go on another, of which the C library would keep up to 20 MB a thread at 1080p;
and fresh memory is slow to write to.
"""

import sys

import numpy as np

_MOST = 8  # arrays that are kept; more are in use where a recorder waits for its disk, and are let go


class Buffers:
    """take(shape) -> an uninitialised uint8 array that is in use nowhere; for one caller at a time.

    There is nothing to give back: an array is in use while something in Python refers to it or to a view of it.
    """

    def __init__(self):
        self._kept = [np.empty(0, np.uint8)]
        self._unused = self._references()[0]  # what counting finds where only this list refers to an array

    def take(self, shape):
        if self._kept[0].shape != shape:
            self._kept = []
        references = self._references()
        if self._unused in references:
            return self._kept[references.index(self._unused)]
        fresh = np.empty(shape, np.uint8)
        if len(self._kept) < _MOST:
            self._kept.append(fresh)
        return fresh

    def _references(self):
        return [sys.getrefcount(kept) for kept in self._kept]
