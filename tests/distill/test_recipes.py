"""Laws of every recipe in RECIPES, also of one that is new."""

import json

import numpy as np
import pytest
from skimage import data

from distill.degrade import RECIPES, degradation_named
from engine.degradation import Degradation


@pytest.fixture(params=RECIPES)
def recipe(request):
    return RECIPES[request.param]


@pytest.mark.parametrize("height, width", [(1, 1), (7, 300), (65, 31), (128, 160)])
def test_a_picture_of_any_size_keeps_shape_and_type(recipe, height, width):
    clean = data.chelsea()[:height, :width]
    before = clean.copy()
    soft, truth = recipe.sample(np.random.default_rng(3)).degrade(clean)
    assert soft.shape == clean.shape and soft.dtype == np.uint8 and isinstance(truth, Degradation)
    np.testing.assert_array_equal(clean, before)


def test_a_draw_can_be_replayed_and_tells_what_it_was(recipe):
    clean = data.chelsea()[:90, :120]
    one, same, other = (recipe.sample(np.random.default_rng(seed)) for seed in (5, 5, 6))
    assert one == same and one != other
    np.testing.assert_array_equal(one.apply(clean), same.apply(clean))
    np.testing.assert_array_equal(one.apply(clean), one.degrade(clean)[0])
    assert recipe(**json.loads(json.dumps(one.record()))) == one


def test_the_linear_part_is_there_for_deconvolution(recipe):
    image = data.chelsea()[:41, :60, 0].astype(np.float32)
    soft = recipe.sample(np.random.default_rng(1)).soften(image)
    assert soft.shape == image.shape and soft.dtype == np.float32 and recipe.margin >= 0 and recipe.revision >= 1


def test_a_recipe_degrades(recipe):
    clean = data.chelsea()[:120, :120]
    changed = [np.mean(recipe.sample(np.random.default_rng(seed)).apply(clean) != clean) for seed in range(8)]
    assert np.median(changed) > 0.5


@pytest.mark.parametrize("name", RECIPES)
def test_a_test_picture_has_one_draw_by_its_name(name):
    assert degradation_named("cat", name) == degradation_named("cat", name) != degradation_named("dog", name)
