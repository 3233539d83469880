"""How many raters a study needs: for an interval of a given width, and to tell a preference from chance."""

import math

import numpy as np
from scipy import stats


def raters_needed(sos, half_width=0.2):
    """The fewest raters whose Student 95 % interval reaches no further than half_width to each side.

    sos: standard deviation between raters, on the scale of half_width.
    """
    if not (sos >= 0 and half_width > 0):
        raise ValueError(f"expected sos >= 0 and half_width > 0, got {sos} and {half_width}")
    n = max(2, math.floor((stats.norm.ppf(0.975) * sos / half_width) ** 2))  # the normal's answer is never too large
    while stats.t.ppf(0.975, n - 1) * sos / math.sqrt(n) > half_width:
        n += 1
    return n


def more_raters(sos, have, half_width=0.2):
    """How many more raters than `have` for +- half_width; NaN where sos is not known. Arrays or numbers."""
    more = [
        max(0, raters_needed(one, half_width) - n) if np.isfinite(one) else np.nan
        for one, n in zip(np.atleast_1d(sos), np.atleast_1d(have))
    ]
    return np.array(more) if np.ndim(sos) else more[0]


def votes_for_preference(share, power=0.8):
    """Comparisons needed to find, in `power` of the studies, that a preference of `share` is not one half (5 %)."""
    if not (0 < share < 1 and share != 0.5 and 0 < power < 1):
        raise ValueError(f"expected a share in (0, 1) other than 1/2 and a power in (0, 1), got {share} and {power}")
    spread = stats.norm.ppf(0.975) * 0.5 + stats.norm.ppf(power) * math.sqrt(share * (1 - share))
    return math.ceil((spread / (share - 0.5)) ** 2)
