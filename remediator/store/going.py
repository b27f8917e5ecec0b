"""Taking rows away together with what hangs on them; metrics keep what was counted in them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Column, ColumnElement, Connection, Table, delete, exists, func, select

from remediator.store.carried import carry
from remediator.store.once import put
from remediator.store.schema import (
    carried,
    cases,
    change_cases,
    changes,
    declined_cases,
    plans,
    retries,
    sightings,
)
from remediator.store.writing import Writing

_HIGHEST = "highest|cases"
"""Kept under the name of a sum: the highest number that a case ever had."""


def row_key(table: Table) -> Column[Any] | None:
    """Return the column that numbers a table's rows, ``None`` where none does."""
    return next((table.c[name] for name in ("seq", "id") if name in table.c), None)


def take_rows(writing: Writing, table: Table, keys: Sequence[Any]) -> None:
    """Take away the rows of these numbers (a chunk of them), and what hangs on them."""
    key = row_key(table)
    assert key is not None
    hanging: list[tuple[Table, ColumnElement[bool]]] = []
    if table is changes:
        hanging = [(change_cases, change_cases.c.change_seq.in_(keys))]
    elif table is cases:
        _remember_highest(writing)
        hanging = [
            (one, one.c.case_id.in_(keys)) for one in (sightings, declined_cases, retries, change_cases)
        ]
    elif table is plans:
        gone = exists().where(
            plans.c.seq.in_(keys),
            plans.c.connection == declined_cases.c.connection,
            plans.c.id == declined_cases.c.plan_id,
        )
        hanging = [(declined_cases, gone)]
    for one, which in [*hanging, (table, key.in_(keys))]:
        carry(writing, one, which)
        writing.conn.execute(delete(one).where(which))


def next_case(conn: Connection) -> int | None:
    """Return the number for the next new case; ``None``: the database never gives one out twice by itself.

    SQLite would give the number of a newest case that has gone to the next one, and whoever still has it in
    hand, a plan or an audit entry, would mean somebody else.
    """
    if conn.dialect.name != "sqlite":
        return None
    there = conn.execute(select(func.max(cases.c.id))).scalar() or 0
    gone = conn.execute(select(func.max(carried.c["count"])).where(carried.c.name == _HIGHEST)).scalar() or 0
    return int(max(there, gone)) + 1


def _remember_highest(writing: Writing) -> None:
    number = next_case(writing.conn)
    if number is None:
        return
    values = {"connection": writing.connection, "name": _HIGHEST, "count": number - 1}
    put(writing.conn, carried, values)
