"""Pictures to train on: finding them, splitting them by category, and drawing (clean, degraded) pairs from them.

A folder holds one folder a category (`text/`, `people/`, ...) or pictures alone (one category, "other"). Where it holds
`train/` and `val/`, those are the split; otherwise it is drawn here, by category and seeded.
"""

import hashlib
import os
import stat
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
    files = []
    for path in walk_pictures(folder)[0]:
        inner = path.relative_to(folder).parts
        files.append(PictureFile(path, inner[0] if len(inner) > 1 else "other"))
    if not files:
        raise BadData(f"{str(folder)!r} holds no pictures; expected files that end in {', '.join(sorted(SUFFIXES))}")
    return files


def walk_pictures(folder):
    """(paths of the files below folder that are called like pictures, sorted; the OSErrors of what stays closed).

    Hidden files and folders are left alone. Links are followed, into each folder once: loops end.
    Raises BadData when the folder does not exist.
    """
    if not os.path.isdir(folder):
        raise BadData(f"there is no folder {str(folder)!r}; give one that holds pictures")
    paths, refused, seen = [], [], set()
    for here, folders, names in os.walk(folder, followlinks=True, onerror=refused.append):
        status = os.stat(here)
        if (status.st_dev, status.st_ino) in seen:
            folders.clear()
            continue
        seen.add((status.st_dev, status.st_ino))
        folders[:] = [name for name in folders if not name.startswith(".")]
        folders.sort(key=lambda name: (os.path.islink(os.path.join(here, name)), name))
        for path in (Path(here, name) for name in names if not name.startswith(".")):
            if path.suffix.lower() not in SUFFIXES:
                continue
            try:
                regular = stat.S_ISREG(os.stat(path).st_mode)
            except OSError as error:  # a link to nowhere, or a folder whose files may not be touched
                refused.append(error)
                continue
            if regular:
                paths.append(path)
    return sorted(paths), refused


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
