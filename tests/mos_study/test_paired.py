"""Laws of scores from paired comparisons; numbers of R's BradleyTerry2 and of simulation."""

import numpy as np
import pytest

pytest.importorskip("scipy", reason="scipy is not installed (`python launch.py test`)")
from scipy.stats import norm

from mos_study.errors import BadRatings
from mos_study.stats.paired import MODELS, fit_scores

# Stigler 1994, citations between Biometrika, Comm. Statist., JASA and JRSS-B: the example of R's BradleyTerry2
CITATIONS = [[714, 730, 498, 221], [33, 425, 68, 17], [320, 813, 1072, 142], [284, 276, 325, 188]]


@pytest.mark.parametrize("journal, score, se", [(1, -2.94907, 0.10255), (2, -0.47957, 0.06059), (3, 0.26895, 0.07083)])
def test_scores_and_standard_errors_are_those_of_bradleyterry2(journal, score, se):
    np.testing.assert_allclose(fit_scores(CITATIONS).difference(journal, 0), (score, se), atol=6e-6)


@pytest.mark.parametrize("model, chance", [("bradley-terry", lambda d: 1 / (1 + np.exp(-d))), ("thurstone", norm.cdf)])
def test_standard_errors_are_how_far_scores_vary_between_studies(model, chance):
    rng = np.random.default_rng(1)
    truth = np.array([-1.0, -0.3, 0.1, 0.4, 0.8])
    wins = rng.binomial(60, chance(truth[:, None] - truth), (400, 5, 5))
    upper = np.triu(np.ones((5, 5)), 1)
    fitted = [fit_scores(w * upper + ((60 - w) * upper).T, model) for w in wins]
    scores = np.array([one.score for one in fitted])
    np.testing.assert_allclose(scores.mean(0), truth - truth.mean(), atol=0.02)
    np.testing.assert_allclose(np.mean([one.se for one in fitted], 0), scores.std(0), rtol=0.12)


@pytest.mark.parametrize("model", MODELS)
def test_two_items_by_hand(model):
    gap = {"bradley-terry": np.log(3), "thurstone": norm.ppf(0.75)}[model]
    found = fit_scores([[0, 30], [10, 0]], model)
    np.testing.assert_allclose(found.score, [gap / 2, -gap / 2], atol=1e-9)


@pytest.mark.parametrize("model", MODELS)
def test_lopsided_comparisons_converge(model):
    wins = np.triu(np.full((12, 12), 1000.0), 1) + np.tril(np.full((12, 12), 0.5), -1)
    found = fit_scores(wins, model)
    assert np.all(np.diff(found.score) < 0) and np.isfinite(found.se).all()


def test_who_always_wins_is_named_and_a_prior_helps():
    wins = [[0, 3, 4], [0, 0, 2], [0, 1, 0]]
    with pytest.raises(BadRatings, match="'a' won every comparison .* --prior 0.5"):
        fit_scores(wins, names=["a", "b", "c"])
    with pytest.raises(BadRatings, match="'a' lost every"):
        fit_scores(np.transpose(wins), names=["a", "b", "c"])
    found = fit_scores(wins, prior=0.5)
    assert found.score[0] > found.score[1] > found.score[2] and np.isfinite(found.se).all()


@pytest.mark.parametrize("model", MODELS)
def test_groups_that_were_never_compared_are_scored_each_by_itself(model):
    one, other = np.array([[0, 5, 9], [3, 0, 6], [2, 4, 0.0]]), np.array([[0, 7], [2, 0.0]])
    both = fit_scores(np.block([[one, np.zeros((3, 2))], [np.zeros((2, 3)), other]]), model)
    assert both.group.tolist() == [0, 0, 0, 1, 1]
    for part, alone in ((slice(0, 3), fit_scores(one, model)), (slice(3, 5), fit_scores(other, model))):
        np.testing.assert_allclose(both.score[part] - both.score[part].mean(), alone.score, atol=1e-8)
        np.testing.assert_allclose(both.se[part], alone.se, atol=1e-8)
    assert both.score.mean() == pytest.approx(0, abs=1e-12)
