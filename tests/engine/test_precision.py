"""Laws of the 8-bit student: close to the one in 32 bits, exact where the sharpener is, chosen where it may be."""

from dataclasses import replace

import cv2
import numpy as np
import onnx
import pytest
from skimage import data

from engine.backends import choose_precision
from engine.backends.onnx import OnnxGraph
from engine.cards import load_card, save_card
from engine.compiled import degradation_of, step_of
from engine.degradation import Degradation
from engine.errors import BadSetting
from engine.graph import LARGEST, filters_in_8_bits, head_by_places, moving_floats, onnx_model
from engine.pixels import ZERO, add, add_residual, as_levels
from engine.sharpener import Sharpener
from engine.students import RANGES, StudentConfig
from tests.engine.students_for_tests import mixture_card, random_card

SOFT = cv2.GaussianBlur(data.astronaut(), (0, 0), 1.6)[:203, :301]
TOLD = degradation_of(step_of(Degradation(1.5, 1, 1, 1.2)))


def quantised(card):
    """The card with ranges that clip nothing of these small students."""
    ranges = np.full((card.config.experts, card.config.depth + 1), 4.0, np.float32)
    return replace(card, config=replace(card.config, quantised=True), weights=card.weights | {RANGES: ranges})


CARDS = [quantised(mixture_card()), quantised(random_card())]


@pytest.fixture(params=["openvino", "onnx"])
def backend(request):
    pytest.importorskip({"openvino": "openvino", "onnx": "onnxruntime"}[request.param])
    return request.param


def sharpened(card, pixels=SOFT, strength=1.0, **settings):
    told = {"degradation": TOLD} if card.config.experts > 1 else {}
    with Sharpener(card, **told, **settings) as sharpener:
        return sharpener(pixels, strength)


@pytest.mark.parametrize("card", CARDS, ids=["mixed", "blind"])
def test_8_bits_stay_close_to_32(card, backend):
    coarse, fine = (sharpened(card, backend=backend, precision=word).astype(int) for word in ("int8", "float32"))
    changed = np.sqrt(np.mean((fine - SOFT) ** 2))
    assert np.sqrt(np.mean((coarse - fine) ** 2)) < 0.2 * changed and changed > 2  # untrained: no better than that
    assert (coarse != fine).any()


@pytest.mark.parametrize(
    "pixels", [SOFT, SOFT[:, :, 0], np.dstack([SOFT, SOFT[:, :, :1]])], ids=["rgb", "grey", "rgba"]
)
def test_any_kind_of_picture_is_sharpened_in_8_bits(pixels, backend):
    pixels = np.ascontiguousarray(pixels)
    for strength in (0.0, 0.4, 1.0, 1.6):
        sharp = sharpened(CARDS[1], pixels, strength, backend=backend, precision="int8")
        assert sharp.shape == pixels.shape and (strength > 0) == (sharp != pixels).any()
        if pixels.ndim == 3 and pixels.shape[2] == 4:
            np.testing.assert_array_equal(sharp[:, :, 3], pixels[:, :, 3])


def test_a_picture_of_16_bits_is_computed_in_32_unless_8_are_asked_for(backend):
    deep = SOFT.astype(np.uint16) * 257
    auto, fine, coarse = (
        sharpened(CARDS[0], deep, backend=backend, precision=word) for word in ("auto", "float32", "int8")
    )
    np.testing.assert_array_equal(auto, fine)
    assert (coarse != fine).any()


def test_adding_a_residual_of_8_bits_is_adding_its_levels():
    rng = np.random.default_rng(0)
    for shape in ((70, 33), (130, 65, 3), (65, 34, 4), (1, 1, 3)):
        pixels, residual = rng.integers(0, 256, shape, np.uint8), rng.integers(0, 256, (*shape[:2], 1), np.uint8)
        for strength in (0.3, 1.0):
            fast, slow = np.empty_like(pixels), pixels.copy()
            add_residual(pixels, residual, strength, fast)
            add(slow, np.float32(strength) * as_levels(residual))
            # halves are rounded to even by one and away from zero by the other
            assert np.abs(fast.astype(int) - slow).max() <= (strength != 1)
    assert as_levels(np.array([[[0], [ZERO], [255]]], np.uint8)).ravel().tolist() == [-128, 0, 127]


def test_the_head_over_places_is_the_strided_head():
    from tests.engine.strided_head import strided_model

    card = random_card()
    pixels = np.ascontiguousarray(SOFT[:200, :300, :1])
    ours, plain = (OnnxGraph(model).run(pixels) for model in (onnx_model(card), strided_model(card)))
    np.testing.assert_allclose(ours, plain, atol=2e-3)


def test_filters_keep_their_largest_weight_and_stay_in_7_bits():
    rng = np.random.default_rng(1)
    weight = rng.normal(0, [[[[0.01]]], [[[1.0]]], [[[0.0]]]], (3, 4, 3, 3)).astype(np.float32)
    levels, scales = filters_in_8_bits(weight)
    assert levels.dtype == np.int8 and np.abs(levels[:2]).max((1, 2, 3)).tolist() == [LARGEST, LARGEST]
    back = levels * scales[:, None, None, None]
    assert (np.abs(back - weight).max((1, 2, 3)) <= scales / 2 * 1.001).all()


def test_8_bits_are_chosen_where_a_card_and_a_processor_have_them():
    plain = random_card()
    assert choose_precision(CARDS[1], "openvino") == "int8" and choose_precision(CARDS[1], "onnx", "cpu") == "int8"
    assert choose_precision(CARDS[1], "torch") == choose_precision(CARDS[1], "openvino", "gpu") == "float32"
    assert choose_precision(plain, "openvino") == "float32"
    with Sharpener(CARDS[1], precision="float32") as sharpener:
        assert sharpener.precision == "float32"


@pytest.mark.parametrize(
    "card, backend, precision, reason",
    [
        (random_card(), "onnx", "int8", "has no 8-bit form"),
        (CARDS[1], "torch", "int8", "compute in no 8 bits"),
        (CARDS[1], "onnx", "int4", "must be one of auto, float32, int8"),
    ],
)
def test_what_cannot_be_is_refused(card, backend, precision, reason):
    if backend == "torch":
        pytest.importorskip("torch", reason="torch is not installed")
    with pytest.raises(BadSetting, match=reason):
        Sharpener(card, backend=backend, precision=precision)


@pytest.mark.parametrize("wrong", [1, "yes", None])
def test_a_card_says_truly_or_falsely_that_it_is_quantised(wrong):
    with pytest.raises(BadSetting, match="student quantised"):
        StudentConfig(quantised=wrong)


def test_ranges_survive_the_card(tmp_path):
    loaded = load_card(save_card(CARDS[0], tmp_path))
    assert loaded.config.quantised
    np.testing.assert_array_equal(loaded.weights[RANGES], CARDS[0].weights[RANGES])


def test_the_heads_places_are_those_of_space_to_depth():
    weight = np.arange(2 * 36, dtype=np.float32).reshape(2, 1, 6, 6)
    by_places = head_by_places(weight, 2)
    assert by_places.shape == (2, 4, 3, 3)
    assert by_places[0, 1, 0, 0] == weight[0, 0, 0, 1] and by_places[0, 2, 1, 2] == weight[0, 0, 3, 4]


@pytest.mark.parametrize("precision", ["float32", "int8"])
def test_where_only_floats_are_moved_the_same_bits_come_out(precision):
    card = quantised(random_card())
    usual = onnx_model(card, precision)
    other = moving_floats(usual)
    pixels = np.random.default_rng(3).integers(0, 256, (24, 40, 1), np.uint8)
    given = [OnnxGraph(model).run(pixels) for model in (usual, other)]  # the same one twice where ONNX Runtime is 1.23
    assert given[0].dtype == given[1].dtype and np.array_equal(*given) and given[0].std() > 0
    values = onnx.shape_inference.infer_shapes(other).graph.value_info
    kinds = {value.name: value.type.tensor_type.elem_type for value in values}
    moves = [node for node in other.graph.node if node.op_type in ("SpaceToDepth", "DepthToSpace")]
    assert len(moves) == 2 and {kinds[node.input[0]] for node in moves} == {onnx.TensorProto.FLOAT}
