"""The README's examples, run as they stand on real pictures in a new folder."""

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image, ImageFilter
from skimage import data

from tests.engine.video.clips import make_clip, moving

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")


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
    (program,) = re.findall(r"```python\n(.*?)```", README, flags=re.DOTALL)
    run([sys.executable, "-c", program], folder)
    with Image.open(folder / "photo-sharp.png") as sharp, Image.open(folder / "photo.jpg") as photo:
        assert sharp.size == photo.size and sharp.tobytes() != photo.tobytes()


def test_the_sharpen_commands_write_what_the_readme_says(folder):
    commands = re.findall(r"^python launch\.py (sharpen .*)$", README, flags=re.MULTILINE)
    assert len(commands) >= 2
    for command in commands:
        run([sys.executable, ROOT / "launch.py", *shlex.split(command, comments=True)], folder)
    assert (folder / "photo-sharp.jpg").is_file() and (folder / "clip-sharp.mp4").is_file()
    assert (folder / "sharp" / "page.png").is_file() and (folder / "sharp" / "more" / "coffee.webp").is_file()


def test_every_file_that_the_readme_shows_is_there():
    for target in re.findall(r"\]\(([^)#:]+)\)", README):
        assert (ROOT / target).exists(), target
