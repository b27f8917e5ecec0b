"""The vocabulary of writing: changes, their plan, what reviewers say of them, and what came of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from dataclasses import field as default_field
from datetime import datetime
from enum import StrEnum

from remediator.fixing import Candidate
from remediator.model import Confidence, SystemName
from remediator.values import Value


class ChangeState(StrEnum):
    """Where one planned change stands; ``intended`` means a write may or may not have happened."""

    PLANNED = "planned"
    APPROVED = "approved"
    REJECTED = "rejected"
    INTENDED = "intended"
    APPLIED = "applied"
    CONFLICTED = "conflicted"
    FAILED = "failed"
    UNDONE = "undone"


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One field write that a fixer asks for; only the engine writes.

    Attributes:
        id: ``<plan id>-<position>``, unique in the store.
        cases: ids of the cases it is meant to clear; empty in a preventive plan.
        object: Salesforce object for a Salesforce write, ``Lead`` for a Marketo person.
        field: the written system's own field name (Marketo REST name or Salesforce API name).
        salesforce_field: the field as Salesforce calls it, for verification.
        before: value the fixer saw. The engine refuses the write if it has moved since.
        after: value to write; ``None`` clears the field.
        salesforce_id: the linked Salesforce record, ``None`` for a Marketo-only person.
        undoes: id of the change that this one takes back.
    """

    id: str
    cases: tuple[int, ...]
    system: SystemName
    object: str
    record_id: str
    field: str
    before: Value
    after: Value
    fixer: str
    rule: str | None
    confidence: Confidence
    reason: str
    salesforce_field: str | None = None
    salesforce_object: str | None = None
    salesforce_id: str | None = None
    candidates: tuple[Candidate, ...] = ()
    undoes: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DeclinedCase:
    """A case for which a plan changes nothing, and why."""

    case: int
    reason: str
    candidates: tuple[Candidate, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """The dry run: exactly what apply may write, and nothing else.

    Attributes:
        config_hash: hash of the rules and settings it was made under.
        declined: looked at, nothing proposed.
        predicted_api_calls: ``{system: calls}`` that applying and proving it should take.
        predicted_resyncs: records that the native sync will push again.
        predicted_sync_s: seconds the native sync needs for them.
        undo_of: run or change that this plan takes back, else ``None``.
    """

    id: str
    connection: str
    campaign: str | None
    created_at: datetime
    config_hash: str
    changes: tuple[Change, ...]
    declined: tuple[DeclinedCase, ...] = ()
    predicted_api_calls: Mapping[str, int] = default_field(default_factory=dict)
    predicted_resyncs: int = 0
    predicted_sync_s: int = 0
    undo_of: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """A person's (or an earned automatic) word on one change.

    Attributes:
        by: who decided, as the caller names itself.
        after: the value that the reviewer picked instead of the proposed one; only with ``picked``.
    """

    change: str
    approved: bool
    by: str
    note: str = ""
    picked: bool = False
    after: Value = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredChange:
    """A change with where it stands.

    Attributes:
        plan: id of its plan.
        run: id of the run that wrote it, ``None`` before.
        intended_at: when the intent to write was recorded; ``None`` before, and again once it is known that
            nothing was written.
        settled_at: when the outcome was recorded.
        pushed_at: when its record was last pushed to Salesforce by a campaign, ``None`` if it never was.
        note: error or conflict text.
        intact: what it writes where is as it was saved; the store's copy of it has not decayed.
    """

    change: Change
    plan: str
    state: ChangeState
    run: int | None = None
    intended_at: datetime | None = None
    settled_at: datetime | None = None
    pushed_at: datetime | None = None
    note: str | None = None
    intact: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Settlement:
    """The known outcome of an intended write.

    Attributes:
        state: ``applied``, ``conflicted`` or ``failed``; or ``approved`` when the read-back proved that
            nothing was written, so that it may be tried again.
    """

    change: str
    state: ChangeState
    note: str | None = None
