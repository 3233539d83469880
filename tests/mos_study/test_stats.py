"""Laws of the statistics on matrices of votes; expected numbers from textbooks, other software and simulation."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

pytest.importorskip("scipy", reason="scipy is not installed (`python launch.py test`)")
from mos_study.stats.bias import rater_bias, remove_bias
from mos_study.stats.differential import differential
from mos_study.stats.likelihood import annex_e
from mos_study.stats.mean import mean_opinion, student_95
from mos_study.stats.preference import preference
from mos_study.stats.rejection import bt500_rejected, far_votes
from mos_study.stats.sample_size import more_raters, raters_needed, votes_for_preference

NAN = float("nan")


def panel(rng, raters, stimuli, *, bias=0.0, noise=(0.6, 0.6), seen=1.0):
    """(votes (raters, stimuli) of simulated raters with NaN for what they did not see, true quality (stimuli,))."""
    quality = rng.uniform(1.5, 4.5, stimuli)
    votes = quality + rng.normal(0, bias, (raters, 1)) if bias else np.tile(quality, (raters, 1))
    votes = votes + rng.normal(0, 1, (raters, stimuli)) * rng.uniform(*noise, (raters, 1))
    return np.where(rng.random(votes.shape) < seen, votes, NAN), quality


def test_means_by_hand():
    means = mean_opinion([[1, 5, NAN], [2, NAN, NAN], [4, NAN, NAN], [5, NAN, NAN]])
    assert means.n.tolist() == [4, 1, 0]
    np.testing.assert_allclose(means.mos, [3, 5, NAN])
    np.testing.assert_allclose(means.sos, [np.sqrt(10 / 3), NAN, NAN])
    np.testing.assert_allclose(means.se, [np.sqrt(10 / 12), NAN, NAN])
    np.testing.assert_allclose(means.high[0], 3 + 3.182446 * np.sqrt(10 / 12), rtol=1e-6)  # t table, 3 degrees
    np.testing.assert_allclose(student_95([1, 2, 24, 10**6]), [NAN, 12.7062, 2.06866, 1.95997], rtol=1e-5)


def test_the_order_of_raters_and_repeats_does_not_matter():
    votes, _ = panel(np.random.default_rng(1), 12, 20, seen=0.8)
    twice = np.stack([votes, np.roll(votes, 1, axis=0)], axis=2)
    for ours in (mean_opinion(twice[::-1]), mean_opinion(np.concatenate([twice[..., 0], twice[..., 1]]))):
        np.testing.assert_allclose(ours.mos, mean_opinion(twice).mos)
        np.testing.assert_allclose(ours.se, mean_opinion(twice).se)


@pytest.mark.parametrize("raters", [8, 24])
@pytest.mark.parametrize("scale", ["continuous", "five points"])
def test_the_interval_of_a_mos_covers_the_truth_in_95_of_100_studies(raters, scale):
    """2,000 simulated studies, a column each: raters of known bias (0.4) and noise (0.6) around a quality of 3.2."""
    rng = np.random.default_rng(20_26)

    def votes(count):
        raw = 3.2 + rng.normal(0, 0.4, count) + rng.normal(0, 0.6, count)
        return raw if scale == "continuous" else np.clip(np.rint(raw), 1, 5)

    truth = 3.2 if scale == "continuous" else votes(4_000_000).mean()
    means = mean_opinion(votes((raters, 2000)))
    assert 0.93 <= np.mean((means.low <= truth) & (truth <= means.high)) <= 0.97


@given(st.integers(0, 2**32 - 1))
def test_bias_that_is_added_is_found_and_taken_out(seed):
    votes, _ = panel(np.random.default_rng(seed), 9, 30, seen=1)
    added = np.random.default_rng(seed + 1).normal(0, 1, 9)
    added -= added.mean()
    moved = votes + added[:, None]
    np.testing.assert_allclose(rater_bias(moved), rater_bias(votes) + added, atol=1e-9)
    np.testing.assert_allclose(
        mean_opinion(remove_bias(moved)[0]).se, mean_opinion(remove_bias(votes)[0]).se, atol=1e-9
    )


def test_annex_e_errs_less_than_the_mean_when_raters_are_biased_and_see_different_stimuli():
    rng = np.random.default_rng(3)
    plain, modelled = [], []
    for _ in range(40):
        votes, quality = panel(rng, 30, 60, bias=0.7, noise=(0.3, 1.2), seen=0.4)
        for errors, mos in ((plain, mean_opinion(votes).mos), (modelled, annex_e(votes).means.mos)):
            errors.append(np.std(mos - quality))  # the mean bias of a panel cannot be told from quality
    assert np.mean(modelled) < 0.75 * np.mean(plain)
    assert all(ours < theirs for ours, theirs in zip(modelled, plain))


def test_annex_e_finds_bias_and_inconsistency():
    rng = np.random.default_rng(4)
    votes, _ = panel(rng, 20, 400, noise=(0.3, 1.5))
    bias = np.linspace(-1, 1, 20)
    found = annex_e(votes + bias[:, None])
    np.testing.assert_allclose(found.bias, bias, atol=0.2)
    steady = annex_e(votes)
    np.testing.assert_allclose(found.inconsistency, steady.inconsistency, atol=1e-6)  # which bias does not change
    assert steady.inconsistency.min() > 0.25 and steady.inconsistency.max() < 1.6


def test_annex_e_stands_raters_and_stimuli_of_a_single_vote():
    votes, _ = panel(np.random.default_rng(5), 12, 8)
    votes[3, 1:] = NAN  # a rater of one vote
    votes[1:, 7] = NAN  # a stimulus of one vote
    found = annex_e(votes)
    assert np.isfinite(found.means.mos).all() and (found.means.se[:7] > 0.05).all()
    assert np.isnan([found.means.se[7], found.means.low[7], found.means.high[7]]).all()  # nothing tells its spread
    assert np.isnan(found.bias[3]) and np.isnan(found.inconsistency[3])
    assert np.isfinite(np.delete(found.bias, 3)).all()
    one_each = annex_e(np.where(np.eye(6, dtype=bool), 3.0, NAN))
    assert one_each.means.mos.tolist() == [3] * 6


def test_no_rater_of_few_votes_decides_alone():
    """Without a bound the likelihood lets a rater agree perfectly with themselves (sureal: inconsistency 1e-9)."""
    rng = np.random.default_rng(0)
    for _ in range(5):
        votes, _ = panel(rng, 40, 30, noise=(0.5, 1.0), seen=0.15)
        inconsistency = annex_e(votes).inconsistency
        assert np.nanmin(inconsistency) > 0.2 * np.nanmedian(inconsistency) > 0.05


def test_votes_without_any_spread_are_their_own_mean():
    found = annex_e(np.full((5, 4), 2.0))
    assert found.means.mos.tolist() == [2] * 4 and found.bias.tolist() == [0] * 5


def test_bt500_rejects_who_is_far_off_on_both_sides_and_keeps_who_is_on_one():
    rng = np.random.default_rng(6)
    votes, _ = panel(rng, 20, 100, noise=(0.5, 0.5))
    wild, biased = votes.copy(), votes.copy()
    wild[7] += rng.choice([-1.5, 1.5], 100)
    biased[7] += 1.5
    assert np.flatnonzero(bt500_rejected(wild)).tolist() == [7]
    assert not bt500_rejected(biased)[7]


def test_agreeing_with_everybody_is_far_off_by_the_letter_of_bt500_only():
    votes = np.full((10, 30), 5.0)
    high, low = far_votes(votes)
    assert high.tolist() == low.tolist() == [30] * 10
    assert not bt500_rejected(votes).any()  # it would be everybody
    assert not np.any(far_votes(votes, skip_unanimous=True))


def test_differential_scores_by_hand():
    scores = [[2, 5, 4, 3], [NAN, 4, 5, NAN], [3, NAN, 4, 4]]  # columns: degraded, clean, better, of another content
    found = differential(scores, [1, 1, 1, -1])
    np.testing.assert_allclose(found, [[2, 5, 4, NAN], [NAN, 5, 6, NAN], [NAN, NAN, NAN, NAN]])


@pytest.mark.parametrize(
    "wins, n, low, high", [(8, 10, 0.4902, 0.9433), (0, 10, 0, 0.2775), (15, 20, 0.5313, 0.8881), (1, 1, 0.2065, 1)]
)
def test_wilson_s_interval(wins, n, low, high):
    """As R's prop.test(wins, n, correct = FALSE) gives it."""
    np.testing.assert_allclose(preference(wins, n), [wins / n, low, high], atol=5e-5)


def test_preference_of_no_comparison_is_not_known():
    assert np.isnan(preference([0], [0])[0]).all()


def test_sample_sizes():
    """By the normal 42 and 51 votes for +-0.2, and 194 comparisons to tell 60 %; Student's t asks a few more."""
    assert 42 <= raters_needed(0.66) <= 46 and 51 <= raters_needed(0.73) <= 55
    assert votes_for_preference(0.6) == votes_for_preference(0.4) == 194
    assert raters_needed(0) == 2
    assert more_raters(0.66, 24) == raters_needed(0.66) - 24 and more_raters(0.1, 24) == 0
    np.testing.assert_array_equal(more_raters([0.66, NAN], [100, 1]), [0, NAN])


@given(st.floats(0.01, 3), st.floats(0.05, 1))
def test_as_many_raters_as_said_are_enough_and_one_fewer_is_not(sos, half_width):
    n = raters_needed(sos, half_width)
    assert student_95(n) * sos / np.sqrt(n) <= half_width
    assert n == 2 or student_95(n - 1) * sos / np.sqrt(n - 1) > half_width
