"""What the native sync leaves behind: rows of its two admin tabs, and who is out of step."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

KEPT = timedelta(days=5)
"""How far back both admin tabs reach (marketo.md 7.6 and 7.7)."""

OBJECT_WORDS: Mapping[str, str] = {"Lead": "Person (Lead)", "Contact": "Contact", "Account": "Account"}


@dataclass(frozen=True, slots=True, kw_only=True)
class SyncErrorRow:
    """One row of the Sync Errors tab.

    Attributes:
        level: ``Record Level`` or ``Job Level``.
        object: Salesforce's object name; ``None`` for a job.
    """

    failed_on: datetime
    level: str
    details: str
    marketo_id: int | None = None
    salesforce_id: str | None = None
    object: str | None = None
    operation: str | None = None


@dataclass(slots=True, kw_only=True)
class SyncStatusRow:
    """One row of the Sync Status tab: one operation on one object in one cycle."""

    object: str
    operation: str
    started: datetime
    ended: datetime
    new: int = 0
    updated: int = 0
    deleted: int = 0
    failed: int = 0
    skipped: int = 0

    @property
    def status(self) -> str:
        """Marketo's word for how it ended; failed records do not make a failed job."""
        return "Succeeded"


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """A person whom Salesforce refused and who has been out of step since.

    Attributes:
        fields: Salesforce fields that Salesforce named.
        tried: Salesforce fields that the refused write held.
    """

    marketo_id: int
    salesforce_id: str | None
    object: str
    code: str
    message: str
    fields: tuple[str, ...]
    tried: tuple[str, ...]
    at: datetime


@dataclass(slots=True, kw_only=True)
class CycleReport:
    """What one cycle did, as one status row per object and operation.

    Attributes:
        waiting: records left for later cycles because the hour's throughput is used up.
    """

    rows: list[SyncStatusRow] = field(default_factory=list)
    waiting: int = 0

    @property
    def pushed(self) -> int:
        """Records that Salesforce accepted."""
        return sum(row.updated for row in self.rows if row.operation == "Push updates")

    @property
    def pulled(self) -> int:
        """People that changed in Marketo."""
        return sum(
            row.new + row.updated + row.deleted for row in self.rows if row.operation != "Push updates"
        )

    @property
    def refused(self) -> int:
        """Records that Salesforce refused."""
        return sum(row.failed for row in self.rows)
