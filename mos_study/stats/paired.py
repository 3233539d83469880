"""Scores from paired comparisons by maximum likelihood: Bradley-Terry (logistic) and Thurstone's case V (normal)."""

from dataclasses import dataclass

import numpy as np
from scipy import special
from scipy.sparse.csgraph import connected_components

from mos_study.errors import BadRatings


@dataclass(frozen=True)
class Scores:
    """Scores with mean 0, and their covariance under that convention: differences of scores are what is measured."""

    score: np.ndarray  # (items,)
    covariance: np.ndarray  # (items, items)

    @property
    def se(self):
        return np.sqrt(np.diag(self.covariance))

    def difference(self, one, other):
        """(score of one - score of other, its standard error), by item numbers."""
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
    lose finite. Raises BadRatings where the comparisons do not determine the scores, naming items by `names`.
    """
    wins = np.array(wins, float)
    np.fill_diagonal(wins, 0)
    compared = wins + wins.T > 0
    _check(wins + prior * compared, [str(name) for name in (range(len(wins)) if names is None else names)])
    wins += prior * compared
    scores, ones = np.zeros(len(wins)), np.full(wins.shape, 1 / len(wins))
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
    return Scores(scores - scores.mean(), np.linalg.inv(information + ones) - ones)


def _at(scores, wins, model):
    """Log likelihood, its gradient and the observed information at `scores`."""
    log_win, first, second = model(scores[:, None] - scores)
    pull = wins * first
    bend = -(wins * second + (wins * second).T)
    return np.sum(wins * log_win), pull.sum(1) - pull.sum(0), np.diag(bend.sum(1)) - bend


def _check(wins, names):
    """Raise unless each item can be reached from each other along wins: else some scores are infinite or unrelated."""
    parts, part = connected_components(wins + wins.T > 0, directed=False)
    if parts > 1:
        one, other = (names[np.flatnonzero(part == k)[0]] for k in (0, 1))
        raise BadRatings(
            f"the comparisons fall into {parts} groups that were never compared with each other "
            f"({one!r} and {other!r}, say): score each group by itself"
        )
    groups, group = connected_components(wins > 0, directed=True, connection="strong")
    if groups == 1:
        return
    for k in range(groups):
        inside = group == k
        won, lost = wins[inside][:, ~inside].sum(), wins[~inside][:, inside].sum()
        if not won or not lost:
            some = ", ".join(repr(name) for name, is_in in zip(names, inside) if is_in)
            raise BadRatings(
                f"{some[:100]} {'lost' if not won else 'won'} every comparison with the others, which makes the gap "
                "infinite; --prior 0.5 adds half a vote to both sides of each pair"
            )
