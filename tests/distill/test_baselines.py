"""Laws of the classical methods: each recovers some blur, leaves flat pictures alone, and is tuned by its best PSNR."""

import cv2
import numpy as np
import pytest
from skimage import data

from distill.baselines import mean_kernel, richardson_lucy_deconvolution, tune, tuned, unsharp, wiener_deconvolution
from distill.cas import cas
from distill.metrics import psnr

_TAPS = np.exp(-(np.arange(-4, 5) ** 2) / (2 * 1.5**2))
GAUSSIAN = (np.outer(_TAPS, _TAPS) / _TAPS.sum() ** 2).astype(np.float32)
METHODS = {
    "unsharp": lambda pixels: unsharp(pixels, amount=1.5, sigma=1.0),
    "cas": lambda pixels: cas(pixels, strength=0.9),
    "wiener": lambda pixels: wiener_deconvolution(pixels, GAUSSIAN, balance=0.03),
    "richardson-lucy": lambda pixels: richardson_lucy_deconvolution(pixels, GAUSSIAN, iterations=8),
}


@pytest.mark.parametrize("name", METHODS)
def test_every_baseline_recovers_some_of_a_gaussian_blur(name):
    clean = data.chelsea()
    soft = cv2.GaussianBlur(clean, (9, 9), 1.5)
    restored = METHODS[name](soft)
    assert restored.shape == clean.shape and restored.dtype == np.uint8
    assert psnr(clean, restored) > psnr(clean, soft) + 0.5


@pytest.mark.parametrize("name", ["unsharp", "cas"])
def test_a_flat_picture_stays_as_it_is(name):
    flat = np.full((20, 31, 3), (10, 128, 250), np.uint8)
    np.testing.assert_allclose(METHODS[name](flat).astype(int), flat, atol=1)  # ffmpeg's cas rounds down


def test_cas_at_an_edge_is_the_published_formula():
    # weight of each of four neighbours: -sqrt(min(low, 510 - high) / high) / (16 + s * (4.03 - 16)); low and high are
    # the least and the largest of the 3x3 surroundings plus those of the cross (AMD's CAS, ffmpeg's 16 and 4.03)
    edge = np.full((8, 12, 3), 64, np.uint8)
    edge[:, 6:] = 192
    for strength in (0, 0.5, 0.9):
        weight = -np.sqrt(min(2 * 64, 510 - 2 * 192) / (2 * 192)) / (16 + strength * (4.03 - 16))
        row = cas(edge, strength)[4, :, 0].astype(float)
        dark = (64 + weight * (3 * 64 + 192)) / (1 + 4 * weight)
        bright = (192 + weight * (3 * 192 + 64)) / (1 + 4 * weight)
        np.testing.assert_allclose(row, [64] * 5 + [dark, bright] + [192] * 5, atol=1.5)


def test_cas_sharpens_more_with_strength_and_little_at_0():
    soft = cv2.GaussianBlur(data.chelsea(), (9, 9), 1.5)
    changes = [np.abs(cas(soft, strength).astype(int) - soft).mean() for strength in (0, 0.3, 0.6, 0.9)]
    assert changes == sorted(changes) and changes[0] < 0.5 < changes[-1]


def test_cas_keeps_the_channels_apart_and_takes_odd_sizes():
    pixels = data.astronaut()[:33, :65]
    red = pixels * np.uint8([1, 0, 0])
    np.testing.assert_array_equal(cas(red, 0.5)[:, :, 0], cas(pixels, 0.5)[:, :, 0])
    assert not cas(red, 0.5)[:, :, 1:].any()


@pytest.mark.parametrize("recipe", ["report", "call"])
def test_the_mean_kernel_keeps_brightness_and_place(recipe):
    kernel = mean_kernel(recipe, draws=60)
    offsets = np.arange(kernel.shape[0]) - kernel.shape[0] // 2
    assert kernel.sum() == pytest.approx(1, abs=1e-5)
    assert abs(kernel.sum(0) @ offsets) < 0.3 and abs(kernel.sum(1) @ offsets) < 0.3


def test_the_tuned_setting_is_the_best_of_the_grid():
    found = tune([("a", data.astronaut()[:96, 150:246])], "report", ["cas"])["cas"]
    best = max(found["grid"], key=lambda row: row["psnr"])
    assert found["psnr"] == best["psnr"] and found["settings"] == {"strength": best["strength"]}
    pixels = data.chelsea()[:40, :50]
    np.testing.assert_array_equal(tuned("cas", found["settings"], "report")(pixels), cas(pixels, best["strength"]))
