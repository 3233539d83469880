"""Scores from paired comparisons by maximum likelihood: Bradley-Terry (logistic) and Thurstone's case V (normal)."""

from dataclasses import dataclass

import numpy as np
from scipy import special
from scipy.sparse.csgraph import connected_components

from mos_study.errors import BadRatings


@dataclass(frozen=True)
class Scores:
    """Scores of items; only differences of scores within a group are measured."""

    score: np.ndarray  # (items,) mean 0
    covariance: np.ndarray  # (items, items) of the scores less the mean of their group
    group: np.ndarray  # (items,) int, 0 where all are linked by comparisons; see fit_scores

    @property
    def se(self):
        """(items,) standard error of each score against the mean of its group."""
        return np.sqrt(np.diag(self.covariance))

    def difference(self, one, other):
        """(score of one - score of other, its standard error), by item numbers of the same group."""
        variance = self.covariance[one, one] + self.covariance[other, other] - 2 * self.covariance[one, other]
        return self.score[one] - self.score[other], np.sqrt(max(variance, 0))


def _logistic(gap):
    """log P(win), its first and its second derivative, of a gap in log strengths."""
    lose = special.expit(-gap)
    return special.log_expit(gap), lose, -lose * special.expit(gap)


def _normal(gap):
    """The same of a gap in units of the standard deviation of a difference."""
    log_win = special.log_ndtr(gap)
    ratio = np.exp(-(gap**2) / 2 - np.log(2 * np.pi) / 2 - log_win)
    return log_win, ratio, -ratio * (ratio + gap)


MODELS = {"bradley-terry": _logistic, "thurstone": _normal}


def fit_scores(wins, model="bradley-terry", *, prior=0.0, names=None):
    """Scores of items. wins: (items, items), how often the row was preferred to the column; halves are allowed.

    bradley-terry: log strengths, P(i over j) = 1 / (1 + exp(s_j - s_i)). thurstone: P = Phi(s_i - s_j).
    prior: votes added to both sides of every pair that was compared; it keeps the scores of items that always win or
    lose finite, which raise BadRatings without it, named by `names`.

    Items that no chain of comparisons links form groups without a common scale. By convention each group has mean 0
    (thurstone), or the level that the classical iteration reaches from equal strengths (bradley-terry).
    """
    wins = np.array(wins, float)
    np.fill_diagonal(wins, 0)
    wins += prior * (wins + wins.T > 0)
    group = groups_of(wins)
    _check(wins, [str(name) for name in (range(len(wins)) if names is None else names)])
    ones = (group[:, None] == group) / np.bincount(group)[group]  # (items, items), the mean over each group
    scores = np.zeros(len(wins))
    likelihood, gradient, information = _at(scores, wins, MODELS[model])
    for _ in range(200):  # Newton's steps, halved when they overshoot; the likelihood is concave
        step = np.linalg.solve(information + ones, gradient)
        while True:
            tried = _at(scores + step, wins, MODELS[model])
            if tried[0] >= likelihood - 1e-9 * abs(likelihood):
                break
            step = step / 2
        scores = scores + step
        likelihood, gradient, information = tried
        if np.abs(step).max() < 1e-10:
            break
    if model == "bradley-terry" and group.any():
        scores = scores - ones @ scores + ones @ _classical(wins)
    return Scores(scores - scores.mean(), np.linalg.inv(information + ones) - ones, group)


def groups_of(wins):
    """(items,) int: the number of the group that comparisons link each item into."""
    return connected_components(wins + wins.T > 0, directed=False)[1]


def _classical(wins):
    """Log strengths by Zermelo's iteration from equal strengths, which sets the level of unlinked groups."""
    strength, played = np.ones(len(wins)), wins + wins.T
    for _ in range(20_000):
        before = strength
        strength = wins.sum(1) / (played / (strength[:, None] + strength)).sum(1)
        strength = strength / strength.sum() * len(strength)
        if np.abs(np.log(strength / before)).max() < 1e-9:
            break
    return np.log(strength)


def _at(scores, wins, model):
    """Log likelihood, its gradient and the observed information at `scores`."""
    log_win, first, second = model(scores[:, None] - scores)
    pull = wins * first
    bend = -(wins * second + (wins * second).T)
    return np.sum(wins * log_win), pull.sum(1) - pull.sum(0), np.diag(bend.sum(1)) - bend


def _check(wins, names):
    """Raise where a set of items won, or lost, all comparisons with the others: their scores would be infinite."""
    _, group = connected_components(wins > 0, directed=True, connection="strong")
    for number in np.argsort(np.bincount(group), kind="stable"):  # the smallest set is the one to name
        inside = group == number
        won, lost = wins[inside][:, ~inside].sum(), wins[~inside][:, inside].sum()
        if (won == 0) != (lost == 0):
            some = ", ".join(repr(name) for name, is_in in zip(names, inside) if is_in)
            raise BadRatings(
                f"{some[:100]} {'won' if won else 'lost'} every comparison with the others, which makes the gap "
                "infinite; --prior 0.5 adds half a vote to both sides of each pair"
            )
