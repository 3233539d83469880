"""Laws of reading and writing pictures: every kind of file comes out as the pixels that other decoders see."""

import io
import struct

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from engine.images import ALL_FORMATS, Picture, convert_picture, encode_picture, read_picture
from tests.engine.picture_files import (
    as_pillow_reads,
    cmyk_profile,
    photo,
    png,
    png_chunk,
    png_of,
    png_parts,
    rgb_profile,
    saved,
    tiff,
)

RGB, RGBA, GREY = photo(), photo(channels=4), photo(channels=1)


def assert_same(found: np.ndarray, expected: np.ndarray) -> None:
    assert (found.shape, found.dtype) == (expected.shape, expected.dtype)
    np.testing.assert_array_equal(found, expected)


# ---- the same pixels as other decoders


@pytest.mark.parametrize("options", [{}, {"progressive": True}, {"quality": 35}, {"subsampling": 0}, {"subsampling": 1},
                                     {"restart_marker_rows": 1}, {"optimize": True}, {"keep_rgb": True}])  # fmt: skip
def test_a_jpeg_has_the_pixels_that_pillow_reads(options):
    data = saved(RGB, "JPEG", **options)
    assert_same(read_picture(data).pixels, as_pillow_reads(data))


def test_a_grey_jpeg_stays_grey():
    data = saved(GREY, "JPEG")
    assert_same(read_picture(data).pixels, as_pillow_reads(data))


@pytest.mark.parametrize("mode", ["1", "L", "RGB", "RGBA", "I;16"])
@pytest.mark.parametrize("compression", [None, "tiff_lzw", "tiff_adobe_deflate", "packbits"])
def test_a_tiff_has_the_pixels_that_pillow_reads(mode, compression):
    if mode == "I;16":
        image = Image.fromarray(photo(channels=1, dtype=np.uint16))
    else:
        image = Image.fromarray(RGBA).convert(mode)
    data = saved(image, "TIFF", compression=compression)
    expected = as_pillow_reads(data, "L" if mode == "1" else None)
    assert_same(read_picture(data).pixels, expected)


def test_a_tiff_with_jpeg_and_with_fax_inside_is_read():
    data = saved(RGB, "TIFF", compression="jpeg")
    assert_same(read_picture(data).pixels, as_pillow_reads(data))
    data = saved(Image.fromarray(GREY).convert("1"), "TIFF", compression="group4")
    assert_same(read_picture(data).pixels, as_pillow_reads(data, "L"))


@pytest.mark.parametrize("mode", ["1", "L", "P", "RGB"])
def test_a_bmp_has_the_pixels_that_pillow_reads(mode):
    data = saved(Image.fromarray(RGB).convert(mode), "BMP")
    assert_same(
        read_picture(data).pixels, as_pillow_reads(data, "RGB" if mode == "P" else "L" if mode == "1" else None)
    )


def test_a_bmp_keeps_its_alpha_but_an_empty_fourth_byte_is_no_transparency():
    data = cv2.imencode(".bmp", cv2.cvtColor(RGBA, cv2.COLOR_RGBA2BGRA))[1].tobytes()
    assert_same(read_picture(data).pixels, RGBA)
    padded = RGBA.copy()
    padded[..., 3] = 0
    data = cv2.imencode(".bmp", cv2.cvtColor(padded, cv2.COLOR_RGBA2BGRA))[1].tobytes()
    assert_same(read_picture(data).pixels, RGBA[..., :3])


@pytest.mark.parametrize("pixels", [RGB, RGBA], ids=["rgb", "rgba"])
@pytest.mark.parametrize("options", [{"quality": 80}, {"lossless": True, "exact": True}], ids=["lossy", "lossless"])
def test_a_webp_has_the_pixels_that_pillow_reads(pixels, options):
    data = saved(pixels, "WEBP", **options)
    assert_same(read_picture(data).pixels, as_pillow_reads(data))


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "I;16"])
def test_a_png_has_the_pixels_that_pillow_reads(mode):
    image = Image.fromarray(photo(channels=1, dtype=np.uint16) if mode == "I;16" else RGBA)
    data = saved(image if mode == "I;16" else image.convert(mode), "PNG")
    expected = {"1": "L", "LA": "RGBA", "P": "RGBA" if b"tRNS" in data else "RGB"}.get(mode)
    assert_same(read_picture(data).pixels, as_pillow_reads(data, expected))


@pytest.mark.parametrize("interlace", [0, 1])
@pytest.mark.parametrize("kind, channels", [(0, 1), (2, 3), (6, 4)])
def test_a_16_bit_png_keeps_all_16_bits(kind, channels, interlace):
    pixels = photo(9, 13, channels, dtype=np.uint16)
    if interlace:
        rows = b""
        for left, dx, top, dy in (
            (0, 8, 0, 8),
            (4, 8, 0, 8),
            (0, 4, 4, 8),
            (2, 4, 0, 4),
            (0, 2, 2, 4),
            (1, 2, 0, 2),
            (0, 1, 1, 2),
        ):
            part = pixels[top::dy, left::dx]
            rows += b"".join(b"\0" + row.astype(">u2").tobytes() for row in part) if part.size else b""
        data = png(13, 9, 16, kind, rows, interlace=1)
    else:
        data = png_of(pixels, kind)
    assert_same(read_picture(data).pixels, pixels)


def test_16_bit_grey_with_alpha_becomes_rgba_of_the_same_values():
    pixels = photo(channels=2, dtype=np.uint16)
    assert_same(read_picture(png_of(pixels, 4)).pixels, pixels[..., [0, 0, 0, 1]])


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("kind, channels", [(0, 1), (2, 3)])
def test_the_one_transparent_colour_of_a_png_becomes_alpha(kind, channels, dtype):
    pixels = photo(channels=channels, dtype=dtype)
    key = [int(value) for value in np.atleast_1d(pixels[5, 7])]
    found = read_picture(png_of(pixels, kind, extra=[png_chunk(b"tRNS", struct.pack(f">{channels}H", *key))])).pixels
    colour = pixels if channels == 3 else np.dstack([pixels] * 3)
    assert_same(found[..., :3], colour)
    assert_same(found[..., 3], np.where((colour == key).all(-1), 0, np.iinfo(dtype).max).astype(dtype))


@pytest.mark.parametrize("depth", [1, 2, 4])
def test_a_png_of_few_bits_is_spread_over_all_256_levels(depth):
    values = np.arange(2**depth, dtype=np.uint8)
    packed = np.packbits(((values[:, None] >> np.arange(depth)[::-1]) & 1).astype(np.uint8).ravel())
    found = read_picture(png(len(values), 1, depth, 0, b"\0" + packed.tobytes())).pixels
    assert_same(found, (values.astype(int) * 255 // (2**depth - 1)).astype(np.uint8)[None])


def test_a_transparent_palette_becomes_rgba():
    image = Image.fromarray(RGB).quantize(16)
    data = saved(image, "PNG", transparency=bytes(range(0, 160, 10)))
    assert_same(read_picture(data).pixels, as_pillow_reads(data, "RGBA"))


@pytest.mark.parametrize("endian", ["<", ">"])
@pytest.mark.parametrize("channels", [1, 3, 4])
@pytest.mark.parametrize("planar", [1, 2])
def test_a_16_bit_tiff_keeps_all_16_bits(endian, channels, planar):
    pixels = photo(channels=channels, dtype=np.uint16)
    height, width = pixels.shape[:2]
    cube = pixels.reshape(height, width, channels)
    raw = (cube.transpose(2, 0, 1) if planar == 2 else cube).astype(endian + "u2").tobytes()
    plane = len(raw) // channels
    tags = {256: (4, (width,)), 257: (4, (height,)), 258: (3, (16,) * channels), 259: (3, (1,)), 277: (3, (channels,)),
            262: (3, (1 if channels == 1 else 2,)), 278: (4, (height,)), 284: (3, (planar,))}  # fmt: skip
    if channels == 4:
        tags[338] = (3, (2,))
    if planar == 2:
        tags[273] = (4, tuple(8 + plane * index for index in range(channels)))
        tags[279] = (4, (plane,) * channels)
    assert_same(read_picture(tiff(endian, tags, raw)).pixels, pixels)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("planar", [1, 2])
def test_a_tiff_of_tiles_or_of_planes_is_put_together(dtype, planar):
    pixels = photo(height=40, width=50, dtype=dtype)
    padded = np.pad(pixels, ((0, 8), (0, 14), (0, 0)))
    tiles = padded.reshape(3, 16, 4, 16, 3).transpose(0, 2, 1, 3, 4)  # 3 x 4 tiles of 16 x 16
    raw = (tiles.transpose(4, 0, 1, 2, 3) if planar == 2 else tiles).tobytes()
    count = 36 if planar == 2 else 12
    size = len(raw) // count
    depth = 8 * pixels.itemsize
    tags = {256: (4, (50,)), 257: (4, (40,)), 258: (3, (depth,) * 3), 259: (3, (1,)), 262: (3, (2,)), 277: (3, (3,)),
            284: (3, (planar,)), 322: (3, (16,)), 323: (3, (16,)), 325: (4, (size,) * count),
            324: (4, tuple(8 + size * index for index in range(count)))}  # fmt: skip
    assert_same(read_picture(tiff("<", tags, raw)).pixels, pixels)


def test_bigtiff_is_read():
    tags = {256: (4, (83,)), 257: (4, (61,)), 258: (3, (8, 8, 8)), 259: (3, (1,)), 262: (3, (2,)), 277: (3, (3,)),
            278: (4, (61,)), 273: (16, (16,)), 279: (16, (61 * 83 * 3,))}  # fmt: skip
    assert_same(read_picture(tiff("<", tags, RGB.tobytes(), big=True)).pixels, RGB)


@pytest.mark.parametrize("depth", [8, 16])
def test_a_tiff_in_which_zero_is_white_is_turned_round(depth):
    grey = photo(channels=1, dtype=np.dtype(f"u{depth // 8}"))
    full = 2**depth - 1
    tags = {256: (4, (83,)), 257: (4, (61,)), 258: (3, (depth,)), 259: (3, (1,)), 262: (3, (0,)), 277: (3, (1,)),
            278: (4, (61,))}  # fmt: skip
    data = tiff("<", tags, (full - grey).astype(grey.dtype).tobytes())
    assert_same(read_picture(data).pixels, grey)


def test_alpha_multiplied_into_the_colours_of_a_tiff_is_taken_out_again():
    pixels = photo(channels=4, dtype=np.uint16)
    pixels[..., 3] = np.maximum(pixels[..., 3], 30_000)
    premultiplied = pixels.copy()
    premultiplied[..., :3] = (pixels[..., :3].astype(float) * pixels[..., 3:] / 65_535).round()
    tags = {256: (4, (83,)), 257: (4, (61,)), 258: (3, (16,) * 4), 259: (3, (1,)), 262: (3, (2,)), 277: (3, (4,)),
            278: (4, (61,)), 338: (3, (1,))}  # fmt: skip
    found = read_picture(tiff("<", tags, premultiplied.tobytes())).pixels.astype(int)
    assert np.abs(found - pixels).max() <= 2  # 65535 / 30000 rounding steps of a half


# ---- CMYK


def inks(height=8, width=8, **amounts):
    """A CMYK picture of one colour; amounts 0..255 of c, m, y, k."""
    return Image.new("CMYK", (width, height), tuple(amounts.get(name, 0) for name in "cmyk"))


@pytest.mark.parametrize("format", ["JPEG", "TIFF"])
def test_cmyk_goes_through_its_own_profile(format):
    # full cyan alone is Lab (54, 81, 70) in this profile, which is sRGB (255, 0, 0) within a few levels (CIE 15, sRGB)
    data = saved(inks(c=255), format, icc_profile=cmyk_profile(), **({"quality": 100} if format == "JPEG" else {}))
    picture = read_picture(data)
    assert picture.pixels.shape == (8, 8, 3)
    red, green, blue = picture.pixels.reshape(-1, 3).astype(int).mean(0)
    assert red > 245 and green < 25 and blue < 25
    assert picture.icc is None and "through its colour profile" in picture.notices[0]
    white = read_picture(saved(inks(), format, icc_profile=cmyk_profile())).pixels
    assert white.min() >= 250


@pytest.mark.parametrize("profile", [None, b"not a profile" * 20, rgb_profile()], ids=["none", "damaged", "of-rgb"])
def test_cmyk_without_a_usable_profile_is_converted_with_a_notice(profile):
    picture = read_picture(saved(inks(c=255, k=51), "TIFF", **({"icc_profile": profile} if profile else {})))
    np.testing.assert_allclose(picture.pixels[0, 0], (0, 204, 204), atol=1)  # (255 - ink) * (255 - k) / 255
    assert any("approximate" in notice for notice in picture.notices) and picture.icc is None


def test_only_adobes_cmyk_jpegs_are_stored_inverted():
    data = saved(inks(m=255), "JPEG", quality=100)
    at = data.index(b"\xff\xee")
    assert data[at + 4 : at + 9] == b"Adobe"
    np.testing.assert_allclose(read_picture(data).pixels[0, 0], (255, 0, 255), atol=2)
    without = data[:at] + data[at + 2 + int.from_bytes(data[at + 2 : at + 4], "big") :]
    np.testing.assert_allclose(read_picture(without).pixels[0, 0], (0, 0, 0), atol=2)  # C, Y, K full: the same bytes


# ---- more than one picture in a file


@pytest.mark.parametrize("format", ["PNG", "WEBP"])
def test_of_an_animation_the_first_frame_is_taken_with_a_notice(format):
    frames = [Image.fromarray(photo(seed=seed)) for seed in (1, 2, 3)]
    data = saved(frames[0], format, save_all=True, append_images=frames[1:], duration=100, lossless=True)
    picture = read_picture(data)
    assert_same(picture.pixels, np.asarray(frames[0]))
    assert picture.notices == ("animated: only its first frame was taken",)
    assert read_picture(encode_picture(picture)).notices == ()


def test_the_margin_of_a_first_webp_frame_is_transparent():
    frame = saved(RGBA, "WEBP", lossless=True, exact=True)
    coded = frame[12:]  # one VP8L chunk
    place = (
        (4 // 2).to_bytes(3, "little")
        + (6 // 2).to_bytes(3, "little")
        + (82).to_bytes(3, "little")
        + (60).to_bytes(3, "little")
    )
    body = place + (100).to_bytes(3, "little") + b"\2" + coded
    canvas = b"\x12\0\0\0" + (99).to_bytes(3, "little") + (79).to_bytes(3, "little")
    parts = b"VP8X" + struct.pack("<I", 10) + canvas + b"ANIM" + struct.pack("<I", 6) + bytes(6)
    parts += b"ANMF" + struct.pack("<I", len(body)) + body + b"\0" * (len(body) & 1)
    data = b"RIFF" + struct.pack("<I", 4 + len(parts)) + b"WEBP" + parts
    expected = np.zeros((80, 100, 4), np.uint8)
    expected[6:67, 4:87] = RGBA
    assert_same(read_picture(data).pixels, expected)


def test_of_a_tiff_with_pages_the_first_is_taken_with_a_notice():
    pages = [Image.fromarray(photo(seed=seed)) for seed in (1, 2, 3)]
    picture = read_picture(saved(pages[0], "TIFF", save_all=True, append_images=pages[1:]))
    assert_same(picture.pixels, np.asarray(pages[0]))
    assert picture.notices == ("has 3 pages: only the first was taken",)


def test_of_a_jpeg_with_further_pictures_the_first_is_taken_with_a_notice():
    pages = [Image.fromarray(photo(seed=seed)) for seed in (1, 2)]
    data = saved(pages[0], "MPO", save_all=True, append_images=pages[1:])
    picture = read_picture(data)
    assert_same(picture.pixels, as_pillow_reads(data))
    assert picture.format == "JPEG" and "extra pictures" in picture.notices[0]


def test_bytes_after_the_end_of_a_jpeg_do_not_matter():
    data = saved(RGB, "JPEG")
    assert_same(read_picture(data + b"a film of the same moment" * 1000).pixels, as_pillow_reads(data))


# ---- written as it came


@given(
    format=st.sampled_from(ALL_FORMATS),
    channels=st.sampled_from([1, 3, 4]),
    wide=st.booleans(),
    height=st.integers(1, 70),
    width=st.integers(1, 70),
)
def test_what_is_written_is_read_again(format, channels, wide, height, width):
    dtype = np.uint16 if wide else np.uint8
    pixels = photo(height, width, channels, dtype=dtype)
    picture = convert_picture(Picture(pixels, "PNG"), format)
    again = read_picture(encode_picture(picture))
    assert again.format == format
    if format in ("PNG", "TIFF", "BMP"):
        assert_same(again.pixels, picture.pixels)
    else:
        assert again.pixels.shape[:2] == (height, width)


@pytest.mark.parametrize("format", ALL_FORMATS)
def test_other_decoders_read_what_is_written(format):
    for channels in (1, 3, 4):
        picture = convert_picture(Picture(photo(channels=channels), "PNG"), format)
        found = as_pillow_reads(
            encode_picture(picture), {1: "L", 3: "RGB", 4: "RGBA"}[channels] if format != "JPEG" else None
        )
        close = 12 if format in ("JPEG", "WEBP") else 0
        assert np.abs(found.astype(int) - picture.pixels).mean() <= close


@pytest.mark.parametrize("channels", [1, 3, 4])
@pytest.mark.parametrize("format", ["PNG", "TIFF"])
def test_opencv_reads_the_16_bits_that_are_written(format, channels):
    pixels = photo(channels=channels, dtype=np.uint16)
    found = cv2.imdecode(np.frombuffer(encode_picture(Picture(pixels, format)), np.uint8), cv2.IMREAD_UNCHANGED)
    if channels > 1:
        found = found[..., [2, 1, 0, 3][:channels]]
    assert_same(found, pixels)


def test_an_uncompressed_tiff_stays_uncompressed():
    for compression in (None, "tiff_lzw"):
        written = encode_picture(read_picture(saved(RGB, "TIFF", compression=compression)))
        with Image.open(io.BytesIO(written)) as image:
            assert (image.tag_v2[259] == 1) == (compression is None)


def test_grey_with_alpha_is_written_as_grey_with_alpha():
    pixels = photo(channels=2)
    written = encode_picture(read_picture(saved(Image.fromarray(pixels), "PNG")))
    assert_same(as_pillow_reads(written), pixels)


def test_lossless_webp_stays_lossless_and_lossy_stays_lossy():
    lossless = encode_picture(read_picture(saved(RGBA, "WEBP", lossless=True, exact=True)))
    assert b"VP8L" in lossless[:64]
    assert_same(as_pillow_reads(lossless), RGBA)
    lossy = encode_picture(read_picture(saved(RGB, "WEBP", quality=80)))
    assert lossy[12:16] == b"VP8 "


def jpeg_facts(data):
    with Image.open(io.BytesIO(data)) as image:
        sampling = [component[1:3] for component in image.layer]
        return image.quantization, sampling, bool(image.info.get("progressive"))


@pytest.mark.parametrize("subsampling", [0, 1, 2])
@pytest.mark.parametrize("progressive", [False, True])
def test_a_fine_jpeg_keeps_its_tables_its_chroma_and_its_order(subsampling, progressive):
    data = saved(RGB, "JPEG", quality=97, subsampling=subsampling, progressive=progressive)
    assert jpeg_facts(encode_picture(read_picture(data))) == jpeg_facts(data)


def test_a_coarse_jpeg_is_written_at_quality_90():
    tables, sampling, _ = jpeg_facts(encode_picture(read_picture(saved(RGB, "JPEG", quality=30))))
    assert tables == jpeg_facts(saved(RGB, "JPEG", quality=90))[0] and sampling[0] == (2, 2)


def test_the_turned_picture_keeps_its_chroma_turned():
    data = saved(
        RGB, "JPEG", quality=97, subsampling=1, exif=b"Exif\0\0MM\0*\0\0\0\x08\0\1\1\x12\0\3\0\0\0\1\0\6\0\0\0\0\0\0"
    )
    _, sampling, _ = jpeg_facts(encode_picture(read_picture(data)))
    assert sampling == [(1, 1)] * 3  # 4:2:2 lying down is 4:4:0, which Pillow cannot write: all chroma is kept instead


# ---- into another format


def test_16_bits_become_8_by_rounding():
    levels = np.arange(65_536, dtype=np.uint16).reshape(256, 256)
    found = convert_picture(Picture(levels, "PNG"), "WEBP")
    assert_same(found.pixels, np.round(levels / 257).astype(np.uint8))
    assert "16 bits" in found.notices[0]


def test_transparency_is_laid_on_white_where_the_format_has_none():
    pixels = np.full((4, 4, 4), 100, np.uint8)
    pixels[0, 0, 3], pixels[0, 1, 3], pixels[0, 2, 3] = 0, 51, 255
    found = convert_picture(Picture(pixels, "PNG"), "JPEG")
    assert found.pixels[0, :3, 0].tolist() == [255, 224, 100]  # 100 * 0.2 + 255 * 0.8 = 224
    assert "white" in found.notices[0]
    pixels[..., 3] = 255
    assert convert_picture(Picture(pixels, "PNG"), "JPEG").notices == ()


def test_a_profile_that_bmp_cannot_hold_is_named():
    found = convert_picture(Picture(RGB, "PNG", icc=rgb_profile()), "BMP")
    assert found.icc is None and "BMP" in found.notices[0]


def test_png_chunks_that_give_values_their_meaning_are_kept():
    wanted = {b"gAMA": struct.pack(">I", 45_455), b"cICP": bytes([9, 16, 0, 1]),
              b"pHYs": struct.pack(">IIB", 11_811, 11_811, 1)}  # fmt: skip
    extra = [png_chunk(*part) for part in {**wanted, b"tEXt": b"Comment\0secret"}.items()]
    for pixels in (RGB, photo(dtype=np.uint16)):
        written = encode_picture(read_picture(png_of(pixels, 2, extra=extra)))
        parts = dict(png_parts(written))
        assert {name: parts.get(name) for name in wanted} == wanted and b"tEXt" not in parts
