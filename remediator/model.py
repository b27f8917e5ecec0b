"""The vocabulary: frozen values that every stage of the pipeline passes on.

A stage returns new values and never edits the ones it was given. SQLAlchemy rows, vendor payloads and
CSV rows are turned into these at the door and never travel further in.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from dataclasses import field as default_field
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import TypeAlias

Value: TypeAlias = str | int | float | bool | None
"""A field's value as JSON carries it; ``None`` is an empty field."""

Record: TypeAlias = Mapping[str, Value]
"""One record as ``{field: value}``. A field that is absent was not read; an empty one is ``None``."""

Options: TypeAlias = Mapping[str, object]
"""A fixer's options, ``{name: scalar, list or mapping}``, checked by the fixer itself."""


class Category(StrEnum):
    """What kind of refusal it is; it decides who can act and whether a retry makes sense."""

    PERMISSION = "permission"
    INVALID_PICKLIST = "invalid_picklist"
    BAD_DATA = "bad_data"
    MISSING_REQUIRED = "missing_required"
    DUPLICATE = "duplicate"
    VALIDATION_RULE = "validation_rule"
    AUTOMATION_FAILURE = "automation_failure"
    RECORD_LOCKED = "record_locked"
    STALE_REFERENCE = "stale_reference"
    LIMIT_OR_QUOTA = "limit_or_quota"
    TRANSIENT = "transient"
    CONFIGURATION = "configuration"
    UNKNOWN = "unknown"


class Owner(StrEnum):
    """Who must act for the failure to go away."""

    REMEDIATOR = "remediator"
    MARKETING_OPS = "marketing_ops"
    SALESFORCE_ADMIN = "salesforce_admin"
    VENDOR = "vendor"


class Confidence(StrEnum):
    """How sure a diagnosis or a proposal is.

    ``exact`` and ``strong`` are measured classes (right in 99.9 % and 99 % of cases); ``weak`` is
    everything else and is never applied without a person.
    """

    EXACT = "exact"
    STRONG = "strong"
    WEAK = "weak"

    def at_least(self, floor: Confidence) -> bool:
        """Say whether this is as sure as ``floor`` or surer."""
        order = (Confidence.WEAK, Confidence.STRONG, Confidence.EXACT)
        return order.index(self) >= order.index(floor)


class SystemName(StrEnum):
    """The two systems that are read and written."""

    MARKETO = "marketo"
    SALESFORCE = "salesforce"


class FailureLevel(StrEnum):
    """What a failure report is about: one record, or a whole sync job (then no record is named)."""

    RECORD = "record"
    JOB = "job"


class CaseState(StrEnum):
    """Where a case stands; the allowed moves are in ``remediator.lifecycle``."""

    OPEN = "open"
    PROPOSED = "proposed"
    APPROVED = "approved"
    APPLYING = "applying"
    VERIFYING = "verifying"
    CLEARED = "cleared"
    DECLINED = "declined"
    CONFLICTED = "conflicted"
    RETRYING = "retrying"
    DEAD = "dead"
    SNOOZED = "snoozed"
    RESOLVED = "resolved"


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


class Verdict(StrEnum):
    """What re-reading both systems showed after a fix."""

    CLEARED = "cleared"
    SAME_ERROR = "same_error"
    NEW_ERROR = "new_error"
    REVERTED = "reverted"


@dataclass(frozen=True, slots=True, kw_only=True)
class SyncFailure:
    """One refusal as a source reported it.

    Attributes:
        failed_at: when it failed, aware UTC.
        message: the raw text, unchanged.
        source: name of the source that read it, e.g. ``sync_errors_csv``.
        level: record or job; a job-level failure names no record.
        marketo_id: Marketo lead id as text, ``None`` if the source does not say.
        salesforce_id: 15 or 18 character id as reported, ``None`` if the source does not say.
        object: Salesforce object API name as far as known, e.g. ``Lead``.
        operation: what the sync tried, as reported (``Push updates``, ``insert`` ...).
        fields: Salesforce API names that the source itself gives beside the text.
        origin: where it stood, for people: ``errors.csv:17``.
    """

    failed_at: datetime
    message: str
    source: str
    level: FailureLevel = FailureLevel.RECORD
    marketo_id: str | None = None
    salesforce_id: str | None = None
    object: str | None = None
    operation: str | None = None
    fields: tuple[str, ...] = ()
    origin: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Rejected:
    """A row of a source that could not be taken in.

    Attributes:
        line: 1-based line of the file on which the row starts.
        reason: what is wrong with it and what was expected.
        row: the raw cells, so that nothing is lost.
    """

    line: int
    reason: str
    row: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagnosis:
    """What a failure's text means.

    Attributes:
        code: the outermost vendor code that the text carries or implies, e.g. ``STRING_TOO_LONG``.
        root_code: the innermost code under wrappers (trigger, flow, DML), else equal to ``code``.
        fields: field API names or labels named by the text, in its order.
        value: the refused value as far as the text shows it.
        object: Salesforce object that the text names, ``None`` if it names none.
        related_ids: record ids the text quotes (lock holders, duplicates, owners).
        rule: id of the rule that matched; ``unknown`` has one too.
        owner: who must act.
        retryable: the same write may succeed later with nothing changed.
        confidence: of the classification, not of any fix.
        fixers: names of fixers to try, in order.
        reason: one sentence for people: why this rule, or why nothing better than ``unknown``.
    """

    category: Category
    code: str | None
    rule: str
    owner: Owner
    retryable: bool
    confidence: Confidence
    root_code: str | None = None
    fields: tuple[str, ...] = ()
    value: str | None = None
    object: str | None = None
    related_ids: tuple[str, ...] = ()
    fixers: tuple[str, ...] = ()
    reason: str = ""

    @property
    def field(self) -> str | None:
        """The named fields joined by ``;``, or ``None``: the form that `classify --json` prints."""
        return ";".join(self.fields) or None


@dataclass(frozen=True, slots=True, kw_only=True)
class PicklistEntry:
    """One value of a picklist.

    Attributes:
        value: what is stored. For a state/country text field this is the integration value.
        label: what people see.
        code: for states and countries the org's own code (need not be ISO's), else ``None``.
        valid_for: positions of controlling values it is allowed with; ``None`` = not dependent.
    """

    value: str
    label: str
    active: bool = True
    default: bool = False
    code: str | None = None
    valid_for: frozenset[int] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldDescription:
    """What both systems say about one field, under its Salesforce API name.

    Attributes:
        name: Salesforce API name.
        type: Salesforce type word (``string``, ``picklist``, ``email``, ``double`` ...).
        length: limit in characters for text, ``None`` where there is none.
        precision: total digits of a number; ``scale`` of them after the point.
        required: Salesforce refuses an empty value on create.
        restricted: values outside ``picklist`` are refused.
        picklist: entries in describe order (positions matter for ``PicklistEntry.valid_for``).
        controller: name of the controlling field of a dependent picklist; for a state, its country.
        role: ``country`` or ``state`` for the text fields of state/country picklists, else ``None``.
        marketo_name: Marketo REST name that is synced to it, ``None`` if unmapped.
        marketo_updateable: Marketo lets the API write it (describe2, and not a company field).
        marketo_length: Marketo's own text limit.
        default: value that the settings give for an empty required field.
    """

    name: str
    label: str
    type: str
    length: int | None = None
    precision: int | None = None
    scale: int | None = None
    required: bool = False
    createable: bool = True
    updateable: bool = True
    restricted: bool = False
    picklist: tuple[PicklistEntry, ...] = ()
    controller: str | None = None
    role: str | None = None
    marketo_name: str | None = None
    marketo_updateable: bool = False
    marketo_length: int | None = None
    default: Value = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FixRequest:
    """Everything a fixer may know; frozen, so a fixer can be pure.

    Attributes:
        object: Salesforce object, e.g. ``Lead``.
        field: the failing field.
        record: ``{Salesforce API name: value}`` as the sync would send it. Restricted to the failing field
            and to the fields whose role or name the fixer lists in ``reads``, when it lists any.
        fields: descriptions of the object's other fields, by API name.
        diagnosis: ``None`` in a preventive campaign, where nothing has failed yet.
        options: the fixer's options from campaign or settings, ``{name: scalar or list or mapping}``.
    """

    object: str
    field: FieldDescription
    record: Record
    fields: Mapping[str, FieldDescription] = default_field(default_factory=dict)
    diagnosis: Diagnosis | None = None
    options: Options = default_field(default_factory=dict)

    @property
    def value(self) -> Value:
        """The failing field's value on the record."""
        return self.record.get(self.field.name)


@dataclass(frozen=True, slots=True, kw_only=True)
class Edit:
    """A field and the value it should get; ``None`` clears it."""

    field: str
    after: Value


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A value that a reviewer may pick, with a score from 0 to 100."""

    value: str
    score: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """Changes that would clear the failure.

    Attributes:
        edits: written together, in this order (country before state).
        reason: one sentence a reviewer can judge by.
        candidates: ranked alternatives, best first, the proposed one among them.
    """

    edits: tuple[Edit, ...]
    confidence: Confidence
    reason: str
    candidates: tuple[Candidate, ...] = ()


@dataclass(frozen=True, slots=True)
class Declined:
    """No safe change is known.

    Attributes:
        reason: a sentence that a person can act on. Never empty.
        candidates: what a person may pick from, best first.
        passing: this fixer has no say here (not its kind of field, nothing wrong that it could see), so
            the reason only counts when no other fixer has a better one.
    """

    reason: str
    candidates: tuple[Candidate, ...] = ()
    passing: bool = False

    def __post_init__(self) -> None:
        if not self.reason.strip():
            raise ValueError("Declined needs a reason that a person can act on")


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One failure on its way, however often it was reported.

    Attributes:
        fingerprint: hash of what makes it the same failure (see ``fingerprint``).
        seen_count: distinct sightings; the same row of two overlapping exports is one.
        note: why it stands where it stands (the decline reason, the conflict ...).
    """

    id: int
    connection: str
    fingerprint: str
    state: CaseState
    diagnosis: Diagnosis
    message: str
    level: FailureLevel
    object: str | None
    marketo_id: str | None
    salesforce_id: str | None
    first_seen: datetime
    last_seen: datetime
    seen_count: int
    verdict: Verdict | None = None
    note: str | None = None
    assigned_to: str | None = None
    due_at: datetime | None = None


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
        intended_at: when the intent to write was recorded.
        settled_at: when the outcome was recorded.
        pushed_at: when its record was last pushed to Salesforce by a campaign, ``None`` if it never was.
        note: error or conflict text.
    """

    change: Change
    plan: str
    state: ChangeState
    run: int | None = None
    intended_at: datetime | None = None
    settled_at: datetime | None = None
    pushed_at: datetime | None = None
    note: str | None = None


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Cause:
    """What many cases share: one row of the causes table.

    Attributes:
        key: stable text key, ``category|code|object|field|rule``.
        sample: the latest raw message.
    """

    key: str
    category: Category
    code: str | None
    object: str | None
    field: str | None
    rule: str
    owner: Owner
    open_cases: int
    cleared_cases: int
    total_cases: int
    first_seen: datetime
    last_seen: datetime
    sample: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One invocation that read or wrote something.

    Attributes:
        outcome: ``running``, ``ok``, ``partial``, ``stopped`` or ``failed``.
        counters: what it did, ``{name: count}``.
    """

    id: int
    connection: str
    command: str
    campaign: str | None
    started_at: datetime
    ended_at: datetime | None
    outcome: str
    counters: Mapping[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditEntry:
    """One link of the hash-chained audit log.

    Attributes:
        seq: position in the connection's chain, from 1.
        event: stable snake_case name, e.g. ``change_intended``.
        payload: details with personal data; ``None`` once erased (its digest stays in the chain).
        hash: SHA-256 over the previous hash and this entry's fixed part.
    """

    seq: int
    connection: str
    at: datetime
    actor: str
    event: str
    run: int | None
    case: int | None
    change: str | None
    payload: Mapping[str, object] | None
    payload_digest: str
    previous: str
    hash: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessRequest:
    """One precise request to the Salesforce admin, never carried out by us.

    Attributes:
        grant: the sentence to act on, ``Grant edit on Lead.Score__c to the sync user``.
        cases: how many open cases it would clear.
    """

    grant: str
    kind: str
    object: str | None
    fields: tuple[str, ...]
    cases: int
    sample: str


def same_value(left: Value, right: Value) -> bool:
    """Say whether two reads show the same field value.

    Marketo stores an empty text as null, numbers come back as ``5`` or ``5.0``, and one moment as
    ``...T10:00:00Z`` or ``...T10:00:00.000+0000``. Other text is compared exactly, because an invisible
    character may be the very thing a fix removed.
    """
    if left in (None, "") and right in (None, ""):
        return True
    if isinstance(left, bool) or isinstance(right, bool):
        return str(left).lower() == str(right).lower()
    if isinstance(left, int | float) or isinstance(right, int | float):
        one, other = _number(left), _number(right)
        return one is not None and one == other
    if isinstance(left, str) and isinstance(right, str) and left != right:
        moment = _moment(left)
        return moment is not None and moment == _moment(right)
    return left == right


_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,3})?", re.ASCII)
_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d{1,6})?)?(Z|[+-]\d\d:?\d\d)", re.ASCII)


def _number(value: Value) -> Decimal | None:
    # Not float(): it takes "1_000" and "nan", and it merges large integers that differ.
    text = str(value)
    return Decimal(text) if _NUMBER.fullmatch(text) else None


def _moment(text: str) -> datetime | None:
    if not _MOMENT.fullmatch(text):
        return None
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None
