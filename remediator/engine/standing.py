"""Gather what became of earlier changes, so that it can be judged which rules may run by themselves."""

from __future__ import annotations

from collections.abc import Iterator

from remediator.changes import ChangeState, StoredChange
from remediator.earned import Judged, Standing, rule_of, standings
from remediator.engine.batches import cut
from remediator.model import Case, CaseState, Verdict
from remediator.store import CaseQuery, Store

_LOOKED_AT = 10_000
"""Latest changes that count; older ones say little about today's data."""

_PAGE = 900
_FAILED = frozenset({Verdict.SAME_ERROR, Verdict.REVERTED})


def rule_standings(store: Store) -> dict[str, Standing]:
    """Return ``{rule: its record}`` over the latest changes."""
    return standings(_judged(store))


def _judged(store: Store) -> Iterator[Judged]:
    latest = store.latest_changes(limit=_LOOKED_AT, states={ChangeState.APPLIED, ChangeState.UNDONE})
    own = [stored for stored in reversed(latest) if stored.change.undoes is None]
    cases: dict[int, Case] = {}
    for chunk in cut(sorted({case for stored in own for case in stored.change.cases}), _PAGE):
        cases |= {case.id: case for case in store.cases(CaseQuery(ids=frozenset(chunk)))}
    newest: dict[tuple[int, str, str], str] = {}
    for stored in own:
        for case in stored.change.cases:
            newest[case, stored.change.record_id, stored.change.field] = stored.change.id
    for stored in own:
        good = _outcome(stored, cases, newest)
        if good is not None:
            yield Judged(rule=rule_of(stored.change), good=good)
            if stored.change.rule is not None:
                # A preventive change has no rule: its fixer's record under all rules speaks for it.
                yield Judged(rule=f"fixer {stored.change.fixer}", good=good)


def _outcome(
    stored: StoredChange, cases: dict[int, Case], newest: dict[tuple[int, str, str], str]
) -> bool | None:
    """Say whether a change held; ``None`` while nothing has proven either."""
    change = stored.change
    if stored.state is ChangeState.UNDONE:
        return False
    hung = [cases[case] for case in change.cases if case in cases]
    if any(newest[case.id, change.record_id, change.field] != change.id for case in hung):
        return False  # the same field of the same failure had to be written again
    if any(case.verdict in _FAILED for case in hung):
        return False  # also where somebody else has cleared it since
    if hung and all(case.state is CaseState.CLEARED for case in hung):
        return True
    settled = stored.settled_at
    if any(case.state is not CaseState.VERIFYING and settled and case.last_seen > settled for case in hung):
        return False  # it was cleared and came back
    return None
