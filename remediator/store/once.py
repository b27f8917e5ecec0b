"""Rows that may be there already: inserted once, or put anew; the same on SQLite and PostgreSQL."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

from sqlalchemy import Connection, Table
from sqlalchemy.dialects import postgresql, sqlite

_Insert: TypeAlias = postgresql.Insert | sqlite.Insert


def insert_once(conn: Connection, table: Table, values: Mapping[str, object]) -> bool:
    """Insert a row unless its key is there; returns whether it was inserted."""
    once = _insert(conn, table, values).on_conflict_do_nothing().returning(*table.primary_key)
    # Asked for the row itself: psycopg counts -1 here, whether a row went in or not.
    return conn.execute(once).first() is not None


def put(conn: Connection, table: Table, values: Mapping[str, object]) -> None:
    """Insert a row; where its key is there already, set the other values (one at least) in it."""
    row = _insert(conn, table, values)
    others = {name: row.excluded[name] for name in values if name not in table.primary_key.columns}
    conn.execute(row.on_conflict_do_update(index_elements=list(table.primary_key), set_=others))


def _insert(conn: Connection, table: Table, values: Mapping[str, object]) -> _Insert:
    dialect = postgresql if conn.dialect.name == "postgresql" else sqlite
    row: _Insert = dialect.insert(table).values(**values)
    return row
