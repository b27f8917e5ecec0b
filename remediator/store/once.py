"""Insert a row unless its key is there: the same on SQLite and PostgreSQL."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import Connection, Table
from sqlalchemy.dialects import postgresql, sqlite


def insert_once(conn: Connection, table: Table, values: Mapping[str, object]) -> bool:
    """Insert a row unless its key is there; returns whether it was inserted."""
    dialect = postgresql if conn.dialect.name == "postgresql" else sqlite
    once = dialect.insert(table).values(**values).on_conflict_do_nothing().returning(*table.primary_key)
    # Asked for the row itself: psycopg counts -1 here, whether a row went in or not.
    return conn.execute(once).first() is not None
