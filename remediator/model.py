"""The vocabulary: frozen values that every stage of the pipeline passes on.

A stage returns new values and never edits the ones it was given. SQLAlchemy rows, vendor payloads and
CSV rows are turned into these at the door and never travel further in. What a fixer sees and answers is
in ``fixing``, what is planned, decided and written in ``changes``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


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
