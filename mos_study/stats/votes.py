"""Votes of raters on stimuli, as a matrix with gaps or as a list, and sums over them by stimulus and by rater."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Votes:
    """N votes. The same rater may have voted on a stimulus more than once, or never."""

    score: np.ndarray  # (N,) float
    rater: np.ndarray  # (N,) int, 0 .. raters - 1
    stimulus: np.ndarray  # (N,) int, 0 .. stimuli - 1
    raters: int
    stimuli: int

    def by_stimulus(self, values=None):
        """(stimuli,) sums of values (N,), or the number of votes."""
        return np.bincount(self.stimulus, values, self.stimuli)

    def by_rater(self, values=None):
        """(raters,) sums of values (N,), or the number of votes."""
        return np.bincount(self.rater, values, self.raters)

    def only(self, keep):
        """The votes of the raters for whom keep (raters,) is true; everybody keeps their number."""
        kept = keep[self.rater]
        return Votes(self.score[kept], self.rater[kept], self.stimulus[kept], self.raters, self.stimuli)

    def with_score(self, score):
        return Votes(score, self.rater, self.stimulus, self.raters, self.stimuli)

    def repeats(self):
        """The most votes that one rater gave one stimulus: 1 where nothing was shown twice."""
        _, counts = np.unique(self.rater * self.stimuli + self.stimulus, return_counts=True)
        return int(counts.max(initial=1))


def as_votes(scores):
    """Votes of a matrix (raters, stimuli) or (raters, stimuli, repeats) with NaN for no vote; Votes as they are."""
    if isinstance(scores, Votes):
        return scores
    matrix = np.asarray(scores, float)
    if matrix.ndim not in (2, 3):
        raise ValueError(f"expected (raters, stimuli) or (raters, stimuli, repeats), got shape {matrix.shape}")
    rater, stimulus = np.nonzero(~np.isnan(matrix))[:2]
    return Votes(matrix[~np.isnan(matrix)], rater, stimulus, *matrix.shape[:2])


def divide(numerator, denominator):
    """The quotient, NaN where the denominator is 0 or less: a mean of nothing is not known."""
    numerator, denominator = np.broadcast_arrays(np.asarray(numerator, float), denominator)
    return np.divide(numerator, denominator, out=np.full(numerator.shape, np.nan), where=denominator > 0)
