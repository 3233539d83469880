"""The examples of the README and its guide, run as they stand on real pictures in a new folder."""

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageFilter
from skimage import data

from engine import Sharpener
from engine.degradation import TYPICAL
from tests.engine.video.clips import make_clip, moving

ROOT = Path(__file__).resolve().parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "guide").glob("*.md"))]
README = "\n".join(path.read_text(encoding="utf-8") for path in PAGES)
PROGRAMS = re.findall(r"```python\n(.*?)```", README, flags=re.DOTALL)


@pytest.fixture
def folder(tmp_path):
    """A user's folder with photo.jpg and scans/."""
    soft = Image.fromarray(data.chelsea()).filter(ImageFilter.GaussianBlur(1.5))  # a sharp one would stay as it is
    soft.save(tmp_path / "photo.jpg")
    (tmp_path / "scans" / "more").mkdir(parents=True)
    Image.fromarray(data.page()).save(tmp_path / "scans" / "page.png")
    Image.fromarray(data.coffee()).save(tmp_path / "scans" / "more" / "coffee.webp")
    make_clip(tmp_path / "clip.mp4", moving(5), sound=True)
    return tmp_path


def run(words, folder):
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    return subprocess.run(words, cwd=folder, env=environment, capture_output=True, text=True, check=True)


def test_the_lines_of_python_sharpen_a_picture(folder):
    program = next(text for text in PROGRAMS if "engine" in text)
    run([sys.executable, "-c", program], folder)
    with Image.open(folder / "photo-sharp.png") as sharp, Image.open(folder / "photo.jpg") as photo:
        assert sharp.size == photo.size and sharp.tobytes() != photo.tobytes()


def test_the_lines_without_whetstone_sharpen_alike(folder):
    for command in re.findall(r"^python launch\.py (export .*)$", README, flags=re.MULTILINE):
        run([sys.executable, ROOT / "launch.py", *shlex.split(command, comments=True)], folder)
    program = next(text for text in PROGRAMS if "nano.onnx" in text)
    run([sys.executable, "-c", f"import sys; sys.modules['engine'] = None\n{program}"], folder)
    with Image.open(folder / "photo.jpg") as photo, Image.open(folder / "photo-onnx.png") as sharp:
        pixels, found = np.asarray(photo.convert("RGB")), np.asarray(sharp).astype(int)
    with Sharpener("nano", degradation=TYPICAL, precision="float32") as sharpener:
        expected = sharpener(pixels)
    # the residual is rounded by the engine before it is added, luma by OpenCV in integers
    assert np.abs(found - expected).max() <= 2 and np.mean(found != expected) < 0.05
    assert np.mean(expected != pixels) > 0.3 and (folder / "sharp-estimator.onnx").is_file()


def test_the_sharpen_commands_write_what_the_readme_says(folder):
    found = re.findall(r"^python launch\.py (sharpen .*)$", README, flags=re.MULTILINE)
    commands = {tuple(shlex.split(command, comments=True)) for command in found}  # a page may show another's again
    assert len(commands) >= 2
    for words in sorted(commands):
        run([sys.executable, ROOT / "launch.py", *words], folder)
    assert (folder / "photo-sharp.jpg").is_file() and (folder / "clip-sharp.mp4").is_file()
    assert (folder / "sharp" / "page.png").is_file() and (folder / "sharp" / "more" / "coffee.webp").is_file()


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.name)
def test_every_file_that_a_page_shows_is_there(page):
    for target in re.findall(r"\]\(([^)#:]+)\)", page.read_text(encoding="utf-8")):
        assert (page.parent / target).exists(), target


def test_the_readme_leads_to_every_page_of_the_guide():
    readme = PAGES[0].read_text(encoding="utf-8")
    assert all(f"](guide/{page.name})" in readme for page in PAGES[1:]) and len(PAGES) > 5
