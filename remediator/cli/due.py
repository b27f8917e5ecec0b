"""What `verify --dry-run` and `retry --dry-run` show: the cases that it is the turn of."""

from __future__ import annotations

from datetime import datetime

from remediator.cli import output
from remediator.engine.retrying import POLICIES
from remediator.model import Case, CaseState
from remediator.store import CaseQuery, Store


def show_due_fixes(store: Store, *, now: datetime | None, as_json: bool) -> None:
    """Print the cases whose fix would be looked at; ``now`` is ``None`` for all of them."""
    query = CaseQuery(states=frozenset({CaseState.VERIFYING}), due_before=now)
    _show(list(store.cases(query)), as_json=as_json, empty="no fix is due")


def show_due_retries(store: Store, *, now: datetime, as_json: bool) -> None:
    """Print the cases that would be tried again: those due, and those that would be queued."""
    due = store.cases(CaseQuery(states=frozenset({CaseState.RETRYING}), due_before=now))
    waiting = store.cases(
        CaseQuery(states=frozenset({CaseState.OPEN, CaseState.DECLINED}), categories=frozenset(POLICIES))
    )
    cases = [*due, *(case for case in waiting if case.diagnosis.retryable)]
    _show(cases, as_json=as_json, empty="nothing is to be tried again now")


def _show(cases: list[Case], *, as_json: bool, empty: str) -> None:
    rows = [output.case_row(case) for case in cases]
    output.print_table(rows, output.CASE_COLUMNS, as_json=as_json, empty=empty)
