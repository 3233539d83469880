"""What the page calls its students: every choice has words of its own, and none promises a speed in numbers."""

import re
from pathlib import Path

import pytest

from engine.cards import MODELS_DIR, model_names
from tests.webui.page_process import tiny_student
from webui.sharpeners import Sharpeners, choices, short_name


@pytest.mark.parametrize("shipped", model_names())
def test_an_own_card_named_like_a_shipped_one_is_told_from_it_by_its_folder(tmp_path, shipped):
    for suffix in (".json", ".safetensors"):
        (tmp_path / "n2").mkdir(exist_ok=True)
        (tmp_path / "n2" / f"{shipped}{suffix}").write_bytes((MODELS_DIR / f"{shipped}{suffix}").read_bytes())
    own = str(tmp_path / "n2" / f"{shipped}.json")
    labels = {name: label for label, name in choices(Sharpeners(own).names())}
    assert len(set(labels.values())) == len(labels) == len(model_names()) + 1
    assert re.fullmatch(rf"n2/{shipped}: \d+ K weights", labels[own])


def test_no_choice_claims_a_speed_in_numbers(tmp_path):
    own = str(tiny_student(tmp_path))
    for label, name in choices([*model_names(), own]):
        assert "×" not in label
        assert name != own or "faster" not in label


def test_a_card_in_the_current_folder_is_told_by_that_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert short_name("nano.json") == f"{Path(tmp_path).name}/nano"
    assert short_name("nano") == "nano"
