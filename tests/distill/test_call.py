"""Laws of the call recipe: what it draws, that a draw is replayed, and that the truth it tells is what it did."""

from dataclasses import replace

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from skimage import data

from distill.baselines import mean_kernel
from distill.call import CallDegradation
from distill.codecs import VIDEO_CODERS

PICTURE = np.ascontiguousarray(data.chelsea()[:240, 60:380])
GREY = np.full((240, 320, 3), 128, np.uint8)
BLURS = [
    {"blur": "defocus", "extent": 1.0},
    {"blur": "defocus", "extent": 3.0},
    {"blur": "motion", "extent": 9.0, "angle": 0.0},
    {"blur": "motion", "extent": 6.5, "angle": 2.2},
]
any_draw = st.integers(0, 2**32).map(lambda seed: CallDegradation.sample(np.random.default_rng(seed)))


def luma(pixels):
    return pixels.astype(np.float64) @ (0.299, 0.587, 0.114)


def test_draws_have_the_shares_and_ranges_that_are_promised():
    rng = np.random.default_rng(0)
    draws = [CallDegradation.sample(rng) for _ in range(3000)]

    def share(true):
        return np.mean([true(draw) for draw in draws])

    slack = 4 * 0.5 / np.sqrt(3000)
    assert share(lambda draw: draw.noise == 0) == pytest.approx(1 / 4, abs=slack)
    assert share(lambda draw: draw.factor == 1) == pytest.approx(1 / 3, abs=slack)
    for coder in ("none", "jpeg", *VIDEO_CODERS):
        assert share(lambda draw, coder=coder: draw.coder == coder) == pytest.approx(1 / 6, abs=slack)
    for draw in draws:
        assert draw.blur == "none" or 0 <= draw.extent <= (3 if draw.blur == "defocus" else 9)
        assert draw.factor == 1 or 1.5 <= draw.factor <= 3
        assert 1 <= draw.exposure <= 4
        assert draw.coder != "jpeg" or 30 <= draw.jpeg_quality <= 95
        assert draw.coder not in VIDEO_CODERS or (0.04 <= draw.bits_per_pixel <= 0.3 and 5 <= draw.frames <= 8)
        assert all(isinstance(value, str | int | float) for value in draw.record().values())


@settings(max_examples=15, deadline=None)
@given(draw=any_draw, height=st.integers(64, 101), width=st.integers(64, 101))
def test_any_size_is_kept_and_a_draw_is_replayed_from_its_record(draw, height, width):
    picture = PICTURE[:height, :width]
    degraded, truth = draw.degrade(picture)
    assert degraded.shape == picture.shape and degraded.dtype == np.uint8
    again, same_truth = CallDegradation(**draw.record()).degrade(picture)
    np.testing.assert_array_equal(again, degraded)
    assert same_truth == truth
    np.testing.assert_array_equal(draw.apply(picture), degraded)


def test_nothing_drawn_is_nothing_done():
    degraded, truth = CallDegradation().degrade(PICTURE)
    np.testing.assert_array_equal(degraded, PICTURE)
    assert truth.vector() == (0, 0, 0, 0)


@pytest.mark.parametrize("blur", BLURS)
def test_a_blur_kernel_is_centred_sums_to_1_and_has_the_width_of_its_disc_or_line(blur):
    draw = CallDegradation(**blur)
    kernel, offsets = draw.taps().astype(float), np.arange(-5, 6)
    assert kernel.sum() == pytest.approx(1, abs=1e-6) and kernel.min() >= 0
    assert abs(kernel.sum(0) @ offsets) < 1e-6 and abs(kernel.sum(1) @ offsets) < 1e-6
    moments = kernel.sum(0) @ offsets**2 + kernel.sum(1) @ offsets**2
    # both axes together: a disc's r^2 / 2, a line's length^2 / 12; the soft edges add up to about half a pixel's width
    ideal = draw.extent**2 / (2 if draw.blur == "defocus" else 12)
    assert ideal < moments < ideal + 0.55


def test_a_motion_runs_along_its_angle():
    kernel = CallDegradation(blur="motion", extent=7.0, angle=np.pi / 4).taps()
    assert np.trace(kernel) > 0.4 > 0.2 > np.trace(kernel[::-1])


@pytest.mark.parametrize("factor", [1.0, 1.5, 2.0, 2.4, 3.0])
@pytest.mark.parametrize("down, up", [("area", "bilinear"), ("bilinear", "bicubic"), ("bicubic", "bilinear")])
def test_the_effective_blur_is_the_width_of_the_measured_point_spread(factor, down, up):
    draw = CallDegradation(blur="defocus", extent=2.0, factor=factor, down=down, up=up)
    side, reach = 120, 25
    spread = np.zeros((2 * reach + 1, 2 * reach + 1))
    for place in range(144):  # every place that a point can have on the small pictures' grids
        top, left = 54 + place // 12, 54 + place % 12
        point = np.zeros((side, side), np.float32)
        point[top, left] = 1
        around = draw.soften(point)[top - reach : top + reach + 1, left - reach : left + reach + 1]
        spread += around / 144
    offsets = np.arange(-reach, reach + 1)
    moments = spread.sum(0) @ offsets**2 + spread.sum(1) @ offsets**2
    assert spread.sum() == pytest.approx(1, abs=1e-3)
    assert draw.effective_blur(side, side) == pytest.approx(np.sqrt(moments / 2), abs=0.04)


@pytest.mark.parametrize("noise", [0.5, 2.0, 6.0])
@pytest.mark.parametrize("shot", [0.6, 1.0])
def test_noise_on_mid_grey_is_as_strong_as_it_says_and_the_truth_measures_it(noise, shot):
    degraded, truth = CallDegradation(noise=noise, shot=shot, noise_seed=1).degrade(GREY)
    # independent channels; rounding to 8 bits adds 1/12 to each channel's variance
    expected = np.sqrt(noise**2 + (0.299**2 + 0.587**2 + 0.114**2) / 12)
    assert np.std(luma(degraded)) == pytest.approx(expected, rel=0.02)
    assert truth.noise == pytest.approx(expected, rel=0.02)


@pytest.mark.parametrize("exposure", [1.0, 2.0, 4.0])
def test_low_light_keeps_the_mean_brightness_and_adds_noise(exposure):
    draw = CallDegradation(noise=2.0, shot=0.8, exposure=exposure, noise_seed=2)
    degraded, truth = draw.degrade(PICTURE)
    assert luma(degraded).mean() == pytest.approx(luma(PICTURE).mean(), abs=0.5)
    # variance of photons grows with the gain, that of electronics with its square
    _, on_grey = draw.degrade(GREY)
    assert on_grey.noise == pytest.approx(2 * np.sqrt(0.8 * exposure + 0.2 * exposure**2), rel=0.03)
    assert truth.noise > 0


def test_without_noise_low_light_changes_nothing():
    np.testing.assert_array_equal(CallDegradation(exposure=3.0).apply(PICTURE), PICTURE)


def test_compression_is_what_the_coder_alone_changed_in_luma():
    noisy = CallDegradation(noise=3.0, noise_seed=5)
    before = noisy.apply(PICTURE)
    after, truth = replace(noisy, coder="jpeg", jpeg_quality=40).degrade(PICTURE)
    assert truth.compression == pytest.approx(np.sqrt(np.mean((luma(after) - luma(before)) ** 2)), rel=1e-3)
    assert noisy.degrade(PICTURE)[1].compression == 0


@pytest.mark.parametrize("coder", VIDEO_CODERS)
def test_a_stream_with_bits_to_spare_ends_on_the_picture(coder):
    draw = CallDegradation(coder=coder, bits_per_pixel=6.0, frames=6, pan_y=3, pan_x=-2)
    degraded, truth = draw.degrade(PICTURE)
    assert truth.compression < 5
    shift, _ = cv2.phaseCorrelate(luma(PICTURE), luma(degraded))
    assert np.abs(shift).max() < 0.05  # pixels


def test_the_camera_moves_and_its_grain_is_new_in_each_frame():
    draw = CallDegradation(noise=4.0, noise_seed=3, coder="vp8", bits_per_pixel=0.1, frames=5, pan_y=2, pan_x=1)
    frames = draw._stream(GREY.astype(np.float32))
    assert len(frames) == 5
    for older, newer in zip(frames, frames[1:], strict=False):
        assert abs(np.corrcoef(luma(older).ravel(), luma(newer).ravel())[0, 1]) < 0.05
    still = replace(draw, noise=0.0)._stream(PICTURE.astype(np.float32))
    np.testing.assert_array_equal(still[-1], PICTURE)
    np.testing.assert_array_equal(still[-2][2:, 1:], PICTURE[:-2, :-1])


def test_the_mean_kernel_of_the_recipe_is_a_centred_blur():
    kernel = mean_kernel("call", draws=200)
    offsets = np.arange(len(kernel)) - len(kernel) // 2
    assert kernel.sum() == pytest.approx(1, abs=1e-5)
    assert abs(kernel.sum(0) @ offsets) < 0.1 and abs(kernel.sum(1) @ offsets) < 0.1
