"""Pictures to train on: finding them, splitting them by category, and drawing (clean, degraded) pairs from them.

A folder holds one folder a category (`text/`, `people/`, ...) or pictures alone (one category, "other"). Where it holds
`train/` and `val/`, those are the split; otherwise it is drawn here, by category and seeded.
"""

import hashlib
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from engine.errors import BadData, BadImage

SUFFIXES = {".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff"}
SMALLEST_SIDE = 64  # pixels; a smaller picture teaches nothing about blur


@dataclass(frozen=True)
class PictureFile:
    """A picture on the disk and the category that its folder names."""

    path: Path
    category: str


def find_pictures(folder):
    """Every picture below folder, sorted by path; its category is the first folder below `folder`, else "other".

    Raises BadData when the folder does not exist or holds none.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise BadData(f"there is no folder {str(folder)!r}; give one that holds pictures")
    files = []
    for path in sorted(folder.rglob("*")):
        inner = path.relative_to(folder)
        if path.suffix.lower() in SUFFIXES and path.is_file() and not any(part.startswith(".") for part in inner.parts):
            files.append(PictureFile(path, inner.parts[0] if len(inner.parts) > 1 else "other"))
    if not files:
        raise BadData(f"{str(folder)!r} holds no pictures; expected files that end in {', '.join(sorted(SUFFIXES))}")
    return files


def split_pictures(files, val_share=0.2, seed=42):
    """(train, val): the same share of every category goes to val, at least one picture where it has two or more.

    The order of `files` does not matter, the seed does.
    """
    by_category = {}
    for file in sorted(files, key=lambda file: file.path.as_posix()):
        by_category.setdefault(file.category, []).append(file)
    rng = np.random.default_rng(seed)
    train, val = [], []
    for category in sorted(by_category):
        members = by_category[category]
        count = round(val_share * len(members))
        if len(members) > 1:
            count = min(max(count, 1), len(members) - 1)
        chosen = set(rng.permutation(len(members))[:count].tolist())
        val += [file for index, file in enumerate(members) if index in chosen]
        train += [file for index, file in enumerate(members) if index not in chosen]
    return train, val


def train_and_val(folder, val_share=0.2, seed=42):
    """(train, val) of a data folder: its own `train/` and `val/` where it has them, else a stratified split."""
    folder = Path(folder)
    if (folder / "train").is_dir() and (folder / "val").is_dir():
        return find_pictures(folder / "train"), find_pictures(folder / "val")
    train, val = split_pictures(find_pictures(folder), val_share, seed)
    if not train or not val:
        raise BadData(
            f"{str(folder)!r} holds too few pictures to split into training and validation; two are the least"
        )
    return train, val


def data_hash(files, names=True):
    """SHA-256 over names and contents: says which data made a result, wherever the folder lies.

    names: False leaves out categories and file names, so that copies are equal.
    """
    digest = hashlib.sha256()
    for file in sorted(files, key=lambda file: (file.category, file.path.name)):
        if names:
            digest.update(f"{file.category}/{file.path.name}\0".encode())
        digest.update(hashlib.sha256(file.path.read_bytes()).digest())
    return digest.hexdigest()


def read_rgb(path):
    """The picture as (H, W, 3) uint8 RGB: grey is repeated, alpha dropped, 16 bits reduced to 8. Raises BadImage."""
    from engine.images import read_picture

    pixels = read_picture(path).pixels
    if pixels.dtype == np.uint16:
        pixels = ((pixels.astype(np.uint32) + 128) // 257).astype(np.uint8)
    if pixels.ndim == 2:
        pixels = np.repeat(pixels[:, :, None], 3, axis=2)
    return np.ascontiguousarray(pixels[:, :, :3])


class PixelCache:
    """Decoded pictures of a list in one memory-mapped file: workers share it, and a second run decodes nothing.

    The file lies in `folder` under the data hash; pictures that cannot be read or are too small are left out and named
    in `skipped`. Raises BadData when none is left.
    """

    def __init__(self, files, folder):
        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        self.hash = data_hash(files)
        self._path = folder / f"pixels-{self.hash[:16]}.bin"
        index = folder / f"pixels-{self.hash[:16]}.npz"
        if not (self._path.exists() and index.exists()):
            self._build(files, index)
        with np.load(index) as saved:
            self._offsets, self._sides, kept = saved["offsets"], saved["sides"], saved["kept"]
        ordered = sorted(files, key=lambda file: (file.category, file.path.name))
        self.files = [ordered[position] for position in kept]
        self.skipped = [file.path for position, file in enumerate(ordered) if position not in set(kept.tolist())]
        if not self.files:
            raise BadData(
                f"none of the {len(files)} pictures can be used: all are damaged or under {SMALLEST_SIDE} pixels a side"
            )
        self._pixels = None

    def _build(self, files, index):
        offsets, sides, kept, end = [], [], [], 0
        handle, temporary = tempfile.mkstemp(dir=self._path.parent, suffix=".part")
        try:
            with os.fdopen(handle, "wb") as out:
                for position, file in enumerate(sorted(files, key=lambda file: (file.category, file.path.name))):
                    try:
                        pixels = read_rgb(file.path)
                    except BadImage:
                        continue
                    if min(pixels.shape[:2]) < SMALLEST_SIDE:
                        continue
                    out.write(pixels.tobytes())
                    offsets.append(end)
                    sides.append(pixels.shape[:2])
                    kept.append(position)
                    end += pixels.size
            os.replace(temporary, self._path)
        except BaseException:
            os.unlink(temporary)
            raise
        partial = index.with_suffix(f".{os.getpid()}.part.npz")
        np.savez(
            partial,
            offsets=np.array(offsets, np.int64),
            sides=np.array(sides, np.int64).reshape(-1, 2),
            kept=np.array(kept, np.int64),
        )
        os.replace(partial, index)

    def __len__(self):
        return len(self.files)

    def __getitem__(self, index):
        """(H, W, 3) uint8 RGB, read-only."""
        if self._pixels is None:  # opened in the process that reads
            self._pixels = np.memmap(self._path, np.uint8, mode="r")
        height, width = self._sides[index]
        start = self._offsets[index]
        return self._pixels[start : start + height * width * 3].reshape(height, width, 3)


class PairDataset:
    """A map-style data set: random crops as (clean, degraded) pairs; sample i of a seed is always the same pair.

    pictures: sequence of (H, W, 3) uint8 RGB, such as PixelCache. degradation: a class of distill.degrade.
    crop: side in pixels, even. count: number of samples; every len(pictures) samples use each picture once.
    clean_share: probability that a crop is left sharp. first: number of the first sample, for a run that goes on.
    An item is two (crop, crop, 3) uint8 RGB arrays, flipped and rotated alike.
    """

    def __init__(self, pictures, degradation, crop, count, seed, clean_share=0.0, first=0):
        self.pictures, self.degradation, self.crop = pictures, degradation, crop
        self.count, self.seed, self.clean_share, self.first = count, seed, clean_share, first

    def __len__(self):
        return self.count - self.first

    def __getitem__(self, index):
        index += self.first
        turn, place = divmod(index, len(self.pictures))
        order = np.random.default_rng((self.seed, 0, turn)).permutation(len(self.pictures))
        rng = np.random.default_rng((self.seed, 1, index))
        clean, degraded = draw_pair(self.pictures[order[place]], self.degradation, self.crop, rng)
        if rng.random() < self.clean_share:
            degraded = clean
        flip, turns = rng.integers(2), int(rng.integers(4))
        if flip:
            clean, degraded = clean[:, ::-1], degraded[:, ::-1]
        return np.rot90(clean, turns).copy(), np.rot90(degraded, turns).copy()


def draw_pair(picture, degradation, crop, rng):
    """One (clean, degraded) crop, each (crop, crop, 3), degraded with its surroundings as the whole picture would be.

    A picture smaller than the crop is enlarged by reflection. Offsets are even: the recipes halve and double sizes.
    """
    lack = [max(0, crop - side) for side in picture.shape[:2]]
    if any(lack):
        picture = np.pad(picture, ((0, lack[0]), (0, lack[1]), (0, 0)), mode="symmetric")
    height, width = picture.shape[:2]
    top = 2 * int(rng.integers((height - crop) // 2 + 1))
    left = 2 * int(rng.integers((width - crop) // 2 + 1))
    y0, x0 = max(0, top - degradation.margin), max(0, left - degradation.margin)
    area = picture[y0 : top + crop + degradation.margin, x0 : left + crop + degradation.margin]
    degraded = degradation.sample(rng).apply(area)
    window = (slice(top - y0, top - y0 + crop), slice(left - x0, left - x0 + crop))
    return area[window], degraded[window]
