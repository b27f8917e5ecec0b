"""What an undo may take back, and what it leaves alone."""

from __future__ import annotations

import pytest

from remediator.changes import ChangeState, Plan
from remediator.engine import load
from remediator.engine.undoing import plan_undo
from remediator.errors import PlanRefused
from tests.engine.cycles import approve_plan, looked, run
from tests.engine.test_adversary_writes import WRITE, refused
from tests.engine.test_preventive import preventive
from tests.engine.world import World, the_only


def undo(world: World, change: str) -> Plan:
    """Plan an undo of one change."""
    run = world.engine.store.start_run("undo", now=world.engine.clock())
    return plan_undo(world.engine, run=run, of_change=change)


def test_a_value_that_a_person_set_after_our_write_was_not_sent_is_not_undone(a_world: World) -> None:
    (person,) = refused(a_world)
    plan = a_world.approved_plan()
    a_world.sandbox.faults.add({"name": "daily_quota", "system": "marketo", "match": WRITE, "times": 1})
    assert a_world.apply(plan).outcomes == {ChangeState.APPROVED: 1}
    a_world.edit(person, country="Germany")
    assert a_world.apply(plan).outcomes == {ChangeState.APPLIED: 1}
    with pytest.raises(PlanRefused, match="no applied change"):
        undo(a_world, the_only(plan).id)
    assert a_world.our_writes(person) == []


def test_an_undo_leaves_what_prevention_wrote_later(a_world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(a_world.engine.marketo, "_sleep", lambda seconds: a_world.pass_time(seconds=seconds))
    campaign = looked(a_world, preventive())
    (person,) = refused(a_world)
    first = a_world.approved_plan()
    a_world.apply(first)
    a_world.pass_time(minutes=20)
    a_world.verify()
    a_world.edit(person, country="Deutschland")
    a_world.pass_time(minutes=1)
    approve_plan(a_world, run(a_world, campaign))
    assert run(a_world, campaign).writes.outcomes == {ChangeState.APPLIED: 1}
    with pytest.raises(PlanRefused, match="later change"):
        undo(a_world, the_only(first).id)
    assert a_world.marketo(person, "country") == "Germany"


def test_what_an_undo_sends_waits_for_the_native_sync_like_any_write(a_world: World) -> None:
    refused(a_world)
    plan = a_world.approved_plan()
    a_world.apply(plan)
    a_world.pass_time(days=2)
    assert load.waiting(a_world.engine, per_hour=1) == 0
    assert a_world.apply(undo(a_world, the_only(plan).id)).outcomes == {ChangeState.APPLIED: 1}
    assert load.waiting(a_world.engine, per_hour=1) == 1
