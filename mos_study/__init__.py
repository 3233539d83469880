"""The blind study: plan, session, store, screening, statistics, report; it knows no web framework and runs no model.

    from mos_study import mos_table
    mos_table("ratings.csv", method="p910")   # a DataFrame: stimulus, n, mos, se, ci95_low, ci95_high

Names are loaded on first use, so that importing the package costs nothing and `--help` needs no library.
"""

from importlib import import_module

_HOME = {
    "read_ratings": "mos_study.ratings",
    "long_scores": "mos_study.ratings",
    "comparisons": "mos_study.ratings",
    "mos_table": "mos_study.tables",
    "rater_table": "mos_study.tables",
    "dmos_table": "mos_study.tables",
    "scores_table": "mos_study.tables",
    "preference_table": "mos_study.tables",
    "rater_measures": "mos_study.screen",
    "exclusions": "mos_study.screen",
    "write_report": "mos_study.report",
    "StudyError": "mos_study.errors",
}
__all__ = list(_HOME)


def __getattr__(name):
    if name not in _HOME:
        raise AttributeError(f"module 'mos_study' has no attribute {name!r}")
    return getattr(import_module(_HOME[name]), name)
