"""Mean opinion scores and preferences, each with its interval."""

import plotly.graph_objects as go

from webui.charts.look import BLUE, GREY, colour, framed, saying, symbol

_WORDS = {1: "1 bad", 2: "2 poor", 3: "3 fair", 4: "4 good", 5: "5 excellent"}  # ITU-T P.800


def opinions(views, subject):
    """MOS with its 95 % interval, best first. views: name -> DataFrame with `subject`, mos and, where they are known,
    ci95_low and ci95_high; beside each other.
    """
    views = {name: table.dropna(subset=["mos"]) for name, table in views.items()}
    views = {name: table for name, table in views.items() if len(table)}
    if not views:
        return saying("no scores")
    first = next(iter(views.values()))
    order = list(first.sort_values("mos", ascending=False)[subject].astype(str))
    traces = []
    for index, (name, table) in enumerate(views.items()):
        scores = table["mos"]
        error = None
        if {"ci95_low", "ci95_high"} <= set(table.columns):
            error = {
                "type": "data",
                "array": (table["ci95_high"] - scores).fillna(0),
                "arrayminus": (scores - table["ci95_low"]).fillna(0),
                "thickness": 2,
            }
        aside = 0.25 * (index - (len(views) - 1) / 2)
        traces.append(
            go.Scatter(
                x=[order.index(str(item)) + aside if str(item) in order else None for item in table[subject]],
                y=scores,
                error_y=error,
                mode="markers",
                name=name or "MOS",
                marker={"size": 11, "color": colour(index), "symbol": symbol(index)},
                text=table[subject].astype(str),
                hovertemplate="%{text}: %{y:.2f}<extra>" + (name or "MOS") + "</extra>",
            )
        )
    figure = framed(traces, x=subject, y="mean opinion score, 95 % interval", height=420)
    figure.update_xaxes(tickvals=list(range(len(order))), ticktext=order, range=[-0.6, len(order) - 0.4])
    if all(table["mos"].between(1, 5).all() for table in views.values()):
        figure.update_yaxes(range=[0.9, 5.1], tickvals=list(_WORDS), ticktext=list(_WORDS.values()))
    return figure.update_layout(showlegend=len(views) > 1)


def preferences(table):
    """The share in which the first of each pair was preferred, with its interval; one half is no preference.

    table: DataFrame of item, other, share in [0, 1] and, where they are known, ci95_low, ci95_high, n.
    """
    if not len(table):
        return saying("no pairs were compared")
    names = [f"{row.item} over {row.other}" for row in table.itertuples()]
    share = 100 * table["share"]
    error = None
    if {"ci95_low", "ci95_high"} <= set(table.columns):
        above, below = 100 * table["ci95_high"] - share, share - 100 * table["ci95_low"]
        error = {"type": "data", "array": above.fillna(0), "arrayminus": below.fillna(0), "thickness": 2}
    drawn = go.Scatter(
        x=share,
        y=names,
        error_x=error,
        mode="markers",
        marker={"size": 11, "color": BLUE},
        customdata=table.get("n"),
        hovertemplate="%{y}: %{x:.0f} %" + (" of %{customdata}" if "n" in table else "") + "<extra></extra>",
    )
    figure = framed([drawn], x="preferred, %, with 95 % interval", y="", height=140 + 30 * len(names))
    figure.add_vline(50, line={"color": GREY, "width": 1.2, "dash": "dash"})
    return figure.update_xaxes(range=[-3, 103]).update_yaxes(autorange="reversed")
