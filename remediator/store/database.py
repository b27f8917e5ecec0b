"""Opening the database: its address, its transactions, its migrations, and its errors in our words."""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError, SQLAlchemyError

from remediator.errors import ConfigError, StoreError
from remediator.store.schema import HEAD

BUSY_TIMEOUT_S = 30
"""How long a writer waits for another one before it gives up."""

IDLE_TIMEOUT_S = 20
"""How long a transaction may stand still on PostgreSQL before the server ends it.

Less than others wait: whoever waits for a process that was frozen in mid transaction gets through. The frozen
one has written nothing of it, and is told so when it goes on."""

LOG_LIMIT_BYTES = 64 * 1024 * 1024
"""Size that SQLite's write-ahead log is cut back to after it grew larger, by a large import say."""

PAGE_CACHE_KIB = 8 * 1024
"""What one connection keeps of a SQLite file in memory.

A pool of up to fifteen connections, each with the same pages, multiplies it. More gains nothing: as soon as
one connection writes, the others drop what they kept."""

MIGRATION_LOCK = 0x72656D65
"""PostgreSQL advisory lock that lets one process at a time migrate (the letters ``reme``)."""

_EXAMPLES = "sqlite:///remediator.db or postgresql://user@host/database"

_HINTS: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(pattern, re.IGNORECASE), hint)
    for pattern, hint in (
        (
            "database is locked|database table is locked|lock timeout",
            f"another process kept the store for over {BUSY_TIMEOUT_S} s; wait for it to end and try again",
        ),
        (
            "idle-in-transaction",
            f"this process stood still for over {IDLE_TIMEOUT_S} s in mid step; nothing of it was written, "
            "run again",
        ),
        (
            "disk is full|no space left|could not extend",
            "free some disk space and run again; nothing of this step was written",
        ),
        (
            "disk i/o error",
            "the disk refused: look for one that is full or failing, or a limit on file sizes; nothing of "
            "this step was written",
        ),
        (
            "not a database|malformed|could not decode|no such column|no such table|does not exist",
            "the file is damaged or something else; restore it from a backup or name another",
        ),
        (
            "unable to open database file",
            "check that the folder exists and that this user may write in it",
        ),
        ("readonly database|read-only", "give this user the right to write the file and its folder"),
        (
            "could not connect|connection refused|could not translate|timeout expired|failed to resolve"
            "|connection failed|connection to server|server closed the connection",
            "check that the database server runs and that host, port, user and password are right",
        ),
        ("append-only", "the audit log can only grow; nothing of this step was written"),
    )
)


def parse_url(url: str) -> URL:
    """Return a store address, with PostgreSQL's short forms led to the driver we ship.

    Raises:
        ConfigError: it is not an address of a database we know, or one that would forget everything.
    """
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError) as exc:
        # The text itself stays out of the message: it may hold a password.
        raise ConfigError(f"store URL: cannot be read as a database address; write {_EXAMPLES}") from exc
    if parsed.drivername in {"postgres", "postgresql", "postgresql+psycopg"}:
        return parsed.set(drivername="postgresql+psycopg")
    if parsed.drivername not in {"sqlite", "sqlite+pysqlite"}:
        raise ConfigError(f"store URL: {parsed.drivername!r} is not supported; write {_EXAMPLES}")
    if not parsed.database or parsed.database == ":memory:":
        raise ConfigError(f"store URL: an in-memory database would forget every change; write {_EXAMPLES}")
    return parsed


def masked(url: URL) -> str:
    """Return an address as people may see it: PostgreSQL takes a password in the query as well."""
    hidden = {name: "hidden" for name in url.query if "password" in name}
    return url.update_query_dict(hidden).render_as_string(hide_password=True)


class Database:
    """One database: short read transactions, serialised write transactions, errors as ``StoreError``."""

    def __init__(self, url: URL) -> None:
        self.url = url
        self.shown = masked(url)
        self.engine = _engine(url)

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """Yield a connection inside one read transaction: all that is read in it is of one moment."""
        with self.translating(), self.engine.connect() as conn:
            if conn.dialect.name == "postgresql":
                # Its default shows each statement what was committed before that statement; SQLite does not.
                conn.execution_options(isolation_level="REPEATABLE READ")
            with conn.begin():
                yield conn

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """Yield a connection inside one write transaction; any exception undoes all of it."""
        with self.translating(), self.engine.connect().execution_options(writes=True) as conn, conn.begin():
            yield conn

    def migrate(self) -> None:
        """Bring the tables to ``HEAD``; several processes may do so at once.

        Raises:
            StoreError: the tables come from a newer version of this program.
        """
        with self.reading() as conn:
            found = _revision(conn)
        if found == HEAD:
            return
        # Loaded late: Alembic costs a tenth of a second that only a first start or an upgrade should pay.
        from remediator.store.migrations.run import known_revisions, upgrade

        if found is not None and found not in known_revisions():
            raise StoreError(
                f"store {self.shown}: its tables are of version {found}, which is newer than this program "
                f"(it knows up to {HEAD}); upgrade remediator, or use another store"
            )
        with self.writing() as conn:
            if conn.dialect.name == "postgresql":
                conn.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": MIGRATION_LOCK})
            upgrade(conn)

    def close(self) -> None:
        """Give back every connection."""
        self.engine.dispose()

    @contextmanager
    def translating(self) -> Iterator[None]:
        """Raise what the database complains of as ``StoreError``, in our words and without its rows."""
        try:
            yield
        except SQLAlchemyError as exc:
            raise StoreError(self._explain(exc)) from exc
        except (UnicodeDecodeError, json.JSONDecodeError) as exc:
            # SQLite hands text out as it lies there, and so do its own messages about a damaged table.
            raise StoreError(
                f"store {self.shown}: it holds bytes that are no text any more; the file is damaged, restore "
                "it from a backup"
            ) from exc

    def _explain(self, error: SQLAlchemyError) -> str:
        cause = error.orig if isinstance(error, DBAPIError) and error.orig is not None else error
        # The first line only: further ones quote rows, which may be personal data.
        lines = str(cause).strip().splitlines()
        what = lines[0].partition(" with text '")[0] if lines else type(cause).__name__
        hint = next((hint for pattern, hint in _HINTS if pattern.search(str(cause))), "")
        return f"store {self.shown}: {what}" + (f"; {hint}" if hint else "")


def _engine(url: URL) -> Engine:
    try:
        if url.get_backend_name() == "sqlite":
            engine = create_engine(url, hide_parameters=True, connect_args={"timeout": BUSY_TIMEOUT_S})
            event.listen(engine, "connect", _prepare_sqlite)
            event.listen(engine, "begin", _begin_sqlite)
            return engine
        return create_engine(
            url,
            hide_parameters=True,
            pool_pre_ping=True,
            connect_args={
                "connect_timeout": 10,
                # A server that vanished is noticed within a minute, not within hours.
                "keepalives_idle": 30,
                "keepalives_interval": 10,
                "keepalives_count": 3,
                "options": f"-c timezone=utc -c lock_timeout={BUSY_TIMEOUT_S * 1000}"
                f" -c idle_in_transaction_session_timeout={IDLE_TIMEOUT_S * 1000}",
            },
        )
    except (ArgumentError, NoSuchModuleError, ImportError) as exc:
        raise ConfigError(
            f"store URL: no driver for {url.drivername!r}; for PostgreSQL install remediator[postgres]"
        ) from exc


def _prepare_sqlite(connection: sqlite3.Connection, _record: object) -> None:
    # pysqlite opens transactions late and never for reads; SQLAlchemy's begin event does it instead.
    connection.isolation_level = None
    connection.execute(f"PRAGMA busy_timeout={BUSY_TIMEOUT_S * 1000}")
    # Only a file without any page can be set to it, and on others it would wait for who is writing;
    # ``room.compact`` brings older files there.
    if connection.execute("PRAGMA page_count").fetchone()[0] == 0:
        connection.execute("PRAGMA auto_vacuum=INCREMENTAL")
    _use_wal(connection)
    for pragma in (
        "foreign_keys=ON",
        # An audit line must outlive a power cut before the write it announces; NORMAL could lose it in WAL.
        "synchronous=FULL",
        "secure_delete=FAST",
        f"journal_size_limit={LOG_LIMIT_BYTES}",
        f"cache_size=-{PAGE_CACHE_KIB}",
        "temp_store=MEMORY",
    ):
        connection.execute(f"PRAGMA {pragma}")


def _use_wal(connection: sqlite3.Connection) -> None:
    """Switch the file to WAL, also when several processes start at once.

    The switch needs the file to itself and does not always wait for it; taking the file's own lock does wait.
    """
    for attempt in range(20):
        try:
            connection.execute("PRAGMA journal_mode=WAL")
            return
        except sqlite3.OperationalError as exc:
            if "locked" not in str(exc) or attempt == 19:
                raise
            connection.execute("BEGIN EXCLUSIVE")
            connection.execute("ROLLBACK")


def _begin_sqlite(conn: Connection) -> None:
    # A writer takes its lock at the start: a read that turns into a write cannot wait and fails at once.
    conn.exec_driver_sql("BEGIN IMMEDIATE" if conn.get_execution_options().get("writes") else "BEGIN")


def _revision(conn: Connection) -> str | None:
    if not conn.dialect.has_table(conn, "alembic_version"):
        return None
    found: Any = conn.execute(text("SELECT version_num FROM alembic_version")).scalar()
    return None if found is None else str(found)
