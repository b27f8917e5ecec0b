"""Teach once: what a reviewer picks is what the next plan proposes, for that field and nothing else."""

from __future__ import annotations

from typing import Any

from remediator.changes import Change, Decision, Plan
from remediator.engine.planning import make_plan
from remediator.engine.teaching import Teaching
from remediator.fixing import Declined, FixRequest, Proposal
from remediator.model import CaseState, Confidence
from remediator.policy import approve
from remediator.settings import FixSettings, isolated_settings
from remediator.store import AliasKey, CaseQuery
from tests.engine.world import World, the_only


def pick(world: World, plan: Plan, after: str) -> None:
    """Approve a plan's only change with another value."""
    word = Decision(change=the_only(plan).id, approved=True, by="ann", picked=True, after=after)
    assert world.engine.store.decide([word], now=world.engine.clock()) == [word.change]


def approve_all(world: World, plan: Plan) -> None:
    words = approve(plan.changes, by="ann", floor=Confidence.STRONG)
    world.engine.store.decide(words, now=world.engine.clock())


def teach(world: World, field: str, before: str, after: str) -> None:
    key = AliasKey(object="Lead", field=field, before=before)
    world.engine.store.aliases.take([(key, after)], by="ann", now=world.engine.clock())


def with_options(world: World, **options: dict[str, Any]) -> None:
    """Give the engine fixer options."""
    fixers = FixSettings(
        options=options,
        defaults={"Lead.Lead_Type__c": "Inbound"},
    )
    world.engine.settings = isolated_settings(**{**dict(world.engine.settings), "fixers": fixers})


def planned_for(world: World, plan: Plan, person: str) -> Change:
    (change,) = (change for change in plan.changes if change.record_id == person)
    return change


def reason_for(world: World, plan: Plan, person: str) -> str:
    case = world.case_of(person).id
    (declined,) = (declined for declined in plan.declined if declined.case == case)
    return declined.reason


def test_a_picked_value_is_proposed_for_the_next_person_as_sure_and_signed(a_world: World) -> None:
    a_world.lead(segment="Entprise")
    a_world.refuse()
    first = a_world.plan()
    assert the_only(first).confidence is Confidence.WEAK
    pick(a_world, first, "Public Sector")
    a_world.apply(first)

    second = a_world.lead(segment="Entprise")
    a_world.refuse()
    plan = a_world.plan()
    change = planned_for(a_world, plan, second)
    assert (change.after, change.confidence, change.fixer) == ("Public Sector", Confidence.EXACT, "alias")
    assert change.reason == f"picked by ann on {a_world.engine.clock():%Y-%m-%d}"

    approve_all(a_world, plan)
    a_world.apply(plan)
    a_world.pass_time(minutes=20)
    a_world.scan()
    a_world.verify()
    assert a_world.state_of(second) is CaseState.CLEARED
    assert a_world.salesforce(second, "Segment__c") == "Public Sector"


def test_what_one_field_was_taught_another_does_not_know(lite: World) -> None:
    teach(lite, "Segment__c", "VIP", "Enterprise")
    person = lite.lead(Job_Level__c="VIP")
    lite.refuse()
    plan = lite.plan()
    assert all(change.fixer != "alias" for change in plan.changes)
    assert lite.case_of(person).diagnosis.fields == ("Job Level",)


def test_the_exact_text_is_taught_and_nothing_near_it(lite: World) -> None:
    teach(lite, "Segment__c", "Gov", "Public Sector")
    same, other = lite.lead(segment="Gov"), lite.lead(segment="Govt")
    lite.refuse()
    plan = lite.plan()
    assert planned_for(lite, plan, same).after == "Public Sector"
    assert "picked" not in str([change.reason for change in plan.changes if change.record_id == other])
    assert [change.fixer for change in plan.changes if change.record_id == other] != ["alias"]


def test_an_alias_whose_value_is_gone_is_not_used_and_said(lite: World) -> None:
    teach(lite, "Segment__c", "Gov", "Civil Service")
    person = lite.lead(segment="Gov")
    lite.refuse()
    reason = reason_for(lite, lite.plan(), person)
    assert '"Civil Service" (taught by ann on' in reason
    assert "Segment does not accept it now" in reason


def test_an_alias_is_not_used_once_its_text_is_accepted_itself(lite: World) -> None:
    teach(lite, "Segment__c", "Enterprise", "Public Sector")
    request = _request(lite, "Segment__c", {"Segment__c": "Enterprise"})
    assert _teaching(lite).answer(request, _nobody) is None


def test_contradicting_picks_answer_nothing_and_the_plan_says_so(lite: World) -> None:
    people = [lite.lead(segment="Entprise"), lite.lead(segment="Entprise")]
    lite.refuse()
    plan = lite.plan()
    for change, after in zip(plan.changes, ("Enterprise", "Public Sector"), strict=True):
        word = Decision(change=change.id, approved=True, by="ann", picked=True, after=after)
        lite.engine.store.decide([word], now=lite.engine.clock())
    lite.apply(plan)
    third = lite.lead(segment="Entprise")
    lite.refuse()
    change = planned_for(lite, lite.plan(), third)
    assert change.confidence is Confidence.WEAK
    assert "reviewers picked different values" in change.reason
    assert third not in people


def test_the_settings_win_over_what_was_learned(lite: World) -> None:
    teach(lite, "Segment__c", "Gov", "Enterprise")
    with_options(lite, picklist={"aliases": {"gov": "Public Sector"}})
    person = lite.lead(segment="Gov")
    lite.refuse()
    change = planned_for(lite, lite.plan(), person)
    assert (change.after, change.fixer) == ("Public Sector", "picklist")


def test_an_alias_of_the_settings_for_one_field_wins_over_a_general_one_and_stays_there(lite: World) -> None:
    aliases = {"Top": "Enterprise", "Lead.Job_Level__c": {"top": "C-Level"}}
    with_options(lite, picklist={"aliases": aliases})
    segment, level = lite.lead(segment="Top"), lite.lead(Job_Level__c="Top")
    lite.refuse()
    plan = lite.plan()
    assert planned_for(lite, plan, segment).after == "Enterprise"
    assert planned_for(lite, plan, level).after == "C-Level"


def test_a_country_that_was_taught_takes_its_state_along(lite: World) -> None:
    teach(lite, "Country", "Kangaroo Land", "Australia")
    person = lite.lead(country="Kangaroo Land", state="NSW")
    lite.refuse()
    plan = lite.plan()
    assert [(change.field, change.after) for change in plan.changes] == [
        ("country", "Australia"),
        ("state", "New South Wales"),
    ]
    approve_all(lite, plan)
    lite.apply(plan)
    lite.pass_time(minutes=20)
    assert lite.salesforce(person, "State") == "New South Wales"


def test_a_country_that_was_taught_is_not_written_when_its_state_would_be_refused(lite: World) -> None:
    teach(lite, "Country", "Kangaroo Land", "Australia")
    person = lite.lead(country="Kangaroo Land", state="Zzyzx")
    lite.refuse()
    plan = lite.plan()
    assert plan.changes == ()
    assert "would then be refused" in reason_for(lite, plan, person)


def test_a_country_alias_of_the_settings_is_used(lite: World) -> None:
    with_options(lite, country={"aliases": {"kangaroo land": "Australia"}})
    person = lite.lead(country="Kangaroo Land")
    lite.refuse()
    change = planned_for(lite, lite.plan(), person)
    assert (change.after, change.confidence) == ("Australia", Confidence.EXACT)


def test_a_dependent_value_that_was_taught_is_used_only_where_its_controller_allows_it(lite: World) -> None:
    teach(lite, "State", "The West", "Western Australia")
    there, elsewhere = (
        lite.lead(country="Australia", state="The West"),
        lite.lead(country="Germany", state="The West"),
    )
    lite.refuse()
    plan = lite.plan()
    assert planned_for(lite, plan, there).after == "Western Australia"
    assert "does not accept it now" in reason_for(lite, plan, elsewhere)


def test_a_plan_that_is_only_looked_at_uses_what_was_taught_too(lite: World) -> None:
    teach(lite, "Segment__c", "Gov", "Public Sector")
    lite.lead(segment="Gov")
    lite.refuse()
    plan = make_plan(lite.engine, query=CaseQuery(), run=1, save=False).plan
    assert the_only(plan).after == "Public Sector"


def _teaching(world: World) -> Teaching:
    return Teaching.of({}, world.engine.store.aliases.all())


def _request(world: World, field: str, record: dict[str, str | int | float | bool | None]) -> FixRequest:
    descriptions = world.engine.fields("Lead").descriptions
    return FixRequest(object="Lead", field=descriptions[field], record=record, fields=descriptions)


def _nobody(request: FixRequest, names: object) -> Proposal | Declined:
    raise AssertionError(f"nobody should be asked about {request.field.name}")
