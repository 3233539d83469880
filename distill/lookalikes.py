"""Pictures that show one and the same: resized, recompressed, mirrored or turned copies, and the groups they form.

The fingerprint is pHash (Zauner 2010) with its numbers kept in place of their signs: the lowest frequencies of a small
luma thumbnail, each weighted by its frequency. Mirroring and turning a picture only changes signs and order of them.
"""

import cv2
import numpy as np

_THUMBNAIL, _FREQUENCIES = 64, 16  # side in pixels; lowest frequencies kept across and down
# The 1,100 pictures of ../shared/data reach 0.80 with one another in any orientation; halved, enlarged, at JPEG quality
# 20, darkened, blurred or noisy copies of 220 of them stay above 0.91 with the original.
ALIKE = 0.85
_FLAT = 2.0  # grey levels; a thumbnail that varies less has no face to be known by
_CHUNK = 1024  # fingerprints compared at once with all


def fingerprint(luma):
    """luma: (H, W) uint8 -> (256,) float32 of length 1; zeros for a flat picture."""
    thumbnail = cv2.resize(luma, (_THUMBNAIL, _THUMBNAIL), interpolation=cv2.INTER_AREA).astype(np.float32)
    lowest = cv2.dct(thumbnail)[:_FREQUENCIES, :_FREQUENCIES]
    lowest *= np.hypot(*np.mgrid[:_FREQUENCIES, :_FREQUENCIES]).astype(np.float32)
    if thumbnail.std() < _FLAT:
        return np.zeros(_FREQUENCIES**2, np.float32)
    return (lowest / np.linalg.norm(lowest)).ravel()


def alike(fingerprints):
    """Pairs (i, j), i < j, of (N, 256) fingerprints that show one picture, mirrored or turned by quarters or not."""
    pairs = []
    for start in range(0, len(fingerprints), _CHUNK):
        part = fingerprints[start : start + _CHUNK]
        likeness = np.maximum.reduce([turned @ fingerprints.T for turned in _orientations(part)])
        rows, columns = np.nonzero(likeness >= ALIKE)
        pairs += [(start + int(row), int(column)) for row, column in zip(rows, columns) if start + row < column]
    return pairs


def groups(count, pairs):
    """The sets of 0 ... count - 1 that pairs connect, each sorted and of two or more."""
    parent = list(range(count))

    def root(index):
        while parent[index] != index:
            parent[index] = index = parent[parent[index]]
        return index

    for one, other in pairs:
        first, second = sorted((root(one), root(other)))
        parent[second] = first
    members = {}
    for index in range(count):
        members.setdefault(root(index), []).append(index)
    return [group for group in members.values() if len(group) > 1]


def _orientations(fingerprints):
    """The eight ways to mirror and turn: odd frequencies change their sign, a quarter turn swaps across and down."""
    squares = fingerprints.reshape(-1, _FREQUENCIES, _FREQUENCIES)
    signs = (-1.0) ** np.arange(_FREQUENCIES, dtype=np.float32)
    for square in (squares, squares.swapaxes(1, 2)):
        for across in (1, signs):
            for down in (1, signs[:, None]):
                yield (square * across * down).reshape(len(fingerprints), -1)
