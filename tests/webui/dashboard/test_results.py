"""Results of the other commands are read as they lie there; a foreign or half-written file is named, the rest shown."""

import json

import numpy as np
import pytest

from distill.sheet import file_name as file_name_of_evaluate
from distill.sheet import keep_pictures, save_sheet
from tests.webui.dashboard.results import (
    MACHINE,
    PICTURES,
    benchmark,
    pixels,
    write_evaluation,
    write_study,
)
from webui.charts import quality, speed, studies
from webui.dashboard.benchmarks import find_benchmarks, machine_of
from webui.dashboard.evaluations import file_name, find_evaluations, median_picture, summary
from webui.dashboard.file_cache import FileCache
from webui.dashboard.kept_pictures import error_map, find_pictures
from webui.dashboard.model_cards import find_cards
from webui.dashboard.places import SHIPPED_MODELS, SHIPPED_RESULTS
from webui.dashboard.study_tables import find_studies, last_answer, progress, subject, views


def test_a_file_is_read_once_until_it_changes(tmp_path):
    path, read = tmp_path / "file", []
    path.write_text("one")
    cache = FileCache(lambda path: read.append(path) or path.read_text())
    assert [cache(path), cache(path)] == ["one", "one"] and len(read) == 1
    path.write_text("longer")
    assert cache(path) == "longer" and len(read) == 2


def test_means_are_those_of_the_pictures(tmp_path):
    (evaluation,), problems = find_evaluations([write_evaluation(tmp_path / "evaluate")])
    found = summary(evaluation.rows)
    assert problems == [] and list(found) == ["people", "text", "all"] and evaluation.recipe == "report"
    assert found["all"]["small"] == {"pictures": 6, "ssim": pytest.approx(0.91), "over": 6, "psnr": 27, "gain": 2}
    assert found["text"]["nano"]["over"] == 0 and found["text"]["nano"]["gain"] == 1


def test_the_shipped_summary_is_what_evaluate_wrote():
    by_name = {evaluation.name: evaluation for evaluation in find_evaluations([SHIPPED_RESULTS])[0]}
    for evaluation in (by_name["evaluate-report"], by_name["evaluate-call"]):
        found = summary(evaluation.rows)
        for line in evaluation.made["summary"]:
            mean = found[line["category"]][line["method"]]
            assert mean["ssim"] == pytest.approx(line["ssim"], abs=1e-4)
            assert mean["gain"] == pytest.approx(line["psnr_gain"], abs=1e-3)
            assert (mean["over"], mean["pictures"]) == (line["ssim_over_0.9"], line["pictures"])


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("images.csv", "picture,ssim\na,1\n", "no column category, method, psnr"),
        ("images.csv", "picture,category,method,ssim,psnr\n", "no rows"),
        ("images.csv", "picture,category,method,ssim,psnr\na,b,c,d,e\n", "could not convert"),
        ("images.csv", "\xff\xfe\x00", "decode"),
        ("results.json", "{", "Expecting"),
    ],
)
def test_a_file_that_is_not_evaluates_is_named_and_the_rest_is_shown(tmp_path, name, content, says):
    write_evaluation(tmp_path / "good")
    (write_evaluation(tmp_path / "bad") / name).write_bytes(content.encode("latin-1"))
    found, problems = find_evaluations([tmp_path])
    assert [evaluation.name for evaluation in found] == ["good"]
    assert len(problems) == 1 and "bad" in problems[0] and says in problems[0]


def test_pictures_that_evaluate_kept_are_found(tmp_path):
    folder = write_evaluation(tmp_path / "evaluate")
    keep_pictures(
        folder / "pictures", "people/people_1.jpg", {"clean": pixels(9), "degraded": pixels(1), "small": pixels(5)}
    )
    (evaluation,), _ = find_evaluations([folder])
    found, _ = find_pictures(evaluation, "people/people_1.jpg", "small")
    assert {name: image[0, 0, 0] for name, image in found.items()} == {"degraded": 1, "small": 5, "clean": 9}
    assert list(found) == ["degraded", "small", "clean"]
    assert find_pictures(evaluation, "people/people_0.jpg", "small") == (None, "")
    assert find_pictures(evaluation, "../../secret.jpg", "small") == (None, "")


@pytest.mark.parametrize("method", ["small", "small (informed)", "rrdb/small.json", "-x-"])
def test_files_are_named_as_evaluate_names_them(method):
    assert file_name(method) == file_name_of_evaluate(method)


def test_the_sheet_shows_the_picture_of_the_median_gain(tmp_path):
    folder = write_evaluation(tmp_path / "evaluate")
    (evaluation,), _ = find_evaluations([folder])
    assert median_picture(evaluation.rows, "small", "text") == "text/text_1.jpg"
    large = {
        name: np.full((400, 500, 3), grey, np.uint8)
        for name, grey in (("degraded", 40), ("small", 120), ("clean", 200))
    }
    save_sheet(
        folder / "sheet-small.jpg",
        [(category, {k: (v, 1, 30) for k, v in large.items()}) for category in ("people", "text")],
    )
    found, where = find_pictures(evaluation, "text/text_1.jpg", "small")
    assert "sheet" in where and all(image.shape == (320, 320, 3) for image in found.values())
    assert [round(float(image.mean())) for image in found.values()] == pytest.approx([40, 120, 200], abs=2)
    assert find_pictures(evaluation, "text/text_0.jpg", "small") == (None, "")


def test_the_error_map_is_zero_where_pictures_agree_and_one_at_32_levels():
    error = error_map(pixels(100), np.stack([pixels(100)[..., 0], pixels(116)[..., 0], pixels(132)[..., 0]], axis=2))
    assert error.max() == pytest.approx(16 / 32) and error_map(pixels(0), pixels(255)).min() == 1
    colours = quality.error_colours(np.array([[0.0, 1.0]]))
    assert colours.shape == (1, 2, 3) and colours[0, 0, 2] > colours[0, 0, 0] and colours[0, 1, 0] > 200  # cividis


def test_a_point_a_picture_and_method_that_says_whose_it_is(tmp_path):
    (evaluation,), _ = find_evaluations([write_evaluation(tmp_path / "evaluate")])
    figure = quality.distribution(evaluation.rows, "gain")
    points = [tuple(point) for trace in figure.data if trace.type == "scatter" for point in trace.customdata]
    assert sorted(points) == sorted(
        (picture, method) for picture, _ in PICTURES for method in ("degraded", "nano", "small")
    )
    assert figure.layout.yaxis.title.text == "gain over the soft picture, dB"


def write(path, content):
    path.write_text(json.dumps(content))


def test_a_machine_is_told_with_its_instructions():
    machine = {"cpu": "EPYC", "instructions": ["AVX2", "AVX-512 VNNI"], "cores": 2, "system": "Linux x86_64"}
    assert machine_of({"machine": machine}) == "EPYC, AVX2, AVX-512 VNNI, 2 cores, Linux x86_64"
    assert machine_of({"machine": {**machine, "instructions": None}}) == "EPYC, 2 cores, Linux x86_64"


def test_times_are_read_with_their_machine_whatever_columns_come_beside(tmp_path):
    content = benchmark()
    content["rows"][0] |= {"precision": "int8", "memory_mb": 90, "each_ms": [7, 8, 9]}
    content["rows"] += [{"model": "x"}, "nonsense", {"model": "y", "size": "480p", "median_ms": 0}]
    write(tmp_path / "benchmark.json", content)
    write(tmp_path / "page.json", {"each_ms": [300, 310], "model": "small", "machine": MACHINE})
    write(tmp_path / "latency.json", {"rows": [{"model": "small", "size": "720p", "fps": 30, "p50_ms": 40}]})
    write(tmp_path / "list.json", [1])
    (tmp_path / "half.json").write_text('{"rows": [')
    timings, samples, problems = find_benchmarks([tmp_path])
    assert [timing.label for timing in timings[:2]] == ["nano · openvino · int8", "nano · openvino"] and len(
        timings
    ) == 4
    assert timings[0].fps == 125 and timings[0].machine == "EPYC, 2 cores, Linux x86_64"
    assert [(sample.what, sample.times_ms) for sample in samples] == [
        ("nano · openvino · int8, 480p", (7, 8, 9)),
        ("page, small", (300, 310)),
    ]
    assert len(problems) == 1 and "half.json" in problems[0]


def test_bars_stand_at_the_frames_a_second_and_lines_at_30_and_60(tmp_path):
    write(tmp_path / "benchmark.json", benchmark())
    timings, _, _ = find_benchmarks([tmp_path])
    figure = speed.frames_a_second(timings, {"480p": 31.4, "1080p": 4.7}, "theirs")
    bars = {trace.name: dict(zip(trace.x, trace.y)) for trace in figure.data}
    assert bars["nano · openvino"] == {"480p": 125, "1080p": 20} and bars["theirs"] == {"480p": 31.4, "1080p": 4.7}
    assert [shape.y0 for shape in figure.layout.shapes] == [30, 60] and figure.layout.yaxis.type == "log"
    assert [10**note.y for note in figure.layout.annotations] == pytest.approx([30, 60])  # Plotly: notes by exponent


def test_the_frontier_holds_what_nothing_beats_in_both():
    assert speed.frontier([(10, 27), (20, 26), (30, 29), (30, 28), (5, 25)]) == [(5, 25), (10, 27), (30, 29)]


def test_quality_is_drawn_against_the_time_of_the_models_that_have_both(tmp_path):
    write(tmp_path / "benchmark.json", benchmark())
    timings, _, _ = find_benchmarks([tmp_path])
    figure = speed.quality_against_time(timings, {"small": 28.0, "base": 29.0}, "1080p", "mean PSNR, dB")
    points = {
        trace.name: (trace.x[0], trace.y[0], trace.error_x.array[0]) for trace in figure.data if trace.mode == "markers"
    }
    assert points == {"small · openvino": (80, 28.0, 40)} and figure.layout.yaxis.title.text == "mean PSNR, dB"
    assert "no model" in speed.quality_against_time(timings, {}, "1080p", "x").layout.annotations[0].text


def test_the_shipped_cards_are_shown_with_the_hash_of_their_files():
    cards, problems = find_cards(SHIPPED_MODELS)
    assert [card["name"] for card in cards] == ["nano", "small", "base"] and problems == []
    assert cards[0]["parameters"] == "22,576" and all(
        card["weights, SHA-256"].endswith("is the file's") for card in cards
    )


def test_weights_that_are_not_the_cards_and_files_that_are_no_cards_are_named(tmp_path):
    for name in ("nano.json", "small.json"):
        (tmp_path / name).write_bytes((SHIPPED_MODELS / name).read_bytes())
    (tmp_path / "nano.safetensors").write_bytes(b"other")
    write(tmp_path / "foreign.json", {"name": "x"})
    cards, problems = find_cards(tmp_path)
    assert "IS NOT the file's" in cards[0]["weights, SHA-256"] and "file missing" in cards[1]["weights, SHA-256"]
    assert len(problems) == 1 and "foreign.json is no card" in problems[0]


def test_a_study_is_its_tables(tmp_path):
    write_study(tmp_path / "first")
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "mos.csv").write_text("a,b\n1,2\n")
    (tmp_path / "other" / "pairs.csv").write_text("preferred,other,rater\na,b,1\n")  # votes, to be analysed
    (study,), problems = find_studies(tmp_path)
    assert study.name == "first" and set(study.tables) == {"mos", "pairs", "raters", "ratings"}
    assert len(problems) == 1 and "other" in problems[0] and "no column mos" in problems[0]
    assert subject(study.table("mos")) == "condition"
    assert list(views(study.table("mos"))) == ["all raters", "after exclusions"]
    assert progress(study.table("ratings")) == {
        "volunteers": 2,
        "answers": 3,
        "sessions": 2,
        "of them in trials that count": 2,
    }
    assert last_answer(study.table("ratings")) == "2026-11-24 11:02"


def test_opinions_and_preferences_are_drawn_with_their_intervals(tmp_path):
    (study,), _ = find_studies(write_study(tmp_path / "study"))
    table = study.table("mos")
    figure = studies.opinions(views(table[table.category.isna()]), "condition")
    every, screened = figure.data
    assert list(every.y) == [4.1, 2.5] and every.error_y.array.tolist() == pytest.approx([0.2, 0.2])
    assert (every.name, screened.name) == ("all raters", "after exclusions") and list(figure.layout.yaxis.range) == [
        0.9,
        5.1,
    ]
    drawn = studies.preferences(study.table("pairs")).data[0]
    assert list(drawn.x) == [79] and list(drawn.y) == ["small over degraded"]
    assert drawn.error_x.array[0] == pytest.approx(8) and drawn.error_x.arrayminus[0] == pytest.approx(10)
