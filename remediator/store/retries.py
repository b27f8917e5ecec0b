"""How often cases were pushed again without a change, and when last; what a person asks of that queue."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import pairwise
from typing import TypeAlias

from sqlalchemy import Connection, and_, delete, func, insert, select, update

from remediator.model import Case, CaseState
from remediator.retry import Answer, Outcome
from remediator.store.carried import add_up
from remediator.store.database import Database
from remediator.store.moves import case_states, leave_plans, move_cases
from remediator.store.rows import case_from, chunks
from remediator.store.schema import cases, retries, runs
from remediator.store.values import Attempts, CaseMove
from remediator.store.writing import Writing, writing

Wish: TypeAlias = Callable[[Case, str | None], Answer]
"""What to do with a case, given who is trying it at this moment (``None``: nobody)."""

UNDER_WAY = timedelta(minutes=10)
"""How long a try on record counts as under way: longer than its calls may take.

After that, or when its run has ended, the process that began it is taken to have died.
"""


class RetryQueue:
    """The retry queue as people and workers share it; every method is one transaction.

    No method pushes anybody, and none needs or breaks the lease of whoever does: a case that is being pushed
    is left to that push, and what a person took out of the queue is not begun any more.
    """

    def __init__(self, database: Database, *, connection: str) -> None:
        self._database = database
        self._connection = connection

    def begin(self, counts: Mapping[int, int], *, actor: str, run: int | None, now: datetime) -> set[int]:
        """Record, before they are pushed, how often these cases will then have been tried.

        Returns:
            Those that are in the queue still and that no other run tries, or has tried since they were
            counted; nobody else may be pushed.
        """
        with writing(self._database, self._connection, now=now, actor=actor, run=run) as open_:
            found = _find(open_.conn, self._connection, counts)
            tried = _under_way(open_.conn, self._connection, found, now, but=run)
            made = read_attempts(open_.conn, self._connection, found)
            mine = {
                number: counts[number]
                for number, case in found.items()
                if case.state is CaseState.RETRYING
                and number not in tried
                and counts[number] == (made[number].count if number in made else 0) + 1
            }
            record_attempts(open_, mine, now)
        return set(mine)

    def foresee(self, wish: Wish, ids: Sequence[int], *, now: datetime) -> list[Answer]:
        """Say what ``grant`` would do now, without doing it."""
        with self._database.reading() as conn:
            return _answers(conn, self._connection, wish, ids, now)

    def grant(self, wish: Wish, ids: Sequence[int], *, note: str, actor: str, now: datetime) -> list[Answer]:
        """Lead each case the way a wish has for it; a case it refuses keeps no other from going.

        Args:
            note: why, kept with the cases that move.
            actor: who asks; on record with each move.

        Returns:
            One answer for each id, in their order; an id that is not in the store is refused too.
        """
        with writing(self._database, self._connection, now=now, actor=actor) as open_:
            answers = _answers(open_.conn, self._connection, wish, ids, now)
            _start_anew(open_, [answer.case for answer in answers if answer.anew])
            moves = [
                _move(answer.case, *step, note, now) for answer in answers for step in pairwise(answer.path)
            ]
            # A change that is planned for a case goes with the case, as with any other move.
            leave_plans(open_, dict.fromkeys(move_cases(open_, moves), note))
        return answers


def _move(case: int, before: CaseState, after: CaseState, note: str, now: datetime) -> CaseMove:
    due_at = now if after is CaseState.RETRYING else None
    return CaseMove(case=case, before=before, after=after, note=note, due_at=due_at)


def _answers(
    conn: Connection, connection: str, wish: Wish, ids: Sequence[int], now: datetime
) -> list[Answer]:
    found = _find(conn, connection, ids)
    trying = _under_way(conn, connection, found, now)
    return [
        wish(found[number], trying.get(number))
        if number in found
        else Answer(
            case=number, outcome=Outcome.REFUSED, said="is not in this store; see: remediator retry list"
        )
        for number in dict.fromkeys(ids)
    ]


def _find(conn: Connection, connection: str, ids: Iterable[int]) -> dict[int, Case]:
    found: dict[int, Case] = {}
    for chunk in chunks(set(ids)):
        rows = conn.execute(select(cases).where(cases.c.connection == connection, cases.c.id.in_(chunk)))
        found.update((row.id, case_from(row)) for row in rows)
    return found


def _under_way(
    conn: Connection, connection: str, found: Mapping[int, Case], now: datetime, *, but: int | None = None
) -> dict[int, str]:
    """Return who is pushing a case at this moment: its try is on record, and what came of it is not.

    Args:
        but: a run that does not count.
    """
    trying: dict[int, str] = {}
    for chunk in chunks(found):
        rows = conn.execute(
            select(retries.c.case_id, retries.c.last_at, runs.c.id, runs.c.command)
            .join(runs, runs.c.id == retries.c.run_id)
            .where(
                retries.c.connection == connection,
                retries.c.case_id.in_(chunk),
                retries.c.last_at > now - UNDER_WAY,
                runs.c.ended_at.is_(None),
                runs.c.id != (but or 0),
            )
        )
        for row in rows:
            case = found[row.case_id]
            # The end of a try puts off the next one; until then the due time is before it.
            if case.state is CaseState.RETRYING and (case.due_at is None or case.due_at <= row.last_at):
                trying[case.id] = f"run {row.id} ({row.command}), since {row.last_at:%H:%M:%S} UTC"
    return trying


def _start_anew(writing_: Writing, ids: Sequence[int]) -> None:
    """Count the tries of these cases from none again.

    The time of the last one stays, since the native sync may still be busy with that push.
    """
    for chunk in chunks(ids):
        mine = and_(retries.c.connection == writing_.connection, retries.c.case_id.in_(chunk))
        made = {row.case_id: row.attempts for row in writing_.conn.execute(select(retries).where(mine))}
        add_up(writing_, {"retries|pushed": sum(made.values())})
        writing_.conn.execute(update(retries).where(mine).values(attempts=0))
        for case in chunk:
            writing_.audit("retry_started_anew", case=case, payload={"tries_before": made.get(case, 0)})


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
