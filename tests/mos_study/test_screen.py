"""Laws of screening: each rule finds who breaks it and names itself, and honest raters stay."""

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("pandas", reason="pandas is not installed (`python launch.py test`)")
import pandas as pd

from mos_study import exclusions, rater_measures
from tests.mos_study.simulated import ratings

FOLDER = Path(__file__).resolve().parents[3] / "shared" / "mos_reference"


@pytest.fixture(scope="module")
def honest():
    return ratings(np.random.default_rng(7), raters=20)


def broken(table):
    out = exclusions(table)
    return {rater: set(rules.rule) for rater, rules in out.groupby("rater")}


@pytest.mark.skipif(not FOLDER.is_dir(), reason="needs the published ratings of ../shared/mos_reference")
def test_the_four_unreliable_raters_of_the_netflix_study_are_found():
    found = broken(FOLDER / "nflx_public_with_4_outliers.csv")
    assert {26, 27, 28, 29} <= set(found) and all("correlation" in found[rater] for rater in range(26, 30))
    assert len(found) <= 5


@pytest.mark.parametrize("method", ["ab", "acr", "ccr", "pair"])
def test_honest_raters_stay(method):
    """But for BT.500's rule, which takes about one honest rater of fifty, having two far votes of 27."""
    found = broken(ratings(np.random.default_rng(7), raters=20, method=method))
    assert len(found) <= 1 and all(rules == {"BT.500"} for rules in found.values())


def test_careless_raters_break_traps_gold_and_correlation():
    found = broken(ratings(np.random.default_rng(8), raters=20, careless=3))
    assert set(found) == {"simulated-00", "simulated-01", "simulated-02"}
    assert all({"trap", "gold", "correlation"} <= rules for rules in found.values())


@pytest.mark.parametrize("kind, off, rules", [("gold", 1, set()), ("gold", 2, {"gold"}), ("trap", 1, {"trap"})])
def test_gold_may_be_one_step_off_and_a_trap_not(honest, kind, off, rules):
    table = honest.copy()
    row = table.index[(table.rater == "simulated-05") & (table.kind == kind)][0]
    table.loc[row, "score"] = table.expected[row] + off
    assert broken(table).get("simulated-05", set()) == rules


def test_gold_of_pairs_must_be_met():
    table = ratings(np.random.default_rng(7), raters=5, method="pair")
    row = table.index[(table.rater == "simulated-02") & (table.kind == "gold")][0]
    table.loc[row, "score"] = 1 - table.score[row]
    assert broken(table) == {"simulated-02": {"gold"}}


@pytest.mark.parametrize("scale", [1, 25])  # 1 .. 5, and 0 .. 100
def test_one_score_for_everything_is_named(honest, scale):
    table = pd.DataFrame(
        {"stimulus": honest.stimulus, "rater": honest.rater, "score": (honest.score - 1.0) * scale + (scale == 1)}
    )
    table.loc[table.rater == "simulated-03", "score"] = 2.0 * scale
    assert "zero variance" in broken(table)["simulated-03"]
    assert all("zero variance" not in rules for rater, rules in broken(table).items() if rater != "simulated-03")


def test_always_the_same_side_of_a_pair_is_named():
    table = ratings(np.random.default_rng(7), raters=8, method="pair")
    table.loc[(table.rater == "simulated-04") & (table.kind == "test"), "score"] = 1
    assert broken(table) == {"simulated-04": {"zero variance"}}


def test_four_votes_are_too_few_to_judge_their_spread():
    table = pd.DataFrame({"stimulus": list("abcd") * 9, "rater": np.repeat(range(9), 4), "score": 3})
    assert broken(table) == {}


def test_facts_are_untouched_and_every_rater_is_measured(honest):
    before = honest.copy()
    measures = rater_measures(honest)
    pd.testing.assert_frame_equal(honest, before)
    assert len(measures) == 20 and (measures.answers == 27).all() and (measures.votes == 54).all()
    assert (measures[["traps", "gold"]] == 1).all(axis=None)
