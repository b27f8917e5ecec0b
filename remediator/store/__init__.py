"""SQLAlchemy tables, the Store class and Alembic migrations; rows do not leave this package."""

from remediator.store.store import Store
from remediator.store.values import (
    Attempts,
    AuditCheck,
    CaseMove,
    CaseQuery,
    PlanSummary,
    Sighting,
    TakeResult,
    Tally,
)

__all__ = [
    "Attempts",
    "AuditCheck",
    "CaseMove",
    "CaseQuery",
    "PlanSummary",
    "Sighting",
    "Store",
    "TakeResult",
    "Tally",
]
