"""Charts show the numbers they are given: curves, aims, best points, units; in colours that every eye tells apart."""

import numpy as np
import pytest

from tests.webui.dashboard.logs import row
from webui.charts import look, training
from webui.charts.compare import QUANTITIES, Quantity, compare, of_run
from webui.charts.series import smooth, thin
from webui.dashboard.run_curves import Curve, RunCurves

# Machado, Oliveira and Fernandes 2009, severity 1, on linear RGB
BLINDNESS = {
    "none": [[1, 0, 0], [0, 1, 0], [0, 0, 1]],
    "protan": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "deutan": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]],
    "tritan": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]],
}


def linear(colour):
    channels = np.array([int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)])
    return np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)


def contrast(one, other):
    """WCAG 2.2's contrast ratio."""
    light, dark = sorted((float(linear(colour) @ [0.2126, 0.7152, 0.0722]) for colour in (one, other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def lab(rgb):
    to_xyz = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])
    x, y, z = (
        value ** (1 / 3) if value > 0.008856 else 7.787 * value + 16 / 116
        for value in to_xyz @ np.clip(rgb, 0, 1) / [0.9505, 1, 1.089]
    )
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


@pytest.mark.parametrize("ground", ["#ffffff", "#171614"])
def test_every_colour_has_a_contrast_of_3_on_both_pages(ground):
    assert min(contrast(colour, ground) for colour in (*look.COLOURS, look.GREY)) >= 3  # WCAG 2.2, 1.4.11


@pytest.mark.parametrize("kind", BLINDNESS)
def test_any_two_colours_are_told_apart(kind):
    seen = [lab(np.array(BLINDNESS[kind]) @ linear(colour)) for colour in look.COLOURS]
    assert min(np.linalg.norm(a - b) for i, a in enumerate(seen) for b in seen[i + 1 :]) > 25


def a_run(name="nano", epochs=9, **changed):
    rows = [row(epoch, **changed) for epoch in range(1, epochs + 1)]
    x = {key: np.array([found[key] for found in rows], float) for key in ("step", "epoch", "seconds")}
    curves = {
        key: Curve(
            x["step"], x["epoch"], np.cumsum(x["seconds"]) / 3600, np.array([found[key] for found in rows], float)
        )
        for key in rows[0]
        if key not in x
    }
    return RunCurves(name, curves, {"epochs": 12})


def named(figure, name):
    traces = [trace for trace in figure.data if trace.name and trace.name.startswith(name)]
    return next((trace for trace in traces if trace.name == name), *traces[:1])


def test_a_run_is_a_line_over_what_was_asked_for():
    ssim, run = QUANTITIES[0], a_run()
    for axis, x in (("epoch", range(1, 10)), ("step", range(100, 1000, 100)), ("hours", np.arange(1, 10) * 30 / 3600)):
        figure = compare([run], ssim, axis=axis)
        assert named(figure, "nano").x.tolist() == pytest.approx(list(x))
        assert named(figure, "nano").y.tolist() == run.curve("val_ssim").values.tolist()
    assert figure.layout.yaxis.title.text == "SSIM" and figure.layout.xaxis.title.text == "hours since the run began"


def test_the_best_point_is_marked_and_the_reports_aim_drawn():
    figure = compare([a_run(epochs=4)], QUANTITIES[0])
    best = named(figure, "best")
    assert list(best.x) == [4] and best.y[0] == pytest.approx(row(4)["val_ssim"])
    assert [shape.y0 for shape in figure.layout.shapes] == [0.90]  # the project report's aim


def test_no_two_of_24_runs_look_alike():
    figure = compare([a_run(f"run {index}") for index in range(24)], QUANTITIES[1])
    lines = [(trace.line.color, trace.line.dash) for trace in figure.data if trace.mode.startswith("lines")]
    assert len(set(lines)) == 24


def test_smoothing_keeps_the_measured_curve_in_sight_and_marks_the_measured_best():
    run = a_run()
    figure = compare([run], QUANTITIES[1], smoothing=0.9)
    faint, smoothed = (trace for trace in figure.data if trace.name == "nano")
    assert faint.opacity == 0.3 and faint.y.tolist() == run.curve("val_psnr").values.tolist()
    assert smoothed.y[-1] < faint.y[-1] and named(figure, "best").y[0] == faint.y[-1]


def test_smoothing_is_tensorboards():
    # by hand: weight 0.5, 1 then 3: (0.5 * 1) / 0.5 = 1; (0.25 * 1 + 0.5 * 3) / 0.75 = 7/3
    assert smooth(np.array([1.0, 3.0]), 0.5).tolist() == pytest.approx([1, 7 / 3])
    assert smooth(np.full(50, 2.5), 0.99).tolist() == pytest.approx([2.5] * 50)


def test_thinning_loses_neither_ends_nor_spikes():
    values = np.sin(np.arange(100_000) / 5000)
    values[[31_234, 70_001]] = 50, -50
    x, y = thin(np.arange(100_000), values, 1000)
    assert len(y) <= 1000 and x[0] == 0 and x[-1] == 99_999 and {31_234, 70_001} <= set(x.tolist())
    assert (np.diff(x) > 0).all() and (y == values[x]).all()
    assert len(thin(np.arange(1000), values[:1000], 1000)[0]) == 1000


@pytest.mark.parametrize(
    ("names", "quantity", "found"),
    [
        (["train/loss", "val/loss"], 2, ("train/loss", "")),
        (["ssim/val", "ssim/train"], 0, ("ssim/val", "ssim/train")),
        (["Valid_SSIM"], 0, ("Valid_SSIM", "")),
        (["lr-Adam", "clr"], 3, ("lr-Adam", "")),
        (["accuracy"], 1, ("", "")),
    ],
)
def test_curves_of_foreign_logs_are_known_by_the_words_in_their_names(names, quantity, found):
    curve = a_run().curve("val_ssim")
    assert of_run(QUANTITIES[quantity], RunCurves("foreign", dict.fromkeys(names, curve))) == found


def test_a_log_without_epochs_is_drawn_by_its_steps():
    nothing = np.full(3, np.nan)
    run = RunCurves(
        "events", {"val_ssim": Curve(np.array([10.0, 20, 30]), nothing, nothing, np.array([0.1, 0.2, 0.3]))}
    )
    figure = compare([run], QUANTITIES[0])
    assert named(figure, "events").x.tolist() == [10, 20, 30] and figure.layout.xaxis.title.text == "step"


@pytest.mark.parametrize("quantity", [*QUANTITIES, Quantity("other", "other", "other")])
@pytest.mark.parametrize("runs", [[], [RunCurves("empty", {})]])
def test_where_there_is_nothing_the_chart_says_so(quantity, runs):
    assert "no " in compare(runs, quantity).layout.annotations[0].text


def test_the_nine_panels_say_what_their_axes_show():
    figures = [panel(a_run()) for panel in training.PANELS]
    assert len(figures) + 1 == 9  # the key metrics are the ninth
    assert all(figure.layout.yaxis.title.text and figure.layout.xaxis.title.text for figure in figures)


@pytest.mark.parametrize("panel", training.PANELS)
@pytest.mark.parametrize(
    "run", [RunCurves("empty", {}), a_run(epochs=1), a_run(train_ssim=np.nan)], ids=lambda run: run.name
)
def test_a_run_of_any_length_is_drawn(panel, run):
    for axis in ("epoch", "step", "hours"):
        panel(run, axis, 0.5)


def test_panels_show_loss_reduction_gap_and_gains_as_computed_by_hand():
    run = a_run(epochs=3)
    assert training.loss_reduction(run).layout.title.text == "Loss reduction, -67 %"  # 0.06 to 0.02
    gap = training.over_fitting(run).data[0].y
    assert gap.tolist() == pytest.approx([row(epoch)["train_ssim"] - row(epoch)["val_ssim"] for epoch in (1, 2, 3)])
    better, worse = training.gain_by_epoch(run).data
    assert (
        better.y.tolist() == pytest.approx(np.diff([row(epoch)["val_ssim"] for epoch in (1, 2, 3)]))
        and len(worse.y) == 0
    )


def test_key_metrics_are_what_a_reader_of_the_log_would_write():
    found = dict(training.key_metrics(a_run(epochs=9)))
    best = row(9)["val_ssim"]
    assert found["epochs"] == "9 of 12" and found["steps"] == "900" and found["time"] == "4 min"
    assert found["best validation SSIM"] == f"{best:.4f}, epoch 9"
    assert found["to the report's aim of 0.90"] == f"{best - 0.9:+.4f}"
