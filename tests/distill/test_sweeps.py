"""Laws of the tables by one parameter: the settings are what they say, hold the truth, and come out as tables."""

import argparse
import csv
import dataclasses
import json
import math

import numpy as np
import pytest
from PIL import Image
from skimage import data

from distill.commands.evaluate import add_arguments
from distill.estimates import estimate_rows, gradient_energy, summarise_estimates
from distill.evaluate import BY, evaluate
from distill.measure import measure
from distill.methods import DEGRADATIONS, DEGRADED, student_methods
from distill.metrics import psnr
from distill.summary import summarise_clean, touched
from distill.sweeps import SWEEPS, clean_settings, noise_settings, quality_settings, sigma_settings
from distill.tables import main, markdown, tables
from engine.cards import save_card
from engine.errors import BadSetting
from tests.distill.pictures import write_pictures
from tests.engine.students_for_tests import mixture_card, random_card

PHOTO = np.ascontiguousarray(data.astronaut()[100:260, 120:300])
GREY = np.full((128, 160, 3), 128, np.uint8)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return write_pictures(tmp_path_factory.mktemp("sweeps") / "test", per_category=1)


@pytest.fixture(scope="module")
def card(tmp_path_factory):
    return str(save_card(mixture_card("nano"), tmp_path_factory.mktemp("card")))


def decibels(settings):
    return [psnr(PHOTO, draw("astronaut").degrade(PHOTO)[0]) for draw in settings.values()]


def test_pictures_get_worse_with_sigma_and_with_noise_and_better_with_quality():
    assert decibels(sigma_settings("report")) == sorted(decibels(sigma_settings("report")), reverse=True)
    for recipe in ("report", "call"):
        noisy, coded = decibels(noise_settings(recipe)), decibels(quality_settings(recipe))
        assert noisy == sorted(noisy, reverse=True)
        assert coded[:4] == sorted(coded[:4]) and coded[4:] == sorted(coded[4:])


def test_the_noise_of_a_flat_grey_picture_is_the_setting_in_each_channel():
    for level, draw in noise_settings("report").items():
        degraded, truth = draw("a").degrade(GREY)
        expected = math.hypot(float(level), 0 if level == "0" else math.sqrt(1 / 12))  # rounding to levels adds its own
        np.testing.assert_allclose(degraded.std(axis=(0, 1)), expected, rtol=0.03, atol=1e-9)
        # independent channels: 0.299, 0.587, 0.114 of BT.601 leave 0.669 of it in luma
        assert truth.noise == pytest.approx(0.6685 * expected, rel=0.03, abs=1e-9)


def test_call_noise_on_mid_grey_is_the_setting_whatever_was_drawn():
    for level, draw in noise_settings("call").items():
        degraded, _ = dataclasses.replace(draw("a"), coder="none").degrade(GREY)
        np.testing.assert_allclose(degraded.std(axis=(0, 1)), float(level), rtol=0.06, atol=0.05)


def test_noise_is_the_same_each_time_and_another_for_another_name():
    draw = noise_settings("report")["5"]
    np.testing.assert_array_equal(draw("a").degrade(PHOTO)[0], draw("a").degrade(PHOTO)[0])
    assert (draw("a").degrade(PHOTO)[0] != draw("b").degrade(PHOTO)[0]).any()


def test_only_the_parameter_of_a_sweep_changes_a_call_picture():
    records = [draw("a").record() for draw in noise_settings("call").values()]
    assert len({record["extent"] for record in records}) == len({record["factor"] for record in records}) == 1
    assert len({record["noise"] for record in records}) == 4
    records = [draw("a").record() for draw in quality_settings("call").values()]
    assert len({(record["coder"], record["jpeg_quality"], record["bits_per_pixel"]) for record in records}) == 8
    assert len({record["noise"] for record in records}) == 1


def test_the_truth_of_a_coded_picture_has_blur_and_compression():
    truths = [draw("a").degrade(PHOTO)[1] for draw in quality_settings("report").values()]
    assert len({(truth.blur, truth.upscaling, truth.noise) for truth in truths}) == 1
    assert truths[0].compression > truths[3].compression > 0 and truths[4].compression > truths[7].compression > 0


def test_the_clean_setting_changes_nothing():
    degraded, truth = clean_settings("report")["clean"]("a").degrade(PHOTO)
    assert degraded is PHOTO and truth.vector() == (0, 0, 0, 0)


def test_every_setting_has_one_record_shape_so_that_a_table_can_hold_it():
    for by in SWEEPS:
        for recipe in ("report", "call"):
            assert len({tuple(draw("a").record()) for draw in SWEEPS[by](recipe).values()}) == 1


def test_pictures_are_measured_in_their_order(folder):
    from distill.data import find_pictures

    files = find_pictures(folder)
    rows, _ = measure(files, folder, [DEGRADED], {"a": clean_settings("report")["clean"]})
    assert [row["picture"] for row in rows["a"]] == [file.path.relative_to(folder).as_posix() for file in files]


def test_all_tables_of_a_student_that_measures_are_written(folder, card, tmp_path):
    by = ["sigma", "clean", "estimate"]
    results = evaluate(folder, tmp_path, "call", [card], degradations=("auto", "true"), by=by, command="c")
    assert [row["method"] for row in results["summary"] if row["category"] == "all"] == [
        "degraded",
        "nano",
        "nano (informed)",
    ]
    assert json.loads((tmp_path / "results.json").read_text()) == results
    with open(tmp_path / "sweeps.csv", newline="") as file:
        assert len(list(csv.DictReader(file))) == 4 * 4 * 3  # sigmas x (categories and all) x methods
    assert {row["method"] for row in results["clean"]} == {"nano", "nano (informed)"}
    assert {row["category"] for row in results["estimates"]} == {"animals", "people", "text", "flat", "all"}
    text = tables(results)
    for word in ("| nano (informed) |", "by sigma", "sharp pictures keep", "blur: error (bias)", "22,576"):
        assert word in text


def test_the_arithmetic_of_a_1080p_frame_is_the_paper_sum(card):
    # nano: 1/16 of the pixels; head 12 x 12 x 24, three times 3 x 3 x 24 x 24, tail 3 x 3 x 24 x 16
    expected = 1920 * 1080 / 16 * (12 * 12 * 24 + 3 * 9 * 24 * 24 + 9 * 24 * 16) / 1e9
    (method,) = student_methods([card], 1.0)
    assert method.facts["gmacs_1080p"] == pytest.approx(expected, abs=0.01)


def test_errors_of_estimates_are_absolute_and_signed_means_against_the_truth():
    rows = [
        {
            "picture": name,
            "category": "other",
            "method": "x",
            "gradient": gradient,
            "psnr_true": 30,
            "psnr_measured": 29,
        }
        | {f"true_{number}": 1.0 for number in ("blur", "noise", "compression", "upscaling")}
        | {f"measured_{number}": 1.0 + error for number in ("blur", "noise", "compression", "upscaling")}
        for name, gradient, error in (("a", 1, 0.3), ("b", 9, -0.1))
    ]
    flat, everything = summarise_estimates(rows)
    assert (flat["category"], flat["pictures"], flat["blur_error"], flat["blur_bias"]) == ("flat", 1, 0.3, 0.3)
    assert (everything["blur_error"], everything["blur_bias"], everything["psnr_lost"]) == (0.2, 0.1, 1)


def test_a_ramp_has_the_gradient_energy_of_its_slope():
    ramp = np.repeat(np.arange(0, 200, 2, np.uint8)[None, :, None], 20, 0).repeat(3, 2)
    assert gradient_energy(ramp) == pytest.approx(4)


def test_blind_students_have_nothing_to_estimate(folder, tmp_path):
    blind = str(save_card(random_card("nano"), tmp_path))
    with pytest.raises(BadSetting, match="blind"):
        evaluate(folder, tmp_path / "out", "report", [blind], by=["estimate"])
    with pytest.raises(BadSetting, match="blind"):
        estimate_rows([], folder, [DEGRADED], "report", 1.0)
    assert [method.name for method in student_methods([blind], 1.0, ("true",))] == ["nano"]


def test_unknown_words_and_doubled_methods_are_refused(folder, card, tmp_path):
    for words, settings in (("auto, true", {"degradations": ("guess",)}), ("sigma", {"by": ["hue"]})):
        with pytest.raises(BadSetting, match=words):
            evaluate(folder, tmp_path / "out", "report", [card], **settings)
    with pytest.raises(BadSetting, match="more than once"):
        evaluate(folder, tmp_path / "out", "report", [card, card, card])


def test_an_interrupted_sweep_leaves_the_tables_before_it_whole(folder, card, tmp_path, monkeypatch):
    def interrupted(recipe):
        raise KeyboardInterrupt

    monkeypatch.setitem(SWEEPS, "noise", interrupted)
    with pytest.raises(KeyboardInterrupt):
        evaluate(folder / "text", tmp_path, "report", [card], by=["clean", "noise"])
    results = json.loads((tmp_path / "results.json").read_text())
    assert results["summary"] and results["clean"] and "sweeps" not in results
    assert not list(tmp_path.glob(".*")) and not (tmp_path / "sweeps.csv").exists()


def test_what_sharp_pictures_keep_is_mean_percentile_and_count():
    values = [100.0] * 18 + [40.0, 44.0]
    rows = [{"method": "x", "psnr": value} for value in values] + [{"method": "degraded", "psnr": 100.0}]
    (line,) = summarise_clean(rows)
    assert (line["psnr"], line["psnr_min"], line["under_45_db"], line["pictures"]) == (94.2, 40, 2, 20)


def test_a_picture_that_nothing_was_done_to_swallows_no_mean():
    rows = [
        {"picture": name, "method": method, "psnr": value}
        for name, method, value in (
            ("a", "degraded", 100.0),
            ("a", "x", 50.0),
            ("b", "degraded", 30.0),
            ("b", "x", 31.0),
        )
    ]
    assert touched(rows) == rows[2:] and touched(rows[:2]) == rows[:2]


def test_a_teacher_is_a_method_and_an_informed_one_says_so(folder, tmp_path):
    from distill.rrdb import RRDBConfig, RRDBNet
    from distill.teachers import save_teacher

    sources = []
    for name, condition in (("blind", 0), ("wise", 4)):
        config = RRDBConfig(scale=1, shuffle=4, width=8, growth=4, blocks=1, condition=condition)
        sources.append(str(save_teacher(name, RRDBNet(config), {}, {}, tmp_path)))
    results = evaluate(folder / "text", tmp_path / "out", "report", [], teachers=sources)
    assert [row["method"] for row in results["summary"]] == ["degraded", "blind", "wise (informed)"]
    assert results["models"]["blind"]["parameters"] == results["summary"][1]["parameters"] > 1000
    with Image.open(tmp_path / "out" / "sheet-wise-informed.jpg") as sheet:
        assert sheet.width > 3 * 320


def test_a_markdown_table_has_a_line_under_its_head():
    assert markdown(["a", "b"], [[1, 2]]) == "| a | b |\n| --- | --- |\n| 1 | 2 |"


def test_the_command_offers_exactly_the_tables_that_there_are():
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    choices = {action.dest: action.choices for action in parser._actions}
    assert choices["by"] == BY and choices["degradation"] == DEGRADATIONS


@pytest.mark.parametrize(
    ("content", "words"), [(None, "cannot be read"), ("{}", "no results.json"), ("x", "no results")]
)
def test_a_file_without_results_is_one_line(tmp_path, capsys, content, words):
    path = tmp_path / "results.json"
    if content is not None:
        path.write_text(content)
    with pytest.raises(SystemExit) as ended:
        main([str(path)])
    said = capsys.readouterr().err
    assert ended.value.code == 2 and words in said and str(path) in said and len(said.splitlines()) == 1
