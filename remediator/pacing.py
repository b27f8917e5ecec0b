"""How much may be written now, so that fixing does not itself keep the native sync busy for hours.

Pure. The native sync is a queue with a known pace; every record we change joins it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta

from remediator.changes import Change
from remediator.plan import Throughput, predict_calls

LOOK_BACK = (
    timedelta(minutes=5),
    timedelta(minutes=15),
    timedelta(hours=1),
    timedelta(hours=4),
    timedelta(hours=24),
)
"""Spans over which what we wrote is compared with what the sync takes in the same time."""

Group = tuple[Change, ...]
"""Changes that are written together or not at all."""


def backlog(written: Mapping[timedelta, int], *, per_hour: int) -> int:
    """Estimate how many of the records we changed still wait for the native sync.

    A queue is as long as the worst span behind it: what came in, less what it can take in that time.

    Args:
        written: ``{span: records changed within it until now}``.
        per_hour: records that the sync takes in an hour.
    """
    waits = (count - per_hour * span / timedelta(hours=1) for span, count in written.items())
    return max(0, *(round(wait) for wait in waits), 0)


def groups(changes: Iterable[Change]) -> list[Group]:
    """Gather changes that share a record or a case, in the order of their first one."""
    found: list[list[Change]] = []
    home: dict[object, int] = {}
    for change in changes:
        ties: list[object] = [(change.system, change.record_id), *change.cases]
        at = sorted({home[tie] for tie in ties if tie in home})
        first = at[0] if at else len(found)
        if not at:
            found.append([])
        for other in at[1:]:
            # A change that ties two groups makes them one.
            ties += [(moved.system, moved.record_id) for moved in found[other]]
            ties += [case for moved in found[other] for case in moved.cases]
            found[first] += found[other]
            found[other] = []
        found[first].append(change)
        home.update(dict.fromkeys(ties, first))
    return [tuple(group) for group in found if group]


def parts(changes: Sequence[Change], released: Mapping[str, datetime]) -> list[Group]:
    """Gather changes by the moment at which they were released, oldest first; groups stay whole.

    Args:
        changes: what is approved, in plan order.
        released: ``{change id: when it was approved}``; those of which nobody knows any more count as one.
    """
    unknown = datetime.min.replace(tzinfo=UTC)
    found: dict[datetime, list[Change]] = {}
    for group in groups(changes):
        # A group is released by the last word on it.
        moment = max(released.get(change.id, unknown) for change in group)
        found.setdefault(moment, []).extend(group)
    return [tuple(found[moment]) for moment in sorted(found)]


def first_of(changes: Sequence[Change], *, at_most: int) -> list[Change]:
    """Return the first so many changes, whole groups only."""
    taken: list[Change] = []
    for group in groups(changes):
        if len(taken) + len(group) > at_most:
            break
        taken.extend(group)
    return taken


def take(changes: Sequence[Change], *, records: int, calls: Mapping[str, int]) -> list[Change]:
    """Return as many whole groups, in order, as the records and calls that are left allow.

    Args:
        changes: in plan order.
        records: records that may be changed now.
        calls: ``{system: API calls that are left}``; a system that is absent is not bounded.
    """
    taken: list[Change] = []
    touched: set[tuple[str, str]] = set()
    size = 0
    for group in groups(changes):
        after = touched | {(change.system, change.record_id) for change in group}
        if len(after) > records:
            break
        if (len(after) - 1) // _STEP != (size - 1) // _STEP or not taken:
            # Calls grow in steps of a batch, so it is enough to look once a step.
            needed = predict_calls([*taken, *group], Throughput())
            if any(needed[system] > left for system, left in calls.items() if system in needed):
                break
        touched, size = after, len(after)
        taken.extend(group)
    return taken


_STEP = 100


def finished_in(records: int, *, waiting: int, per_hour: int) -> timedelta:
    """Return how long the native sync needs for these records behind those that wait already."""
    return timedelta(hours=(records + waiting) / per_hour)
