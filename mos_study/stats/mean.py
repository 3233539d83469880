"""Mean opinion scores: mean, standard deviation (SOS), standard error, 95 % interval of the votes on each stimulus."""

from dataclasses import dataclass

import numpy as np
from scipy import stats

from mos_study.stats.votes import as_votes, divide

NORMAL_95 = stats.norm.ppf(0.975)  # 1.95996


@dataclass(frozen=True)
class Means:
    """One value a stimulus, NaN where the votes do not determine it: a mean needs one vote, a spread two."""

    n: np.ndarray  # votes that count
    mos: np.ndarray
    sos: np.ndarray  # standard deviation of opinion scores, n - 1 in the denominator
    se: np.ndarray
    low: np.ndarray  # of the 95 % interval
    high: np.ndarray


def mean_opinion(scores):
    """Plain means of `scores` (see as_votes), with Student's t intervals of n - 1 degrees of freedom.

    They cover the mean of an endless panel of such raters in 95 of 100 studies.
    """
    votes = as_votes(scores)
    n = votes.by_stimulus()
    mos = divide(votes.by_stimulus(votes.score), n)
    squares = votes.by_stimulus((votes.score - mos[votes.stimulus]) ** 2)
    sos = np.sqrt(divide(squares, n - 1))
    se = sos / np.sqrt(np.maximum(n, 1))
    reach = student_95(n) * se
    return Means(n, mos, sos, se, mos - reach, mos + reach)


def student_95(n):
    """How many standard errors a 95 % interval of n votes reaches to each side; NaN for fewer than two votes."""
    degrees = np.asarray(n, float) - 1
    return np.where(degrees >= 1, stats.t.ppf(0.975, np.maximum(degrees, 1)), np.nan)
