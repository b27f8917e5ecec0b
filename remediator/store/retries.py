"""How often cases were pushed again without a change, and when last."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime

from sqlalchemy import Connection, delete, func, insert, select

from remediator.store.moves import case_states
from remediator.store.rows import chunks
from remediator.store.schema import retries
from remediator.store.values import Attempts
from remediator.store.writing import Writing


def read_attempts(conn: Connection, connection: str, cases: Collection[int]) -> dict[int, Attempts]:
    """Return the tries made so far, ``{case: attempts}``; a case that was never tried is absent."""
    found: dict[int, Attempts] = {}
    for chunk in chunks(cases):
        rows = conn.execute(
            select(retries).where(retries.c.connection == connection, retries.c.case_id.in_(chunk))
        )
        found.update({row.case_id: Attempts(count=row.attempts, last_at=row.last_at) for row in rows})
    return found


def tried_since(conn: Connection, connection: str, moment: datetime) -> int:
    """Count the cases whose last try was not before a moment."""
    found: int = conn.execute(
        select(func.count())
        .select_from(retries)
        .where(retries.c.connection == connection, retries.c.last_at >= moment)
    ).scalar_one()
    return found


def record_attempts(writing: Writing, counts: Mapping[int, int], at: datetime) -> None:
    """Set how often each case has been tried now; a case that was erased meanwhile is left out."""
    known = case_states(writing, counts)
    counts = {case: count for case, count in counts.items() if case in known}
    for chunk in chunks(counts):
        writing.conn.execute(delete(retries).where(retries.c.case_id.in_(chunk)))
        writing.conn.execute(
            insert(retries),
            [
                {
                    "connection": writing.connection,
                    "case_id": case,
                    "attempts": counts[case],
                    "last_at": at,
                    "run_id": writing.run,
                }
                for case in chunk
            ],
        )
    if counts:
        writing.audit("retry_intended", payload={"cases": {str(case): n for case, n in counts.items()}})


def forget(writing: Writing, cases: Collection[int]) -> None:
    """Start the count of these cases anew."""
    for chunk in chunks(cases):
        writing.conn.execute(delete(retries).where(retries.c.case_id.in_(chunk)))
