"""Scores of single pictures, and the map of an error."""

import zlib

import numpy as np
import plotly.graph_objects as go
from plotly.colors import sample_colorscale

from webui.charts.look import GREY, colour, framed, saying, symbol

MEASURES = {"ssim": "SSIM", "psnr": "PSNR, dB", "gain": "gain over the soft picture, dB"}
_SPREAD = 0.28  # of the place of a method, to each side of its middle


def distribution(rows, measure="ssim"):
    """A point a picture and method, coloured by category, over a box of each method's quartiles.

    rows: of images.csv. measure: of MEASURES. A point carries (picture, method) for whoever clicks it.
    """
    rows = [row for row in rows if np.isfinite(row[measure])]
    if not rows:
        return saying("no picture is chosen")
    methods = list(dict.fromkeys(row["method"] for row in rows))
    place = {method: index for index, method in enumerate(methods)}
    traces = [
        go.Box(
            x=[place[method]] * sum(row["method"] == method for row in rows),
            y=[row[measure] for row in rows if row["method"] == method],
            boxpoints=False,
            showlegend=False,
            line={"color": GREY, "width": 1.2},
            fillcolor="rgba(0,0,0,0)",
            hoverinfo="skip",
            width=0.75,
        )
        for method in methods
    ]
    for index, category in enumerate(sorted({row["category"] for row in rows})):
        of = [row for row in rows if row["category"] == category]
        traces.append(
            go.Scatter(
                x=[place[row["method"]] + _aside(row["picture"]) for row in of],
                y=[row[measure] for row in of],
                mode="markers",
                name=category,
                marker={"color": colour(index), "symbol": symbol(index), "size": 7, "opacity": 0.75},
                customdata=[[row["picture"], row["method"]] for row in of],
                hovertemplate="%{customdata[0]}<br>%{customdata[1]}: %{y:.4g}<extra></extra>",
            )
        )
    aims = ((0.9, "SSIM 0.9"),) if measure == "ssim" else ()
    figure = framed(traces, x="method", y=MEASURES[measure], height=440, aims=aims, clickmode="event+select")
    figure.update_xaxes(
        autotickangles=[0, -45, -90],
        tickvals=list(place.values()),
        ticktext=[_lines(name) for name in methods],
        range=[-0.6, len(methods) - 0.4],
    )
    return figure


def error_colours(error):
    """(H, W) float in [0, 1] -> (H, W, 3) uint8: dark blue is equal, yellow is far off (cividis, for every eye)."""
    samples = sample_colorscale("Cividis", np.linspace(0, 1, 256), colortype="tuple")
    table = (255 * np.array(samples)).round().astype(np.uint8)
    return table[(255 * error).round().astype(np.uint8)]


def _lines(method):
    """A method's name, or a card's path, in short lines: a phone would leave out a long one."""
    return method.replace("/", "/<br>").replace(" ", "<br>")


def _aside(picture):
    """How far a picture's points stand aside, the same in every method."""
    return _SPREAD * (2 * (zlib.crc32(picture.encode()) % 1000) / 999 - 1)
