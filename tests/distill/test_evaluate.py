"""Laws of evaluation: the tables hold what their columns say, and baselines are tuned elsewhere than measured."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from distill.data import read_rgb
from distill.evaluate import evaluate
from distill.metrics import psnr
from distill.summary import summarise
from engine.cards import MODELS_DIR
from engine.errors import BadData, BadOutput, BadSetting, UnknownModel
from tests.distill.pictures import write_pictures


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    root = tmp_path_factory.mktemp("evaluate")
    return write_pictures(root / "test"), write_pictures(root / "val", per_category=2, first=3), root / "out"


@pytest.fixture(scope="module")
def summary(folders):
    data_folder, val, out = folders
    return evaluate(data_folder, out, "report", ["unsharp", "nano"], tune_on=val, command="the command")["summary"]


def test_each_picture_and_method_has_one_row(folders, summary):
    with open(folders[2] / "images.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len({(row["picture"], row["method"]) for row in rows}) == len(rows) == 9 * 3


def test_the_summary_is_the_mean_of_the_images(folders, summary):
    with open(folders[2] / "images.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    for line in summary:
        chosen = [
            row for row in rows if line["category"] in (row["category"], "all") and row["method"] == line["method"]
        ]
        assert line["pictures"] == len(chosen)
        assert line["psnr"] == pytest.approx(np.mean([float(row["psnr"]) for row in chosen]), abs=1e-3)
        assert line["ssim_over_0.9"] == sum(float(row["ssim"]) > 0.9 for row in chosen)
    assert {line["category"] for line in summary} == {"animals", "people", "text", "all"}


def test_what_made_the_figures_stands_beside_them(folders, summary):
    results = json.loads((folders[2] / "results.json").read_text())
    assert results["command"] == "the command" and results["commit"] and len(results["data_sha256"]) == 64
    grid = results["tuning"]["unsharp"]["grid"]
    assert results["tuning"]["unsharp"]["psnr"] == max(row["psnr"] for row in grid)
    assert results["models"]["nano"]["parameters"] == 22_576


def test_pictures_are_kept_whole_on_demand(folders, tmp_path):
    evaluate(folders[0], tmp_path / "out", "report", ["nano"], pictures=True)
    with open(tmp_path / "out" / "images.csv", newline="") as file:
        row = next(row for row in csv.DictReader(file) if row["method"] == "nano")
    kept = {}
    for name in ("clean", "degraded", "nano"):
        with Image.open(tmp_path / "out" / "pictures" / Path(row["picture"]).with_suffix("") / f"{name}.png") as image:
            kept[name] = np.asarray(image)
    assert np.array_equal(kept["clean"], read_rgb(folders[0] / row["picture"]))
    assert psnr(kept["clean"], kept["nano"]) == pytest.approx(float(row["psnr"]), abs=1e-4)


def test_the_sheet_shows_a_row_a_category(folders, summary):
    with Image.open(folders[2] / "sheet-nano.jpg") as sheet:
        assert sheet.width > 3 * 320 and sheet.height > 3 * 320


def test_a_shipped_student_gains_on_every_category(summary):
    assert all(line["psnr_gain"] > 0 for line in summary if line["method"] == "nano")


def test_baselines_may_not_be_tuned_on_what_is_measured(folders):
    for data_folder, tune_on in ((folders[0], None), (folders[0], folders[0]), (folders[0] / "text", folders[0])):
        with pytest.raises(BadSetting, match="--tune-on"):
            evaluate(data_folder, folders[2], "report", ["unsharp"], tune_on=tune_on)


def test_two_cards_of_one_name_are_both_measured(folders, tmp_path):
    same_name = str(MODELS_DIR / "nano.json")
    summary = evaluate(folders[0] / "text", tmp_path / "out", "report", ["nano", same_name])["summary"]
    assert [row["method"] for row in summary] == ["degraded", "nano", same_name]
    assert len(list((tmp_path / "out").glob("sheet-*.jpg"))) == 2


def test_broken_and_tiny_pictures_are_left_out_by_name(tmp_path):
    folder = write_pictures(tmp_path / "pictures", per_category=1)
    (folder / "text" / "broken.png").write_bytes(b"no picture")
    Image.new("RGB", (5, 90)).save(folder / "text" / "tiny.png")
    evaluate(folder, tmp_path / "out", "report", ["nano"])
    results = json.loads((tmp_path / "out" / "results.json").read_text())
    assert results["left_out"] == ["text/broken.png", "text/tiny.png"] and results["pictures"] == 3
    (tmp_path / "none").mkdir()
    (tmp_path / "none" / "broken.png").write_bytes(b"no picture")
    with pytest.raises(BadData, match="none of the 1 pictures"):
        evaluate(tmp_path / "none", tmp_path / "out", "report", ["nano"])


def test_results_go_neither_into_the_pictures_nor_through_a_file(folders, tmp_path):
    with pytest.raises(BadSetting, match="outside"):
        evaluate(folders[0], folders[0] / "out", "report", ["nano"])
    (tmp_path / "file").write_text("")
    with pytest.raises(BadOutput, match="cannot write into"):
        evaluate(folders[0], tmp_path / "file", "report", ["nano"])


def test_flat_pictures_leave_the_table_finite(tmp_path):
    (tmp_path / "flat").mkdir()
    Image.new("RGB", (80, 80), "grey").save(tmp_path / "flat" / "grey.png")
    (degraded, nano) = evaluate(tmp_path / "flat", tmp_path / "out", "report", ["nano"])["summary"]
    assert degraded["psnr"] == 100 and -60 < nano["psnr_gain"] <= 0


def test_an_unknown_method_is_named(folders):
    with pytest.raises(UnknownModel, match="magic"):
        evaluate(folders[0], folders[2], "report", ["magic"])


def test_gains_are_measured_against_the_degraded_pictures_of_the_same_category():
    rows = [
        {"category": category, "method": method, "ssim": 0.9, "psnr": psnr}
        for category, method, psnr in (("a", "degraded", 20), ("a", "x", 23), ("b", "degraded", 30), ("b", "x", 31))
    ]
    gains = {(row["category"], row["method"]): row["psnr_gain"] for row in summarise(rows)}
    assert gains == {
        ("a", "degraded"): 0,
        ("a", "x"): 3,
        ("b", "degraded"): 0,
        ("b", "x"): 1,
        ("all", "degraded"): 0,
        ("all", "x"): 2,
    }
