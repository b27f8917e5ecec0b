"""Case states and the moves between them, in one table.

Pure: the store applies a move and its audit entry in one transaction, and refuses what this table refuses.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from remediator.errors import RemediatorError
from remediator.model import CaseState

S = CaseState

MOVES: Mapping[CaseState, frozenset[CaseState]] = MappingProxyType(
    {
        # A plan proposes or declines; a retry needs no change; a person may settle it by hand; it may be
        # gone when we look again.
        S.OPEN: frozenset({S.PROPOSED, S.DECLINED, S.RETRYING, S.SNOOZED, S.RESOLVED, S.CLEARED}),
        # Back to open when its plan is rejected, replaced or out of date.
        S.PROPOSED: frozenset({S.APPROVED, S.OPEN, S.DECLINED, S.SNOOZED, S.RESOLVED, S.CLEARED}),
        S.APPROVED: frozenset({S.APPLYING, S.OPEN, S.CONFLICTED, S.RESOLVED}),
        # Back to approved only when a read-back proved that nothing was written.
        S.APPLYING: frozenset({S.VERIFYING, S.APPROVED, S.CONFLICTED, S.DECLINED}),
        # Looked at again and not there yet: stays, with a later due time. The same for a retry.
        S.VERIFYING: frozenset({S.VERIFYING, S.CLEARED, S.OPEN, S.CONFLICTED}),
        S.RETRYING: frozenset({S.RETRYING, S.VERIFYING, S.CLEARED, S.OPEN, S.DEAD, S.RESOLVED}),
        S.CONFLICTED: frozenset({S.OPEN, S.CLEARED, S.RESOLVED, S.SNOOZED}),
        S.DECLINED: frozenset({S.OPEN, S.PROPOSED, S.SNOOZED, S.RESOLVED, S.CLEARED}),
        S.DEAD: frozenset({S.OPEN, S.RESOLVED, S.CLEARED}),
        S.SNOOZED: frozenset({S.OPEN, S.RESOLVED, S.CLEARED}),
        # A newer failure, or an undo, opens it again.
        S.CLEARED: frozenset({S.OPEN}),
        S.RESOLVED: frozenset({S.OPEN}),
    }
)

UNSETTLED: frozenset[CaseState] = frozenset(CaseState) - {S.CLEARED, S.RESOLVED}
"""States that count as open work."""

PLANNABLE: frozenset[CaseState] = frozenset({S.OPEN, S.PROPOSED, S.DECLINED, S.CONFLICTED})
"""States whose cases a new plan may take up; it replaces what an older, undecided plan said of them."""


class IllegalMove(RemediatorError):
    """A case was asked to go where the table does not lead."""


def check_move(before: CaseState, after: CaseState) -> None:
    """Raise ``IllegalMove`` unless the table allows the move."""
    if after not in MOVES[before]:
        allowed = ", ".join(sorted(MOVES[before]))
        raise IllegalMove(f"a case cannot go from {before} to {after}; from {before} it can go to: {allowed}")
