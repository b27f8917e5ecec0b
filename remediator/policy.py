"""What may be written, decided on the whole plan before the first write.

Pure: limits and approvals. The engine asks; nothing here writes.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from remediator.changes import Change, Decision
from remediator.errors import LimitReached
from remediator.model import Confidence, SystemName


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Bounds of one run.

    Attributes:
        max_changes: changes at most.
        max_percent: changed records at most, as a share of ``population``.
    """

    max_changes: int
    max_percent: float = 100.0


def check_limits(
    changes: Iterable[Change], limits: Limits, *, population: Mapping[SystemName, int] | None = None
) -> None:
    """Raise ``LimitReached`` when the whole set is over a limit, so that nothing of it is written.

    Args:
        population: records of each system that the share is taken of; without it only counts hold.
    """
    listed = list(changes)
    if len(listed) > limits.max_changes:
        raise LimitReached(
            f"{len(listed)} changes are more than limits.max_changes ({limits.max_changes}); nothing was "
            "written. Approve fewer, or raise the limit if that many is right",
            limit="max_changes",
        )
    for system, total in (population or {}).items():
        touched = len({change.record_id for change in listed if change.system is system})
        # Asked this way round, a limit that is no number (NaN) lets nothing through.
        if touched and not 100 * touched <= limits.max_percent * total:
            raise LimitReached(
                f"{touched} of {total} {system} records are more than limits.max_percent "
                f"({limits.max_percent:g} %); nothing was written. Approve fewer, or raise the limit if that "
                "many is right",
                limit="max_percent",
            )


def approve(
    changes: Iterable[Change], *, by: str, floor: Confidence = Confidence.STRONG, note: str = ""
) -> list[Decision]:
    """Approve all changes at least as sure as ``floor``; the others stay undecided.

    Changes that share a case stand together: one that is not sure enough holds back the rest of its case,
    and what those are needed for in turn.
    """
    listed = list(changes)
    held = _held_cases(listed, floor)
    return [
        Decision(change=change.id, approved=True, by=by, note=note)
        for change in listed
        if change.confidence.at_least(floor) and held.isdisjoint(change.cases)
    ]


def _held_cases(changes: Iterable[Change], floor: Confidence) -> set[int]:
    """Return the cases that cannot be approved whole: those of an unsure change, and all they lead to."""
    together: dict[int, list[Change]] = defaultdict(list)
    reached: list[int] = []
    for change in changes:
        for case in change.cases:
            together[case].append(change)
        if not change.confidence.at_least(floor):
            reached += change.cases
    held: set[int] = set()
    while reached:
        case = reached.pop()
        if case not in held:
            held.add(case)
            reached += (other for change in together[case] for other in change.cases if other not in held)
    return held
