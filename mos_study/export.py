"""ratings.csv and sessions.csv: the facts of a study as tables for any program."""

import csv
import io
import json

from mos_study.output import harmless

RATING_COLUMNS = (
    "study", "session", "rater", "trial", "kind", "method", "content", "category", "stimulus", "condition", "other",
    "other_condition", "score", "other_score", "expected", "shown_at", "answered_at", "response_ms", "comment",
)  # fmt: skip
SESSION_COLUMNS = (
    "study", "session", "rater", "consented_at", "checked_at", "last_answer_at", "answered", "trials",
    "screen_width", "screen_height", "pixel_density", "plates_right", "plates", "bars_seen",
)  # fmt: skip


def ratings_csv(store):
    """One row an answer, as text."""
    plan = store.plan
    rows = []
    for row in store.ratings():
        trial = plan.sessions[row["position"]].trials[row["trial"]]
        names = ("kind", "content", "category", "stimulus", "condition", "other", "other_condition", "expected")
        planned = {name: getattr(trial, name) for name in names}
        rows.append({**planned, **row, "study": store.study, "method": plan.settings.method})
    return _csv(RATING_COLUMNS, rows)


def sessions_csv(store):
    """One row a volunteer, with what the screen check found, as text."""
    rows = []
    for row in store.sessions():
        planned = store.plan.sessions[row["position"]]
        screen = json.loads(row["screen"]) if row["screen"] else {}
        given = screen.get("plates", [])
        rows.append(
            {
                **row,
                "study": store.study,
                "trials": len(planned.trials),
                "screen_width": screen.get("width"),
                "screen_height": screen.get("height"),
                "pixel_density": screen.get("density"),
                "plates_right": plates_right(planned, given) if screen else None,
                "plates": len(planned.plates),
                "bars_seen": screen.get("bars"),
            }
        )
    return _csv(SESSION_COLUMNS, rows)


def plates_right(planned, given):
    """How many colour plates were read right. given: what was typed for each."""
    return sum(str(plate) == typed.strip() for plate, typed in zip(planned.plates, given))


def _csv(columns, rows):
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(columns)
    for row in rows:
        cells = ("" if row.get(name) is None else row[name] for name in columns)
        writer.writerow([harmless(cell) if isinstance(cell, str) else cell for cell in cells])
    return out.getvalue()
