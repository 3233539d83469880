"""Tables of the report as HTML: heads in words, numbers with the digits that mean something, text escaped."""

from html import escape

import numpy as np
import pandas as pd

_HEADS = {
    "condition": "condition", "category": "category", "mos": "MOS", "ci95": "95 % interval", "raters": "raters",
    "votes": "votes", "sos": "SD of raters", "more_raters": "more raters for ±{aim:.2g}", "dmos": "DMOS",
    "dmos_ci95": "its 95 % interval", "item": "item", "other": "compared with", "n": "n", "preferred": "preferred",
    "ties": "ties", "share": "share, %", "share_ci95": "95 % interval, %", "difference": "difference of scores",
    "difference_ci95": "its 95 % interval", "score": "score", "se": "SE", "rater": "rater", "answers": "answers",
    "bias": "bias", "inconsistency": "inconsistency", "variance": "variance", "correlation": "correlation",
    "excluded": "excluded by", "why": "because",
}  # fmt: skip
_TEXT = {"condition", "category", "item", "other", "rater", "excluded", "why"}
_WIDE = {"excluded", "why"}  # may break into lines
_DIGITS = {"raters": 0, "votes": 0, "answers": 0, "more_raters": 0, "n": 0, "preferred": 1, "ties": 1, "share": 1}


def html_table(table, columns, aim=None):
    """The columns of a DataFrame that are there and not all NaN. aim: half width that more_raters are for."""
    columns = [name for name in columns if name in table and not table[name].isna().all()]
    heads = "".join(f"<th{_class(name)}>{_HEADS[name].format(aim=aim)}</th>" for name in columns)
    rows = "".join(
        "<tr>" + "".join(f"<td{_class(name)}>{_shown(name, cell)}</td>" for name, cell in zip(columns, row)) + "</tr>"
        for row in table[columns].itertuples(index=False, name=None)
    )
    return f'<div class="table"><table><thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table></div>'


def with_ends(table):
    """The two ends of each interval of a MOS in one column, ci95, and of a DMOS in dmos_ci95."""
    table = table.assign(ci95=_ends(table.ci95_low, table.ci95_high))
    return table.assign(dmos_ci95=_ends(table.dmos_ci95_low, table.dmos_ci95_high)) if "dmos" in table else table


def in_percent(table):
    """A preference table with its share in percent and its intervals in one column each."""
    return table.assign(
        share=100 * table.share,
        share_ci95=_ends(100 * table.ci95_low, 100 * table.ci95_high, 0),
        difference_ci95=_ends(table.difference_ci95_low, table.difference_ci95_high),
    )


def _ends(low, high, digits=2):
    return [f"{a:.{digits}f} to {b:.{digits}f}" if np.isfinite(a) else np.nan for a, b in zip(low, high)]


def _class(name):
    return f' class="text{" wide" if name in _WIDE else ""}"' if name in _TEXT else ""


def _shown(name, cell):
    if name in _TEXT or isinstance(cell, str):
        return escape(str(cell))
    return "" if pd.isna(cell) else f"{cell:.{_DIGITS.get(name, 2)}f}"
