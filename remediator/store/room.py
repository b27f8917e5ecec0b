"""Giving room back to the file system, and with it the last copies of what was deleted."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager

from sqlalchemy import text

from remediator.errors import StoreError
from remediator.store.database import Database

FREE_SHARE = 0.25
"""Share of a file that must be free before giving it back pays: tomorrow fills what today left."""

FREE_PAGES = 4096
"""Free pages, 16 MiB of them, below which nobody misses the room."""

STEP_PAGES = 1000
"""Pages given back at a time: another writer waits for no more than that."""

_IN_MEMORY_PAGES = 65_536
"""Up to so many pages, 256 MiB, are rewritten in memory; above, in a temporary file."""


def compact(database: Database) -> bool:
    """Rewrite the store without its free room, so that nothing deleted is left in it.

    On SQLite nobody else can write meanwhile, and the disk needs room for the store twice more. Others who
    read or write wait, or are waited for.

    Returns:
        Whether the write-ahead log could be emptied too; it could not while somebody reads an older state.

    Raises:
        StoreError: somebody else keeps the store, or there is no room; everything is as it was.
    """
    if database.engine.dialect.name == "postgresql":
        with database.translating(), database.engine.connect() as conn:
            conn.execution_options(isolation_level="AUTOCOMMIT").execute(text("VACUUM"))
        return True
    with _raw(database) as conn:
        pages = _number(conn, "page_count")
        # SQLite would otherwise hold the whole copy in memory, as it does with small temporary tables.
        conn.execute(f"PRAGMA temp_store={'MEMORY' if pages <= _IN_MEMORY_PAGES else 'FILE'}")
        try:
            conn.execute("PRAGMA auto_vacuum=INCREMENTAL")
            conn.execute("VACUUM")
        finally:
            conn.execute("PRAGMA temp_store=MEMORY")
        return _empty_log(conn)


def give_back(database: Database) -> int:
    """Give free pages back when they have become many; returns the bytes.

    Goes in small steps, so that others hardly notice. PostgreSQL's autovacuum does as much by itself, and a
    SQLite file of an earlier version can only after ``compact``.
    """
    if database.engine.dialect.name == "postgresql":
        return 0
    with _raw(database) as conn:
        pages, free = _number(conn, "page_count"), _number(conn, "freelist_count")
        if _number(conn, "auto_vacuum") == 0 or free < FREE_PAGES or free < pages * FREE_SHARE:
            return 0
        surplus = free * 3 // 4  # the rest stays, for what is written tomorrow
        for start in range(0, surplus, STEP_PAGES):
            # As a script, because ``execute`` would stop after the first page.
            conn.executescript(f"PRAGMA incremental_vacuum({min(STEP_PAGES, surplus - start)})")
        _empty_log(conn)
        return (pages - _number(conn, "page_count")) * _number(conn, "page_size")


def _empty_log(conn: sqlite3.Connection) -> bool:
    busy: int = conn.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
    return not busy


def _number(conn: sqlite3.Connection, pragma: str) -> int:
    return int(conn.execute(f"PRAGMA {pragma}").fetchone()[0])


@contextmanager
def _raw(database: Database) -> Iterator[sqlite3.Connection]:
    """Yield a connection past SQLAlchemy, which would begin a transaction first."""
    with database.translating(), closing(database.engine.raw_connection()) as raw:
        conn = raw.driver_connection
        assert isinstance(conn, sqlite3.Connection)
        try:
            yield conn
        except sqlite3.Error as exc:
            raise StoreError(
                f"store {database.shown}: {exc}; try again when nothing else works on it"
            ) from exc
