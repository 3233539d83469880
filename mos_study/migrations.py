"""The tables of a study's database, as named steps that each database takes once, in this order."""

from sqlalchemy import text

_TABLES = (
    "CREATE TABLE study (name TEXT PRIMARY KEY, value TEXT NOT NULL)",
    """CREATE TABLE sessions (
        session TEXT PRIMARY KEY,
        rater TEXT NOT NULL UNIQUE,
        position INTEGER NOT NULL UNIQUE,
        token_hash TEXT NOT NULL UNIQUE,
        consented_at TEXT NOT NULL,
        checked_at TEXT,
        screen TEXT NOT NULL DEFAULT ''
    )""",
    """CREATE TABLE ratings (
        session TEXT NOT NULL REFERENCES sessions (session) ON DELETE CASCADE,
        trial INTEGER NOT NULL,
        score INTEGER NOT NULL,
        other_score INTEGER,
        shown_at TEXT NOT NULL,
        answered_at TEXT NOT NULL,
        response_ms INTEGER NOT NULL,
        comment TEXT NOT NULL,
        PRIMARY KEY (session, trial)
    )""",
    "CREATE TABLE invites (token TEXT PRIMARY KEY, number INTEGER NOT NULL UNIQUE, withdrawn INTEGER NOT NULL)",
    "CREATE TABLE withdrawals (at TEXT NOT NULL)",
)
_APPEND_ONLY = {
    "sqlite": (
        """CREATE TRIGGER ratings_stay BEFORE UPDATE ON ratings
        BEGIN SELECT RAISE(ABORT, 'an answer is never changed'); END""",
    ),
    "postgresql": (
        """CREATE FUNCTION ratings_stay() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN RAISE EXCEPTION 'an answer is never changed'; END $$""",
        "CREATE TRIGGER ratings_stay BEFORE UPDATE ON ratings FOR EACH ROW EXECUTE FUNCTION ratings_stay()",
    ),
}
MIGRATIONS = (
    ("0001 tables", {"sqlite": _TABLES, "postgresql": _TABLES}),
    ("0002 answers are append-only", _APPEND_ONLY),
)


def migrate(connection):
    """Take the steps that this database has not taken. connection: in a transaction that nobody else writes beside."""
    connection.execute(text("CREATE TABLE IF NOT EXISTS migrations (name TEXT PRIMARY KEY)"))
    taken = set(connection.execute(text("SELECT name FROM migrations")).scalars())
    for name, statements in MIGRATIONS:
        if name in taken:
            continue
        for statement in statements[connection.dialect.name]:
            connection.exec_driver_sql(statement)
        connection.execute(text("INSERT INTO migrations (name) VALUES (:name)"), {"name": name})
