"""Laws of every method that makes a MOS of votes (mos_study.tables.METHODS), also of one that is new."""

import numpy as np
import pandas as pd
import pytest

pytest.importorskip("scipy", reason="scipy is not installed (`python launch.py test`)")
from mos_study.tables import METHODS, mos_table, rater_table

QUALITY = np.linspace(1.5, 4.5, 30)


@pytest.fixture(params=METHODS)
def method(request):
    return request.param


def panel(seed=1, raters=24, noise=0.4):
    """A table of votes: every rater on every stimulus, without bias."""
    rng = np.random.default_rng(seed)
    rows = [(f"s{item:02}", f"r{rater}") for rater in range(raters) for item in range(len(QUALITY))]
    table = pd.DataFrame(rows, columns=["stimulus", "rater"])
    return table.assign(score=np.tile(QUALITY, raters) + rng.normal(0, noise, len(rows)))


def test_it_finds_the_quality_that_the_votes_are_about(method):
    table = mos_table(panel(), method)
    assert list(table.columns) == ["stimulus", "n", "mos", "se", "ci95_low", "ci95_high"]
    assert np.abs(table.mos - QUALITY).max() < 4 * 0.4 / np.sqrt(24)  # four standard errors of a mean
    assert (table.ci95_low < table.mos).all() and (table.mos < table.ci95_high).all()
    within = np.mean((table.ci95_low <= QUALITY) & (table.ci95_high >= QUALITY))
    assert within >= 0.8  # of 30 intervals of 95 %, fewer than 24 hold the truth once in a million panels


def test_the_order_of_the_votes_does_not_matter(method):
    votes = panel()
    mixed = votes.sample(frac=1, random_state=5)
    ours, theirs = (mos_table(rows, method).set_index("stimulus").sort_index() for rows in (votes, mixed))
    pd.testing.assert_frame_equal(ours, theirs, rtol=1e-6)


def test_every_rater_has_a_row(method):
    table = rater_table(panel(), method)
    assert sorted(table.rater) == sorted(f"r{number}" for number in range(24)) and (table.n == len(QUALITY)).all()
