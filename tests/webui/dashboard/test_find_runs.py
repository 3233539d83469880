"""Which runs there are: found by their logs, told apart by name, none hidden by a broken neighbour."""

import json
import os
import time

import pytest

from tests.webui.dashboard.logs import SETTINGS, row, write_run
from tests.webui.dashboard.test_logs import scalar, write_events
from webui.dashboard.find_runs import find_runs
from webui.dashboard.places import SHIPPED_MODELS, SHIPPED_RUNS
from webui.dashboard.run_reader import RunReader


def test_each_kind_of_log_is_a_run(tmp_path):
    write_run(tmp_path / "deep" / "nano")
    (tmp_path / "deep" / "nano" / "tensorboard").mkdir()
    write_events(tmp_path / "deep" / "nano" / "tensorboard", [scalar(1)])  # the same numbers again
    write_events(tmp_path / "board", [scalar(1)])
    (tmp_path / "tables").mkdir()
    (tmp_path / "tables" / "log.csv").write_text("epoch,loss\n1,0.5\n")
    (tmp_path / "tables" / "images.csv").write_text("picture,ssim\na,0.5\n")
    found, problems = find_runs([tmp_path])
    assert [(run.name, run.kind) for run in found] == [
        ("board", "events"),
        ("deep/nano", "jsonl"),
        ("tables/log", "csv"),
    ]
    assert problems == []


def test_runs_of_one_name_in_two_folders_are_told_apart(tmp_path):
    for folder in "ab":
        write_run(tmp_path / folder / "nano")
    names = [run.name for run in find_runs([tmp_path / "a", tmp_path / "b"])[0]]
    assert names == [f"nano ({tmp_path / 'a'})", f"nano ({tmp_path / 'b'})"]


def test_a_folder_that_is_not_there_is_named(tmp_path):
    write_run(tmp_path / "here" / "nano")
    found, problems = find_runs([tmp_path / "gone", tmp_path / "here"])
    assert len(found) == 1 and problems == [f"{tmp_path / 'gone'} is no folder; start with `--runs DIR`"]


def test_what_a_glance_says_is_the_last_row(tmp_path):
    run = write_run(tmp_path / "nano", epochs=5)
    (found,), _ = find_runs([tmp_path])
    assert found.last == row(5) and found.settings == SETTINGS and found.epochs == (5, 8)
    assert found.state() == "running" and found.seconds_left() == 3 * 30
    assert found.state(now=time.time() + 1000) == "stopped" and found.seconds_left(now=time.time() + 1000) is None
    with open(run / "metrics.jsonl", "a") as file:
        file.write('{"epoch": 6, "val_s')
    assert find_runs([tmp_path])[0][0].last == row(5)


def test_a_run_with_all_its_epochs_is_finished_and_a_copied_log_never_runs(tmp_path):
    write_run(tmp_path / "done", epochs=8)
    (write_run(tmp_path / "copied", epochs=2) / "training.lock").unlink()
    states = {run.name: run.state() for run in find_runs([tmp_path])[0]}
    assert states == {"done": "finished", "copied": "stopped"}


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="needs a user whose rights can be taken")
def test_a_folder_that_may_not_be_read_is_named(tmp_path):
    write_run(tmp_path / "nano")
    (tmp_path / "secret").mkdir(mode=0)
    found, problems = find_runs([tmp_path])
    assert len(found) == 1 and problems == [f"{tmp_path / 'secret'} cannot be read (Permission denied)"]


def test_a_file_that_has_not_changed_is_not_read_again(tmp_path):
    path = write_run(tmp_path / "nano") / "metrics.jsonl"
    reader = RunReader()
    found, _ = find_runs([tmp_path])
    (first,) = reader.read(found, 5)
    before = path.stat()
    path.write_bytes(b"x" * before.st_size)  # nobody sees it: the time of change stays
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    (second,) = reader.read(found, 5)
    assert second.curves is first.curves and second.share_read == 1


def test_reading_stops_when_its_time_is_over_and_goes_on_at_the_next_look(tmp_path):
    rows = [row(epoch) for epoch in range(1, 20_001)]
    write_run(tmp_path / "long", rows=rows)
    found, _ = find_runs([tmp_path])
    reader = RunReader()
    (part,) = reader.read(found, 0)
    assert 0 < part.share_read < 1
    (whole,) = reader.read(found, 60)
    assert whole.share_read == 1 and len(whole.curve("val_ssim")) == 20_000


def test_the_shipped_logs_are_those_of_the_shipped_weights():
    runs = {run.name: run for run in find_runs([SHIPPED_RUNS])[0]}
    for name in ("nano", "small", "base"):
        training = json.loads((SHIPPED_MODELS / f"{name}.json").read_text())["training"]
        settings = {key: value for key, value in training["settings"].items() if key != "data"}
        assert settings.items() <= runs[name].settings.items(), name
        assert runs[name].last["step"] == training["steps"], name
