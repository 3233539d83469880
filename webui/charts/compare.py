"""One quantity of several runs over epochs, steps or time."""

from dataclasses import dataclass

import plotly.graph_objects as go

from webui.charts.look import colour, dash, framed, saying
from webui.charts.series import smooth, thin
from webui.dashboard.run_curves import AXES

POINTS = 6000  # in one chart: what a browser draws at once
TARGET_SSIM = 0.90  # the project report's aim
SSIM_AIM = ((TARGET_SSIM, f"the report's aim, {TARGET_SSIM:.2f}"),)


@dataclass(frozen=True)
class Quantity:
    """What a chart shows of each run. main: its curve; beside: drawn thinner and dotted; names of curves."""

    title: str
    unit: str
    main: str
    beside: str = ""
    best: bool = False  # mark its largest value
    words: tuple[str, ...] = ()  # one of them in the name of a foreign log's curve makes it this quantity


QUANTITIES = (
    Quantity("SSIM, validation (training dotted)", "SSIM", "val_ssim", "train_ssim", best=True, words=("ssim",)),
    Quantity("PSNR, validation", "PSNR, dB", "val_psnr", best=True, words=("psnr",)),
    Quantity("Training loss", "loss", "loss_total", words=("loss",)),
    Quantity("Learning rate", "learning rate", "learning_rate", words=("learning_rate", "lr")),
    Quantity("Speed", "training crops a second", "images_per_s", words=("images_per_s",)),
)


def of_run(quantity, run):
    """The names of the run's curves that are this quantity: (main, beside), "" for none; foreign logs name them freely.

    Their words are looked at: `ssim/val` and `val_ssim` are the same, so are `train/loss` and `loss_total`.
    """
    if quantity.main in run.curves:
        return quantity.main, quantity.beside if quantity.beside in run.curves else ""
    names = [name for name in run.curves if any(_has(name, word) for word in quantity.words)]
    val = [name for name in names if "val" in name.lower() or "test" in name.lower()]
    train = [name for name in names if name not in val]
    first = train + val if quantity.unit == "loss" else val + train
    main = first[0] if first else ""
    beside = next((name for name in train if name != main), "") if quantity.beside and main in val else ""
    return main, beside


def _has(name, word):
    name = name.lower()
    return word in name if len(word) > 2 else word in name.replace("/", "_").replace("-", "_").split("_")


def compare(runs, quantity, *, axis="epoch", smoothing=0.0, log_y=False, colours=None):
    """A line a run. colours: name of the run -> index of its colour, so that charts agree; by place where left out."""
    share = max(100, POINTS // max(1, 2 * len(runs)))
    traces = []
    for place, run in enumerate(runs):
        index = colours[run.name] if colours else place
        main, beside = of_run(quantity, run)
        style = {"color": colour(index), "dash": dash(index)}
        if beside:
            x, y = run.curve(beside).over(axis)
            dotted = style | {"dash": "dot", "width": 1.2}
            traces.append(line(x, smooth(y, smoothing), share, f"{run.name}, training", dotted, legend=False))
        x, y = run.curve(main).over(axis) if main else ((), ())
        if not len(y):
            continue
        if smoothing:
            traces.append(line(x, y, share, run.name, style | {"width": 1}, legend=False, opacity=0.3))
        traces.append(line(x, smooth(y, smoothing), share, run.name, style | {"width": 2}))
        if quantity.best:
            traces.append(star(x, y, colour(index), run.name))
    if not traces:
        return saying(f"no {quantity.unit} in these logs")
    aims = SSIM_AIM if quantity.unit == "SSIM" and not log_y else ()
    x = axis_title(runs, axis)
    return framed(traces, x=x, y=quantity.unit, title=quantity.title, log_y=log_y, aims=aims)


def axis_title(runs, axis):
    """What the x axis says; logs without epochs are drawn by their steps."""
    curves = [curve for run in runs for curve in run.curves.values()]
    if axis == "epoch" and curves and all(not (curve.epoch == curve.epoch).any() for curve in curves):
        return AXES["step"]
    return AXES[axis]


def line(x, y, most, name, style, *, legend=True, opacity=1.0):
    """A trace; single points of short curves are marked, so that a run of one epoch is seen."""
    x, y = thin(x, y, most)
    return go.Scatter(
        x=x,
        y=y,
        name=name,
        mode="lines+markers" if len(y) <= 25 else "lines",
        line=style,
        marker={"size": 5},
        opacity=opacity,
        showlegend=legend,
        hovertemplate=f"{name}<br>%{{x:.6~g}}: %{{y:.5~g}}<extra></extra>",
    )


def star(x, y, tint, name, *, legend=False):
    """A trace with the best point alone."""
    at = int(y.argmax())
    return go.Scatter(
        x=[x[at]],
        y=[y[at]],
        mode="markers",
        marker={"symbol": "star", "size": 14, "color": tint, "line": {"width": 1, "color": "white"}},
        name=f"best: {y[at]:.4f} at {x[at]:,.6g}",
        showlegend=legend,
        hovertemplate=f"{name}, best<br>%{{x:.6~g}}: %{{y:.5~g}}<extra></extra>",
    )
