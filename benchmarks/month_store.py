"""The store of the simulated month: a file, or a PostgreSQL of its own that ends with the month."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import func, select, text

from remediator.store.database import Database, parse_url
from remediator.store.schema import metadata
from tests.store.postgres import SETTINGS, Postgres

DATABASES = ("sqlite", "postgres")

_TIDY = ("autovacuum=on", "autovacuum_naptime=1s", "autovacuum_vacuum_cost_delay=0")
"""A month passes in minutes, and with it what PostgreSQL tidies up by itself in that time."""


class Ground:
    """Measures a store from outside.

    Attributes:
        url: its address, as a user would write it.
    """

    def __init__(self, url: str) -> None:
        self.url = url
        self._database = Database(parse_url(url))

    def rows(self) -> dict[str, int]:
        """Return ``{table: rows}``."""
        with self._database.reading() as conn:
            return {
                table.name: int(conn.execute(select(func.count()).select_from(table)).scalar_one())
                for table in metadata.sorted_tables
            }

    def mb(self) -> float:
        """Return what it takes on the disk: all files of SQLite, the database of PostgreSQL."""
        url = self._database.url
        if url.get_backend_name() == "sqlite":
            place = Path(str(url.database))
            return sum(path.stat().st_size for path in place.parent.glob(f"{place.name}*")) / 2**20
        with self._database.reading() as conn:
            size = conn.execute(text("SELECT pg_database_size(current_database())")).scalar_one()
        return int(size) / 2**20

    def close(self) -> None:
        """Give back every connection."""
        self._database.close()


@contextmanager
def ground(folder: Path, database: str) -> Iterator[Ground]:
    """Yield a place for a store that is not there yet; a PostgreSQL is gone after the block."""
    if database == "sqlite":
        yield from _measured(f"sqlite:///{folder / 'store.db'}")
        return
    server = Postgres(settings=(*SETTINGS, *_TIDY))
    try:
        yield from _measured(server.url(server.create()))
    finally:
        server.stop()


def _measured(url: str) -> Iterator[Ground]:
    found = Ground(url)
    try:
        yield found
    finally:
        found.close()
