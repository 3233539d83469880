"""Laws of losses and metrics, with numbers worked out by hand."""

import math

import numpy as np
import pytest
from skimage import data

from distill.metrics import psnr, ssim

torch = pytest.importorskip("torch", reason="torch is not installed")
from distill.losses import charbonnier, distillation  # noqa: E402 - after the check that torch is there
from distill.luma import luma, planes  # noqa: E402


def test_equal_pictures_cost_nothing():
    batch = torch.rand(2, 3, 8, 8)
    assert charbonnier(batch, batch) == pytest.approx(0, abs=1e-7)
    assert distillation(batch, batch, batch)["total"] == 0


def test_charbonnier_tends_to_l1_for_large_errors_and_to_a_parabola_for_small():
    zero = torch.zeros(1, 1, 4, 4)
    assert charbonnier(zero + 0.5, zero) == pytest.approx(0.5, abs=1.1e-3)
    assert charbonnier(zero + 1e-4, zero) == pytest.approx(1e-4**2 / 2e-3, rel=0.01)


def test_different_shapes_are_refused():
    with pytest.raises(ValueError, match="shapes differ"):
        charbonnier(torch.zeros(1, 1, 4, 4), torch.zeros(1, 1, 4, 5))


def test_the_reports_loss_weighs_l1_with_a_and_the_teacher_with_1_minus_a():
    restored, clean, taught = (torch.full((1, 3, 4, 4), value) for value in (0.5, 0.4, 0.8))
    terms = distillation(restored, clean, taught, alpha=0.7)
    assert float(terms["total"]) == pytest.approx(0.7 * 0.1 + 0.3 * 0.3**2, abs=1e-6)
    assert float(distillation(restored, clean)["total"]) == pytest.approx(0.1, abs=1e-6)


def test_psnr_of_one_level_everywhere_is_48_13_db():
    picture = np.full((16, 16, 3), 100, np.uint8)
    assert psnr(picture, picture + 1) == pytest.approx(20 * math.log10(255), abs=1e-4)
    assert psnr(picture, picture) == math.inf


def test_psnr_agrees_with_scikit_image():
    from skimage.metrics import peak_signal_noise_ratio

    one, other = data.chelsea(), np.roll(data.chelsea(), 1, axis=1)
    assert psnr(one, other) == pytest.approx(peak_signal_noise_ratio(one, other, data_range=255), abs=1e-5)


def test_ssim_is_1_for_equal_pictures_and_follows_the_formula_for_a_flat_shift():
    cat = data.chelsea()
    assert ssim(cat, cat) == pytest.approx(1)
    dark, light = np.full((9, 9, 3), 100, np.uint8), np.full((9, 9, 3), 120, np.uint8)
    c1 = (0.01 * 255) ** 2  # Wang et al. 2004, equation 6: without variance only the luminance term is left
    assert ssim(dark, light) == pytest.approx((2 * 100 * 120 + c1) / (100**2 + 120**2 + c1), abs=1e-6)


def test_training_sees_the_luma_that_the_engine_feeds():
    from engine.sharpener import student_input

    pixels = data.astronaut()[:64, :64]
    batch = torch.from_numpy(pixels.copy()).permute(2, 0, 1)[None].float() / 255
    assert np.abs(255 * planes(batch, 1)[0, 0].numpy() - student_input(pixels, 1)[:, :, 0]).max() <= 1
    assert luma(torch.ones(1, 3, 1, 1)).item() == pytest.approx(1)
