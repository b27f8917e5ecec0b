"""What may go out without a person: earned rule by rule, lost again by failing, and never for some changes.

Pure: the engine gathers what became of earlier changes; here it is judged.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from remediator.changes import Change, Decision
from remediator.model import Confidence
from remediator.policy import approve

PERSONS_FIXERS = frozenset({"owner", "junk-flag", "stale-reference"})
"""Fixers whose proposals a person must decide on, however sure they are (DESIGN.md, 4, promise 12)."""

PERSONS_FIELDS = frozenset(
    {
        "OwnerId", "RecordTypeId", "MasterRecordId", "IsDeleted", "AccountId", "ReportsToId", "CampaignId",
        "sfdcLeadOwnerId", "sfdcContactOwnerId", "sfdcAccountOwnerId",
    }
)  # fmt: skip
"""Fields that give a record to somebody, merge, delete or re-link it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """What became of one applied change.

    Attributes:
        rule: rule of the failure, or ``fixer NAME`` for what counts towards preventive changes.
        good: proven by re-reading; ``False`` = failed again, was changed back, or was taken back.
    """

    rule: str
    good: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """A rule's record so far.

    Attributes:
        streak: the most changes in a row that were proven without one reopened between them.
    """

    proven: int = 0
    reopened: int = 0
    streak: int = 0

    @property
    def reopened_percent(self) -> float:
        """Reopened changes as a share of all that were judged; 0 without any."""
        judged = self.proven + self.reopened
        return 100 * self.reopened / judged if judged else 0.0


def rule_of(change: Change) -> str:
    """Return under which name a change's success is counted: its rule's, or its fixer's if nothing failed."""
    return change.rule or f"fixer {change.fixer}"


def standings(judged: Iterable[Judged]) -> dict[str, Standing]:
    """Sum up what became of changes, given oldest first."""
    found: dict[str, Standing] = {}
    running: dict[str, int] = {}
    for item in judged:
        before = found.get(item.rule, Standing())
        running[item.rule] = running.get(item.rule, 0) + 1 if item.good else 0
        found[item.rule] = Standing(
            proven=before.proven + item.good,
            reopened=before.reopened + (not item.good),
            streak=max(before.streak, running[item.rule]),
        )
    return found


def why_not_earned(
    rule: str, standing: Standing, *, approved: int, max_reopened_percent: float
) -> str | None:
    """Say why a rule's changes need a person, ``None`` when they do not.

    Args:
        rule: its name, for the sentence.
        standing: its record.
        approved: changes in a row that it must have had proven.
        max_reopened_percent: reopened share that it may have at most.
    """
    if standing.streak < approved:
        return f"{rule}: {standing.streak} of {approved} approved changes in a row are proven"
    if standing.reopened_percent > max_reopened_percent:
        return (
            f"{rule}: {standing.reopened} of {standing.proven + standing.reopened} changes were reopened, "
            f"more than {max_reopened_percent:g} %"
        )
    return None


def lost(known: Mapping[str, Standing], *, approved: int, max_reopened_percent: float) -> str | None:
    """Say which rule had earned its way and lost it by what was reopened, ``None`` if none did."""
    return next(
        (
            why_not_earned(rule, standing, approved=approved, max_reopened_percent=max_reopened_percent)
            for rule, standing in sorted(known.items())
            if standing.streak >= approved and standing.reopened_percent > max_reopened_percent
        ),
        None,
    )


def persons_only(change: Change, *, flag_fields: frozenset[str] = frozenset()) -> str | None:
    """Say why a change is never automatic, ``None`` when it may be.

    Args:
        change: what would be written.
        flag_fields: fields that take a record out of the sync, as the junk-flag fixer's options name them.
    """
    if change.fixer in PERSONS_FIXERS:
        return f"what {change.fixer} proposes is never automatic"
    names = {change.field, change.salesforce_field}
    if names & PERSONS_FIELDS or any(name and name.endswith("OwnerId") for name in names):
        return f"{change.field} decides whose record it is or what it belongs to: never automatic"
    if names & flag_fields:
        return f"{change.field} takes a record out of the sync: never automatic"
    return None


def decide(
    changes: Sequence[Change], *, needs_person: Mapping[str, str], by: str, floor: Confidence
) -> list[Decision]:
    """Approve what may go out without a person; what stands together goes together or not at all.

    Args:
        changes: the whole plan.
        needs_person: ``{change id: why}``.
        by: who signs.
        floor: surest class that is needed; weak changes never pass.
    """
    floor = floor if floor is not Confidence.WEAK else Confidence.STRONG
    records: dict[tuple[str, str], int] = {}
    weighed: list[Change] = []
    for change in changes:
        # The changes of a record belong together also where no case ties them.
        record = records.setdefault((change.system, change.record_id), -1 - len(records))
        confidence = Confidence.WEAK if change.id in needs_person else change.confidence
        weighed.append(replace(change, confidence=confidence, cases=(*change.cases, record)))
    return approve(weighed, by=by, floor=floor)
