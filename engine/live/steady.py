"""Keeps what a student adds steady in time where nothing moves, so that sharpening does not make noise flicker.

    kept += share x (residual - kept)       share: STILL where nothing moves, 1 where something does

Only what is added is averaged, never the picture: where a motion is missed, the worst is that the sharpening of the
last frames is added, not their contents. Motion is looked for on means of 4 x 4 pixels, against the measured noise.
"""

import cv2
import numpy as np

STILL = 0.35  # share of the newest residual where nothing moves: three frames are averaged
_BLOCK = 4  # pixels, side: their mean has a quarter of the noise
_QUIET, _BY_NOISE = 1.0, 0.5  # grey levels of change that are no motion: _QUIET + _BY_NOISE x noise
_STRIP = 64  # rows that are worked on at a time: they stay in the processor's cache
_SURE = 3.0  # times that, from where on it is motion wholly


class Steady:
    """Follows one stream; called from one thread, frame after frame."""

    def __init__(self, still=STILL):
        self._still = still
        self.reset()

    def reset(self):
        """Forget the stream: the next residual is taken as it is."""
        self._means = self._kept = self._part = self._share = np.empty((0, 0, 0), np.float32)
        self._rounded = None  # the kept residual in 8 bits, where it comes so

    def __call__(self, seen, residual, degradation):
        """The residual to add, of residual's shape and type, valid until the next call.

        seen: (H, W, C) uint8, the frame; residual: (H, W, C) as a Backend gives it, float32 or uint8; degradation: of
        the stream, None for unknown.
        """
        height, width = seen.shape[:2]
        size = max(1, width // _BLOCK), max(1, height // _BLOCK)
        means = cv2.resize(seen, size, interpolation=cv2.INTER_AREA)
        if self._kept.shape != residual.shape or (self._rounded is None) != (residual.dtype != np.uint8):
            self._means, self._kept = means, residual.astype(np.float32)
            self._part, self._share = np.empty_like(self._kept[:_STRIP]), np.empty(seen.shape[:2], np.float32)
            self._rounded = np.empty_like(residual) if residual.dtype == np.uint8 else None
            return residual
        share = self._shares(means, degradation, (width, height))
        self._means = means
        for top in range(0, height, _STRIP):
            rows = slice(top, top + _STRIP)
            kept = self._kept[rows]
            part = self._part[: len(kept)]
            cv2.subtract(residual[rows], kept, dst=part, dtype=cv2.CV_32F)
            cv2.multiply(part, share[rows], dst=part)
            cv2.add(kept, part, dst=kept)
            if self._rounded is not None:
                cv2.convertScaleAbs(kept, dst=self._rounded[rows])
        return self._kept if self._rounded is None else self._rounded

    def _shares(self, means, degradation, size):
        """How much of the newest residual each pixel takes: as many channels as the residual has, float32."""
        change = cv2.absdiff(means, self._means)
        if change.ndim == 3:
            change = change.max(axis=2)
        quiet = _QUIET + _BY_NOISE * (degradation.noise if degradation is not None else 2.0)
        # a change is smoothed, as motion is wider than noise, then widened: a student sees a bit of its surroundings
        moved = cv2.dilate(cv2.blur(change.astype(np.float32), (3, 3)), np.ones((3, 3), np.uint8))
        share = np.clip((moved - quiet) / ((_SURE - 1) * quiet), 0, 1) * (1 - self._still) + self._still
        cv2.resize(share, size, dst=self._share, interpolation=cv2.INTER_LINEAR)
        channels = self._kept.shape[2]
        return self._share if channels == 1 else cv2.merge([self._share] * channels)
