"""Write what is approved for a campaign, at a pace that the native sync, the quota and the clock allow."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from threading import Lock
from weakref import WeakKeyDictionary

from remediator.campaigns import Campaign
from remediator.changes import Change, ChangeState
from remediator.engine import load
from remediator.engine.applying import apply_plan
from remediator.engine.core import Engine
from remediator.engine.quota import Meter
from remediator.engine.resync import resync
from remediator.errors import RateLimited
from remediator.pacing import finished_in, take
from remediator.schedule import closes_at, opens_at
from remediator.store import Store


@dataclass(frozen=True, slots=True, kw_only=True)
class Outlook:
    """What is left, and when the native sync will be through with what was written.

    Attributes:
        left: changes that stay approved for the next run.
        waiting: records that wait for the native sync now, as estimated from what we wrote and tried again.
        done_in: until the sync has taken these and what is left.
        why: what held the rest back, ``None`` when nothing is left.
    """

    left: int
    waiting: int
    done_in: timedelta
    why: str | None = None


@dataclass(slots=True, kw_only=True)
class Writes:
    """What became of a campaign's approved changes in one run.

    Attributes:
        stopped: why a vendor ended it early, ``None`` if none did.
    """

    outcomes: Counter[str] = field(default_factory=Counter)
    notes: Counter[str] = field(default_factory=Counter)
    pushed: int = 0
    stopped: str | None = None
    outlook: Outlook | None = None


_turns: WeakKeyDictionary[Store, Lock] = WeakKeyDictionary()
_handing_out = Lock()


def writing_turn(store: Store) -> Lock:
    """Return the lock that a campaign holds from its look at the limits until its last write.

    Several campaigns run in threads of one process, and each must see what the others have written today. The
    retry queue takes it too, for what it pushes takes the native sync's time alike.
    Other processes are kept out by the lease.
    """
    with _handing_out:
        return _turns.setdefault(store, Lock())


def approved_changes(engine: Engine, campaign: Campaign) -> dict[str, list[Change]]:
    """Return ``{plan: its approved changes}`` of the campaign's plans, oldest plan first."""
    found: dict[str, list[Change]] = {}
    for stored in engine.store.changes(campaign=campaign.name, states={ChangeState.APPROVED}):
        found.setdefault(stored.plan, []).append(stored.change)
    return found


def write_approved(
    engine: Engine,
    campaign: Campaign,
    meter: Meter,
    *,
    run: int,
    released: Collection[str],
    held: str | None = None,
) -> Writes:
    """Write as much of what is approved as may be written now; the rest stays approved.

    Args:
        engine: of the campaign's connection.
        campaign: whose approved changes.
        meter: counts the calls, and knows how many are left.
        run: the run that writes.
        released: ids of the changes that the limits let through.
        held: why the limits let no more through, ``None`` when they let all.

    Raises:
        AccessDenied: credentials or rights are missing.
        StoreError: an intent could not be recorded; nothing more was written.
        LeaseLost: another process took over.
    """
    writes = Writes()
    plans = approved_changes(engine, campaign)
    if not plans:
        return writes
    left = [change for changes in plans.values() for change in changes if change.id in released]
    chosen, why = _allowed(engine, campaign, left, meter)
    gated = replace(engine, gate=_gate(engine, campaign))
    for plan, changes in plans.items():
        ids = {change.id for change in changes if change.id in chosen}
        if not ids:
            continue
        applied = apply_plan(gated, plan, run=run, only=ids)
        writes.outcomes += applied.outcomes
        writes.notes += applied.notes
        writes.stopped = applied.stopped
        if applied.stopped is None:
            try:
                writes.pushed += resync(gated, plan, run=run).requested
            except RateLimited as exc:
                # Who was not pushed is when their proof is due.
                writes.stopped = str(exc)
        meter.charge()
        if writes.stopped is not None:
            break
    remaining = sum(len(changes) for changes in approved_changes(engine, campaign).values())
    pace = engine.settings.verify.records_per_hour
    waiting = load.waiting(engine, per_hour=pace)
    writes.outlook = Outlook(
        left=remaining,
        waiting=waiting,
        done_in=finished_in(remaining, waiting=waiting, per_hour=pace),
        why=(writes.stopped or why or held or "some could not be read or written") if remaining else None,
    )
    return writes


def _allowed(
    engine: Engine, campaign: Campaign, left: Sequence[Change], meter: Meter
) -> tuple[set[str], str | None]:
    """Return the changes that may be written now, and what holds the others back."""
    now = engine.clock()
    window = campaign.window
    if window is not None and closes_at(window.hours, campaign.timezone, now) is None:
        opens = opens_at(window.hours, campaign.timezone, now)
        return set(), f"the write window is closed until {opens:%Y-%m-%d %H:%M} UTC"
    most = load.bound(engine.settings, campaign.sync_load.max_backlog)
    room = load.room(engine, most=most, per_hour=engine.settings.verify.records_per_hour)
    calls = {str(system): count for system, count in meter.left().items()}
    chosen = {change.id for change in take(left, records=room, calls=calls)}
    if len(chosen) == len(left):
        return chosen, None
    if len({change.record_id for change in take(left, records=room, calls={})}) > len(
        {change.record_id for change in left if change.id in chosen}
    ):
        told = ", ".join(f"{count} {system} calls" for system, count in calls.items())
        return chosen, f"the day's share of API calls has only {told} left; it goes on tomorrow"
    return chosen, (
        f"sync_load.max_backlog ({most}): that many records may wait for the native sync at once; it goes on "
        "when the sync has taken some"
    )


def _gate(engine: Engine, campaign: Campaign) -> Callable[[], None]:
    """Return the engine's gate with the campaign's window in it."""
    window, outer = campaign.window, engine.gate
    if window is None:
        return outer

    def gate() -> None:
        outer()
        now = engine.clock()
        if closes_at(window.hours, campaign.timezone, now) is None:
            opens = opens_at(window.hours, campaign.timezone, now)
            # The way in which a run ends cleanly: what was not sent goes back to approved.
            raise RateLimited(
                f"the write window closed; the rest waits until {opens:%Y-%m-%d %H:%M} UTC",
                retry_after_s=(opens - now).total_seconds(),
            )

    return gate
