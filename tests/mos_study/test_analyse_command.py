"""`python launch.py study analyse`: what it writes, what it prints, and how it ends."""

import numpy as np
import pytest

pytest.importorskip("pandas", reason="pandas is not installed (`python launch.py test`)")
import pandas as pd

import launch
from tests.mos_study.simulated import QUALITY, ratings

COLUMNS = ["stimulus", "n", "mos", "se", "ci95_low", "ci95_high"]


def analyse(*words):
    return launch.main(["study", "analyse", *map(str, words), "--skip-install"])


@pytest.fixture
def votes(tmp_path):
    rng = np.random.default_rng(1)
    rows = [(s, r, 20 * s + 5 * r + rng.normal(0, 3)) for s in range(5) for r in range(8)]
    path = tmp_path / "in" / "ratings.csv"
    path.parent.mkdir()
    pd.DataFrame(rows, columns=["stimulus", "rater", "score"]).to_csv(path, index=False)
    return path


@pytest.fixture
def pairs(tmp_path):
    path = tmp_path / "pairs.csv"
    path.write_text("preferred,other,rater,votes\na,b,1,3\nb,a,1,1\nb,c,2,4\nc,b,2,2\nc,a,3,1\n")
    return path


@pytest.mark.parametrize("method", ["mos", "bt500", "p913", "p910"])
def test_each_method_writes_the_six_columns(votes, tmp_path, method, capsys):
    out = tmp_path / "new" / "mos.csv"
    assert analyse(votes, "--method", method, "--out", out) == 0
    table = pd.read_csv(out)
    assert list(table.columns) == COLUMNS and table.stimulus.tolist() == list(range(5))
    assert ((table.ci95_low < table.mos) & (table.mos < table.ci95_high)).all()
    told = capsys.readouterr()
    assert told.out == "" and "5 stimuli x 8 raters" in told.err
    assert (out.parent / "raters.csv").exists() == (method != "mos")
    if method == "p910":
        raters = pd.read_csv(out.parent / "raters.csv")
        assert list(raters.columns) == ["rater", "n", "bias", "inconsistency"]
        np.testing.assert_allclose(raters.bias, 5 * np.arange(8) - 17.5, atol=5)


@pytest.mark.parametrize("method", ["bradley-terry", "thurstone"])
def test_comparisons_become_scores(pairs, tmp_path, method):
    assert analyse(pairs, "--method", method, "--out", tmp_path / "scores.csv") == 0
    table = pd.read_csv(tmp_path / "scores.csv")
    assert list(table.columns) == ["item", "score", "se"]
    assert table["item"].tolist() == ["a", "b", "c"] and (table.se > 0).all()


def test_without_out_the_table_is_printed(votes, capsys):
    before = sorted(votes.parent.iterdir())
    assert analyse(votes) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == COLUMNS and len(lines) == 6
    assert sorted(votes.parent.iterdir()) == before


def test_a_second_run_replaces_the_first(votes, tmp_path):
    for method in ("p910", "mos"):
        assert analyse(votes, "--method", method, "--out", tmp_path / "mos.csv") == 0
    assert [path.name for path in tmp_path.iterdir() if path.suffix == ".tmp"] == []


def test_a_study_of_ours_is_analysed(tmp_path, capsys):
    ratings(np.random.default_rng(2), raters=6).to_csv(tmp_path / "ratings.csv", index=False)
    assert analyse(tmp_path / "ratings.csv", "--by", "condition") == 0
    assert len(capsys.readouterr().out.splitlines()) == 7
    assert analyse(tmp_path / "ratings.csv", "--method", "bradley-terry", "--prior", "0.5") == 0
    assert {line.split()[0] for line in capsys.readouterr().out.splitlines()[1:]} == set(QUALITY)


@pytest.mark.parametrize(
    "words, complaint",
    [
        (["VOTES", "--method", "thurstone"], "expected columns preferred, other"),
        (["PAIRS"], "expected columns stimulus, rater, score"),
        (["nothing.csv"], "nothing.csv cannot be read"),
        (["VOTES", "--out", "VOTES"], "over the ratings"),
        (["VOTES", "--out", "FOLDER"], "is a folder"),
        (["VOTES", "--out", "FOLDER/raters.csv"], "name another file"),
        (["VOTES", "--out", "VOTES/mos.csv"], "cannot be written"),
        (["VOTES", "--by", "condition"], "no column condition"),
        (["PAIRS", "--method", "thurstone", "--by", "content"], "--by is for votes"),
        (["PAIRS", "--method", "thurstone", "--prior", "-1"], "0 or more votes"),
    ],
)
def test_what_the_user_can_fix_ends_with_status_2_and_one_line(votes, pairs, tmp_path, words, complaint, capsys):
    places = {"VOTES": str(votes), "PAIRS": str(pairs), "FOLDER": str(tmp_path)}
    content = votes.read_bytes()
    for name, place in places.items():
        words = [word.replace(name, place) for word in words]
    assert analyse(*words) == 2
    told = capsys.readouterr().err
    assert told.count("\n") == 1 and told.startswith("whetstone: ") and complaint in told
    assert votes.read_bytes() == content
