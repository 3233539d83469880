"""What `study report` left in a study's folder, and how far the study is; columns are read as far as they are there."""

from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd

from webui.dashboard.file_cache import FileCache
from webui.dashboard.folders import walk

_TABLES = {  # file: (name, columns without which it is another's)
    "mos.csv": ("mos", {"mos"}),
    "pairs.csv": ("pairs", {"n"}),
    "raters.csv": ("raters", {"rater"}),
    "ratings.csv": ("ratings", {"rater"}),
}
_OWN_PAIRS = {"preferred", "other"}  # votes for `study analyse` by a person's own hand, which are no results


@dataclass(frozen=True)
class Study:
    """tables: mos, pairs, raters, ratings -> DataFrame, those that are there."""

    name: str
    folder: Path
    tables: dict[str, pd.DataFrame] = field(default_factory=dict)

    def table(self, name):
        return self.tables.get(name)


def find_studies(folder):
    """([Study, ...] by name, [what could not be read, one line each])."""
    studies, problems = [], []
    for place, names in walk(folder, problems):
        tables = {}
        for file in sorted(_TABLES.keys() & set(names)):
            name, needed = _TABLES[file]
            try:
                table = _table(place / file)
            except (OSError, ValueError) as error:
                problems.append(f"{place / file} cannot be read ({error})")
                continue
            if needed <= set(table.columns):
                tables[name] = table
            elif not _OWN_PAIRS.issubset(table.columns):
                problems.append(f"{place / file} has no column {', '.join(needed)}: no table of `study report`")
        if tables:
            name = place.relative_to(folder).as_posix()
            studies.append(Study(name if name != "." else place.resolve().name, place, tables))
    return sorted(studies, key=lambda study: study.name), problems


def subject(table):
    """The column that says what was rated: condition, else stimulus, else item."""
    return next((name for name in ("condition", "stimulus", "item") if name in table), table.columns[0])


def views(table):
    """Name -> rows: with all raters, after exclusions, ...; one unnamed view where the table does not tell."""
    if "counted" not in table:
        return {"": table}
    return {str(name): part for name, part in table.groupby("counted", sort=False)}


def progress(ratings):
    """{what: number} of a running study, from its answers so far."""
    found = {"volunteers": ratings["rater"].nunique(), "answers": len(ratings)}
    if "session" in ratings:
        found["sessions"] = ratings["session"].nunique()
    if "kind" in ratings:
        found["of them in trials that count"] = int((ratings["kind"] == "test").sum())
    return found


def last_answer(ratings):
    """When the last answer came, as text; "" where the table does not tell."""
    if "answered_at" not in ratings or not len(ratings):
        return ""
    return str(ratings["answered_at"].astype(str).max())[:16].replace("T", " ")


def _read(path):
    table = pd.read_csv(path)
    table.columns = [str(name).strip().lower() for name in table.columns]
    return table


_table = FileCache(_read)
