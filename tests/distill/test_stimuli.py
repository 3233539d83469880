"""The stimuli of a study: exact pictures under names and sizes that do not tell what they are."""

import io
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from skimage import data

from distill.clips import read_clip
from distill.degrade import RECIPES, degradation_named
from distill.padded_png import padded, plain_png
from distill.stimuli import CLASSICAL, StimulusSettings, anchor, middle, open_conditions, render_stimuli
from engine.errors import BadData, BadSetting, UnknownModel
from engine.sharpener import Sharpener
from tests.engine.video.clips import make_clip, moving

ROOT = Path(__file__).resolve().parents[2]
CONDITIONS = ("degraded", "unsharp", "nano", "clean")


@pytest.fixture
def sources(tmp_path):
    """A large picture of one category, a small one of another, and a file that is none."""
    for category, name, pixels in (("animals", "cat", data.chelsea()), ("things", "cup", data.coffee()[:90, :70])):
        (tmp_path / "in" / category).mkdir(parents=True)
        Image.fromarray(pixels).save(tmp_path / "in" / category / f"{name}.png")
    (tmp_path / "in" / "broken.jpg").write_bytes(b"no picture")
    return tmp_path / "in"


def rendered(sources, out, **settings):
    """(manifest, {(content, condition): pixels}, {content: sizes of its files})."""
    manifest = render_stimuli(sources, out, StimulusSettings(CONDITIONS, size=(96, 128), **settings))
    pixels, sizes = {}, {}
    for one in manifest["stimuli"]:
        with Image.open(out / one["file"]) as picture:
            pixels[one["content"], one["condition"]] = np.asarray(picture)
        sizes.setdefault(one["content"], set()).add((out / one["file"]).stat().st_size)
    return manifest, pixels, sizes


def test_every_condition_is_made_of_the_whole_picture_and_cut_to_the_same_part(sources, tmp_path):
    _, pixels, _ = rendered(sources, tmp_path / "out")
    clean = data.chelsea()
    degraded = degradation_named("cat", "report").apply(clean)
    part = (slice(102, 198), slice(161, 289))  # of 300 x 451
    assert (pixels["cat", "clean"] == clean[part]).all()
    assert (pixels["cat", "degraded"] == degraded[part]).all()
    assert (pixels["cat", "unsharp"] == CLASSICAL["unsharp"]["report"](degraded)[part]).all()
    with Sharpener("nano") as nano:
        assert (pixels["cat", "nano"] == nano(degraded)[part]).all()
    assert (pixels["cat", "anchor"] == anchor(clean)[part]).all()
    assert pixels["cup", "clean"].shape == (90, 70, 3)


def test_names_and_sizes_of_files_tell_nothing(sources, tmp_path):
    manifest, _, sizes = rendered(sources, tmp_path / "out")
    assert all(len(of_one) == 1 for of_one in sizes.values()) and len(sizes) == 2
    names = " ".join(path.name for path in (tmp_path / "out" / "stimuli").iterdir())
    assert not any(word in names for word in (*CONDITIONS, "anchor", "cat", "cup"))
    content = (tmp_path / "out" / manifest["stimuli"][0]["file"]).read_bytes()
    assert b"tEXt" not in content and b"tIME" not in content


def test_a_broken_picture_is_named_and_the_manifest_keeps_what_made_it(sources, tmp_path):
    manifest, _, _ = rendered(sources, tmp_path / "out")
    assert len(manifest["left_out"]) == 1 and "broken.jpg" in manifest["left_out"][0]
    assert {one["category"] for one in manifest["stimuli"]} == {"animals", "things"}
    assert json.loads((tmp_path / "out" / "manifest.json").read_text())["commit"]
    with Sharpener("nano") as nano:
        assert manifest["weights_sha256"] == {"nano": nano.card.weights_sha256}


def test_the_same_seed_writes_the_same_bytes(sources, tmp_path):
    for out in ("one", "two"):
        rendered(sources, tmp_path / out, seed=3)
    one, two = (sorted((tmp_path / out / "stimuli").iterdir()) for out in ("one", "two"))
    assert [path.name for path in one] == [path.name for path in two]
    assert all(path.read_bytes() == other.read_bytes() for path, other in zip(one, two))


def test_a_padded_png_is_the_same_picture_of_any_larger_size():
    pixels = data.chelsea()[:40, :50]
    png = plain_png([pixels])
    for more in (0, 1, 5000):
        longer = padded(png, len(png) + more, "name")
        assert len(longer) == len(png) + more + 12  # a chunk's length, name and checksum
        with Image.open(io.BytesIO(longer)) as picture:
            assert (np.asarray(picture) == pixels).all()


def test_a_clip_is_degraded_alike_in_every_frame_and_plays_in_one_file(tmp_path):
    (tmp_path / "in").mkdir()
    make_clip(tmp_path / "in" / "walk.mp4", moving(12, height=96, width=128))
    manifest, _, sizes = rendered(tmp_path / "in", tmp_path / "out", clip_s=0.2)
    clean, frame_ms = read_clip(tmp_path / "in" / "walk.mp4", 0.2)
    degradation = degradation_named("walk", "report")
    files = {one["condition"]: tmp_path / "out" / one["file"] for one in manifest["stimuli"]}
    for condition, frames in (("clean", clean), ("degraded", [degradation.apply(frame) for frame in clean])):
        with Image.open(files[condition]) as played:
            assert played.n_frames == len(frames) > 3 and played.info["loop"] == 0
            for number, frame in enumerate(frames):
                played.seek(number)
                assert (np.asarray(played.convert("RGB")) == middle(frame, (96, 128))).all()
                assert abs(played.info["duration"] - frame_ms) <= 1
    assert len(sizes["walk"]) == 1


def test_a_clip_with_the_call_recipe_is_refused(tmp_path):
    (tmp_path / "in").mkdir()
    make_clip(tmp_path / "in" / "walk.mp4", moving(3))
    with pytest.raises(BadSetting, match="is a clip"):
        render_stimuli(tmp_path / "in", tmp_path / "out", StimulusSettings(("clean",), recipe="call"))


def test_the_middle_of_a_small_picture_is_the_picture():
    assert middle(np.zeros((3, 5, 3), np.uint8), (480, 608)).shape == (3, 5, 3)


def test_classical_settings_are_those_that_were_tuned():
    for recipe in ("report", "call"):
        results = json.loads((ROOT / "assets" / "results" / f"evaluate-{recipe}" / "results.json").read_text())
        for name, of_recipe in CLASSICAL.items():
            assert of_recipe[recipe].keywords == results["tuning"][name]["settings"]


@pytest.mark.parametrize(
    ("conditions", "error", "word"),
    [
        (("clean", "report"), BadSetting, "report=path/to/card.json"),
        (("clean", "clean"), BadSetting, "name of its own"),
        (("anchor",), BadSetting, "anchor"),
        (("../x",), BadSetting, "letters"),
        (("clean=card.json",), BadSetting, "no student"),
        (("mine=nowhere.json",), UnknownModel, "nowhere.json"),
    ],
)
def test_a_condition_that_cannot_be_is_said(sources, tmp_path, conditions, error, word):
    with pytest.raises(error, match=word):
        render_stimuli(sources, tmp_path / "out", StimulusSettings(conditions))


def test_two_pictures_of_one_name_are_refused(sources, tmp_path):
    Image.fromarray(data.chelsea()).save(sources / "things" / "cat.jpg")
    with pytest.raises(BadData, match="same name"):
        render_stimuli(sources, tmp_path / "out", StimulusSettings(("clean",)))


def test_rendering_with_shipped_students_imports_no_torch(sources, tmp_path):
    program = (
        "import sys\nfrom distill.stimuli import StimulusSettings, render_stimuli\n"
        f"render_stimuli({str(sources)!r}, {str(tmp_path / 'out')!r}, StimulusSettings({CONDITIONS!r}))\n"
        "print(sorted({'torch', 'skimage'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["[]"]


def test_a_classical_method_without_a_setting_for_the_recipe_is_refused(monkeypatch):
    monkeypatch.setitem(RECIPES, "new", RECIPES["report"])
    with pytest.raises(BadSetting, match="'cas' is not tuned for recipe 'new': leave it out"):
        open_conditions(["clean", "cas"], "new")
