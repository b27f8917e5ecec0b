"""Builders for requests to fixers, so that a test shows only what it is about."""

from __future__ import annotations

from collections.abc import Mapping

from remediator.api import (
    Confidence,
    Declined,
    FieldDescription,
    Fixer,
    FixRequest,
    PicklistEntry,
    Proposal,
    Value,
)


def a_field(type: str = "string", name: str = "Field__c", **about: object) -> FieldDescription:  # noqa: A002 - the describe key
    """Describe a field called ``name``; its label is the word Field."""
    return FieldDescription(name=name, label="Field", type=type, **about)  # type: ignore[arg-type]  # a test's shorthand


def entries(*values: str) -> tuple[PicklistEntry, ...]:
    """Return active entries whose labels are their values."""
    return tuple(PicklistEntry(value=value, label=value) for value in values)


def ask(
    fixer: Fixer,
    value: Value,
    field: FieldDescription,
    *,
    options: Mapping[str, object] | None = None,
    record: Mapping[str, Value] | None = None,
    fields: tuple[FieldDescription, ...] = (),
) -> Proposal | Declined:
    """Ask a fixer about a value of a Lead's field."""
    request = FixRequest(
        object="Lead",
        field=field,
        record={**(record or {}), field.name: value},
        fields={other.name: other for other in fields},
        options=options or {},
    )
    return fixer.propose(request)


def repaired(answer: Proposal | Declined) -> Value:
    """Return the proposed value; a decline fails the test with its reason."""
    assert isinstance(answer, Proposal), answer
    (edit,) = answer.edits
    return edit.after


def sureness(answer: Proposal | Declined) -> Confidence:
    """Return the proposal's confidence; a decline fails the test with its reason."""
    assert isinstance(answer, Proposal), answer
    return answer.confidence


def refused(answer: Proposal | Declined) -> str:
    """Return the decline's reason; a proposal fails the test."""
    assert isinstance(answer, Declined), answer
    return answer.reason
