"""The report's plots as SVG: intervals, preference matrix, distribution of scores, raters; safe for the colour-blind.

All are about 440 CSS pixels wide, so that their text can be read on a phone.
"""

import io

import matplotlib
import numpy as np
from matplotlib.figure import Figure

# Okabe and Ito 2008: told apart with every kind of colour blindness; shapes differ, too
BLUE, ORANGE, GREY, BLACK = "#0072B2", "#D55E00", "#767676", "#222222"
_WIDTH = 4.6  # inches
_STYLE: dict = {
    "font.size": 10,
    "axes.edgecolor": "#888888",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "axes.grid": True,
    "axes.grid.axis": "x",
    "grid.color": "#e4e4e4",
    "legend.frameon": False,
    "legend.fontsize": 9,
    "svg.hashsalt": "whetstone",  # the same ratings give the same file
}
_VIEWS = {"all raters": (GREY, "o", "white"), "after exclusions": (BLUE, "s", BLUE)}  # line, marker, fill
ROWS = 60  # of a plot by condition; more are left to the table


def intervals(views, conditions, value="mos", label="MOS, 95 % interval", limits=None):
    """Dots with intervals, a row a condition, one colour and shape a view. views: {title: table}."""
    conditions = conditions[:ROWS]

    def draw(figure):
        axis = figure.subplots()
        for index, (title, table) in enumerate(views.items()):
            colour, marker, fill = _VIEWS[title]
            table = table.set_index("condition").reindex(conditions)
            middle = table[value].to_numpy(float)
            low, high = _bounds(table, value)
            around = np.nan_to_num(np.array([middle - low, high - middle]))
            y = np.arange(len(conditions)) + (0.16 if index else -0.16) * (len(views) > 1)
            look = {"color": colour, "markerfacecolor": fill, "markersize": 5, "capsize": 2.5}
            axis.errorbar(middle, y, xerr=around, fmt=marker, label=title, **look)
        _rows(axis, conditions)
        axis.set_xlabel(label)
        if limits:
            axis.set_xlim(*limits)
        if len(views) > 1:
            _legend(axis, len(views))

    return _svg(draw, len(conditions))


def _bounds(table, value):
    if "ci95_low" in table and value == "mos":
        return table.ci95_low.to_numpy(float), table.ci95_high.to_numpy(float)
    reach = 1.96 * table.se.to_numpy(float)
    return table[value].to_numpy(float) - reach, table[value].to_numpy(float) + reach


def preference_matrix(table, conditions):
    """How often the row is preferred to the column, in percent; white is even, orange rarely, purple mostly."""
    conditions = conditions[:20]
    number = {name: index for index, name in enumerate(conditions)}
    share = np.full((len(conditions), len(conditions)), np.nan)
    for row in table.itertuples():
        if row.item in number and row.other in number:
            share[number[row.item], number[row.other]] = row.share
            share[number[row.other], number[row.item]] = 1 - row.share

    def draw(figure):
        axis = figure.subplots()
        axis.grid(False)
        axis.imshow(share, cmap="PuOr", vmin=0, vmax=1, aspect="auto")
        for (y, x), value in np.ndenumerate(share):
            if np.isfinite(value):
                colour = "white" if abs(value - 0.5) > 0.28 else BLACK
                axis.text(x, y, f"{100 * value:.0f}", ha="center", va="center", color=colour, fontsize=9)
        names = [_plain(name) for name in conditions]
        axis.set_xticks(range(len(names)), names, rotation=40, ha="right", rotation_mode="anchor")
        axis.set_yticks(range(len(names)), names)
        axis.set_xlabel("... to this one, percent")
        axis.set_ylabel("this one is preferred ...")

    return _svg(draw, 1.6 * len(conditions) + 3)


def distribution(scores, conditions):
    """Shares of each score by condition as stacked bars, dark (worst) to light (best); other scales in five bins."""
    conditions = conditions[:ROWS]
    values = np.unique(scores.score)
    if len(values) <= 7 and np.all(values == np.rint(values)):
        low, high = min(values.min(), 1), max(values.max(), 5)
        steps = np.arange(low, high + 1)
        edges, names = np.append(steps - 0.5, high + 0.5), [f"{step:g}" for step in steps]
    else:
        edges = np.linspace(values.min(), values.max() + 1e-9, 6)
        names = [f"{low:.3g} to {high:.3g}" for low, high in zip(edges, edges[1:])]
    shares = np.array([_shares(scores.score[scores.condition == name], edges) for name in conditions])
    colours = matplotlib.colormaps["cividis"](np.linspace(0.05, 0.95, len(names)))

    def draw(figure):
        axis = figure.subplots()
        left = np.zeros(len(conditions))
        for index, name in enumerate(names):
            axis.barh(
                range(len(conditions)), shares[:, index], left=left, color=colours[index], label=name, height=0.75
            )
            for y, (start, share) in enumerate(zip(left, shares[:, index])):
                if share >= 8:
                    ink = "white" if index < len(names) / 2 else BLACK
                    axis.text(start + share / 2, y, f"{share:.0f}", ha="center", va="center", color=ink, fontsize=8)
            left = left + shares[:, index]
        _rows(axis, conditions)
        axis.set_xlim(0, 100)
        axis.set_xlabel("votes, percent")
        _legend(axis, len(names) if len(names) <= 7 and edges[1] - edges[0] == 1 else 3)

    return _svg(draw, len(conditions))


def _shares(scores, edges):
    counts = np.histogram(scores, edges)[0]
    return 100 * counts / max(counts.sum(), 1)


def raters(table):
    """Bias and inconsistency of each rater (annex E); the excluded ones are crosses with their name."""

    def draw(figure):
        axis = figure.subplots()
        axis.grid(True, axis="both")
        out = (table.excluded != "").to_numpy()
        axis.axvline(0, color=GREY, linewidth=1)
        for chosen, colour, marker, name in ((~out, BLUE, "o", "counted"), (out, ORANGE, "X", "excluded")):
            if chosen.any():
                dots = table[chosen]
                axis.scatter(dots.bias, dots.inconsistency, c=colour, marker=marker, s=34, label=name, alpha=0.85)
        for row in table[out & table.bias.notna()].head(12).itertuples():
            spot = (row.bias, row.inconsistency)
            axis.annotate(_plain(row.rater), spot, (4, 4), textcoords="offset points", fontsize=8)
        axis.margins(0.12)
        axis.set_ylim(bottom=0)
        axis.set_xlabel("bias (right: gives higher scores)")
        axis.set_ylabel("inconsistency")
        _legend(axis, 2)

    return _svg(draw, 9)


def _rows(axis, conditions):
    axis.set_yticks(range(len(conditions)), [_plain(name) for name in conditions])
    axis.set_ylim(len(conditions) - 0.4, -0.6)


def _legend(axis, columns):
    axis.legend(
        loc="lower left", bbox_to_anchor=(0, 1.0), ncols=columns, borderaxespad=0.2, handlelength=1.2, columnspacing=1
    )


def _svg(draw, rows):
    with matplotlib.rc_context(_STYLE):
        figure = Figure(figsize=(_WIDTH, 1.25 + 0.3 * rows), layout="constrained")
        draw(figure)
        packed = io.StringIO()
        figure.savefig(packed, format="svg", metadata={"Date": None})
    return packed.getvalue()


def _plain(name):
    """Text that matplotlib shows as it is, not too long: dollars would begin a formula."""
    text = str(name).encode(errors="replace").decode()
    return (text if len(text) <= 24 else text[:23] + "\u2026").replace("$", r"\$")
