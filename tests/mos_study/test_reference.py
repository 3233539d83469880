"""MOS, rejection, bias, annex E and paired scores on published ratings: the numbers of Netflix/sureal 0.9.0."""

import json
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("pandas", reason="pandas is not installed (`python launch.py test`)")
from mos_study import mos_table, rater_table, scores_table
from mos_study.tables import unlinked_groups

FOLDER = Path(__file__).resolve().parents[3] / "shared" / "mos_reference"
pytestmark = pytest.mark.skipif(not FOLDER.is_dir(), reason="needs the published ratings of ../shared/mos_reference")
STUDIES = ["nflx_public", "nflx_public_with_4_outliers"]
METHODS = {"mos": "mos", "bt500": "bt500", "p913": "p913", "p910": "p910_annex_e"}
TOLERANCE = {"mos": 1e-4, "bt500": 1e-4, "p913": 1e-4, "p910": 1e-3}


def expected(study, method):
    return json.loads((FOLDER / f"{study}.expected.json").read_text())[method]


@pytest.mark.parametrize("study", STUDIES)
@pytest.mark.parametrize("method", METHODS)
def test_scores_and_standard_errors_are_the_published_ones(study, method):
    table, theirs = mos_table(FOLDER / f"{study}.csv", method), expected(study, METHODS[method])
    assert list(table.stimulus) == list(range(79))
    np.testing.assert_allclose(table.mos, theirs["scores"], atol=TOLERANCE[method])
    np.testing.assert_allclose(table.se, theirs["se"], atol=TOLERANCE[method])


def test_mos_of_the_public_netflix_ratings_is_3_5448():
    table = mos_table(FOLDER / "nflx_public.csv")
    assert table.mos.mean() == pytest.approx(3.544790652, abs=1e-9)
    assert table.se.mean() == pytest.approx(0.129866, abs=1e-6)


@pytest.mark.parametrize("study", STUDIES)
@pytest.mark.parametrize("method", ["p913", "p910"])
def test_bias_and_inconsistency_are_the_published_ones(study, method):
    raters, theirs = rater_table(FOLDER / f"{study}.csv", method), expected(study, METHODS[method])
    assert list(raters.rater) == list(range(len(raters)))
    np.testing.assert_allclose(raters.bias, theirs["observer_bias"], atol=1e-3)
    if method == "p910":
        np.testing.assert_allclose(raters.inconsistency, theirs["observer_inconsistency"], atol=1e-3)


def test_intervals_are_wider_than_the_normal_ones_by_student_s_quantile_except_in_annex_e():
    for method, quantile in (("mos", 2.0595), ("p910", 1.95996)):  # t with 25 degrees of freedom, from tables
        table = mos_table(FOLDER / "nflx_public.csv", method)
        published = expected("nflx_public", METHODS[method])["mean_ci95_length"]  # 2 x 1.95996 x se
        assert (table.ci95_high - table.ci95_low).mean() == pytest.approx(published * quantile / 1.95996, rel=1e-4)


@pytest.mark.parametrize("model, name", [("bradley-terry", "bradley_terry_mle"), ("thurstone", "thurstone_mle")])
def test_paired_scores_are_the_published_ones_up_to_a_constant(model, name):
    table = scores_table(FOLDER / "lukas_pairs.csv", model).sort_values("item")
    assert list(table["item"]) == list(range(40))
    gap = table.score.to_numpy() - expected("lukas_pairs", name)["scores"]
    assert np.abs(gap - gap.mean()).max() < 1e-3


def test_the_five_contents_of_lukas_were_never_compared_with_each_other():
    groups = unlinked_groups(FOLDER / "lukas_pairs.csv")
    assert sorted(map(sorted, groups)) == [list(range(8 * k, 8 * k + 8)) for k in range(5)]
