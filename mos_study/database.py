"""Connections to a study's database: an SQLite file, or PostgreSQL by its address."""

import contextlib
import threading
from pathlib import Path

from sqlalchemy import create_engine, event, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, DBAPIError

from mos_study.errors import BadStudy

_KINDS = {"sqlite": "sqlite", "postgresql": "postgresql+psycopg", "postgres": "postgresql+psycopg"}
_LOCK_NUMBER = 0x57686574  # of the lock that serialises joining, any constant


class Database:
    """read() and write() give connections in a transaction; writers to SQLite wait in line. Raises BadStudy."""

    def __init__(self, address, option="--database", existing=False):
        """address: sqlite:///path/to/file, or postgresql://user:password@host/name; text, or SQLAlchemy's URL.

        option: where the address was given. existing: an SQLite file that is not there is not made.
        """
        try:
            url = make_url(address)
        except ArgumentError:
            raise BadStudy(_advice(option, address)) from None
        kind = url.drivername.partition("+")[0]
        if kind not in _KINDS:
            raise BadStudy(_advice(option, address))
        if existing and kind == "sqlite" and not Path(url.database or "").is_file():
            raise BadStudy(f"there is no file {url.database!r}; check {option}")
        self.is_sqlite = kind == "sqlite"
        self.name = url.render_as_string(hide_password=True)
        if self.is_sqlite:
            self._engine = create_engine(url, connect_args={"timeout": 30})
            event.listen(self._engine, "connect", _set_up_sqlite)
            event.listen(self._engine, "begin", _begin_sqlite)
        else:
            self._engine = create_engine(url.set(drivername=_KINDS[kind]), pool_size=20, pool_pre_ping=True)
        self._lock = threading.Lock() if self.is_sqlite else contextlib.nullcontext()
        try:
            with self.read() as connection:
                connection.execute(text("SELECT 1"))
        except DBAPIError as error:
            self.close()
            reason = str(error.orig).strip().split("\n")[0]
            raise BadStudy(f"the database {self.name} cannot be opened ({reason}); check {option}") from None

    @contextlib.contextmanager
    def read(self):
        with self._engine.connect() as connection, connection.begin():
            yield connection

    @contextlib.contextmanager
    def write(self, alone=False):
        """alone: no other write(alone=True) runs meanwhile, in whichever process."""
        with self._lock, self._engine.connect() as connection:
            connection = connection.execution_options(writes=True)
            with connection.begin():
                if alone and not self.is_sqlite:
                    connection.execute(text(f"SELECT pg_advisory_xact_lock({_LOCK_NUMBER})"))
                yield connection

    def close(self):
        self._engine.dispose()


def _set_up_sqlite(connection, _record):
    connection.isolation_level = None  # transactions begin where we say so, in _begin_sqlite
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
        connection.execute(f"PRAGMA {pragma}")


def _begin_sqlite(connection):
    # a transaction that reads first and writes later could be refused, so writers say so at once
    connection.exec_driver_sql("BEGIN IMMEDIATE" if connection.get_execution_options().get("writes") else "BEGIN")


def _advice(option, address):
    return f"{option} {address.partition('://')[0]!r} is neither sqlite:///FILE nor postgresql://USER:PASS@HOST/NAME"
