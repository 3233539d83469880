"""Laws of the check of a data folder and of split files: what is wrong is named, what is fine is not, a split holds."""

import json
import os
import re
import time
from itertools import combinations
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from skimage import data

import launch
from distill.data import PictureFile, find_pictures, walk_pictures
from distill.data_check import TOO_SOFT, check_pictures, sharpness
from distill.lookalikes import alike, fingerprint, groups
from distill.split_file import draw_split, read_split, write_split
from engine.errors import BadData, BadOutput
from tests.distill.pictures import write_pictures

SHARED = Path(__file__).resolve().parents[3] / "shared" / "data" / "train"
needs_shared = pytest.mark.skipif(not SHARED.is_dir(), reason="../shared/data is not beside the checkout")


def luma(pixels):
    return cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY) if pixels.ndim == 3 else pixels


def save(path, pixels, **options):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.ascontiguousarray(pixels)).save(path, **options)
    return path


def kinds(report):
    return {kind: sorted(report.name(one) for one in group) for kind, group in report.duplicates}


@pytest.fixture
def clean_folder(tmp_path):
    folder = tmp_path / "pictures"
    for index, pixels in enumerate((data.chelsea(), data.astronaut(), data.coffee(), data.rocket(), data.page())):
        save(folder / ("texts" if pixels.ndim == 2 else "photos") / f"{index}.png", pixels)
    return folder


def test_a_folder_without_faults_has_no_findings(clean_folder):
    found = check_pictures(clean_folder).as_dict()
    assert found["pictures"] == 5 and found["categories"] == {"photos": 4, "texts": 1}
    assert found["sizes"]["451x300"] == 1  # chelsea, width x height
    assert {name: value for name, value in found.items() if name not in ("pictures", "categories", "sizes")} == {
        "damaged": [], "not_looked_into": [], "too_small": [], "too_soft": [], "duplicates": [], "in_several_parts": []
    }  # fmt: skip


def test_damaged_small_and_soft_pictures_are_named(clean_folder):
    whole = (clean_folder / "photos" / "0.png").read_bytes()
    (clean_folder / "photos" / "cut.png").write_bytes(whole[: len(whole) // 2])
    (clean_folder / "photos" / "empty.jpg").write_bytes(b"")
    (clean_folder / "photos" / "text.jpg").write_text("no picture")
    save(clean_folder / "narrow.png", data.camera()[:63, :200])
    save(clean_folder / "tiny.png", data.camera()[:1, :1])
    save(clean_folder / "enough.png", data.camera()[200:264, 200:264])
    save(clean_folder / "soft.png", cv2.GaussianBlur(data.immunohistochemistry(), (0, 0), 1.5))
    save(clean_folder / "blank.png", np.full((80, 80), 7, np.uint8))
    found = check_pictures(clean_folder).as_dict()
    assert [entry["picture"] for entry in found["damaged"]] == ["photos/cut.png", "photos/empty.jpg", "photos/text.jpg"]
    assert [entry["picture"] for entry in found["too_small"]] == ["narrow.png", "tiny.png"]
    assert [entry["picture"] for entry in found["too_soft"]] == ["blank.png", "soft.png"]
    assert not any("\n" in entry["why"] or "photos" in entry["why"] for entry in found["damaged"])


@pytest.mark.parametrize("sigma", [1.0, 1.5, 2.5])  # the mildest to the strongest of the report
@pytest.mark.parametrize("name", ["chelsea", "astronaut", "coffee", "rocket", "camera", "page", "coins", "text"])
def test_a_blurred_copy_is_less_sharp_by_half_whatever_it_shows(name, sigma):
    pixels = luma(getattr(data, name)())
    assert sharpness(cv2.GaussianBlur(pixels, (9, 9), sigma)) < 0.5 * sharpness(pixels)


def test_sharpness_does_not_depend_on_contrast_or_on_how_the_strips_fall():
    pixels = luma(data.astronaut())
    assert sharpness((pixels // 4 + 90).astype(np.uint8)) == pytest.approx(sharpness(pixels), rel=0.25)
    tall = np.tile(pixels, (5, 1))  # 2560 rows, three strips; the same blocks five times, but for the seams
    assert sharpness(tall) == pytest.approx(sharpness(pixels), rel=0.05)


@needs_shared
def test_of_the_sharp_pictures_under_1_percent_are_called_soft_and_of_degraded_ones_nearly_all():
    sharp = soft = 0
    files = sorted(SHARED.glob("*/*.jpg"))[3::8]
    for path in files:
        pixels = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)
        half = cv2.resize(cv2.GaussianBlur(pixels, (9, 9), 1.0), None, fx=0.5, fy=0.5, interpolation=cv2.INTER_CUBIC)
        sharp += sharpness(pixels) >= TOO_SOFT
        soft += sharpness(cv2.resize(half, pixels.shape[::-1], interpolation=cv2.INTER_CUBIC)) < TOO_SOFT
    assert len(files) == 100 and sharp >= 99 and soft >= 98


@needs_shared
def test_no_two_of_the_800_training_pictures_are_taken_for_one():
    prints = [fingerprint(cv2.imread(str(path), cv2.IMREAD_REDUCED_GRAYSCALE_2)) for path in SHARED.glob("*/*.jpg")]
    assert len(prints) == 800 and alike(np.stack(prints)) == []


def copies(pixels):
    """What people do to a picture: name -> pixels."""
    height, width = pixels.shape[:2]
    jpeg = cv2.imdecode(cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, 25])[1], cv2.IMREAD_UNCHANGED)
    noise = np.random.default_rng(0).normal(0, 12, pixels.shape)
    return {
        "half": cv2.resize(pixels, (width // 2, height // 2), interpolation=cv2.INTER_AREA),
        "larger": cv2.resize(pixels, (int(1.7 * width), int(1.7 * height)), interpolation=cv2.INTER_CUBIC),
        "recompressed": jpeg,
        "mirrored": pixels[:, ::-1],
        "upside down": pixels[::-1],
        "quarter turn": np.rot90(pixels),
        "half, mirrored, recompressed": cv2.resize(jpeg[:, ::-1], (width // 2, height // 2)),
        "darker": (255 * (pixels / 255) ** 1.3).round().astype(np.uint8),
        "noisy": (pixels + noise).clip(0, 255).astype(np.uint8),
    }


@pytest.mark.parametrize("name", ["chelsea", "astronaut", "rocket", "page", "coins"])
def test_every_copy_of_a_picture_is_alike_and_another_picture_is_not(name):
    pixels = getattr(data, name)()
    versions = [fingerprint(luma(np.ascontiguousarray(copy))) for copy in (pixels, *copies(pixels).values())]
    other = fingerprint(luma(data.coffee()))
    assert set(alike(np.stack([*versions, other]))) >= {(0, index) for index in range(1, len(versions))}
    assert all(len(versions) not in pair for pair in alike(np.stack([*versions, other])))


def test_flat_pictures_are_alike_only_when_they_are_equal(tmp_path):
    for index, level in enumerate((10, 10, 200)):
        save(tmp_path / f"{index}.png", np.full((70, 70), level, np.uint8), compress_level=index)
    assert kinds(check_pictures(tmp_path)) == {"same pixels": ["0.png", "1.png"]}


def test_duplicates_are_grouped_by_what_they_share(tmp_path):
    cat, cup = data.chelsea(), data.coffee()
    save(tmp_path / "a" / "cup.png", cup)
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "cup.png").write_bytes((tmp_path / "a" / "cup.png").read_bytes())
    save(tmp_path / "a" / "rocket.png", data.rocket())
    save(tmp_path / "b" / "rocket.bmp", data.rocket())
    save(tmp_path / "a" / "cat.png", cat)
    save(tmp_path / "b" / "cat.jpg", cat[:, ::-1], quality=60)
    save(tmp_path / "b" / "cat-small.png", cv2.resize(cat, (200, 130), interpolation=cv2.INTER_AREA))
    save(tmp_path / "b" / "astronaut.png", data.astronaut())
    assert kinds(check_pictures(tmp_path)) == {
        "same file": ["a/cup.png", "b/cup.png"],
        "same pixels": ["a/rocket.png", "b/rocket.bmp"],
        "same view": ["a/cat.png", "b/cat-small.png", "b/cat.jpg"],
    }


def test_pictures_of_train_that_are_in_val_are_named_as_leaks(tmp_path):
    for part, pictures in {"train": (data.chelsea(), data.coffee(), data.coffee()), "val": (data.rocket(),)}.items():
        for index, pixels in enumerate(pictures):
            save(tmp_path / part / "photos" / f"{index}.png", pixels)
    save(tmp_path / "val" / "photos" / "leak.jpg", data.chelsea()[:, ::-1])
    report = check_pictures(tmp_path)
    assert [sorted(report.name(one) for one in group) for _, group in report.leaks] == [
        ["train/photos/0.png", "val/photos/leak.jpg"]
    ]
    assert len(report.duplicates) == 2
    assert report.as_dict()["categories"] == {"train/photos": 3, "val/photos": 2}


@given(st.lists(st.tuples(st.integers(0, 11), st.integers(0, 11)), max_size=12))
def test_groups_are_the_connected_parts(pairs):
    found = groups(12, pairs)
    together = {frozenset(pair) for group in found for pair in combinations(group, 2)}
    reached = {(one, other) for one, other in pairs} | {(other, one) for one, other in pairs}
    for _ in range(4):  # the closure, by brute force
        reached |= {(a, d) for a, b in reached for c, d in reached if b == c}
    assert together == {frozenset(pair) for pair in reached if pair[0] != pair[1]}


def test_links_are_followed_once_and_loops_end(clean_folder):
    before = find_pictures(clean_folder)
    (clean_folder / "again").symlink_to(clean_folder)
    (clean_folder / "photos" / "up").symlink_to("..")
    (clean_folder / "self.png").symlink_to("self.png")
    (clean_folder / "nowhere.jpg").symlink_to("gone.jpg")
    assert find_pictures(clean_folder) == before
    closed = [entry["path"] for entry in check_pictures(clean_folder).as_dict()["not_looked_into"]]
    assert sorted(closed) == ["nowhere.jpg", "self.png"]


def test_a_linked_category_is_found_under_its_name_here(clean_folder, tmp_path):
    save(tmp_path / "elsewhere" / "cat.png", data.cat())
    (clean_folder / "animals").symlink_to(tmp_path / "elsewhere")
    assert PictureFile(clean_folder / "animals" / "cat.png", "animals") in find_pictures(clean_folder)


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may read every folder")
def test_a_folder_that_may_not_be_read_is_named(clean_folder):
    (clean_folder / "photos").chmod(0)
    try:
        paths, refused = walk_pictures(clean_folder)
        report = check_pictures(clean_folder)
    finally:
        (clean_folder / "photos").chmod(0o755)
    assert len(paths) == 1 and [Path(error.filename).name for error in refused] == ["photos"]
    assert [path.name for path, _ in report.closed] == ["photos"]


def test_pipes_and_folders_that_are_called_like_pictures_are_no_pictures(clean_folder):
    if hasattr(os, "mkfifo"):
        os.mkfifo(clean_folder / "pipe.png")
    (clean_folder / "folder.jpg").mkdir()
    assert len(find_pictures(clean_folder)) == 5


def test_files_whose_names_are_no_text_are_looked_at(clean_folder, capsys):
    name = os.fsdecode(b"\xff\n.png")
    try:
        save(clean_folder / name, data.coins())
    except OSError:
        pytest.skip("this file system takes only names that are text")
    (clean_folder / "photos" / name).write_bytes(b"broken")
    out = clean_folder.parent / "split.json"
    assert launch.main(["data", "check", str(clean_folder), "--skip-install", "--out", str(out)]) == 0
    assert "photos/??.png: " in capsys.readouterr().out
    assert clean_folder / name in {file.path for side in read_split(out, clean_folder) for file in side}


def test_the_command_prints_findings_and_writes_report_and_split(clean_folder, capsys):
    save(clean_folder / "photos" / "small.png", data.chelsea()[:20])
    out, report = clean_folder.parent / "split.json", clean_folder.parent / "report.json"
    words = ["data", "check", str(clean_folder), "--skip-install", "--out", str(out), "--json", str(report)]
    assert launch.main(words) == 0
    printed = capsys.readouterr().out
    assert (
        re.search(r"photos +5 ", printed) and "photos/small.png: 451 x 20" in printed and "damaged, or no pi" in printed
    )
    assert json.loads(report.read_text())["too_small"] == [{"picture": "photos/small.png", "size": "451x20"}]
    train, val = read_split(out, clean_folder)
    assert len(train) + len(val) == 5 and all(file.path.name != "small.png" for file in train + val)
    started = time.monotonic()
    assert launch.main(words) == 2 and time.monotonic() - started < 1  # before the long part
    assert "exists already" in capsys.readouterr().err
    assert launch.main([*words, "--overwrite"]) == 0


@pytest.mark.parametrize("wrong", [["--val-share", "0"], ["--val-share", "nan"], ["--seed", "-1"]])
def test_a_split_that_cannot_be_is_refused(clean_folder, wrong, capsys):
    assert launch.main(["data", "check", str(clean_folder), "--skip-install", *wrong]) == 2
    assert wrong[0][2:] in capsys.readouterr().err


def test_a_folder_without_pictures_is_refused(tmp_path):
    with pytest.raises(BadData, match="holds no pictures"):
        check_pictures(tmp_path)
    with pytest.raises(BadData, match="there is no folder"):
        check_pictures(tmp_path / "typo")


def test_a_split_comes_back_as_it_was_written_and_repeats(tmp_path):
    folder = write_pictures(tmp_path / "pictures", per_category=6)
    files = find_pictures(folder)
    train, val = draw_split(files, seed=7)
    assert draw_split(files[::-1], seed=7) == (train, val)
    write_split(tmp_path / "split.json", folder, train, val, val_share=0.2, seed=7)
    assert read_split(tmp_path / "split.json", folder) == (
        sorted(train, key=lambda file: file.path), sorted(val, key=lambda file: file.path)
    )  # fmt: skip
    folder.rename(tmp_path / "moved")
    assert len(read_split(tmp_path / "split.json", tmp_path / "moved")[1]) == 3
    with pytest.raises(BadOutput, match="exists already"):
        write_split(tmp_path / "split.json", folder, [], [])


@given(seed=st.integers(0, 50), count=st.integers(6, 40), size=st.integers(2, 4))
def test_pictures_that_are_one_and_the_same_stay_on_one_side(seed, count, size):
    files = [PictureFile(Path(f"c{index % 2}/{index:03}.png"), f"c{index % 2}") for index in range(count)]
    order = np.random.default_rng(seed).permutation(count).tolist()
    twins = [[files[index] for index in order[:size]], [files[order[-1]]], []]
    train, val = draw_split(files, twins, 0.25, seed)
    assert sorted(map(str, train + val)) == sorted(map(str, files))
    assert len({file in train for file in twins[0]}) == 1


def test_a_folder_that_is_split_by_folders_keeps_that_split(tmp_path):
    write_pictures(tmp_path / "data" / "train")
    write_pictures(tmp_path / "data" / "val", per_category=1, first=5)
    out = str(tmp_path / "split.json")
    assert launch.main(["data", "check", str(tmp_path / "data"), "--skip-install", "--out", out]) == 0
    train, val = read_split(out, tmp_path / "data")
    assert len(train) == 9 and {file.path.parts[-3] for file in val} == {"val"}
    assert {file.category for file in val} == {"animals", "people", "text"}


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"\xff", "is no JSON"),
        (b"[" * 100_000, "is no JSON"),
        ("[]", "is no split"),
        ({"train": {}}, "is no split"),
        ({"version": 2}, "version 2, this is version 1"),
        ({"train": {"a": "x.png"}}, "'train' must hold lists of paths"),
        ({"train": ["x.png"]}, "'train' must hold lists of paths"),
        ({"val": {"a": [3]}}, "'val' must hold lists of paths"),
        ({"val": {"a": []}}, "leaves 'val' empty"),
        ({"val": {"a": ["../x.png"]}}, "not a path below the folder"),
        ({"val": {"a": ["/etc/passwd"]}}, "not a path below the folder"),
        ({"val": {"a": [""]}}, "not a path below the folder"),
        ({"val": {"a": ["x.png"]}}, "names 'x.png' twice"),
        ({"val": {"a": ["gone.png"]}}, "1 of the 2 pictures that .*gone.png"),
    ],
)
def test_a_split_file_that_is_none_is_refused_by_name(tmp_path, content, said):
    save(tmp_path / "x.png", data.camera())
    save(tmp_path / "y.png", data.coins())
    if isinstance(content, dict) and content != {"train": {}}:
        content = {"version": 1, "train": {"a": ["x.png"]}, "val": {"a": ["y.png"]}} | content
    raw = content if isinstance(content, bytes) else content.encode() if isinstance(content, str) else None
    (tmp_path / "split.json").write_bytes(raw if raw is not None else json.dumps(content).encode())
    with pytest.raises(BadData, match=said) as caught:
        read_split(tmp_path / "split.json", tmp_path)
    assert "split.json" in str(caught.value) and "\n" not in str(caught.value)


def test_a_split_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(BadData, match=r"split.json cannot be read"):
        read_split(tmp_path / "split.json", tmp_path)


def test_a_split_makes_the_folder_that_it_is_written_into(tmp_path):
    folder = write_pictures(tmp_path / "pictures")
    files = find_pictures(folder)
    write_split(tmp_path / "new" / "deep" / "split.json", folder, files[:2], files[2:])
    assert read_split(tmp_path / "new" / "deep" / "split.json", folder) == (files[:2], files[2:])
