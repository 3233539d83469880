"""Laws of the training data: finding, splitting, caching and cropping."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from distill.data import (
    PictureFile,
    PixelCache,
    data_hash,
    find_pictures,
    split_pictures,
    train_and_val,
)
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
