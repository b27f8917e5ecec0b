"""Where everything stands, gathered from the store alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from remediator.access import access_requests
from remediator.changes import ChangeState, StoredChange
from remediator.lifecycle import UNSETTLED
from remediator.model import AccessRequest, Category, Cause, Run
from remediator.store import CaseQuery, Store

_SHOWN_CHANGES = 500
_SHOWN_RUNS = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class BurnPoint:
    """How much was open after a run."""

    at: datetime
    command: str
    open: int
    cleared: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Queue:
    """What waits for the native sync of one object, and the minutes that it will take."""

    object: str
    records: int
    records_per_hour: int
    minutes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What the report page shows.

    Attributes:
        states: ``{case state: cases}``; ``verdicts``: ``{verdict: cases}``.
        changes: the latest ones, newest first, at most 500; ``change_states`` counts all.
        declined: why cases were left alone, ``(reason, cases)``, most frequent first.
        burn_down: one point a run, oldest first.
        queues: what was written and has not gone across yet, by object.
    """

    connection: str
    created_at: datetime
    total: int
    open: int
    cleared: int
    states: Mapping[str, int]
    verdicts: Mapping[str, int]
    causes: tuple[Cause, ...]
    changes: tuple[StoredChange, ...]
    change_states: Mapping[str, int]
    declined: tuple[tuple[str, int], ...]
    access: tuple[AccessRequest, ...]
    burn_down: tuple[BurnPoint, ...]
    runs: tuple[Run, ...]
    queues: tuple[Queue, ...]


def queues_of(store: Store, *, per_hour: int) -> tuple[Queue, ...]:
    """Return what waits for the native sync, by object.

    Args:
        per_hour: records of one object that the sync takes in an hour.
    """
    return tuple(
        Queue(
            object=name or "unknown",
            records=count,
            records_per_hour=per_hour,
            minutes=-(-count * 60 // per_hour),
        )
        for name, count in sorted(store.meters.waiting().items())
    )


def make_report(store: Store, *, now: datetime, per_hour: int) -> Report:
    """Gather a report; ``per_hour`` as in ``queues_of``."""
    tally = store.tally()
    runs = store.runs(limit=_SHOWN_RUNS)
    permission = CaseQuery(states=UNSETTLED, categories=frozenset({Category.PERMISSION}))
    return Report(
        connection=store.connection,
        created_at=now,
        total=sum(tally.states.values()),
        open=tally.open,
        cleared=tally.cleared,
        states={str(state): count for state, count in tally.states.items()},
        verdicts={str(verdict): count for verdict, count in tally.verdicts.items()},
        causes=tuple(store.causes(include_settled=True)),
        changes=tuple(store.latest_changes(limit=_SHOWN_CHANGES, states=_WRITTEN)),
        change_states={str(state): count for state, count in tally.changes.items()},
        declined=tuple(store.decline_reasons()),
        access=tuple(access_requests(store.cases(permission))),
        burn_down=tuple(
            BurnPoint(
                at=run.ended_at or run.started_at,
                command=run.command,
                open=run.counters["open_after"],
                cleared=run.counters.get("cleared_after", 0),
            )
            for run in reversed(runs)
            if "open_after" in run.counters
        ),
        runs=tuple(runs),
        queues=queues_of(store, per_hour=per_hour),
    )


_WRITTEN = frozenset({ChangeState.APPLIED, ChangeState.CONFLICTED, ChangeState.FAILED, ChangeState.UNDONE})
