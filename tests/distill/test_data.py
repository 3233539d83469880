"""Laws of the training data: finding, splitting, caching and cropping."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from skimage import data

from distill.data import (
    PairDataset,
    PictureFile,
    PixelCache,
    data_hash,
    draw_pair,
    find_pictures,
    split_pictures,
    train_and_val,
)
from distill.degrade import ReportDegradation
from engine.errors import BadData
from tests.distill.pictures import write_pictures


def named(category, count):
    from pathlib import Path

    return [PictureFile(Path(category) / f"{category}_{index}.png", category) for index in range(count)]


@given(counts=st.lists(st.integers(1, 60), min_size=1, max_size=5), seed=st.integers(0, 99))
def test_a_split_is_whole_disjoint_and_stratified(counts, seed):
    files = [file for index, count in enumerate(counts) for file in named(f"c{index}", count)]
    train, val = split_pictures(files, 0.2, seed)
    assert sorted(map(str, [*train, *val])) == sorted(map(str, files))
    for index, count in enumerate(counts):
        share = sum(file.category == f"c{index}" for file in val)
        assert abs(share - 0.2 * count) <= 1 and (count == 1 or 1 <= share < count)
    assert split_pictures(files[::-1], 0.2, seed) == (train, val)


def test_another_seed_splits_otherwise():
    assert split_pictures(named("a", 50), seed=1)[1] != split_pictures(named("a", 50), seed=2)[1]


def test_categories_are_the_folders_and_hidden_files_are_left_alone(tmp_path):
    write_pictures(tmp_path)
    (tmp_path / ".thumbs").mkdir()
    Image.new("RGB", (80, 80)).save(tmp_path / ".thumbs" / "x.png")
    (tmp_path / "notes.txt").write_text("no picture")
    assert [file.category for file in find_pictures(tmp_path)] == ["animals"] * 3 + ["people"] * 3 + ["text"] * 3
    assert {file.category for file in find_pictures(tmp_path / "text")} == {"other"}


def test_a_folder_with_train_and_val_keeps_its_split(tmp_path):
    write_pictures(tmp_path / "train")
    write_pictures(tmp_path / "val", per_category=1)
    train, val = train_and_val(tmp_path)
    assert len(train) == 9 and len(val) == 3


@pytest.mark.parametrize("make", [lambda path: None, lambda path: path.mkdir()])
def test_a_folder_without_pictures_is_named(tmp_path, make):
    make(tmp_path / "none")
    with pytest.raises(BadData, match="none"):
        find_pictures(tmp_path / "none")


def test_the_data_hash_follows_contents_not_places(tmp_path):
    one, other = write_pictures(tmp_path / "one"), write_pictures(tmp_path / "other")
    assert data_hash(find_pictures(one)) == data_hash(find_pictures(other))
    Image.new("RGB", (96, 96), "red").save(other / "text" / "text_0000.png")
    assert data_hash(find_pictures(one)) != data_hash(find_pictures(other))


def test_the_cache_gives_the_pixels_and_names_what_it_left_out(tmp_path):
    folder = write_pictures(tmp_path / "pictures")
    (folder / "text" / "text_0001.png").write_bytes(b"broken")
    Image.new("RGB", (20, 20)).save(folder / "text" / "text_0002.png")
    for _ in range(2):  # made, then found again
        cache = PixelCache(find_pictures(folder), tmp_path / "cache")
        assert len(cache) == 7
        assert [path.name for path in cache.skipped] == ["text_0001.png", "text_0002.png"]
        for index, file in enumerate(cache.files):
            np.testing.assert_array_equal(cache[index], np.asarray(Image.open(file.path)))
    assert not list((tmp_path / "cache").glob("*.part*"))


def test_a_folder_of_broken_pictures_is_refused(tmp_path):
    (tmp_path / "x.png").write_bytes(b"")
    with pytest.raises(BadData, match="none of the 1 pictures"):
        PixelCache(find_pictures(tmp_path), tmp_path / "cache")


@given(seed=st.integers(0, 999))
def test_a_degraded_crop_is_the_crop_of_the_degraded_picture(seed):
    picture = data.astronaut()[:300, :300]
    clean, degraded = draw_pair(picture, ReportDegradation, 64, np.random.default_rng(seed))
    places = [
        (top, left)
        for top in range(0, 237, 2)
        for left in range(0, 237, 2)
        if (picture[top, left] == clean[0, 0]).all() and (picture[top : top + 64, left : left + 64] == clean).all()
    ]
    rng = np.random.default_rng(seed)
    rng.integers(119), rng.integers(119)  # the two offsets are drawn first
    whole = ReportDegradation.sample(rng).apply(picture)
    assert any((whole[top : top + 64, left : left + 64] == degraded).all() for top, left in places)


def test_samples_repeat_and_each_turn_uses_every_picture_once():
    pictures = [np.full((70, 70, 3), 10 * index, np.uint8) for index in range(8)]
    dataset = PairDataset(pictures, ReportDegradation, 32, count=16, seed=5)
    levels = [int(dataset[index][0][0, 0, 0]) // 10 for index in range(16)]
    assert sorted(levels[:8]) == sorted(levels[8:]) == list(range(8)) and levels[:8] != levels[8:]
    going_on = PairDataset(pictures, ReportDegradation, 32, count=16, seed=5, first=6)
    assert len(going_on) == 10
    for one, other in zip(dataset[9], going_on[3], strict=True):
        np.testing.assert_array_equal(one, other)


def test_the_clean_share_stays_sharp():
    pictures = [data.chelsea()]
    for share, low, high in ((0.0, 0, 0), (1.0, 40, 40), (0.5, 8, 32)):
        dataset = PairDataset(pictures, ReportDegradation, 32, count=40, seed=1, clean_share=share)
        assert low <= sum((clean == degraded).all() for clean, degraded in map(dataset.__getitem__, range(40))) <= high


def test_a_picture_smaller_than_the_crop_is_reflected():
    clean, degraded = draw_pair(data.chelsea()[:70, :90], ReportDegradation, 128, np.random.default_rng(0))
    assert clean.shape == degraded.shape == (128, 128, 3)
