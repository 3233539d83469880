"""The settings of several runs side by side, with what differs first and coloured."""

import json

import pandas as pd

_MARK = "background-color: rgba(220, 124, 1, 0.25); font-weight: 600"  # readable on the light and the dark page


def settings_table(runs):
    """A pandas Styler: a row a setting, a column a run (FoundRun); differing rows first."""
    table = pd.DataFrame({run.name: {key: _text(value) for key, value in run.settings.items()} for run in runs})
    table = table.fillna("-")
    differs = table.nunique(axis=1) > 1
    table = pd.concat([table[differs], table[~differs]])
    marked = set(table.index[: int(differs.sum())])
    return table.style.apply(lambda row: [_MARK if row.name in marked else ""] * len(row), axis=1)


def _text(value):
    return value if isinstance(value, str) else json.dumps(value)
