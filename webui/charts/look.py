"""What all charts share: colours, dashes, axes with their units, and a legend where it hides nothing."""

import math

import plotly.graph_objects as go

# Found by search: each has a contrast of 3 on white and on the dark page, and any two are told apart with every kind of
# colour blindness (the least distance in CIELAB is 29, simulated as by Machado et al. 2009; a test computes both).
BLUE, ORANGE, GREEN, RED, LILAC, PLUM = "#4B4AF7", "#D97900", "#1BA474", "#C9102F", "#AD7AEC", "#9A4989"
COLOURS = (BLUE, ORANGE, GREEN, RED, LILAC, PLUM)
GREY = "#808080"  # of lines that say what to compare with
DASHES = ("solid", "dash", "dot", "dashdot")  # of every further six
SYMBOLS = ("circle", "square", "diamond", "triangle-up", "x", "cross")
_INK = "#767676"  # of axes: a contrast of 4.5 on white and of 4 on the dark page
HEIGHT = 340  # pixels


def colour(index):
    """Of the line of that number, from 0."""
    return COLOURS[index % len(COLOURS)]


def dash(index):
    """Changes when the colours begin again."""
    return DASHES[index // len(COLOURS) % len(DASHES)]


def symbol(index):
    """Of the points of the line of that number, from 0."""
    return SYMBOLS[index % len(SYMBOLS)]


def framed(traces, *, x, y, title="", log_y=False, height=HEIGHT, aims=(), aims_at="left", **layout):
    """A Figure of the traces. x, y: what the axes show, with units. aims: ((value, words), ...), heights to reach, as
    dashed lines named at one end (aims_at: "left", or "beside" the right end). layout: more of Plotly's, by key.
    """
    axis = {"automargin": True, "zeroline": False, "tickfont": {"color": _INK}}
    settings = {
        "height": height,
        "margin": {"l": 10, "r": 10, "t": 44 if title else 14, "b": 10},
        "legend": {"orientation": "h", "yanchor": "top", "y": -0.22, "x": 0},
        "hovermode": "closest",
        "uirevision": "kept",  # a refresh keeps the visitor's zoom
        "xaxis": axis | {"title": {"text": x, "standoff": 8, "font": {"color": _INK}}},
        "yaxis": axis | {"title": {"text": y, "standoff": 8, "font": {"color": _INK}}},
        "shapes": [_across(value) for value, _ in aims],
        "annotations": [_named(math.log10(value) if log_y else value, words, aims_at) for value, words in aims],
    }
    if title:
        settings["title"] = {"text": title, "x": 0, "xanchor": "left", "font": {"size": 15}}
    if log_y:
        decades = 1 if _spans_decades(traces) else None
        settings["yaxis"] |= {"type": "log", "dtick": decades, "exponentformat": "power"}
    return go.Figure(traces, settings | layout)  # in one go: updates of a Figure are slow


def _across(value):
    line = {"color": GREY, "width": 1.2, "dash": "dash"}
    return {"type": "line", "xref": "x domain", "x0": 0, "x1": 1, "y0": value, "y1": value, "line": line}


def _named(value, words, side):
    font = {"size": 11, "color": GREY}
    place = {"xref": "x domain", "x": 0, "xanchor": "left", "y": value, "yanchor": "bottom"}
    if side == "beside":
        place |= {"x": 1, "yanchor": "middle"}
    return {"text": words, "showarrow": False, "font": font} | place


def saying(text):
    """A Figure without axes that says why there is nothing to draw."""
    figure = go.Figure()
    figure.update_layout(height=HEIGHT, margin={"l": 10, "r": 10, "t": 10, "b": 10})
    figure.update_xaxes(visible=False)
    figure.update_yaxes(visible=False)
    figure.add_annotation(text=text, showarrow=False, font={"size": 13, "color": GREY})
    return figure


def _spans_decades(traces):
    values = [value for trace in traces if trace.y is not None for value in trace.y if value is not None and value > 0]
    return bool(values) and max(values) > 1000 * min(values)
