"""The pages by Streamlit's own test runner: what stands on them for folders that are full, empty, broken or growing."""

import json
import os
import shutil
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from mos_study.store import Door, Store
from mos_study.watch import Watch
from tests.mos_study.studies import plan_of
from tests.webui.dashboard.logs import row, write_run
from tests.webui.dashboard.results import benchmark, write_evaluation, write_pictures, write_study
from webui.dashboard import places
from webui.dashboard.views import quality, runs

MAIN = Path(places.__file__).with_name("main.py")
TIMEOUT_S = 60  # shared machines stall
SHIPPED_RUNS = [
    "base", "base-before-8-bits", "nano", "report", "rrdb-small", "rrdb-small-informed", "small", "small-pruned"
]  # fmt: skip


@pytest.fixture(autouse=True)
def no_head_start(monkeypatch):
    monkeypatch.setattr(runs, "_HEAD_START_S", 0)


@pytest.fixture
def show(tmp_path):
    """show(page, **places) runs a page over folders below tmp_path; nothing shipped is shown unless it is named."""

    def one(page, session=(), **chosen):
        empty = {"runs": (tmp_path / "runs",), "results": (tmp_path / "results",), "models": tmp_path / "models"}
        for folder in ("runs", "results", "models"):
            (tmp_path / folder).mkdir(exist_ok=True)
        places.use(places.Places(**{**empty, **chosen}))
        script = f"from webui.dashboard.views import {page}\n{page}.show()\n"
        app = AppTest.from_string(script, default_timeout=TIMEOUT_S)
        for key, value in dict(session).items():
            app.session_state[key] = value
        app.run()
        assert not app.exception
        return app

    yield one
    places.use(places.Places())


def charts(app):
    """The figures on the page, as JSON, in their order."""
    return [json.loads(element.proto.spec) for element in app.get("plotly_chart")]


def text(app):
    elements = [*app.info, *app.warning, *app.error, *app.code, *app.caption, *app.markdown]
    return "\n".join(str(element.value) for element in elements)


@pytest.mark.parametrize(
    ("page", "command"),
    [
        ("runs", "python launch.py train"),
        ("quality", "python launch.py evaluate"),
        ("speed", "python launch.py benchmark"),
        ("models", "python launch.py train"),
        ("studies", "WHETSTONE_LEADER_PASSWORD=... python launch.py dashboard --studies DIR"),
    ],
)
def test_an_empty_page_tells_the_command_that_would_fill_it(show, page, command):
    app = show(page)
    assert command in text(app) and not charts(app)


def test_what_ships_is_shown_at_the_first_start(show, tmp_path):
    app = AppTest.from_file(str(MAIN), default_timeout=TIMEOUT_S).run()
    assert not app.exception and app.title[0].value == "Runs"
    assert list(app.dataframe[0].value["run"]) == SHIPPED_RUNS
    logs = tmp_path / "logs"  # all as old as each other, whatever this checkout's files are
    shutil.copytree(places.SHIPPED_RESULTS / "training", logs)
    for path in logs.rglob("*"):
        os.utime(path, (1e9, 1e9))
    names = {trace.get("name") for trace in charts(show("runs", runs=(logs,)))[0]["data"]}
    assert {"base-before-8-bits", "rrdb-small", "rrdb-small-informed"} <= names  # the longest


@pytest.mark.parametrize("page", ["quality", "speed", "models"])
def test_what_ships_is_shown_on_the_other_pages(show, page):
    app = show(page, results=places.Places().results, models=places.Places().models)
    assert not app.warning and (charts(app) or app.table)


def test_the_views_of_a_run_are_the_nine_panels_the_ssim_and_the_settings(show, tmp_path):
    write_run(tmp_path / "runs" / "nano")
    app = show("runs")
    assert len(charts(app)) == 5
    app.segmented_control[0].set_value("Training analysis").run()
    assert len(charts(app)) == 8 and "best PSNR" in app.table[0].value.index
    app.segmented_control[0].set_value("SSIM progress").run()
    (figure,) = charts(app)
    assert figure["layout"]["title"]["text"] == "SSIM progress"
    app.segmented_control[0].set_value("Settings").run()
    assert app.dataframe[1].value.loc["student", "nano"] == "nano" and not app.exception


def test_settings_that_differ_come_first(show, tmp_path):
    for name, rate in (("a", 0.001), ("b", 0.002)):
        write_run(tmp_path / "runs" / name, settings={"student": "nano", "learning_rate": rate, "epochs": 8})
    app = show("runs")
    app.segmented_control[0].set_value("Settings").run()
    assert list(app.dataframe[1].value.index) == ["learning_rate", "student", "epochs"]


def test_a_live_run_moves_and_a_new_one_appears(show, tmp_path):
    run = write_run(tmp_path / "runs" / "nano", epochs=2)
    app = show("runs")
    assert app.dataframe[0].value["state"][0] == "running" and app.dataframe[0].value["left"][0] == "3 min"
    with open(run / "metrics.jsonl", "a") as file:
        file.write(json.dumps(row(3)) + "\n")
    write_run(tmp_path / "runs" / "second")
    app.run()
    assert list(app.dataframe[0].value["run"]) == ["nano", "second"]
    line = next(trace for trace in charts(app)[1]["data"] if trace["name"] == "nano")
    assert "nano" in str(line) and app.dataframe[0].value["epochs"][0] == "3 of 8"


def test_a_broken_log_is_named_and_the_others_are_shown(show, tmp_path):
    write_run(tmp_path / "runs" / "good")
    bad = write_run(tmp_path / "runs" / "bad")
    with open(bad / "metrics.jsonl", "ab") as file:
        file.write(b"\xff\xfe broken\n")
    foreign = tmp_path / "runs" / "events.out.tfevents.1"
    foreign.write_bytes(b"this is no event file, it only has such a name")
    app = show("runs", session={"chosen runs": ["good", "bad", "runs"]})
    warnings = [warning.value for warning in app.warning]
    assert len(warnings) == 2 and any("bad" in line and "damaged line" in line for line in warnings)
    assert any(str(foreign) in line for line in warnings) and len(charts(app)) == 5


def test_a_folder_that_went_away_is_named(show, tmp_path):
    app = show("runs", runs=(tmp_path / "gone",))
    assert str(tmp_path / "gone") in app.warning[0].value


def test_smoothing_and_axis_reach_the_charts(show, tmp_path):
    write_run(tmp_path / "runs" / "nano")
    app = show("runs")
    app.segmented_control[1].set_value("hours")
    app.slider[0].set_value(0.5)
    app.toggle[0].set_value(True).run()
    layout = charts(app)[1]["layout"]
    assert layout["xaxis"]["title"]["text"] == "hours since the run began" and layout["yaxis"]["type"] == "log"


def test_quality_stands_beside_the_reports_figures_and_follows_the_filters(show, tmp_path):
    write_evaluation(tmp_path / "results" / "evaluate")
    app = show("quality")
    by_category = app.dataframe[1].value.set_index("category")
    assert by_category.loc["text", "report: mean SSIM"] == 0.923 and by_category.loc["all", "report: SSIM > 0.9"] == 48
    assert by_category.loc["text", "mean SSIM"] == pytest.approx(0.91) and "EPYC, 2 cores" in text(app)
    app.multiselect[0].set_value(["nano"]).run()
    assert list(app.dataframe[0].value["method"])[:-1] == ["nano"]
    app.multiselect[0].set_value([]).run()
    assert "Choose at least one method" in text(app) and not app.exception


@pytest.mark.parametrize("kept", [True, False])
def test_a_click_shows_the_pictures_where_they_were_kept_and_else_how_to_keep_them(show, tmp_path, monkeypatch, kept):
    folder = write_evaluation(tmp_path / "results" / "evaluate")
    if kept:
        write_pictures(folder)
    clicked = {"selection": {"points": [{"customdata": ["people/people_1.jpg", "small"]}]}}
    monkeypatch.setattr(quality.parts, "chart", lambda *_, **__: clicked)
    app = show("quality")
    images = app.get("image") or app.get("imgs")
    assert "people/people_1.jpg" in text(app)
    assert len(images) == (5 if kept else 0)
    assert ("--pictures" in text(app)) is not kept


def test_speed_never_mixes_machines_without_saying_so(show, tmp_path):
    results = tmp_path / "results"
    results.mkdir()
    (results / "here.json").write_text(json.dumps(benchmark()))
    (results / "there.json").write_text(json.dumps(benchmark(machine={"cpu": "Other"})))
    app = show("speed")
    assert {trace["name"] for trace in charts(app)[0]["data"]} >= {"nano · openvino", "small · openvino"}
    assert not app.warning and "Other" not in str(charts(app)[0]["data"])
    app.multiselect[0].set_value(["EPYC, 2 cores, Linux x86_64", "Other"]).run()
    assert "several machines" in app.warning[0].value
    assert "nano · openvino (Other)" in {trace["name"] for trace in charts(app)[0]["data"]}


def test_speed_and_quality_begin_with_what_shows_most(show):
    """Of what ships: the machine with the most times, 1080p, the largest size that every student was timed at there,
    and evaluate-report, which has most methods.
    """
    speed = show("speed", results=(places.SHIPPED_RESULTS,))
    (machine,) = speed.multiselect[0].value
    assert "VNNI" in machine and "AVX2," in machine and "ONEDNN" not in machine
    assert [box.value for box in speed.selectbox[:2]] == ["1080p", "evaluate-report"]
    against_time = {trace.get("name") for trace in charts(speed)[1]["data"]}
    assert {"nano · openvino · int8", "base · openvino · float32"} <= against_time
    speed.selectbox[1].set_value("evaluate-8bit-report").run()  # its methods are "nano int8", ...
    assert {trace.get("name") for trace in charts(speed)[1]["data"]} == against_time
    assert show("quality", results=(places.SHIPPED_RESULTS,)).selectbox[1].value == "evaluate-report"


def test_studies_are_shown_to_whoever_knows_the_password_alone(show, tmp_path):
    write_study(tmp_path / "studies" / "first")
    closed = show("studies", studies=tmp_path / "studies")
    assert "none was set" in text(closed) and not charts(closed) and not closed.text_input
    app = show("studies", studies=tmp_path / "studies", password="correct horse")
    app.text_input[0].set_value("wrong")
    app.button[0].click().run()
    assert app.error[0].value == "That is not the password." and not charts(app)
    app.text_input[0].set_value("correct horse")
    app.button[0].click().run()
    assert len(charts(app)) == 2 and "1 of 2 raters are excluded" in text(app) and not app.exception
    assert {metric.label: metric.value for metric in app.metric}["answers"] == "3"


def test_a_study_that_runs_is_followed_in_its_database_behind_the_password(show, tmp_path):
    address, plan = f"sqlite:///{tmp_path}/answers.sqlite", plan_of("ab", raters=6)
    store = Store(address, plan, "b" * 64)
    watch = Watch(address)
    try:
        assert "none was set" in text(show("studies", database=watch))
        app = show("studies", {"is leader": True}, database=watch, password="correct horse")
        assert {metric.label: metric.value for metric in app.metric} == {
            "volunteers": "0",
            "answers": "0",
            "withdrawn": "0",
        }
        token = store.join(store.token, Door(most=6))
        store.check(token, {"width": 1280, "height": 640, "density": 1, "needed": 1232, "bars": 8, "plates": []})
        answer = {"trial": 0, "score": 4, "other_score": 2, "response_ms": 1500}
        store.answer(token, answer, lambda _visitor, _trial: True)
        app.run()
        assert [metric.value for metric in app.metric] == ["1", "1", "0"] and not app.exception
        assert list(app.dataframe[0].value["answered"]) == [1]
    finally:
        watch.close()
        store.close()


def test_a_run_that_is_deleted_while_it_is_shown_is_left_out(show, tmp_path):
    for name in ("a", "b"):
        write_run(tmp_path / "runs" / name)
    app = show("runs")
    shutil.rmtree(tmp_path / "runs" / "a")
    app.run()
    assert not app.exception and list(app.dataframe[0].value["run"]) == ["b"]
