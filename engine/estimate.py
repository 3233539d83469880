"""Measures what is wrong with a picture: effective blur, noise, compression and upscaling, with a card's estimator.

    degradation = measure(pixels, load_card("small"))

Blur is in pixels, so a picture is never rescaled: tiles of the size that estimators are trained on are measured, and
weighted by how much there is to see in them.
"""

import threading

import cv2
import numpy as np

from engine.backends import open_estimator
from engine.degradation import Degradation
from engine.errors import BadSetting
from engine.graph import estimator_model
from engine.pixels import student_input
from engine.students import MEASURED

TILE = 256  # pixels, side
TILES = 9  # of a picture; chosen on val, where they came closer to the truth than the whole of it
_LEAST_SIDE = 16  # pixels; a smaller picture is continued by its edge
_LEAST_GRADIENT = 0.25  # grey levels, root mean square; below it there is nothing to measure blur on


class Estimator:
    """A card's estimator, ready to measure pictures; safe to call from several threads, which then take turns.

    card: one with several experts. backend: "auto", "onnx" or "openvino"; any other backend is taken for "auto".
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
        return self.of_tiles(detailed_tiles(pixels))

    def of_tiles(self, tiles):
        """vector() of what detailed_tiles() gave: each tile's numbers, weighted by its gradient energy."""
        measured = [self._measured(tile) for tile in tiles]
        return sum(energy * vector for energy, vector in measured) / max(sum(energy for energy, _ in measured), 1e-9)

    def close(self):
        """Free the library's memory; the estimator is not used after it."""
        with self._lock:
            if self._graph is not None:
                self._graph.close()
                self._graph = None

    def _measured(self, luma):
        """(gradient energy, the four numbers) of a tile."""
        if is_flat(luma):
            return 0.0, np.zeros(MEASURED, np.float32)
        height, width = luma.shape
        bottom, right = max(0, _LEAST_SIDE - height), max(0, _LEAST_SIDE - width)
        if bottom or right:
            luma = cv2.copyMakeBorder(luma, 0, bottom, 0, right, cv2.BORDER_REPLICATE)
        with self._lock:
            if self._graph is None:
                raise BadSetting("this estimator is closed; make another")
            return _gradient(luma) ** 2, self._graph.run(np.ascontiguousarray(luma)[:, :, None]).copy()


def measure(pixels, card, backend="auto"):
    """The Degradation of a picture, measured by a card's estimator; pixels as in Estimator. Raises BadSetting."""
    estimator = Estimator(card, backend)
    try:
        return estimator(pixels)
    finally:
        estimator.close()


def detailed_tiles(pixels, count=TILES):
    """The luma of the `count` squares of TILE with the most gradient energy: [(TILE, TILE) uint8, ...].

    They lie side by side, at least three on a side, so that those of a small picture overlap. A picture that is smaller
    than a square on a side gives tiles that are as small there.
    """
    height, width = pixels.shape[:2]
    places = [(top, left) for top in _starts(height) for left in _starts(width)]
    energies = [_gradient(_luma(pixels[top : top + TILE, left : left + TILE])) for top, left in places]
    best = np.argsort(np.negative(energies), kind="stable")[:count]
    return [_luma(pixels[top : top + TILE, left : left + TILE]) for top, left in (places[index] for index in best)]


def is_flat(luma):
    """Whether there is nothing to measure: neighbours differ by less than a quarter of a grey level. luma: (H, W)."""
    return _gradient(luma) < _LEAST_GRADIENT


def _starts(length):
    """Where tiles start along a side, evenly spread from end to end; multiples of 8, the places of coders' blocks."""
    if length <= TILE:
        return [0]
    return sorted({int(start) // 8 * 8 for start in np.linspace(0, length - TILE, max(3, length // TILE))})


def _luma(pixels):
    return student_input(np.ascontiguousarray(pixels), 1)[:, :, 0]


def _gradient(luma):
    """Root mean square of the differences between neighbours, across and down together, in grey levels."""
    total = 0.0
    for before, after in ((luma[:, :-1], luma[:, 1:]), (luma[:-1], luma[1:])):
        if before.size:
            total += cv2.norm(np.ascontiguousarray(before), np.ascontiguousarray(after)) ** 2 / before.size
    return total**0.5
