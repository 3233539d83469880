"""Laws of steadiness: still noise flickers less, what moves is never held back; and flicker is measured right."""

import itertools
from pathlib import Path

import cv2
import numpy as np
import pytest
from skimage import data

from engine.degradation import Degradation
from engine.live import steady as steady_module
from engine.live.flicker import Flicker, measure_flicker
from engine.live.frames import Frame
from engine.live.steady import STILL, Steady
from engine.live.stream_sharpener import StreamSharpener
from engine.pixels import ZERO, as_levels
from engine.video.reader import VideoReader, upright_rgb

CLIPS = Path(__file__).resolve().parents[4] / "shared" / "data" / "video"
SCENE = cv2.GaussianBlur(data.astronaut(), (0, 0), 2.0)
LUMA = cv2.cvtColor(SCENE, cv2.COLOR_RGB2GRAY)[:, :, None]


def noisy(picture, rng, noise=3.0):
    return np.clip(picture + rng.normal(0, noise, picture.shape), 0, 255).round().astype(np.uint8)


def amplified(seen):
    """What an unsharp mask would add: it makes noise stronger."""
    return 2 * (seen.astype(np.float32) - cv2.GaussianBlur(seen, (0, 0), 1.5)[:, :, None])


def test_noise_that_stands_still_changes_as_a_mean_of_frames_does():
    rng, steady, plain, kept = np.random.default_rng(0), Steady(), [], []
    for _ in range(24):
        seen = noisy(LUMA, rng)
        residual = amplified(seen)
        plain.append(residual)
        kept.append(steady(seen, residual, Degradation(noise=3)).copy())

    def change(residuals):
        return float(np.mean([np.abs(after - before).mean() for before, after in itertools.pairwise(residuals[8:])]))

    # an exponential mean of independent values changes by share x sqrt(2 / (2 - share)) / sqrt(2) of theirs
    expected = STILL / np.sqrt(2 - STILL)
    assert change(kept) / change(plain) == pytest.approx(expected, rel=0.15)


def test_what_moves_is_sharpened_as_if_by_itself_and_leaves_no_ghost():
    rng, steady = np.random.default_rng(1), Steady()
    side, height, width = 96, 256, 384
    ground = np.full((height, width, 1), 90.0) + 10 * np.sin(np.arange(width) / 9)[None, :, None]
    mover = 230.0 - LUMA[100 : 100 + side, 180 : 180 + side] / 2
    for index in range(12):
        picture, left = ground.copy(), 20 + 16 * index
        picture[80 : 80 + side, left : left + side] = mover
        seen = noisy(picture, rng)
        residual = amplified(seen)
        kept = steady(seen, residual, Degradation(noise=3)).copy()
        if index < 2:
            continue
        edge = slice(left - 16, left), slice(left + side - 16, left + side)  # uncovered and covered just now
        for columns in edge:
            inside = kept[84 : 76 + side, columns] - residual[84 : 76 + side, columns]
            assert np.abs(inside).mean() < 0.25 * np.abs(residual[84 : 76 + side, columns]).mean()


def test_a_cut_and_another_size_begin_anew():
    steady = Steady()
    steady(LUMA, amplified(LUMA), None)
    other = np.ascontiguousarray(255 - LUMA)
    np.testing.assert_allclose(steady(other, amplified(other), None), amplified(other), atol=1e-3)
    small = np.ascontiguousarray(LUMA[:101, :97])
    np.testing.assert_array_equal(steady(small, amplified(small), None), amplified(small))
    steady.reset()
    np.testing.assert_array_equal(steady(small, amplified(small) + 5, None), amplified(small) + 5)


@pytest.mark.parametrize("height, width", [(1, 1), (3, 5), (17, 129)])
def test_any_size_and_three_channels_pass(height, width):
    for channels in (1, 3):
        steady, seen = Steady(), np.zeros((height, width, channels), np.uint8)
        for _ in range(3):
            residual = np.ones(seen.shape, np.float32)
            assert steady(seen, residual, None).shape == seen.shape


@pytest.mark.parametrize("height, width", [(256, 384), (101, 97), (270, 683)])
def test_only_columns_where_nothing_moves_are_left_out(height, width, monkeypatch):
    def kept():
        rng, steady = np.random.default_rng(3), Steady()
        for index in range(8):
            seen = np.full((height, width, 1), 90, np.uint8)
            top, left = (37 * index) % (height - 20), (61 * index) % (width - 20)
            seen[top : top + 20, left : left + 20] = 200
            yield steady(seen, rng.normal(0, 9, seen.shape).astype(np.float32), None).copy()

    found = list(kept())
    monkeypatch.setattr(steady_module, "_span", lambda *_: slice(None))
    np.testing.assert_array_equal(found, list(kept()))


def test_the_students_own_residual_is_not_written_to():
    steady, residual = Steady(), amplified(LUMA)
    kept = residual.copy()
    for _ in range(3):
        steady(LUMA, residual, None)
    np.testing.assert_array_equal(residual, kept)


def test_a_residual_in_8_bits_is_kept_steady_as_one_in_grey_levels():
    rng, steady, in_8_bits = np.random.default_rng(4), Steady(), Steady()
    for _ in range(10):
        seen = noisy(LUMA, rng)
        whole = np.clip(np.rint(amplified(seen)), -ZERO, 127)
        kept = steady(seen, whole, None)
        rounded = in_8_bits(seen, (whole + ZERO).astype(np.uint8), None)
        assert rounded.dtype == np.uint8
        assert np.abs(as_levels(rounded) - kept).max() <= 0.501  # what rounding to whole levels costs


def test_flicker_counts_still_pixels_alone_and_a_doubled_change_is_2():
    rng, flicker = np.random.default_rng(2), Flicker()
    clean = np.full((64, 64), 100, np.uint8)
    for index in range(6):
        moved = clean.copy()
        moved[:, 32:] = 20 * index  # the right half moves
        noise = rng.integers(0, 5, clean.shape)
        flicker.add(moved, (moved + noise).astype(np.uint8), (moved + 2 * noise).astype(np.uint8))
    figures = flicker.figures()
    assert figures["ratio"] == pytest.approx(2.0, abs=0.001)
    assert 0 < flicker.pixels <= 5 * 64 * 32


def test_flicker_of_added_noise_is_what_statistics_say():
    class Same:
        def __call__(self, frame, strength):
            return frame.pixels

    clean = [np.full((64, 64, 3), 128, np.uint8)] * 10
    figures = measure_flicker(clean, Same(), noise=4.0)
    # the difference of two normal numbers: mean absolute value 2 / sqrt(pi) x deviation, which in luma is
    # 4 x sqrt(0.299^2 + 0.587^2 + 0.114^2), and rounding to whole levels
    assert figures["ratio"] == 1.0
    assert figures["before"] == pytest.approx(2 / np.sqrt(np.pi) * 4 * 0.6686, rel=0.03)


@pytest.mark.skipif(not CLIPS.is_dir(), reason="needs the clips of ../shared/data/video")
@pytest.mark.parametrize("clip", [1, 2, 3])
def test_sharpening_a_soft_noisy_clip_does_not_make_it_flicker(clip):
    """Blur 2 and noise 1: the most that a student amplifies among those that were measured (engine.live.flicker)."""
    with VideoReader(CLIPS / f"clip_0{clip}.mp4") as reader, StreamSharpener("small", steady=Steady()) as sharpener:
        frames = [upright_rgb(frame) for frame in itertools.islice(reader.frames(), 12)]
        figures = measure_flicker(frames, sharpener, noise=1.0, blur=2.0)
        sharp = sharpener(Frame(cv2.GaussianBlur(frames[-1], (0, 0), 2.0), 12, 0.4), 1.0)
    assert figures["ratio"] < 1.5
    before = cv2.GaussianBlur(frames[-1], (0, 0), 2.0)
    assert np.abs(sharp.astype(int) - before).mean() > 0.5  # it does sharpen
