"""Stops changing what something else keeps changing back, and names it (DESIGN.md, section 4, promise 10)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from remediator.changes import Change, ChangeState, StoredChange
from remediator.digests import told
from remediator.engine.batches import cut
from remediator.engine.core import Engine
from remediator.engine.planning import PlanResult
from remediator.errors import VendorError
from remediator.model import SystemName
from remediator.values import same_value

TOLD = 5
"""Loops that a run tells one by one; the report has all."""

_PAGE = 300
_AROUND = timedelta(minutes=1)
"""The vendor's clock need not be ours."""

Place = tuple[SystemName, str, str]
"""System, record and field."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Loop:
    """A value that does not stay.

    Attributes:
        times: how often a value of ours was changed back there.
        by: who or what did it, as far as the systems tell.
    """

    system: SystemName
    record_id: str
    field: str
    times: int
    by: str

    @property
    def sentence(self) -> str:
        """What a person reads."""
        return (
            f"{self.field} of {self.system} record {self.record_id} was changed back {self.times} times "
            f"after our writes (by {self.by}); it is left alone until a person plans it. Find what sets it"
        )


def find_loops(engine: Engine, planned: PlanResult, *, stop_after: int, remember: bool) -> dict[str, Loop]:
    """Return ``{change id: loop}`` of planned changes to values that something else keeps changing back.

    A change counts as changed back when we had written the same value there, nobody took it back, and the
    field needs it again.

    Args:
        stop_after: times after which it is a loop.
        remember: keep what was found changed back, so that later runs count it too.
    """
    changes = planned.plan.changes
    back = _changed_back(engine, planned)
    ids = {place: [stored.change.id for stored in group] for place, group in back.items()}
    if remember:
        for chunk in cut([one for group in ids.values() for one in group], _PAGE):
            engine.store.running.mark_reverted(list(chunk), now=engine.clock())
    times: dict[str, int] = {}
    for change in changes:
        place = _place(change)
        # A preventive change hangs on no case, so the mark of its own verification may be all that tells.
        if place in back or not change.cases:
            times[change.id] = engine.store.running.reverts(*place, besides=ids.get(place, ()))
    looping = [change for change in changes if times.get(change.id, 0) >= stop_after]
    # A case keeps its sentence; of the others only the first are told.
    named = [change for number, change in enumerate(looping) if change.cases or number < TOLD]
    names = _who(engine, named, {change.id: _since(engine, back.get(_place(change), ())) for change in named})
    return {
        change.id: Loop(
            system=change.system,
            record_id=change.record_id,
            field=change.field,
            times=times[change.id],
            by=names.get(change.id, "something that was not looked up"),
        )
        for change in looping
    }


def _place(change: Change) -> Place:
    return change.system, change.record_id, change.field


def _since(engine: Engine, written: Sequence[StoredChange]) -> datetime:
    """Return when a value of ours was written there last."""
    settled = [stored.settled_at for stored in written if stored.settled_at is not None]
    return max(settled, default=engine.clock() - timedelta(days=30))


def _changed_back(engine: Engine, planned: PlanResult) -> Mapping[Place, list[StoredChange]]:
    wanted = {_place(change): change.after for change in planned.plan.changes}
    cases = list(dict.fromkeys(case for change in planned.plan.changes for case in change.cases))
    found: dict[Place, list[StoredChange]] = defaultdict(list)
    for stored in planned.came_back:
        found[_place(stored.change)].append(stored)
    seen: set[str] = set()
    for chunk in cut(cases, _PAGE):
        for stored in engine.store.changes_of(list(chunk), {ChangeState.APPLIED}):
            place = _place(stored.change)
            if place not in wanted or stored.change.id in seen or stored.change.undoes is not None:
                continue
            seen.add(stored.change.id)
            if same_value(stored.change.after, wanted[place]):
                found[place].append(stored)
    return found


def _who(engine: Engine, changes: Sequence[Change], since: Mapping[str, datetime]) -> dict[str, str]:
    """Name what last changed the values, as far as both systems tell; not knowing stops nothing.

    Args:
        since: from when on the log is looked at, by change id.
    """
    try:
        sources = _marketo_sources(engine, changes, since)
        users = _salesforce_users(engine, changes)
    except VendorError as exc:
        return dict.fromkeys(since, f"something that could not be looked up: {told(exc)}")
    names = {change.id: [*sources[change.id], *users[change.id]] for change in changes}
    return {
        one: ", ".join(found) or "something that left no trace in Marketo's activity log"
        for one, found in names.items()
    }


def _marketo_sources(
    engine: Engine, changes: Sequence[Change], since: Mapping[str, datetime]
) -> Mapping[str, Iterable[str]]:
    """Return what changed the values, by change id; one walk through the log for all of them."""
    found: dict[str, dict[str, None]] = {change.id: {} for change in changes}
    ours = {_place(change): change for change in changes if change.system is SystemName.MARKETO}
    if not ours:
        return found
    log = engine.marketo.lead_changes(
        sorted({change.field for change in ours.values()}),
        min(since[change.id] for change in ours.values()) - _AROUND,
        list(dict.fromkeys(change.record_id for change in ours.values())),
    )
    for entry in log:
        change = ours.get((SystemName.MARKETO, entry.lead_id, entry.field))
        if change is None or not entry.source or same_value(entry.new, change.after):
            continue
        if entry.at >= since[change.id] - _AROUND:
            found[change.id][f"{entry.source} in Marketo's log"] = None
    return found


def _salesforce_users(engine: Engine, changes: Sequence[Change]) -> Mapping[str, Sequence[str]]:
    """Return who saved the Salesforce records last, by change id; one question an object."""
    records: dict[str, dict[str, str]] = defaultdict(dict)
    for change in changes:
        record_id = change.record_id if change.system is SystemName.SALESFORCE else change.salesforce_id
        kind = change.object if change.system is SystemName.SALESFORCE else change.salesforce_object
        if record_id is not None and kind is not None:
            records[kind][change.id] = record_id
    found: dict[str, Sequence[str]] = {change.id: () for change in changes}
    for kind, ids in records.items():
        rows = engine.salesforce.updated(kind, list(ids.values()), ["LastModifiedBy.Name"]).records
        found |= {
            one: (f"last saved in Salesforce by {rows[record_id].get('LastModifiedBy.Name')}",)
            for one, record_id in ids.items()
            if record_id in rows
        }
    return found
