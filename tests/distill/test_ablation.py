"""Laws of the ablation: one change a row, the same steps, and it goes on where it was interrupted."""

import json
from dataclasses import asdict, replace

import pytest

from engine.errors import WhetstoneError
from tests.distill.pictures import write_pictures

torch = pytest.importorskip("torch", reason="torch is not installed")
from distill.ablation import ablate, rows  # noqa: E402 - after the check that torch is there
from distill.settings import TrainSettings  # noqa: E402 - after the check that torch is there

pytestmark = pytest.mark.filterwarnings("ignore:.*distutils.*:DeprecationWarning")


def settings(folder):
    return TrainSettings(
        str(folder), "nano", epochs=1, batch_size=4, crop=64, crops_per_picture=2, val_pictures=2, workers=0
    )


def test_each_row_changes_one_setting_of_the_measured_student():
    table = {name: asdict(chosen) for name, _, chosen in rows(TrainSettings("x", teacher="base"))}
    for name, changed in (
        ("blind", {"experts"}),
        ("teacher", {"teacher"}),
        ("wavelet", {"loss"}),
        ("psnr", {"loss"}),
        ("branches", {"branches"}),
        ("longer", {"epochs"}),
    ):
        differ = {key for key, value in table[name].items() if value != table["measured"][key]}
        assert differ == changed


def test_a_teacher_that_is_not_there_is_refused_before_anything_is_trained(tmp_path):
    chosen = replace(settings(write_pictures(tmp_path / "pictures")), teacher="nosuch")
    with pytest.raises(WhetstoneError, match="nosuch"):
        ablate(chosen, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_an_ablation_fills_its_table_and_trains_nothing_twice(tmp_path):
    chosen = settings(write_pictures(tmp_path / "pictures"))
    table = ablate(chosen, tmp_path / "out", command="the command")
    assert [row["name"] for row in table] == ["blind", "measured", "wavelet", "psnr", "branches", "longer"]
    assert len({row["steps"] for row in table[:5]}) == 1 and table[5]["steps"] == 2 * table[0]["steps"]
    assert len({row["parameters"] for row in table}) == 1  # branches fold away, experts are mixed into one
    assert json.loads((tmp_path / "out" / "ablation.json").read_text())["rows"] == table
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "out").rglob("last.pt")}
    assert ablate(chosen, tmp_path / "out") == table
    assert {path: path.stat().st_mtime_ns for path in (tmp_path / "out").rglob("last.pt")} == before
