"""Pictures that a slow recipe degraded beforehand: several versions of each, with what was done, in one file to map."""

import hashlib
import json
import multiprocessing
import os
from pathlib import Path

import numpy as np
from tqdm import tqdm

from distill.degrade import RECIPES
from engine.atomic_write import writing_into
from engine.degradation import Degradation

_NUMBERS = len(Degradation().vector())


class PairCache:
    """`versions` whole-picture draws of a recipe for each picture; what exists already is taken up, not drawn again.

    pictures: a PixelCache; recipe: a name of RECIPES; workers: processes that draw, 0 for this one. The same data,
    recipe, versions and seed make the same bytes with any number of workers. A run that was killed goes on behind the
    last finished picture. Raises BadOutput when `folder` cannot be written to.
    """

    def __init__(self, pictures, recipe, versions, folder, seed, workers=0):
        self.versions = versions
        self._sides = np.array([picture.shape[:2] for picture in pictures], np.int64)
        self._starts = np.concatenate([[0], np.cumsum(3 * versions * self._sides.prod(1))])
        key = [pictures.hash, recipe, RECIPES[recipe].revision, versions, seed, self._sides.tolist()]
        name = f"pairs-{recipe}-{hashlib.sha256(json.dumps(key).encode()).hexdigest()[:16]}"
        self.path, self._truths_path = Path(folder) / f"{name}.bin", Path(folder) / f"{name}.truth.npy"
        with writing_into(folder):
            self._fill(pictures, recipe, seed, workers)
        self._truths = np.load(self._truths_path)
        self._pixels = None

    def __len__(self):
        return len(self._sides)

    def __getitem__(self, place):
        """place: (picture, version). Returns degraded (H, W, 3) uint8 RGB, read-only, and vector() as (4,) float32."""
        index, version = place
        if not 0 <= version < self.versions:
            raise IndexError(f"there are {self.versions} versions of a picture, not a number {version}")
        if self._pixels is None:  # opened in the process that reads
            self._pixels = np.memmap(self.path, np.uint8, mode="r")
        height, width = self._sides[index]
        start = self._starts[index] + version * height * width * 3
        return self._pixels[start : start + height * width * 3].reshape(height, width, 3), self._truths[index, version]

    def __getstate__(self):
        return self.__dict__ | {"_pixels": None}  # a worker maps the file itself, instead of being sent it

    def _fill(self, pictures, recipe, seed, workers):
        """Draws what is missing. A picture is finished when its truth is a number: that is written after its pixels."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        if not self._truths_path.exists():
            self.path.touch()
            part = self._truths_path.with_suffix(f".{os.getpid()}.part.npy")
            np.save(part, np.full((len(self), self.versions, _NUMBERS), np.nan, np.float32))
            os.replace(part, self._truths_path)
        truths = np.load(self._truths_path, mmap_mode="r+")
        missing = np.flatnonzero(np.isnan(truths).any((1, 2)))
        if not len(missing):
            return
        tasks = ((recipe, self.versions, seed, int(index), np.array(pictures[index])) for index in missing)
        pool = multiprocessing.get_context("spawn").Pool(workers) if workers else None
        bar = tqdm(total=len(self), initial=len(self) - len(missing), desc=f"degrading ({recipe})", unit="picture")
        try:
            with open(self.path, "r+b") as file, bar:
                for index, degraded, vectors in pool.imap_unordered(_drawn, tasks) if pool else map(_drawn, tasks):
                    file.seek(self._starts[index])
                    file.write(degraded)
                    file.flush()
                    os.fsync(file.fileno())
                    truths[index] = vectors
                    bar.update()
        finally:
            truths.flush()
            if pool:
                pool.terminate()
                pool.join()


def _drawn(task):
    """All versions of one picture: (its number, their bytes one behind the other, their vectors)."""
    recipe, versions, seed, index, clean = task
    drawn = [
        RECIPES[recipe].sample(np.random.default_rng((seed, index, version))).degrade(clean)
        for version in range(versions)
    ]
    return index, b"".join(degraded.tobytes() for degraded, _ in drawn), [truth.vector() for _, truth in drawn]
