"""Take changes back: a plan like any other, with before and after exchanged.

So an undo is audited, resumable and refuses to overwrite a value that moved after our write, by the same
code that applied it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from remediator.changes import Change, ChangeState, DeclinedCase, Plan, StoredChange
from remediator.engine.batches import cut
from remediator.engine.core import Engine
from remediator.errors import PlanRefused
from remediator.model import Confidence
from remediator.plan import Throughput, new_plan
from remediator.policy import approve
from remediator.store import Store

DECAYED = "the store's copy of it has decayed: what it writes is not what was saved; left alone"

_PAGE = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class Undoable:
    """What an undo would take back.

    Attributes:
        changes: written by us and still in force, in plan order.
        left_alone: those that are ours and stay all the same, each with the reason.
    """

    changes: Sequence[StoredChange]
    left_alone: Sequence[tuple[Change, str]]


def undoable(store: Store, *, of_run: int | None = None, of_change: str | None = None) -> Undoable:
    """Return what can be taken back of a run or of one change.

    A value that was already there when we came was not ours and is in neither part. One that a later change
    of ours set anew is left alone: that one must be taken back first.
    """
    ours = [
        stored
        for stored in store.changes(
            run=of_run, ids=[of_change] if of_change else None, states={ChangeState.APPLIED}
        )
        if stored.intended_at is not None and stored.change.undoes is None
    ]
    why = _written_again(store, ours)
    why |= {stored.change.id: DECAYED for stored in ours if not stored.intact}
    return Undoable(
        changes=[stored for stored in ours if stored.change.id not in why],
        left_alone=[(stored.change, why[stored.change.id]) for stored in ours if stored.change.id in why],
    )


def plan_undo(engine: Engine, *, run: int, of_run: int | None = None, of_change: str | None = None) -> Plan:
    """Return a stored and approved plan that takes back what is ``undoable`` of a run, or of one change.

    The cases of what is left alone stand in it as declined.

    Raises:
        PlanRefused: there is nothing to take back.
    """
    found = undoable(engine.store, of_run=of_run, of_change=of_change)
    what = f"run {of_run}" if of_run is not None else f"change {of_change}"
    if not found.changes:
        nothing = "no applied change of it is left to undo; see: remediator runs show"
        raise PlanRefused(f"{what}: {next((why for _, why in found.left_alone), nothing)}")
    now = engine.clock()
    plan = new_plan(
        connection=engine.settings.connection,
        campaign=None,
        created_at=now,
        config_hash=engine.config_hash,
        changes=[_reversed(stored, what) for stored in found.changes],
        declined=[
            DeclinedCase(case=case, reason=why) for change, why in found.left_alone for case in change.cases
        ],
        throughput=Throughput(synced_per_hour=engine.settings.verify.records_per_hour),
        undo_of=what,
    )
    engine.store.save_plan(plan, actor=engine.actor, run=run, now=now)
    engine.store.decide(
        approve(plan.changes, by=engine.actor, floor=Confidence.WEAK, note=f"undo of {what}"), now=now
    )
    return plan


def _reversed(stored: StoredChange, what: str) -> Change:
    change = stored.change
    return replace(
        change,
        id="",
        before=change.after,
        after=change.before,
        reason=f"undo of {what}: {change.reason}",
        confidence=Confidence.EXACT,
        candidates=(),
        undoes=change.id,
    )


def why_not_undo(engine: Engine, undos: Sequence[Change]) -> Mapping[str, str]:
    """Return ``{undo change id: why}`` for those that may not be written any more.

    Between the plan of an undo and its write, the change may have been taken back by another undo, or a later
    plan may have set the same value again; the value in the system looks the same in both cases.
    """
    wanted = {change.undoes: change for change in undos if change.undoes is not None}
    originals: dict[str, StoredChange] = {}
    for chunk in cut(list(wanted), _PAGE):
        originals |= {stored.change.id: stored for stored in engine.store.changes(ids=chunk)}
    why: dict[str, str] = {}
    for name, change in wanted.items():
        if name not in originals or originals[name].state is not ChangeState.APPLIED:
            why[change.id] = f"change {name} is not in force any more, so there is nothing to take back"
    in_force = [stored for stored in originals.values() if stored.state is ChangeState.APPLIED]
    why |= {wanted[name].id: reason for name, reason in _written_again(engine.store, in_force).items()}
    return why


def _written_again(store: Store, applied: Sequence[StoredChange]) -> dict[str, str]:
    """Return ``{change id: why}`` for changes whose field a later change of ours has written since."""
    found: dict[str, str] = {}
    for page in cut(applied, _PAGE):
        latest = _latest_writes(store, page)
        for stored in page:
            last = latest.get(_place(stored.change))
            if last is not None and last.change.id != stored.change.id and _is_later(last, stored):
                found[stored.change.id] = (
                    f"the later change {last.change.id} wrote {stored.change.field} of "
                    f"{stored.change.record_id} again; undo that one first"
                )
    return found


def _latest_writes(
    store: Store, page: Sequence[StoredChange]
) -> dict[tuple[str, str, str, str], StoredChange]:
    """Return the last change in force for each field of the same records, prevention's included."""
    latest: dict[tuple[str, str, str, str], StoredChange] = {}
    for other in store.changes_on({stored.change.record_id for stored in page}, _IN_FORCE):
        held = latest.get(_place(other.change))
        # A value that was found there already was not written, so it stands in nobody's way.
        is_write = other.change.undoes is None and other.intended_at is not None
        if is_write and (held is None or _is_later(other, held)):
            latest[_place(other.change)] = other
    return latest


_IN_FORCE = frozenset({ChangeState.APPLIED, ChangeState.INTENDED})


def _is_later(one: StoredChange, other: StoredChange) -> bool:
    if one.settled_at is None or other.settled_at is None:
        # A write under way is later than any that is settled.
        return one.settled_at is None
    return one.settled_at > other.settled_at


def _place(change: Change) -> tuple[str, str, str, str]:
    return change.system, change.object, change.record_id, change.field
