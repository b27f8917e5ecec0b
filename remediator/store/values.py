"""Values that the store takes and gives beside the shared vocabulary."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime

from remediator.changes import ChangeState
from remediator.lifecycle import UNSETTLED
from remediator.model import CaseState, Category, SystemName, Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class TakeResult:
    """What one batch of failures came to; ``new + again + duplicates`` is the number of rows.

    Attributes:
        new: cases opened.
        again: further sightings of cases that were known.
        duplicates: rows that had been taken in before.
        reopened: settled or snoozed cases that failed again.
    """

    new: int = 0
    again: int = 0
    duplicates: int = 0
    reopened: int = 0

    def __add__(self, other: TakeResult) -> TakeResult:
        """Add up two batches."""
        return TakeResult(
            new=self.new + other.new,
            again=self.again + other.again,
            duplicates=self.duplicates + other.duplicates,
            reopened=self.reopened + other.reopened,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseQuery:
    """Which cases are meant; every condition that is given must hold.

    Attributes:
        cause: a cause's key, as ``Cause.key`` has it.
        ids: case ids; an empty collection selects none.
        due_before: cases whose ``due_at`` is at or before this moment.
        records: cases whose Marketo or Salesforce id (18 characters) is one of these.
        text: found in the message, the record ids or the note, in any case.
        limit: at most so many, lowest ids first.
    """

    states: Collection[CaseState] | None = None
    categories: Collection[Category] | None = None
    cause: str | None = None
    object: str | None = None
    ids: Collection[int] | None = None
    due_before: datetime | None = None
    records: Collection[str] | None = None
    text: str | None = None
    limit: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempts:
    """How often a case was tried again without a change, and when last."""

    count: int
    last_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """How many cases and changes stand where."""

    states: Mapping[CaseState, int]
    verdicts: Mapping[Verdict, int]
    changes: Mapping[ChangeState, int]

    @property
    def open(self) -> int:
        """Cases that are open work."""
        return sum(count for state, count in self.states.items() if state in UNSETTLED)

    @property
    def cleared(self) -> int:
        """Cases proven gone."""
        return self.states.get(CaseState.CLEARED, 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseMove:
    """One step of one case; it is skipped when the case is no longer in ``before``.

    Attributes:
        note: replaces the case's note; ``None`` empties it.
        verdict: replaces the case's verdict; ``None`` keeps the one it has.
        due_at: replaces the case's due time; ``None`` empties it.
    """

    case: int
    before: CaseState
    after: CaseState
    note: str | None = None
    verdict: Verdict | None = None
    due_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Sighting:
    """One time a case was reported.

    Attributes:
        origin: where it stood, for people: ``errors.csv:17``.
        run: run that took it in.
    """

    case: int
    failed_at: datetime
    source: str
    operation: str | None
    origin: str | None
    run: int | None
    taken_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanSummary:
    """One row of the plans table.

    Attributes:
        states: ``{state: changes in it}``.
        declined: cases for which it changes nothing.
    """

    id: str
    created_at: datetime
    campaign: str | None
    undo_of: str | None
    states: Mapping[ChangeState, int]
    declined: int


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditCheck:
    """What walking the audit chain showed.

    Attributes:
        entries: links that were walked.
        erased: links whose payload was erased, on request or by age, and which say so.
        removed: older links that were removed by age, behind a signed anchor that the first link follows.
        removed_before: the policy's moment then: all of them were older, by what the chain says.
        broken_at: first position that does not hold, ``None`` when all do.
        reason: what is wrong there.
    """

    entries: int
    erased: int
    intact: bool
    removed: int = 0
    removed_before: str | None = None
    broken_at: int | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportCheck:
    """What walking an exported chain showed, by itself.

    Attributes:
        first: position of its first entry; older ones had been removed by age, and a later one says so.
        last: last position that holds.
        erased: links whose payload had been erased, on request or by age, and which say so.
        broken_at: first position that does not hold, ``None`` when all do.
        reason: what is wrong there.
    """

    file: str
    connection: str
    first: int
    last: int
    erased: int
    intact: bool
    broken_at: int | None
    reason: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Cutoffs:
    """What retention takes away: what is older than its moment; ``None`` keeps all."""

    cases: datetime | None = None
    sightings: datetime | None = None
    runs: datetime | None = None
    intakes: datetime | None = None
    ticks: datetime | None = None
    notices: datetime | None = None
    api_calls: datetime | None = None
    audit_payloads: datetime | None = None
    audit_entries: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Whom to erase; at least one of the three.

    Attributes:
        email: finds texts that mention it, but no record of which nothing mentions it.
    """

    marketo_id: str | None = None
    salesforce_id: str | None = None
    email: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Erased:
    """What went when a person was erased.

    Attributes:
        entries: audit entries whose details were emptied.
        mentions: other rows that mentioned the e-mail address.
    """

    cases: int
    changes: int
    entries: int
    mentions: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Lease:
    """The right to write, for a time.

    Attributes:
        token: grows with every change of hands; the write gate compares it.
        ttl_s: seconds it lasts after each renewal.
    """

    name: str
    holder: str
    token: int
    ttl_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Pause:
    """Why writes are stopped, by whom and since when."""

    why: str
    by: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class CampaignState:
    """What is remembered of a campaign.

    Attributes:
        last_run_at: when its last run began; preventive changes due by then have been proven.
        demoted: it ran in auto mode and lost it; reviewers must approve until somebody restores it.
        note: why it was demoted.
    """

    name: str
    first_run_at: datetime
    last_run_at: datetime
    demoted: bool = False
    note: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DayCount:
    """Changes sent since some moment: how many in all and by ``system.field``, and the records' ids."""

    total: int
    by_field: Mapping[str, int]
    records: Mapping[SystemName, frozenset[str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """The last thing that was said under a key, so that only a change of state is said again."""

    key: str
    state: str
    sent_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap:
    """A stretch of time whose failures left the vendor's five-day tab before anybody exported them."""

    from_at: datetime
    to_at: datetime
