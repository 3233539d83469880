"""Training pairs made on the accelerator: pictures lie in its memory, batches are cut and degraded there."""

import numpy as np
import torch

from distill.degrade_torch import degrade
from distill.pairs import CLEAN, DrawnPairs


class ResidentBatches:
    """Iterates over a PairDataset's batches as a DataLoader does, but on a device: (clean, degraded, truth).

    pairs: PairDataset; batches: Batches. The pictures are those that PairDataset draws; crops keep a recipe's margin
    from the picture's edge, so that all of a batch are degraded at once. An item is (N, side, side, 3) uint8 twice and
    Degradation.vector() as (N, 4), on the device.
    """

    def __init__(self, pairs, batches, device):
        self._pairs, self._batches, self._device = pairs, batches, device
        self._kept: dict[tuple, torch.Tensor] = {}  # pictures as they are first used

    def __iter__(self):
        for indices in self._batches:
            yield self._batch([self._pairs.plan(index) for index in indices])

    def _batch(self, plans):
        side = self._pairs.side
        clean = torch.empty(len(plans), side, side, 3, dtype=torch.uint8, device=self._device)
        degraded, truth = torch.empty_like(clean), torch.empty(len(plans), 4, device=self._device)
        drawn = [slot for slot, plan in enumerate(plans) if isinstance(plan.source, DrawnPairs)]
        if drawn:
            margin = max(plans[slot].source.degradation.margin for slot in drawn)
            areas = torch.stack([self._area(plans[slot], side + 2 * margin) for slot in drawn])
            draws = [plans[slot].source.degradation.sample(plans[slot].rng) for slot in drawn]
            softened, done = degrade(areas.permute(0, 3, 1, 2).float() / 255, draws)
            window = (slice(None), slice(margin, margin + side), slice(margin, margin + side))
            clean[drawn] = areas[window]
            degraded[drawn] = softened.mul(255).round().byte().permute(0, 2, 3, 1)[window]
            truth[drawn] = done.float()
        for slot, plan in enumerate(plans):
            if slot not in drawn:
                clean[slot], degraded[slot], truth[slot] = self._prepared(plan, side)
        for slot, plan in enumerate(plans):
            if plan.rng.random() < self._pairs.clean_share:
                degraded[slot], truth[slot] = clean[slot], torch.from_numpy(CLEAN).to(self._device)
            flip, turns = plan.rng.integers(2), int(plan.rng.integers(4))
            for images in (clean, degraded):
                image = images[slot].flip(1) if flip else images[slot]
                images[slot] = torch.rot90(image, turns, (0, 1)).clone()
        return clean, degraded, truth

    def _area(self, plan, side):
        picture = self._resident(plan.source.pictures, plan.picture, side)
        top, left = (2 * int(plan.rng.integers((length - side) // 2 + 1)) for length in picture.shape[:2])
        return picture[top : top + side, left : left + side]

    def _prepared(self, plan, side):
        version = int(plan.rng.integers(plan.source.prepared.versions))
        truth = plan.source.prepared[plan.picture, version][1]
        clean = self._resident(plan.source.pictures, plan.picture, side)
        degraded = self._resident(plan.source.prepared, (plan.picture, version), side)
        top, left = (2 * int(plan.rng.integers((length - side) // 2 + 1)) for length in clean.shape[:2])
        window = (slice(top, top + side), slice(left, left + side))
        return clean[window], degraded[window], torch.from_numpy(np.array(truth)).to(self._device)

    def _resident(self, pictures, place, side):
        """pictures[place] in the device's memory, continued by reflection to `side` where it is smaller."""
        if place not in self._kept:
            pixels = pictures[place][0] if isinstance(place, tuple) else pictures[place]
            self._kept[place] = torch.from_numpy(np.array(pixels)).to(self._device)
        picture = self._kept[place]
        for axis in (0, 1):
            if picture.shape[axis] < side:
                picture = torch.cat([picture, picture.flip(axis)], axis)
        return picture[: max(side, self._kept[place].shape[0]), : max(side, self._kept[place].shape[1])]
