"""Quality: the scores of `evaluate`, by method, by category beside the report's, by picture, and the pictures."""

import numpy as np
import pandas as pd
import streamlit as st

from webui.charts.quality import MEASURES, distribution, error_colours
from webui.dashboard import parts
from webui.dashboard.evaluations import DEGRADED, find_evaluations, largest_first, summary
from webui.dashboard.kept_pictures import MOST_LEVELS, error_map, find_pictures
from webui.dashboard.places import places
from webui.dashboard.report_figures import QUALITY, WHOSE

_FORMATS = {
    "method": st.column_config.TextColumn(width=250),  # pixels: the longest name in full
    "mean SSIM": st.column_config.NumberColumn(format="%.3f"),
    "PSNR, dB": st.column_config.NumberColumn(format="%.2f"),
    "gain, dB": st.column_config.NumberColumn(format="%+.2f", help="over the soft picture"),
    "report: mean SSIM": st.column_config.NumberColumn(format="%.3f"),
}
_EVALUATE = "python launch.py evaluate --data DIR --recipe report --model unsharp nano small --out runs/evaluate"


def show():
    """Draw the page; Streamlit runs it anew at every click."""
    st.title("Quality", anchor=False)
    found, problems = find_evaluations(places().results)
    parts.problems(problems)
    if not found:
        parts.nothing("No evaluation is here yet: no images.csv below the folders of --results.", _EVALUATE)
        return
    chosen, methods, rows = _filters(found)
    if not rows:
        st.info("Choose at least one method and one category.", icon=":material/info:")
        return
    means = summary(rows)
    st.subheader("By method", anchor=False)
    _by_method(means["all"])
    st.subheader("By category", anchor=False)
    _by_category(means, methods)
    parts.made_by(chosen.made)
    st.subheader("By picture", anchor=False)
    measure = st.segmented_control(
        "Measure",
        list(MEASURES),
        format_func=MEASURES.__getitem__,
        default="ssim",
        required=True,
        label_visibility="collapsed",
    )
    picked = parts.chart(
        distribution(rows, measure),
        f"distribution {chosen.name}",
        f"{MEASURES[measure]} of each picture by method",
        on_select="rerun",
        selection_mode="points",
    )
    _pictures(
        chosen, rows, methods, [point["customdata"] for point in picked["selection"]["points"] if "customdata" in point]
    )


def _filters(found):
    columns = st.columns([1, 1, 2])
    recipes = sorted({evaluation.recipe for evaluation in found}, reverse=True)
    recipe = columns[0].selectbox("Recipe", recipes, format_func=lambda recipe: recipe or "unknown")
    fitting = largest_first(evaluation for evaluation in found if evaluation.recipe == recipe)
    by_name = {evaluation.name: evaluation for evaluation in fitting}
    chosen = by_name[columns[1].selectbox("Results", list(by_name))]
    plain = [method for method in chosen.methods if "(" not in method]
    methods = columns[2].multiselect("Methods", chosen.methods, default=plain, key=f"methods {chosen.name}")
    categories = st.pills(
        "Categories",
        chosen.categories,
        selection_mode="multi",
        default=chosen.categories,
        key=f"categories {chosen.name}",
    )
    rows = [row for row in chosen.rows if row["method"] in methods and row["category"] in categories]
    return chosen, methods, rows


def _by_method(means):
    rows = [{"method": method, "pictures": mean["pictures"]} | _columns(mean) for method, mean in means.items()]
    pictures, ssim, over = QUALITY["all"]
    rows.append({"method": f"{WHOSE}, its own pictures", "pictures": pictures, "mean SSIM": ssim, "SSIM > 0.9": over})
    st.dataframe(
        pd.DataFrame(rows), hide_index=True, placeholder="", column_config=_FORMATS, alt="Mean scores by method"
    )


def _columns(mean):
    return {"mean SSIM": mean["ssim"], "SSIM > 0.9": mean["over"], "PSNR, dB": mean["psnr"], "gain, dB": mean["gain"]}


def _by_category(means, methods):
    candidates = [method for method in methods if method != DEGRADED] or methods
    best = max(candidates, key=lambda method: means["all"][method]["ssim"])
    method = st.selectbox("Method", candidates, index=candidates.index(best))
    rows = []
    for category, by_method in means.items():
        if method in by_method:
            pictures, ssim, over = QUALITY.get(category, (None, None, None))
            row = {"category": category, "pictures": by_method[method]["pictures"]} | _columns(by_method[method])
            row |= {"report: pictures": pictures, "report: mean SSIM": ssim, "report: SSIM > 0.9": over}
            rows.append(row)
    st.dataframe(
        pd.DataFrame(rows),
        hide_index=True,
        placeholder="",
        column_config=_FORMATS,
        alt=f"{method} by category beside the report",
    )
    st.caption(
        f"The report's columns are {WHOSE}'s on its own pictures, which are not to be had: a mark, not the same test."
    )


def _pictures(chosen, rows, methods, clicked):
    if not clicked:
        st.caption("Click a point to see its picture: degraded, restored, clean, and where they differ.")
        return
    picture, method = clicked[0]
    shown = method if method != DEGRADED else next((name for name in methods if name != DEGRADED), method)
    scores = {row["method"]: row for row in rows if row["picture"] == picture}
    st.markdown(f"**{picture}**, {shown}")
    try:
        found, where = find_pictures(chosen, picture, shown)
    except OSError as error:
        parts.problems([f"the pictures of {picture} cannot be read ({error})"])
        return
    if found is None:
        command = chosen.made.get("command") or _EVALUATE
        parts.nothing("The pictures were not kept (the scores are all that is here).", f"{command} --pictures")
        return
    for name, cell in zip(found, parts.grid(3)):
        with cell:
            st.image(found[name], _caption(name, scores.get(name)), width="stretch")
    for (name, label), cell in zip(((DEGRADED, "before"), (shown, "after")), parts.grid(3)):
        with cell:
            colours = error_colours(error_map(found["clean"], found[name]))
            st.image(
                colours, f"error {label}: dark is none, yellow {MOST_LEVELS} of 255 levels or more", width="stretch"
            )
    st.caption(f"Shown: {where}.")


def _caption(name, score):
    numbers = (
        "" if score is None or not np.isfinite(score["psnr"]) else f": SSIM {score['ssim']:.3f}, {score['psnr']:.2f} dB"
    )
    return f"{name}{numbers}"
