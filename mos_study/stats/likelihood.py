"""Maximum likelihood of quality, bias and inconsistency (ITU-T P.910 annex E): vote = quality + bias + noise."""

from dataclasses import dataclass

import numpy as np

from mos_study.stats.mean import NORMAL_95, Means
from mos_study.stats.votes import as_votes, divide

_STEPS, _ENOUGH, _TINY = 1000, 1e-8, 1e-8
_FLOOR = 0.25  # of the median inconsistency: without it the likelihood can let a rater of few votes decide alone


@dataclass(frozen=True)
class Panel:
    """What annex E finds: means of the stimuli, and for each rater (raters,) bias and inconsistency."""

    means: Means
    bias: np.ndarray  # mean 0 over the raters; NaN with fewer than two votes
    inconsistency: np.ndarray  # standard deviation of the rater's noise; NaN with fewer than two votes


def annex_e(scores):
    """The Panel of `scores` (see as_votes), by alternating projection (Li et al. 2020).

    Consistent raters weigh more. se is 1 / sqrt(sum of 1 / inconsistency^2) over the votes, and the interval the normal
    one: both leave out that other raters would have other biases; a stimulus of a single vote has neither. A rater of a
    single vote tells nothing of bias and noise: they count with bias 0 and the noise of everybody. Under some 20 votes
    a rater the plain mean errs less.
    """
    votes = as_votes(scores)
    n, known = votes.by_stimulus(), votes.by_rater() >= 2
    mos = divide(votes.by_stimulus(votes.score), n)
    bias = _bias(votes, mos, known)
    for _ in range(_STEPS):
        noise = _inconsistency(votes, mos, bias, known)
        weight = (1 / (noise**2 + _TINY))[votes.rater]
        before = mos
        mos = divide(votes.by_stimulus(weight * (votes.score - bias[votes.rater])), votes.by_stimulus(weight))
        bias = _bias(votes, mos, known)
        if np.sqrt(np.nansum((mos - before) ** 2)) < _ENOUGH:
            break
    if known.any():  # only the sum of quality and bias is observed: the mean bias is taken to be 0
        middle = bias[known].mean()
        mos, bias = mos + middle, bias - middle
    precision = votes.by_stimulus((1 / np.maximum(noise, 1e-12) ** 2)[votes.rater])
    se = np.where(n >= 2, divide(1, np.sqrt(precision)), np.nan)
    squares = votes.by_stimulus((votes.score - bias[votes.rater] - mos[votes.stimulus]) ** 2)
    means = Means(n, mos, np.sqrt(divide(squares, n - 1)), se, mos - NORMAL_95 * se, mos + NORMAL_95 * se)
    return Panel(means, np.where(known, bias, np.nan), np.where(known, noise, np.nan))


def _bias(votes, mos, known):
    mean = divide(votes.by_rater(votes.score - mos[votes.stimulus]), votes.by_rater())
    return np.where(known, mean, 0)


def _inconsistency(votes, mos, bias, known):
    """(raters,) standard deviation of what quality and bias leave; everybody's for a rater of a single vote."""
    left = votes.score - mos[votes.stimulus] - bias[votes.rater]
    counts = votes.by_rater()
    mean = divide(votes.by_rater(left), counts)
    noise = np.sqrt(divide(votes.by_rater((left - mean[votes.rater]) ** 2), counts))
    everybody = np.sqrt(np.mean(left**2)) if len(left) else np.nan
    usual = np.median(noise[known]) if known.any() else 0
    return np.where(known, np.maximum(noise, _FLOOR * usual), everybody)
