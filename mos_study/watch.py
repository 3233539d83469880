"""A look into a study's database while it runs: how far it is, nothing of what was answered. It changes nothing."""

from dataclasses import dataclass

from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from mos_study.database import Database
from mos_study.errors import BadStudy


@dataclass(frozen=True)
class Progress:
    """Counts of a running study. last_answer_at: ISO 8601 in UTC, "" before the first; volunteers: a dict each."""

    study: str  # the first 12 letters of its plan's SHA-256
    begun: int
    withdrawn: int
    answers: int
    last_answer_at: str
    volunteers: tuple[dict, ...]  # rater, consented_at, answered, last_answer_at


class Watch:
    """A database that is looked into now and then, from any thread. address: as of mos_study.database.

    Raises BadStudy: it cannot be opened, or holds no study.
    """

    def __init__(self, address):
        self._database = Database(address, option="--studies", existing=True)
        self.name = self._database.name  # without the password
        try:
            self.progress()
        except BaseException:
            self.close()
            raise

    def progress(self):
        """The Progress now. Raises BadStudy."""
        try:
            with self._database.read() as connection:
                plan = connection.execute(text("SELECT value FROM study WHERE name = 'plan'")).scalar_one()
                withdrawn = connection.execute(text("SELECT count(*) FROM withdrawals")).scalar_one()
                rows = connection.execute(
                    text(
                        "SELECT s.rater, s.consented_at, count(r.trial) AS answered, "
                        "max(r.answered_at) AS last_answer_at FROM sessions s "
                        "LEFT JOIN ratings r ON r.session = s.session "
                        "GROUP BY s.rater, s.consented_at, s.position ORDER BY s.position"
                    )
                ).mappings()
                volunteers = tuple({**row, "last_answer_at": row["last_answer_at"] or ""} for row in rows)
        except DBAPIError as error:
            reason = str(error.orig).strip().split("\n")[0]
            raise BadStudy(
                f"{self.name} cannot be read as a study ({reason}); is it the one of `study serve`?"
            ) from None
        return Progress(
            plan[:12],
            len(volunteers),
            withdrawn,
            sum(one["answered"] for one in volunteers),
            max((one["last_answer_at"] for one in volunteers), default=""),
            volunteers,
        )

    def close(self):
        """Let the database go."""
        self._database.close()
