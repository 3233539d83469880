"""The report's figures of a training run, from its log: the nine-panel analysis and the curve of SSIM over epochs."""

import io
from pathlib import Path

import matplotlib
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from distill.run_log import is_number, read_run
from engine.atomic_write import write_atomically

TARGET_SSIM = 0.90  # the project report's aim
# Okabe and Ito 2008: told apart with every kind of colour blindness; yellow is left out, too pale on white
BLUE, ORANGE, GREEN, RED, PURPLE, SKY, BLACK = (
    "#0072B2", "#E69F00", "#009E73", "#D55E00", "#CC79A7", "#56B4E9", "#222222"
)  # fmt: skip
_RUN_COLOURS = (BLUE, RED, GREEN, ORANGE, PURPLE, SKY, BLACK)
_DASHES = ("-", "--", ":", "-.")  # of every further seven runs
_STYLE = {
    "font.size": 11,
    "axes.titlesize": 13,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.edgecolor": "#888888",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": "#e4e4e4",
    "legend.frameon": False,
    "legend.fontsize": 10.5,
    "lines.linewidth": 1.8,
    "figure.facecolor": "white",
}
_DPI = 150
_NAMES = {"pixel": "against the clean picture", "teacher": "against the teacher's", "estimate": "measured degradation"}


def save_figures(folders, out):
    """Write the figures of runs as PNG into the folder `out`, over older ones; returns their paths.

    training.png of one run, else training-NAME.png of each, and ssim.png with all of them.
    """
    out, runs = Path(out), [read_run(folder) for folder in folders]
    out.mkdir(parents=True, exist_ok=True)
    names = _distinct([run.name for run in runs])
    figures = {"training.png" if len(runs) == 1 else f"training-{name}.png": run for name, run in zip(names, runs)}
    drawn = {name: draw_training(run) for name, run in figures.items()} | {"ssim.png": draw_ssim(runs, names)}
    for name, figure in drawn.items():
        packed = io.BytesIO()
        with matplotlib.rc_context(_STYLE):
            figure.savefig(packed, format="png", dpi=_DPI)
        write_atomically(out / name, packed.getvalue(), overwrite=True)
    return [out / name for name in drawn]


def draw_training(run):
    """The nine panels as a matplotlib Figure, 1950 x 1575 pixels at its resolution."""
    with matplotlib.rc_context(_STYLE):
        figure = Figure(figsize=(13, 10.5), layout="constrained")
        figure.get_layout_engine().set(w_pad=0.12, h_pad=0.12)
        figure.suptitle(_title(run), fontsize=16, fontweight="bold")
        axes = figure.subplots(3, 3).ravel()
        for axis, draw in zip(axes, _PANELS):
            draw(axis, run)
    return figure


def draw_ssim(runs, names=None):
    """SSIM over epochs of one or several runs with the best epoch of each, 1800 x 1050 pixels."""
    with matplotlib.rc_context(_STYLE | {"font.size": 13, "legend.fontsize": 12, "axes.titlesize": 16}):
        figure = Figure(figsize=(12, 7), layout="constrained")
        axis = figure.subplots()
        for index, (run, name) in enumerate(zip(runs, names or [run.name for run in runs])):
            colour, dash = _RUN_COLOURS[index % 7], _DASHES[index // 7 % 4]
            best = run.best()
            label = "validation" if len(runs) == 1 else _plain(name)
            if best:
                label += f", best {best[1]:.4f} at epoch {best[0]}"
                axis.plot(*best, "*", color=colour, markersize=17, markeredgecolor="white", zorder=5)
            _plot(axis, run, "val_ssim", label, colour, linestyle=dash)
            if len(runs) == 1:
                _plot(axis, run, "train_ssim", "training", ORANGE, linestyle="--")
        _target(axis)
        _finish(axis, _title(runs[0]) if len(runs) == 1 else "Validation SSIM of the runs", "SSIM", runs, "epoch")
        axis.legend(loc="best")
    return figure


def _draw_progress(axis, run):
    _plot(axis, run, "train_ssim", "training", ORANGE)
    _plot(axis, run, "val_ssim", "validation", BLUE)
    if best := run.best():
        axis.plot(*best, "*", color=BLUE, markersize=13, markeredgecolor="white", zorder=5)
    _target(axis)
    _finish(axis, "SSIM progress", "SSIM", [run])
    axis.legend(loc="best")


def _draw_improvement(axis, run):
    epochs, values = run.series("val_ssim")
    steps = [after - before for before, after in zip(values, values[1:])]
    colours = [GREEN if step >= 0 else RED for step in steps]
    if steps:
        axis.bar(epochs[1:], steps, color=colours, width=0.9)
        axis.axhline(0, color="#888888", linewidth=0.8)
    else:
        _say(axis, "needs two epochs")
    largest = sorted(abs(step) for step in steps)
    if len(steps) > 10 and (limit := 1.5 * largest[int(0.9 * len(largest))]) > 0:  # the first would hide all others
        axis.set_ylim(max(-limit, 1.1 * min(*steps, -0.1 * limit)), min(limit, 1.1 * max(*steps, 0.1 * limit)))
        if largest[-1] > limit:
            _note(axis, "largest cut off")
    _finish(axis, "Gain of each epoch", "change of validation SSIM", [run])


def _draw_psnr(axis, run):
    _plot(axis, run, "val_psnr", "validation", BLUE)
    if best := run.best("val_psnr"):
        axis.plot(*best, "*", color=BLUE, markersize=13, markeredgecolor="white", zorder=5)
        _note(axis, f"best {best[1]:.2f} dB, epoch {best[0]}")
    _finish(axis, "PSNR", "dB", [run])


def _draw_loss(axis, run):
    _plot(axis, run, "loss_total", None, BLUE)
    _, values = run.series("loss_total")
    if len(values) > 1 and values[0] > 0:
        _note(axis, f"{100 * (values[-1] / values[0] - 1):+.0f} %")
    _finish(axis, "Loss reduction", "training loss", [run])


def _draw_terms(axis, run):
    names = dict.fromkeys(key for row in run.rows for key in row if key.startswith("loss_") and key != "loss_total")
    positive = True
    for index, key in enumerate(names):
        term = key.removeprefix("loss_")
        _plot(axis, run, key, _NAMES.get(term, term), _RUN_COLOURS[index % 7], linestyle=_DASHES[index // 7 % 4])
        positive &= all(value > 0 for value in run.series(key)[1])
    if names and positive:
        axis.set_yscale("log")
    if names:
        axis.legend(loc="best")
    else:
        _say(axis, "no terms in the log")
    _finish(axis, "Loss terms", "unweighted", [run])


def _draw_gap(axis, run):
    gaps = [
        (row["epoch"], row["train_ssim"] - row["val_ssim"])
        for row in run.rows
        if is_number(row.get("train_ssim")) and is_number(row.get("val_ssim"))
    ]
    if gaps:
        epochs, values = zip(*gaps)
        axis.plot(epochs, values, color=PURPLE, marker=_marker(epochs))
        axis.fill_between(epochs, values, 0, color=PURPLE, alpha=0.15)
        axis.axhline(0, color="#888888", linewidth=0.8)
        _note(axis, "rising: learns by heart")
    else:
        _say(axis, "training SSIM is not in this log")
    _finish(axis, "Over-fitting", "training - validation SSIM", [run])


def _draw_rate(axis, run):
    _plot(axis, run, "learning_rate", None, GREEN)
    rates = [value for value in run.series("learning_rate")[1] if value > 0]
    if rates and max(rates) > 3 * min(rates):
        axis.set_yscale("log", nonpositive="clip")
    _finish(axis, "Learning rate", "of Adam", [run], "epoch")


def _draw_speed(axis, run):
    _plot(axis, run, "images_per_s", None, SKY)
    if fastest := max(run.series("images_per_s")[1], default=0):
        axis.set_ylim(0, 1.1 * fastest)
    _finish(axis, "Speed", "training crops a second", [run], "epoch")


def _draw_metrics(axis, run):
    axis.axis("off")
    axis.set_title("Key metrics")
    for place, (name, value) in enumerate(key_metrics(run)):
        height = 0.93 - 0.105 * place
        axis.text(0, height, name, transform=axis.transAxes, color="#555555", va="center")
        axis.text(1, height, value, transform=axis.transAxes, color=BLACK, va="center", ha="right", fontweight="bold")


_PANELS = (
    _draw_progress, _draw_loss, _draw_gap, _draw_psnr, _draw_terms, _draw_improvement, _draw_rate, _draw_speed,
    _draw_metrics,
)  # fmt: skip


def key_metrics(run):
    """[(name, value), ...] as text: what a reader wants of the run in nine lines."""
    lines = [("epochs", f"{run.rows[-1]['epoch']}" + (f" of {asked}" if (asked := run.settings.get("epochs")) else ""))]
    for name, key in (("validation SSIM", "val_ssim"), ("training SSIM", "train_ssim")):
        _, values = run.series(key)
        if values:
            lines.append((name, f"{values[0]:.4f} to {values[-1]:.4f}" if len(values) > 1 else f"{values[0]:.4f}"))
    if best := run.best():
        lines.append(("best validation SSIM", f"{best[1]:.4f}, epoch {best[0]}"))
        psnr = {row["epoch"]: row.get("val_psnr") for row in run.rows}[best[0]]
        if is_number(psnr):
            lines.append(("PSNR of that epoch", f"{psnr:.2f} dB"))
        lines.append((f"to the aim of {TARGET_SSIM:.2f}", f"{best[1] - TARGET_SSIM:+.4f}"))
    seconds = sum(run.series("seconds")[1])
    if seconds:
        lines.append(("time in training", _duration(seconds)))
    if is_number(run.rows[-1].get("step")):
        lines.append(("steps", f"{run.rows[-1]['step']:,}"))
    return lines


def _plot(axis, run, key, label, colour, **style):
    epochs, values = run.series(key)
    if values:
        axis.plot(epochs, values, label=label, color=colour, marker=_marker(epochs), markersize=4, **style)


def _target(axis):
    label = f"aim of the report, {TARGET_SSIM:.2f}"
    axis.axhline(TARGET_SSIM, color=BLACK, linewidth=1.2, linestyle=(0, (6, 3)), label=label)


def _finish(axis, title, ylabel, runs, xlabel=None):
    axis.set_title(title)
    axis.set_ylabel(ylabel)
    if xlabel:
        axis.set_xlabel(xlabel)
    axis.xaxis.set_major_locator(MaxNLocator(6, integer=True, min_n_ticks=1))
    first, last = min(run.rows[0]["epoch"] for run in runs), max(run.rows[-1]["epoch"] for run in runs)
    room = max(0.6, 0.03 * (last - first))
    axis.set_xlim(first - room, last + room)


def _note(axis, text):
    """A few words beside the title, where no curve runs."""
    axis.set_title(text, loc="right", fontsize=10.5, fontweight="normal", color="#555555")


def _say(axis, text):
    axis.text(0.5, 0.5, text, transform=axis.transAxes, ha="center", va="center", color="#777777")


def _title(run):
    chosen = [f"{key} {run.settings[key]}" for key in ("student", "recipe", "loss") if run.settings.get(key)]
    return _plain(run.name + (f"  ({', '.join(chosen)})" if chosen else ""))


def _plain(text):
    """Text that matplotlib shows as it is: dollars would begin a formula."""
    return text.encode(errors="replace").decode().replace("$", r"\$")


def _marker(epochs):
    return "o" if len(epochs) <= 25 else None


def _distinct(names):
    seen: dict[str, int] = {}
    for index, name in enumerate(names):
        seen[name] = seen.get(name, 0) + 1
        names[index] = name if seen[name] == 1 else f"{name}-{seen[name]}"
    return names


def _duration(seconds):
    minutes = round(seconds / 60)
    return f"{minutes // 60} h {minutes % 60:02} min" if minutes >= 60 else f"{seconds / 60:.1f} min"
