"""Which raters a published result leaves out, by which rule; it measures and names, and deletes nothing.

The rules are those of remote studies (ITU-T P.808, P.910, ITU-R BT.500): trap questions, gold items within one step,
some variance, agreement with the others. A step is one of a five-point scale; on other scales a quarter of the range.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from mos_study.errors import BadRatings
from mos_study.ratings import is_ours, long_scores, read_ratings
from mos_study.stats.rejection import far_votes, is_rejected
from mos_study.stats.votes import Votes, divide

ENOUGH = 5  # votes from which on variance, correlation and far votes are judged


@dataclass(frozen=True)
class Rule:
    """A reason to leave a rater out."""

    name: str
    meaning: str  # for the report
    broken: Callable  # row of rater_measures -> bool; False where a measure is NaN
    detail: Callable  # row of rater_measures -> what was found


RULES = (
    Rule(
        "trap",
        "answered a trap question otherwise than it asks",
        lambda row: row.traps_failed > 0,
        lambda row: f"{row.traps_failed} of {row.traps} traps failed",
    ),
    Rule(
        "gold",
        "was more than one step off on an item whose score is known",
        lambda row: row.gold_missed > 0,
        lambda row: f"{row.gold_missed} of {row.gold} gold items missed",
    ),
    Rule(
        "zero variance",
        "gave nearly the same score to everything: variance under 0.15 (steps squared), pairs: always one side",
        lambda row: row.variance < 0.15,
        lambda row: f"variance {row.variance:.3f}",
    ),
    Rule(
        "correlation",
        "correlates with the others' means by less than 0.75, by stimulus and (from five on) by condition",
        lambda row: row.correlation < 0.75 and not row.condition_correlation >= 0.75,
        lambda row: (
            f"correlation {row.correlation:.2f}"
            + ("" if np.isnan(row.condition_correlation) else f", by condition {row.condition_correlation:.2f}")
        ),
    ),
    Rule(
        "BT.500",
        "is far above and far below the others on more than 5 % of the votes (kurtosis test)",
        lambda row: row.judged and is_rejected(row.far_above, row.far_below, row.votes).item(),
        lambda row: f"{row.far_above} votes far above, {row.far_below} far below, of {row.votes}",
    ),
)


def exclusions(ratings):
    """DataFrame of rater, rule, detail: one row a broken rule, in the order of the raters; empty when all stay.

    ratings: the path of a CSV file or a DataFrame, as mos_study.ratings reads it. Raises BadRatings.
    """
    measures = rater_measures(ratings)
    found = [
        {"rater": row.rater, "rule": rule.name, "detail": rule.detail(row)}
        for row in measures.itertuples()
        for rule in RULES
        if rule.broken(row)
    ]
    return pd.DataFrame(found, columns=["rater", "rule", "detail"])


def rater_measures(ratings):
    """DataFrame of a row a rater: what the rules look at.

    answers (of kind test), traps, traps_failed, gold, gold_missed; votes and of them far_above, far_below (BT.500,
    stimuli on which all agree left out); variance, correlation and condition_correlation, NaN where they cannot be told
    or the rater gave fewer than five votes (judged False). Traps and gold of method pair must be met exactly.

    The others' mean of a stimulus that few have seen is noisy, so that honest raters stay below 0.75 on it: hence the
    correlation of the means by condition, which is steady then. Raises BadRatings.
    """
    ratings = read_ratings(ratings)
    table = ratings if is_ours(ratings) else long_scores(ratings).assign(method="acr")
    raters = pd.unique(table.rater)
    measures = pd.DataFrame({"rater": raters})
    tests = table[table.kind == "test"]
    measures["answers"] = measures.rater.map(tests.rater.value_counts()).fillna(0).astype(int)
    off = (table.score - table.expected).abs()
    limits = {
        "trap": ("traps", "traps_failed", off > 0),
        "gold": ("gold", "gold_missed", off > np.where(table.method == "pair", 0, _step(table.score, table.method))),
    }
    for kind, (asked, failed, wrong) in limits.items():
        rows = (table.kind == kind) & table.expected.notna()
        measures[asked] = measures.rater.map(table.rater[rows].value_counts()).fillna(0).astype(int)
        measures[failed] = measures.rater.map(table.rater[rows & wrong].value_counts()).fillna(0).astype(int)
    return measures.join(_agreement(ratings, tests, raters))


def _agreement(ratings, tests, raters):
    """votes, judged, variance, correlation, far_above, far_below of `raters`, from their votes of kind test."""
    try:
        scores = long_scores(ratings)
        scores = scores[scores.kind == "test"]
    except BadRatings:  # comparisons alone: which side was better, without a scale that raters share
        scores = tests
    number = pd.Series(range(len(raters)), raters)
    item, items = pd.factorize(scores.stimulus)
    votes = Votes(scores.score.to_numpy(), number[scores.rater].to_numpy(), item, len(raters), len(items))
    counts = votes.by_rater()
    judged = counts >= ENOUGH
    mean = divide(votes.by_rater(votes.score), counts)
    variance = divide(votes.by_rater((votes.score - mean[votes.rater]) ** 2), counts - 1)
    high, low = far_votes(votes, skip_unanimous=True)
    correlation = _with_the_others(votes)
    condition, conditions = pd.factorize(scores.condition)
    by_condition = _with_the_others(Votes(votes.score, votes.rater, condition, len(raters), len(conditions)))
    if scores is tests:
        high, low = np.zeros_like(high), np.zeros_like(low)
        correlation = by_condition = np.full(len(raters), np.nan)
        pair = np.isin(raters, tests.rater[tests.method == "pair"])
        variance = np.where(pair & (variance > 0), np.nan, variance)  # of 0 and 1 even a fair one can be under 0.15
    step = _step(scores.score, tests.method)
    return pd.DataFrame(
        {
            "votes": counts,
            "judged": judged,
            "variance": np.where(judged, variance / step**2, np.nan),
            "correlation": np.where(judged, correlation, np.nan),
            "condition_correlation": np.where(judged, by_condition, np.nan),
            "far_above": high,
            "far_below": low,
        }
    )


def _with_the_others(votes):
    """(raters,) Pearson's correlation of a rater's means with the others', over at least five stimuli; else NaN."""
    pair, inverse = np.unique(votes.rater * votes.stimuli + votes.stimulus, return_inverse=True)
    own_sum, own_n = np.bincount(inverse, votes.score), np.bincount(inverse)
    rater, stimulus = np.divmod(pair, votes.stimuli)
    others = divide(votes.by_stimulus(votes.score)[stimulus] - own_sum, votes.by_stimulus()[stimulus] - own_n)
    own, known = own_sum / own_n, ~np.isnan(others)
    own, others, rater = own[known], others[known], rater[known]

    def centred(values):
        return (
            values - divide(np.bincount(rater, values, votes.raters), np.bincount(rater, minlength=votes.raters))[rater]
        )

    def total(values):
        return np.bincount(rater, values, votes.raters)

    own, others = centred(own), centred(others)
    spread = np.sqrt(total(own**2) * total(others**2))
    told = (spread > 1e-9) & (np.bincount(rater, minlength=votes.raters) >= ENOUGH)
    return np.where(told, divide(total(own * others), spread), np.nan)


def step_of(scores):
    """One step of a five-point scale in units of `scores`: 1 where all lie in 1 .. 5, else a quarter of the range."""
    low, high = scores.min(), scores.max()
    return 1.0 if (low >= 1 and high <= 5) or low == high else (high - low) / 4


def _step(scores, methods):
    return 1.0 if methods.isin(("ccr", "pair")).any() else step_of(scores)
