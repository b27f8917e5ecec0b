"""Taking failures in: every row becomes a new case, a further sighting of one, or a known duplicate."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, insert, select, update

from remediator.fingerprint import fingerprint, salesforce_id_18, sighting_key
from remediator.lifecycle import check_move
from remediator.model import CaseState, Diagnosis, SyncFailure
from remediator.store.carried import RETRIED, carry_retried
from remediator.store.columns import storable
from remediator.store.going import next_case
from remediator.store.rows import AnyRow, cause_key, chunks, diagnosis_text
from remediator.store.schema import cases, sightings
from remediator.store.values import TakeResult
from remediator.store.writing import Writing

FAILED_AGAIN = "failed again"

FORGOTTEN = ("verdict", "due_at", "settled_at")
"""What a case loses when it is opened again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Arrival:
    """One row with its two identities."""

    failure: SyncFailure
    diagnosis: Diagnosis
    fingerprint: str
    key: bytes


@dataclass(slots=True, kw_only=True)
class _Tally:
    """What a batch adds up to."""

    new: int = 0
    again: int = 0
    duplicates: int = 0
    reopened: int = 0
    opened: Counter[str] = field(default_factory=Counter)


def take(writing: Writing, items: Sequence[tuple[SyncFailure, Diagnosis]]) -> TakeResult:
    """Take one batch in; the same batch again changes nothing."""
    tally = _Tally()
    arrivals: dict[bytes, _Arrival] = {}
    for failure, diagnosis in items:
        arrival = _Arrival(
            failure=failure,
            diagnosis=diagnosis,
            fingerprint=fingerprint(writing.connection, failure, diagnosis),
            key=sighting_key(failure),
        )
        if arrival.key in arrivals:
            tally.duplicates += 1
        else:
            arrivals[arrival.key] = arrival
    known = _known_sightings(writing, arrivals)
    tally.duplicates += len(known)
    _rediagnose(writing, known, arrivals)
    groups: dict[str, list[_Arrival]] = {}
    for key, arrival in arrivals.items():
        if key not in known:
            groups.setdefault(arrival.fingerprint, []).append(arrival)
    before = _rows_by_fingerprint(writing, groups)
    _open_new(writing, [group for print_, group in groups.items() if print_ not in before], tally)
    _update_known(
        writing, [(before[print_], group) for print_, group in groups.items() if print_ in before], tally
    )
    _record_sightings(writing, groups)
    if tally.new:
        writing.audit("cases_opened", payload={"cases": tally.new, "by_category": dict(tally.opened)})
    return TakeResult(new=tally.new, again=tally.again, duplicates=tally.duplicates, reopened=tally.reopened)


def _known_sightings(writing: Writing, keys: Iterable[bytes]) -> dict[bytes, int]:
    known: dict[bytes, int] = {}
    for chunk in chunks(keys):
        found = writing.conn.execute(
            select(sightings.c.digest, sightings.c.case_id).where(
                sightings.c.connection == writing.connection, sightings.c.digest.in_(chunk)
            )
        )
        known.update((bytes(digest), case) for digest, case in found)
    return known


def _rows_by_fingerprint(writing: Writing, prints: Iterable[str]) -> dict[str, AnyRow]:
    columns = (
        cases.c.id,
        cases.c.fingerprint,
        cases.c.state,
        cases.c.marketo_id,
        cases.c.salesforce_id,
        cases.c.first_seen,
        cases.c.last_seen,
        cases.c.seen_count,
        cases.c.cause,
        cases.c.category,
        cases.c.diagnosis,
        cases.c.message,
        cases.c.due_at,
        cases.c.settled_at,
    )
    rows: dict[str, AnyRow] = {}
    for chunk in chunks(prints):
        found = writing.conn.execute(
            select(*columns).where(cases.c.connection == writing.connection, cases.c.fingerprint.in_(chunk))
        )
        rows.update((row.fingerprint, row) for row in found)
    return rows


def _latest(group: Sequence[_Arrival]) -> _Arrival:
    return max(group, key=lambda arrival: arrival.failure.failed_at)


def _id_text(value: str | None) -> str | None:
    return (value.strip() or None) if value else None


def _salesforce_id(value: str | None) -> str | None:
    return (salesforce_id_18(value) or None) if value else None


def _diagnosed(arrival: _Arrival) -> dict[str, Any]:
    """Return the columns that follow from the latest row's diagnosis."""
    return {
        "cause": storable(cause_key(arrival.failure, arrival.diagnosis)),
        "category": arrival.diagnosis.category.value,
        "diagnosis": diagnosis_text(arrival.diagnosis),
    }


def _open_new(writing: Writing, groups: Sequence[list[_Arrival]], tally: _Tally) -> None:
    rows = []
    for group in groups:
        latest = _latest(group)
        failure = latest.failure
        rows.append(
            {
                "connection": writing.connection,
                "fingerprint": latest.fingerprint,
                "state": CaseState.OPEN.value,
                "level": failure.level.value,
                "object": failure.object or latest.diagnosis.object,
                "marketo_id": _id_text(failure.marketo_id),
                "salesforce_id": _salesforce_id(failure.salesforce_id),
                **_diagnosed(latest),
                "message": failure.message,
                "first_seen": min(arrival.failure.failed_at for arrival in group),
                "last_seen": failure.failed_at,
                "seen_count": len(group),
            }
        )
        tally.opened[latest.diagnosis.category.value] += 1
        tally.new += 1
        tally.again += len(group) - 1
    if rows:
        first = next_case(writing.conn)
        if first is not None:
            rows = [{"id": number, **row} for number, row in enumerate(rows, start=first)]
        writing.conn.execute(insert(cases), rows)


def _update_known(writing: Writing, found: Sequence[tuple[AnyRow, list[_Arrival]]], tally: _Tally) -> None:
    # One statement a set of columns: a case seen again with nothing new to say costs three of them.
    updates: dict[tuple[str, ...], list[dict[str, Any]]] = {}
    back: dict[int, CaseState] = {}
    for row, group in found:
        latest = _latest(group)
        failure = latest.failure
        tally.again += len(group)
        changed: dict[str, Any] = {
            "case": row.id,
            "first_seen": min(row.first_seen, *(arrival.failure.failed_at for arrival in group)),
            "last_seen": max(row.last_seen, failure.failed_at),
            "seen_count": row.seen_count + len(group),
        }
        if row.marketo_id is None and failure.marketo_id:
            changed["marketo_id"] = _id_text(failure.marketo_id)
        if row.salesforce_id is None and failure.salesforce_id:
            changed["salesforce_id"] = _salesforce_id(failure.salesforce_id)
        if failure.failed_at >= row.last_seen:
            news = {**_diagnosed(latest), "message": storable(failure.message)}
            if any(row._mapping[name] != value for name, value in news.items()):
                changed |= news
        if _fails_again(CaseState(row.state), row.settled_at, row.due_at, failure.failed_at):
            check_move(CaseState(row.state), CaseState.OPEN)
            changed |= {"state": CaseState.OPEN.value, "note": FAILED_AGAIN} | dict.fromkeys(FORGOTTEN)
            payload = {"before": row.state, "after": CaseState.OPEN, "note": FAILED_AGAIN}
            writing.audit("case_moved", case=row.id, payload=payload)
            tally.reopened += 1
            if row.state in RETRIED:
                back[row.id] = CaseState(row.state)
        updates.setdefault(tuple(changed), []).append(changed)
    for rows in updates.values():
        writing.conn.execute(update(cases).where(cases.c.id == bindparam("case")), rows)
    carry_retried(writing, back)


def _fails_again(
    state: CaseState, settled_at: datetime | None, due_at: datetime | None, failed_at: datetime
) -> bool:
    """Say whether a sighting is news: later than the case was settled, or than its snooze ran out."""
    if state in (CaseState.CLEARED, CaseState.RESOLVED):
        return settled_at is None or failed_at > settled_at
    return state is CaseState.SNOOZED and due_at is not None and failed_at > due_at


def _record_sightings(writing: Writing, groups: dict[str, list[_Arrival]]) -> None:
    ids: dict[str, int] = {}
    for chunk in chunks(groups):
        found = writing.conn.execute(
            select(cases.c.fingerprint, cases.c.id).where(
                cases.c.connection == writing.connection, cases.c.fingerprint.in_(chunk)
            )
        )
        ids.update((print_, case) for print_, case in found)
    rows = [
        {
            "connection": writing.connection,
            "digest": arrival.key,
            "case_id": ids[print_],
            "failed_at": arrival.failure.failed_at,
            "source": arrival.failure.source,
            "operation": arrival.failure.operation,
            "origin": arrival.failure.origin,
            "run_id": writing.run,
            "taken_at": writing.now,
        }
        for print_, group in groups.items()
        for arrival in group
    ]
    if rows:
        writing.conn.execute(insert(sightings), rows)


def _rediagnose(writing: Writing, known: Mapping[bytes, int], arrivals: Mapping[bytes, _Arrival]) -> None:
    """Carry a changed diagnosis of a known row over to its case: the rules have been improved meanwhile.

    The case keeps its place; its fingerprint follows the new diagnosis, so that tomorrow's sighting finds it,
    unless another case already stands there.
    """
    seen: dict[int, _Arrival] = {}
    for key, case in known.items():
        if case not in seen or arrivals[key].failure.failed_at > seen[case].failure.failed_at:
            seen[case] = arrivals[key]
    for chunk in chunks(seen):
        kept = writing.conn.execute(
            select(cases.c.id, cases.c.diagnosis, cases.c.last_seen).where(cases.c.id.in_(chunk))
        )
        stale = [
            seen[row.id]
            for row in kept
            if row.last_seen == seen[row.id].failure.failed_at
            and row.diagnosis != diagnosis_text(seen[row.id].diagnosis)
        ]
        taken = set(_rows_by_fingerprint(writing, {arrival.fingerprint for arrival in stale}))
        for arrival in stale:
            values = _diagnosed(arrival)
            if arrival.fingerprint not in taken:
                values["fingerprint"] = arrival.fingerprint
                taken.add(arrival.fingerprint)
            case = known[arrival.key]
            writing.conn.execute(update(cases).where(cases.c.id == case).values(values))
            writing.audit("case_rediagnosed", case=case, payload={"rule": arrival.diagnosis.rule})
