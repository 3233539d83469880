"""The bias of raters, how far their votes lie above everybody's in the mean, and votes without it (ITU-T P.913)."""

from mos_study.stats.votes import as_votes, divide


def rater_bias(scores):
    """(raters,): mean over the rater's votes of vote - MOS of that stimulus; NaN for a rater without votes."""
    votes = as_votes(scores)
    mos = divide(votes.by_stimulus(votes.score), votes.by_stimulus())
    return divide(votes.by_rater(votes.score - mos[votes.stimulus]), votes.by_rater())


def remove_bias(scores):
    """(votes less their rater's bias as Votes, the bias (raters,)).

    The spread that is left leaves out how much raters differ from each other, so intervals from it hold for these
    raters, not for others.
    """
    votes = as_votes(scores)
    bias = rater_bias(votes)
    return votes.with_score(votes.score - bias[votes.rater]), bias
