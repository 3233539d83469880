"""Logs are read as they grow: each row once, half-written ones later, damaged ones named, none of it slow."""

import json
import os
import struct
import time

import numpy as np
import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.compat.proto.event_pb2 import Event
from tensorboard.compat.proto.summary_pb2 import Summary
from tensorboard.summary.writer.event_file_writer import EventFileWriter
from tensorboard.util.tensor_util import make_tensor_proto

from tests.webui.dashboard.logs import row, write_run
from webui.dashboard.event_log import EventLog, join
from webui.dashboard.line_log import LineLog, is_csv_log


def advance(log, seconds=30.0):
    log.file.advance(time.monotonic() + seconds)
    return log


@pytest.fixture
def jsonl(tmp_path):
    return write_run(tmp_path / "run", epochs=3) / "metrics.jsonl"


def test_a_row_is_a_point_of_each_curve(jsonl):
    curves = advance(LineLog(jsonl, "jsonl")).curves()
    assert set(curves) == set(row(1)) - {"epoch", "step", "seconds"}
    assert curves["val_ssim"].epoch.tolist() == [1, 2, 3] and curves["val_ssim"].step.tolist() == [100, 200, 300]
    assert curves["val_ssim"].hours.tolist() == pytest.approx([30 / 3600, 60 / 3600, 90 / 3600])
    assert curves["learning_rate"].values.tolist() == [0.002, 0.001, pytest.approx(0.002 / 3)]


def test_a_line_that_is_still_being_written_comes_with_the_rest_of_it(jsonl):
    log = LineLog(jsonl, "jsonl")
    line = json.dumps(row(4)) + "\n"
    with open(jsonl, "a") as file:
        file.write(line[:20])
    assert len(advance(log).curves()["val_ssim"]) == 3 and log.file.is_read and log.problems == []
    with open(jsonl, "a") as file:
        file.write(line[20:])
    assert advance(log).curves()["val_ssim"].epoch.tolist() == [1, 2, 3, 4]


def test_a_log_that_was_cut_by_a_resumed_run_is_read_anew(jsonl):
    log = advance(LineLog(jsonl, "jsonl"))
    beside = jsonl.with_name("new")
    beside.write_text(json.dumps(row(1, val_ssim=0.5)) + "\n")
    os.replace(beside, jsonl)
    assert advance(log).curves()["val_ssim"].values.tolist() == [0.5]


def test_damaged_lines_are_counted_and_the_others_shown(jsonl):
    with open(jsonl, "a") as file:
        file.write("not json\n[1]\n" + json.dumps(row(5)) + "\n")
    log = advance(LineLog(jsonl, "jsonl"))
    assert log.curves()["val_ssim"].epoch.tolist() == [1, 2, 3, 5]
    assert log.problems == [f"{jsonl}: 2 damaged lines left out (line 4, 5)"]


def test_numbers_that_are_none_leave_a_gap(jsonl):
    rows = [row(1, val_ssim=None), row(2, val_ssim=float("nan")), row(3, extra=True), row(4, later=7)]
    jsonl.write_text("".join(json.dumps(found) + "\n" for found in rows))
    curves = advance(LineLog(jsonl, "jsonl")).curves()
    assert curves["val_ssim"].epoch.tolist() == [3, 4] and curves["later"].epoch.tolist() == [4]
    assert "extra" not in curves


def test_a_csv_with_steps_is_a_log_and_one_without_is_none(tmp_path):
    path = tmp_path / "log.csv"
    path.write_text("step,time,loss,note\n10,1000,0.5,a\n20,4600,0.25,b\n30,4700\n")
    log = advance(LineLog(path, "csv"))
    assert is_csv_log(path) and set(log.curves()) == {"loss"}
    assert log.curves()["loss"].step.tolist() == [10, 20] and log.curves()["loss"].hours.tolist() == [0, 1]
    assert log.problems == [f"{path}: 1 damaged line left out (line 4)"]
    (tmp_path / "other.csv").write_text("picture,ssim\na,0.5\n")
    assert not is_csv_log(tmp_path / "other.csv")


def write_events(folder, events):
    writer = EventFileWriter(str(folder))
    for event in events:
        writer.add_event(event)
    writer.close()
    return next(folder.glob("*tfevents*"))


def scalar(step, tag="val_ssim", value=0.5, wall_time=1000.0, **kind):
    kind = kind or {"simple_value": value}
    return Event(wall_time=wall_time, step=step, summary=Summary(value=[Summary.Value(tag=tag, **kind)]))


def test_event_files_hold_what_tensorboard_reads_from_them(tmp_path):
    rng = np.random.default_rng(1)
    values = rng.normal(size=500)
    events = [scalar(step, wall_time=1000 + 36 * step, value=value) for step, value in enumerate(values)]
    events += [scalar(step, tag="new kind", tensor=make_tensor_proto(np.float32(step / 8))) for step in range(5)]
    picture = Summary(value=[Summary.Value(tag="picture", image=Summary.Image(encoded_image_string=bytes(300_000)))])
    events.insert(250, Event(wall_time=1000, step=3, summary=picture))
    path = write_events(tmp_path, events)
    curves = join([advance(EventLog(path))])
    theirs = EventAccumulator(str(path), size_guidance={"scalars": 0}).Reload()
    assert set(curves) == {"val_ssim", "new kind"}
    expected = theirs.Scalars("val_ssim")
    assert curves["val_ssim"].step.tolist() == [event.step for event in expected]
    assert curves["val_ssim"].values.tolist() == [event.value for event in expected]
    assert curves["val_ssim"].hours[100] == pytest.approx(1.0)
    assert curves["new kind"].values.tolist() == [0, 0.125, 0.25, 0.375, 0.5]


def test_a_step_that_a_resumed_run_wrote_again_counts_once(tmp_path):
    first = write_events(tmp_path / "a", [scalar(step, value=0.25) for step in (1, 2, 3)])
    second = write_events(tmp_path / "b", [scalar(step, value=0.75) for step in (3, 4)])
    curve = join([advance(EventLog(first)), advance(EventLog(second))])["val_ssim"]
    assert curve.step.tolist() == [1, 2, 3, 4] and curve.values.tolist() == [0.25, 0.25, 0.75, 0.75]


@pytest.mark.parametrize("missing", [1, 4, 30])
def test_a_record_that_is_still_being_written_comes_with_the_rest_of_it(tmp_path, missing):
    path = write_events(tmp_path, [scalar(step) for step in range(5)])
    whole = path.read_bytes()
    path.write_bytes(whole[:-missing])
    log = advance(EventLog(path))
    assert join([log])["val_ssim"].step.tolist() == [0, 1, 2, 3] and log.problems == [] and log.file.is_read
    with open(path, "ab") as file:
        file.write(whole[-missing:])
    assert len(join([advance(log)])["val_ssim"]) == 5


@pytest.mark.parametrize("content", [b"this is no event file, it only has such a name", struct.pack("<Q", 2**60) * 8])
def test_a_foreign_file_is_named(tmp_path, content):
    path = tmp_path / "events.out.tfevents.1"
    path.write_bytes(content)
    log = advance(EventLog(path))
    assert log.problems == [f"{path} is no TensorBoard event file, or is damaged there (byte 0)"] and join([log]) == {}


def test_what_stands_before_the_damage_is_shown(tmp_path):
    path = write_events(tmp_path, [scalar(step) for step in range(50)])
    content = path.read_bytes()
    path.write_bytes(content + bytes(64) + content)
    log = advance(EventLog(path))
    assert len(join([log])["val_ssim"]) == 50
    assert log.problems == [f"{path} is no TensorBoard event file, or is damaged there (byte {len(content)})"]
