"""Which rows are old enough to go: conditions, in the database's own terms."""

from __future__ import annotations

from datetime import datetime
from typing import Any, TypeAlias

from sqlalchemy import ColumnElement, and_, exists, or_

from remediator.changes import ChangeState
from remediator.store.chain import ERASED, EXPIRED, TRIMMED
from remediator.store.moves import REPLACED, SETTLED
from remediator.store.schema import (
    audit_entries,
    audit_payloads,
    cases,
    change_cases,
    changes,
    declined_cases,
    gaps,
    notices,
    plans,
    runs,
    sightings,
    ticks,
)

Columns: TypeAlias = Any
"""The columns of a table or of an alias of it, by name."""

APPLIED = "retention_applied"
"""The event that says what was taken away."""

_SETTLED = [state.value for state in SETTLED]
_OVER = (ChangeState.APPLIED, ChangeState.CONFLICTED, ChangeState.FAILED, ChangeState.UNDONE)
_NAMES_NOBODY = (ERASED, EXPIRED, TRIMMED, APPLIED)
_PASSING = ("sent:", "held:", "outbox:")
"""Keys of notices that only count, or were not taken by a channel for as long; the others say what state a
thing is in."""

BOUNDED = {
    "aliases": "one a text that a reviewer taught or somebody imported; kept until it is forgotten",
    "audit_anchors": "one a connection",
    "audit_heads": "one a connection",
    "call_windows": "one a vendor, with the calls of its last 20 seconds",
    "campaign_states": "one a campaign",
    "carried": "one a counter of the metrics",
    "leases": "one a connection and purpose",
    "pauses": "one a connection",
    "store_keys": "one a store",
}
"""Tables that nothing is taken from by age, and what keeps each small."""


def _old_case(before: datetime, columns: Columns) -> ColumnElement[bool]:
    # Without the middle part, a missing time would make the whole neither true nor false.
    return and_(columns.state.in_(_SETTLED), columns.settled_at.is_not(None), columns.settled_at < before)


def old_changes(before: datetime) -> ColumnElement[bool]:
    """Changes that are over, and whose cases are all over as long; of open ones only replaced proposals."""
    # Under names of their own, because this is also asked about the changes of a case.
    other, link = cases.alias("other_case"), change_cases.alias("other_link")
    young = exists().where(
        link.c.change_seq == changes.c.seq, other.c.id == link.c.case_id, ~_old_case(before, other.c)
    )
    planned = exists().where(
        plans.c.connection == changes.c.connection,
        plans.c.id == changes.c.plan_id,
        plans.c.created_at < before,
    )
    hangs = exists().where(link.c.change_seq == changes.c.seq)
    # A plan made every night leaves one for each case that nobody decides; the newest plan's is kept.
    replaced = and_(
        changes.c.state == ChangeState.REJECTED.value, changes.c.note.startswith(REPLACED), planned
    )
    return and_(
        or_(
            and_(changes.c.state.in_([state.value for state in _OVER]), changes.c.settled_at < before),
            and_(changes.c.state == ChangeState.REJECTED.value, planned),
            # Proposed to prevent a failure and never decided: the next plan proposes it anew.
            and_(changes.c.state == ChangeState.PLANNED.value, planned, ~hangs),
        ),
        # What was changed back lately still counts for the loop breaker.
        or_(changes.c.reverted_at.is_(None), changes.c.reverted_at < before),
        or_(~young, replaced),
    )


def old_cases(before: datetime) -> ColumnElement[bool]:
    """Settled cases whose changes can all go."""
    held = (
        exists()
        .where(change_cases.c.case_id == cases.c.id)
        .where(changes.c.seq == change_cases.c.change_seq, ~old_changes(before))
    )
    return and_(_old_case(before, cases.c), ~held)


def old_plans(before: datetime) -> ColumnElement[bool]:
    """Plans of which no change is left, nor the newest word on why an open case is left alone."""
    left = exists().where(changes.c.connection == plans.c.connection, changes.c.plan_id == plans.c.id)
    later = declined_cases.alias("later_declined")
    newer = exists().where(later.c.case_id == declined_cases.c.case_id, later.c.seq > declined_cases.c.seq)
    said = (
        exists()
        .where(
            declined_cases.c.connection == plans.c.connection,
            declined_cases.c.plan_id == plans.c.id,
            cases.c.id == declined_cases.c.case_id,
            cases.c.state.not_in(_SETTLED),
        )
        .where(~newer)
    )
    return and_(plans.c.created_at < before, ~left, ~said)


def old_gaps(before: datetime) -> ColumnElement[bool]:
    """Gaps that ended long ago."""
    return gaps.c.to_at < before


def old_sightings(before: datetime) -> ColumnElement[bool]:
    """Sightings of which the case has a newer one; an open case shows where it was seen last."""
    newer = exists().where(cases.c.id == sightings.c.case_id, cases.c.last_seen > sightings.c.failed_at)
    over = exists().where(cases.c.id == sightings.c.case_id, cases.c.state.in_(_SETTLED))
    return and_(sightings.c.taken_at < before, or_(newer, over))


def old_ticks(before: datetime) -> ColumnElement[bool]:
    """Ticks of which the campaign has had a later one: the latest says where its schedule stands."""
    later = ticks.alias("later")
    follows = exists().where(
        later.c.connection == ticks.c.connection,
        later.c.campaign == ticks.c.campaign,
        later.c.at > ticks.c.at,
    )
    return and_(ticks.c.at < before, follows)


def kept_for_its_event() -> ColumnElement[bool]:
    """Payloads that say what became of others, and name nobody."""
    return exists().where(
        audit_entries.c.connection == audit_payloads.c.connection,
        audit_entries.c.seq == audit_payloads.c.seq,
        audit_entries.c.event.in_(_NAMES_NOBODY),
    )


def old_runs(before: datetime) -> ColumnElement[bool]:
    """Runs of which no change is left, so that none is to be undone."""
    written = exists().where(changes.c.connection == runs.c.connection, changes.c.run_id == runs.c.id)
    return and_(runs.c.started_at < before, ~written)


def old_notices(before: datetime) -> ColumnElement[bool]:
    """Notices that only count what was sent, and messages that no channel took in all that time."""
    passing = or_(*(notices.c.key.startswith(prefix) for prefix in _PASSING))
    return and_(notices.c.sent_at < before, passing)
