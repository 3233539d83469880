"""Tables of results from tables of ratings: MOS by four methods, raters, DMOS, scores from comparisons, preferences."""

from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from mos_study.errors import BadRatings
from mos_study.ratings import comparisons, long_scores
from mos_study.stats.bias import remove_bias
from mos_study.stats.differential import differential
from mos_study.stats.likelihood import annex_e
from mos_study.stats.mean import Means, mean_opinion
from mos_study.stats.paired import MODELS, fit_scores, groups_of
from mos_study.stats.preference import preference
from mos_study.stats.rejection import bt500_rejected
from mos_study.stats.votes import Votes


@dataclass(frozen=True)
class Estimate:
    """What a method makes of votes: means of the stimuli, and by name what it says of each rater (raters,)."""

    means: Means
    raters: dict = field(default_factory=dict)


def _mos(votes):
    return Estimate(mean_opinion(votes))


def _bt500(votes):
    out = bt500_rejected(votes)
    return Estimate(mean_opinion(votes.only(~out)), {"rejected": out})


def _p913(votes):
    votes, bias = remove_bias(votes)
    rest = _bt500(votes)
    return Estimate(rest.means, {"bias": bias} | rest.raters)


def _p910(votes):
    panel = annex_e(votes)
    return Estimate(panel.means, {"bias": panel.bias, "inconsistency": panel.inconsistency})


METHODS = {"mos": _mos, "bt500": _bt500, "p913": _p913, "p910": _p910}


def mos_table(ratings, method="mos", by="stimulus"):
    """DataFrame of `by`, n, mos, se, ci95_low, ci95_high, in the order in which they first appear.

    ratings: the path of a CSV file or a DataFrame (see mos_study.ratings); the rows of kind "test" count. n are the
    votes that count; what they do not determine (an interval of one vote) is NaN. Methods:

    mos    plain mean, Student's t interval
    bt500  the same without the raters that BT.500's kurtosis test rejects
    p913   bias of raters removed, then as bt500
    p910   maximum likelihood with bias and inconsistency of raters (annex E), normal interval; wants 20 votes a rater

    by: another column (condition, content, category), of which the mean of each rater is one vote.
    Raises BadRatings.
    """
    return analyse(ratings, method, by)[0]


def rater_table(ratings, method="p910"):
    """DataFrame of rater, n and what the method says of them: bias, inconsistency (p910), rejected (bt500, p913).

    ratings, method: as of mos_table. Raises BadRatings.
    """
    return analyse(ratings, method)[1]


def analyse(ratings, method="mos", by="stimulus"):
    """(mos_table, rater_table) of a method, computed together. Raises BadRatings."""
    if method not in METHODS:
        raise BadRatings(f"no method {method!r} for votes; expected one of {', '.join(METHODS)}")
    table = long_scores(ratings)
    table = table[table.kind == "test"]
    if by not in ("stimulus", "condition", "content", "category"):
        raise BadRatings(f"no votes by {by!r}; expected stimulus, condition, content or category")
    if by != "stimulus":
        if not (table[by].astype(str) != "").any():
            raise BadRatings(f"the table has no column {by}")
        table = table.groupby(["rater", by], sort=False, as_index=False).score.mean()
    rater, raters = pd.factorize(table.rater)
    item, items = pd.factorize(table[by])
    votes = Votes(table.score.to_numpy(), rater, item, len(raters), len(items))
    made = METHODS[method](votes)
    means = made.means
    columns = {"n": means.n, "mos": means.mos, "se": means.se, "ci95_low": means.low, "ci95_high": means.high}
    return (
        pd.DataFrame({by: items} | columns),
        pd.DataFrame({"rater": raters, "n": votes.by_rater()} | made.raters),
    )


def dmos_table(ratings, reference="clean"):
    """DataFrame of condition, n, dmos, se, ci95_low, ci95_high against the hidden reference, a condition's name.

    A vote counts as vote - the same rater's vote on the reference of the same content + 5 (ACR-HR); n are the raters,
    each with the mean over contents. Raises BadRatings without that condition, or where nobody rated both.
    """
    table = long_scores(ratings)
    table = table[table.kind == "test"]
    if reference not in set(table.condition):
        raise BadRatings(f"no condition {reference!r} to be the hidden reference; give the name of one that was rated")
    cells = table.pivot_table(
        index="rater", columns=["condition", "content"], values="score", aggfunc="mean", sort=False
    )
    number = {name: index for index, name in enumerate(cells.columns)}
    column = [number.get((reference, content), -1) for _, content in cells.columns]
    scores = pd.DataFrame(differential(cells.to_numpy(), column), cells.index, cells.columns)
    scores = scores.T.groupby(level="condition", sort=False).mean().T.drop(columns=reference)
    if not scores.notna().any(axis=None):
        raise BadRatings(f"no rater has rated {reference!r} and another condition of the same content")
    means = mean_opinion(scores.to_numpy())
    return pd.DataFrame(
        {"condition": scores.columns, "n": means.n, "dmos": means.mos, "se": means.se}
        | {"ci95_low": means.low, "ci95_high": means.high}
    )


def scores_table(ratings, model="bradley-terry", prior=0.0):
    """DataFrame of item, score, se from comparisons: log strengths (bradley-terry) or case V (thurstone), mean 0.

    ratings: as of mos_table, with comparisons. se is the score's uncertainty against the mean of all items; prior: see
    mos_study.stats.paired.fit_scores, which also says what cannot be fitted. Raises BadRatings.
    """
    if model not in MODELS:
        raise BadRatings(f"no method {model!r} for comparisons; expected one of {', '.join(MODELS)}")
    if not prior >= 0 or np.isinf(prior):
        raise BadRatings(f"the prior must be 0 or more votes, not {prior}")
    wins, items = win_matrix(ratings)
    fitted = fit_scores(wins, model, prior=prior, names=items)
    return pd.DataFrame({"item": items, "score": fitted.score, "se": fitted.se})


def win_matrix(ratings):
    """((items, items) votes for the row over the column, items in the order in which they first appear)."""
    table = comparisons(ratings)
    table = table[table.kind == "test"]
    number, items = pd.factorize(pd.concat([table.preferred, table.other]))
    wins = np.zeros((len(items), len(items)))
    np.add.at(wins, (number[: len(table)], number[len(table) :]), table.votes)
    return wins, items


def unlinked_groups(ratings):
    """The items as lists, one a group that no comparison links with the others: one list where all are comparable."""
    wins, items = win_matrix(ratings)
    group = groups_of(wins)
    return [list(items[group == number]) for number in range(group.max() + 1)]


def preference_table(ratings):
    """DataFrame of item, other, n, preferred, ties, share, ci95_low, ci95_high and difference, a row a pair compared.

    share: of the n comparisons in which `item` was preferred, a tie counting half, with Wilson's interval. difference:
    by how much in the mean (ab: of the two scores; ccr: the comparison score), with difference_ci95_low and _high,
    Student's t over the raters, each with the mean of theirs; NaN where votes carry none.
    ratings: as of mos_table, with comparisons. Raises BadRatings.
    """
    table = comparisons(ratings)
    table = table[table.kind == "test"]
    order = {name: index for index, name in enumerate(pd.unique(pd.concat([table.preferred, table.other])))}
    forth = table.preferred.map(order) < table.other.map(order)
    rows = pd.DataFrame(
        {
            "item": table.preferred.where(forth, table.other),
            "other": table.other.where(forth, table.preferred),
            "rater": table.rater,
            "n": table.votes,
            "preferred": table.votes.where(forth, 0),
            "ties": table.votes.where(table.difference == 0, 0),
            "weighed": table.votes * table.difference * np.where(forth, 1, -1),
        }
    )
    pairs = rows.drop(columns=["rater", "weighed"]).groupby(["item", "other"], sort=False).sum()
    share, low, high = preference(pairs.preferred, pairs.n)
    sums = rows.groupby(["item", "other", "rater"], sort=False)[["weighed", "n"]].sum(min_count=1)
    means = mean_opinion((sums.weighed / sums.n).unstack("rater").reindex(pairs.index).to_numpy().T)
    pairs = pairs.assign(share=share, ci95_low=low, ci95_high=high, difference=means.mos)
    return pairs.assign(difference_ci95_low=means.low, difference_ci95_high=means.high).reset_index()
