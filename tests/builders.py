"""Values for tests: every builder has harmless defaults, and a test names only what it is about."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime

from remediator.changes import Change, DeclinedCase, Plan
from remediator.model import Category, Confidence, Diagnosis, Owner, SyncFailure, SystemName

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
"""The moment at which tests play unless they say otherwise."""

A_FAILURE = SyncFailure(
    failed_at=NOON,
    message="There's a problem with this country, even though it may appear correct.",
    source="sync_errors_csv",
    marketo_id="1001",
    salesforce_id="00Q5g00000AbCdEEAV",
    object="Lead",
    operation="update",
    origin="errors.csv:2",
)

A_DIAGNOSIS = Diagnosis(
    category=Category.INVALID_PICKLIST,
    code="FIELD_INTEGRITY_EXCEPTION",
    rule="bad-country",
    owner=Owner.REMEDIATOR,
    retryable=False,
    confidence=Confidence.EXACT,
    root_code="FIELD_INTEGRITY_EXCEPTION",
    fields=("Country",),
    value="Untied States",
    object="Lead",
    related_ids=("0015g00000XyZzAAAV",),
    fixers=("country",),
    reason="the text of Salesforce's country check",
)

A_CHANGE = Change(
    id="p1-1",
    cases=(),
    system=SystemName.MARKETO,
    object="Lead",
    record_id="1001",
    field="country",
    before="Untied States",
    after="United States",
    fixer="country",
    rule="bad-country",
    confidence=Confidence.STRONG,
    reason="one letter apart from United States",
    salesforce_field="Country",
    salesforce_object="Lead",
    salesforce_id="00Q5g00000AbCdEEAV",
)

A_PLAN = Plan(
    id="p1",
    connection="main",
    campaign=None,
    created_at=NOON,
    config_hash="c0ffee",
    changes=(),
    predicted_api_calls={"marketo": 2, "salesforce": 1},
    predicted_resyncs=1,
    predicted_sync_s=300,
)


def a_failure(number: int | None = None, **fields: object) -> SyncFailure:
    """Return a failure; with ``number``, of a record of that number, else of one and the same record."""
    if number is not None:
        fields = {"marketo_id": str(1000 + number), "salesforce_id": None} | fields
    return replace(A_FAILURE, **fields)  # type: ignore[arg-type]  # the names are checked by replace itself


def a_diagnosis(**fields: object) -> Diagnosis:
    """Return a diagnosis: a misspelt country."""
    return replace(A_DIAGNOSIS, **fields)  # type: ignore[arg-type]  # the names are checked by replace itself


def a_lock(**fields: object) -> Diagnosis:
    """Return a diagnosis that needs no change, only another try: a locked row."""
    lock: dict[str, object] = {
        "category": Category.TRANSIENT,
        "code": "UNABLE_TO_LOCK_ROW",
        "root_code": "UNABLE_TO_LOCK_ROW",
        "owner": Owner.REMEDIATOR,
        "retryable": True,
        "fields": (),
        "value": None,
        "fixers": (),
        "related_ids": (),
    }
    return a_diagnosis(**(lock | fields))


def a_change(name: str = "p1-1", **fields: object) -> Change:
    """Return a change, of that id, that spells a country right."""
    return replace(A_CHANGE, id=name, **fields)  # type: ignore[arg-type]  # the names are checked by replace itself


def a_plan(
    name: str = "p1",
    changes: Sequence[Change] = (),
    *,
    declined: Sequence[DeclinedCase] = (),
    **fields: object,
) -> Plan:
    """Return a plan, of that id, with these changes."""
    kept = {"id": name, "changes": tuple(changes), "declined": tuple(declined)} | fields
    return replace(A_PLAN, **kept)  # type: ignore[arg-type]  # the names are checked by replace itself
