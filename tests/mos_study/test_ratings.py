"""Laws of reading ratings: tables come out the same however saved, and what cannot be used is named in one line."""

import numpy as np
import pytest

pytest.importorskip("pandas", reason="pandas is not installed (`python launch.py test`)")
import pandas as pd
from pandas.testing import assert_frame_equal

from mos_study import comparisons, dmos_table, long_scores, mos_table, preference_table, read_ratings, scores_table
from mos_study.errors import BadRatings
from tests.mos_study.simulated import ratings

PLAIN = "stimulus,rater,score\na,1,4\na,2,5\nb,1,2.5\nb,2,\n"


def saved(tmp_path, text, name="ratings.csv", **how):
    path = tmp_path / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode(**how))
    return path


@pytest.mark.parametrize(
    "text",
    [
        PLAIN,
        PLAIN.replace("\n", "\r\n"),
        PLAIN.replace(",", "\t"),
        PLAIN.replace(",", ";").replace("2.5", "2,5"),  # a spreadsheet in German
        PLAIN.replace("a,", '"a",').replace("4", '"4"'),
        PLAIN.replace("stimulus,rater,score", " Stimulus , RATER,Score,"),
        PLAIN.replace("b,2,\n", "b,2,NaN\n\n\n"),
        PLAIN.replace("b,2,\n", "b,2\n"),
    ],
    ids=["plain", "crlf", "tabs", "semicolons", "quotes", "names", "nan", "short row"],
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_a_table_reads_the_same_however_it_was_saved(tmp_path, text, encoding):
    table = mos_table(saved(tmp_path, text, encoding=encoding))
    assert table.stimulus.tolist() == ["a", "b"] and table.n.tolist() == [2, 1]
    np.testing.assert_allclose(table.mos, [4.5, 2.5])
    np.testing.assert_allclose(table.se, [0.5, np.nan])


def test_a_file_and_its_dataframe_give_the_same_table(tmp_path):
    frame = pd.DataFrame({"stimulus": [7, 7, 10, 10], "rater": [1, 2, 1, 2], "score": [30, 70.5, 100, 0], "extra": "x"})
    path = tmp_path / "scores.csv"
    frame.to_csv(path, index=False)
    for method in ("mos", "bt500", "p913", "p910"):
        assert_frame_equal(mos_table(path, method), mos_table(frame, method))
    assert frame.columns.tolist() == ["stimulus", "rater", "score", "extra"]


def test_ids_stay_what_they_are(tmp_path):
    path = saved(tmp_path, "stimulus,rater,score\n007,é,1\n7,é,2\nNA,ö,3\n", encoding="cp1252")
    assert mos_table(path).stimulus.tolist() == ["007", "7", "NA"]
    assert set(long_scores(path).rater) == {"é", "ö"}


def test_repeated_votes_count_each(tmp_path):
    table = mos_table(saved(tmp_path, "stimulus,rater,score\na,1,1\na,1,3\na,2,5\n"))
    assert (table.n[0], table.mos[0]) == (3, 3)


@pytest.mark.parametrize(
    "text, complaint",
    [
        ("", "is empty"),
        ("stimulus,rater,score\n", "has no rows"),
        ("video,rater,score\na,1,1\n", "there is no stimulus; the table has: video, rater, score"),
        ("a,1,5\nb,1,4\n", "there is no stimulus or rater or score"),
        ("stimulus,rater,score\na,1,good\n", "line 2: score 'good' is not a number"),
        ("stimulus,rater,score\na,1,1\n\nb,1,inf\n", "line 4: score is infinite"),
        ("stimulus,rater,score\na,,1\n", "line 2: no rater"),
        ("stimulus,rater,score\na,1,1,9\n", "line 2: 4 cells under 3 column names"),
        ("stimulus,score,rater,score\na,1,1,9\n", "column 'score' twice"),
        ('stimulus,rater,score\n"a,1,1\n', "check the quotes"),
        ("stimulus,rater,score\na,1,\n", "no row has a score"),
        (b"PK\x03\x04\0\0", "is no text file"),
    ],
)
def test_what_cannot_be_used_is_said_in_one_line(tmp_path, text, complaint):
    with pytest.raises(BadRatings) as told:
        mos_table(saved(tmp_path, text))
    assert complaint in str(told.value) and "\n" not in str(told.value)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(BadRatings, match="nothing.csv cannot be read"):
        read_ratings(tmp_path / "nothing.csv")


@pytest.mark.parametrize("votes", ["votes", ""])
def test_comparisons_need_two_columns_only(tmp_path, votes):
    rows = ["preferred,other", *["a,b"] * 3, "b,a", "a,a"]
    if votes:
        rows = ["preferred,other,votes,rater", "a,b,3,x", "b,a,1,x", "a,b,0,x", "a,a,5,x"]
    table = comparisons(saved(tmp_path, "\n".join(rows)))
    assert table.votes.groupby(table.preferred).sum().to_dict() == {"a": 3, "b": 1}
    scores = scores_table(tmp_path / "ratings.csv")
    assert scores.score[0] - scores.score[1] == pytest.approx(np.log(3))


@pytest.mark.parametrize(
    "text, complaint",
    [
        ("preferred,other,votes\na,b,-1\n", "line 2: votes below 0"),
        ("preferred,other\na,a\n", "no comparison of two different items"),
        ("stimulus,rater,score\na,1,1\n", "there is no preferred or other"),
    ],
)
def test_comparisons_that_cannot_be_used_are_said_in_one_line(tmp_path, text, complaint):
    with pytest.raises(BadRatings, match=complaint):
        scores_table(saved(tmp_path, text))


def own(**columns):
    """A table of our own with the columns that the store writes, one value or a list each."""
    rows = max(len(value) for value in columns.values() if isinstance(value, list))
    usual = {"rater": "r", "kind": "test", "content": "c", "category": "k", "other_score": np.nan, "expected": np.nan}
    return pd.DataFrame(usual | columns, index=range(rows))


def test_an_answer_to_two_at_once_is_two_votes_and_a_preference():
    table = own(
        method="ab", stimulus=["1", "2", "1"], condition=["nano", "clean", "nano"], other=["2", "1", "2"],
        other_condition=["clean", "nano", "clean"], score=[2, 5, 4], other_score=[4, 3, 4],
    )  # fmt: skip
    votes = long_scores(table)
    assert list(zip(votes.stimulus, votes.score)) == [("1", 2), ("2", 4), ("2", 5), ("1", 3), ("1", 4), ("2", 4)]
    assert set(zip(votes.stimulus, votes.condition)) == {("1", "nano"), ("2", "clean")}
    found = comparisons(table)
    assert found[["preferred", "other", "votes", "difference"]].values.tolist() == [
        ["clean", "nano", 1, 2], ["clean", "nano", 1, 2], ["nano", "clean", 0.5, 0], ["clean", "nano", 0.5, 0],
    ]  # fmt: skip
    (row,) = preference_table(table).itertuples()
    assert (row.item, row.other, row.n, row.preferred, row.ties) == ("clean", "nano", 3, 2.5, 1)
    assert row.difference == pytest.approx(4 / 3)


@pytest.mark.parametrize("method, scores, left_wins", [("ccr", [3, -1, 0], 1.5), ("pair", [1, 0, 1], 2)])
def test_a_positive_comparison_prefers_the_left_one(method, scores, left_wins):
    table = own(method=method, stimulus="1", other="2", condition="left", other_condition="right", score=scores)
    found = comparisons(table)
    assert found.votes[found.preferred == "left"].sum() == left_wins and found.votes.sum() == 3
    with pytest.raises(BadRatings, match="have no MOS"):
        mos_table(table)


def test_only_trials_of_kind_test_count():
    table = own(
        method="acr", stimulus=["1"] * 4, other="", condition="x", other_condition="", score=[1, 2, 3, 4],
        kind=["training", "trap", "gold", "test"],
    )  # fmt: skip
    assert mos_table(table)[["n", "mos"]].values.tolist() == [[1, 4]]
    with pytest.raises(BadRatings, match="single ratings"):
        comparisons(table)


@pytest.mark.parametrize(
    "wrong, complaint", [({"method": "acl"}, "method 'acl'"), ({"score": [np.nan]}, "without its score")]
)
def test_a_row_of_ours_that_cannot_be_is_named(wrong, complaint):
    with pytest.raises(BadRatings, match=complaint):
        read_ratings(own(**{"method": "acr", "stimulus": ["1"], "other": "", "score": [3]} | wrong))


def test_a_study_of_ours_is_read_from_its_file(tmp_path):
    table = ratings(np.random.default_rng(1), raters=6)
    table.to_csv(tmp_path / "ratings.csv", index=False)
    assert len(long_scores(tmp_path / "ratings.csv")) == 2 * len(table)
    by_condition = mos_table(tmp_path / "ratings.csv", by="condition").set_index("condition")
    assert by_condition.n.tolist() == [6] * 6  # the mean of a rater is one vote
    assert by_condition.mos["clean"] > by_condition.mos["small"] > by_condition.mos["degraded"]


def test_dmos_is_the_distance_to_one_s_own_vote_on_the_reference():
    table = own(
        method="acr", other="", other_condition="", stimulus=list("abcdab"), rater=list("rrrrss"),
        content=list("ppqqpp"), condition=["clean", "nano"] * 3, score=[4, 3, 5, 3, 2, 3],
    )  # fmt: skip
    (row,) = dmos_table(table).itertuples()
    assert (row.condition, row.n) == ("nano", 2)
    assert row.dmos == pytest.approx((5 - 1.5 + 5 + 1) / 2)  # r: mean of -1 and -2, s: +1
    with pytest.raises(BadRatings, match="no condition 'original'"):
        dmos_table(table, "original")
