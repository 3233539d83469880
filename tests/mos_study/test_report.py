"""`python launch.py study report`: tables and page say the same, with and without exclusions, and need no network."""

import base64
import re

import numpy as np
import pytest

pytest.importorskip("pandas", reason="pandas is not installed (`python launch.py test`)")
import pandas as pd

pytest.importorskip("matplotlib", reason="matplotlib is not installed (`python launch.py test`)")
import launch
from mos_study.report.caveats import caveats
from mos_study.report.findings import find
from tests.mos_study.simulated import QUALITY, ratings

RESULTS = {
    "ab": {"mos.csv", "pairs.csv", "scores.csv", "raters.csv", "report.html"},
    "acr": {"mos.csv", "raters.csv", "report.html"},
    "ccr": {"pairs.csv", "scores.csv", "raters.csv", "report.html"},
    "pair": {"pairs.csv", "scores.csv", "raters.csv", "report.html"},
}


def report(folder, *more):
    return launch.main(["study", "report", str(folder), *map(str, more), "--skip-install"])


def study(folder, **how):
    folder.mkdir(parents=True, exist_ok=True)
    table = ratings(np.random.default_rng(3), **how)
    table.to_csv(folder / "ratings.csv", index=False)
    return table


@pytest.mark.parametrize("method", RESULTS)
def test_each_method_has_its_tables_and_a_page_of_its_own(tmp_path, method, capsys):
    study(tmp_path / "study", method=method, raters=12)
    assert report(tmp_path / "study", "--out", tmp_path / "out") == 0
    assert {path.name for path in (tmp_path / "out").iterdir()} == RESULTS[method]
    assert len(capsys.readouterr().out.splitlines()) == len(RESULTS[method])
    text = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    assert not re.findall(r"(?:src|href)=\"(?!data:)", text) and "http" not in text.split("<body>")[0]
    for packed in re.findall(r"base64,([^\"]+)", text):
        assert b"<svg" in base64.b64decode(packed)[:600]
    assert {path.name for path in (tmp_path / "study").iterdir()} == {"ratings.csv"}


def test_results_come_with_and_without_who_broke_a_rule(tmp_path):
    table = study(tmp_path, raters=24, careless=4)
    assert report(tmp_path) == 0
    raters = pd.read_csv(tmp_path / "raters.csv", keep_default_na=False)
    out = raters[raters.excluded != ""]
    assert set(out.rater) >= {f"simulated-0{k}" for k in range(4)} and (out.why != "").all()
    mos = pd.read_csv(tmp_path / "mos.csv", keep_default_na=False)
    whole = mos[(mos.category == "") & (mos.condition == "clean")].set_index("counted")
    assert whole.raters["all raters"] == 24 and whole.raters["after exclusions"] == 24 - len(out)
    ours = table[table.kind == "test"]
    left, right = ours[ours.condition == "clean"], ours[ours.other_condition == "clean"]
    votes = pd.concat([left[["rater", "score"]], right[["rater", "other_score"]].set_axis(["rater", "score"], axis=1)])
    means = votes.astype({"score": float}).groupby("rater").score.mean()
    assert whole.mos["all raters"] == pytest.approx(means.mean())
    assert whole.mos["after exclusions"] == pytest.approx(means.drop(out.rater).mean())
    assert set(mos.category) == {"", "animals", "graphics", "nature", "people", "text"}
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    for words in (
        "simulated-00",
        "1 of 1 traps failed",
        f"{len(out)} of 24 raters are left out",
        "After",
        "all raters",
    ):
        assert words in page or words.lower() in page
    assert len(pd.read_csv(tmp_path / "ratings.csv")) == len(table)  # facts stay


def test_preferences_are_those_of_the_qualities(tmp_path):
    study(tmp_path, method="pair", raters=30)
    assert report(tmp_path) == 0
    scores = pd.read_csv(tmp_path / "scores.csv")
    ours = scores[scores.counted == "all raters"].set_index("condition").score
    assert np.corrcoef(ours[list(QUALITY)], list(QUALITY.values()))[0, 1] > 0.98
    pairs = pd.read_csv(tmp_path / "pairs.csv")
    assert (pairs.ci95_low <= pairs.share).all() and (pairs.share <= pairs.ci95_high).all()


@pytest.mark.parametrize(
    "raters, words", [(8, "this is a pilot"), (18, "asks for 24"), (28, "not for raters in public (35)"), (36, "")]
)
def test_too_few_raters_are_said(raters, words):
    lines = caveats(find(ratings(np.random.default_rng(4), raters=raters)))
    assert any(words in line for line in lines)
    assert any("raters are counted" in line for line in lines) == (raters < 35)
    assert caveats(find(ratings(np.random.default_rng(4), raters=1)))[0].startswith("Only 1 rater is counted.")


def test_how_many_more_raters_are_needed_is_said():
    lines = caveats(find(ratings(np.random.default_rng(4), raters=6)))
    (line,) = [line for line in lines if "more raters are needed" in line]
    assert int(re.search(r"about (\d+) more", line)[1]) > 6


def test_names_are_text_and_not_html(tmp_path):
    table = ratings(np.random.default_rng(5), raters=8).replace({"nano": "<script>alert(1)</script>$x^2$"})
    table["rater"] = table.rater.replace({"simulated-00": "<b>&"})
    table.to_csv(tmp_path / "ratings.csv", index=False)
    assert report(tmp_path) == 0
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "<script" not in page and "<b>&<" not in page
    assert "&lt;script&gt;" in page


@pytest.mark.parametrize("scale", ["votes of 0 to 100", "one rater", "one stimulus", "pairs without raters"])
def test_other_studies_are_reported_too(tmp_path, scale):
    rng = np.random.default_rng(6)
    rows = [(s, r, round(20 * s + rng.normal(0, 5), 1)) for s in range(5) for r in range(9)]
    table = pd.DataFrame(rows, columns=["stimulus", "rater", "score"])
    table = {
        "votes of 0 to 100": table,
        "one rater": table[table.rater == 0],
        "one stimulus": table[table.stimulus == 0],
        "pairs without raters": pd.DataFrame({"preferred": list("aab"), "other": list("bcc")}),
    }[scale]
    table.to_csv(tmp_path / "other.csv", index=False)
    assert report(tmp_path / "other.csv") == 0
    assert (tmp_path / "report.html").stat().st_size > 5000


def test_the_same_ratings_give_the_same_page(tmp_path):
    study(tmp_path, raters=6, method="pair")
    pages = []
    for name in ("a", "b"):
        assert report(tmp_path, "--out", tmp_path / name) == 0
        pages.append((tmp_path / name / "report.html").read_bytes())
    assert pages[0] == pages[1]


def test_a_rule_that_takes_everybody_leaves_the_results_of_all(tmp_path):
    study(tmp_path, raters=5, careless=5)
    assert report(tmp_path) == 0
    assert "exclude every rater" in (tmp_path / "report.html").read_text(encoding="utf-8")
    assert set(pd.read_csv(tmp_path / "mos.csv").counted) == {"all raters"}


def test_what_the_user_can_fix_ends_with_status_2(tmp_path, capsys):
    assert report(tmp_path) == 2
    assert "expected a folder with ratings.csv" in capsys.readouterr().err
    study(tmp_path, raters=3)
    (tmp_path / "ratings.csv").rename(tmp_path / "mos.csv")
    assert report(tmp_path / "mos.csv") == 2
    assert "--out" in capsys.readouterr().err
