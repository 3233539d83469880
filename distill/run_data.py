"""The pictures of a training run: what it draws pairs from, and what it is validated with."""

from tqdm import tqdm

from distill.data import PixelCache, split_pictures, train_and_val
from distill.degrade import RECIPES
from distill.pair_cache import PairCache
from distill.pairs import DrawnPairs, PairDataset, PreparedPairs
from distill.split_file import read_split
from distill.validate import prepare, recipes_of

_SEEN = 20  # training pictures at the most that are measured beside validation's, to see over-fitting


class RunData:
    """Everything that a run reads from the disk.

    pictures: PixelCache of the training pictures. pairs: PairDataset over them. val: recipe -> prepared pairs.
    seen: prepared pairs of a few training pictures. sha256: of each split. Raises BadData.
    """

    def __init__(self, settings, cache, is_main=True):
        if settings.split is None:
            train_files, val_files = train_and_val(settings.data, seed=settings.seed)
        else:
            train_files, val_files = read_split(settings.split, settings.data)
        self.pictures = PixelCache(train_files, cache)
        val_files = _some(val_files, settings.val_pictures, settings.seed)
        val = PixelCache(val_files, cache)
        seen = PixelCache(_some(self.pictures.files, min(_SEEN, settings.val_pictures), settings.seed), cache)
        self.sha256 = {"train": self.pictures.hash, "val": val.hash}
        if is_main:
            for path in (*self.pictures.skipped, *val.skipped):
                tqdm.write(f"left out, damaged or too small: {path}")
            tqdm.write(f"{len(self.pictures)} pictures to train on, {len(val)} to validate with after every epoch")
        recipes = recipes_of(settings.recipe)
        shares = {recipes[0]: 1.0}
        if settings.recipe == "both":
            shares = {"report": 1 - settings.call_share, "call": settings.call_share}
        sources = [(share, self._source(recipe, settings, cache)) for recipe, share in shares.items() if share]
        self.pairs = PairDataset(sources, len(self.pictures), settings.crop, settings.seed, settings.clean_share)
        self.val = {recipe: prepare(val, recipe) for recipe in recipes} if is_main else {}
        self.seen = prepare(seen, recipes[0]) if is_main else []

    def _source(self, recipe, settings, cache):
        if recipe == "call":  # its video encoders are too slow for a training step
            prepared = PairCache(self.pictures, recipe, settings.call_versions, cache, settings.seed)
            return PreparedPairs(self.pictures, prepared)
        return DrawnPairs(self.pictures, RECIPES[recipe])


def _some(files, count, seed):
    """At the most `count` of them, the same share of each category."""
    if len(files) <= count:
        return files
    return split_pictures(files, count / len(files), seed)[1] or files[:count]
