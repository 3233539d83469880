"""Measures what is wrong with a picture: effective blur, noise, compression and upscaling, with a card's estimator.

    degradation = measure(pixels, load_card("small"))

Blur is in pixels, so a picture is never rescaled: of a large one the tiles with the most detail are measured.
"""

import threading

import cv2
import numpy as np

from engine.backends import open_estimator
from engine.degradation import Degradation
from engine.errors import BadSetting
from engine.graph import estimator_model
from engine.pixels import student_input

WHOLE_PIXELS = 2_100_000  # a larger picture is measured by tiles; 1080p is not
TILE = 512  # pixels, side
TILES = 6
_LEAST_SIDE = 16  # pixels; a smaller picture is continued by its edge
_LEAST_GRADIENT = 0.25  # grey levels, root mean square; below it there is nothing to measure blur on


class Estimator:
    """A card's estimator, ready to measure pictures; safe to call from several threads, which then take turns.

    card: one with several experts. backend: "auto", "onnx" or "openvino"; "torch" is taken for "auto".
    Raises BadSetting for a blind card, UnknownBackend.
    """

    def __init__(self, card, backend="auto", threads=None):
        if card.config.experts == 1:
            raise BadSetting(f"student {card.name!r} is blind: it has no estimator; choose one with several experts")
        self._graph = open_estimator(estimator_model(card), backend, threads)
        self._lock = threading.Lock()

    def __call__(self, pixels):
        """pixels: (H, W), (H, W, 3) RGB or (H, W, 4) RGBA, uint8 or uint16, from 1x1. Returns a Degradation."""
        return Degradation.from_vector(self.vector(pixels))

    def vector(self, pixels):
        """The four numbers as a mixer takes them, not clipped: (4,) float32. A flat picture has nothing wrong."""
        height, width = pixels.shape[:2]
        parts = [_luma(pixels)] if height * width <= WHOLE_PIXELS else detailed_tiles(pixels)
        vectors = [self._measured(part) for part in parts]
        return np.mean(vectors, axis=0, dtype=np.float32)

    def close(self):
        """Free the library's memory; the estimator is not used after it."""
        with self._lock:
            if self._graph is not None:
                self._graph.close()
                self._graph = None

    def _measured(self, luma):
        if is_flat(luma):
            return np.array(Degradation().vector(), np.float32)
        height, width = luma.shape
        bottom, right = max(0, _LEAST_SIDE - height), max(0, _LEAST_SIDE - width)
        if bottom or right:
            luma = cv2.copyMakeBorder(luma, 0, bottom, 0, right, cv2.BORDER_REPLICATE)
        with self._lock:
            if self._graph is None:
                raise BadSetting("this estimator is closed; make another")
            return self._graph.run(np.ascontiguousarray(luma)[:, :, None]).copy()


def measure(pixels, card, backend="auto"):
    """The Degradation of a picture, measured by a card's estimator; pixels as in Estimator. Raises BadSetting."""
    estimator = Estimator(card, backend)
    try:
        return estimator(pixels)
    finally:
        estimator.close()


def detailed_tiles(pixels, count=TILES, side=TILE):
    """The luma of the `count` squares of a side with the most gradient energy: [(side, side) uint8, ...].

    A picture that is smaller than a square on a side gives tiles that are as small there.
    """
    height, width = pixels.shape[:2]
    places = [(top, left) for top in _starts(height, side) for left in _starts(width, side)]
    energies = [_gradient(_luma(pixels[top : top + side, left : left + side])) for top, left in places]
    best = np.argsort(np.negative(energies), kind="stable")[:count]
    return [_luma(pixels[top : top + side, left : left + side]) for top, left in (places[index] for index in best)]


def is_flat(luma):
    """Whether there is nothing to measure: neighbours differ by less than a quarter of a grey level. luma: (H, W)."""
    return _gradient(luma) < _LEAST_GRADIENT


def _starts(length, side):
    """Where tiles start along a side: side by side, what is left over at the end is not looked at."""
    return range(0, max(1, length - side + 1), side)


def _luma(pixels):
    return student_input(np.ascontiguousarray(pixels), 1)[:, :, 0]


def _gradient(luma):
    """Root mean square of the differences between neighbours, across and down together, in grey levels."""
    total = 0.0
    for before, after in ((luma[:, :-1], luma[:, 1:]), (luma[:-1], luma[1:])):
        if before.size:
            total += cv2.norm(np.ascontiguousarray(before), np.ascontiguousarray(after)) ** 2 / before.size
    return total**0.5
