"""Laws of training, by training: it learns, it resumes to the same weights, it keeps the best, it refuses nonsense."""

import json
import os
import subprocess
import sys
import time
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest

from engine.cards import load_card
from engine.errors import BadData, BadOutput, BadSetting, UnknownModel
from tests.distill.pictures import write_pictures

torch = pytest.importorskip("torch", reason="torch is not installed")
from distill.run_folder import RunFolder  # noqa: E402 - after the check that torch is there
from distill.settings import TrainSettings  # noqa: E402 - after the check that torch is there
from distill.train import train  # noqa: E402 - after the check that torch is there

ROOT = Path(__file__).resolve().parents[2]

pytestmark = pytest.mark.filterwarnings("ignore:.*distutils.*:DeprecationWarning")


@pytest.fixture(scope="module")
def settings(tmp_path_factory):
    folder = write_pictures(tmp_path_factory.mktemp("pictures"))
    return TrainSettings(
        str(folder), "nano", epochs=2, batch_size=4, crop=64, crops_per_picture=8, val_pictures=3, workers=0
    )


def rows(run):
    return [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]


def test_training_brings_validation_closer_to_the_sharp_pictures(settings, tmp_path):
    card = load_card(train(replace(settings, epochs=12), tmp_path / "run"))
    log = rows(tmp_path / "run")
    assert [row["epoch"] for row in log] == list(range(1, 13))
    assert log[-1]["val_psnr"] > log[0]["val_psnr"] + 0.2
    assert card.metrics["val_ssim"] == pytest.approx(max(row["val_ssim"] for row in log), abs=1e-4)
    assert list((tmp_path / "run" / "tensorboard").glob("events*"))


def test_an_interrupted_run_goes_on_to_the_same_weights(settings, tmp_path):
    whole = load_card(train(settings, tmp_path / "whole"))
    train(settings, tmp_path / "halves", stop_after_s=0)
    assert len(rows(tmp_path / "halves")) == 1
    resumed = load_card(train(settings, tmp_path / "halves"))
    for name, array in whole.weights.items():
        np.testing.assert_array_equal(resumed.weights[name], array)
    for one, other in zip(rows(tmp_path / "whole"), rows(tmp_path / "halves"), strict=True):
        assert one["val_ssim"] == other["val_ssim"] and one["loss_total"] == other["loss_total"]


def test_a_killed_run_goes_on_to_the_same_numbers(settings, tmp_path):
    """kill -9 in the middle of the second epoch, then the same command again."""
    fields = {**asdict(settings), "epochs": 3}
    program = (
        "import json, sys; from distill.settings import TrainSettings; from distill.train import train;"
        "train(TrainSettings(**json.loads(sys.argv[1])), sys.argv[2])"
    )
    command = [sys.executable, "-c", program, json.dumps(fields)]
    whole = load_card(train(replace(settings, epochs=3), tmp_path / "whole"))
    killed = subprocess.Popen([*command, str(tmp_path / "run")], cwd=ROOT, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 120
    while not (tmp_path / "run" / "last.pt").exists():
        assert killed.poll() is None and time.monotonic() < deadline
        time.sleep(0.02)
    killed.kill()
    killed.wait()
    assert len(rows(tmp_path / "run")) < 3
    resumed = load_card(train(replace(settings, epochs=3), tmp_path / "run"))
    for name, array in whole.weights.items():
        np.testing.assert_array_equal(resumed.weights[name], array)
    assert [row["loss_total"] for row in rows(tmp_path / "run")] == [
        row["loss_total"] for row in rows(tmp_path / "whole")
    ]


def test_two_processes_train_what_one_does(settings, tmp_path):
    fields = {**asdict(settings), "epochs": 1, "experts": 2}
    program = tmp_path / "program.py"
    program.write_text(
        "import json, sys\nfrom distill.settings import TrainSettings\nfrom distill.train import train\n"
        "train(TrainSettings(**json.loads(sys.argv[1])), sys.argv[2])\n"
    )
    alone = train(TrainSettings(**fields), tmp_path / "alone")
    launch = [
        sys.executable,
        "-m",
        "accelerate.commands.launch",
        "--cpu",
        "--num_processes",
        "2",
        "--num_machines",
        "1",
    ]
    launch += ["--mixed_precision", "no", "--dynamo_backend", "no", "--num_cpu_threads_per_process", "1"]
    launch += ["--main_process_port", "0", str(program), json.dumps(fields), str(tmp_path / "together")]
    done = subprocess.run(launch, cwd=ROOT, env=os.environ | {"PYTHONPATH": str(ROOT)}, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]
    one, two = rows(tmp_path / "alone"), rows(tmp_path / "together")
    assert len(one) == len(two) == 1  # one process writes
    assert two[0]["val_psnr"] == pytest.approx(one[0]["val_psnr"], abs=0.02)
    for name, array in load_card(alone).weights.items():
        together = load_card(tmp_path / "together" / "nano.json").weights[name]
        np.testing.assert_allclose(together, array, atol=0.02)


def test_a_run_can_begin_with_the_weights_of_a_card(settings, tmp_path):
    card = train(replace(settings, epochs=6), tmp_path / "first")
    train(replace(settings, epochs=1, init=str(card), learning_rate=1e-8), tmp_path / "second")
    assert rows(tmp_path / "second")[0]["val_psnr"] == pytest.approx(rows(tmp_path / "first")[-1]["val_psnr"], abs=0.2)
    with pytest.raises(BadSetting, match="give one of the same student"):
        train(replace(settings, init=str(card), student="small"), tmp_path / "other")


def test_a_run_can_begin_with_the_estimator_of_another_student(settings, tmp_path):
    still = replace(settings, epochs=1, crops_per_picture=1, learning_rate=1e-8, ema=0)
    path = train(replace(still, student="small", estimator="nano"), tmp_path / "run")
    given, taken = load_card("nano").weights, load_card(path).weights  # without it, the run begins at random
    for name in (name for name in given if name.startswith("estimator.")):
        np.testing.assert_allclose(taken[name], given[name], atol=1e-3)  # half precision
    for refused in (replace(still, estimator="nano", experts=1), replace(still, student="report", estimator="nano")):
        with pytest.raises(BadSetting, match="must have experts; leave it out"):
            train(refused, tmp_path / "refused")


def test_rows_logged_after_the_last_saved_state_are_written_again_not_twice(settings, tmp_path):
    run = tmp_path / "run"
    train(settings, run, stop_after_s=0)
    with open(run / "metrics.jsonl", "a") as file:
        file.write('{"epoch": 2, "half a li')  # killed while writing
    train(settings, run)
    assert [row["epoch"] for row in rows(run)] == [1, 2]


def test_a_run_with_other_settings_is_not_continued(settings, tmp_path):
    train(settings, tmp_path / "run", stop_after_s=0)
    with pytest.raises(BadSetting, match="learning_rate 0.003 .now 0.01."):
        train(replace(settings, learning_rate=0.01), tmp_path / "run")


def test_a_run_begun_before_a_setting_existed_goes_on_with_its_default(settings, tmp_path):
    train(settings, tmp_path / "run", stop_after_s=0)
    kept = torch.load(tmp_path / "run" / "last.pt", weights_only=True)
    del kept["settings"]["prune"], kept["settings"]["loss"]
    torch.save(kept, tmp_path / "run" / "last.pt")
    with pytest.raises(BadSetting, match="other settings: loss 'l1'"):
        train(replace(settings, loss="psnr"), tmp_path / "run")
    train(settings, tmp_path / "run")
    assert [row["epoch"] for row in rows(tmp_path / "run")] == [1, 2]


def test_the_reports_network_and_loss_train_with_a_teacher(settings, tmp_path):
    teacher = train(settings, tmp_path / "teacher")
    report = replace(settings, student="report", teacher=str(teacher), schedule="plateau", ema=0, epochs=1)
    card = load_card(train(replace(report, crops_per_picture=2), tmp_path / "run"))
    assert card.parameters == 334_147
    assert {"loss_pixel", "loss_teacher", "loss_total"} <= rows(tmp_path / "run")[0].keys()


def test_a_run_does_not_go_on_with_other_pictures(settings, tmp_path):
    folder = write_pictures(tmp_path / "pictures")
    here = replace(settings, data=str(folder))
    train(here, tmp_path / "run", stop_after_s=0)
    write_pictures(tmp_path / "more", per_category=1, first=7)
    for path in (tmp_path / "more").rglob("*.png"):
        path.rename(folder / path.parent.name / path.name)
    with pytest.raises(BadSetting, match="not those that the run"):
        train(here, tmp_path / "run")


def test_a_damaged_state_is_named(settings, tmp_path):
    train(settings, tmp_path / "run", stop_after_s=0)
    state = tmp_path / "run" / "last.pt"
    state.write_bytes(state.read_bytes()[:1000])
    with pytest.raises(BadSetting, match=r"last\.pt is damaged; delete it"):
        train(settings, tmp_path / "run")


def test_two_trainings_do_not_share_a_folder(settings, tmp_path):
    with RunFolder(tmp_path / "run"), pytest.raises(BadSetting, match="another training is writing into"):
        train(settings, tmp_path / "run")


def test_a_first_mistake_does_not_spoil_the_folder(settings, tmp_path):
    with pytest.raises(BadData):
        train(replace(settings, data=str(tmp_path / "typo")), tmp_path / "run")
    with pytest.raises(BadData, match="do not fill one batch of 4000; lower --batch-size"):
        train(replace(settings, batch_size=4000), tmp_path / "run")
    train(settings, tmp_path / "run", stop_after_s=0)


def test_a_place_that_cannot_be_written_is_named(settings, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(BadOutput, match="cannot write into"):
        train(settings, tmp_path / "file")


def test_one_validation_picture_is_enough(settings, tmp_path):
    train(replace(settings, val_pictures=1, epochs=1), tmp_path / "run")
    assert np.isfinite(rows(tmp_path / "run")[0]["val_ssim"])


@pytest.mark.parametrize("device", ["foo", "cuda:99", "meta"])
def test_a_device_that_is_not_there_is_refused(settings, tmp_path, device):
    with pytest.raises(BadSetting, match="no device"):
        train(replace(settings, device=device), tmp_path / "run")


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"student": "giant"}, "student must be one of nano, small"),
        ({"recipe": "fog"}, "recipe must be one of"),
        ({"epochs": 0}, "epochs must be a number from 1"),
        ({"crop": 100}, "multiple of 8"),
        ({"crop": 100_000}, "crop must be a number from 32 to 2048"),
        ({"learning_rate": -1}, "learning-rate must be"),
        ({"beta2": float("nan")}, "beta2 must be"),
        ({"seed": -1}, "seed must be"),
        ({"precision": "int4"}, "precision must be one of"),
    ],
)
def test_a_setting_outside_its_range_is_refused_by_name(settings, wrong, said):
    with pytest.raises(BadSetting, match=said):
        replace(settings, **wrong)


def test_missing_data_and_teachers_are_named(settings, tmp_path):
    with pytest.raises(BadData, match="nowhere"):
        train(replace(settings, data=str(tmp_path / "nowhere")), tmp_path / "run1")
    with pytest.raises(UnknownModel, match="professor"):
        train(replace(settings, teacher="professor"), tmp_path / "run2")
