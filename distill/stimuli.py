"""The stimuli of a blind study: each picture in each condition, without loss, under names and sizes that tell nothing.

OUT/stimuli/ID.png   one picture or clip in one condition; of one picture all files have as many bytes
OUT/manifest.json    what each is, and what made them

Pictures are degraded and restored whole, as an evaluation does it, and then cut to the same middle part. A clip is
degraded alike in all its frames, a student measures its first one, and it is a PNG that plays (APNG).
"""

import hashlib
import json
import re
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import cv2
import numpy as np
from tqdm import tqdm

from distill.cas import cas
from distill.clips import SUFFIXES as CLIP_SUFFIXES
from distill.clips import find_clips, read_clip
from distill.codecs import jpeg
from distill.data import SMALLEST_SIDE, data_hash, find_pictures, read_rgb, walk_pictures
from distill.degrade import RECIPES, degradation_named
from distill.padded_png import padded, plain_png
from distill.unsharp import unsharp
from engine.atomic_write import write_atomically, writing_into
from engine.cards import model_names
from engine.errors import BadData, BadImage, BadSetting, BadVideo
from engine.provenance import provenance
from engine.sharpener import Sharpener

CLEAN, ANCHOR, DEGRADED = "clean", "anchor", "degraded"
# Tuned on validation pictures: "tuning" in assets/results/evaluate-report and evaluate-call/results.json.
CLASSICAL = {
    "unsharp": {
        "report": partial(unsharp, amount=3, sigma=1.2),
        "call": partial(unsharp, amount=0.1, sigma=0.6),
    },
    "cas": {"report": partial(cas, strength=0.95), "call": partial(cas, strength=0)},
}


@dataclass(frozen=True)
class StimulusSettings:
    """conditions: "clean", "degraded", names of CLASSICAL, shipped students, or "name=path of a card".

    size: (height, width), the most of a picture that is shown. pictures: how many of the folder's
    pictures and clips, None for all.
    """

    conditions: tuple[str, ...]
    recipe: str = "report"
    size: tuple[int, int] = (480, 608)  # two side by side on a screen of 1280x720, with the page around them
    pictures: int | None = None
    seed: int = 0
    clip_s: float = 2.0  # of a video


def render_stimuli(sources, out, settings, command=""):
    """Write the stimuli of a folder of clean pictures; returns the manifest, which lies in OUT/manifest.json too.

    Damaged pictures and those under SMALLEST_SIDE are named in its `left_out`. Every picture is there as CLEAN and as
    ANCHOR as well, whatever the conditions. Raises BadSetting, BadData, UnknownModel, BadCard, BadOutput.
    """
    out = Path(out)
    restorers = open_conditions(settings.conditions, settings.recipe)
    names = tuple(restorers)
    try:
        files = _chosen(_sources(sources, settings), settings)
        _check_names(files)
        stimuli, left_out = [], []
        with writing_into(out):
            (out / "stimuli").mkdir(parents=True, exist_ok=True)
            for file in tqdm(files, desc="stimuli", unit="picture"):
                try:
                    frames, frame_ms = _read(file.path, settings)
                except (BadImage, BadVideo) as error:
                    left_out.append(str(error))
                    continue
                if min(frames[0].shape[:2]) < SMALLEST_SIDE:
                    left_out.append(f"{file.path}: under {SMALLEST_SIDE} pixels a side")
                    continue
                stimuli += _write_one(file, Path(sources), frames, frame_ms, restorers, out, settings)
            if not stimuli:
                raise BadData(f"none of the pictures of {sources} can be used: {left_out[0]}")
            manifest = provenance(command) | {
                "recipe": settings.recipe,
                "seed": settings.seed,
                "conditions": names,
                "weights_sha256": {name: one.weights for name, one in restorers.items() if one.weights},
                "data_sha256": data_hash(files),
                "left_out": left_out,
                "stimuli": stimuli,
            }
            write_atomically(out / "manifest.json", (json.dumps(manifest, indent=1) + "\n").encode(), overwrite=True)
        return manifest
    finally:
        for one in restorers.values():
            one.close()


@dataclass(frozen=True)
class Restorer:
    """A condition: restore(degraded frames) -> restored frames; None for clean ones. weights: hash of a student's."""

    restore: object
    weights: str = ""
    close: object = lambda: None


def open_conditions(conditions, recipe):
    """{name: Restorer} of the words of --conditions. Raises BadSetting, UnknownModel, BadCard."""
    if recipe not in RECIPES:
        raise BadSetting(f"recipe {recipe!r} is not one of {', '.join(RECIPES)}")
    for name in CLASSICAL:
        if name in conditions and recipe not in CLASSICAL[name]:
            raise BadSetting(
                f"{name!r} is not tuned for recipe {recipe!r}: leave it out, or add what `evaluate --model {name} "
                "--tune-on DIR` finds to CLASSICAL in distill/stimuli.py"
            )
    known = [CLEAN, DEGRADED, *CLASSICAL, *model_names()]
    found, cards = {}, {}
    for word in conditions:
        name, _, card = word.partition("=")
        if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,39}", name) or name == ANCHOR or name in found:
            raise BadSetting(
                f"condition {word!r}: each needs a name of its own of letters, digits, '_', '.', '-', not {ANCHOR!r}"
            )
        if not card and name not in known:
            raise BadSetting(
                f"condition {name!r} is not one of {', '.join(known)}; a student without shipped weights, such as the "
                f"report's, is given by its card: {name}=path/to/card.json"
            )
        if card and name in (CLEAN, DEGRADED, *CLASSICAL):
            raise BadSetting(f"condition {word!r}: {name} is no student; give the card another name")
        found[name] = None
        cards[name] = card
    return {name: _restorer(name, cards[name], recipe) for name in found}


def _restorer(name, card, recipe):
    if name == CLEAN and not card:
        return Restorer(None)
    if name == DEGRADED:
        return Restorer(lambda frames: frames)
    if name in CLASSICAL:
        return Restorer(lambda frames: [CLASSICAL[name][recipe](frame) for frame in frames])
    sharpener = Sharpener(card or name)

    def sharpen(frames):
        measured = None if sharpener.blind else sharpener.measure(frames[0])
        return [sharpener(frame, degradation=measured) for frame in frames]

    return Restorer(sharpen, sharpener.card.weights_sha256, sharpener.close)


def anchor(clean):
    """Worse than any condition: strongly blurred and coded. clean: (H, W, 3) uint8 RGB; returns the same."""
    return jpeg(cv2.GaussianBlur(clean, (0, 0), 5), 10)


def middle(pixels, size):
    """The middle part of a picture, at most `size` (height, width)."""
    height, width = (min(have, most) for have, most in zip(pixels.shape[:2], size))
    top, left = (pixels.shape[0] - height) // 2, (pixels.shape[1] - width) // 2
    return np.ascontiguousarray(pixels[top : top + height, left : left + width])


def _sources(folder, settings):
    """Its pictures and clips. Raises BadData, BadSetting."""
    if not 0 < settings.clip_s <= 20:
        raise BadSetting(f"--clip-seconds must be above 0 and at most 20, not {settings.clip_s:g}")
    clips = find_clips(folder)
    if clips and settings.recipe != "report":
        raise BadSetting(f"{clips[0].path} is a clip; recipe {settings.recipe} degrades pictures alone")
    if clips and not walk_pictures(folder)[0]:
        return clips
    return sorted([*find_pictures(folder), *clips], key=lambda file: file.path)


def _read(path, settings):
    """(frames, milliseconds of one) of a picture or clip. Raises BadImage, BadVideo."""
    if path.suffix.lower() in CLIP_SUFFIXES:
        return read_clip(path, settings.clip_s)
    return [read_rgb(path)], 0


def _chosen(files, settings):
    """`pictures` of the files, the same share of each category, drawn by the seed."""
    if settings.pictures is None or settings.pictures >= len(files):
        return files
    if settings.pictures < 2:
        raise BadSetting(f"--pictures must be 2 or more, not {settings.pictures}")
    rng = np.random.default_rng(settings.seed)
    by_category = {}
    for file in files:
        by_category.setdefault(file.category, []).append(file)
    queues = [[members[place] for place in rng.permutation(len(members))] for members in by_category.values()]
    turns = [queue[turn] for turn in range(max(map(len, queues))) for queue in queues if turn < len(queue)]
    return sorted(turns[: settings.pictures], key=lambda file: file.path)


def _check_names(files):
    seen = {}
    for file in files:
        if file.path.stem in seen:
            raise BadData(
                f"{file.path} and {seen[file.path.stem]} have the same name; rename one: a picture's degradation is "
                "drawn from its name"
            )
        seen[file.path.stem] = file.path


def _write_one(file, sources, clean, frame_ms, restorers, out, settings):
    """Every condition of one picture as files of one size; returns their lines of the manifest. clean: its frames."""
    stem = file.path.stem
    degradation = degradation_named(stem, settings.recipe)
    degraded = [degradation.apply(frame) for frame in clean]
    coded = {}
    for name, one in {**restorers, CLEAN: Restorer(None), ANCHOR: None}.items():
        if name == ANCHOR:
            frames = map(anchor, clean)
        else:
            frames = clean if one.restore is None else one.restore(degraded)
        coded[name] = plain_png([middle(frame, settings.size) for frame in frames], frame_ms)
    largest = max(map(len, coded.values()))
    height, width = middle(clean[0], settings.size).shape[:2]
    category = "" if file.path.parent == sources else file.category
    lines = []
    for name, data in coded.items():
        opaque = hashlib.sha256(f"{settings.seed}/{stem}/{name}".encode()).hexdigest()[:16]
        write_atomically(out / "stimuli" / f"{opaque}.png", padded(data, largest, opaque), overwrite=True)
        lines.append(
            {
                "stimulus": opaque,
                "file": f"stimuli/{opaque}.png",
                "content": stem,
                "category": category,
                "condition": name,
                "height": height,
                "width": width,
            }
        )
    return lines
