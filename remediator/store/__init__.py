"""SQLAlchemy tables, the Store class and Alembic migrations; rows do not leave this package."""

from remediator.store.aliases import Alias, AliasKey
from remediator.store.running import Running
from remediator.store.store import Store
from remediator.store.values import (
    Attempts,
    AuditCheck,
    CampaignState,
    CaseMove,
    CaseQuery,
    Cutoffs,
    DayCount,
    Erased,
    ExportCheck,
    Gap,
    Lease,
    Notice,
    Pause,
    Person,
    PlanSummary,
    Sighting,
    TakeResult,
    Tally,
)

__all__ = [
    "Alias",
    "AliasKey",
    "Attempts",
    "AuditCheck",
    "CampaignState",
    "CaseMove",
    "CaseQuery",
    "Cutoffs",
    "DayCount",
    "Erased",
    "ExportCheck",
    "Gap",
    "Lease",
    "Notice",
    "Pause",
    "Person",
    "PlanSummary",
    "Running",
    "Sighting",
    "Store",
    "TakeResult",
    "Tally",
]
