"""Laws of the sample pictures: small, readable, soft, each with an origin and a licence in the README beside them."""

import re
from pathlib import Path

import cv2
import numpy as np
import pytest

from engine.images import read_picture

FOLDER = Path(__file__).resolve().parents[2] / "assets" / "samples"
NAMES = ("animal-soft.jpg", "graphics-soft.png", "portrait-soft.jpg", "scene-soft.jpg", "text-soft.png")


@pytest.mark.parametrize("name", NAMES)
def test_a_sample_is_small_and_readable(name):
    path = FOLDER / name
    picture = read_picture(path)
    assert path.stat().st_size < 300_000 and picture.notices == ()
    assert picture.width <= 1280 and picture.height <= 853


@pytest.mark.parametrize("name", NAMES)
def test_a_sample_is_soft(name):
    pixels = read_picture(FOLDER / name).pixels
    grey = cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY) if pixels.ndim == 3 else pixels
    # the share of its contrast that lies in the finest octave: 0.28 for the page before it was softened
    fine = grey - cv2.GaussianBlur(grey.astype(np.float32), (0, 0), 0.7)
    assert fine.std() / grey.std() < 0.1


def test_the_readme_names_the_licence_of_every_sample():
    rows = re.findall(r"^\| `([^`]+)` \|.*\| ([^|]+) \|$", (FOLDER / "README.md").read_text(encoding="utf-8"), re.M)
    assert sorted(name for name, _ in rows) == sorted(NAMES)
    assert all(re.search("Apache-2.0|public domain|CC0", licence) for _, licence in rows)


def test_the_script_writes_the_drawn_samples_anew(tmp_path):
    import importlib.util

    spec = importlib.util.spec_from_file_location("make_samples", FOLDER / "make_samples.py")
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    for name in ("text-soft.png", "graphics-soft.png"):
        make, blur, half, noise = script.SAMPLES[name]
        made = np.asarray(script.softened(make(), blur, half=half, noise=noise)).astype(int)
        # other versions of Pillow or FreeType may place a letter a fraction of a pixel away
        assert np.abs(made - read_picture(FOLDER / name).pixels).mean() < 1
