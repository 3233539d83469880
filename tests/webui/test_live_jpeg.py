"""Laws of the live frames' JPEG: the size comes from the header, what is no plain JPEG is refused before decoding."""

import io
import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from engine.errors import BadImage, TooManyPixels
from tests.webui.pictures import SVG, encoded, scene
from webui import live_jpeg
from webui.live_jpeg import decode, encode, size_of

FRAME = encoded(scene(48, 64), "JPEG", quality=95)


@pytest.mark.parametrize(("height", "width"), [(1, 1), (48, 64), (719, 1281)])
def test_a_picture_comes_back_within_the_loss_of_jpeg(height, width):
    pixels = np.full((height, width, 3), (200, 90, 30), np.uint8)
    jpeg = encode(pixels)
    assert size_of(jpeg) == (height, width)
    again = decode(jpeg, height * width)
    assert again.shape == pixels.shape and np.abs(again.astype(int) - pixels).max() <= 4  # colours in their order


def test_pillows_jpegs_decode_to_pillows_pixels():
    with Image.open(io.BytesIO(FRAME)) as image:
        expected = np.asarray(image.convert("RGB")).astype(int)
    assert np.abs(decode(FRAME, 48 * 64) - expected).mean() < 1.5  # two ways to enlarge chroma


def test_grey_frames_are_read_as_grey():
    pixels = decode(encoded(scene(40, 40, 0), "JPEG"), 1600)
    assert pixels.shape == (40, 40, 3) and (pixels[..., 0] == pixels[..., 2]).all()


def test_a_rotation_in_exif_does_not_turn_a_frame():
    exif = Image.Exif()
    exif[0x0112] = 6
    assert decode(encoded(scene(20, 30), "JPEG", exif=exif), 600).shape == (20, 30, 3)


def claiming(height, width):
    """FRAME with another size in its header."""
    at = FRAME.index(b"\xff\xc0")
    return FRAME[: at + 5] + struct.pack(">HH", height, width) + FRAME[at + 9 :]


def test_a_size_above_the_limit_is_refused_from_the_header_alone(monkeypatch):
    monkeypatch.setattr(live_jpeg.cv2, "imdecode", None)  # calling it would fail
    with pytest.raises(TooManyPixels, match="65000 x 65000"):
        decode(claiming(65_000, 65_000), 1920 * 1080)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\xff\xd8\xff",
        b"just words",
        SVG,
        encoded(scene(9, 9), "PNG"),
        encoded(scene(9, 9), "WEBP"),
        encoded(scene(9, 9), "GIF"),
        FRAME[: len(FRAME) // 2],
        FRAME[:-2],
        FRAME[:100],
        claiming(0, 64),
        encoded(scene(40, 40), "JPEG", progressive=True),
        encoded(np.zeros((9, 9, 4), np.uint8).view(), "PNG"),
        b"\xff\xd8\xff" + b"\xe0\x00\x02\xff" * 5000,
        b"\xff\xd8\xff\xe0\x00\x00",
    ],
)
def test_what_is_no_plain_jpeg_is_refused_in_one_line(content):
    with pytest.raises(BadImage) as caught:
        decode(content, 10_000)
    assert "\n" not in str(caught.value)


@given(st.binary(max_size=300))
def test_any_bytes_are_a_picture_or_a_refusal(tail):
    for content in (tail, FRAME[:20] + tail, FRAME[:-200] + tail + b"\xff\xd9"):
        try:
            pixels = decode(content, 48 * 64)
        except BadImage:
            continue
        assert pixels.dtype == np.uint8 and pixels.shape[2] == 3
