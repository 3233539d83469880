"""The report's training analysis of one run: nine panels (eight charts and the key metrics), and SSIM in detail.

The same nine as distill.figures draws as PNG at the end of `train`.
"""

import numpy as np
import plotly.graph_objects as go

from webui.charts.compare import POINTS, QUANTITIES, SSIM_AIM, TARGET_SSIM, axis_title, line, of_run, star
from webui.charts.look import BLUE, GREEN, HEIGHT, ORANGE, PLUM, RED, colour, dash, framed, saying
from webui.charts.series import smooth, thin

_SSIM, _PSNR, _LOSS, _RATE, _SPEED = QUANTITIES
_MOST = POINTS // 3
_TERMS = {"pixel": "to the clean picture", "teacher": "to the teacher's", "estimate": "measured degradation"}


def ssim_progress(run, axis="epoch", smoothing=0.0, height=HEIGHT):
    """Training and validation SSIM, the best point and the report's aim."""
    val, train = of_run(_SSIM, run)
    traces = []
    for name, title, style in (
        (train, "training", {"color": ORANGE, "width": 1.6, "dash": "dot"}),
        (val, "validation", {"color": BLUE, "width": 2}),
    ):
        if name and len(run.curve(name)):
            x, y = run.curve(name).over(axis)
            traces.append(line(x, smooth(y, smoothing), _MOST, title, style))
            if name == val:
                traces.append(star(x, y, BLUE, title, legend=True))
    if not traces:
        return saying("no SSIM in this log")
    return framed(traces, x=axis_title([run], axis), y="SSIM", title="SSIM progress", height=height, aims=SSIM_AIM)


def loss_reduction(run, axis="epoch", smoothing=0.0):
    """Training loss, with what it has lost since its first value in the title."""
    name, _ = of_run(_LOSS, run)
    if not name:
        return saying("no loss in this log")
    x, y = run.curve(name).over(axis)
    change = f", {100 * (y[-1] / y[0] - 1):+.0f} %" if len(y) > 1 and y[0] > 0 else ""
    drawn = line(x, smooth(y, smoothing), _MOST, "training loss", {"color": BLUE, "width": 2}, legend=False)
    return framed([drawn], x=axis_title([run], axis), y="training loss", title=f"Loss reduction{change}")


def over_fitting(run, axis="epoch", smoothing=0.0):
    """Training minus validation SSIM where both were measured at the same step or epoch; rising: it learns by heart."""
    val, train = of_run(_SSIM, run)
    if not (val and train):
        return saying("training SSIM is not in this log")
    x, y = run.curve(val).over(axis)
    epochs = run.curve(val).over("epoch")[0]
    seen = dict(zip(run.curve(train).over("epoch")[0].tolist(), run.curve(train).values.tolist()))
    gaps = np.array([seen.get(epoch, np.nan) for epoch in epochs.tolist()])[: len(y)] - y
    known = np.isfinite(gaps)
    if not known.any():
        return saying("training and validation were not measured together")
    drawn = line(x[known], smooth(gaps[known], smoothing), _MOST, "gap", {"color": PLUM, "width": 2}, legend=False)
    x = axis_title([run], axis)
    return framed([drawn], x=x, y="training - validation SSIM", title="Over-fitting", aims=((0, ""),))


def psnr(run, axis="epoch", smoothing=0.0):
    """Validation PSNR with its best point."""
    name, _ = of_run(_PSNR, run)
    if not name:
        return saying("no PSNR in this log")
    x, y = run.curve(name).over(axis)
    drawn = line(x, smooth(y, smoothing), _MOST, "validation", {"color": BLUE, "width": 2}, legend=False)
    title = f"PSNR, best {y.max():.2f} dB"
    return framed([drawn, star(x, y, BLUE, "validation")], x=axis_title([run], axis), y="PSNR, dB", title=title)


def loss_terms(run, axis="epoch", smoothing=0.0):
    """Each term of the loss, unweighted; logarithmic where all are positive."""
    names = [name for name in run.curves if name.startswith("loss_") and name != "loss_total"]
    if not names:
        return saying("no terms of the loss in this log")
    traces = []
    for index, name in enumerate(names):
        x, y = run.curve(name).over(axis)
        term = name.removeprefix("loss_")
        style = {"color": colour(index), "dash": dash(index), "width": 2}
        traces.append(line(x, smooth(y, smoothing), _MOST // len(names) + 100, _TERMS.get(term, term), style))
    positive = all((run.curve(name).values > 0).all() for name in names)
    return framed(traces, x=axis_title([run], axis), y="loss, unweighted", title="Loss terms", log_y=positive)


def gain_by_epoch(run, axis="epoch", smoothing=0.0):
    """By how much validation SSIM changed from one point to the next; never smoothed."""
    val, _ = of_run(_SSIM, run)
    x, y = run.curve(val).over(axis) if val else ((), ())
    if len(y) < 2:
        return saying("needs two epochs")
    x, steps = thin(x[1:], np.diff(y), 400)
    up = steps >= 0
    bars = [
        go.Bar(x=x[chosen], y=steps[chosen], name=name, marker={"color": tint})
        for name, chosen, tint in (("better", up, GREEN), ("worse", ~up, RED))
    ]
    x = axis_title([run], axis)
    return framed(bars, x=x, y="change of validation SSIM", title="Gain of each epoch", barmode="relative", bargap=0.15)


def learning_rate(run, axis="epoch", smoothing=0.0):
    """The optimiser's learning rate, logarithmic where it falls to less than a third."""
    name, _ = of_run(_RATE, run)
    if not name:
        return saying("no learning rate in this log")
    x, y = run.curve(name).over(axis)
    positive = y[y > 0]
    falls = bool(len(positive)) and positive.max() > 3 * positive.min()
    drawn = line(x, y, _MOST, "learning rate", {"color": GREEN, "width": 2}, legend=False)
    return framed([drawn], x=axis_title([run], axis), y="learning rate", title="Learning rate", log_y=falls)


def speed(run, axis="epoch", smoothing=0.0):
    """Training crops a second."""
    name, _ = of_run(_SPEED, run)
    if not name:
        return saying("no speed in this log")
    x, y = run.curve(name).over(axis)
    drawn = line(x, smooth(y, smoothing), _MOST, "speed", {"color": ORANGE, "width": 2}, legend=False)
    figure = framed([drawn], x=axis_title([run], axis), y="training crops a second", title="Speed")
    return figure.update_yaxes(rangemode="tozero")


PANELS = (ssim_progress, loss_reduction, over_fitting, psnr, loss_terms, gain_by_epoch, learning_rate, speed)


def key_metrics(run):
    """[(name, value), ...] as text, the ninth panel."""
    val, train = of_run(_SSIM, run)
    longest = max(run.curves.values(), key=len, default=run.curve(""))
    asked = run.settings.get("epochs")
    lines = []
    if np.isfinite(longest.epoch).any():
        lines.append(("epochs", f"{np.nanmax(longest.epoch):g}" + (f" of {asked}" if asked else "")))
    for title, name in (("validation SSIM", val), ("training SSIM", train)):
        values = run.curve(name).values
        if len(values):
            lines.append((title, f"{values[0]:.4f}" + (f" to {values[-1]:.4f}" if len(values) > 1 else "")))
    if (at := run.best(val)) is not None:
        curve = run.curve(val)
        where = curve.over("epoch")[0]
        lines.append(("best validation SSIM", f"{curve.values[at]:.4f}, epoch {where[at]:g}" if len(where) else ""))
        lines.append((f"to the report's aim of {TARGET_SSIM:.2f}", f"{curve.values[at] - TARGET_SSIM:+.4f}"))
    decibels = run.curve(of_run(_PSNR, run)[0]).values
    if len(decibels):
        lines.append(("best PSNR", f"{decibels.max():.2f} dB"))
    if np.isfinite(longest.hours).any():
        minutes = round(60 * float(np.nanmax(longest.hours)))
        lines.append(("time", f"{minutes // 60} h {minutes % 60:02} min" if minutes >= 60 else f"{minutes} min"))
    if np.isfinite(longest.step).any():
        lines.append(("steps", f"{np.nanmax(longest.step):,.0f}"))
    return lines
