"""Keeps what a student adds steady in time where nothing moves, so that sharpening does not make noise flicker.

    kept += STILL x (residual - kept)      everywhere
    kept += motion x (residual - kept)     motion: 0 where nothing moves, 1 where something surely does

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
        self._means = self._kept = self._part = np.empty((0, 0, 0), np.float32)
        self._rounded = None  # the kept residual in 8 bits, where it comes so

    def __call__(self, seen, residual, degradation):
        """The residual to add, of residual's shape and type, valid until the next call.

        seen: (H, W, C) uint8, the frame; residual: (H, W, C) as a Backend gives it, float32 or uint8; degradation: of
        the stream, None for unknown.
        """
        height, width = seen.shape[:2]
        means = _means(seen)
        if self._kept.shape != residual.shape or (self._rounded is None) != (residual.dtype != np.uint8):
            self._means, self._kept = means, residual.astype(np.float32)
            self._part = np.empty_like(self._kept[:_STRIP])
            self._rounded = np.empty_like(residual) if residual.dtype == np.uint8 else None
            return residual
        motion = self._motion(means, degradation)
        self._means = means
        moved = None
        if motion.any():  # in 8 bits: a quarter of the memory
            moved = cv2.resize(cv2.convertScaleAbs(motion, alpha=255), (width, height), interpolation=cv2.INTER_LINEAR)
        for top in range(0, height, _STRIP):
            strip = slice(top, top + _STRIP)
            kept = self._kept[strip]
            cv2.accumulateWeighted(residual[strip], kept, self._still)
            if moved is not None:
                self._take_over(residual[strip], kept, moved[strip], _span(motion, strip, height, width))
            if self._rounded is not None:
                cv2.convertScaleAbs(kept, dst=self._rounded[strip])
        return self._kept if self._rounded is None else self._rounded

    def _motion(self, means, degradation):
        """How surely each block moves, 0 to 1, float32."""
        change = cv2.absdiff(means, self._means)
        if change.ndim == 3:
            change = change.max(axis=2)
        quiet = _QUIET + _BY_NOISE * (degradation.noise if degradation is not None else 2.0)
        # a change is smoothed, as motion is wider than noise, then widened: a student sees a bit of its surroundings
        moved = cv2.dilate(cv2.boxFilter(change, cv2.CV_32F, (3, 3)), np.ones((3, 3), np.uint8))
        return np.clip((moved - quiet) / ((_SURE - 1) * quiet), 0, 1)

    def _take_over(self, new, kept, moved, columns):
        """kept goes on to the newest residual where something moves, within those columns; all are of one strip."""
        new, kept, moved = new[:, columns], kept[:, columns], moved[:, columns]
        if not moved.size:
            return
        part = self._part[: kept.shape[0], : kept.shape[1]]
        cv2.subtract(new, kept, dst=part, dtype=cv2.CV_32F)
        if kept.shape[2] > 1:
            moved = cv2.merge([moved] * kept.shape[2])
        cv2.multiply(part, moved, dst=part, scale=1 / 255, dtype=cv2.CV_32F)
        cv2.add(kept, part, dst=kept)


def _means(seen):
    """Means of about 4 x 4 pixels, uint8. seen: (H, W, C) uint8."""
    height, width = seen.shape[:2]
    size = max(1, width // _BLOCK), max(1, height // _BLOCK)
    if height % _BLOCK == width % _BLOCK == 0:  # halved twice, which takes a fifth of the time
        seen = cv2.resize(seen, (2 * size[0], 2 * size[1]), interpolation=cv2.INTER_AREA)
    return cv2.resize(seen, size, interpolation=cv2.INTER_AREA)


def _span(motion, strip, height, width):
    """The columns of a strip of rows outside of which nothing moves, a slice; a block more on either side."""
    down, across = motion.shape[0] / height, motion.shape[1] / width  # blocks a pixel, about a quarter
    rows = motion[max(0, int(strip.start * down) - 1) : int(strip.stop * down) + 2]
    moving = np.flatnonzero(rows.any(axis=0))
    if not len(moving):
        return slice(0, 0)
    return slice(max(0, int((moving[0] - 1) / across)), min(width, int((moving[-1] + 2) / across) + 1))
