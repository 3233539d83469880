"""Laws of the test pattern: what is drawn can be read back after all that happens to a frame on its way."""

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from skimage import data

from engine.errors import BadSetting
from engine.live.frames import Frame
from engine.live.pattern import Code, TestPattern, background, draw_code, read_code
from engine.live.stream_sharpener import StreamSharpener
from tests.engine.live.fakes import FakeClock
from tests.engine.students_for_tests import random_card


def drawn(index=123_456, now_s=7_654.321, height=360, width=640):
    pixels = background(height, width)
    draw_code(pixels, index, now_s)
    return pixels


@given(st.integers(0, 2**24 - 1), st.integers(0, 2**32 - 1))
def test_every_index_and_time_comes_back(index, time_ms):
    assert read_code(drawn(index, time_ms / 1e3, 48, 128)) == Code(index, time_ms)


@pytest.mark.parametrize("height, width", [(48, 128), (101, 333), (480, 640), (719, 1281), (1080, 1920)])
def test_any_size_holds_it(height, width):
    assert read_code(drawn(height=height, width=width)) == Code(123_456, 7_654_321)


def jpeg(pixels):
    return cv2.imdecode(cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, 40])[1], cv2.IMREAD_COLOR)


def i420(pixels):
    return cv2.cvtColor(cv2.cvtColor(pixels, cv2.COLOR_RGB2YUV_I420), cv2.COLOR_YUV2RGB_I420)


@pytest.mark.parametrize(
    "change",
    [
        jpeg,
        i420,
        lambda pixels: cv2.resize(pixels, (320, 180), interpolation=cv2.INTER_AREA),
        lambda pixels: cv2.resize(pixels, (1280, 720)),
        lambda pixels: cv2.GaussianBlur(pixels, (0, 0), 2),
        lambda pixels: pixels[:, :, 1],
        lambda pixels: jpeg(cv2.resize(i420(pixels), (480, 270), interpolation=cv2.INTER_AREA)),
    ],
    ids=["jpeg", "i420", "half", "double", "blur", "grey", "all"],
)
def test_it_survives_what_happens_to_frames(change):
    for index in (0, 1, 2**24 - 1, 5_592_405):
        assert read_code(change(drawn(index))) == Code(index, 7_654_321)


def test_it_survives_a_strong_student():
    pixels = drawn()
    with StreamSharpener(random_card("nano", seed=3), backend="onnx") as sharpener:
        assert read_code(sharpener(Frame(pixels, 0, 0.0), 2.0)) == Code(123_456, 7_654_321)


@pytest.mark.parametrize(
    "picture",
    [
        np.zeros((360, 640, 3), np.uint8), np.full((360, 640, 3), 255, np.uint8), data.astronaut(), data.coffee(),
        background(360, 640), np.zeros((4, 4, 3), np.uint8),
    ],
    ids=["black", "white", "astronaut", "coffee", "pattern without", "tiny"],
)  # fmt: skip
def test_a_picture_without_a_code_holds_none(picture):
    assert read_code(picture) is None


def test_a_damaged_code_is_none_not_another():
    for column in range(32):
        pixels = drawn()
        pixels[:15, 20 * column : 20 * column + 20] = 255 - pixels[:15, 20 * column : 20 * column + 20]
        assert read_code(pixels) is None


def test_the_age_goes_over_the_end_of_its_range():
    assert Code(0, 2**32 - 5).age_ms((2**32 + 20) / 1e3) == 25


def test_the_source_counts_keeps_its_pace_and_is_smooth_in_colour():
    clock = FakeClock()
    with TestPattern(180, 320, 25, clock, clock.sleep) as source:
        frames = [source.read() for _ in range(26)]
    assert [frame.index for frame in frames] == [read_code(frame.pixels).index for frame in frames] == list(range(26))
    assert frames[-1].captured_at - frames[0].captured_at == pytest.approx(1.0)
    assert read_code(frames[3].pixels).age_ms(frames[3].captured_at) == 0
    error = np.abs(i420(frames[0].pixels).astype(int) - frames[0].pixels)
    assert error.mean() < 2.0  # a call's colour subsampling leaves it as it is
    assert any((a.pixels != b.pixels).any() for a, b in zip(frames, frames[1:]))


def test_a_late_reader_is_not_flooded():
    clock = FakeClock()
    source = TestPattern(48, 128, 10, clock, clock.sleep)
    source.read()
    clock.now += 5
    source.read()
    before = clock.now
    source.read()
    assert clock.now - before == pytest.approx(0.1)


def test_too_small_a_pattern_is_refused():
    with pytest.raises(BadSetting, match="128x48 pixels or more"):
        TestPattern(40, 640)
