"""Laws of frames: RGB made of I420 is what a player shows, and a frame keeps its kind, number and time."""

import av
import numpy as np
import pytest
from skimage import data

from engine.live.frames import Frame, YuvFrame, frame_of, pixels_of
from engine.video.reader import upright_rgb

PHOTO = np.ascontiguousarray(data.astronaut()[:120, :200])


def picture(format, pixels=PHOTO):
    """An av.VideoFrame of the photograph."""
    return av.VideoFrame.from_ndarray(pixels, format="rgb24").reformat(format=format)


def test_rgb_of_i420_is_what_a_player_shows_bit_for_bit():
    jpeg = picture("yuvj420p")
    frame = frame_of(pixels_of(jpeg), 7, 1.5)
    assert isinstance(frame, YuvFrame) and frame.size == (120, 200) and (frame.index, frame.captured_at) == (7, 1.5)
    np.testing.assert_array_equal(frame.pixels, upright_rgb(jpeg))


def test_full_range_video_that_is_no_jpeg_keeps_its_colours():
    green = np.full((16, 16, 3), (40, 200, 40), np.uint8)
    source = av.VideoFrame.from_ndarray(green, format="rgb24")
    video = source.reformat(format="yuvj420p", dst_colorspace="ITU709", dst_color_range="JPEG")
    assert np.abs(frame_of(pixels_of(video), 0, 0.0).pixels.astype(int) - green).max() <= 2


def test_black_white_and_grey_keep_their_levels():
    for level in (0, 1, 128, 254, 255):
        yuv = np.vstack([np.full((8, 8), level, np.uint8), np.full((4, 8), 128, np.uint8)])
        assert np.unique(YuvFrame(yuv, 0, 0.0).pixels).tolist() == [level]


@pytest.mark.parametrize("format", ["yuv420p", "yuv422p", "rgb24", "gray", "yuvj444p"])
def test_what_no_camera_sends_as_jpegs_becomes_rgb(format):
    frame = frame_of(pixels_of(picture(format)), 0, 0.0)
    assert isinstance(frame, Frame) and frame.size == (120, 200)


def test_odd_sizes_become_rgb():
    odd = picture("yuvj420p", np.ascontiguousarray(PHOTO[:119, :199]))
    assert frame_of(pixels_of(odd), 0, 0.0).pixels.shape == (119, 199, 3)


def test_with_other_pixels_it_is_the_same_moment():
    frame = frame_of(pixels_of(picture("yuvj422p")), 7, 1.5)
    for changed, kind in ((frame.yuv // 2, YuvFrame), (frame.pixels // 2, Frame)):
        other = frame.with_pixels(changed)
        assert isinstance(other, kind) and (other.index, other.captured_at, other.size) == (7, 1.5, (120, 200))
