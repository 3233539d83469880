"""Tables of text cells from CSV files as people have them: comma, semicolon or tab, any byte-order mark, quotes."""

import codecs
import csv
import io
from pathlib import Path

import pandas as pd

from mos_study.errors import BadRatings


def read_csv(path):
    """A DataFrame of stripped strings, column names in lower case; the index is the line of each row in the file.

    Empty lines are skipped, cells missing at the end of a row are empty. Where the delimiter is a semicolon or a tab,
    a decimal comma is left to the caller (`decimal` in attrs). Raises BadRatings.
    """
    try:
        data = Path(path).read_bytes()
    except OSError as error:
        raise BadRatings(f"{path} cannot be read ({error.strerror or error}); give the path of a CSV file") from None
    text = _decoded(data)
    if "\0" in text:
        raise BadRatings(f"{path} is no text file; save the table as CSV")
    first = next((line for line in text.splitlines() if line.strip()), "")
    delimiter = max(",;\t", key=first.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    rows, lines = [], []
    try:
        for row in reader:
            if any(cell.strip() for cell in row):
                rows.append([cell.strip() for cell in row])
                lines.append(reader.line_num)
    except csv.Error as error:
        raise BadRatings(f"{path}, line {reader.line_num}: {error}; check the quotes") from None
    if not rows:
        raise BadRatings(f"{path} is empty; expected a header line and one row a rating")
    header = [name.lower() for name in rows[0]]
    while header and not header[-1]:
        header.pop()
    twice = {name for name in header if header.count(name) > 1 and name}
    if twice:
        raise BadRatings(f"{path} has the column {min(twice)!r} twice; keep one")
    for row, line in zip(rows, lines):
        if any(row[len(header) :]):
            raise BadRatings(f"{path}, line {line}: {len(row)} cells under {len(header)} column names; quote the texts")
    width = len(header)
    table = pd.DataFrame([row[:width] + [""] * (width - len(row)) for row in rows[1:]], lines[1:], header, dtype=object)
    table.attrs["decimal"] = "." if delimiter == "," else ","
    return table


def _decoded(data):
    for mark, name in (
        (codecs.BOM_UTF8, "utf-8-sig"),
        (codecs.BOM_UTF16_LE, "utf-16"),
        (codecs.BOM_UTF16_BE, "utf-16"),
    ):
        if data.startswith(mark):
            return data.decode(name, errors="replace")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return data.decode("cp1252", errors="replace")  # Excel on Windows
