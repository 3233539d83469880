"""Raters rejected for votes far from the others' on both sides (ITU-R BT.500: the kurtosis test)."""

import numpy as np

from mos_study.stats.votes import as_votes, divide

SHARE, BALANCE = 0.05, 0.3  # rejected: more than 5 % of the votes far off, high and low alike


def far_votes(scores, *, skip_unanimous=False):
    """(high, low): (raters,) each, how many votes of a rater lie far above or far below those on the same stimulus.

    Far is 2 standard deviations where the votes look normal (kurtosis 2 to 4), else the root of 20. To the letter of
    BT.500 a stimulus on which all agree (deviation 0) counts as far above and far below for everyone, which
    skip_unanimous leaves out.
    """
    votes = as_votes(scores)
    high, low = np.zeros(votes.raters, int), np.zeros(votes.raters, int)
    order = np.argsort(votes.stimulus, kind="stable")
    ends = np.cumsum(votes.by_stimulus())[:-1]
    for score, rater in zip(np.split(votes.score[order], ends), np.split(votes.rater[order], ends)):
        if not len(score) or skip_unanimous and score.min() == score.max():
            continue
        mean, deviation = score.mean(), score.std()
        if deviation:
            kurtosis = np.mean((score - mean) ** 4) / np.mean((score - mean) ** 2) ** 2
            reach = (2 if 2 <= kurtosis <= 4 else np.sqrt(20)) * deviation
        else:
            reach = 0
        np.add.at(high, rater[score >= mean + reach], 1)
        np.add.at(low, rater[score <= mean - reach], 1)
    return high, low


def is_rejected(high, low, presented):
    """(raters,) bool, or one: more than 5 % of `presented` votes far off, and |high - low| / (high + low) below 0.3."""
    far = high + low
    return (divide(far, presented) > SHARE) & (divide(np.abs(high - low), far) < BALANCE)


def bt500_rejected(scores):
    """(raters,) bool, to the letter of BT.500, for a panel in which everyone sees everything.

    The 5 % are of all presentations of the study. Where the rule would reject everybody, nobody is.
    """
    votes = as_votes(scores)
    high, low = far_votes(votes)
    out = is_rejected(high, low, votes.stimuli * votes.repeats())
    return out if not out.all() else np.zeros_like(out)
