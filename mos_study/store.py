"""A study's answers: written once, never changed; the rows of who withdraws are the only ones that go.

What is stored are facts of one volunteer each; what was shown is in the plan, and both together are ratings.csv
(mos_study.export). Tokens are the volunteers' keys: the one all share begins a session, an invite begins its own.
"""

import hashlib
import json
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone

from sqlalchemy import text

from mos_study.database import Database
from mos_study.errors import BadStudy
from mos_study.migrations import migrate
from mos_study.session import Progress, Refused, checked_answer, step

UNBEGUN, BEGUN, WITHDRAWN = "unbegun", "begun", "withdrawn"


@dataclass(frozen=True)
class Visitor:
    """Who comes with a token. state: UNBEGUN, BEGUN or WITHDRAWN; session and position are those of one who began."""

    state: str
    session: str = ""
    position: int = 0
    progress: Progress = Progress()


@dataclass(frozen=True)
class Door:
    """Who may begin. ends_at: a moment after which nobody does; those who began may finish. shared: by the one link."""

    most: int
    ends_at: datetime | None = None
    shared: bool = True


def utc_now():
    """The time now, with its zone: a store's clock, for which tests have another."""
    return datetime.now(timezone.utc)


class Store:
    """The answers to a plan in a database. Use from any thread, also of several processes at once."""

    def __init__(self, address, plan, plan_sha256, clock: Callable[[], datetime] = utc_now):
        """address: see mos_study.database. Raises BadStudy: no such database, or it holds answers to another plan."""
        self.plan, self._clock = plan, clock
        self._database = Database(address)
        self.address = self._database.name
        self.one_writer = self._database.is_sqlite
        try:
            with self._database.write(alone=True) as connection:
                migrate(connection)
                for name, value in (
                    ("plan", plan_sha256),
                    ("token", secrets.token_urlsafe(16)),
                    ("key", secrets.token_hex(32)),
                ):
                    connection.execute(
                        text("INSERT INTO study VALUES (:name, :value) ON CONFLICT DO NOTHING"),
                        {"name": name, "value": value},
                    )
                kept = dict(connection.execute(text("SELECT name, value FROM study")).all())
            if kept["plan"] != plan_sha256:
                raise BadStudy(f"{self.address} holds the answers to another plan; name another --database")
        except BaseException:
            self.close()
            raise
        self.study = plan_sha256[:12]
        self.token = kept["token"]  # of the link that all volunteers share
        self.key = bytes.fromhex(kept["key"])  # makes names that mean nothing outside

    def close(self):
        self._database.close()

    def add_invites(self, number):
        """Have `number` personal links at least; returns (number, token) of all, in order."""
        with self._database.write(alone=True) as connection:
            count = connection.execute(text("SELECT count(*) FROM invites")).scalar_one()
            for position in range(count, number):
                connection.execute(
                    text("INSERT INTO invites VALUES (:token, :number, 0)"),
                    {"token": secrets.token_urlsafe(16), "number": position + 1},
                )
            return [tuple(row) for row in connection.execute(text("SELECT number, token FROM invites ORDER BY number"))]

    def find(self, token):
        """The Visitor with this token, None when there is none."""
        with self._database.read() as connection:
            return self._find(connection, token)

    def join(self, token, door):
        """Begin a session and return its token; with one that has begun, that one. Raises Refused."""
        with self._database.write(alone=True) as connection:
            visitor = self._find(connection, token)
            if visitor is None or (token == self.token and not door.shared):
                raise Refused("unknown_link")
            if visitor.state == WITHDRAWN:
                raise Refused("withdrawn")
            if visitor.state == BEGUN:
                return token
            if door.ends_at is not None and self._clock() > door.ends_at:
                raise Refused("ended")
            taken = set(connection.execute(text("SELECT position FROM sessions")).scalars())
            free = [place for place in range(min(door.most, len(self.plan.sessions))) if place not in taken]
            if not free or len(taken) >= door.most:
                raise Refused("full")
            if token == self.token:
                token = secrets.token_urlsafe(16)
            connection.execute(
                text(
                    "INSERT INTO sessions (session, rater, position, token_hash, consented_at) "
                    "VALUES (:session, :rater, :position, :token_hash, :now)"
                ),
                {
                    "session": secrets.token_hex(6),
                    "rater": secrets.token_hex(6),
                    "position": free[0],
                    "token_hash": _hash(token),
                    "now": _stamp(self._clock()),
                },
            )
            return token

    def check(self, token, screen):
        """Record the screen check of a session, once. screen: a dict of mos_study.session.checked_screen."""
        with self._database.write() as connection:
            connection.execute(
                text(
                    "UPDATE sessions SET checked_at = :now, screen = :screen "
                    "WHERE token_hash = :hash AND checked_at IS NULL"
                ),
                {"now": _stamp(self._clock()), "screen": json.dumps(screen), "hash": _hash(token)},
            )

    def answer(self, token, content, was_shown):
        """Record an answer from outside, or nothing when that trial has one; returns the Visitor after it.

        content: of mos_study.session.checked_answer. was_shown(visitor, trial): whether its pictures were sent.
        Raises Refused.
        """
        (result,) = self.answer_all([(token, content)], was_shown)
        if isinstance(result, Refused):
            raise result
        return result

    def answer_all(self, given, was_shown):
        """answer() for many, written to the disk at once. given: (token, content) each.

        Returns a Visitor or a Refused for each; when anything else is raised, none is written.
        """
        results = []
        with self._database.write() as connection:
            for token, content in given:
                try:
                    results.append(self._answer(connection, token, content, was_shown))
                except Refused as refused:  # before anything was written
                    results.append(refused)
        return results

    def _answer(self, connection, token, content, was_shown):
        visitor = self._begun(connection, token)
        planned, method = self.plan.sessions[visitor.position], self.plan.settings.method
        answer = checked_answer(planned, method, visitor.progress, content, lambda trial: was_shown(visitor, trial))
        if answer is None:
            return visitor
        answered_at = self._clock() - timedelta(milliseconds=answer.age_ms)
        connection.execute(
            text(
                "INSERT INTO ratings VALUES (:session, :trial, :score, :other_score, :shown_at, :answered_at, "
                ":response_ms, :comment) ON CONFLICT DO NOTHING"
            ),
            {
                "session": visitor.session,
                "trial": answer.trial,
                "score": answer.score,
                "other_score": answer.other_score,
                "shown_at": _stamp(answered_at - timedelta(milliseconds=answer.response_ms)),
                "answered_at": _stamp(answered_at),
                "response_ms": answer.response_ms,
                "comment": answer.comment,
            },
        )
        return Visitor(BEGUN, visitor.session, visitor.position, Progress(True, True, answer.trial + 1))

    def withdraw(self, token):
        """Delete everything of one volunteer; the planned session is free for another. Raises Refused."""
        with self._database.write(alone=True) as connection:
            visitor = self._begun(connection, token)
            connection.execute(text("DELETE FROM sessions WHERE session = :session"), {"session": visitor.session})
            connection.execute(text("UPDATE invites SET withdrawn = 1 WHERE token = :token"), {"token": token})
            connection.execute(text("INSERT INTO withdrawals VALUES (:now)"), {"now": _stamp(self._clock())})

    def answers_of(self, token):
        """{trial: (score, other_score)} of a session that is done. Raises Refused."""
        with self._database.read() as connection:
            visitor = self._begun(connection, token)
            if step(self.plan.sessions[visitor.position], visitor.progress) != "done":
                raise Refused("not_yet")
            rows = connection.execute(
                text("SELECT trial, score, other_score FROM ratings WHERE session = :session"),
                {"session": visitor.session},
            )
            return {trial: (score, other_score) for trial, score, other_score in rows}

    def sessions(self):
        """Everything of each session but its key, in the order of the plan: dicts."""
        with self._database.read() as connection:
            rows = connection.execute(
                text(
                    "SELECT s.session, s.rater, s.position, s.consented_at, s.checked_at, s.screen, "
                    "count(r.trial) AS answered, max(r.answered_at) AS last_answer_at "
                    "FROM sessions s LEFT JOIN ratings r ON r.session = s.session "
                    "GROUP BY s.session ORDER BY s.position"
                )
            ).mappings()
            return [dict(row) for row in rows]

    def ratings(self):
        """Every answer with its session's `rater` and `position`, by position and trial: dicts."""
        with self._database.read() as connection:
            rows = connection.execute(
                text(
                    "SELECT s.rater, s.position, r.* FROM ratings r JOIN sessions s ON s.session = r.session "
                    "ORDER BY s.position, r.trial"
                )
            ).mappings()
            return [dict(row) for row in rows]

    def withdrawn(self):
        """How many volunteers withdrew."""
        with self._database.read() as connection:
            return connection.execute(text("SELECT count(*) FROM withdrawals")).scalar_one()

    def _find(self, connection, token):
        row = connection.execute(
            text(
                "SELECT s.session, s.position, s.checked_at, "
                "(SELECT count(*) FROM ratings r WHERE r.session = s.session) "
                "FROM sessions s WHERE s.token_hash = :hash"
            ),
            {"hash": _hash(token)},
        ).first()
        if row is not None:
            session, position, checked_at, answered = row
            return Visitor(BEGUN, session, position, Progress(True, checked_at is not None, answered))
        if secrets.compare_digest(token.encode(), self.token.encode()):
            return Visitor(UNBEGUN)
        withdrawn = connection.execute(
            text("SELECT withdrawn FROM invites WHERE token = :token"), {"token": token}
        ).scalar()
        return None if withdrawn is None else Visitor(WITHDRAWN if withdrawn else UNBEGUN)

    def _begun(self, connection, token):
        visitor = self._find(connection, token)
        if visitor is None or visitor.state != BEGUN:
            raise Refused("unknown_link")
        return visitor


def _hash(token):
    """What is kept of a token: who reads the database cannot answer in a volunteer's name."""
    return hashlib.sha256(token.encode()).hexdigest()


def _stamp(moment):
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
