"""Laws of what goes with the pixels: orientation applied once, profile and EXIF kept, the place left out on wish."""

import io
import struct
import zlib

import numpy as np
import pytest
from PIL import ExifTags, Image, ImageOps

from engine.formats.exif import ExifBlock
from engine.images import Picture, convert_picture, encode_picture, read_picture
from tests.engine.picture_files import (
    as_pillow_reads,
    cmyk_profile,
    exif_block,
    latitude_bytes,
    photo,
    png_chunk,
    png_of,
    png_parts,
    rgb_profile,
    saved,
)

RGB = photo()
WITH_EXIF = ("JPEG", "PNG", "WEBP")


def file_with(format, exif=None, icc=None, pixels=RGB):
    options = {"lossless": True} if format == "WEBP" else {"quality": 100, "subsampling": 0} if format == "JPEG" else {}
    if exif is not None:
        options["exif"] = exif if format == "PNG" else b"Exif\0\0" + exif
    return saved(pixels, format, **({"icc_profile": icc} if icc else {}), **options)


def exif_of(data):
    """The block in a written file, found by Pillow."""
    with Image.open(io.BytesIO(data)) as image:
        return image.getexif()


# ---- orientation


@pytest.mark.parametrize("format", WITH_EXIF)
@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("endian", ["<", ">"])
def test_each_orientation_is_applied_as_pillow_applies_it(format, orientation, endian):
    data = file_with(format, exif_block(endian, orientation=orientation))
    with Image.open(io.BytesIO(data)) as image:
        expected = np.asarray(ImageOps.exif_transpose(image))
    np.testing.assert_array_equal(read_picture(data).pixels, expected)


@pytest.mark.parametrize("format", WITH_EXIF)
def test_what_is_written_is_upright_for_who_applies_the_tag_and_for_who_does_not(format):
    picture = read_picture(file_with(format, exif_block(orientation=6)))
    written = encode_picture(picture)
    assert exif_of(written)[ExifTags.Base.Orientation] == 1
    np.testing.assert_allclose(read_picture(written).pixels, picture.pixels, atol=6)
    assert as_pillow_reads(written).shape == (83, 61, 3)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_the_orientation_of_a_tiff_is_applied_once(orientation):
    data = saved(RGB, "TIFF", tiffinfo={274: orientation})
    expected = as_pillow_reads(data)  # Pillow applies it while reading
    picture = read_picture(data)
    np.testing.assert_array_equal(picture.pixels, expected)
    np.testing.assert_array_equal(as_pillow_reads(encode_picture(picture)), expected)


@pytest.mark.parametrize("orientation", [0, 9, 65_535])
def test_an_orientation_that_does_not_exist_is_upright(orientation):
    picture = read_picture(file_with("PNG", exif_block(orientation=orientation)))
    np.testing.assert_array_equal(picture.pixels, RGB)


def test_the_sides_that_exif_names_follow_the_turn():
    written = encode_picture(read_picture(file_with("JPEG", exif_block(orientation=8, sides=(83, 61)))))
    inner = exif_of(written).get_ifd(ExifTags.IFD.Exif)
    assert (inner[0xA002], inner[0xA003]) == (61, 83)


# ---- EXIF


@pytest.mark.parametrize("format", WITH_EXIF)
@pytest.mark.parametrize("endian", ["<", ">"])
def test_exif_survives_with_its_maker_note_where_it_was(format, endian):
    block = exif_block(endian, orientation=3)
    written = encode_picture(read_picture(file_with(format, block)))
    exif = exif_of(written)
    assert exif[ExifTags.Base.Make] == "Whetworks"
    inner = exif.get_ifd(ExifTags.IFD.Exif)
    assert inner[0x927C] == b"maker" * 4
    assert exif.get_ifd(ExifTags.IFD.GPSInfo)[2][2] == pytest.approx(123.457)
    # one value changed in place, and nothing moved: notes with absolute offsets stay readable
    kept = read_picture(written).exif
    assert len(kept) == len(block) and sum(a != b for a, b in zip(kept, block)) == 1


def test_the_thumbnail_of_the_picture_as_it_was_is_left_out():
    thumbnail = b"\xff\xd8" + b"small picture" * 50 + b"\xff\xd9"
    written = encode_picture(read_picture(file_with("JPEG", exif_block(thumbnail=thumbnail))))
    assert b"small picture" not in written
    assert exif_of(written)[ExifTags.Base.Make] == "Whetworks" and not exif_of(written).get_ifd(ExifTags.IFD.IFD1)


@pytest.mark.parametrize("format", WITH_EXIF)
@pytest.mark.parametrize("endian", ["<", ">"])
def test_the_place_of_exposure_goes_and_everything_else_stays(format, endian):
    picture = read_picture(file_with(format, exif_block(endian)))
    assert latitude_bytes(endian) in encode_picture(picture)
    written = encode_picture(picture, keep_gps=False)
    assert latitude_bytes(endian) not in written
    exif = exif_of(written)
    assert 0x8825 not in exif and exif[ExifTags.Base.Make] == "Whetworks"
    assert exif.get_ifd(ExifTags.IFD.Exif)[0x927C] == b"maker" * 4


def test_the_place_of_exposure_leaves_tiff_too():
    inner = {ExifTags.IFD.GPSInfo: {1: "N", 2: (52.0, 31.0, 7.25)}, ExifTags.IFD.Exif: {0x829A: 0.5}}
    picture = read_picture(saved(RGB, "TIFF", tiffinfo={ExifTags.Base.Make: "Whetworks", **inner}))
    kept = exif_of(encode_picture(picture))
    assert kept.get_ifd(ExifTags.IFD.GPSInfo)[2] == (52.0, 31.0, 7.25)
    without = exif_of(encode_picture(picture, keep_gps=False))
    assert 0x8825 not in without and without[ExifTags.Base.Make] == "Whetworks"
    assert without.get_ifd(ExifTags.IFD.Exif)[0x829A] == 0.5
    as_jpeg = exif_of(encode_picture(convert_picture(picture, "JPEG")))
    assert as_jpeg[ExifTags.Base.Make] == "Whetworks" and as_jpeg.get_ifd(ExifTags.IFD.GPSInfo)[2] == (52.0, 31.0, 7.25)


def test_what_tells_the_place_outside_exif_is_not_carried_over():
    data = saved(RGB, "JPEG", comment=b"52 31 7 N", xmp=b"<x:xmpmeta exif:GPSLatitude='52,31N'/>")
    assert b"GPSLatitude" in data
    written = encode_picture(read_picture(data))
    assert b"GPSLatitude" not in written and b"52 31 7 N" not in written


@pytest.mark.parametrize("format", WITH_EXIF)
@pytest.mark.parametrize("damage", [b"", b"II*\0", b"II*\0\xff\xff\xff\xff" + bytes(20), b"nonsense" * 10,
                                    b"II*\0\x08\0\0\0\xff\xff" + bytes(40)])  # fmt: skip
def test_damaged_exif_is_left_out_with_a_notice_and_the_picture_is_read(format, damage):
    data = file_with(format, damage)
    picture = read_picture(data)
    np.testing.assert_allclose(picture.pixels, RGB, atol=6)
    assert picture.exif is None
    if b"Exif" in data or b"eXIf" in data or b"EXIF" in data:
        assert picture.notices == ("its EXIF data is damaged and was left out",)


def test_every_cut_of_an_exif_block_is_read_or_left_out():
    whole = exif_block(thumbnail=b"small picture")
    for end in range(len(whole)):
        for keep_gps in (True, False):
            data = png_of(RGB[:4, :4], 2, extra=[png_chunk(b"eXIf", whole[:end])])
            written = encode_picture(read_picture(data), keep_gps=keep_gps)
            if not keep_gps:
                assert latitude_bytes("<") not in written


def test_an_exif_block_that_points_at_itself_is_read_or_left_out():
    whole = bytearray(exif_block())
    for at in range(8, len(whole) - 4, 2):
        for target in (8, at, ExifBlock(exif_block()).ifd0):
            hostile = bytearray(whole)
            struct.pack_into("<I", hostile, at, target)
            data = png_of(RGB[:4, :4], 2, extra=[png_chunk(b"eXIf", bytes(hostile))])
            encode_picture(read_picture(data), keep_gps=False)


# ---- colour profile


@pytest.mark.parametrize("format", ["JPEG", "PNG", "WEBP", "TIFF"])
def test_a_colour_profile_is_kept_and_the_values_are_not_touched(format):
    profile = rgb_profile()
    data = file_with(format, icc=profile)
    picture = read_picture(data)
    np.testing.assert_array_equal(picture.pixels, as_pillow_reads(data))
    with Image.open(io.BytesIO(encode_picture(picture))) as image:
        assert image.info["icc_profile"] == profile


def test_a_profile_larger_than_one_jpeg_segment_is_kept_whole():
    profile = rgb_profile() + bytes(range(256)) * 700  # 179 KB in three segments
    profile = struct.pack(">I", len(profile)) + profile[4:]
    data = file_with("JPEG", icc=profile)
    assert read_picture(data).icc == profile
    assert read_picture(encode_picture(read_picture(data))).icc == profile


def test_the_profile_of_a_16_bit_png_is_kept():
    icc = png_chunk(b"iCCP", b"a name\0\0" + zlib.compress(rgb_profile()))
    data = png_of(photo(dtype=np.uint16), 2, extra=[icc, png_chunk(b"eXIf", exif_block())])
    written = dict(png_parts(encode_picture(read_picture(data))))
    assert zlib.decompress(written[b"iCCP"].split(b"\0\0", 1)[1]) == rgb_profile()
    assert written[b"eXIf"][:2] == b"II" and written[b"IHDR"][8] == 16


@pytest.mark.parametrize("format", ["JPEG", "PNG", "WEBP", "TIFF"])
def test_a_damaged_profile_is_left_out_with_a_notice(format):
    picture = read_picture(file_with(format, icc=b"no profile" * 40))
    assert picture.icc is None and picture.notices == ("its colour profile is damaged and was left out",)


def test_a_profile_that_inflates_to_gigabytes_is_left_out_with_a_notice():
    bomb = zlib.compress(bytes(64 << 20), 9)
    assert len(bomb) < 100_000
    data = png_of(RGB, 2, extra=[png_chunk(b"iCCP", b"bomb\0\0" + bomb), png_chunk(b"zTXt", b"Comment\0\0" + bomb)])
    picture = read_picture(data)
    np.testing.assert_array_equal(picture.pixels, RGB)
    assert picture.icc is None and "16 MB" in picture.notices[0]


def test_the_printer_profile_of_a_picture_that_is_rgb_now_is_not_written():
    picture = read_picture(saved(Image.new("CMYK", (8, 8)), "JPEG", icc_profile=cmyk_profile()))
    with Image.open(io.BytesIO(encode_picture(picture))) as image:
        assert image.mode == "RGB" and "icc_profile" not in image.info


# ---- density


@pytest.mark.parametrize("format", ["JPEG", "PNG", "BMP", "TIFF"])
def test_the_dots_per_inch_are_kept(format):
    with Image.open(io.BytesIO(encode_picture(read_picture(saved(RGB, format, dpi=(300, 200)))))) as image:
        assert tuple(map(float, image.info["dpi"])) == pytest.approx((300, 200), abs=0.05)


def test_the_dots_per_inch_follow_the_turn():
    picture = read_picture(saved(RGB, "JPEG", dpi=(300, 200), exif=b"Exif\0\0" + exif_block(orientation=6)))
    assert picture.density == (200, 300)


def test_a_picture_without_extras_gets_none():
    written = encode_picture(Picture(RGB, "PNG"))
    assert [name for name, _ in png_parts(written) if name != b"IDAT"] == [b"IHDR", b"IEND"]
