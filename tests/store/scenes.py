"""Short ways for tests to bring a store where their story begins."""

from __future__ import annotations

from collections.abc import Sequence

from remediator.changes import Change, ChangeState, Decision, Settlement, StoredChange
from remediator.model import CaseState
from remediator.store import Store
from tests.builders import NOON, a_change, a_diagnosis, a_failure, a_plan


def open_cases(store: Store, count: int) -> None:
    """Open cases 1 to ``count``."""
    store.take([(a_failure(number), a_diagnosis()) for number in range(1, count + 1)], run=None, now=NOON)


def changes_for(plan: str, *cases: Sequence[int]) -> list[Change]:
    """Return one change for each group of cases, with ids as plans give them."""
    return [
        a_change(f"{plan}-{position}", cases=tuple(group), record_id=str(1000 + (group[0] if group else 0)))
        for position, group in enumerate(cases, start=1)
    ]


def planned(store: Store, plan: str, *cases: Sequence[int]) -> None:
    """Save a plan with one change for each group of cases."""
    store.save_plan(a_plan(plan, changes_for(plan, *cases)), actor="planner", run=None, now=NOON)


def approve(store: Store, *changes: str) -> list[str]:
    """Approve changes as Ann."""
    return store.decide([Decision(change=change, approved=True, by="ann") for change in changes], now=NOON)


def reject(store: Store, *changes: str, note: str = "") -> list[str]:
    """Reject changes as Ann."""
    words = [Decision(change=change, approved=False, by="ann", note=note) for change in changes]
    return store.decide(words, now=NOON)


def intend(store: Store, *changes: str, run: int = 1) -> list[str]:
    """Put the intent on record."""
    return store.intend(changes, run=run, actor="bot", now=NOON)


def settle(store: Store, state: ChangeState, *changes: str, note: str | None = None) -> None:
    """Record one outcome for changes; verification is due at once."""
    outcomes = [Settlement(change=change, state=state, note=note) for change in changes]
    store.settle(outcomes, run=1, actor="bot", now=NOON, verify_at=NOON)


def applied(store: Store, plan: str, *cases: Sequence[int]) -> None:
    """Lead a plan with one change for each group of cases up to applied."""
    planned(store, plan, *cases)
    ids = [change.change.id for change in store.changes(plan=plan)]
    approve(store, *ids)
    intend(store, *ids)
    settle(store, ChangeState.APPLIED, *ids)


def states(store: Store) -> list[CaseState]:
    """Return every case's state, by id."""
    return [case.state for case in store.cases()]


def change(store: Store, name: str) -> StoredChange:
    """Return one change with where it stands."""
    (found,) = store.changes(ids=[name])
    return found


def events(store: Store, *, change: str | None = None, case: int | None = None) -> list[str]:
    """Return the audit events of a change or a case."""
    return [entry.event for entry in store.audit(case=case) if change is None or entry.change == change]
