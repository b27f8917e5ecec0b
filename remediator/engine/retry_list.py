"""What stands in the retry queue, and why each case waits, is held back or was given up."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from remediator.engine.load import sync_pace, waiting_at
from remediator.engine.retrying import POLICIES, may_pass, without_answer
from remediator.model import Case, CaseState, Category
from remediator.settings import Settings
from remediator.store import CaseQuery, Store


class Standing(StrEnum):
    """Where a case stands in the queue."""

    WAITING = "waiting"
    DUE = "due"
    DEAD = "dead"


@dataclass(frozen=True, slots=True, kw_only=True)
class QueuedCase:
    """One case of the queue; no field values.

    Attributes:
        held: it is due, and will not be pushed for now; ``why`` says what holds it.
        tries: pushes made; of at most ``of`` (``None`` where its failure would not be tried any more).
        last_try_at: ``None`` when there was none.
        next_try_at: ``None`` for a case that was given up.
        last_error: class of the error that the last push ended with, ``None`` when Marketo took it.
    """

    case: int
    state: Standing
    held: bool
    object: str | None
    marketo_id: str | None
    salesforce_id: str | None
    category: Category
    code: str | None
    tries: int
    of: int | None
    last_try_at: datetime | None
    next_try_at: datetime | None
    last_error: str | None
    why: str


def list_retries(
    store: Store,
    settings: Settings,
    *,
    now: datetime,
    halted: str | None,
    standings: Collection[Standing],
    category: Category | None = None,
    limit: int | None = None,
) -> list[QueuedCase]:
    """Return the queue: what is due in the order of its turns, then what waits, then what was given up.

    Args:
        halted: why nothing at all is pushed now, ``None`` when pushes go out.
        standings: which of them.
        category: only cases of this category; they take their turns among all others.
        limit: at most so many.

    Raises:
        ConfigError: the Sync Status export that the settings name is not one.
    """
    due, waiting = _in_the_queue(store, now)
    pace = sync_pace(settings)
    room = max(0, settings.sync_load.max_backlog - waiting_at(store.running, now=now, per_hour=pace))
    held = {case.id for case in (due if halted else due[room:])}
    dead = store.cases(CaseQuery(states=frozenset({CaseState.DEAD}))) if Standing.DEAD in standings else ()
    listed = [
        (case, standing)
        for standing, group in ((Standing.DUE, due), (Standing.WAITING, waiting), (Standing.DEAD, dead))
        if standing in standings
        for case in group
        if category in (None, case.diagnosis.category)
    ][:limit]
    return _rows(
        store, listed, held, f"held back: {halted or 'the native sync has enough to do because of us'}"
    )


def _in_the_queue(store: Store, now: datetime) -> tuple[list[Case], list[Case]]:
    """Return what is due and what waits, each in the order of its turns."""
    states = frozenset({CaseState.OPEN, CaseState.DECLINED})
    # What the next visit puts into the queue, behind those that are there.
    fresh = [
        case
        for case in store.cases(CaseQuery(states=states, categories=frozenset(POLICIES)))
        if may_pass(case)
    ]
    queued = sorted(
        store.cases(CaseQuery(states=frozenset({CaseState.RETRYING}))),
        key=lambda case: (case.due_at or now, case.id),
    )
    due = [case for case in queued if case.due_at is not None and case.due_at <= now]
    return [*due, *fresh], [case for case in queued if case.due_at is None or case.due_at > now]


def _rows(
    store: Store, listed: Sequence[tuple[Case, Standing]], held: Collection[int], holding: str
) -> list[QueuedCase]:
    attempts = store.attempts([case.id for case, _ in listed])
    rows = []
    for case, standing in listed:
        made = attempts.get(case.id)
        policy = POLICIES.get(case.diagnosis.category)
        queued = case.state in (CaseState.RETRYING, CaseState.DEAD)
        # What a planner noted on a case that is not queued yet may quote a value.
        why, error = without_answer(case.note or "") if queued else ("queued at the next visit", None)
        rows.append(
            QueuedCase(
                case=case.id,
                state=standing,
                held=case.id in held,
                object=case.object,
                marketo_id=case.marketo_id,
                salesforce_id=case.salesforce_id,
                category=case.diagnosis.category,
                code=case.diagnosis.code,
                tries=0 if made is None else made.count,
                of=policy.max_attempts if policy is not None and case.diagnosis.retryable else None,
                last_try_at=None if made is None else made.last_at,
                next_try_at=case.due_at if case.state is CaseState.RETRYING else None,
                last_error=error,
                why=f"{holding}; {why}" if case.id in held else why,
            )
        )
    return rows
