"""Measures what is wrong with a stream: detailed parts of a frame a few times a second, smoothed, anew after a cut.

    estimator = Estimator(card)
    follow = StreamEstimator(estimator)
    for pixels, at_s in frames:
        sharp = sharpener(pixels, degradation=follow(pixels, at_s))

What it says changes seldom, so that the student need not be assembled anew for every small change.
"""

import math

import cv2
import numpy as np

from engine.degradation import Degradation
from engine.estimate import detailed_tiles, is_flat
from engine.pixels import student_input

PERIOD_S = 0.5  # between measurements
SMOOTHING_S = 1.5  # after that long a change is taken over to two thirds
LEAST_CHANGE = 0.04  # of Degradation.vector() from what was said last: 0.1 pixels of blur, an eighth of (1 + noise)
TILES = 2  # of a frame that are measured
CUT = 18.0  # grey levels: mean difference between the thumbnails of two frames in a row, from a cut on
_COARSE, _THUMBNAIL = (128, 72), (16, 9)  # width, height


class StreamEstimator:
    """Follows one stream; called from one thread. estimator: an Estimator, or what has its of_tiles(tiles)."""

    def __init__(self, estimator):
        self._estimator = estimator
        self.measurements = 0  # so far
        self.reset()

    def reset(self):
        """Forget the stream: the next frame is measured and believed."""
        self._smoothed = self._said = self._thumbnail = self._seen_s = self._measured_s = self._shape = None

    def __call__(self, pixels, at_s):
        """The Degradation to restore this frame from. pixels: (H, W), (H, W, 3) or (H, W, 4); at_s: its time, seconds.

        Another size of frame, a cut or a time before the last one starts anew. Until a frame has something in it that
        can be measured nothing is wrong: Degradation().
        """
        thumbnail = _thumbnail(pixels)
        if self._starts_anew(pixels, thumbnail, at_s):
            self.reset()
        self._thumbnail, self._seen_s, self._shape = thumbnail, at_s, pixels.shape
        if self._measured_s is None or at_s - self._measured_s >= PERIOD_S:
            self._measure(pixels, at_s)
        return Degradation() if self._said is None else Degradation.from_vector(self._said)

    def _starts_anew(self, pixels, thumbnail, at_s):
        if self._thumbnail is None:
            return False
        if pixels.shape != self._shape or at_s < self._seen_s:
            return True
        return float(np.abs(thumbnail - self._thumbnail).mean()) >= CUT

    def _measure(self, pixels, at_s):
        tiles = detailed_tiles(pixels, TILES)
        if is_flat(tiles[0]):  # a black frame between two scenes says nothing about either
            return
        found = self._estimator.of_tiles(tiles)
        self.measurements += 1
        if self._smoothed is None:
            self._smoothed = found
        else:
            share = 1 - math.exp(-(at_s - self._measured_s) / SMOOTHING_S)
            self._smoothed = self._smoothed + share * (found - self._smoothed)
        self._measured_s = at_s
        if self._said is None or np.abs(self._smoothed - self._said).max() >= LEAST_CHANGE:
            self._said = self._smoothed


def _thumbnail(pixels):
    """Mean luma of 16 x 9 parts of a frame, from one pixel in a hundred: (9, 16) float32."""
    coarse = cv2.resize(pixels, _COARSE, interpolation=cv2.INTER_NEAREST)
    return cv2.resize(student_input(coarse, 1), _THUMBNAIL, interpolation=cv2.INTER_AREA).astype(np.float32)
