"""What is wrong with a folder of pictures before training: damaged, too small, too soft, there twice, leaked."""

import hashlib
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from tqdm import tqdm

from distill.data import SMALLEST_SIDE, PictureFile, read_rgb, walk_pictures
from distill.lookalikes import alike, fingerprint, groups
from engine.errors import BadData, BadImage

# Measured on ../shared/data/train: 5 of the 800 sharp pictures are below (median 113), and 795 of their copies under
# the mildest degradation of the report (sigma 1.0, half the size and back, bicubic); 758 when they are only blurred so.
TOO_SOFT = 18.0
_BLOCK, _AGAIN = 32, 1.5  # pixels, side of a block; standard deviation of the second blur
_STRIP, _MARGIN = 1024, 8  # rows looked at at once, so that a picture of 100 megapixels fits; rows around them


@dataclass(frozen=True)
class Looked:
    """One readable picture. part: "train", "val", ... where the folder is split by folders, else ""."""

    file: PictureFile
    part: str
    height: int
    width: int
    sharpness: float
    bytes_sha256: str
    pixels_sha256: str
    fingerprint: np.ndarray


@dataclass(frozen=True)
class DataReport:
    """What was found; each group of duplicates is (what they share, [Looked, ...])."""

    folder: Path
    looked: list  # every readable picture
    damaged: list  # (path, why)
    closed: list  # (path, why): what could not be looked into
    duplicates: list

    @property
    def too_small(self):
        return [one for one in self.looked if min(one.height, one.width) < SMALLEST_SIDE]

    @property
    def too_soft(self):
        return sorted((one for one in self.looked if _usable(one) and one.sharpness < TOO_SOFT), key=_by_sharpness)

    @property
    def leaks(self):
        """The groups of duplicates that lie in two parts, such as train and val."""
        return [(kind, group) for kind, group in self.duplicates if len({one.part for one in group}) > 1]

    @property
    def usable(self):
        """What can be trained on: readable and large enough."""
        return [one for one in self.looked if _usable(one)]

    def name(self, one):
        """The path of a Looked below the folder."""
        return one.file.path.relative_to(self.folder).as_posix()

    def by_category(self):
        """{category: [Looked, ...]}, sorted; in a folder that is split by folders {"train/text": ...}."""
        found = {}
        for one in self.looked:
            found.setdefault("/".join(filter(None, (one.part, one.file.category))), []).append(one)
        return dict(sorted(found.items()))

    def as_dict(self):
        """The report in plain values, for JSON."""
        sizes = Counter(f"{one.width}x{one.height}" for one in self.looked)
        return {
            "pictures": len(self.looked),
            "categories": {name: len(members) for name, members in self.by_category().items()},
            "sizes": dict(sizes.most_common()),
            "damaged": [{"picture": self._inner(path), "why": why} for path, why in self.damaged],
            "not_looked_into": [{"path": self._inner(path), "why": why} for path, why in self.closed],
            "too_small": [{"picture": self.name(one), "size": f"{one.width}x{one.height}"} for one in self.too_small],
            "too_soft": [{"picture": self.name(one), "sharpness": round(one.sharpness, 2)} for one in self.too_soft],
            "duplicates": [_group(self, kind, group) for kind, group in self.duplicates],
            "in_several_parts": [_group(self, kind, group) for kind, group in self.leaks],
        }

    def _inner(self, path):
        return path.relative_to(self.folder).as_posix()


def check_pictures(folder):
    """Look at every picture below `folder` and compare all with all; shows its progress. Returns a DataReport.

    Raises BadData when the folder does not exist or holds no file that is called like a picture.
    """
    folder = Path(folder)
    paths, refused = walk_pictures(folder)
    closed = [(Path(error.filename), error.strerror or str(error)) for error in refused]
    if not paths:
        why = f"; {closed[0][0]} cannot be looked into ({closed[0][1]})" if closed else ""
        raise BadData(f"{str(folder)!r} holds no pictures{why}; expected .jpg, .png, .webp, .bmp or .tif files")
    split = is_split(folder)
    looked, damaged = [], []
    for path in tqdm(paths, desc="looking", unit="picture"):
        parts = path.relative_to(folder).parts[:-1]
        part, parts = (parts[0], parts[1:]) if split and parts else ("", parts)
        try:
            looked.append(_look(PictureFile(path, parts[0] if parts else "other"), part))
        except BadImage as error:
            damaged.append((path, str(error).removeprefix(str(path)).lstrip(": ")))
    return DataReport(folder, looked, damaged, closed, _duplicates(looked))


def is_split(folder):
    """Whether a folder holds `train/` and `val/`."""
    return (Path(folder) / "train").is_dir() and (Path(folder) / "val").is_dir()


def sharpness(luma):
    """How many times less the Laplacian varies after a second blur, in the tenth of the blocks where it varies most.

    An edge that is soft already hardly changes (Crete et al. 2007), however strong its contrast: about 3 to 10 for soft
    pictures, 20 to 1000 for sharp ones, 0 without any detail. luma: (H, W) uint8, at least 32 pixels a side.
    """
    height, width = (side // _BLOCK * _BLOCK for side in luma.shape)
    before, after = [], []
    for top in range(0, height, _STRIP):
        bottom, above = min(top + _STRIP, height), min(top, _MARGIN)
        strip = luma[top - above : bottom + _MARGIN].astype(np.float32)
        for found, pixels in ((before, strip), (after, cv2.GaussianBlur(strip, (0, 0), _AGAIN))):
            laplacian = cv2.Laplacian(pixels, cv2.CV_32F)[above : above + bottom - top, :width]
            found.append(laplacian.reshape(-1, _BLOCK, width // _BLOCK, _BLOCK).var((1, 3)).ravel())
    first, second = np.concatenate(before), np.concatenate(after)
    most = first >= np.percentile(first, 90)
    return float(np.median(first[most] / (second[most] + 1e-3)))


def _look(file, part):
    pixels = read_rgb(file.path)
    height, width = pixels.shape[:2]
    luma = cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY)
    try:
        content = hashlib.sha256(file.path.read_bytes()).hexdigest()
    except OSError as error:  # gone since
        raise BadImage(f"cannot be read ({error.strerror})") from error
    drawn = hashlib.sha256(f"{height} {width} ".encode() + pixels.tobytes()).hexdigest()
    sharp = sharpness(luma) if min(height, width) >= _BLOCK else 0.0
    return Looked(file, part, height, width, sharp, content, drawn, fingerprint(luma))


def _duplicates(looked):
    if not looked:
        return []
    pairs = alike(np.stack([one.fingerprint for one in looked]))
    first_with = {}
    for index, one in enumerate(looked):  # flat ones, too, which have no fingerprint
        pairs.append((first_with.setdefault(one.pixels_sha256, index), index))
    found = []
    for members in groups(len(looked), pairs):
        group = [looked[index] for index in members]
        if len({one.bytes_sha256 for one in group}) == 1:
            kind = "same file"
        elif len({one.pixels_sha256 for one in group}) == 1:
            kind = "same pixels"
        else:
            kind = "same view"
        found.append((kind, group))
    return found


def _usable(one):
    return min(one.height, one.width) >= SMALLEST_SIDE


def _by_sharpness(one):
    return one.sharpness


def _group(report, kind, group):
    return {"kind": kind, "pictures": [report.name(one) for one in group]}
