"""Between rows and values; rows do not leave this package."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, TypeAlias, TypeVar

from sqlalchemy import Row

from remediator.changes import Change, ChangeState, StoredChange
from remediator.fixing import Candidate
from remediator.model import (
    Case,
    CaseState,
    Category,
    Confidence,
    Diagnosis,
    FailureLevel,
    Owner,
    Run,
    SyncFailure,
    SystemName,
    Verdict,
)
from remediator.store.columns import canonical
from remediator.store.seals import seal

T = TypeVar("T")

AnyRow: TypeAlias = Row[*tuple[Any, ...]]
"""A row of any columns, as SQLAlchemy gives it."""

PAGE = 500
"""Rows read at a time, so that memory stays flat however many there are."""

CHUNK = 2000
"""Values in one ``IN (...)``; SQLite takes 32,766 at most."""


def chunks(items: Iterable[T], size: int = CHUNK) -> Iterator[list[T]]:
    """Yield the items in lists of at most ``size``."""
    batch: list[T] = []
    for item in items:
        batch.append(item)
        if len(batch) == size:
            yield batch
            batch = []
    if batch:
        yield batch


def diagnosis_text(diagnosis: Diagnosis) -> str:
    """Return a diagnosis as the JSON that the store keeps."""
    return canonical(
        {
            "category": diagnosis.category,
            "code": diagnosis.code,
            "rule": diagnosis.rule,
            "owner": diagnosis.owner,
            "retryable": diagnosis.retryable,
            "confidence": diagnosis.confidence,
            "root_code": diagnosis.root_code,
            "fields": diagnosis.fields,
            "value": diagnosis.value,
            "object": diagnosis.object,
            "related_ids": diagnosis.related_ids,
            "fixers": diagnosis.fixers,
            "reason": diagnosis.reason,
        }
    )


def diagnosis_from(text: str) -> Diagnosis:
    """Return the diagnosis that ``diagnosis_text`` wrote."""
    kept = json.loads(text)
    return Diagnosis(
        category=Category(kept["category"]),
        code=kept["code"],
        rule=kept["rule"],
        owner=Owner(kept["owner"]),
        retryable=kept["retryable"],
        confidence=Confidence(kept["confidence"]),
        root_code=kept["root_code"],
        fields=tuple(kept["fields"]),
        value=kept["value"],
        object=kept["object"],
        related_ids=tuple(kept["related_ids"]),
        fixers=tuple(kept["fixers"]),
        reason=kept["reason"],
    )


def cause_key(failure: SyncFailure, diagnosis: Diagnosis) -> str:
    """Return what many cases share: ``category|code|object|field|rule``."""
    named = failure.object or diagnosis.object or ""
    return "|".join((diagnosis.category, diagnosis.code or "", named, diagnosis.field or "", diagnosis.rule))


def case_from(row: AnyRow) -> Case:
    """Return a case as the rest of the program knows it."""
    return Case(
        id=row.id,
        connection=row.connection,
        fingerprint=row.fingerprint,
        state=CaseState(row.state),
        diagnosis=diagnosis_from(row.diagnosis),
        message=row.message,
        level=FailureLevel(row.level),
        object=row.object,
        marketo_id=row.marketo_id,
        salesforce_id=row.salesforce_id,
        first_seen=row.first_seen,
        last_seen=row.last_seen,
        seen_count=row.seen_count,
        verdict=None if row.verdict is None else Verdict(row.verdict),
        note=row.note,
        assigned_to=row.assigned_to,
        due_at=row.due_at,
    )


def candidates_json(candidates: Sequence[Candidate]) -> list[list[object]]:
    """Return ranked candidates as ``[[value, score]]``."""
    return [[candidate.value, candidate.score] for candidate in candidates]


def candidates_from(kept: Iterable[tuple[str, float]]) -> tuple[Candidate, ...]:
    """Return the candidates that ``candidates_json`` wrote."""
    return tuple(Candidate(value=value, score=score) for value, score in kept)


def change_from(row: AnyRow) -> Change:
    """Return a change without where it stands."""
    return Change(
        id=row.id,
        cases=tuple(row.cases),
        system=SystemName(row.system),
        object=row.object,
        record_id=row.record_id,
        field=row.field,
        before=row.before,
        after=row.after,
        fixer=row.fixer,
        rule=row.rule,
        confidence=Confidence(row.confidence),
        reason=row.reason,
        salesforce_field=row.salesforce_field,
        salesforce_object=row.salesforce_object,
        salesforce_id=row.salesforce_id,
        candidates=candidates_from(row.candidates),
        undoes=row.undoes,
    )


def stored_change_from(row: AnyRow) -> StoredChange:
    """Return a change with where it stands."""
    return StoredChange(
        change=change_from(row),
        plan=row.plan_id,
        state=ChangeState(row.state),
        run=row.run_id,
        intended_at=row.intended_at,
        settled_at=row.settled_at,
        pushed_at=row.resynced_at,
        note=row.note,
        intact=row.seal is None or row.seal == seal(row._asdict()),
    )


def run_from(row: AnyRow) -> Run:
    """Return a run."""
    return Run(
        id=row.id,
        connection=row.connection,
        command=row.command,
        campaign=row.campaign,
        started_at=row.started_at,
        ended_at=row.ended_at,
        outcome=row.outcome,
        counters=row.counters,
    )
