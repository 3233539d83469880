"""Laws of writing: a result appears whole or not at all, beside what is there, and never in place of what was read."""

import os
import shutil
import stat
import subprocess
import threading
from pathlib import Path

import numpy as np
import pytest

from engine.atomic_write import write_atomically
from engine.errors import BadOutput
from engine.images import Picture, convert_picture, read_picture, write_picture
from tests.engine.picture_files import exif_block, latitude_bytes, photo, saved

PICTURE = Picture(photo(), "PNG")


def refused(function, *words):
    with pytest.raises(BadOutput) as caught:
        function()
    message = str(caught.value)
    assert "\n" not in message
    for word in words:
        assert word in message, message


def names(folder):
    return sorted(path.name for path in folder.iterdir())


@pytest.fixture
def small_disk(tmp_path):
    """A file system of 256 KB of its own."""
    disk = tmp_path / "small disk"
    disk.mkdir()
    if not shutil.which("mount") or os.name == "nt" or os.geteuid() != 0:
        pytest.skip("needs root, to mount a small file system")
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", disk], capture_output=True, text=True)
    if mounted.returncode:
        pytest.skip(f"a small file system cannot be mounted here: {mounted.stderr.strip()}")
    yield disk
    subprocess.run(["umount", disk], check=True)


def test_a_written_picture_is_read_again_and_nothing_else_is_left(tmp_path):
    path = tmp_path / "Stra\u00dfe am Fluss \u6cb3.png"
    write_picture(PICTURE, path)
    np.testing.assert_array_equal(read_picture(path).pixels, PICTURE.pixels)
    assert names(tmp_path) == [path.name]


@pytest.mark.skipif(os.name == "nt", reason="permissions are those of POSIX")
@pytest.mark.parametrize("mask, mode", [(0o022, 0o644), (0o077, 0o600), (0o002, 0o664)])
def test_a_new_file_has_the_permissions_of_the_umask(tmp_path, mask, mode):
    before = os.umask(mask)
    try:
        write_picture(PICTURE, tmp_path / "a.png")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "a.png").stat().st_mode) == mode


@pytest.mark.skipif(os.name == "nt", reason="permissions are those of POSIX")
def test_a_private_file_stays_private_when_it_is_replaced(tmp_path):
    path = tmp_path / "private.png"
    path.write_bytes(b"old")
    path.chmod(0o600)
    write_picture(PICTURE, path, overwrite=True)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600 and path.read_bytes() != b"old"


def test_what_is_there_stays_without_overwrite(tmp_path):
    path = tmp_path / "there.png"
    path.write_bytes(b"precious")
    refused(lambda: write_picture(PICTURE, path), "there.png exists already", "--overwrite")
    assert path.read_bytes() == b"precious" and names(tmp_path) == ["there.png"]
    write_picture(PICTURE, path, overwrite=True)
    np.testing.assert_array_equal(read_picture(path).pixels, PICTURE.pixels)


def test_a_dangling_link_counts_as_something_there(tmp_path):
    link = tmp_path / "link.png"
    link.symlink_to(tmp_path / "nowhere.png")
    refused(lambda: write_picture(PICTURE, link), "exists already")
    assert not (tmp_path / "nowhere.png").exists()


@pytest.mark.parametrize("how", ["same name", "symbolic link", "hard link", "through a linked folder", "dots"])
def test_the_picture_that_was_read_is_never_overwritten(tmp_path, how):
    folder = tmp_path / "photos"
    folder.mkdir()
    source = folder / "a.png"
    original = saved(photo(seed=4), "PNG")
    source.write_bytes(original)
    target = {"same name": source, "dots": folder / ".." / "photos" / "a.png"}.get(how, tmp_path / "other.png")
    if how == "symbolic link":
        target.symlink_to(source)
    elif how == "hard link":
        os.link(source, target)
    elif how == "through a linked folder":
        (tmp_path / "album").symlink_to(folder)
        target = tmp_path / "album" / "a.png"
    picture = read_picture(source)
    refused(lambda: write_picture(picture, target, overwrite=True), "never overwritten")
    assert source.read_bytes() == original and target.read_bytes() == original


def test_overwriting_a_link_replaces_the_link_and_not_what_it_leads_to(tmp_path):
    elsewhere = tmp_path / "elsewhere.png"
    elsewhere.write_bytes(b"somebody else's")
    link = tmp_path / "link.png"
    link.symlink_to(elsewhere)
    write_picture(PICTURE, link, overwrite=True)
    assert elsewhere.read_bytes() == b"somebody else's" and not link.is_symlink()


def test_a_missing_folder_is_named_and_not_made(tmp_path):
    refused(
        lambda: write_picture(PICTURE, tmp_path / "new" / "deep" / "a.png"), "deep does not exist", "create it first"
    )
    assert names(tmp_path) == []
    refused(lambda: write_picture(PICTURE, tmp_path), "is a folder")
    (tmp_path / "file").touch()
    refused(lambda: write_picture(PICTURE, tmp_path / "file" / "a.png"), "does not exist")
    refused(lambda: write_picture(PICTURE, tmp_path / ("a" * 300 + ".png")), "too long")


def test_a_full_disk_leaves_nothing_half_written_and_what_was_there(small_disk):
    (small_disk / "filler").write_bytes(bytes(230_000))
    old = small_disk / "old.png"
    old.write_bytes(b"old")
    noise = Picture(np.random.default_rng(0).integers(0, 256, (200, 200, 3), dtype=np.uint8), "PNG")  # 120 KB as PNG
    refused(lambda: write_picture(noise, small_disk / "new.png"), "full", "0.1 MB", "free some space")
    refused(lambda: write_picture(noise, old, overwrite=True), "full")
    assert names(small_disk) == ["filler", "old.png"] and old.read_bytes() == b"old"


def test_a_read_only_disk_is_named(small_disk):
    subprocess.run(["mount", "-o", "remount,ro", small_disk], check=True)
    refused(lambda: write_picture(PICTURE, small_disk / "a.png"), "small disk cannot be written to")


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="root may write everywhere")
def test_a_read_only_folder_is_named(tmp_path):
    tmp_path.chmod(0o555)
    refused(lambda: write_picture(PICTURE, tmp_path / "a.png"), "cannot be written to")


def test_of_many_writers_without_overwrite_one_wins_with_a_whole_file(tmp_path):
    path, errors = tmp_path / "one.bin", []
    contents = [bytes([number]) * 300_000 for number in range(12)]

    def write(data):
        try:
            write_atomically(path, data)
        except BadOutput as error:
            errors.append(error)

    threads = [threading.Thread(target=write, args=(data,)) for data in contents]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(errors) == 11 and path.read_bytes() in contents and names(tmp_path) == ["one.bin"]


def test_an_interrupted_write_leaves_nothing(tmp_path, monkeypatch):
    def interrupted(_):
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "fsync", interrupted)
    with pytest.raises(KeyboardInterrupt):
        write_atomically(tmp_path / "a.png", b"data")
    assert names(tmp_path) == []


def test_a_picture_too_large_for_its_format_is_refused_with_another(tmp_path):
    wide = Picture(np.zeros((1, 20_000, 3), np.uint8), "PNG")
    refused(lambda: write_picture(convert_picture(wide, "WEBP"), tmp_path / "a.webp"), "16383", "choose PNG")
    assert names(tmp_path) == []


def test_gps_is_left_out_of_the_file_on_wish(tmp_path):
    source = tmp_path / "a.jpg"
    source.write_bytes(saved(photo(), "JPEG", exif=b"Exif\0\0" + exif_block()))
    write_picture(read_picture(source), tmp_path / "b.jpg", keep_gps=False)
    assert (
        latitude_bytes("<") in source.read_bytes() and latitude_bytes("<") not in Path(tmp_path / "b.jpg").read_bytes()
    )
