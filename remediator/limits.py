"""What stops a whole campaign before its first write.

Pure. Counted together: what waits approved from earlier runs, what is planned now, and what all campaigns of
the connection have written today; so a big change split over many small runs is stopped like one big run.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from remediator.errors import LimitReached
from remediator.model import Change, SystemName
from remediator.policy import Limits, check_limits


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """The limits of one campaign run, already the tighter of the campaign's and the settings' ones.

    Attributes:
        max_changes: changes a run.
        max_percent: changed records, as a share of all.
        per_day: changes a day, over all campaigns of the connection.
        per_field: changes a day of any one field.
    """

    max_changes: int
    max_percent: float
    per_day: int
    per_field: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """What was sent today.

    Attributes:
        by_field: ``{"system.field": changes}``.
    """

    total: int
    by_field: Mapping[str, int]


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
    if not changes:
        return
    check_limits(
        changes,
        Limits(max_changes=bounds.max_changes, max_percent=bounds.max_percent),
        population=population,
    )
    if today.total + len(changes) > bounds.per_day:
        raise LimitReached(
            f"{len(changes)} changes on top of today's {today.total} are more than limits.per_day "
            f"({bounds.per_day}); nothing was written. Approve fewer, wait for tomorrow, or raise the limit",
            limit="per_day",
        )
    for (system, field), planned in Counter((change.system, change.field) for change in changes).items():
        together = planned + today.by_field.get(f"{system}.{field}", 0)
        if together > bounds.per_field:
            raise LimitReached(
                f"{field} of {system} would change {together} times today, more than limits.per_field "
                f"({bounds.per_field}); nothing was written. Approve fewer, wait for tomorrow, or raise "
                "the limit",
                limit="per_field",
            )
        total = population.get(system)
        # One record may change twice a day, so 100 % is no bound here. Asked this way round, a limit that is
        # no number (NaN) lets nothing through.
        if total is None or bounds.max_percent >= 100:
            continue
        if not 100 * together <= bounds.max_percent * total:
            raise LimitReached(
                f"{field} would change on {together} of {total} {system} records today, more than "
                f"limits.max_percent ({bounds.max_percent:g} %); nothing more was written. Look at the rule "
                "behind it, or raise the limit if that many is right",
                limit="max_percent",
            )
