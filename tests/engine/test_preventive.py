"""Campaigns on records: what Salesforce would refuse is fixed before it is refused."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from remediator.campaigns import Campaign, Mode, Select
from remediator.changes import ChangeState, Decision
from remediator.engine.core import Step
from remediator.engine.loops import Loop
from remediator.engine.preventive import PreventiveProof
from remediator.errors import ConfigError, VendorError
from remediator.model import SystemName
from remediator.sandbox.salesforce.access import User
from tests.engine.cycles import a_campaign, approve_plan, earn, looked, run
from tests.engine.world import World

LIST = 3001


def preventive(**fields: Any) -> Campaign:
    select = fields.pop("select", Select(changed_within_h=24, fields=("Country", "State", "MailingCountry")))
    return a_campaign(**{"name": "prevent-country", "select": select, **fields})


def planned(world: World, campaign: Campaign) -> dict[str, tuple[object, object]]:
    # An extract ends at the second in which it is asked for.
    world.pass_time(minutes=1)
    report = run(world, campaign)
    assert report.plan is not None
    return {change.record_id: (change.before, change.after) for change in report.plan.changes}


def hold_the_sync(world: World) -> None:
    """Let nothing be pushed, so that nothing has failed yet."""
    world.sandbox.sync.settings.disabled = True


@pytest.fixture(autouse=True)
def _extracts_pass_virtual_time(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> None:
    name = "a_world" if "a_world" in request.fixturenames else "lite"
    world: World = request.getfixturevalue(name)
    monkeypatch.setattr(world.engine.marketo, "_sleep", lambda seconds: world.pass_time(seconds=seconds))


def test_a_value_is_fixed_before_salesforce_can_refuse_it(a_world: World) -> None:
    campaign = looked(a_world, preventive())
    person = written_before_it_fails(a_world, campaign)
    a_world.pass_time(minutes=20)
    assert a_world.salesforce(person, "Country") == "Germany"
    assert list(a_world.sandbox.sync.errors) == []
    proof = run(a_world, campaign).proof
    assert proof is not None
    assert (proof.proven, proof.reverted) == (1, 0)


def written_before_it_fails(world: World, campaign: Campaign) -> str:
    """Let the campaign write a value that nobody has refused yet."""
    person = world.lead(country="United States")
    world.pass_time(minutes=10)
    hold_the_sync(world)
    world.edit(person, country="Deutschland")
    approve_plan(world, run(world, campaign))
    assert run(world, campaign).writes.outcomes == {ChangeState.APPLIED: 1}
    world.sandbox.sync.settings.disabled = False
    return person


def test_what_becomes_due_during_a_run_is_proven_by_the_next_one(a_world: World) -> None:
    campaign = looked(a_world, preventive())
    written_before_it_fails(a_world, campaign)
    settle_s = a_world.engine.settings.verify.settle_s

    def while_it_plans(step: Step) -> None:
        if step.name == "planning":
            a_world.pass_time(seconds=120)

    a_world.pass_time(seconds=settle_s - 60)
    a_world.engine.on_step = while_it_plans
    assert run(a_world, campaign).proof == PreventiveProof()
    a_world.pass_time(seconds=settle_s)
    assert run(a_world, campaign).proof == PreventiveProof(proven=1)
    a_world.pass_time(seconds=settle_s)
    assert run(a_world, campaign).proof == PreventiveProof()


def test_a_proof_that_the_day_s_share_cuts_short_is_made_by_the_next_run(lite: World) -> None:
    campaign = looked(lite, preventive())
    person = written_before_it_fails(lite, campaign)
    lite.pass_time(seconds=lite.engine.settings.verify.settle_s + 60)
    lite.sandbox.faults.add(
        {"name": "daily_quota", "system": "marketo", "match": "GET /rest/v1/leads.json", "times": 1}
    )
    report = run(lite, campaign)
    assert (report.stopped is None, report.proof) == (False, None)
    lite.pass_time(hours=24)
    assert run(lite, campaign).proof == PreventiveProof(proven=1)
    assert lite.salesforce(person, "Country") == "Germany"


def test_a_field_that_was_hidden_since_keeps_nobody_else_from_being_proven(lite: World) -> None:
    campaign = looked(lite, preventive(select=Select(changed_within_h=24), fixers=("country", "email")))
    hidden = lite.lead(country="United States")
    seen = lite.lead(email="ann.lee@gmail.com")
    lite.pass_time(minutes=10)
    hold_the_sync(lite)
    lite.edit(hidden, country="Deutschland")
    lite.edit(seen, email="ann.lee@gmail..com")
    approve_plan(lite, run(lite, campaign))
    assert run(lite, campaign).writes.outcomes == {ChangeState.APPLIED: 2}
    lite.sandbox.sync.settings.disabled = False
    lite.pass_time(minutes=20)
    org = lite.sandbox.org
    for row in org.rows("FieldPermissions"):
        if row["Field"] == "Lead.Country":
            row["IsDeleted"] = True
    org.access.forget()
    # As after the quarter of an hour for which a describe is kept.
    lite.engine.salesforce._described.clear()
    assert run(lite, campaign).proof == PreventiveProof(proven=1, waiting=1)


def test_a_value_that_would_pass_is_left_alone(a_world: World) -> None:
    campaign = looked(a_world, preventive())
    person = a_world.lead(country="United States")
    hold_the_sync(a_world)
    a_world.edit(person, country="Germany")
    assert planned(a_world, campaign) == {}


@pytest.mark.parametrize(
    "select",
    [
        Select(updated_within_h=24),
        Select(created_within_h=24),
        Select(static_list=LIST),
        Select(changed_within_h=24),
    ],
    ids=lambda select: select.records_by,
)
def test_records_are_selected_in_every_way(lite: World, select: Select) -> None:
    campaign = looked(lite, preventive(select=select))
    hold_the_sync(lite)
    person = lite.lead(country="Deutschland")
    lite.edit(person, country="Oesterreich")
    lite.engine.marketo.add_to_list(LIST, [person])
    lite.pass_time(minutes=1)
    assert planned(lite, campaign) == {person: ("Oesterreich", "Austria")}


def test_only_the_fields_that_are_named_are_looked_at(lite: World) -> None:
    campaign = looked(lite, preventive(select=Select(created_within_h=24, fields=("State",))))
    hold_the_sync(lite)
    lite.lead(country="Deutschland")
    assert planned(lite, campaign) == {}


def test_a_field_that_nobody_has_is_told_with_the_nearest_one(lite: World) -> None:
    campaign = preventive(select=Select(changed_within_h=24, fields=("Contry",)))
    with pytest.raises(ConfigError, match=r"no field 'Contry'.*did you mean 'Country'"):
        run(lite, campaign)


def test_only_the_objects_that_are_named_are_looked_at(lite: World) -> None:
    campaign = looked(lite, preventive(select=Select(created_within_h=24, objects=("Contact",))))
    hold_the_sync(lite)
    lite.lead(country="Deutschland")
    contact = lite.contact(country="Deutschland")
    assert planned(lite, campaign) == {contact: ("Deutschland", "Germany")}


def test_texts_mail_and_numbers_are_repaired_before_they_fail(lite: World) -> None:
    campaign = looked(
        lite,
        preventive(
            select=Select(created_within_h=24), fixers=("email", "text-length", "picklist", "whitespace")
        ),
    )
    hold_the_sync(lite)
    mail = lite.lead(email="ann.lee@gmail..com")
    plan = planned(lite, campaign)
    assert plan[mail][1] == "ann.lee@gmail.com"


def test_a_night_does_not_plan_again_what_waits_for_a_person(a_world: World) -> None:
    campaign = looked(a_world, preventive())
    hold_the_sync(a_world)
    person = a_world.lead(country="United States")
    a_world.edit(person, country="Deutschland")
    assert person in planned(a_world, campaign)
    assert planned(a_world, campaign) == {}


def test_what_a_person_rejected_is_not_proposed_again(a_world: World) -> None:
    campaign = looked(a_world, preventive())
    hold_the_sync(a_world)
    person = a_world.lead(country="United States")
    a_world.edit(person, country="Deutschland")
    report = run(a_world, campaign)
    assert report.plan is not None
    (change,) = report.plan.changes
    decision = Decision(change=change.id, approved=False, by="reviewer")
    a_world.engine.store.decide([decision], now=a_world.engine.clock())
    assert planned(a_world, campaign) == {}
    a_world.edit(person, country="Oesterreich")
    assert planned(a_world, campaign) == {person: ("Oesterreich", "Austria")}


def test_a_value_that_a_person_changed_after_the_plan_is_left_alone(a_world: World) -> None:
    campaign = looked(a_world, preventive())
    hold_the_sync(a_world)
    person = a_world.lead(country="United States")
    a_world.edit(person, country="Deutschland")
    approve_plan(a_world, run(a_world, campaign))
    a_world.edit(person, country="Austria")
    assert run(a_world, campaign).writes.outcomes == {ChangeState.CONFLICTED: 1}
    assert a_world.our_writes(person) == []


def test_a_fixer_that_earned_it_on_failures_prevents_them_by_itself(a_world: World) -> None:
    campaign = looked(a_world, preventive(mode=Mode.AUTO))
    earn(a_world, campaign)
    hold_the_sync(a_world)
    person = a_world.lead(country="United States")
    a_world.edit(person, country="Deutschland")
    report = run(a_world, campaign)
    assert (report.approved, report.writes.outcomes) == (1, {ChangeState.APPLIED: 1})
    assert a_world.marketo(person, "country") == "Germany"


def stubborn(object_name: str, new: Mapping[str, Any], old: Mapping[str, Any] | None, _: User) -> Any:
    return {"Country": "Deutschland"} if old is not None and new.get("Country") == "Germany" else None


def test_a_prevented_value_that_keeps_coming_back_is_left_alone_and_named(a_world: World) -> None:
    campaign = looked(a_world, preventive(stop_after_reverts=2))
    a_world.sandbox.org.automation.hooks.append(stubborn)
    person = a_world.lead(country="United States")
    a_world.edit(person, country="Deutschland")
    loops: list[Loop] = []
    for _ in range(6):
        report = run(a_world, campaign)
        loops += report.loops
        approve_plan(a_world, report)
        a_world.pass_time(hours=2)
    assert len(a_world.our_writes(person)) == 2
    assert {loop.times for loop in loops} == {2}


def test_a_dry_run_names_a_value_that_came_back_and_remembers_nothing_of_it(lite: World) -> None:
    campaign = looked(lite, preventive(stop_after_reverts=1))
    lite.sandbox.org.automation.hooks.append(stubborn)
    person = lite.lead(country="United States")
    lite.edit(person, country="Deutschland")
    approve_plan(lite, run(lite, campaign))
    run(lite, campaign)
    lite.pass_time(hours=2)
    (loop,) = run(lite, campaign, dry_run=True).loops
    assert (loop.times, "SFDC Sync" in loop.by) == (1, True)
    assert lite.engine.store.running.reverts(SystemName.MARKETO, person, "country") == 0


def test_only_the_loops_that_are_told_are_looked_up(lite: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("remediator.engine.loops.TOLD", 1)
    campaign = looked(lite, preventive(stop_after_reverts=1))
    lite.sandbox.org.automation.hooks.append(stubborn)
    for _ in range(2):
        lite.edit(lite.lead(country="United States"), country="Deutschland")
    approve_plan(lite, run(lite, campaign))
    run(lite, campaign)
    lite.pass_time(hours=2)
    assert ["SFDC Sync" in loop.by for loop in run(lite, campaign).loops] == [True, False]


@pytest.mark.parametrize("fault", ["truncated", "server_error"])
def test_a_page_of_people_that_cannot_be_read_plans_nothing(lite: World, fault: str) -> None:
    campaign = looked(lite, preventive(select=Select(created_within_h=24)))
    hold_the_sync(lite)
    lite.lead(country="Deutschland")
    lite.pass_time(minutes=1)
    match = "GET /rest/v1/leads.json"
    lite.sandbox.faults.add({"name": fault, "system": "marketo", "match": match, "times": 99})
    with pytest.raises(VendorError):
        run(lite, campaign)
    assert lite.our_writes() == []


def test_somebody_new_is_looked_at_with_those_who_changed(lite: World) -> None:
    campaign = looked(lite, preventive())
    hold_the_sync(lite)
    created = lite.sandbox.instance.create(
        {"firstName": "Ann", "lastName": "Lee", "country": "Deutschland"}, actor="form"
    )
    assert planned(lite, campaign) == {str(created): ("Deutschland", "Germany")}
