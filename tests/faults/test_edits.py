"""F7: what a person changes between plan, apply and undo is never overwritten (promise 3), by the ledger."""

from __future__ import annotations

from dataclasses import replace
from random import Random
from typing import Any

import pytest

from remediator.changes import Change, ChangeState, Plan
from remediator.engine.applying import apply_plan
from remediator.engine.core import Step
from remediator.engine.undoing import plan_undo
from remediator.errors import PlanRefused
from remediator.model import SystemName
from remediator.values import Value
from tests.chaos.judge import Judge
from tests.engine.world import World

_COUNTRIES = ("Deutschland", "Frankreich", "Italien")
_TYPED = ("Austria", "deutschland", "Deutschland ", "DEUTSCHLAND", "Nowhere", "0", None)
"""What people type: other values, the same one spelled otherwise, nothing."""


def some_people(world: World, random: Random) -> list[str]:
    """Refuse people of every kind, half of whom are repaired in Marketo and some in Salesforce."""
    people = [world.lead(country=random.choice(_COUNTRIES)) for _ in range(4)]
    people += [world.contact(country="Deutschland"), world.lead(industry="Technology\u200b")]
    people += [world.lead(industry="Technology\u200b"), world.marketo_only(country="Deutschland")]
    world.refuse()
    return people


def type_over(world: World, change: Change, value: Value) -> dict[str, Any]:
    """Let a person set a change's field, in the system that it is for; returns the ledger's line of it."""
    if change.system is SystemName.MARKETO:
        world.edit(change.record_id, **{change.field: value})
    else:
        world.sandbox.org.edit(change.object, change.record_id, {change.field: value}, by="person@sf.example")
    return world.sandbox.ledger.entries(after=world.sandbox.ledger.last - 1)[0]


def ours_after(world: World, change: Change, seq: int) -> list[dict[str, Any]]:
    """Return what we wrote into a change's place after a line of the ledger."""
    judge = Judge(world.sandbox)
    return [
        entry
        for entry in judge.writes(after=seq)
        if str(entry["id"]) == change.record_id and change.field in entry["changes"]
    ]


@pytest.mark.parametrize("seed", range(1, 5))
def test_whatever_people_type_between_plan_and_apply_stays(a_world: World, seed: int) -> None:
    random, judge = Random(seed), Judge(a_world.sandbox)
    some_people(a_world, random)
    plan = a_world.approved_plan()
    touched = random.sample(plan.changes, 4)
    lines = {change.id: type_over(a_world, change, random.choice(_TYPED))["seq"] for change in touched}
    a_world.apply(plan)
    a_world.apply(plan)
    assert [ours_after(a_world, change, lines[change.id]) for change in touched] == [[]] * len(touched)
    assert judge.look(a_world.engine.store) == []
    written = {str(entry["id"]) for entry in judge.writes()}
    assert written == {change.record_id for change in plan.changes if change.id not in lines}


@pytest.mark.parametrize("seed", range(1, 5))
def test_whatever_people_type_between_apply_and_undo_stays(a_world: World, seed: int) -> None:
    random, judge = Random(seed), Judge(a_world.sandbox)
    some_people(a_world, random)
    plan = a_world.approved_plan()
    a_world.apply(plan)
    touched = random.sample(plan.changes, 4)
    # Some type before the undo is planned, some after it.
    early, late = touched[:2], touched[2:]
    lines = {change.id: type_over(a_world, change, random.choice(_TYPED))["seq"] for change in early}
    undos = _undo_all(a_world, plan)
    lines |= {change.id: type_over(a_world, change, random.choice(_TYPED))["seq"] for change in late}
    for undo in undos:
        a_world.apply(undo)
    assert [ours_after(a_world, change, lines[change.id]) for change in touched] == [[]] * len(touched)
    assert judge.look(a_world.engine.store) == []
    for change in plan.changes:
        if change.id not in lines and change.system is SystemName.MARKETO:
            assert a_world.marketo(change.record_id, change.field) == change.before


def _undo_all(world: World, plan: Plan) -> list[Plan]:
    run = world.engine.store.start_run("undo", now=world.engine.clock())
    return [plan_undo(world.engine, run=run, of_change=change.id) for change in plan.changes]


def test_an_edit_between_two_batches_of_a_run_is_seen(a_world: World) -> None:
    judge = Judge(a_world.sandbox)
    people = [a_world.lead(country="Deutschland") for _ in range(4)]
    a_world.refuse()
    plan = a_world.approved_plan()
    a_world.engine.marketo.write_size = 1
    lines: list[int] = []

    def on_step(step: Step) -> None:
        if step.name == "applying" and step.done == 2:
            lines.append(type_over(a_world, plan.changes[2], "Austria")["seq"])

    a_world.engine.on_step = on_step
    report = a_world.apply(plan)
    assert report.outcomes == {ChangeState.APPLIED: 3, ChangeState.CONFLICTED: 1}
    assert ours_after(a_world, plan.changes[2], lines[0]) == []
    assert len(judge.writes()) == len(people) - 1


def test_an_edit_that_came_by_the_native_sync_is_seen(a_world: World) -> None:
    person = a_world.lead(country="Deutschland")
    a_world.refuse()
    plan = a_world.approved_plan()
    linked = a_world.sandbox.instance.get(int(person))
    a_world.sandbox.org.edit("Lead", linked["sfdcId"], {"Country": "Austria"}, by="rep@sf.example")
    a_world.pass_time(minutes=11)
    assert a_world.marketo(person, "country") == "Austria"
    a_world.apply(plan)
    assert a_world.our_writes() == []


def test_an_edit_after_a_crash_between_intent_and_write_is_seen(a_world: World) -> None:
    person = a_world.lead(country="Deutschland")
    a_world.refuse()
    plan = a_world.approved_plan()

    class Killed(BaseException):
        pass

    def die(step: Step) -> None:
        if step.name == "before_write":
            raise Killed

    run = a_world.engine.store.start_run("apply", now=a_world.engine.clock())
    with pytest.raises(Killed):
        apply_plan(replace(a_world.engine, on_step=die), plan.id, run=run)
    a_world.edit(person, country="Austria")
    a_world.pass_time(minutes=3)
    a_world.apply(plan)
    a_world.apply(plan)
    assert a_world.our_writes() == []
    assert a_world.marketo(person, "country") == "Austria"


def test_an_undo_is_not_repeated_over_the_repair_that_a_person_made_again(a_world: World) -> None:
    person = a_world.lead(country="Deutschland")
    a_world.refuse()
    plan = a_world.approved_plan()
    a_world.apply(plan)
    (undo,) = _undo_all(a_world, plan)
    a_world.apply(undo)
    a_world.edit(person, country="Germany")
    with pytest.raises(PlanRefused):
        _undo_all(a_world, plan)
    a_world.apply(undo)
    assert a_world.marketo(person, "country") == "Germany"
    assert len(a_world.our_writes(person)) == 2
