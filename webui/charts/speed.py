"""Frames a second by size, quality against time, and how times spread."""

import math

import plotly.graph_objects as go

from webui.charts.look import COLOURS, GREY, colour, dash, framed, saying, symbol

_PATTERNS = ("", "/", "x", ".", "\\", "-")  # of bars, when the colours begin again
SIZES = ("480p", "720p", "1080p", "2160p")


def frames_a_second(timings, report=None, report_name=""):
    """Bars by size on a log scale, one colour a model and engine, lines at 30 and 60 and the report's own figures.

    timings: Timing of one machine, or of several whose labels say which. report: {size: frames a second}, drawn as
    diamonds. Where a size has several rows of one label the fastest is drawn.
    """
    if not timings:
        return saying("no times are chosen")
    sizes = [size for size in SIZES if any(timing.size == size for timing in timings)]
    sizes += sorted({timing.size for timing in timings} - set(sizes))
    traces = []
    for index, label in enumerate(dict.fromkeys(timing.label for timing in timings)):
        best = {}
        for timing in timings:
            if timing.label == label:
                best[timing.size] = max(timing.fps, best.get(timing.size, 0.0))
        traces.append(
            go.Bar(
                x=sizes,
                y=[best.get(size) for size in sizes],
                name=label,
                marker={
                    "color": colour(index),
                    "pattern": {"shape": _PATTERNS[index // len(COLOURS) % len(_PATTERNS)]},
                },
                text=[_short(best[size]) if size in best else "" for size in sizes],
                textposition="outside",
                textangle=-90,
                cliponaxis=False,
                hovertemplate=f"{label}, %{{x}}: %{{y:.1f}} frames a second<extra></extra>",
            )
        )
    marks = {size: fps for size, fps in (report or {}).items() if size in sizes}
    if marks:
        traces.append(
            go.Scatter(
                x=list(marks),
                y=list(marks.values()),
                name=report_name,
                mode="markers",
                marker={"symbol": "diamond", "size": 12, "color": GREY, "line": {"width": 1, "color": "white"}},
                hovertemplate="%{x}: %{y} frames a second<extra>" + report_name + "</extra>",
            )
        )
    aims = [(rate, str(rate)) for rate in (30, 60)]
    x, y = "size of the frame", "frames a second"
    figure = framed(traces, x=x, y=y, height=420, log_y=True, aims=aims, aims_at="beside", barmode="group")
    shown = [fps for trace in traces for fps in trace.y if fps]
    lowest, highest = math.log10(min(shown)), math.log10(max(*shown, 60))
    figure.update_yaxes(range=[math.floor(lowest - 0.1), highest + 0.3], tickformat="~g")
    # numbers that do not fit their bars, as on a phone, are left out: the table has them
    return figure.update_layout(uniformtext={"minsize": 8, "mode": "hide"}, margin={"r": 30})


def _short(fps):
    """As many digits as tell something: 1136, 30, 0.4."""
    return f"{fps:.0f}" if fps >= 9.95 else f"{fps:.1f}"


def frontier(points):
    """The points that no other beats in both: [(ms, quality), ...] by growing ms."""
    best, kept = float("-inf"), []
    for point in sorted(points, key=lambda point: (point[0], -point[1])):
        if point[1] > best:
            best = point[1]
            kept.append(point)
    return kept


def score_of(timing, quality):
    """A Timing's score, as of quality_against_time; None where it has none."""
    return quality.get(timing.model, quality.get(f"{timing.model} {timing.row.get('precision')}"))


def quality_against_time(timings, quality, size, unit):
    """A point a model and engine: its time a frame against its mean score; the line joins those that nothing beats.

    timings: Timing; those of another size are left out. quality: model, or model and precision ("nano int8") -> score;
    what has none is left out.
    """
    scores = {timing.label: score_of(timing, quality) for timing in timings}
    known = [timing for timing in timings if timing.size == size and scores[timing.label] is not None]
    if not known:
        return saying("no model has both a time and a score here")
    best = frontier([(timing.median_ms, scores[timing.label]) for timing in known])
    traces = [
        go.Scatter(
            x=[x for x, _ in best],
            y=[y for _, y in best],
            mode="lines",
            line={"color": GREY, "dash": "dot", "shape": "hv"},
            name="best at its time",
            hoverinfo="skip",
        )
    ]
    for index, timing in enumerate(known):
        above = (timing.p95_ms or timing.median_ms) - timing.median_ms
        traces.append(
            go.Scatter(
                x=[timing.median_ms],
                y=[scores[timing.label]],
                error_x={"type": "data", "array": [above], "arrayminus": [0], "thickness": 1.2},
                mode="markers",
                marker={"size": 12, "color": colour(index), "symbol": symbol(index)},
                name=timing.label,
                hovertemplate=f"{timing.label}<br>%{{x:.1f}} ms, %{{y:.4g}}<extra></extra>",
            )
        )
    figure = framed(traces, x=f"ms a frame of {size}, whisker to the 95th percentile", y=unit, height=420)
    for rate in (30, 60):
        figure.add_vline(
            1000 / rate,
            line={"color": GREY, "width": 1.2, "dash": "dash"},
            annotation={
                "x": math.log10(1000 / rate),
                "text": f"{rate} a second",
                "font": {"size": 11, "color": GREY},
                "xanchor": "left" if rate == 30 else "right",
            },
        )
    return figure.update_xaxes(type="log", tickformat="~g", dtick="D2")  # D2: also 2 and 5 of a decade


def histogram(samples):
    """How single times spread. samples: Samples."""
    if not samples:
        return saying("no single times were kept")
    traces = [
        go.Histogram(
            x=sample.times_ms,
            name=sample.what,
            marker={"color": colour(index)},
            opacity=0.65,
            nbinsx=30,
            histnorm="percent",
        )
        for index, sample in enumerate(samples)
    ]
    figure = framed(traces, x="ms", y="share of all, %")
    return figure.update_layout(barmode="overlay", showlegend=True)


def spread(timings):
    """The way from median to 95th percentile of each row, for files that keep no single times."""
    known = [timing for timing in timings if timing.p95_ms]
    if not known:
        return saying("no 95th percentile in these files")
    traces = []
    for index, label in enumerate(dict.fromkeys(timing.label for timing in known)):
        of = [timing for timing in known if timing.label == label]
        for place, timing in enumerate(of):
            traces.append(
                go.Scatter(
                    x=[timing.median_ms, timing.p95_ms],
                    y=[f"{timing.size}, {label}"] * 2,
                    mode="lines+markers",
                    line={"color": colour(index), "dash": dash(index), "width": 2},
                    marker={"symbol": ["circle", "line-ns-open"], "size": [9, 14]},
                    name=label,
                    legendgroup=label,
                    showlegend=place == 0,
                    hovertemplate="%{y}: %{x:.1f} ms<extra></extra>",
                )
            )
    figure = framed(traces, x="ms a frame: median, 95th percentile", y="", height=120 + 26 * len(known))
    return figure.update_layout(showlegend=False).update_yaxes(autorange="reversed").update_xaxes(rangemode="tozero")
