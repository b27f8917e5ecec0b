"""What a campaign may write in this run: judged as a whole before the first write (promise 5).

Everything together must be a small enough share of all records, or nothing is written. What is newly planned
must be within every limit. What was approved before goes out in the parts in which it was released, as many
as the limits allow; the rest waits for the next run, and a part over a limit by itself for a person.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from remediator.campaigns import Campaign
from remediator.changes import Change
from remediator.engine.core import Engine
from remediator.errors import LimitReached, TransientError
from remediator.limits import Bounds, Part, Written, check_bounds, check_counts, check_share, release
from remediator.model import SystemName
from remediator.pacing import parts
from remediator.schedule import day_start


@dataclass(frozen=True, slots=True, kw_only=True)
class Released:
    """What the limits let through.

    Attributes:
        ids: changes that may be written now, of those approved before.
        new: the newly planned ones may be approved and written too.
        why: what holds the others back until a later run, ``None`` if nothing does.
        stopped: what holds some back until a person does something, ``None`` if nothing does.
    """

    ids: frozenset[str] = frozenset()
    new: bool = True
    why: str | None = None
    stopped: LimitReached | None = None


def check_campaign_limits(engine: Engine, campaign: Campaign, changes: Sequence[Change]) -> None:
    """Raise ``LimitReached`` when these changes, with all of today's, are over a limit.

    Raises:
        VendorError: the records cannot be counted; nothing may be written then.
    """
    if changes:
        today = _today(engine, campaign)
        bounds = _bounds(engine, campaign)
        check_bounds(changes, bounds, population=population(engine, changes), today=today)


def released(engine: Engine, campaign: Campaign, left: Sequence[Change], new: Sequence[Change]) -> Released:
    """Judge what waits approved together with what an automatic campaign has just planned.

    Args:
        engine: of the campaign's connection.
        campaign: whose limits.
        left: approved before and not written yet, oldest plan first.
        new: planned now, to be approved without a person.

    Raises:
        LimitReached: nothing may be written in this run.
        VendorError: the records cannot be counted; nothing may be written then.
    """
    if not left and not new:
        return Released()
    bounds, today = _bounds(engine, campaign), _today(engine, campaign)
    whole = [*left, *new]
    check_share(whole, bounds, population=population(engine, whole), today=today)
    check_counts(new, bounds, today=today)
    moments = engine.store.running.approved_at([change.id for change in left])
    let = release(parts(left, moments), bounds, today=today)
    stopped = _too_big(let.too_big)
    fits = True
    try:
        check_counts([*let.queue, *new] if new else (), bounds, today=today)
    except LimitReached as exc:
        fits = False
        stopped = stopped or LimitReached(
            f"{len(new)} newly planned changes wait for a person, because with the {len(let.queue)} that "
            f"were approved before they are over a limit: {exc}",
            limit=exc.limit,
        )
    if not let.now and not (new and fits):
        raise stopped or _not_today(let.later, bounds, today)
    held = sum(map(len, let.later))
    why = f"the limits of a run and of a day hold {held} of them back; they go on in later runs"
    ids = frozenset(change.id for part in let.now for change in part)
    return Released(ids=ids, new=fits, why=why if held else None, stopped=stopped)


def _too_big(found: Sequence[tuple[Part, LimitReached]]) -> LimitReached | None:
    if not found:
        return None
    part, limit = found[0]
    plan = part[0].id.rpartition("-")[0]
    others = f" ({len(found) - 1} more like it)" if len(found) > 1 else ""
    return LimitReached(
        f"{len(part)} changes that were approved at once are over limits.{limit.limit}{others}; none of them "
        f"was written, and they stay approved. If they are right, raise the limit, or write a part by hand: "
        f"remediator apply {plan} --at-most N",
        limit=limit.limit,
    )


def _not_today(later: Sequence[Part], bounds: Bounds, today: Written) -> LimitReached:
    """Return the limit that keeps even the first part from being written."""
    try:
        check_counts(later[0], bounds, today=today)
    except LimitReached as exc:
        return exc
    raise AssertionError("a part within the limits was held back")


def _bounds(engine: Engine, campaign: Campaign) -> Bounds:
    own, general = campaign.limits, engine.settings.limits
    return Bounds(
        max_changes=min(own.max_changes, general.max_changes),
        max_percent=min(own.max_percent, general.max_percent),
        day_percent=general.max_percent,
        per_day=min(own.per_day, general.per_day),
        per_field=min(own.per_field or general.per_field, general.per_field),
    )


def _today(engine: Engine, campaign: Campaign) -> Written:
    # Each campaign has its own midnight. Without a day that is the same for all of them, campaigns of several
    # time zones would each begin with a fresh limit, and write it several times over in every 24 hours.
    now = engine.clock()
    since = min(day_start(zone, now) for zone in (campaign.timezone, "UTC"))
    count = engine.store.running.written_since(since)
    return Written(total=count.total, by_field=count.by_field, records=count.records)


def population(engine: Engine, changes: Sequence[Change]) -> dict[SystemName, int]:
    """Return how many records there are, as Salesforce counts them, with the people that only Marketo has.

    Raises:
        VendorError: it cannot be counted, so no share can be judged and nothing may be written.
    """
    leads = engine.salesforce.count("Lead", "IsConverted = false")
    contacts = engine.salesforce.count("Contact")
    alone = {
        change.record_id
        for change in changes
        if change.system is SystemName.MARKETO and change.salesforce_id is None
    }
    found = {SystemName.MARKETO: leads + contacts + len(alone), SystemName.SALESFORCE: leads + contacts}
    for system, total in found.items():
        if total < len({change.record_id for change in changes if change.system is system}):
            raise TransientError(
                f"salesforce: it counts {total} leads and contacts, fewer than are to change in {system}; "
                "the count cannot be whole, so no limit can be judged. Run again",
                code="INCOMPLETE",
                system=SystemName.SALESFORCE,
            )
    return found
