"""A short version of tests/measure/study_load.py: many at once lose and double nothing, on either database."""

import pytest

from tests.measure.study_load import measure
from tests.mos_study import postgres


@pytest.mark.parametrize("database", ["SQLite", "PostgreSQL"])
def test_thirty_volunteers_at_once_lose_and_double_nothing(database):
    if database == "SQLite":
        result = measure(30, 0.5, 5, size=(120, 160))
    elif reason := postgres.obstacle():
        pytest.skip(reason)
    else:
        with postgres.postgres() as address:
            result = measure(30, 0.5, 5, address, size=(120, 160))
    assert (result["lost"], result["doubled_or_changed"], result["errors"]) == (0, 0, 0), result
    assert result["kept"] == result["answers"] > 100
    assert result["answer_ms"]["p95"] < 1000  # milliseconds; 200 is the aim, on a machine that does nothing else
