"""Laws of `python launch.py sharpen`: what it writes, what it says, and how it ends."""

import argparse
import os
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from engine import Sharpener
from engine.cards import DEFAULT_MODEL, model_names, save_card
from engine.commands import sharpen
from engine.errors import BadImage, BadOutput, BadSetting, UnknownModel
from engine.images import ALL_FORMATS, Picture, convert_picture, encode_picture, read_picture
from engine.students import StudentConfig
from tests.engine.picture_files import exif_block, latitude_bytes, photo, saved
from tests.engine.students_for_tests import mixture_card, random_card

ROOT = Path(__file__).resolve().parents[2]
NANO = ("--model", "nano")

pytestmark = pytest.mark.skipif(
    not {"nano", "small"} <= set(model_names()), reason="needs the shipped students in assets/models"
)


def run(*words):
    """The command inside this process; its exit status."""
    parser = argparse.ArgumentParser()
    sharpen.add_arguments(parser)
    return sharpen.run(parser.parse_args([str(word) for word in words]))


def command(*words):
    """The command line as a user types it."""
    return [sys.executable, str(ROOT / "launch.py"), "sharpen", "--skip-install", *map(str, words)]


def start(*words, **options):
    """The command as a user starts it."""
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True, "encoding": "utf-8"}
    return subprocess.Popen(command(*words), **pipes, **options)


@pytest.fixture
def picture(tmp_path):
    path = tmp_path / "My pictures" / "Stra\u00dfe \u6cb3.png"
    path.parent.mkdir()
    path.write_bytes(saved(photo(90, 120), "PNG"))
    return path


def test_a_picture_is_sharpened_beside_itself_with_two_words(picture, capsys):
    before = picture.read_bytes()
    assert run(picture) == 0
    result = picture.with_name("Stra\u00dfe \u6cb3-sharp.png")
    found = read_picture(result).pixels
    assert found.shape == (90, 120, 3) and (found != photo(90, 120)).any()
    assert picture.read_bytes() == before
    out, err = capsys.readouterr()
    assert str(result) in out and "120 x 90" in out and err == ""


def test_small_is_the_default_model_here_and_everywhere():
    parser = argparse.ArgumentParser()
    sharpen.add_arguments(parser)
    assert parser.parse_args(["x.png"]).model == DEFAULT_MODEL


@pytest.mark.parametrize("format", ALL_FORMATS)
@pytest.mark.parametrize("channels, dtype", [(1, np.uint8), (3, np.uint8), (4, np.uint8), (3, np.uint16)])
def test_strength_0_leaves_every_pixel_where_the_format_loses_none(tmp_path, format, channels, dtype):
    pixels = photo(33, 47, channels, dtype=dtype)
    if format == "WEBP":
        data = saved(convert_picture(Picture(pixels, "PNG"), "WEBP").pixels, "WEBP", lossless=True, exact=True)
    else:
        data = encode_picture(convert_picture(Picture(pixels, "PNG"), format))
    path = tmp_path / "a.img"
    path.write_bytes(data)
    assert run(path, "--strength", "0", *NANO) == 0
    before, after = read_picture(data), read_picture(tmp_path / "a-sharp.img")
    assert after.format == before.format == format and after.pixels.dtype == before.pixels.dtype
    if format != "JPEG":
        np.testing.assert_array_equal(after.pixels, before.pixels)


@pytest.mark.parametrize("strength", ["-0.5", "nan", "inf", "3", "-inf", "2.0001"])
def test_a_strength_outside_0_to_2_is_refused_and_nothing_is_written(picture, strength):
    with pytest.raises(BadSetting, match="0 .* 2"):
        run(picture, f"--strength={strength}")
    assert len(list(picture.parent.iterdir())) == 1


@pytest.mark.parametrize("limit", ["0", "-1", "nan", "inf", "1e-9"])
def test_a_limit_that_is_none_is_refused(picture, limit):
    with pytest.raises(BadSetting, match="max-megapixels"):
        run(picture, "--max-megapixels", limit)


@pytest.mark.parametrize("words", [("",), ("a.png", ""), (".", "")])
def test_an_empty_word_is_not_taken_for_the_current_folder(picture, monkeypatch, words):
    monkeypatch.chdir(picture.parent)
    with pytest.raises(BadSetting, match="must not be empty"):
        run(*words)
    assert len(list(picture.parent.iterdir())) == 1


def test_an_unknown_model_is_answered_with_those_there_are(picture):
    with pytest.raises(UnknownModel, match="nano, small"):
        run(picture, "--model", "enormous")


def test_the_limit_of_megapixels_can_be_moved(picture):
    with pytest.raises(BadImage, match="120 x 90 pixels .* 0.01 megapixels"):
        run(picture, "--max-megapixels", "0.01", *NANO)
    assert run(picture, "--max-megapixels", "0.0108", *NANO) == 0


def test_out_with_another_ending_converts_and_says_what_is_lost(tmp_path, capsys):
    path = tmp_path / "a.png"
    path.write_bytes(encode_picture(Picture(photo(30, 40, 4, dtype=np.uint16), "PNG")))
    assert run(path, tmp_path / "b.jpg", *NANO) == 0
    assert (tmp_path / "b.jpg").read_bytes()[:3] == b"\xff\xd8\xff"
    err = capsys.readouterr().err
    assert "16 bits" in err and "white" in err and "Traceback" not in err


def test_the_place_of_exposure_stays_unless_it_is_to_go(tmp_path):
    path = tmp_path / "a.jpg"
    path.write_bytes(saved(photo(30, 40), "JPEG", exif=b"Exif\0\0" + exif_block()))
    assert run(path, tmp_path / "with.jpg", *NANO) == 0
    assert run(path, tmp_path / "without.jpg", "--strip-gps", *NANO) == 0
    assert latitude_bytes("<") in (tmp_path / "with.jpg").read_bytes()
    assert latitude_bytes("<") not in (tmp_path / "without.jpg").read_bytes()


def test_a_result_that_exists_is_replaced_only_on_wish(picture):
    assert run(picture, *NANO) == 0
    result = picture.with_name(picture.stem + "-sharp.png")
    result.write_bytes(b"precious")
    with pytest.raises(BadOutput, match="exists already"):
        run(picture, *NANO)
    assert result.read_bytes() == b"precious"
    assert run(picture, "--overwrite", *NANO) == 0 and result.read_bytes() != b"precious"


def folder_of_ten(tmp_path, broken=()):
    folder = tmp_path / "ten"
    (folder / "sub").mkdir(parents=True)
    for number in range(10):
        data = saved(photo(40, 50, seed=number), "PNG")
        (folder / ("sub" if number % 2 else ".") / f"{number}.png").write_bytes(
            data[:200] if number in broken else data
        )
    return folder


def test_of_ten_pictures_with_a_broken_one_nine_are_done_and_one_is_named_at_the_end(tmp_path, capsys):
    folder = folder_of_ten(tmp_path, broken=(3,))
    assert run(folder, *NANO) == 2
    results = sorted(path.name for path in (tmp_path / "ten-sharp").rglob("*.png"))
    assert results == [f"{number}.png" for number in range(10) if number != 3]
    assert (tmp_path / "ten-sharp" / "sub" / "1.png").is_file()
    out, err = capsys.readouterr()
    assert "9 pictures sharpened" in out and "1 of 10 pictures could not be read" in err
    assert err.rstrip().splitlines()[-1].strip().startswith(str(folder / "sub" / "3.png"))
    assert "100%" in err  # the progress bar


def test_a_second_run_has_nothing_to_do_and_says_so(tmp_path, capsys):
    folder = folder_of_ten(tmp_path)
    assert run(folder, *NANO) == 0
    capsys.readouterr()
    assert run(folder, *NANO) == 0
    assert "10 results in" in capsys.readouterr().out


def test_quiet_says_nothing_but_what_went_wrong(tmp_path, capsys):
    assert run(folder_of_ten(tmp_path), "--quiet", *NANO) == 0
    assert capsys.readouterr() == ("", "")
    assert run(folder_of_ten(tmp_path / "more", broken=(2,)), "--quiet", *NANO) == 2
    out, err = capsys.readouterr()
    assert out == "" and "2.png" in err and "%" not in err


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has file names that are no text")
def test_a_name_that_is_no_text_can_be_sharpened_and_printed(tmp_path):
    name = os.fsdecode(b"caf\xe9\n.png")
    (tmp_path / name).write_bytes(saved(photo(), "PNG"))
    process = start(tmp_path / name, *NANO)
    out, err = process.communicate(timeout=120)
    assert (process.returncode, err) == (0, "") and (tmp_path / os.fsdecode(b"caf\xe9\n-sharp.png")).is_file()


@pytest.mark.parametrize(
    "make, words, what",
    [
        (lambda path: path.touch(), (), "is empty"),
        (lambda path: path.write_text("hello"), (), "is text"),
        (lambda path: path.write_bytes(b"\x1a\x45\xdf\xa3" + bytes(60)), (), "truncated or damaged"),
        (lambda path: None, (), "does not exist"),
        (lambda path: path.write_bytes(saved(photo(), "PNG")), ("nowhere/x.png",), "folder nowhere does not exist"),
    ],
)
def test_what_the_user_can_mend_is_one_line_and_status_2(tmp_path, make, words, what):
    path = tmp_path / "a name.png"
    make(path)
    process = start(path, *words, *NANO, cwd=tmp_path)
    out, err = process.communicate(timeout=120)
    assert (process.returncode, out, err.count("\n")) == (2, "", 1)
    assert err.startswith("whetstone: ") and what in err


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="/dev/full and closed streams are POSIX")
@pytest.mark.parametrize(
    "streams, status, lines",
    [(">&- 2>&-", 0, 0), (">&-", 0, 0), ("2>&-", 0, 0), (">/dev/full", 2, 1), ("2>/dev/full", 0, 0)],
)
def test_streams_that_take_nothing_harm_no_result(picture, streams, status, lines):
    command = f'"$0" "$1" sharpen --skip-install --model nano "$2" {streams}'
    done = subprocess.run(
        ["sh", "-c", command, sys.executable, ROOT / "launch.py", picture], capture_output=True, text=True, timeout=120
    )
    assert (done.returncode, done.stderr.count("\n")) == (status, lines), done.stderr
    assert not lines or done.stderr.startswith("whetstone: the disk of standard output")
    assert read_picture(picture.with_name(picture.stem + "-sharp.png")).pixels.shape == (90, 120, 3)


def test_a_full_disk_ends_a_batch_with_what_is_done_whole(tmp_path, capsys):
    disk = tmp_path / "disk"
    disk.mkdir()
    if os.name == "nt" or os.geteuid() != 0 or not shutil.which("mount"):
        pytest.skip("needs root, to mount a small file system")
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", disk], capture_output=True, text=True)
    if mounted.returncode:
        pytest.skip(f"a small file system cannot be mounted here: {mounted.stderr.strip()}")
    try:
        with pytest.raises(BadOutput, match=r"full.*of 10 pictures were done before"):
            folder = folder_of_ten(tmp_path)
            for path in folder.rglob("*.png"):  # noise: 15 KB each, so that a few fit
                noise = np.random.default_rng(1).integers(0, 256, (70, 70, 3), dtype=np.uint8)
                path.write_bytes(saved(noise, "PNG"))
            run(folder, disk / "out", *NANO)
        done = list((disk / "out").rglob("*"))
        assert 1 <= sum(path.is_file() for path in done) < 10
        for path in done:
            if path.is_file():
                assert read_picture(path).pixels.shape == (70, 70, 3)
    finally:
        subprocess.run(["umount", disk], check=True)


@pytest.mark.skipif(os.name == "nt", reason="interrupts are sent as POSIX signals")
def test_ctrl_c_leaves_whole_results_and_the_next_run_does_the_rest(tmp_path):
    folder, results = tmp_path / "in", tmp_path / "in-sharp"
    folder.mkdir()
    data = saved(photo(1000, 1400), "PNG")
    for number in range(30):
        (folder / f"{number:02}.png").write_bytes(data)
    process = start(folder, *NANO)
    deadline = time.monotonic() + 120
    while len(list(results.glob("*.png"))) < 2 and time.monotonic() < deadline and process.poll() is None:
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    there = sorted(results.iterdir())
    assert process.returncode == 130 and "Traceback" not in err, err
    assert f"stopped; {len(there)} of 30 pictures are done and whole" in err and "goes on with the rest" in err
    assert 2 <= len(there) < 30 and all(path.suffix == ".png" for path in there)
    for path in there:
        assert read_picture(path).pixels.shape == (1000, 1400, 3)
    stamps = [path.stat().st_mtime_ns for path in there]
    assert run(folder, "--quiet", *NANO) == 0
    assert len(list(results.iterdir())) == 30 and [path.stat().st_mtime_ns for path in there] == stamps


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="peak memory of a child is known on POSIX systems")
@pytest.mark.parametrize("kind", ["JPEG", "PNG of 16 bits"])
def test_a_picture_of_50_megapixels_takes_less_than_1500_mb(tmp_path, kind):
    source = tmp_path / "large.img"
    small = photo(763, 1024)
    pixels = np.tile(small, (8, 8, 1))  # 6104 x 8192
    picture = Picture(pixels.astype(np.uint16) * 257, "PNG") if kind != "JPEG" else Picture(pixels, "JPEG")
    source.write_bytes(encode_picture(picture))
    del pixels, picture
    # a child's peak begins at the memory of whoever starts it, which these tests fill: a small process starts it
    starter = "import resource, subprocess, sys\nif status := subprocess.call(sys.argv[1:]): sys.exit(status)\n"
    starter += "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)"
    words = [sys.executable, "-c", starter, *command(source, "--quiet")]
    told = subprocess.run(words, capture_output=True, text=True)
    assert told.returncode == 0, told.stderr
    peak_bytes = int(told.stdout) * (1 if sys.platform == "darwin" else 1024)
    assert peak_bytes < 1_500_000_000
    assert read_picture(tmp_path / "large-sharp.img").pixels.shape == (6104, 8192, 3)


@pytest.fixture
def mixture(tmp_path):
    return save_card(mixture_card("nano", config=StudentConfig(4, 8, 1, experts=3)), tmp_path / "cards")


def test_what_was_measured_is_said_and_a_told_number_goes_before_it(picture, mixture, tmp_path, capsys):
    assert run(picture, tmp_path / "a.png", "--model", mixture) == 0
    with Sharpener(mixture) as sharpener:
        measured = sharpener.measure(read_picture(picture).pixels)
        assert f"; {measured.words})" in capsys.readouterr().out
        assert run(picture, tmp_path / "b.png", "--model", mixture, "--blur", 3, "--noise", 9) == 0
        told = replace(measured, blur=3.0, noise=9.0)
        assert told.words.startswith("blur 3.0 px, noise 9") and f"; {told.words})" in capsys.readouterr().out
        expected = sharpener(read_picture(picture).pixels, degradation=told)
    np.testing.assert_array_equal(read_picture(tmp_path / "b.png").pixels, expected)
    assert (read_picture(tmp_path / "a.png").pixels != expected).any()


def test_of_a_folder_what_was_measured_is_said_for_each_picture(tmp_path, mixture, capsys):
    folder = folder_of_ten(tmp_path)
    assert run(folder, "--model", mixture, "--upscaling", 2) == 0
    out = capsys.readouterr().out
    assert sum("enlarged 2x" in line for line in out.splitlines()) == 10
    assert run(folder, tmp_path / "again", "--model", mixture, "--strength", 0) == 0
    assert "blur" not in capsys.readouterr().out  # nothing is measured for a copy


def test_numbers_for_a_blind_model_or_outside_their_range_are_refused(picture, tmp_path, capsys):
    blind = save_card(random_card("nano"), tmp_path / "cards")
    with pytest.raises(BadSetting, match="'nano' is blind: leave out --noise"):
        run(picture, "--model", blind, "--noise", 2)
    with pytest.raises(BadSetting, match="upscaling must be a number from 1 to 8 times, not 0.5"):
        run(picture, "--upscaling", 0.5)
    assert capsys.readouterr() == ("", "") and [path.name for path in picture.parent.iterdir()] == [picture.name]
