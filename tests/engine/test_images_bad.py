"""Laws of the door: whatever is no picture is refused in one line that names the file, before a decoder is asked."""

import io
import os
import socket
import struct
import subprocess
import sys
import time
import zlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from engine.errors import BadImage
from engine.images import ALL_FORMATS, WEB_FORMATS, Picture, convert_picture, encode_picture, read_picture
from tests.engine.picture_files import exif_block, photo, png, png_chunk, png_of, rgb_profile, saved, tiff

ROOT = Path(__file__).resolve().parents[2]
RGB = photo(height=120, width=160)


def refused(source, *words, **options):
    """The message of BadImage: one line that holds every word."""
    with pytest.raises(BadImage) as caught:
        read_picture(source, **options)
    message = str(caught.value)
    assert "\n" not in message
    for word in words:
        assert word in message, message
    return message


# ---- not a picture


def test_an_empty_file_is_named_and_called_empty(tmp_path):
    path = tmp_path / "empty.png"
    path.touch()
    refused(path, "empty.png", "empty (0 bytes)")


@pytest.mark.parametrize(
    "data, what",
    [
        (b"Dear reader,\nthis is not a picture.\n", "is text"),
        ("Gr\u00fc\u00dfe aus K\u00f6ln".encode(), "is text"),
        ("utf-16 text".encode("utf-16"), "is text"),
        (b"BM, said the text, and went on", "is text"),
        (b"<?xml version='1.0'?>\n<svg xmlns='http://www.w3.org/2000/svg' width='9'/>", "an SVG drawing"),
        (b"\xef\xbb\xbf<svg/>", "an SVG drawing"),
        (b"<!DOCTYPE html><title>404</title>", "a web page"),
        (b"GIF89a" + bytes(50), "a GIF picture"),
        (b"%PDF-1.7\n%\xe2\xe3\xcf\xd3", "a PDF document"),
        (b"\0\0\0\x18ftypheic" + bytes(40), "a HEIC picture"),
        (b"\0\0\0\x18ftypavif" + bytes(40), "an AVIF picture"),
        (b"8BPS\0\1" + bytes(40), "a Photoshop document"),
        (b"\0\0\0\x0cjP  \r\n\x87\n", "a JPEG 2000 picture"),
        (b"\xff\x0a" + bytes(range(200)), "a JPEG XL picture"),
        (b"II*\0\x10\0\0\0CR\2\0" + bytes(40), "a camera raw file"),
        (b"P6 3 3 255\n" + bytes(27), "a PNM picture"),
        (b"PK\3\4" + bytes(40), "a ZIP archive"),
        (b"RIFF\x24\0\0\0WAVEfmt " + bytes(20), "a sound"),
        (bytes(range(256)), "not a picture format"),
        (b"\0", "not a picture format"),
    ],
)
def test_a_file_of_another_kind_is_called_by_its_name_whatever_its_own_name_says(tmp_path, data, what):
    path = tmp_path / "holiday.png"
    path.write_bytes(data)
    refused(path, "holiday.png", what, "JPEG, PNG, WebP, BMP, TIFF")


@pytest.mark.parametrize(
    "start", [b"\0\0\0\x18ftypmp42", b"\0\0\0\x14ftypqt  ", b"\x1a\x45\xdf\xa3", b"RIFF\x24\0\0\0AVI LIST"]
)
def test_a_video_is_named_with_the_command_that_takes_it(start):
    refused(start + bytes(40), "is a video", "launch.py sharpen")


@pytest.mark.parametrize("format", ["BMP", "TIFF"])
def test_the_page_takes_only_what_it_names(format):
    refused(saved(RGB, format), f"a {format} picture", "JPEG, PNG, WebP", formats=WEB_FORMATS)


def test_a_folder_a_missing_file_and_a_loop_of_links_are_named(tmp_path):
    refused(tmp_path, "is a folder")
    refused(tmp_path / "none.jpg", "none.jpg does not exist")
    refused(tmp_path / "none.jpg" / "inner.jpg", "cannot be read" if os.name == "nt" else "inner.jpg")
    loop = tmp_path / "loop.png"
    loop.symlink_to(loop)
    refused(loop, "loop.png cannot be read")
    refused("zero\0byte.png", "cannot be read")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
def test_a_pipe_a_device_and_a_socket_are_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "pipe.png")
    refused(tmp_path / "pipe.png", "device or a pipe")
    refused("/dev/zero", "device or a pipe")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "s.png"))
        refused(tmp_path / "s.png", "device or a pipe")


@pytest.mark.parametrize("pixels", [RGB, photo(dtype=np.uint16)], ids=["8-bit", "16-bit"])
def test_the_name_of_a_file_decides_nothing(tmp_path, pixels):
    path = tmp_path / "really a png.jpg"
    path.write_bytes(encode_picture(Picture(pixels, "PNG")))
    picture = read_picture(path)
    assert picture.format == "PNG"
    np.testing.assert_array_equal(picture.pixels, pixels)


# ---- too large


def oversized(format):
    """A whole file whose header says 50,000 x 50,000, as far as the format can."""
    side = 50_000
    if format == "PNG":
        return png(side, side, 8, 2, b"\0" * 100)
    if format == "PNG16":
        return png(side, side, 16, 2, b"\0" * 100)
    if format == "JPEG":
        data = bytearray(saved(RGB, "JPEG"))
        at = data.index(b"\xff\xc0")
        data[at + 5 : at + 9] = struct.pack(">HH", side, side)
        return bytes(data)
    if format == "WEBP":  # 16,383 is the most that the format holds
        data = bytearray(saved(RGB, "WEBP", lossless=True))
        data[21:25] = (16_382 | 16_382 << 14).to_bytes(4, "little")
        return bytes(data)
    if format == "WEBP canvas":
        data = bytearray(saved(photo(channels=4), "WEBP", quality=80))
        data[24:30] = (side - 1).to_bytes(3, "little") * 2
        return bytes(data)
    if format == "BMP":
        data = bytearray(saved(RGB, "BMP"))
        data[18:26] = struct.pack("<ii", side, -side)
        return bytes(data)
    bits = (16,) * 3 if format == "TIFF16" else (8,) * 3
    tags = {256: (4, (side,)), 257: (4, (side,)), 258: (3, bits), 259: (3, (1,)), 262: (3, (2,)), 277: (3, (3,))}
    return tiff(">", tags, bytes(100), big=format == "BigTIFF")


@pytest.mark.parametrize("format", ["PNG", "PNG16", "JPEG", "WEBP", "WEBP canvas", "BMP", "TIFF", "TIFF16", "BigTIFF"])
def test_a_header_of_2500_megapixels_is_refused_at_once_and_without_memory(format):
    data = oversized(format)
    resource = pytest.importorskip("resource", reason="peak memory is known on POSIX systems")
    before, started = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.monotonic()
    refused(data, "100 megapixels", "--max-megapixels")
    assert time.monotonic() - started < 1
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 20_000  # KB


def test_a_header_of_2500_megapixels_is_refused_even_where_the_file_is_cut_off():
    refused(png(50_000, 50_000, 8, 2, b"")[:33], "50000 x 50000", "100 megapixels")


@pytest.mark.parametrize("format", ALL_FORMATS)
def test_the_limit_is_on_pixels_and_is_the_callers(format):
    data = saved(RGB, format)
    assert read_picture(data, max_pixels=120 * 160).pixels.shape[:2] == (120, 160)
    refused(data, "160 x 120", max_pixels=120 * 160 - 1)


def test_a_file_far_larger_than_its_pixels_can_need_is_not_read(tmp_path):
    path = tmp_path / "sparse.png"
    path.write_bytes(saved(RGB, "PNG"))
    os.truncate(path, 3 << 30)
    refused(path, "3.2 GB", "megapixels")


def test_a_tile_larger_than_the_limit_is_refused_however_small_the_picture():
    tags = {256: (4, (16,)), 257: (4, (16,)), 258: (3, (8,)), 259: (3, (8,)), 262: (3, (1,)), 277: (3, (1,)),
            322: (4, (60_000,)), 323: (4, (60_000,)), 324: (4, (8,)), 325: (4, (100,))}  # fmt: skip
    refused(tiff("<", tags, zlib.compress(bytes(1 << 20), 9)[:100]), "60000 x 60000")


def test_a_jpeg_of_a_thousand_scans_is_refused():
    data = saved(RGB, "JPEG", progressive=True)
    last = data.rindex(b"\xff\xda")
    refused(data[:-2] + data[last:-2] * 1000 + b"\xff\xd9", "scans")


def test_pillows_own_limit_is_neither_needed_nor_changed():
    limit = Image.MAX_IMAGE_PIXELS
    rows = b"".join([b"\0" + bytes(10_000)] * 9_500)  # 95 megapixels: Pillow would warn, and warnings are errors here
    assert read_picture(png(10_000, 9_500, 8, 0, rows)).pixels.shape == (9_500, 10_000)
    assert limit == Image.MAX_IMAGE_PIXELS


# ---- cut off and damaged

WHOLE = {
    "jpeg": saved(RGB, "JPEG"),
    "jpeg progressive": saved(RGB, "JPEG", progressive=True),
    "jpeg grey": saved(RGB[..., 0], "JPEG", restart_marker_rows=1),
    "png": saved(RGB, "PNG"),
    "png 16": encode_picture(Picture(photo(dtype=np.uint16), "PNG")),
    "webp": saved(RGB, "WEBP"),
    "webp lossless": saved(photo(channels=4), "WEBP", lossless=True),
    "webp animated": saved(RGB, "WEBP", save_all=True, append_images=[Image.fromarray(RGB[::-1])]),
    "bmp": saved(RGB, "BMP"),
    "tiff": saved(RGB, "TIFF"),
    "tiff lzw": saved(RGB, "TIFF", compression="tiff_lzw"),
    "tiff 16": encode_picture(Picture(photo(dtype=np.uint16), "TIFF")),
}


@pytest.mark.parametrize("kind", WHOLE)
@pytest.mark.parametrize("share", [0.02, 0.1, 0.3, 0.5, 0.7, 0.9, 0.97])
def test_a_file_that_was_cut_off_is_refused_by_name_not_half_read(tmp_path, kind, share):
    path = tmp_path / "half downloaded.img"
    path.write_bytes(WHOLE[kind][: int(len(WHOLE[kind]) * share)])
    refused(path, "half downloaded.img")


@pytest.mark.parametrize("kind", ["jpeg", "jpeg progressive", "jpeg grey"])
@pytest.mark.parametrize("share", [0.4, 0.6, 0.8, 0.95])
def test_a_cut_jpeg_with_an_end_marker_put_behind_is_refused_too(kind, share):
    refused(WHOLE[kind][: int(len(WHOLE[kind]) * share)] + b"\xff\xd9", "cut off")


@pytest.mark.parametrize("kind", ["jpeg", "jpeg progressive"])
def test_a_jpeg_that_says_it_is_taller_than_it_is_is_refused(kind):
    data = bytearray(WHOLE[kind])
    at = data.index(b"\xff\xc0" if kind == "jpeg" else b"\xff\xc2")
    data[at + 5 : at + 7] = struct.pack(">H", 1200)
    refused(bytes(data), "cut off or damaged")


def test_a_jpeg_that_lacks_nothing_but_its_end_marker_is_read():
    np.testing.assert_array_equal(read_picture(WHOLE["jpeg"][:-2]).pixels, read_picture(WHOLE["jpeg"]).pixels)


@pytest.mark.parametrize("depth", [8, 16])
@pytest.mark.parametrize("interlace", [0, 1])
def test_a_png_with_fewer_rows_than_it_says_is_refused(depth, interlace):
    pixels = photo(dtype=np.dtype(f"u{depth // 8}"))
    rows = b"".join(b"\0" + row.astype(f">u{depth // 8}").tobytes() for row in pixels[:-1])
    for missing in (1, 500, len(rows) // 2):
        refused(png(83, 61, depth, 2, rows[:-missing], interlace=interlace), "PNG")


@pytest.mark.parametrize("kind, channels", [(0, 1), (2, 3), (6, 4)])
def test_a_png_that_ends_in_black_is_whole(kind, channels):
    pixels = photo(channels=channels)
    pixels[30:] = 0
    np.testing.assert_array_equal(read_picture(png_of(pixels, kind)).pixels, pixels)


def test_a_png_with_a_wrong_checksum_is_refused():
    data = bytearray(WHOLE["png"])
    data[data.index(b"IDAT") + 40] ^= 1
    refused(bytes(data), "checksum")


def test_a_webp_whose_picture_is_larger_than_its_header_says_is_refused():
    data = bytearray(saved(photo(channels=4), "WEBP", quality=80))
    data[24:30] = (9).to_bytes(3, "little") * 2
    refused(bytes(data), "another size")


@pytest.mark.parametrize("kind", ["Lab", "float", "12 bits", "raw"])
def test_a_kind_of_tiff_that_is_not_read_is_refused_with_what_to_do(kind):
    tags = {256: (4, (8,)), 257: (4, (8,)), 258: (3, (8, 8, 8)), 259: (3, (1,)), 262: (3, (2,)), 277: (3, (3,))}
    change = {"Lab": {262: (3, (8,))}, "float": {258: (3, (32,) * 3), 339: (3, (3,))}, "12 bits": {258: (3, (12,) * 3)},
              "raw": {50706: (7, b"\1\4\0\0")}}[kind]  # fmt: skip
    refused(tiff("<", {**tags, **change}, bytes(2000)), "develop" if kind == "raw" else "save it")


# ---- whatever bytes come: BadImage or a picture, never anything else

SEEDS = [
    *WHOLE.values(),
    png_of(
        RGB, 2, extra=[png_chunk(b"iCCP", b"p\0\0" + zlib.compress(rgb_profile())), png_chunk(b"eXIf", exif_block())]
    ),
    saved(RGB, "JPEG", icc_profile=rgb_profile(), exif=b"Exif\0\0" + exif_block(orientation=6, thumbnail=b"small")),
    saved(Image.fromarray(RGB).convert("CMYK"), "JPEG"),
    saved(Image.fromarray(RGB).convert("P"), "PNG"),
    saved(Image.fromarray(RGB).convert("1"), "TIFF", compression="group4"),
    saved(RGB, "TIFF", compression="jpeg"),
]


def picture_or_bad_image(data):
    try:
        picture = read_picture(data, max_pixels=1_000_000)
    except BadImage as error:
        assert "\n" not in str(error)
        return
    assert picture.pixels.dtype in (np.uint8, np.uint16)
    assert picture.pixels.ndim == 2 or picture.pixels.shape[2] in (3, 4)
    for format in (picture.format, "PNG", "TIFF", "JPEG"):
        encode_picture(convert_picture(picture, format), keep_gps=False)


@given(st.binary(max_size=300))
def test_random_bytes_are_refused(data):
    picture_or_bad_image(data)


SIGNATURES = [b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"RIFF\x40\0\0\0WEBP", b"II*\0", b"MM\0*", b"II+\0\x08\0\0\0",
              b"BM" + bytes(12) + b"\x28\0\0\0", b"BM" + bytes(12) + b"\x0c\0\0\0"]  # fmt: skip


@given(st.sampled_from(SIGNATURES), st.binary(max_size=300))
def test_random_bytes_behind_a_true_signature_are_refused_or_read(signature, data):
    picture_or_bad_image(signature + data)


@st.composite
def damaged(draw, seeds=SEEDS):
    data = bytearray(draw(st.sampled_from(seeds)))
    header = draw(st.booleans())
    for _ in range(draw(st.integers(1, 6))):
        at = draw(st.integers(0, min(len(data) - 1, 200) if header else len(data) - 1))
        change = draw(st.integers(0, 3))
        if change == 0:
            data[at] = draw(st.integers(0, 255))
        elif change == 1:
            data[at : at + 4] = draw(st.sampled_from([b"\xff" * 4, b"\0" * 4, b"\x7f\xff\xff\xff", b"\0\0\0\x01"]))
        elif change == 2:
            del data[at : at + draw(st.integers(1, 50))]
        else:
            data[at:at] = draw(st.binary(min_size=1, max_size=20))
        if not data:
            break
    return bytes(data)


@settings(max_examples=400, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(damaged())
def test_damaged_files_are_refused_or_read(data):
    picture_or_bad_image(data)


def test_decoders_say_nothing_on_standard_error_about_cut_files(tmp_path):
    for index, data in enumerate(WHOLE.values()):
        (tmp_path / f"{index}.img").write_bytes(data[: int(len(data) * 0.8)])
    program = (
        "import sys, pathlib\n"
        "from engine.images import read_picture\nfrom engine.errors import BadImage\n"
        "for path in pathlib.Path(sys.argv[1]).iterdir():\n"
        "    try: read_picture(path)\n"
        "    except BadImage: print('refused')\n"
    )
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", program, tmp_path], cwd=ROOT, capture_output=True, text=True
    )
    assert (done.returncode, done.stderr) == (0, "") and done.stdout.count("refused") == len(WHOLE)


def test_pictures_are_read_by_many_threads_at_once():
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda data: read_picture(data).pixels, list(WHOLE.values()) * 8))
    for index, pixels in enumerate(found):
        np.testing.assert_array_equal(pixels, found[index % len(WHOLE)])


def test_nothing_but_bytes_or_a_path_is_needed(tmp_path):
    path = tmp_path / "a.webp"
    path.write_bytes(WHOLE["webp"])
    for source in (str(path), path, WHOLE["webp"], bytearray(WHOLE["webp"]), memoryview(WHOLE["webp"])):
        assert read_picture(source).pixels.shape == (120, 160, 3)
    assert io.BytesIO(WHOLE["webp"]).getvalue() == path.read_bytes()  # and the source is as it was
