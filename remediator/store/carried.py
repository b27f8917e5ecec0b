"""Sums of what rows that were taken away had counted, so that metrics never count backwards."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from sqlalchemy import ColumnElement, Connection, Table, func, select, update

from remediator.model import CaseState
from remediator.store.once import insert_once
from remediator.store.rows import chunks
from remediator.store.schema import api_calls, carried, cases, changes, retries, runs
from remediator.store.writing import Writing

COUNTED = ("stopped_", "calls_")
"""Counters of runs that add up to something: safety stops by limit, API calls by system and result."""

RETRIED = frozenset({CaseState.CLEARED, CaseState.DEAD})
"""What tries may come to; a case can come back from either, and is counted anew at its next end."""


def carry(writing: Writing, table: Table, going: ColumnElement[bool]) -> None:
    """Add up what metrics have counted in the rows of a table that are about to go."""
    add_up(writing, _counted(writing.conn, table, going))


def carry_retried(writing: Writing, ended: Mapping[int, CaseState]) -> None:
    """Add up what retries came to of cases that come back from it, ``{case: the end it leaves}``."""
    counts: Counter[str] = Counter()
    for chunk in chunks(ended):
        tried = select(retries.c.case_id).where(
            retries.c.connection == writing.connection, retries.c.case_id.in_(chunk)
        )
        counts.update(f"retries|{ended[case]}" for case in writing.conn.execute(tried).scalars())
    add_up(writing, counts)


def add_up(writing: Writing, counts: Mapping[str, int]) -> None:
    """Add counts to the sums of their names."""
    for name, count in counts.items():
        if not count:
            continue
        values = {"connection": writing.connection, "name": name, "count": count}
        if not insert_once(writing.conn, carried, values):
            writing.conn.execute(
                update(carried)
                .where(carried.c.connection == writing.connection, carried.c.name == name)
                .values(count=carried.c.count + count)
            )


def read_carried(conn: Connection, connection: str, kind: str) -> dict[tuple[str, ...], int]:
    """Return the sums of one kind, ``{what it was counted by: sum}``."""
    found = conn.execute(
        select(carried.c.name, carried.c["count"]).where(
            carried.c.connection == connection, carried.c.name.startswith(f"{kind}|", autoescape=True)
        )
    )
    return {tuple(name.split("|")[1:]): count for name, count in found}


def _counted(conn: Connection, table: Table, going: ColumnElement[bool]) -> Mapping[str, int]:
    counts: Counter[str] = Counter()
    if table is cases:
        seen = conn.execute(select(func.coalesce(func.sum(cases.c.seen_count), 0)).where(going)).scalar_one()
        counts["failures_seen|"] = int(seen)
    elif table is changes:
        groups = select(changes.c.fixer, changes.c.state, func.count(), func.count(changes.c.reverted_at))
        for fixer, state, count, reverted in conn.execute(
            groups.where(going).group_by(changes.c.fixer, changes.c.state)
        ):
            counts["changes|{}|{}".format(fixer.replace("|", "/"), state)] += count
            counts["reverted|"] += reverted
    elif table is retries:
        rows = conn.execute(
            select(retries.c.attempts, cases.c.state)
            .join(cases, cases.c.id == retries.c.case_id)
            .where(going)
        )
        for attempts, state in rows:
            counts["retries|pushed"] += attempts
            counts[f"retries|{state}"] += state in RETRIED
    elif table is api_calls:
        groups = select(api_calls.c.system, func.sum(api_calls.c.calls)).where(going)
        for system, calls in conn.execute(groups.group_by(api_calls.c.system)):
            counts[f"api_calls|{system}"] += int(calls)
    elif table is runs:
        for row in conn.execute(select(runs).where(going)):
            if row.ended_at is None:
                continue
            counts[f"runs|{row.command}|count"] += 1
            took = (row.ended_at - row.started_at).total_seconds()
            counts[f"runs|{row.command}|ms"] += max(0, round(took * 1000))
            for name, count in row.counters.items():
                if name.startswith(COUNTED):
                    counts[f"counters|{name}"] += count
    return counts
