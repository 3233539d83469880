"""What a report shows, computed once with every rater and once without those that a rule leaves out."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from mos_study.errors import BadRatings
from mos_study.ratings import comparisons, is_ours, long_scores, read_ratings
from mos_study.screen import exclusions, rater_measures, step_of
from mos_study.stats.mean import mean_opinion
from mos_study.stats.sample_size import more_raters
from mos_study.tables import dmos_table, preference_table, rater_table, scores_table, unlinked_groups

REFERENCE = "clean"  # the condition that is the hidden reference, where a study has it
PRIOR = 0.5  # votes, where an item won or lost every comparison
AIM = 0.2  # of a step to each side of a MOS


@dataclass(frozen=True)
class View:
    """The results of a set of raters; a table is None where the answers give none."""

    raters: int  # 0 where the table names none
    answers: int
    scores: pd.DataFrame | None  # long_scores of kind test
    mos: pd.DataFrame | None  # by condition: see mos_by
    mos_by_category: pd.DataFrame | None
    preferences: pd.DataFrame | None
    strengths: pd.DataFrame | None  # Bradley-Terry
    prior: float  # votes it needed
    groups: int  # of items that no comparison links


@dataclass(frozen=True)
class Findings:
    """Everything that the tables and the page show."""

    everyone: View
    screened: View | None  # None where a rule leaves out everybody
    raters: pd.DataFrame  # a row a rater: measures, bias, inconsistency, excluded, why
    methods: list
    conditions: list  # best first
    step: float  # of a five-point scale, in units of the scores
    period: str  # first to last day, "" where the answers carry no time

    @property
    def aim(self):
        """Half the width that the interval of a MOS should have: 0.2 on five points."""
        return AIM * self.step

    @property
    def views(self):
        """The views by their title."""
        return {"all raters": self.everyone} | ({"after exclusions": self.screened} if self.screened else {})

    @property
    def shown(self):
        """The views that differ: one where nobody is excluded."""
        return self.views if (self.raters.excluded != "").any() else {"all raters": self.everyone}


def find(source):
    """The Findings of a ratings.csv or DataFrame of any study. Raises BadRatings."""
    ratings = read_ratings(source)
    if "preferred" in ratings:
        out = pd.DataFrame(columns=["rater", "rule", "detail"])
        named = ratings.rater if "rater" in ratings else pd.Series(dtype=object)
        raters = named.value_counts(sort=False).rename_axis("rater").reset_index(name="answers")
    else:
        out = exclusions(ratings)
        raters = rater_measures(ratings)
    step = step_of(long_scores(ratings).score) if _has(long_scores, ratings) else 1.0
    everyone = _view(ratings, step)
    if everyone.scores is not None:
        raters = raters.merge(rater_table(ratings)[["rater", "bias", "inconsistency"]], how="left", on="rater")
    rules = out.groupby("rater", sort=False).agg({"rule": "; ".join, "detail": "; ".join})
    for column, given in (("excluded", rules.rule.to_dict()), ("why", rules.detail.to_dict())):
        raters[column] = [given.get(rater, "") for rater in raters.rater]
    try:
        screened = _view(ratings[~ratings.rater.isin(out.rater)], step) if len(out) else everyone
    except BadRatings:
        screened = None
    first = everyone.mos if everyone.mos is not None else everyone.strengths
    return Findings(
        everyone,
        screened,
        raters,
        [name for name in ("ab", "acr", "ccr", "pair") if is_ours(ratings) and name in set(ratings.method)],
        list(first.condition),
        step,
        _period(ratings),
    )


def _view(ratings, step):
    tests = ratings[ratings.kind == "test"] if is_ours(ratings) else ratings
    scores = mos = by_category = preferences = strengths = None
    prior, groups = 0.0, 1
    if _has(long_scores, ratings):
        scores = long_scores(ratings)
        scores = scores[scores.kind == "test"]
        if not (scores.condition.astype(str) != "").any():
            scores = scores.assign(condition=scores.stimulus)
        mos = mos_by(scores, ["condition"], step).sort_values("mos", ascending=False, kind="stable", ignore_index=True)
        if step == 1 and _has(dmos_table, ratings):
            dmos = dmos_table(ratings, REFERENCE)[["condition", "dmos", "ci95_low", "ci95_high"]]
            dmos = dmos.rename(columns={"ci95_low": "dmos_ci95_low", "ci95_high": "dmos_ci95_high"})
            mos = mos.merge(dmos, how="left", on="condition")
        if scores.category.nunique() > 1:
            by_category = mos_by(scores, ["category", "condition"], step).sort_values(
                ["category", "mos"], ascending=[True, False], kind="stable", ignore_index=True
            )
    if _has(comparisons, ratings):
        preferences = preference_table(ratings)
        groups = len(unlinked_groups(ratings))
        prior = 0.0 if _has(scores_table, ratings) else PRIOR
        strengths = scores_table(ratings, prior=prior).rename(columns={"item": "condition"})
        strengths = strengths.sort_values("score", ascending=False, kind="stable", ignore_index=True)
    if scores is None and preferences is None:
        raise BadRatings("no answer of kind test is left to report on")
    return View(
        tests.rater.nunique() if "rater" in tests else 0,
        len(tests),
        scores,
        mos,
        by_category,
        preferences,
        strengths,
        prior,
        groups,
    )


def mos_by(scores, keys, step):
    """DataFrame of keys, raters, votes, mos, sos, se, ci95_low, ci95_high, more_raters.

    The mean of a rater's votes is one vote. sos is the standard deviation between raters; more_raters how many more
    would make the interval ± 0.2 steps.
    """
    one = scores.groupby([*keys, "rater"], sort=False).score.mean().unstack("rater")
    means = mean_opinion(one.to_numpy().T)
    votes = scores.groupby(keys, sort=False).size().reindex(one.index)
    table = one.index.to_frame(index=False)
    return table.assign(
        raters=means.n,
        votes=votes.to_numpy(),
        mos=means.mos,
        sos=means.sos,
        se=means.se,
        ci95_low=means.low,
        ci95_high=means.high,
        more_raters=more_raters(means.sos, means.n, AIM * step),
    )


def _has(compute, ratings):
    """Whether something can be computed of the ratings."""
    try:
        compute(ratings)
    except BadRatings:
        return False
    return True


def _period(ratings):
    if "answered_at" not in ratings:
        return ""
    days = sorted({str(time)[:10] for time in ratings.answered_at if str(time)[:4].isdigit()})
    return "" if not days else days[0] if len(days) == 1 else f"{days[0]} to {days[-1]}"


def tidy(findings, name):
    """A table of both views below each other, with a first column `counted` that tells them apart."""
    tables = [
        getattr(view, name).assign(counted=title)
        for title, view in findings.views.items()
        if getattr(view, name) is not None
    ]
    if not tables:
        return None
    table = pd.concat(tables, ignore_index=True)
    return table[["counted", *table.columns.drop("counted")]]


def mos_rows(findings):
    """mos.csv: counted, condition, category ("" is all of them together), then the columns of mos_by, and DMOS."""
    parts = [tidy(findings, name) for name in ("mos", "mos_by_category")]
    parts = [part for part in parts if part is not None]
    if not parts:
        return None
    table = pd.concat(parts, ignore_index=True)
    table["category"] = table["category"].fillna("") if "category" in table else ""
    return table[["counted", "condition", "category", *table.columns.drop(["counted", "condition", "category"])]]


def widest(view):
    """(half width, condition) of the widest interval of a MOS; NaN where none is known."""
    half = (view.mos.ci95_high - view.mos.ci95_low) / 2
    if half.isna().all():
        return np.nan, ""
    return half.max(), view.mos.condition[half.idxmax()]
