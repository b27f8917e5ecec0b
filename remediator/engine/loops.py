"""Stops changing what something else keeps changing back, and names it (DESIGN.md, section 4, promise 10)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from remediator.changes import Change, ChangeState, StoredChange
from remediator.engine.batches import cut
from remediator.engine.core import Engine
from remediator.errors import VendorError
from remediator.model import SystemName
from remediator.values import same_value

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


def find_loops(engine: Engine, changes: Sequence[Change], *, stop_after: int) -> dict[str, Loop]:
    """Return ``{change id: loop}`` of planned changes to values that something else keeps changing back.

    A change counts as changed back when we had written the same value there, nobody took it back, and the
    field needs it again.
    """
    undone = _changed_back(engine, changes)
    now = engine.clock()
    news = [stored.change.id for group in undone.values() for stored in group]
    for chunk in cut(news, _PAGE):
        engine.store.running.mark_reverted(list(chunk), now=now)
    found: dict[str, Loop] = {}
    for change in changes:
        # A preventive change hangs on no case, so only the mark of its own verification tells.
        if change.cases and _place(change) not in undone:
            continue
        times = engine.store.running.reverts(change.system, change.record_id, change.field)
        if times >= stop_after:
            since = max(
                (stored.settled_at for stored in undone.get(_place(change), ()) if stored.settled_at),
                default=now - timedelta(days=30),
            )
            found[change.id] = Loop(
                system=change.system,
                record_id=change.record_id,
                field=change.field,
                times=times,
                by=_who(engine, change, since),
            )
    return found


def _place(change: Change) -> Place:
    return change.system, change.record_id, change.field


def _changed_back(engine: Engine, changes: Sequence[Change]) -> Mapping[Place, list[StoredChange]]:
    wanted = {_place(change): change.after for change in changes}
    cases = list(dict.fromkeys(case for change in changes for case in change.cases))
    found: dict[Place, list[StoredChange]] = defaultdict(list)
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


def _who(engine: Engine, change: Change, since: datetime) -> str:
    """Name what last changed the value, as far as both systems tell; not knowing stops nothing."""
    try:
        names = [*_marketo_sources(engine, change, since), *_salesforce_user(engine, change)]
    except VendorError as exc:
        return f"something that could not be looked up: {exc}"
    return ", ".join(names) or "something that left no trace in Marketo's activity log"


def _marketo_sources(engine: Engine, change: Change, since: datetime) -> list[str]:
    if change.system is not SystemName.MARKETO:
        return []
    log = engine.marketo.lead_changes([change.field], since - _AROUND, [change.record_id])
    sources = [
        entry.source
        for entry in log
        if entry.field == change.field and not same_value(entry.new, change.after) and entry.source
    ]
    return [f"{source} in Marketo's log" for source in dict.fromkeys(sources)]


def _salesforce_user(engine: Engine, change: Change) -> list[str]:
    record_id = change.record_id if change.system is SystemName.SALESFORCE else change.salesforce_id
    kind = change.object if change.system is SystemName.SALESFORCE else change.salesforce_object
    if record_id is None or kind is None:
        return []
    row = engine.salesforce.updated(kind, [record_id], ["LastModifiedBy.Name"]).records.get(record_id)
    return [f"last saved in Salesforce by {row.get('LastModifiedBy.Name')}"] if row else []
