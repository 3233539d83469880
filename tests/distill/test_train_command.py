"""The command `train` leaves the report's figures beside a run that has ended, and never fails for want of them."""

import pytest
from PIL import Image

import launch
from tests.distill.pictures import write_pictures

pytest.importorskip("torch", reason="torch is not installed")


@pytest.fixture
def words(tmp_path):
    data = write_pictures(tmp_path / "pictures")
    small = [
        "--epochs",
        "1",
        "--batch-size",
        "4",
        "--crop",
        "64",
        "--crops-per-picture",
        "2",
        "--val-pictures",
        "2",
        "--workers",
        "0",
        "--device",
        "cpu",
    ]
    return ["train", "--skip-install", "--data", str(data), "--student", "nano", *small, "--out", str(tmp_path / "run")]


@pytest.mark.parametrize("option", ["--init", "--estimator", "--teacher"])
def test_a_card_that_is_not_there_is_refused_before_anything_is_prepared(words, tmp_path, capsys, option):
    assert launch.main([*words, option, "nosuch"]) == 2
    assert "nosuch" in capsys.readouterr().err and sorted(path.name for path in tmp_path.iterdir()) == ["pictures"]


def test_no_name_for_the_run_is_refused(words, capsys):
    assert launch.main([*words[:-1], ""]) == 2
    assert "--out needs the name of a folder" in capsys.readouterr().err


def test_a_run_ends_with_its_nine_panels_as_a_picture(words, tmp_path, capsys):
    assert launch.main(words) == 0
    picture = tmp_path / "run" / "figures" / "training.png"
    assert f"its curves are {picture}" in capsys.readouterr().out
    with Image.open(picture) as image:
        assert image.size == (1950, 1575)


def test_a_run_that_cannot_be_drawn_has_ended_well(words, monkeypatch, capsys):
    def no_font(*_):
        raise RuntimeError("no font")

    monkeypatch.setattr("distill.figures.save_figures", no_font)
    assert launch.main(words) == 0
    assert "its curves could not be drawn (no font)" in capsys.readouterr().err
