"""Laws of the batched degradations: what OpenCV makes of each picture, noise as strong, chance from the draw."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from skimage import data

from distill.call import CallDegradation
from distill.degrade import RECIPES
from distill.degrade_torch import degrade, soften

PICTURE = data.chelsea()
every_recipe = pytest.mark.parametrize("recipe", RECIPES)


def pictures(count, height, width):
    return np.stack([PICTURE[9 * index : 9 * index + height, 30 : 30 + width] for index in range(count)])


def to_batch(images, device="cpu"):
    return torch.from_numpy(images).to(device).permute(0, 3, 1, 2).float() / 255


def drawn(recipe, count, seed=0):
    rng = np.random.default_rng(seed)
    return [RECIPES[recipe].sample(rng) for _ in range(count)]


def assert_softened_as_on_the_cpu(recipe, height, width, seed, device="cpu"):
    images, draws = pictures(6, height, width), drawn(recipe, 6, seed)
    ours = 255 * soften(to_batch(images, device), draws).permute(0, 2, 3, 1).cpu().numpy()
    for draw, image, our in zip(draws, images, ours, strict=True):
        error = np.abs(our - draw.soften(image.astype(np.float32)))
        assert error.max() < 1 and error.mean() < 0.05, draw


@every_recipe
@settings(max_examples=12)
@given(height=st.integers(24, 90), width=st.integers(24, 90), seed=st.integers(0, 2**32))
def test_blur_and_scaling_equal_the_cpu_at_any_size_within_a_level(recipe, height, width, seed):
    assert_softened_as_on_the_cpu(recipe, height, width, seed)


def test_the_report_recipe_makes_the_same_8_bit_pictures_but_for_single_levels():
    images, draws = pictures(8, 97, 130), drawn("report", 8)
    degraded, truth = degrade(to_batch(images), draws)
    ours = degraded.permute(0, 2, 3, 1).numpy() * 255
    theirs = np.stack([draw.apply(image) for draw, image in zip(draws, images, strict=True)])
    assert np.abs(ours - theirs).max() < 1.01 and np.mean(np.abs(ours - theirs) > 0.5) < 1e-3
    np.testing.assert_allclose(truth, [draw.truth().vector() for draw in draws], atol=1e-6)


def test_noise_is_as_strong_as_the_cpus_at_every_brightness():
    ramp = np.broadcast_to(np.linspace(20, 235, 256, dtype=np.float32)[:, None], (256, 256)).astype(np.uint8)
    image = np.repeat(ramp[:, :, None], 3, 2)
    draw = CallDegradation(noise=3.0, exposure=3.0, shot=0.7, noise_seed=4)
    degraded, truth = degrade(to_batch(image[None]), [draw])
    cpu, cpu_truth = draw.degrade(image)
    ours = 255 * degraded[0].permute(1, 2, 0).numpy() - image
    theirs = cpu.astype(np.float32) - image
    for band in range(0, 256, 64):  # 49152 values each
        rows = slice(band, band + 64)
        assert np.std(ours[rows]) == pytest.approx(np.std(theirs[rows]), rel=0.03)
        assert abs(np.mean(ours[rows]) - np.mean(theirs[rows])) < 0.3
    np.testing.assert_allclose(truth[0], cpu_truth.vector(), atol=0.005)


def test_the_noise_of_a_picture_hangs_on_its_draw_not_on_the_batch():
    images = pictures(2, 64, 64)
    draws = [CallDegradation(noise=2.0, noise_seed=8), CallDegradation(noise=4.0, noise_seed=9)]
    both, _ = degrade(to_batch(images), draws)
    alone, _ = degrade(to_batch(images[1:]), draws[1:])
    torch.testing.assert_close(both[1:], alone, atol=0, rtol=0)
    again, _ = degrade(to_batch(images), draws)
    torch.testing.assert_close(both, again, atol=0, rtol=0)
    assert not torch.equal(*(degrade(to_batch(images[:1]), [draw])[0] for draw in draws))


def test_recipes_share_a_batch_and_a_draw_that_does_nothing_leaves_its_picture():
    images = pictures(3, 64, 80)
    draws = [drawn("report", 1)[0], CallDegradation(), CallDegradation(blur="defocus", extent=2.0, factor=1.5)]
    degraded, truth = degrade(to_batch(images), draws)
    torch.testing.assert_close(degraded[1], to_batch(images)[1], atol=1e-6, rtol=0)
    assert truth[1].tolist() == [0, 0, 0, 0]
    np.testing.assert_allclose(truth[2], draws[2].degrade(images[2])[1].vector(), atol=1e-6)


@pytest.mark.gpu
@every_recipe
def test_on_a_gpu_blur_and_scaling_equal_the_cpu(recipe):
    assert_softened_as_on_the_cpu(recipe, 97, 130, seed=3, device="cuda")
    draws = drawn(recipe, 4)
    degraded, truth = degrade(to_batch(pictures(4, 96, 96), "cuda"), draws)
    expected, expected_truth = degrade(to_batch(pictures(4, 96, 96)), draws)
    assert degraded.is_cuda and truth.is_cuda
    torch.testing.assert_close(degraded.mean((1, 2, 3)).cpu(), expected.mean((1, 2, 3)), atol=0.002, rtol=0)
    torch.testing.assert_close(truth.cpu(), expected_truth, atol=0.02, rtol=0)
