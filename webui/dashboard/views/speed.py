"""Speed: frames a second of `benchmark` by size, quality against time, how times spread; one machine at a time."""

from collections import Counter
from dataclasses import replace

import pandas as pd
import streamlit as st

from webui.charts import speed
from webui.dashboard import parts
from webui.dashboard.benchmarks import find_benchmarks
from webui.dashboard.evaluations import find_evaluations, largest_first, summary
from webui.dashboard.places import places
from webui.dashboard.report_figures import FPS, FPS_MACHINE, WHOSE


def show():
    """Draw the page; Streamlit runs it anew at every click."""
    st.title("Speed", anchor=False)
    timings, samples, problems = find_benchmarks(places().results)
    parts.problems(problems)
    if not timings:
        command = "python launch.py benchmark --json runs/benchmark.json"
        parts.nothing("No times are here yet: no JSON of `benchmark` below the folders of --results.", command)
    else:
        _frames(timings)
    if samples:
        st.subheader("How single times spread", anchor=False)
        _histograms(samples)


def _frames(timings):
    machines = [machine for machine, _ in Counter(timing.machine for timing in timings).most_common()]
    chosen = st.multiselect("Machine", machines, default=machines[:1], key=f"machines {machines}")
    timings = [timing for timing in timings if timing.machine in chosen]
    if len(chosen) > 1:
        st.warning("Times of several machines: compare within one machine only. Each name says whose it is.")
        timings = [replace(timing, label=f"{timing.label} ({timing.machine})") for timing in timings]
    labels = list(dict.fromkeys(timing.label for timing in timings))
    kept = st.multiselect("Model and engine", labels, default=labels, key=f"labels {labels}")
    timings = [timing for timing in timings if timing.label in kept]
    if not timings:
        st.info("Choose at least one machine, and one model.", icon=":material/info:")
        return
    st.subheader(f"Frames a second on {', '.join(chosen)}", anchor=False)
    figure = speed.frames_a_second(timings, FPS, f"{WHOSE} on a {FPS_MACHINE}")
    parts.chart(figure, "frames a second", "Frames a second by size of the frame, model and engine")
    st.caption(
        f"Diamonds: what the report states for {WHOSE} on a {FPS_MACHINE}, another machine; a mark, no comparison."
    )
    st.subheader("Quality against time", anchor=False)
    _pareto(timings)
    st.subheader("Median and 95th percentile", anchor=False)
    parts.chart(speed.spread(timings), "spread", "Median and 95th percentile of the time a frame takes")
    st.dataframe(_table(timings), hide_index=True, placeholder="", alt="All times with their machine and versions")


def _pareto(timings):
    evaluations, _ = find_evaluations(places().results)
    scored = {evaluation.name: evaluation for evaluation in evaluations}
    if not scored:
        st.info("Needs an evaluation too: `python launch.py evaluate` writes one.", icon=":material/info:")
        return
    columns = st.columns(3)
    sizes = [size for size in reversed(speed.SIZES) if any(timing.size == size for timing in timings)]
    sizes = sizes or sorted({timing.size for timing in timings})
    timed = [{timing.label for timing in timings if timing.size == size} for size in sizes]
    size = columns[0].selectbox("Size", sizes, index=timed.index(max(timed, key=len)))  # the largest that most have
    models = {timing.model for timing in timings}
    ordered = sorted(
        largest_first(evaluations), key=lambda one: (models.isdisjoint(one.methods), one.recipe != "report")
    )
    names = list(dict.fromkeys(evaluation.name for evaluation in ordered))
    evaluation = scored[columns[1].selectbox("Scores of", names)]
    measures = {"psnr": "mean PSNR, dB", "ssim": "mean SSIM", "gain": "mean gain, dB"}
    measure = columns[2].selectbox("Score", list(measures), format_func=measures.__getitem__)
    quality = {method: mean[measure] for method, mean in summary(evaluation.rows)["all"].items()}
    figure = speed.quality_against_time(timings, quality, size, measures[measure])
    parts.chart(figure, "quality against time", f"{measures[measure]} against the time of a frame")
    missing = sorted({timing.model for timing in timings if speed.score_of(timing, quality) is None})
    if missing:
        st.caption(f"Not in {evaluation.name}, so without a score: {', '.join(missing)}.")


def _histograms(samples):
    machines = list(dict.fromkeys(sample.machine for sample in samples))
    machine = st.selectbox("Machine of the times", machines) if len(machines) > 1 else machines[0]
    of = [sample for sample in samples if sample.machine == machine]
    names = [sample.what for sample in of]
    kept = st.multiselect("Times of", names, default=names[:3])
    figure = speed.histogram([sample for sample in of if sample.what in kept])
    parts.chart(figure, "histogram", "Histogram of single times")
    st.caption(f"On {machine}. Files that keep only a median and a 95th percentile are in the chart above, not here.")


def _table(timings):
    rows = []
    for timing in timings:
        more = {key: value for key, value in timing.row.items() if not isinstance(value, dict | list)}
        versions = timing.made.get("versions")
        versions = ", ".join(f"{key} {value}" for key, value in versions.items()) if isinstance(versions, dict) else ""
        made = {key: timing.made.get(key, "") for key in ("date", "commit", "command")}
        rows.append(more | {"machine": timing.machine, "versions": versions, "file": timing.source} | made)
    return pd.DataFrame(rows)
