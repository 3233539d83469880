"""Laws of the coders: more bits bring a picture closer, on its grid, with its colours, the same bytes each time."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from skimage import data

from distill.codecs import VIDEO_CODERS, jpeg, video
from distill.metrics import psnr

PICTURE = np.ascontiguousarray(data.chelsea()[:240, 60:380])
every_coder = pytest.mark.parametrize("coder", VIDEO_CODERS)


def panned(picture, step=(2, -3), count=6):
    """Frames that end on the picture itself, each `step` pixels on from the one before."""
    canvas = np.pad(picture, ((24, 24), (24, 24), (0, 0)), mode="edge")
    corners = [(24 - ago * step[0], 24 - ago * step[1]) for ago in reversed(range(count))]
    return [canvas[top : top + picture.shape[0], left : left + picture.shape[1]] for top, left in corners]


@every_coder
def test_a_higher_bit_rate_brings_a_picture_closer_to_what_was_sent(coder):
    frames = panned(PICTURE)
    low, middle, high = (psnr(PICTURE, video(frames, coder, bits)) for bits in (0.04, 0.25, 4))
    assert low + 1 < middle < high - 1
    assert low > 12


def test_a_higher_quality_brings_a_jpeg_closer_to_the_picture():
    low, middle, high = (psnr(PICTURE, jpeg(PICTURE, quality)) for quality in (30, 60, 95))
    assert low + 1 < middle < high - 1


@every_coder
def test_the_kept_frame_lies_on_the_pixel_where_it_was_sent(coder):
    received = video(panned(PICTURE), coder, 6)
    middle = np.s_[8:-8, 8:-8]
    errors = {
        (y, x): np.mean((np.roll(received, (y, x), (0, 1))[middle] - PICTURE[middle].astype(float)) ** 2)
        for y in (-2, -1, 0, 1, 2)
        for x in (-2, -1, 0, 1, 2)
    }
    assert min(errors, key=errors.get) == (0, 0)
    # nor half a pixel off: what is left does not lean to one side
    for left, right in (((0, 1), (0, -1)), ((1, 0), (-1, 0))):
        assert errors[left] == pytest.approx(errors[right], rel=0.1)


@every_coder
def test_colours_come_back_within_a_level(coder):
    red, grey = np.full((64, 64, 3), (200, 40, 60), np.uint8), np.full((64, 64, 3), 128, np.uint8)
    for picture in (red, grey, 0 * grey, 0 * grey + 255):
        received = video([picture] * 6, coder, 6)
        assert np.abs(received.mean((0, 1)) - picture.mean((0, 1))).max() <= 1.5
    received = video(panned(PICTURE), coder, 6)
    assert np.abs(received.mean((0, 1)) - PICTURE.mean((0, 1))).max() <= 1


@every_coder
def test_the_same_frames_make_the_same_bytes(coder):
    frames = panned(PICTURE[:120, :160])
    np.testing.assert_array_equal(video(frames, coder, 0.1), video(frames, coder, 0.1))


@settings(max_examples=12, deadline=None)
@given(
    height=st.integers(64, 97),
    width=st.integers(64, 97),
    coder=st.sampled_from(list(VIDEO_CODERS)),
    bits=st.floats(0.01, 1),
)
def test_any_size_from_64_pixels_keeps_its_size(height, width, coder, bits):
    received = video(panned(PICTURE[:height, :width]), coder, bits)
    assert received.shape == (height, width, 3) and received.dtype == np.uint8
