"""The mixing in ONNX makes the constants that engine.assemble and engine.graph make, and knows their places."""

import numpy as np
import onnx
import onnxruntime as ort
import pytest
from onnx import numpy_helper

from engine.assemble import assembled
from engine.cards import load_card
from engine.degradation import TYPICAL, Degradation
from engine.errors import BadSetting
from engine.export_mixed import filled, mixed_files
from engine.graph import onnx_model
from engine.mixer_graph import constant_places, mixer_model

DEGRADATIONS = [TYPICAL, Degradation(), Degradation(blur=2.4, noise=8.0, compression=10.0, upscaling=3.0)]


def constants(model):
    return {tensor.name: numpy_helper.to_array(tensor) for tensor in model.graph.initializer}


def mixed(card, precision, degradation):
    """Name -> what the mixer gives for it."""
    session = ort.InferenceSession(mixer_model(card, (precision,)).SerializeToString())
    names = [output.name for output in session.get_outputs()]
    given = session.run(names, {"degradation": np.array([degradation.vector()], np.float32)})
    assert all(name.startswith(f"{precision}/") for name in names)
    return {name.removeprefix(f"{precision}/"): value for name, value in zip(names, given)}


@pytest.mark.parametrize("degradation", DEGRADATIONS, ids=lambda one: one.words)
@pytest.mark.parametrize("precision", ["float32", "int8"])
@pytest.mark.parametrize("name", ["nano", "small"])
def test_the_mixer_gives_the_constants_of_the_assembled_student(name, precision, degradation):
    card = load_card(name)
    expected = constants(onnx_model(assembled(card, degradation), precision))
    found = mixed(card, precision, degradation)
    always = {name for name in expected if name.endswith(".zero") or name in ("pixels.levels", "tail.step")}
    assert found.keys() == expected.keys() - always
    for key, value in found.items():
        assert value.shape == expected[key].shape and value.dtype == expected[key].dtype, key
        if value.dtype == np.int8:  # a filter's weight at the edge between two levels may go to either
            apart = np.abs(value.astype(int) - expected[key])
            assert apart.max() <= 1 and np.mean(apart > 0) < 1e-3, key
        else:
            scale = np.abs(expected[key]).max()
            np.testing.assert_allclose(value, expected[key], rtol=1e-4, atol=1e-4 * scale, err_msg=key)


def test_other_numbers_in_the_places_are_what_the_file_then_holds():
    model = onnx_model(assembled(load_card("nano"), TYPICAL), "int8")
    before = constants(model)
    names = {"head.weight", "body.0.scales", "tail.bias", "body.1.step"}
    places = constant_places(model, names)
    others = {name: (before[name] + 1).astype(before[name].dtype) for name in names}
    after = constants(onnx.load_from_string(filled(model.SerializeToString(), places, others)))
    for name, value in before.items():
        np.testing.assert_array_equal(after[name], others.get(name, value), err_msg=name)


@pytest.mark.parametrize("name", ["base"])
def test_a_student_whose_experts_share_filters_is_refused(name):
    with pytest.raises(BadSetting, match="choose nano or small"):
        mixed_files(load_card(name))
