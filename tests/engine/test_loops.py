"""Promise 10: the bot stops changing what something else keeps changing back, and names it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from remediator.campaigns import Campaign, Mode
from remediator.model import CaseState, SystemName
from remediator.sandbox.salesforce.access import User
from tests.engine.cycles import a_campaign, approve_plan, broken, earn, looked, run
from tests.engine.world import World


def stubborn(object_name: str, new: Mapping[str, Any], old: Mapping[str, Any] | None, _: User) -> Any:
    """A flow of the org that knows only its own name for the country."""
    return {"Country": "Deutschland"} if old is not None and new.get("Country") == "Germany" else None


def test_a_value_that_a_flow_keeps_changing_back_is_left_alone_and_named(a_world: World) -> None:
    campaign = looked(a_world, a_campaign(mode=Mode.AUTO, stop_after_reverts=2))
    earn(a_world, campaign)
    a_world.sandbox.org.automation.hooks.append(stubborn)
    (person,) = broken(a_world)
    for _ in range(6):
        report = run(a_world, campaign)
        approve_plan(a_world, report)
        a_world.pass_time(hours=2)
    assert len(a_world.our_writes(person)) == 2
    case = a_world.case_of(person)
    assert case.state is CaseState.DECLINED
    assert "country of marketo record" in (case.note or "")
    assert "changed back 2 times" in (case.note or "")
    assert "SFDC Sync" in (case.note or "")
    assert a_world.sandbox.org.sync_user.name in (case.note or "")


def test_the_report_names_the_loop(a_world: World) -> None:
    campaign = looked(a_world, a_campaign(stop_after_reverts=1))
    a_world.sandbox.org.automation.hooks.append(stubborn)
    (person,) = broken(a_world)
    approve_plan(a_world, run(a_world, campaign))
    run(a_world, campaign)
    a_world.pass_time(hours=2)
    report = run(a_world, campaign)
    (loop,) = report.loops
    assert (loop.record_id, loop.field, loop.times) == (person, "country", 1)
    assert report.plan is not None
    assert report.plan.changes == ()


def test_another_record_of_the_same_plan_goes_on(a_world: World) -> None:
    campaign = looked(a_world, a_campaign(stop_after_reverts=1))
    a_world.sandbox.org.automation.hooks.append(stubborn)
    (person,) = broken(a_world)
    approve_plan(a_world, run(a_world, campaign))
    run(a_world, campaign)
    a_world.pass_time(hours=2)
    a_world.sandbox.org.automation.hooks.clear()
    (other,) = broken(a_world)
    report = run(a_world, campaign)
    assert report.plan is not None
    assert [change.record_id for change in report.plan.changes] == [other]
    assert [loop.record_id for loop in report.loops] == [person]


@pytest.mark.parametrize("call", ["leadchanges.json", "pagingtoken.json"])
def test_a_loop_is_broken_even_when_nobody_can_be_named(lite: World, call: str) -> None:
    campaign = looked(lite, a_campaign(stop_after_reverts=1))
    lite.sandbox.org.automation.hooks.append(stubborn)
    (person,) = broken(lite)
    approve_plan(lite, run(lite, campaign))
    run(lite, campaign)
    lite.pass_time(hours=2)
    match = f"GET /rest/v1/activities/{call}"
    lite.sandbox.faults.add({"name": "server_error", "system": "marketo", "match": match, "times": 99})
    report = run(lite, campaign)
    assert "could not be looked up" in report.loops[0].by
    assert lite.state_of(person) is CaseState.DECLINED


def changed_back(world: World, campaign: Campaign, people: int) -> list[str]:
    """Let a flow change back what the campaign wrote for so many people."""
    world.sandbox.org.automation.hooks.append(stubborn)
    made = broken(world, people)
    approve_plan(world, run(world, campaign))
    run(world, campaign)
    world.pass_time(hours=2)
    return made


def test_a_dry_run_names_a_loop_and_remembers_nothing_of_it(a_world: World) -> None:
    campaign = looked(a_world, a_campaign(stop_after_reverts=1))
    (person,) = changed_back(a_world, campaign, 1)
    a_world.verify()
    (loop,) = run(a_world, campaign, dry_run=True).loops
    assert (loop.record_id, loop.times) == (person, 1)
    reverts = a_world.engine.store.running.reverts
    assert reverts(SystemName.MARKETO, person, "country") == 0
    run(a_world, campaign)
    assert reverts(SystemName.MARKETO, person, "country") == 1


def test_many_loops_are_named_at_the_calls_of_one_and_each_by_what_did_it(lite: World) -> None:
    campaign = looked(lite, a_campaign(stop_after_reverts=1))
    first, second, third = changed_back(lite, campaign, 3)
    lite.edit(second, country="Oesterreich")
    lite.edit(second, country="Deutschland")
    before = len(log_calls(lite))
    assert {loop.record_id for loop in run(lite, campaign).loops} == {first, second, third}
    assert len(log_calls(lite)) - before == 3, "a token, a page of the log, a question to Salesforce"
    notes = {person: lite.case_of(person).note or "" for person in (first, second, third)}
    assert all("SFDC Sync" in note for note in notes.values())
    assert [person for person, note in notes.items() if "Marketo Flow Action" in note] == [second]


def log_calls(world: World) -> list[str]:
    """Return the paths of the calls that asked who changed what."""
    paths = [entry["path"] for entry in world.sandbox.ledger.entries(kind="request")]
    return [path for path in paths if "/activities/" in path or path.endswith("/queryAll")]


def test_a_value_that_was_undone_by_a_person_is_no_loop(a_world: World) -> None:
    from remediator.engine.undoing import plan_undo

    campaign = looked(a_world, a_campaign(stop_after_reverts=1))
    (person,) = broken(a_world)
    approve_plan(a_world, run(a_world, campaign))
    number = run(a_world, campaign).run
    undo_run = a_world.engine.store.start_run("undo", now=a_world.engine.clock())
    undo = plan_undo(a_world.engine, run=undo_run, of_run=number)
    assert a_world.apply(undo).clean
    a_world.refuse()
    report = run(a_world, campaign)
    assert report.loops == ()
    assert report.plan is not None
    assert [change.record_id for change in report.plan.changes] == [person]
