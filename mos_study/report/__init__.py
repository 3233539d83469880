"""The report of a study: tables as CSV and one page with plots, everything with and without the excluded raters."""

from pathlib import Path

from mos_study.errors import BadOutput, BadRatings
from mos_study.output import write_table, write_whole
from mos_study.report.findings import find, mos_rows, tidy
from mos_study.report.page import page


def write_report(source, out=None):
    """Write mos.csv, pairs.csv, scores.csv, raters.csv (as far as the answers give them) and report.html; their paths.

    source: a folder with ratings.csv, or a CSV file of any study. out: a folder, by default that of the ratings.
    Results of an earlier report are replaced, the ratings never. Raises BadRatings, BadOutput.
    """
    ratings = ratings_of(source)
    out = Path(out) if out else ratings.parent
    findings = find(ratings)
    tables = {
        "mos.csv": mos_rows(findings),
        "pairs.csv": tidy(findings, "preferences"),
        "scores.csv": tidy(findings, "strengths"),
        "raters.csv": findings.raters,
    }
    tables = {name: table for name, table in tables.items() if table is not None}
    names = [*tables, "report.html"]
    for name in names:
        if (out / name).resolve() == ratings.resolve():
            raise BadOutput(f"{ratings} has the name of a result; choose another folder with --out")
    for name, table in tables.items():
        write_table(out / name, table)
    write_whole(out / "report.html", page(findings).encode(errors="replace"))
    return [out / name for name in names]


def ratings_of(source):
    """The path of the ratings: a file itself, or ratings.csv in a folder. Raises BadRatings."""
    path = Path(source)
    if path.is_dir():
        path = path / "ratings.csv"
    if not path.is_file():
        raise BadRatings(f"{path} is not there; expected a folder with ratings.csv, or a CSV file")
    return path
