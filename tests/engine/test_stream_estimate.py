"""Laws of following a stream: seldom measured, smooth, calm, believed at once after a cut."""

import math
import time
from pathlib import Path

import cv2
import numpy as np
import pytest
from skimage import data

from engine.degradation import Degradation
from engine.estimate import TILE, Estimator
from engine.stream_estimate import LEAST_CHANGE, PERIOD_S, SMOOTHING_S, TILES, StreamEstimator
from tests.engine.students_for_tests import mixture_card

CLIPS = Path(__file__).resolve().parents[3] / "shared" / "data" / "video"
SCENE = data.astronaut()
OTHER = data.coffee()[:400, :512]


class Told:
    """An estimator that finds what it is told to, and counts."""

    def __init__(self, blur):
        self.blur, self.calls = blur, 0

    def of_tiles(self, tiles):
        assert 1 <= len(tiles) <= TILES and all(tile.ndim == 2 and max(tile.shape) <= TILE for tile in tiles)
        self.calls += 1
        return np.array(Degradation(blur=self.blur).vector(), np.float32)


def follow(stream, seconds, start=0.0, fps=25, scene=SCENE):
    """What is said for each frame of a still scene."""
    return [stream(scene, start + frame / fps) for frame in range(round(seconds * fps))]


def test_the_first_frame_is_measured_and_believed():
    assert StreamEstimator(Told(1.5))(SCENE, 100.0).blur == pytest.approx(1.5)


def test_a_stream_is_measured_a_few_times_a_second():
    told = Told(1.0)
    follow(StreamEstimator(told), 10)
    assert told.calls == pytest.approx(10 / PERIOD_S, abs=1)


@pytest.mark.parametrize("to", [2.5, 0.5])
def test_a_change_is_taken_over_exponentially_in_time(to):
    told = Told(1.5)
    stream = StreamEstimator(told)
    follow(stream, 2)
    told.blur = to
    said = [one.blur for one in follow(stream, 8, start=2)]
    change = np.abs(np.diff([1.5, *said]))
    assert (np.sign(to - 1.5) * np.diff(said) >= 0).all() and change.max() < 0.35  # never back, no jump
    after = said[round(SMOOTHING_S * 25)]
    expected = to + (1.5 - to) * math.exp(-1)
    assert after == pytest.approx(expected, abs=0.35 * abs(to - 1.5))
    assert said[-1] == pytest.approx(to, abs=2.5 * LEAST_CHANGE)


def test_small_changes_are_not_passed_on():
    told = Told(1.5)
    stream = StreamEstimator(told)
    rng = np.random.default_rng(3)
    said = set()
    for second in range(60):
        told.blur = 1.5 + rng.uniform(-0.1, 0.1)  # 2.5 * LEAST_CHANGE
        said.update(follow(stream, 1, start=second, fps=10))
    assert len(said) <= 2


def test_after_a_cut_the_new_scene_is_measured_at_once():
    told = Told(1.5)
    stream = StreamEstimator(told)
    follow(stream, 3.1, scene=SCENE[:400])
    told.blur = 0.4
    assert stream(OTHER, 3.14).blur == pytest.approx(0.4)


def test_another_size_and_a_jump_back_start_anew():
    told = Told(1.5)
    stream = StreamEstimator(told)
    follow(stream, 2)
    told.blur = 0.4
    assert stream(np.ascontiguousarray(SCENE[:480]), 2.0).blur == pytest.approx(0.4)
    told.blur = 2.0
    assert stream(np.ascontiguousarray(SCENE[:480]), 0.5).blur == pytest.approx(2.0)


def test_flat_frames_say_nothing():
    told = Told(1.5)
    stream = StreamEstimator(told)
    black = np.zeros_like(SCENE)
    assert stream(black, 0.0) == Degradation() and told.calls == 0
    assert stream(SCENE, 0.04).blur == pytest.approx(1.5)


def test_a_pan_noise_and_slow_light_are_no_cuts():
    told = Told(1.5)
    stream = StreamEstimator(told)
    rng, wide = np.random.default_rng(5), cv2.resize(SCENE, (2048, 2048))
    for frame in range(50):
        view = wide[300:1020, 10 * frame : 10 * frame + 1280].astype(np.float32) * (1 - 0.008 * frame)
        stream(np.clip(view + rng.normal(0, 8, view.shape), 0, 255).astype(np.uint8), frame / 25)
    assert told.calls == 4  # once in half a second


def frames(path):
    """(pixels, seconds) of a clip."""
    av = pytest.importorskip("av", reason="PyAV is not installed")
    with av.open(str(path)) as clip:
        for frame in clip.decode(video=0):
            yield frame.to_ndarray(format="rgb24"), frame.time


needs_clips = pytest.mark.skipif(not CLIPS.is_dir(), reason="needs the clips of ../shared/data/video")


@needs_clips
def test_a_real_clip_is_followed_calmly_and_a_cut_to_another_is_seen():
    clips = [list(frames(path))[:75] for path in sorted(CLIPS.glob("*.mp4"))]
    for clip in clips:
        told = Told(1.0)
        stream = StreamEstimator(told)
        for pixels, at_s in clip:
            stream(pixels, at_s)
        assert told.calls <= 1 + clip[-1][1] / PERIOD_S
    told = Told(1.0)
    for first, second in zip(clips, [*clips[1:], clips[0]], strict=True):
        stream = StreamEstimator(told)
        told.blur = 1.0
        before, after = first[-1][0], cv2.resize(second[0][0], first[-1][0].shape[1::-1])
        assert stream(before, 0.0).blur == pytest.approx(1.0)
        told.blur = 2.0
        assert stream(after, 0.04).blur == pytest.approx(2.0)


def test_a_second_of_720p_costs_little():
    pixels = np.ascontiguousarray(cv2.resize(SCENE, (1280, 720)))
    estimator = Estimator(mixture_card(), threads=1)
    stream = StreamEstimator(estimator)
    stream(pixels, 0.0)
    started = time.process_time()
    for frame in range(1, 91):
        stream(pixels, frame / 30)
    spent = (time.process_time() - started) / 3
    estimator.close()
    assert spent < 0.05 and stream.measurements >= 6
