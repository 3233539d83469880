"""Runs: which trainings there are, their curves side by side, and the report's analysis of one."""

import time
import zlib

import pandas as pd
import streamlit as st

from webui.charts import training
from webui.charts.compare import POINTS, QUANTITIES, Quantity, compare, of_run
from webui.dashboard import parts
from webui.dashboard.find_runs import find_runs
from webui.dashboard.places import places
from webui.dashboard.run_reader import RunReader
from webui.dashboard.settings_table import settings_table

VIEWS = ("Compare", "Training analysis", "SSIM progress", "Settings")
_OVER = {"epoch": "epochs", "step": "steps", "hours": "time"}
_AT_FIRST = 3  # runs chosen before the visitor has chosen
_LIVE_S, _IDLE_S = 2, 10  # between two looks at the folders
_BUDGET_S = 0.8  # of reading at each look
_AHEAD_S = 1.5  # of reading at the start
_HEAD_START_S = 0.7  # for a new visitor's first two charts: a browser that got all five would draw none before the last

_reader = RunReader()


def read_ahead():
    """Read what the first visitor will see; one who comes meanwhile waits for it."""
    found, _ = find_runs(places().runs)
    first = _first(found)
    _reader.read([run for run in found if run.name in first], _AHEAD_S)


def show():
    """Draw the page; Streamlit runs it anew at every click."""
    st.title("Runs", anchor=False)
    found, problems = find_runs(places().runs)
    if not found:
        parts.problems(problems)
        parts.nothing(
            "No training has been logged here yet: no metrics.jsonl, no TensorBoard events, no CSV with steps.",
            "python launch.py train --data DIR --student nano --out runs/nano",
        )
        return
    chosen = _table(found)
    parts.problems(problems)
    if not chosen:
        st.info("Tick runs in the table to see their curves.", icon=":material/info:")
        return
    view = st.segmented_control("View", VIEWS, default=VIEWS[0], required=True, label_visibility="collapsed")
    if view == "Settings":
        st.dataframe(settings_table(chosen), alt="Settings of the chosen runs")
        st.caption("Coloured: what differs between the chosen runs, as they came first.")
        return
    options = _options(view)
    live = any(run.state() == "running" or not _reader.is_read(run) for run in chosen)
    body = st.fragment(_curves, run_every=_LIVE_S if live else _IDLE_S)
    body([run.name for run in found], [run.name for run in chosen], view, options)


def _table(found):
    """The table of runs; the FoundRuns that are ticked. What is ticked is kept by name: runs come and go."""
    names = [run.name for run in found]
    kept = [name for name in st.session_state.get("chosen runs", _first(found)) if name in names]
    rows = [_row(run) for run in found]
    picked = st.dataframe(
        pd.DataFrame(rows),
        key=f"runs-{zlib.crc32(repr(names).encode())}",
        height="content" if len(rows) <= 8 else 320,
        hide_index=True,
        placeholder="",
        on_select="rerun",
        selection_mode="multi-row",
        selection_default={"selection": {"rows": [names.index(name) for name in kept]}},
        column_config={
            "SSIM": st.column_config.NumberColumn("SSIM", help="of the last epoch, validation", format="%.4f"),
            "PSNR, dB": st.column_config.NumberColumn("PSNR, dB", help="of the last epoch, validation", format="%.2f"),
            "crops/s": st.column_config.NumberColumn("crops/s", help="training crops a second", format="%.1f"),
            "left": st.column_config.TextColumn("left", help="estimated from the last epoch"),
        },
        alt="The runs, their state and their last figures",
    )
    chosen = [found[index] for index in picked["selection"]["rows"] if index < len(found)]
    st.session_state["chosen runs"] = [run.name for run in chosen]
    return chosen


def _first(found):
    """Names of the runs to begin with: those that run now, else those with the longest logs of the last that ran."""
    running = [run.name for run in found if run.state() == "running"]
    newest = sorted(found, key=lambda run: -run.modified_at)[: 2 * _AT_FIRST]
    longest = sorted(newest, key=lambda run: -(run.epochs[0] or 0))
    return running[:_AT_FIRST] or [run.name for run in longest[:_AT_FIRST]]


def _row(run):
    done, asked = run.epochs
    left = run.seconds_left()
    return {
        "run": run.name,
        "state": run.state(),
        "epochs": f"{done} of {asked}" if asked else str(done or ""),
        "SSIM": _number(run.last.get("val_ssim")),
        "PSNR, dB": _number(run.last.get("val_psnr")),
        "crops/s": _number(run.last.get("images_per_s")),
        "left": "" if left is None else duration(left),
        "student": run.settings.get("student", ""),
        "recipe": run.settings.get("recipe", ""),
        "log": run.kind,
        "changed": time.strftime("%Y-%m-%d %H:%M", time.localtime(run.modified_at)),
    }


def _number(value):
    return float(value) if isinstance(value, int | float) else None


def duration(seconds):
    """The two largest units: 2 h 05 min, 40 s."""
    minutes = round(seconds / 60)
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{minutes // 60} h {minutes % 60:02} min" if minutes >= 60 else f"{minutes} min"


def _options(view):
    columns = st.columns([2, 2, 1, 1], vertical_alignment="bottom")
    axis = columns[0].segmented_control(
        "Over", list(_OVER), format_func=_OVER.__getitem__, default="epoch", required=True
    )
    smoothing = columns[1].slider("Smoothing", 0.0, 0.99, 0.0, 0.01)
    log_y = view == "Compare" and columns[2].toggle(
        "Log scale", help="of loss and learning rate, and of all others too"
    )
    picture = columns[3].selectbox("Pictures as", ("png", "svg"), help="what the camera button of a chart saves")
    return {"axis": axis, "smoothing": smoothing, "log_y": bool(log_y), "picture": picture}


def _curves(known, names, view, options):
    """Reads on and draws; alone in its fragment, so that a live run moves without the page."""
    found, _ = find_runs(places().runs)
    if [run.name for run in found] != known:
        st.rerun()
    runs = _reader.read([run for run in found if run.name in names], _BUDGET_S)
    parts.problems([line for run in runs for line in run.problems])
    share = sum(run.share_read for run in runs) / len(runs)
    if share < 1:
        st.progress(share, f"Large logs: {100 * share:.0f} % read, the rest follows")
    drawn = [run for run in runs if run.curves]
    if not drawn:
        st.info("No finished epoch in these logs yet; the page looks again by itself.", icon=":material/info:")
    elif view == "Compare":
        _compare(drawn, options)
    elif view == "Training analysis":
        _analysis(drawn, options)
    else:
        _ssim(drawn, options)


def _compare(runs, options):
    picture = options["picture"]
    drawing = {name: options[name] for name in ("axis", "smoothing", "log_y")}
    cells = parts.grid(2)
    for place, (quantity, cell) in enumerate(zip(QUANTITIES, cells)):
        if place == 2 and not st.session_state.get("has curves"):
            time.sleep(_HEAD_START_S)
            st.session_state["has curves"] = True
        with cell:
            figure = compare(runs, quantity, **drawing)
            parts.chart(figure, f"compare {quantity.unit}", f"{quantity.title} of the chosen runs", picture=picture)
    shown = {name for run in runs for quantity in QUANTITIES for name in of_run(quantity, run)}
    others = sorted({name for run in runs for name in run.curves} - shown)
    with next(cells):
        more = st.multiselect("More curves", others, placeholder="any other number of the logs")
    for name, cell in zip(more, cells):
        with cell:
            parts.chart(compare(runs, Quantity(name, name, name), **drawing), f"compare {name}", name, picture=picture)
    _below(runs)


def _analysis(runs, options):
    run = _one(runs)
    cells = parts.grid(3)
    for panel, cell in zip(training.PANELS, cells):
        with cell:
            figure = panel(run, options["axis"], options["smoothing"])
            alt = f"{panel.__name__.replace('_', ' ')} of {run.name}"
            parts.chart(figure, f"{panel.__name__} {run.name}", alt, picture=options["picture"])
    with next(cells):
        st.markdown("**Key metrics**")
        st.table(pd.DataFrame(training.key_metrics(run), columns=["", run.name]).set_index(""))
    st.caption(
        "`python launch.py train` leaves the same nine as a picture in `figures/training.png` of the run's folder."
    )
    _below([run])


def _ssim(runs, options):
    run = _one(runs)
    figure = training.ssim_progress(run, options["axis"], options["smoothing"], height=520)
    parts.chart(figure, f"ssim {run.name}", f"SSIM progress of {run.name}", picture=options["picture"])
    _below([run])


def _one(runs):
    names = [run.name for run in runs]
    name = st.selectbox("Run", names) if len(runs) > 1 else names[0]
    return runs[names.index(name)]


def _below(runs):
    points = max(len(curve) for run in runs for curve in run.curves.values())
    if points > POINTS // (2 * len(runs)):
        st.caption(
            f"Drawn from {points:,} points a curve: of each short span only its lowest and highest value, "
            "so that the browser keeps up. The CSV holds them all."
        )
    if any(run.curves and not any((curve.epoch == curve.epoch).any() for curve in run.curves.values()) for run in runs):
        st.caption("Logs without epochs are drawn by their steps.")
    st.download_button(
        "Curves as CSV",
        lambda: _csv(runs),
        "curves.csv",
        "text/csv",
        icon=":material/download:",
        on_click="ignore",
    )


def _csv(runs):
    tables = [
        pd.DataFrame(
            {
                "run": run.name,
                "curve": name,
                "epoch": curve.epoch,
                "step": curve.step,
                "hours": curve.hours,
                "value": curve.values,
            }
        )  # fmt: skip
        for run in runs
        for name, curve in run.curves.items()
    ]
    return pd.concat(tables).to_csv(index=False)
