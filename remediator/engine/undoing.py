"""Take changes back: a plan like any other, with before and after exchanged.

So an undo is audited, resumable and refuses to overwrite a value that moved after our write, by the same
code that applied it.
"""

from __future__ import annotations

from dataclasses import replace

from remediator.engine.core import Engine
from remediator.errors import PlanRefused
from remediator.model import Change, ChangeState, Confidence, Plan, StoredChange
from remediator.plan import Throughput, new_plan
from remediator.policy import approve


def plan_undo(engine: Engine, *, run: int, of_run: int | None = None, of_change: str | None = None) -> Plan:
    """Return a stored and approved plan that takes back a run's changes, or one change.

    A value that was already there when we came was not ours and is left alone.

    Raises:
        PlanRefused: there is nothing to take back.
    """
    applied = [
        stored
        for stored in engine.store.changes(
            run=of_run, ids=[of_change] if of_change else None, states={ChangeState.APPLIED}
        )
        if stored.intended_at is not None and stored.change.undoes is None
    ]
    what = f"run {of_run}" if of_run is not None else f"change {of_change}"
    if not applied:
        raise PlanRefused(f"{what}: no applied change of it is left to undo; see: remediator runs show")
    now = engine.clock()
    plan = new_plan(
        connection=engine.settings.connection,
        campaign=None,
        created_at=now,
        config_hash=engine.config_hash,
        changes=[_reversed(stored, what) for stored in applied],
        declined=[],
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
