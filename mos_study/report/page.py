"""The report's page: one HTML file that holds its plots and needs no network."""

import base64
from html import escape
from pathlib import Path

import numpy as np

from mos_study.report import plots
from mos_study.report.caveats import caveats
from mos_study.report.findings import widest
from mos_study.report.html_table import html_table, in_percent, with_ends
from mos_study.screen import RULES

METHODS = {
    "ab": "two at once, each rated 1 to 5",
    "acr": "one at a time, rated 1 to 5 (ACR)",
    "ccr": "two at once, compared from -3 to 3 (CCR)",
    "pair": "two at once, one chosen",
}


def page(findings):
    """The HTML text of the report."""
    style = (Path(__file__).parent / "page.css").read_text(encoding="utf-8")
    parts = [_head(findings), _caveats(findings), _mos(findings), _categories(findings), _preferences(findings)]
    parts += [_distribution(findings), _raters(findings), _method(findings)]
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1"><title>Study report</title>'
        f"<style>{style}</style></head><body>\n" + "\n".join(part for part in parts if part) + "\n</body></html>\n"
    )


def _head(findings):
    everyone, screened = findings.everyone, findings.screened
    out = int((findings.raters.excluded != "").sum())
    cards = [(f"{everyone.raters or '-'}", "raters"), (f"{everyone.answers}", "answers that count")]
    cards.append((f"{out}", "raters excluded by a rule"))
    cards.append((f"{len(findings.conditions)}", "conditions" if findings.methods else "items"))
    view = screened or everyone
    if view.mos is not None:
        half, _ = widest(view)
        cards.append((f"±{half:.2f}" if np.isfinite(half) else "-", "widest 95 % interval of a MOS"))
        more = view.mos.more_raters.max()
        cards.append((f"{more:.0f}" if np.isfinite(more) else "-", f"more raters for ±{findings.aim:.2g}"))
    asked = "; ".join(METHODS[name] for name in findings.methods) or "votes of another study"
    line = f"How it was asked: {asked}." + (f" Answered {findings.period}." if findings.period else "")
    shown = "".join(f"<div><b>{escape(number)}</b><span>{escape(what)}</span></div>" for number, what in cards)
    return f'<h1>Study report</h1><p class="soft">{escape(line)}</p><div class="cards">{shown}</div>'


def _caveats(findings):
    lines = "".join(f"<li>{escape(line)}</li>" for line in caveats(findings))
    return f'<h2>Read this first</h2><div class="warn"><ul>{lines}</ul></div>'


def _first(findings):
    """What a caption adds where there are more conditions than a plot has rows."""
    return f"; the best {plots.ROWS} of {len(findings.conditions)}" if len(findings.conditions) > plots.ROWS else ""


def _limits(findings):
    """The whole scale for 1 .. 5, so that small differences do not look large; else what matplotlib chooses."""
    return (0.9, 5.1) if findings.step == 1 and findings.everyone.scores.score.between(1, 5).all() else None


def _mos(findings):
    views = {title: view.mos for title, view in findings.shown.items() if view.mos is not None}
    if not views:
        return ""
    figure = _figure(
        plots.intervals(views, findings.conditions, limits=_limits(findings)),
        "Mean opinion score by condition, Student's t intervals over raters" + _first(findings),
    )
    columns = ["condition", "mos", "ci95", "raters", "votes", "sos", "more_raters", "dmos", "dmos_ci95"]
    tables = "".join(
        _titled(title, html_table(with_ends(table), columns, findings.aim)) for title, table in views.items()
    )
    return f'<h2>Mean opinion scores</h2><div class="plots">{figure}</div>{tables}'


def _categories(findings):
    views = {t: view.mos_by_category for t, view in findings.shown.items() if view.mos_by_category is not None}
    if not views:
        return ""
    categories = sorted(set(views["all raters"].category), key=str)
    figures = ""
    for category in categories:
        parts = {title: table[table.category == category] for title, table in views.items()}
        plot = plots.intervals(parts, findings.conditions, limits=_limits(findings))
        figures += _figure(plot, f"{str(category) or 'no category'}: mean opinion score")
    columns = ["category", "condition", "mos", "ci95", "raters", "votes", "sos"]
    tables = "".join(
        _titled(title, html_table(with_ends(table), columns, findings.aim)) for title, table in views.items()
    )
    return f'<h2>By category</h2><div class="plots">{figures}</div>{tables}'


def _preferences(findings):
    views = {title: view for title, view in findings.shown.items() if view.preferences is not None}
    if not views:
        return ""
    figures = "".join(
        _figure(plots.preference_matrix(view.preferences, findings.conditions), f"Preference, {title}")
        for title, view in views.items()
    )
    figures += _figure(
        plots.intervals(
            {title: view.strengths for title, view in views.items()},
            findings.conditions,
            "score",
            "log strength, ±1.96 SE",
        ),
        "Bradley-Terry scores: a gap of 1.1 means preferred 3 times of 4",
    )
    columns = ["item", "other", "n", "preferred", "ties", "share", "share_ci95", "difference", "difference_ci95"]
    tables = "".join(
        _titled(
            title,
            html_table(in_percent(view.preferences), columns, findings.aim)
            + html_table(view.strengths, ["condition", "score", "se"]),
        )
        for title, view in views.items()
    )
    return f'<h2>Preferences</h2><div class="plots">{figures}</div>{tables}'


def _distribution(findings):
    views = {title: view for title, view in findings.shown.items() if view.scores is not None}
    if not views:
        return ""
    figures = "".join(
        _figure(plots.distribution(view.scores, findings.conditions), f"Votes by score, {title}")
        for title, view in views.items()
    )
    return f'<h2>Distribution of scores</h2><div class="plots">{figures}</div>'


def _raters(findings):
    table = findings.raters
    out = table[table.excluded != ""]
    figure = ""
    if "bias" in table and table.bias.notna().any():
        figure = _figure(plots.raters(table), "Bias and inconsistency of raters (ITU-T P.910 annex E), all raters")
    if len(out):
        text = f"{len(out)} of {len(table)} raters are left out of the results after exclusions; no answer was deleted."
        excluded = html_table(out, ["rater", "excluded", "why", "answers"])
    else:
        text, excluded = "No rule excludes a rater.", ""
    columns = ["rater", "answers", "bias", "inconsistency", "variance", "correlation", "excluded"]
    return (
        f'<h2>Raters, and who was excluded</h2><p>{text}</p>{excluded}<div class="plots">{figure}</div>'
        f"<details><summary>All raters</summary>{html_table(table, columns)}</details>"
    )


def _method(findings):
    rules = "".join(f"<li><b>{escape(rule.name)}</b>: {escape(rule.meaning)}</li>" for rule in RULES)
    return f"""<h2>How the numbers are made</h2>
<p>Training, trap and gold trials count for nobody's score. MOS: each rater's votes on a condition are averaged, and
the mean, standard deviation and Student's t interval are taken over raters. Preferences: the higher of two scores, the
chosen side, or the sign of a comparison; ties are half a vote for each; Wilson intervals; Bradley-Terry scores by
maximum likelihood, mean 0, standard errors against that mean. Bias and inconsistency: maximum likelihood of
vote = quality + bias + noise (ITU-T P.910 annex E).</p>
<p>A rater is excluded who</p><ul>{rules}</ul>
<p>The same numbers are in <code>mos.csv</code>, <code>pairs.csv</code>, <code>scores.csv</code> and
<code>raters.csv</code> beside this page, as far as the answers give them; <code>python launch.py study analyse
ratings.csv --method p910</code> gives MOS by stimulus and by other methods.</p>"""


def _figure(svg, caption):
    data = base64.b64encode(svg.encode()).decode()
    image = f'<img alt="{escape(caption)}" src="data:image/svg+xml;base64,{data}">'
    return f"<figure><figcaption>{escape(caption)}</figcaption>{image}</figure>"


def _titled(title, table):
    shown = "" if table.count("<tr>") > 25 else " open"
    return f"<details{shown}><summary>Table, {escape(title)}</summary>{table}</details>"
