"""What all charts share: colours, dashes, axes with their units, and a legend where it hides nothing."""

import plotly.graph_objects as go

# Found by search: each has a contrast of 3 on white and on the dark page, and any two are told apart with every kind of
# colour blindness (the least distance in CIELAB is 31, simulated as by Machado et al. 2009; a test computes both).
BLUE, ORANGE, GREEN, RED, LILAC, PLUM = "#4645F7", "#DC7C01", "#1FA777", "#C40D2C", "#B07DEE", "#974586"
COLOURS = (BLUE, ORANGE, GREEN, RED, LILAC, PLUM)
GREY = "#808080"  # of lines that say what to compare with
DASHES = ("solid", "dash", "dot", "dashdot")  # of every further six
SYMBOLS = ("circle", "square", "diamond", "triangle-up", "x", "cross")
_INK = "#767676"  # of axes: a contrast of 4.5 on white and of 4 on the dark page
HEIGHT = 340  # pixels


def colour(index):
    return COLOURS[index % len(COLOURS)]


def dash(index):
    """Changes when the colours begin again."""
    return DASHES[index // len(COLOURS) % len(DASHES)]


def symbol(index):
    return SYMBOLS[index % len(SYMBOLS)]


def framed(traces, *, x, y, title="", log_y=False, height=HEIGHT):
    """A Figure of the traces. x, y: what the axes show, with units."""
    figure = go.Figure(traces)
    figure.update_layout(
        title={"text": title, "x": 0, "xanchor": "left", "font": {"size": 15}} if title else None,
        height=height,
        margin={"l": 10, "r": 10, "t": 44 if title else 14, "b": 10},
        legend={"orientation": "h", "yanchor": "top", "y": -0.22, "x": 0, "title": {"text": ""}},
        hovermode="closest",
        uirevision="kept",  # a refresh keeps the visitor's zoom
    )
    for axes, text in ((figure.update_xaxes, x), (figure.update_yaxes, y)):
        title = {"text": text, "standoff": 8, "font": {"color": _INK}}
        axes(title=title, tickfont={"color": _INK}, automargin=True, zeroline=False)
    if log_y:
        figure.update_yaxes(type="log", dtick=1 if _spans_decades(traces) else None)
    return figure


def aim(figure, value, text, side="left"):
    """A dashed line across at a height that is to be reached, named at one end."""
    figure.add_hline(
        value,
        line={"color": GREY, "width": 1.2, "dash": "dash"},
        annotation={"text": text, "font": {"size": 11, "color": GREY}, "x": side == "right", "xanchor": side},
    )
    return figure


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
