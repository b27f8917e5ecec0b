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
class Report:
    """What the report page shows.

    Attributes:
        states: ``{case state: cases}``; ``verdicts``: ``{verdict: cases}``.
        changes: the latest ones, newest first, at most 500; ``change_states`` counts all.
        declined: why cases were left alone, ``(reason, cases)``, most frequent first.
        burn_down: one point a run, oldest first.
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


def make_report(store: Store, *, now: datetime) -> Report:
    """Gather a report."""
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
    )


_WRITTEN = frozenset({ChangeState.APPLIED, ChangeState.CONFLICTED, ChangeState.FAILED, ChangeState.UNDONE})
