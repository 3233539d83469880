"""Laws of the training figures: any log that training may leave is drawn, and what they show is what it holds."""

import json

import numpy as np
import pytest
from PIL import Image

import launch
from engine.errors import BadData

pytest.importorskip("matplotlib", reason="matplotlib is not installed")
from distill.figures import draw_ssim, draw_training, key_metrics, save_figures
from distill.run_log import read_run


def rows(count, **more):
    """A log that improves until epoch 0.8 * count and then falls off a little."""
    best = max(1, int(0.8 * count))
    for epoch in range(1, count + 1):
        ssim = 0.85 - 0.15 * 0.9**epoch - 0.001 * max(0, epoch - best)
        yield {
            "epoch": epoch, "step": 200 * epoch, "learning_rate": 1e-3 / epoch, "loss_pixel": 0.1 / epoch,
            "loss_teacher": 0.01 / epoch, "loss_total": 0.073 / epoch, "train_ssim": ssim + 0.002 * epoch,
            "val_ssim": ssim, "val_psnr": 20 + 8 * ssim, "seconds": 90.0, "images_per_s": 50.0,
        } | more  # fmt: skip


def write_run(folder, log, settings=None, end=""):
    folder.mkdir(parents=True)
    (folder / "metrics.jsonl").write_text("".join(json.dumps(row) + "\n" for row in log) + end)
    if settings is not None:
        (folder / "settings.json").write_text(json.dumps(settings))
    return folder


def lines_of(axis):
    return {line.get_label(): line.get_xydata() for line in axis.lines}


@pytest.mark.parametrize("count", [1, 2, 11, 100])
def test_a_run_of_any_length_is_drawn_as_nine_panels_and_a_curve(tmp_path, count):
    run = write_run(tmp_path / "run", rows(count), {"student": "nano", "recipe": "report", "epochs": 100})
    paths = save_figures([run], tmp_path / "figures")
    assert [path.name for path in paths] == ["training.png", "ssim.png"]
    for path, size in zip(paths, [(1950, 1575), (1800, 1050)]):
        with Image.open(path) as picture:
            assert picture.size == size
            pixels = np.asarray(picture.convert("RGB"))
        assert np.median(pixels) == 255 and pixels.std() > 5  # light, and not blank
    axes = draw_training(read_run(run)).axes
    assert [axis.get_title(loc="left") for axis in axes] == [
        "SSIM progress", "Loss reduction", "Over-fitting", "PSNR", "Loss terms", "Gain of each epoch", "Learning rate",
        "Speed", "Key metrics",
    ]  # fmt: skip


def test_the_curves_are_the_log(tmp_path):
    log = list(rows(40))
    axes = {axis.get_title(loc="left"): axis for axis in draw_training(read_run(write_run(tmp_path / "run", log))).axes}
    for title, label, key in (
        ("SSIM progress", "validation", "val_ssim"), ("SSIM progress", "training", "train_ssim"),
        ("PSNR", "validation", "val_psnr"), ("Loss terms", "against the teacher's", "loss_teacher"),
    ):  # fmt: skip
        drawn = lines_of(axes[title])[label]
        np.testing.assert_allclose(drawn, [(row["epoch"], row[key]) for row in log])
    bars = [bar.get_height() for bar in axes["Gain of each epoch"].patches]
    np.testing.assert_allclose(bars, np.diff([row["val_ssim"] for row in log]))
    gap = axes["Over-fitting"].lines[0].get_xydata()
    np.testing.assert_allclose(gap[:, 1], 0.002 * np.arange(1, 41), atol=1e-12)


def test_the_best_epoch_and_the_aim_of_0_90_are_marked(tmp_path):
    axis = draw_ssim([read_run(write_run(tmp_path / "run", rows(50)))]).axes[0]
    star = next(line for line in axis.lines if line.get_marker() == "*")
    expected = 0.85 - 0.15 * 0.9**40  # epoch 40, by the formula of rows()
    assert star.get_xydata().tolist() == [[40, pytest.approx(expected)]]
    assert f"validation, best {expected:.4f} at epoch 40" in lines_of(axis)
    aim = lines_of(axis)["aim of the report, 0.90"]
    assert set(aim[:, 1]) == {0.9}
    assert axis.get_ylim()[1] > 0.9


def test_key_metrics_say_what_the_log_says(tmp_path):
    run = read_run(write_run(tmp_path / "run", rows(50), {"epochs": 100}))
    told = dict(key_metrics(run))
    best = 0.85 - 0.15 * 0.9**40
    assert told["epochs"] == "50 of 100" and told["steps"] == "10,000"
    assert told["best validation SSIM"] == f"{best:.4f}, epoch 40"
    assert told["PSNR of that epoch"] == f"{20 + 8 * best:.2f} dB"
    assert told["time in training"] == "1 h 15 min"  # 50 x 90 s
    assert told["to the aim of 0.90"] == f"{best - 0.9:.4f}"


def test_what_an_older_or_other_log_lacks_is_left_out(tmp_path):
    keys = ("epoch", "val_ssim", "val_psnr", "loss_total")
    log = [{key: row[key] for key in keys} for row in rows(5)]
    figure = draw_training(read_run(write_run(tmp_path / "run", log)))
    texts = [text.get_text() for axis in figure.axes for text in axis.texts]
    assert "training SSIM is not in this log" in texts and "no terms in the log" in texts
    save_figures([tmp_path / "run"], tmp_path / "figures")


def test_numbers_that_are_none_leave_a_gap_and_no_best(tmp_path):
    log = list(rows(6, loss_total=float("nan"), val_ssim=float("nan"), learning_rate=0.0, images_per_s=float("inf")))
    run = write_run(tmp_path / "run", log)
    assert read_run(run).best() is None
    assert len(save_figures([run], tmp_path / "figures")) == 2
    log[3]["val_ssim"] = 0.5
    assert read_run(write_run(tmp_path / "other", log)).best() == (4, 0.5)


@pytest.mark.parametrize(
    "end", ['{"epoch": 6, "half a li', '{"epoch": 6, "val_ssim": 0.9', '{"epoch"', "\n\n", "{", "\x00"]
)
def test_a_last_line_that_is_still_being_written_is_left_out(tmp_path, end):
    assert [row["epoch"] for row in read_run(write_run(tmp_path / "run", rows(5), end=end)).rows] == [1, 2, 3, 4, 5]


def test_logs_that_cannot_be_drawn_are_named(tmp_path):
    with pytest.raises(BadData, match="metrics.jsonl cannot be read"):
        read_run(tmp_path / "typo")
    with pytest.raises(BadData, match="holds no finished epoch"):
        read_run(write_run(tmp_path / "new", []))
    for index, line in enumerate(("{half\n", "[]\n", '{"step": 3}\n', '{"epoch": "one"}\n')):
        folder = write_run(tmp_path / str(index), rows(1), end=line + json.dumps(next(rows(1))) + "\n")
        with pytest.raises(BadData, match="line 2 of .* is damaged"):
            read_run(folder)


@pytest.mark.parametrize("settings", ["{", "[1]", b"\xff"])
def test_settings_that_cannot_be_read_only_cost_the_title(tmp_path, settings):
    run = write_run(tmp_path / "run", rows(2))
    (run / "settings.json").write_bytes(settings if isinstance(settings, bytes) else settings.encode())
    assert read_run(run).settings == {}


def test_several_runs_share_one_curve_and_keep_apart(tmp_path):
    runs = [write_run(tmp_path / parent / "nano", rows(count)) for parent, count in (("a", 4), ("b", 30))]
    runs.append(write_run(tmp_path / r"$\frac_1$", rows(12)))  # no formula
    paths = save_figures(runs, tmp_path / "figures")
    names = ["training-nano.png", "training-nano-2.png", r"training-$\frac_1$.png", "ssim.png"]
    assert [path.name for path in paths] == names and all(path.exists() for path in paths)
    axis = draw_ssim([read_run(run) for run in runs]).axes[0]
    curves = [line for line in axis.lines if "best" in str(line.get_label())]
    assert len(curves) == 3 and len({line.get_color() for line in curves}) == 3


def test_the_command_draws_beside_the_run_and_again_over_it(tmp_path, capsys):
    run = write_run(tmp_path / "run", rows(3))
    for _ in range(2):
        assert launch.main(["figures", str(run), "--skip-install"]) == 0
        assert capsys.readouterr().out.split() == [str(run / "figures" / name) for name in ("training.png", "ssim.png")]
    (tmp_path / "file").write_text("")
    assert launch.main(["figures", str(run), "--skip-install", "--out", str(tmp_path / "file")]) == 2
    assert "cannot write into" in capsys.readouterr().err
    assert launch.main(["figures", str(tmp_path / "typo"), "--skip-install"]) == 2
    assert not (tmp_path / "typo").exists()
