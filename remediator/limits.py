"""What stops a whole campaign before its first write.

Pure. Counted together: what waits approved from earlier runs, what is planned now, and what all campaigns of
the connection have written today; so a big change split over many small runs is stopped like one big run.

What was approved before and is too much for one run is no dead end: it goes out part by part, each part what
one word released, as long as the part itself is within the limits (``release``).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from remediator.changes import Change
from remediator.errors import LimitReached
from remediator.model import SystemName
from remediator.policy import Limits, check_limits


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """The limits of one campaign run, already the tighter of the campaign's and the settings' ones.

    Attributes:
        max_changes: changes a run.
        max_percent: changed records, as a share of all, in a run and of any one field in a day.
        day_percent: changed records, as a share of all, in a day over all campaigns and fields of the
            connection: the settings' own bound, for one campaign's must not stop another's work.
        per_day: changes a day, over all campaigns of the connection.
        per_field: changes a day of any one field.
    """

    max_changes: int
    max_percent: float
    per_day: int
    per_field: int
    day_percent: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """What was sent today.

    Attributes:
        by_field: ``{"system.field": changes}``.
        records: ids of the records that were changed, by system.
    """

    total: int
    by_field: Mapping[str, int]
    records: Mapping[SystemName, frozenset[str]] = field(default_factory=dict)


NOTHING = Written(total=0, by_field={})

Part = tuple[Change, ...]
"""Changes that one word (of a person, or of an automatic campaign's run) released together."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """Which parts of what was approved before may be written now.

    Attributes:
        now: within every limit, together.
        later: each within the limits, but not together with ``now``, or not today; they go on by themselves.
        too_big: ``(part, limit)`` of parts over a limit on any day; they wait until a person does something.
    """

    now: tuple[Part, ...] = ()
    later: tuple[Part, ...] = ()
    too_big: tuple[tuple[Part, LimitReached], ...] = ()

    @property
    def queue(self) -> list[Change]:
        """Every change that will be written without anybody's further word."""
        return [change for part in (*self.now, *self.later) for change in part]


def release(parts: Sequence[Part], bounds: Bounds, *, today: Written) -> Release:
    """Say which parts may be written now, each whole or not at all, in the order given.

    A part that is over a limit by itself is a mistake or a runaway rule as far as anybody knows, so nothing
    of it is written, and it holds up no other.

    Args:
        parts: what is approved and not written, oldest first.
        bounds: the limits.
        today: what all campaigns wrote today.
    """
    now: list[Part] = []
    later: list[Part] = []
    too_big: list[tuple[Part, LimitReached]] = []
    for part in parts:
        if (limit := _over(part, bounds, NOTHING)) is not None:
            too_big.append((part, limit))
        elif _over([change for taken in (*now, part) for change in taken], bounds, today) is None:
            now.append(part)
        else:
            later.append(part)
    return Release(now=tuple(now), later=tuple(later), too_big=tuple(too_big))


def _over(changes: Sequence[Change], bounds: Bounds, today: Written) -> LimitReached | None:
    try:
        check_counts(changes, bounds, today=today)
    except LimitReached as exc:
        return exc
    return None


def check_bounds(
    changes: Sequence[Change], bounds: Bounds, *, population: Mapping[SystemName, int], today: Written
) -> None:
    """Raise ``LimitReached`` when the whole set is over a limit, so that nothing of it is written.

    Args:
        changes: everything that this run may write or leave approved.
        bounds: the limits.
        population: all records of each system.
        today: what all campaigns wrote today.
    """
    check_counts(changes, bounds, today=today)
    check_share(changes, bounds, population=population, today=today)


def check_counts(changes: Sequence[Change], bounds: Bounds, *, today: Written) -> None:
    """Raise ``LimitReached`` when these are too many changes for a run, for today, or of one field today."""
    if not changes:
        return
    check_limits(changes, Limits(max_changes=bounds.max_changes))
    if today.total + len(changes) > bounds.per_day:
        raise LimitReached(
            f"{len(changes)} changes on top of today's {today.total} are more than limits.per_day "
            f"({bounds.per_day}); nothing was written. Approve fewer, wait for tomorrow, or raise the limit",
            limit="per_day",
        )
    for (system, name), planned in _by_field(changes).items():
        together = planned + today.by_field.get(f"{system}.{name}", 0)
        if together > bounds.per_field:
            raise LimitReached(
                f"{name} of {system} would change {together} times today, more than limits.per_field "
                f"({bounds.per_field}); nothing was written. Approve fewer, wait for tomorrow, or raise "
                "the limit",
                limit="per_field",
            )


def check_share(
    changes: Sequence[Change], bounds: Bounds, *, population: Mapping[SystemName, int], today: Written
) -> None:
    """Raise ``LimitReached`` when these touch too large a share of all records, now or over the day."""
    if not changes:
        return
    check_limits(
        changes,
        Limits(max_changes=len(changes), max_percent=bounds.max_percent),
        population=population,
    )
    for (system, name), planned in _by_field(changes).items():
        together = planned + today.by_field.get(f"{system}.{name}", 0)
        _check_day(f"{name} would change on {together}", together, system, bounds.max_percent, population)
    for system in {change.system for change in changes}:
        records = {change.record_id for change in changes if change.system is system}
        together = len(records | today.records.get(system, frozenset()))
        what = f"something would change on {together}"
        _check_day(what, together, system, bounds.day_percent, population)


def _check_day(
    what: str, together: int, system: SystemName, percent: float, population: Mapping[SystemName, int]
) -> None:
    total = population.get(system)
    # One record may change twice a day, so 100 % is no bound here. Asked this way round, a limit that is
    # no number (NaN) lets nothing through.
    if total is None or percent >= 100:
        return
    if not 100 * together <= percent * total:
        raise LimitReached(
            f"{what} of {total} {system} records today, more than "
            f"limits.max_percent ({percent:g} %); nothing more was written. Look at the rule "
            "behind it, or raise the limit if that many is right",
            limit="max_percent",
        )


def _by_field(changes: Sequence[Change]) -> Counter[tuple[SystemName, str]]:
    return Counter((change.system, change.field) for change in changes)
