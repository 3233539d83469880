"""Ratings and comparisons as long tables with checked columns, from our studies' ratings.csv or from any other study.

Ours has a row an answer (kind training, test, trap or gold; method ab, acr, ccr or pair; stimulus left, other right).
Any other has columns stimulus, rater, score (content, condition, category at will), or preferred, other (rater, votes).
"""

import re

import numpy as np
import pandas as pd

from mos_study.csv_table import read_csv
from mos_study.errors import BadRatings

OURS = ("kind", "method", "stimulus", "other", "score")  # columns by which a study of ours is known
METHODS = ("ab", "acr", "ccr", "pair")
_NUMBERS = ("score", "other_score", "expected", "votes")
_NOTHING = {"", "nan", "na", "n/a", "null", "none"}  # a number that is not there, in any case


def read_ratings(source):
    """The table of a CSV file or a DataFrame, checked: ids are there, numbers are finite numbers or NaN.

    Ids of a file are text, unless all of a column are whole numbers, written as Python writes them. In a study of ours
    the columns that its method does not need are filled with "" or NaN. Raises BadRatings.
    """
    if isinstance(source, pd.DataFrame):
        table, where = source.rename(columns=lambda name: str(name).strip().lower()), "row"
    else:
        table, where = read_csv(source), f"{source}, line"
    if not len(table):
        raise BadRatings("the table has no rows; expected one a rating")
    for name in table.columns.intersection(_NUMBERS):
        table[name] = _numbers(table[name], where, table.attrs.get("decimal", "."))
    if is_ours(table):
        return _ours(table, where)
    for name in table.columns.intersection(("stimulus", "rater", "preferred", "other")):
        empty = table.index[table[name].isna() | (table[name].astype(str) == "")]
        if len(empty):
            raise BadRatings(f"{where} {empty[0]}: no {name}; every row needs one")
    if "votes" in table and (table.votes < 0).any():
        raise BadRatings(f"{where} {table.index[table.votes < 0][0]}: votes below 0; expected how many they were")
    if not isinstance(source, pd.DataFrame):
        _whole_numbers(table)
    return table


def is_ours(table):
    """Whether the table is a ratings.csv of a study of ours."""
    return set(OURS) <= set(table.columns)


def long_scores(source):
    """One row a vote: stimulus, rater, score, content, condition, category, kind, expected.

    kind is "test" in other studies' tables, whose missing columns are "". An answer of method ab gives two votes, of
    which the left one carries `expected`. Votes that are not there (NaN) are left out. Raises BadRatings.
    """
    table = read_ratings(source)
    if is_ours(table):
        left = table[table.method.isin(("ab", "acr"))]
        right = table[table.method == "ab"]
        right = right.assign(
            stimulus=right.other, condition=right.other_condition, score=right.other_score, expected=np.nan
        )
        if not len(left):
            raise BadRatings("these are comparisons (ccr, pair), which have no MOS: --method bradley-terry scores them")
        table = pd.concat([left, right]).sort_index(kind="stable")
    else:
        _need(table, ("stimulus", "rater", "score"))
        table = table.assign(kind="test", expected=np.nan)
    for name in ("content", "condition", "category"):
        table[name] = table[name].fillna("") if name in table else ""
    table = table[["stimulus", "rater", "score", "content", "condition", "category", "kind", "expected"]]
    table = table[table.score.notna()].reset_index(drop=True)
    if not (table.kind == "test").any():
        raise BadRatings("no row has a score; expected at least one vote")
    return table


def comparisons(source):
    """One row a preference: preferred, other, rater, votes, difference, content, category, kind.

    Of a study of ours the items are conditions, and a tie is two rows of half a vote, one each way. difference is how
    much better the preferred one is (ab: difference of the two scores; ccr: the score), NaN for pair and other tables.
    Rows that compare an item with itself are left out, and so are rows without votes. Raises BadRatings.
    """
    table = read_ratings(source)
    table = _our_comparisons(table) if is_ours(table) else _their_comparisons(table)
    table = table[(table.preferred != table.other) & (table.votes > 0)].reset_index(drop=True)
    if not (table.kind == "test").any():
        raise BadRatings("there is no comparison of two different items in the table")
    return table[["preferred", "other", "rater", "votes", "difference", "content", "category", "kind"]]


def _our_comparisons(table):
    table = table[table.method != "acr"]
    if not len(table):
        raise BadRatings("these are single ratings (acr), which compare nothing: --method mos|bt500|p913|p910")
    gap = np.select(
        [table.method == "ab", table.method == "ccr"],
        [table.score - table.other_score, table.score],
        2 * table.score - 1,
    )
    difference = np.where(table.method == "pair", np.nan, np.abs(gap))
    rows = table.assign(difference=difference, votes=np.where(gap == 0, 0.5, 1.0))
    left = rows.assign(preferred=rows.condition, other=rows.other_condition)[gap >= 0]
    right = rows.assign(preferred=rows.other_condition, other=rows.condition)[gap <= 0]
    return pd.concat([left, right]).sort_index(kind="stable")


def _their_comparisons(table):
    _need(table, ("preferred", "other"))
    table = table.assign(kind="test", difference=np.nan)
    for name, default in (("rater", ""), ("votes", 1.0), ("content", ""), ("category", "")):
        table[name] = table.get(name, default)
    return table


def _ours(table, where):
    for name in ("rater", "condition", "other_condition", "content", "category"):
        table[name] = table[name].fillna("") if name in table else ""
    for name in ("other_score", "expected"):
        table[name] = table.get(name, np.nan)
    wrong = table.index[~table.method.isin(METHODS)]
    if len(wrong):
        raise BadRatings(f"{where} {wrong[0]}: method {table.method[wrong[0]]!r}; expected one of {', '.join(METHODS)}")
    lacking = table.index[table.score.isna() | (table.other_score.isna() & (table.method == "ab"))]
    if len(lacking):
        raise BadRatings(f"{where} {lacking[0]}: an answer without its score; every row needs one")
    return table


def _need(table, names):
    missing = [name for name in names if name not in table]
    if missing:
        there = ", ".join(map(str, table.columns))[:200]
        raise BadRatings(
            f"expected columns {', '.join(names)}, and there is no {' or '.join(missing)}; the table has: {there}"
        )


def _numbers(column, where, decimal):
    """A column of numbers as float, NaN where a cell says nothing. where: how a row is named in a complaint."""
    if not pd.api.types.is_numeric_dtype(column):
        text = column.astype(str).str.strip()
        nothing = column.isna() | text.str.lower().isin(_NOTHING)
        if decimal == ",":
            text = text.str.replace(",", ".", regex=False)
        column = pd.to_numeric(text.mask(nothing), errors="coerce")
        wrong = column.index[column.isna() & ~nothing]
        if len(wrong):
            raise BadRatings(f"{where} {wrong[0]}: {column.name} {text[wrong[0]][:40]!r} is not a number")
    column = column.astype(float)
    if np.isinf(column).any():
        line = column.index[np.isinf(column)][0]
        raise BadRatings(f"{where} {line}: {column.name} is infinite; expected a number")
    return column


def _whole_numbers(table):
    """Turn id columns into whole numbers where nothing is lost by it, so that they join with other tables."""
    for names in (["stimulus"], ["rater"], ["preferred", "other"]):  # the last two name the same items
        columns = table[table.columns.intersection(names)]
        if columns.map(lambda text: bool(re.fullmatch(r"0|[1-9]\d{0,17}", text))).all(axis=None):
            table[columns.columns] = columns.astype("int64")
