"""Laws of a student that follows a stream: it equals the sharpener, can be exchanged, no frame waits for measuring."""

import threading
import time

import av
import cv2
import numpy as np
import pytest
from skimage import data

from engine.compiled import degradation_of, step_of
from engine.errors import UnknownModel
from engine.estimate import Estimator
from engine.live.frames import Frame, frame_of, pixels_of
from engine.live.stream_sharpener import StreamSharpener
from engine.sharpener import Sharpener
from tests.engine.students_for_tests import mixture_card, random_card

SOFT = cv2.GaussianBlur(data.astronaut(), (0, 0), 1.8)[:303, :401]


def frame(index=0, pixels=SOFT):
    return Frame(np.ascontiguousarray(pixels), index, index / 30)


def wait_until(what):
    deadline = time.monotonic() + 60
    while not what():
        assert time.monotonic() < deadline
        time.sleep(0.01)


@pytest.mark.parametrize("strength", [0.5, 1.0, 1.7])
@pytest.mark.parametrize("card", [random_card(), mixture_card(), random_card("report")], ids=["blind", "mixed", "rgb"])
def test_a_frame_is_sharpened_as_the_sharpener_does_it(card, strength):
    small = frame(pixels=SOFT[100:163, 100:171])  # the report's student takes its time
    with StreamSharpener(card, backend="onnx") as stream, Sharpener(card, backend="onnx") as still:
        sharp = stream(small, strength)
        expected = still(small.pixels, strength, degradation=stream.degradation)
    np.testing.assert_array_equal(sharp, expected)


def yuv_frame(pixels):
    """Pixels as a camera's JPEG has them."""
    return frame_of(pixels_of(av.VideoFrame.from_ndarray(pixels, format="rgb24").reformat(format="yuvj420p")), 0, 0.0)


@pytest.mark.parametrize("strength", [0.5, 1.0, 1.7])
@pytest.mark.parametrize("card", [random_card(), mixture_card()], ids=["blind", "mixed"])
def test_of_a_cameras_jpeg_the_luma_alone_is_changed(card, strength):
    small = yuv_frame(np.ascontiguousarray(SOFT[100:164, 100:172]))
    with StreamSharpener(card, backend="onnx") as stream, Sharpener(card, backend="onnx") as still:
        sharp = stream(small, strength)
        expected = still(small.luma, strength, degradation=stream.degradation)
        in_rgb = stream(Frame(small.pixels, 0, 0.0), strength)
    np.testing.assert_array_equal(sharp[:64], expected)
    np.testing.assert_array_equal(sharp[64:], small.yuv[64:])
    assert (sharp[:64] != small.luma).any()
    # the same number added to R, G and B is added to luma: but for rounding, and colours that are clipped
    inside = (small.pixels > 60).all(axis=2) & (small.pixels < 195).all(axis=2)
    assert np.abs(small.with_pixels(sharp).pixels.astype(int) - in_rgb)[inside].max() <= 3


def test_a_student_of_colours_is_given_a_cameras_jpeg_in_rgb():
    card, small = random_card("report"), yuv_frame(np.ascontiguousarray(SOFT[100:132, 100:132]))
    with StreamSharpener(card, backend="onnx") as stream, Sharpener(card, backend="onnx") as still:
        np.testing.assert_array_equal(stream(small, 1.0), still(small.pixels, 1.0))
        assert stream(small, 0) is small.pixels


def test_strength_0_gives_the_very_pixels():
    with StreamSharpener(random_card(), backend="onnx") as stream:
        first = frame()
        assert stream(first, 0) is first.pixels
        jpeg = yuv_frame(np.ascontiguousarray(SOFT[:302, :400]))
        assert stream(jpeg, 0) is jpeg.yuv


def test_in_the_background_it_comes_to_the_same_student():
    card = mixture_card()
    with StreamSharpener(card, backend="onnx", background=True) as stream, Sharpener(card, backend="onnx") as still:
        unmeasured = stream(frame(0), 1.0)
        wait_until(lambda: stream.degradation is not None)
        sharp = stream(frame(0), 1.0)
        expected = still(frame().pixels, 1.0, degradation=degradation_of(step_of(stream.degradation)))
        np.testing.assert_array_equal(sharp, expected)
        assert (unmeasured != sharp).any()
    assert not [thread for thread in threading.enumerate() if thread.name == "whetstone-measure"]


def test_no_frame_waits_while_the_stream_is_measured(monkeypatch):
    measuring, go_on = threading.Event(), threading.Event()
    real = Estimator.of_tiles

    def slow(self, tiles):
        measuring.set()
        assert go_on.wait(60)
        return real(self, tiles)

    monkeypatch.setattr(Estimator, "of_tiles", slow)
    with StreamSharpener(mixture_card(), backend="onnx", background=True) as stream:
        stream(frame(0), 1.0)
        assert measuring.wait(60)
        for index in range(1, 4):
            assert stream(frame(index), 1.0).shape == SOFT.shape  # it would not come back from here
        assert stream.degradation is None
        go_on.set()
        wait_until(lambda: stream.degradation is not None)


@pytest.mark.parametrize("background", [False, True])
def test_another_student_sharpens_the_next_frame(background):
    first, second = random_card(seed=1), random_card(seed=2)
    with (
        StreamSharpener(first, backend="onnx", background=background) as stream,
        Sharpener(second, backend="onnx") as still,
    ):
        before = stream(frame(0), 1.0)
        stream.use(second)
        after = stream(frame(1), 1.0)
        np.testing.assert_array_equal(after, still(frame().pixels))
        assert (before != after).any()
        with pytest.raises(UnknownModel):
            stream.use("enormous")
        np.testing.assert_array_equal(stream(frame(2), 1.0), after)


def test_students_may_be_exchanged_while_frames_run():
    cards, stop, errors = [mixture_card(seed=1), mixture_card(seed=2)], threading.Event(), []
    with StreamSharpener(cards[0], backend="onnx", background=True) as stream:

        def frames():
            index = 0
            try:
                while not stop.is_set():
                    stream(frame(index), 1.5)
                    index += 1
            except Exception as error:
                errors.append(error)

        worker = threading.Thread(target=frames)
        worker.start()
        for turn in range(6):
            stream.use(cards[turn % 2])
        stop.set()
        worker.join()
    assert errors == []


def test_luma_alone_changes_as_in_the_picture():
    with StreamSharpener(random_card(), backend="onnx") as stream:
        luma = cv2.cvtColor(frame().pixels, cv2.COLOR_RGB2GRAY)
        change = stream.luma_change(luma, 0.0, 1.0)
        sharp = stream(frame(), 1.0).astype(int) - frame().pixels
    inside = (frame().pixels > 60).all(axis=2) & (frame().pixels < 195).all(axis=2)
    np.testing.assert_array_equal(np.rint(change)[inside], sharp[:, :, 0][inside])
