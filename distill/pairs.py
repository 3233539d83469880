"""Pairs to train on: random crops of sharp pictures, their degraded selves, and what was done to them."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from engine.degradation import Degradation

CLEAN = np.array(Degradation().vector(), np.float32)


class DrawnPairs:
    """Degradations drawn and applied crop by crop. pictures: (H, W, 3) uint8 RGB; degradation: a class of RECIPES."""

    def __init__(self, pictures, degradation):
        self.pictures, self.degradation = pictures, degradation

    def crop(self, index, side, rng):
        """(clean, degraded), each (side, side, 3) uint8, and Degradation.vector() of picture `index`.

        The crop is degraded with its surroundings, as the whole picture would be. A picture smaller than the crop is
        enlarged by reflection. Offsets are even: the recipes halve and double sizes.
        """
        picture = _enlarged(self.pictures[index], side)
        top, left = _corner(picture, side, rng)
        margin = self.degradation.margin
        y0, x0 = max(0, top - margin), max(0, left - margin)
        area = picture[y0 : top + side + margin, x0 : left + side + margin]
        degraded, truth = self.degradation.sample(rng).degrade(area)
        window = (slice(top - y0, top - y0 + side), slice(left - x0, left - x0 + side))
        return area[window], degraded[window], np.array(truth.vector(), np.float32)


class PreparedPairs:
    """Whole pictures that were degraded beforehand (distill.pair_cache), because their recipe is slow."""

    def __init__(self, pictures, prepared):
        self.pictures, self.prepared = pictures, prepared

    def crop(self, index, side, rng):
        """As DrawnPairs.crop, from one of the prepared versions of picture `index`."""
        degraded, truth = self.prepared[index, int(rng.integers(self.prepared.versions))]
        clean, degraded = _enlarged(self.pictures[index], side), _enlarged(degraded, side)
        top, left = _corner(clean, side, rng)
        window = (slice(top, top + side), slice(left, left + side))
        return clean[window], degraded[window], truth


@dataclass(frozen=True)
class Plan:
    """What a sample is drawn from: a source, the number of a picture, and the chance that decides the rest."""

    source: DrawnPairs | PreparedPairs
    picture: int
    rng: np.random.Generator


class PairDataset:
    """A map-style data set: sample i of a seed is always the same pair, flipped and rotated alike.

    sources: [(share, DrawnPairs or PreparedPairs), ...], shares that sum to 1; pictures: how many each of them has.
    Every `pictures` samples use each picture once. side: of a crop, in pixels. clean_share: probability that a crop is
    left sharp. An item is (clean, degraded) as (side, side, 3) uint8 RGB and Degradation.vector() as (4,) float32.
    """

    def __init__(self, sources, pictures, side, seed, clean_share=0.0):
        self._shares, self._sources = zip(*sources, strict=True)
        self._pictures, self._seed = pictures, seed
        self.side, self.clean_share = side, clean_share

    def plan(self, index):
        """Where sample `index` comes from."""
        turn, place = divmod(index, self._pictures)
        order = np.random.default_rng((self._seed, 0, turn)).permutation(self._pictures)
        rng = np.random.default_rng((self._seed, 1, index))
        source = self._sources[rng.choice(len(self._sources), p=self._shares)]
        return Plan(source, int(order[place]), rng)

    def __getitem__(self, index):
        plan = self.plan(index)
        rng = plan.rng
        clean, degraded, truth = plan.source.crop(plan.picture, self.side, rng)
        if rng.random() < self.clean_share:
            degraded, truth = clean, CLEAN
        flip, turns = rng.integers(2), int(rng.integers(4))
        if flip:
            clean, degraded = clean[:, ::-1], degraded[:, ::-1]
        return np.rot90(clean, turns).copy(), np.rot90(degraded, turns).copy(), truth


class Batches:
    """Which samples make each step's batch: a batch sampler for torch's DataLoader.

    batch_size: of all processes together; process `rank` of `processes` takes its equal part. first, last: steps.
    """

    def __init__(self, batch_size, first, last, rank=0, processes=1):
        self._batch_size, self._first, self._last = batch_size, first, last
        self._part, self._rank = batch_size // processes, rank

    def __iter__(self) -> Iterator[list[int]]:
        for step in range(self._first, self._last):
            start = step * self._batch_size + self._rank * self._part
            yield list(range(start, start + self._part))

    def __len__(self):
        return self._last - self._first


def _enlarged(picture, side):
    lack = [max(0, side - length) for length in picture.shape[:2]]
    return np.pad(picture, ((0, lack[0]), (0, lack[1]), (0, 0)), mode="symmetric") if any(lack) else picture


def _corner(picture, side, rng):
    return tuple(2 * int(rng.integers((length - side) // 2 + 1)) for length in picture.shape[:2])
