"""Laws of the cards: what is saved is what is loaded, and a card that is not what it claims is refused by name."""

import json

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from engine.cards import load_card, model_names, save_card
from engine.errors import BadCard, UnknownModel
from engine.students import STUDENTS
from tests.engine.students_for_tests import random_card


@pytest.mark.parametrize("name", ["nano", "report"])
def test_config_and_weights_survive_the_round_trip(tmp_path, name):
    card = random_card(name)
    loaded = load_card(save_card(card, tmp_path))
    assert loaded.config == card.config == STUDENTS[name].plain
    assert loaded.training == card.training and loaded.metrics == card.metrics
    for key, array in card.weights.items():
        np.testing.assert_array_equal(loaded.weights[key], array)


def test_every_student_takes_less_than_a_megabyte(tmp_path):
    for name in STUDENTS:
        save_card(random_card(name), tmp_path)
        assert (tmp_path / f"{name}.safetensors").stat().st_size < 1_000_000


def test_shipped_cards_load_and_name_their_training_data():
    assert {"nano", "small"} <= set(model_names())
    for name in model_names():
        card = load_card(name)
        assert card.name == name and len(card.training["data_sha256"]) == 64 and card.training["commit"]


def test_models_are_listed_smallest_first(tmp_path):
    for name in ("report", "nano", "small"):
        save_card(random_card(name), tmp_path)
    assert model_names(tmp_path) == ["nano", "small", "report"]


@pytest.mark.parametrize("wrong", ["huge", "../nano", "/etc/passwd", "", "nano.safetensors", "missing.json"])
def test_an_unknown_model_is_named(wrong):
    with pytest.raises(UnknownModel, match="nano|no model card"):
        load_card(wrong)


def change(path, **changes):
    content = json.loads(path.read_text())
    path.write_text(json.dumps(content | changes))


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"colour": "red"}, "unknown key 'colour'"),
        ({"format": 99}, "format 99"),
        ({"architecture": "transformer"}, "architecture 'transformer'"),
        ({"architecture": []}, "architecture"),
        ({"name": "../../evil"}, "name '../../evil'"),
        ({"name": None}, "name None"),
        ({"training": None}, "training must be an object"),
        ({"format": True}, "format True"),
        ({"weights": {"file": "a\0.safetensors", "sha256": ""}}, "cannot be read"),
        ({"config": {"stride": 4, "width": 24, "depth": 3, "experts": 1, "heads": 8}}, "heads"),
        ({"config": {"stride": 4, "width": 0, "depth": 3}}, "width"),
        ({"config": {"stride": 4, "width": 24, "depth": 2}}, "parameters says 22576"),
        ({"parameters": 1}, "parameters says 1"),
        ({"weights": {"file": "../x.safetensors", "sha256": ""}}, "not a plain .safetensors name"),
        ({"weights": {"file": "gone.safetensors", "sha256": ""}}, "cannot be read"),
        ({"weights": None}, "weights must hold"),
    ],
)
def test_a_card_that_is_not_what_it_claims_is_refused(tmp_path, changes, said):
    path = save_card(random_card(), tmp_path)
    change(path, **changes)
    with pytest.raises(BadCard, match=said):
        load_card(path)


def test_a_missing_key_is_named(tmp_path):
    path = save_card(random_card(), tmp_path)
    content = json.loads(path.read_text())
    del content["training"]
    path.write_text(json.dumps(content))
    with pytest.raises(BadCard, match="'training' is missing"):
        load_card(path)


@pytest.mark.parametrize("text", ["", "{", "[]", "null", "\x00", "[" * 200_000])
def test_what_is_no_card_is_refused(tmp_path, text):
    path = tmp_path / "x.json"
    path.write_text(text)
    with pytest.raises(BadCard):
        load_card(path)


def test_one_flipped_bit_in_the_weights_is_noticed(tmp_path):
    path = save_card(random_card(), tmp_path)
    weights = tmp_path / "nano.safetensors"
    content = bytearray(weights.read_bytes())
    content[-1] ^= 1
    weights.write_bytes(content)
    with pytest.raises(BadCard, match="SHA-256"):
        load_card(path)


def rehash(path, tensors):
    import hashlib

    save_file(tensors, path.with_suffix(".safetensors"))
    digest = hashlib.sha256(path.with_suffix(".safetensors").read_bytes()).hexdigest()
    change(path, weights={"file": "nano.safetensors", "sha256": digest})


def test_a_wrong_shape_an_unknown_tensor_and_a_nan_are_refused_by_name(tmp_path):
    path = save_card(random_card(), tmp_path)
    tensors = load_file(path.with_suffix(".safetensors"))
    rehash(path, tensors | {"head.bias": np.zeros(25, np.float16)})
    with pytest.raises(BadCard, match=r"'head.bias' has shape \(25,\), expected \(24,\)"):
        load_card(path)
    rehash(path, tensors | {"extra": np.zeros(1, np.float16)})
    with pytest.raises(BadCard, match="'extra' is unknown"):
        load_card(path)
    rehash(path, tensors | {"head.bias": np.full(24, np.nan, np.float16)})
    with pytest.raises(BadCard, match="not finite"):
        load_card(path)
    rehash(path, {key: value for key, value in tensors.items() if key != "tail.bias"})
    with pytest.raises(BadCard, match="'tail.bias' is missing"):
        load_card(path)
