"""The store: facts written once, whatever comes twice or at once; the same on SQLite and on PostgreSQL."""

import contextlib
import csv
import io
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta, timezone

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from mos_study.database import Database
from mos_study.errors import BadStudy
from mos_study.export import RATING_COLUMNS, harmless, ratings_csv, sessions_csv
from mos_study.session import Progress, Refused
from mos_study.store import BEGUN, UNBEGUN, WITHDRAWN, Door, Store
from mos_study.watch import Watch
from tests.mos_study import postgres
from tests.mos_study.studies import plan_of

PLAN = plan_of("ab", raters=6)
DOOR = Door(most=6)
NOON = datetime(2026, 5, 1, 12, 0, tzinfo=timezone.utc)
SCREEN = {"width": 1280, "height": 640, "density": 1, "needed": 1232, "bars": 8, "plates": ["27", "??"]}


@pytest.fixture(scope="module")
def server():
    if reason := postgres.obstacle():
        pytest.skip(reason)
    with postgres.postgres() as address:
        yield address


@pytest.fixture(params=["sqlite", "postgresql"])
def address(request, tmp_path):
    """Of an empty database."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/answers.sqlite"
    address = request.getfixturevalue("server")
    database = Database(address)
    with database.write() as connection:
        connection.execute(text("DROP SCHEMA public CASCADE"))
        connection.execute(text("CREATE SCHEMA public"))
    database.close()
    return address


@contextlib.contextmanager
def opened(address, plan=PLAN, sha256="a" * 64, clock=lambda: NOON):
    store = Store(address, plan, sha256, clock)
    try:
        yield store
    finally:
        store.close()


def begin(store, token=None):
    """The token of a session whose screen was checked."""
    token = store.join(token or store.token, DOOR)
    store.check(token, SCREEN)
    return token


def rate(store, token, trial, score=4, other_score=2, **more):
    content = {"trial": trial, "score": score, "other_score": other_score, "response_ms": 1500, **more}
    return store.answer(token, content, lambda _visitor, _trial: True)


def test_what_is_acknowledged_is_there_for_the_next_process(address):
    with opened(address) as store:
        token = begin(store)
        assert rate(store, token, 0).progress == Progress(True, True, 1)
        kept = (store.token, store.key)
    with opened(address) as store:
        assert store.find(token).progress == Progress(True, True, 1)
        assert (store.token, store.key) == kept


def test_a_second_answer_changes_nothing(address):
    with opened(address) as store:
        token = begin(store)
        rate(store, token, 0, score=5)
        assert rate(store, token, 0, score=1).progress.answered == 1
        assert [row["score"] for row in store.ratings()] == [5]


def test_twenty_clicks_at_once_are_one_answer(address):
    with opened(address) as store, ThreadPoolExecutor(20) as pool:
        token = begin(store)
        list(pool.map(lambda score: rate(store, token, 0, score), [1, 2, 3, 4, 5] * 4))
        assert len(store.ratings()) == 1


def test_volunteers_who_come_at_once_get_sessions_of_their_own_up_to_the_limit(address):
    def come(_number):
        try:
            return store.join(store.token, Door(most=4))
        except Refused as refused:
            return refused.code

    with opened(address) as store, ThreadPoolExecutor(10) as pool:
        came = list(pool.map(come, range(10)))
        assert came.count("full") == 6 and len(set(came)) == 5
        assert [row["position"] for row in store.sessions()] == [0, 1, 2, 3]


def test_the_database_itself_refuses_to_change_an_answer(address):
    with opened(address) as store:
        rate(store, begin(store), 0)
        with pytest.raises(DBAPIError, match="never changed"), store._database.write() as connection:
            connection.execute(text("UPDATE ratings SET score = 1"))


def test_who_withdraws_leaves_no_row_and_the_session_is_free_again(address):
    with opened(address) as store:
        stays, goes = begin(store), begin(store)
        rate(store, stays, 0)
        rate(store, goes, 0)
        store.withdraw(goes)
        assert [row["position"] for row in store.ratings()] == [0]
        assert len(store.sessions()) == 1 and store.withdrawn() == 1
        assert store.find(goes) is None
        with pytest.raises(Refused, match="unknown_link"):
            rate(store, goes, 1)
        begin(store)
        assert [row["position"] for row in store.sessions()] == [0, 1]


def test_an_invite_begins_one_session_and_none_after_withdrawing(address):
    with opened(address) as store:
        (_, one), (_, two) = store.add_invites(2)
        assert store.add_invites(1) == store.add_invites(2) == [(1, one), (2, two)]
        assert store.find(one).state == UNBEGUN
        assert begin(store, one) == one == store.join(one, DOOR)
        assert store.find(one).state == BEGUN and len(store.sessions()) == 1
        store.withdraw(one)
        assert store.find(one).state == WITHDRAWN
        with pytest.raises(Refused, match="withdrawn"):
            store.join(one, DOOR)


def test_after_the_end_nobody_begins_and_who_began_may_finish(tmp_path):
    now = NOON
    with opened(f"sqlite:///{tmp_path}/a.sqlite", clock=lambda: now) as store:
        door = Door(6, ends_at=NOON)
        token = store.join(store.token, door)
        now = NOON + timedelta(seconds=1)
        with pytest.raises(Refused, match="ended"):
            store.join(store.token, door)
        store.check(token, SCREEN)
        assert rate(store, token, 0).progress.answered == 1


@pytest.mark.parametrize("token", ["", "x", "a" * 500, "' OR 1=1 --", "ä"])
def test_an_unknown_token_finds_nobody(tmp_path, token):
    with opened(f"sqlite:///{tmp_path}/a.sqlite") as store:
        begin(store)
        assert store.find(token) is None


def test_answers_to_another_plan_are_refused(tmp_path):
    address = f"sqlite:///{tmp_path}/a.sqlite"
    with opened(address):
        pass
    with pytest.raises(BadStudy, match="another plan"), opened(address, sha256="b" * 64):
        pass


@pytest.mark.parametrize("address", ["mysql://x/y", "nonsense", "sqlite:////nowhere/at/all.sqlite"])
def test_a_database_that_cannot_be_is_one_line(address):
    with pytest.raises(BadStudy, match="--database"), opened(address):
        pass


def test_ratings_csv_holds_the_facts_of_the_contract(address):
    with opened(address) as store:
        token = begin(store)
        for trial in range(len(PLAN.sessions[0].trials)):
            rate(store, token, trial, age_ms=2000)
        rows = list(csv.DictReader(io.StringIO(ratings_csv(store))))
    assert tuple(rows[0]) == RATING_COLUMNS
    for number, (row, trial) in enumerate(zip(rows, PLAN.sessions[0].trials)):
        assert row["trial"] == str(number) and row["method"] == "ab"
        assert row["answered_at"] == "2026-05-01T11:59:58.000Z" and row["shown_at"] == "2026-05-01T11:59:56.500Z"
        assert (row["score"], row["other_score"]) == ("4", "2")
        assert row["expected"] == ("" if trial.expected is None else str(trial.expected))
        for name in ("kind", "content", "category", "stimulus", "condition", "other", "other_condition"):
            assert row[name] == getattr(trial, name)
    assert len(rows) == len(PLAN.sessions[0].trials) and len({(row["session"], row["rater"]) for row in rows}) == 1


@pytest.mark.parametrize(
    "words",
    ["=cmd|' /C calc'!A0", "+1", "-1+1", "@SUM(A1)", " =1", '=HYPERLINK("http://x","y")', "'); DROP TABLE ratings; --"],
)
def test_words_in_a_comment_are_words_and_nothing_else(tmp_path, words):
    with opened(f"sqlite:///{tmp_path}/a.sqlite") as store:
        rate(store, begin(store), 0, comment=words)
        assert store.ratings()[0]["comment"] == words.strip()
        (row,) = csv.DictReader(io.StringIO(ratings_csv(store)))
    assert row["comment"] == harmless(words.strip()) and row["comment"][0] not in "=+-@"


def test_sessions_csv_tells_the_screen_and_how_far_each_came(tmp_path):
    with opened(f"sqlite:///{tmp_path}/a.sqlite") as store:
        token = begin(store)
        rate(store, token, 0)
        (row,) = csv.DictReader(io.StringIO(sessions_csv(store)))
    assert (row["answered"], row["trials"]) == ("1", str(len(PLAN.sessions[0].trials)))
    assert (row["screen_width"], row["bars_seen"], row["plates"]) == ("1280", "8", "3")


def test_own_answers_are_told_after_the_end_only(tmp_path):
    with opened(f"sqlite:///{tmp_path}/a.sqlite") as store:
        token = begin(store)
        for trial in range(len(PLAN.sessions[0].trials)):
            with pytest.raises(Refused, match="not_yet"):
                store.answers_of(token)
            rate(store, token, trial)
        assert len(store.answers_of(token)) == len(PLAN.sessions[0].trials)


def test_who_watches_sees_counts_of_the_moment_and_no_answer(address):
    with opened(address) as store:
        first, second = begin(store), begin(store)
        rate(store, first, 0, comment="=secret()")
        watch = Watch(address)
        try:
            before = watch.progress()
            rate(store, first, 1)
            rate(store, second, 0)
            after = watch.progress()
            store.withdraw(second)
            last = watch.progress()
        finally:
            watch.close()
    assert (before.study, before.begun, before.answers, before.withdrawn) == ("a" * 12, 2, 1, 0)
    assert [one["answered"] for one in after.volunteers] == [2, 1] and after.answers == 3
    assert (last.begun, last.answers, last.withdrawn) == (1, 2, 1)
    assert before.last_answer_at.startswith("2026-05-01T12:00") and "secret" not in repr(after)


def test_what_is_no_study_is_not_watched_and_not_changed(tmp_path, address):
    database = Database(address)
    with database.write() as connection:
        connection.execute(text("CREATE TABLE mine (a TEXT)"))
    database.close()
    with pytest.raises(BadStudy, match="cannot be read as a study"):
        Watch(address)
    with pytest.raises(BadStudy, match="there is no file .*; check --studies"):
        Watch(f"sqlite:///{tmp_path}/other.sqlite")
    assert not (tmp_path / "other.sqlite").exists()
