"""How often one is preferred to another, with Wilson's interval."""

import numpy as np

from mos_study.stats.mean import NORMAL_95
from mos_study.stats.votes import divide


def preference(wins, n):
    """(share, low, high) of `wins` in n comparisons, with the 95 % interval of Wilson 1927; a tie is half a win.

    Arrays or numbers; NaN where n is 0. The comparisons are taken to be independent of each other.
    """
    wins, n = np.asarray(wins, float), np.asarray(n, float)
    share, square = divide(wins, n), NORMAL_95**2
    middle = (wins + square / 2) / (n + square)
    reach = NORMAL_95 / (n + square) * np.sqrt(n * share * (1 - share) + square / 4)
    return share, np.clip(middle - reach, 0, 1), np.clip(middle + reach, 0, 1)
