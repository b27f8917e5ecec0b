"""Counts over the whole archive, and the latest changes: what reports and metrics show."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from sqlalchemy import Column, Connection, func, select

from remediator.changes import ChangeState, StoredChange
from remediator.model import CaseState, Verdict
from remediator.store.rows import stored_change_from
from remediator.store.schema import cases, changes
from remediator.store.values import Tally

_REASONS = 200


def tally(conn: Connection, connection: str) -> Tally:
    """Count cases by state and verdict, and changes by state, most frequent first."""

    def count(column: Column[Any]) -> dict[str, int]:
        rows = conn.execute(
            select(column, func.count().label("n"))
            .where(column.table.c.connection == connection, column.is_not(None))
            .group_by(column)
            .order_by(func.count().desc(), column)
        )
        return {row[0]: row.n for row in rows}

    return Tally(
        states={CaseState(name): n for name, n in count(cases.c.state).items()},
        verdicts={Verdict(name): n for name, n in count(cases.c.verdict).items()},
        changes={ChangeState(name): n for name, n in count(changes.c.state).items()},
    )


def decline_reasons(conn: Connection, connection: str) -> list[tuple[str, int]]:
    """Return why open cases are left alone, ``(reason, cases)``, most frequent first, at most 200."""
    rows = conn.execute(
        select(cases.c.note, func.count().label("n"))
        .where(
            cases.c.connection == connection,
            cases.c.state == CaseState.DECLINED.value,
            cases.c.note.is_not(None),
        )
        .group_by(cases.c.note)
        .order_by(func.count().desc(), cases.c.note)
        .limit(_REASONS)
    )
    return [(row.note, row.n) for row in rows]


def latest_changes(
    conn: Connection, connection: str, *, limit: int, states: Collection[ChangeState]
) -> list[StoredChange]:
    """Return the newest changes in these states, newest first."""
    rows = conn.execute(
        select(changes)
        .where(changes.c.connection == connection, changes.c.state.in_([state.value for state in states]))
        .order_by(changes.c.seq.desc())
        .limit(limit)
    )
    return [stored_change_from(row) for row in rows]
