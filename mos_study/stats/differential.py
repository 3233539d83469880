"""Differential scores against a hidden reference (ACR-HR, ITU-T P.910): vote - vote on the reference + 5."""

import numpy as np


def differential(scores, reference, top=5):
    """(raters, stimuli): vote - the same rater's vote on the reference + top, the best score of the scale.

    scores: (raters, stimuli) with NaN. reference: (stimuli,) the column of each stimulus' reference, -1 for none.
    A stimulus above its reference gets more than top. NaN where either vote is missing; DMOS is mean_opinion of this.
    """
    scores, reference = np.asarray(scores, float), np.asarray(reference)
    return np.where(reference >= 0, scores - scores[:, reference] + top, np.nan)
