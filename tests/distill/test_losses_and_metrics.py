"""Laws of losses and metrics, with numbers worked out by hand."""

import math

import numpy as np
import pytest
from skimage import data

from distill.metrics import psnr, ssim

torch = pytest.importorskip("torch", reason="torch is not installed")
from distill.losses import (  # noqa: E402 - after the check that torch is there
    LOSSES,
    FeatureMatching,
    LayerOutputs,
    charbonnier,
    distillation,
    log_mse,
    wavelet,
)
from distill.luma import luma, planes  # noqa: E402


def test_equal_pictures_cost_nothing():
    batch = torch.rand(2, 3, 8, 8)
    assert charbonnier(batch, batch) == pytest.approx(0, abs=1e-7)
    assert distillation(batch, batch, batch)["total"] == 0


def test_charbonnier_tends_to_l1_for_large_errors_and_to_a_parabola_for_small():
    zero = torch.zeros(1, 1, 4, 4)
    assert charbonnier(zero + 0.5, zero) == pytest.approx(0.5, abs=1.1e-3)
    assert charbonnier(zero + 1e-4, zero) == pytest.approx(1e-4**2 / 2e-3, rel=0.01)


@pytest.mark.parametrize("loss", [charbonnier, wavelet, log_mse])
def test_different_shapes_are_refused(loss):
    with pytest.raises(ValueError, match="shapes differ"):
        loss(torch.zeros(1, 1, 4, 4), torch.zeros(1, 1, 4, 5))


@pytest.mark.parametrize("loss", LOSSES.values(), ids=LOSSES)
def test_every_loss_is_zero_for_equals_symmetric_and_grows_with_the_error(loss):
    clean, error = torch.rand(2, 3, 16, 16), 0.1 * torch.randn(2, 3, 16, 16)
    assert float(loss(clean, clean)) == pytest.approx(0, abs=1e-7)
    assert float(loss(clean + error, clean)) == pytest.approx(float(loss(clean, clean + error)), rel=1e-6)
    assert 0 < loss(clean + error, clean) < loss(clean + 2 * error, clean)


def test_the_wavelet_loss_finds_an_error_in_its_own_band_alone():
    clean, error = torch.zeros(1, 1, 8, 8), torch.full((1, 1, 8, 8), 0.1)
    # by hand: two orthonormal levels make 0.1 everywhere 0.4 in the approximation, one of 7 bands of 2 levels
    assert float(wavelet(error, clean)) == pytest.approx(0.4 / 7)
    chequered = error * torch.tensor([[1.0, -1.0], [-1.0, 1.0]]).repeat(4, 4)
    assert float(wavelet(chequered, clean)) == pytest.approx(0.2 / 7)  # the finest diagonal details alone
    columns = error * torch.tensor([1.0, 1.0, -1.0, -1.0]).repeat(2)
    assert float(wavelet(columns, clean)) == pytest.approx(0.4 / 7)  # the coarse details across alone


def test_the_psnr_loss_counts_each_picture_by_the_ratio_of_its_error():
    clean, errors = torch.zeros(2, 1, 8, 8), torch.tensor([0.2, 0.02]).view(2, 1, 1, 1).expand(2, 1, 8, 8)
    halved = [errors * torch.tensor(factors).view(2, 1, 1, 1) for factors in ((0.5, 1.0), (1.0, 0.5))]
    large, small = (float(log_mse(errors, clean) - log_mse(better, clean)) for better in halved)
    # by hand: ln(401 / 101) and ln(5 / 2), of a batch of 2, in hundredths; under L1 the first counts 10 times as much
    assert large == pytest.approx(math.log(401 / 101) / 200, rel=1e-4)
    assert small == pytest.approx(math.log(5 / 2) / 200, rel=1e-4)


def test_sides_that_the_wavelet_levels_do_not_divide_are_refused():
    with pytest.raises(ValueError, match="multiples of 4"):
        wavelet(torch.zeros(1, 1, 8, 6), torch.zeros(1, 1, 8, 6))


def test_the_reports_loss_weighs_l1_with_a_and_the_teacher_with_1_minus_a():
    restored, clean, taught = (torch.full((1, 3, 4, 4), value) for value in (0.5, 0.4, 0.8))
    terms = distillation(restored, clean, taught, alpha=0.7)
    assert float(terms["total"]) == pytest.approx(0.7 * 0.1 + 0.3 * 0.3**2, abs=1e-6)
    assert float(distillation(restored, clean)["total"]) == pytest.approx(0.1, abs=1e-6)


def test_further_terms_are_logged_as_they_are_and_added_by_weight():
    restored, clean, taught = (torch.full((1, 3, 4, 4), value) for value in (0.5, 0.4, 0.8))
    further = {"features": (2.0, torch.tensor(0.3)), "perceptual": (0.1, torch.tensor(5.0))}
    terms = distillation(restored, clean, taught, alpha=0.7, further=further)
    assert float(terms["features"]) == pytest.approx(0.3) and float(terms["perceptual"]) == 5
    assert float(terms["total"]) == pytest.approx(0.7 * 0.1 + 0.3 * 0.3**2 + 2 * 0.3 + 0.1 * 5, abs=1e-6)
    assert list(terms)[-1] == "total"


@torch.no_grad()
def test_features_that_a_1x1_convolution_finds_cost_nothing_and_unknown_ones_cost_one():
    torch.manual_seed(0)
    matching, student = FeatureMatching([3], [5]), torch.rand(2, 3, 6, 6)
    teacher = matching.projections[0](student) + 7  # the mean of a channel tells nothing about the picture
    assert float(matching([student], [teacher])) == pytest.approx(0, abs=1e-9)
    matching.projections[0].weight.zero_()
    assert float(matching([student], [teacher])) == pytest.approx(1, abs=1e-4)
    with pytest.raises(ValueError):
        matching([student], [teacher, teacher])


@torch.no_grad()
def test_what_a_feature_error_costs_does_not_depend_on_the_teachers_scale():
    matching, student, teacher = FeatureMatching([3], [5]), torch.rand(2, 3, 6, 6), torch.rand(2, 5, 6, 6)
    cost = float(matching([student], [teacher]))
    matching.projections[0].weight *= 40
    assert float(matching([student], [40 * teacher])) == pytest.approx(cost, rel=1e-4)


@pytest.mark.parametrize(("student_side", "teacher_side"), [(6, 24), (24, 6), (5, 13), (8, 8)])
def test_features_of_other_widths_and_strides_are_matched_and_learned_from(student_side, teacher_side):
    torch.manual_seed(1)
    matching = FeatureMatching([4, 4], [9, 9])
    student = torch.rand(1, 4, student_side, student_side, requires_grad=True)
    teacher = torch.rand(1, 9, teacher_side, teacher_side, requires_grad=True)
    first = matching([student, student], [teacher, teacher])
    first.backward()
    assert student.grad.abs().sum() > 0 and teacher.grad is None
    assert all(parameter.grad.abs().sum() > 0 for parameter in matching.parameters())
    with torch.no_grad():
        for parameter in matching.parameters():
            parameter -= 0.01 * parameter.grad
    assert matching([student, student], [teacher, teacher]) < first


def test_outputs_of_named_layers_are_those_of_the_last_pass_and_are_let_go():
    network = torch.nn.Sequential(torch.nn.Linear(2, 3), torch.nn.ReLU(), torch.nn.Linear(3, 1))
    with LayerOutputs(network, ["2", "0"]) as outputs:
        for batch in (torch.rand(1, 2), torch.rand(4, 2)):
            result = network(batch)
        last, first = outputs.features()
        assert last is result and torch.equal(first, network[0](batch))
        assert outputs.features()[0] is None
    network(batch)
    assert outputs.features() == [None, None]
    with pytest.raises(AttributeError):
        LayerOutputs(network, ["body.7"])


def test_psnr_of_one_level_everywhere_is_48_13_db():
    picture = np.full((16, 16, 3), 100, np.uint8)
    assert psnr(picture, picture + 1) == pytest.approx(20 * math.log10(255), abs=1e-4)
    assert psnr(picture, picture) == math.inf


@pytest.mark.parametrize("metric", [psnr, ssim])
def test_pictures_of_two_shapes_are_not_compared(metric):
    with pytest.raises(ValueError):
        metric(np.zeros((16, 16, 3), np.uint8), np.zeros((1, 16, 3), np.uint8))


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
