"""What people repaired by themselves is cleared, and only that."""

from __future__ import annotations

import pytest

from remediator.engine.noticing import notice_repaired
from remediator.engine.standing import rule_standings
from remediator.errors import VendorError
from remediator.model import CaseState, Verdict
from remediator.values import Value
from tests.engine.world import World
from tests.faults.test_vendor_trouble import on_virtual_time


def notice(world: World) -> int:
    """Look at what was left alone."""
    run = world.engine.store.start_run("verify", now=world.engine.clock())
    return notice_repaired(world.engine, run=run)


def declined(world: World, **values: Value) -> str:
    """Return a person whose failure no fixer has an answer to."""
    person = world.lead(**(values or {"country": "Atlantis"}))
    world.refuse()
    world.plan()
    assert world.state_of(person) is CaseState.DECLINED
    return person


def test_a_case_that_a_person_repaired_is_cleared_by_someone_else(a_world: World) -> None:
    person = declined(a_world)
    other = a_world.lead(country="Atlantis")
    a_world.refuse()
    a_world.plan()
    a_world.edit(person, country="Austria")
    a_world.pass_time(minutes=20)
    assert notice(a_world) == 1
    case = a_world.case_of(person)
    assert (case.state, case.verdict) == (CaseState.CLEARED, None)
    assert "by someone else" in (case.note or "")
    assert a_world.state_of(other) is CaseState.DECLINED
    assert a_world.our_writes() == []


def test_a_case_is_not_cleared_while_salesforce_lacks_the_value(lite: World) -> None:
    person = declined(lite)
    lite.sandbox.sync.settings.disabled = True
    lite.edit(person, country="Austria")
    lite.pass_time(minutes=20)
    assert notice(lite) == 0
    assert lite.state_of(person) is CaseState.DECLINED


def test_an_emptied_field_that_salesforce_still_holds_is_no_repair(lite: World) -> None:
    person = declined(lite)
    lite.pass_time(minutes=20)
    lite.sandbox.sync.settings.disabled = True
    lite.edit(person, country="", leadType="")
    lite.pass_time(minutes=20)
    assert lite.salesforce(person, "Lead_Type__c") == "Inbound"
    assert notice(lite) == 0


def test_a_failure_of_a_moment_ago_is_not_looked_at_yet(lite: World) -> None:
    person = declined(lite)
    lite.edit(person, country="Austria")
    lite.sandbox.sync.run_cycle()
    assert lite.salesforce(person, "Country") == "Austria"
    assert notice(lite) == 0
    lite.pass_time(minutes=20)
    assert notice(lite) == 1


def test_a_refused_value_that_our_own_user_may_not_write_is_no_repair(lite: World) -> None:
    lite.sandbox.org.take_edit(lite.sandbox.org.bot, "Lead", "Country")
    person = declined(lite)
    lite.pass_time(minutes=20)
    assert notice(lite) == 0
    lite.edit(person, country="Austria")
    lite.pass_time(minutes=20)
    assert notice(lite) == 1


def test_where_the_refused_field_has_no_known_partner_nothing_proves_a_repair(lite: World) -> None:
    lite.engine.settings = lite.engine.settings.model_copy(update={"field_map": {"Lead.Country": ""}})
    person = declined(lite)
    lite.pass_time(minutes=20)
    assert notice(lite) == 0
    assert lite.state_of(person) is CaseState.DECLINED


def test_a_refused_field_that_can_no_longer_be_seen_proves_no_repair(lite: World) -> None:
    person = declined(lite)
    lite.sandbox.org.hide(lite.sandbox.org.bot, "Lead", "Country")
    with on_virtual_time(lite) as now:
        now.pass_time(minutes=20)
        assert notice(now) == 0
    assert lite.state_of(person) is CaseState.DECLINED


def test_a_formula_that_shows_something_else_keeps_no_repair_from_being_seen(lite: World) -> None:
    person = declined(lite)
    lite.edit(person, country="Austria")
    lite.pass_time(minutes=20)
    lite.sandbox.sync.settings.disabled = True
    lite.edit(person, Budget__c=12)
    assert notice(lite) == 0
    lite.sandbox.org.redefine("Lead", "Budget__c", calculated=True, createable=False, updateable=False)
    with on_virtual_time(lite) as now:
        assert notice(now) == 1


def test_a_failure_of_a_lead_is_proven_over_on_the_contact_that_it_became(lite: World) -> None:
    person = declined(lite)
    lite.convert(person)
    lite.edit(person, country="Austria")
    lite.pass_time(minutes=20)
    assert lite.salesforce(person, "MailingCountry") == "Austria"
    assert notice(lite) == 1


@pytest.mark.parametrize("fault", ["empty", "truncated", "server_error"])
def test_a_read_that_fails_clears_nothing(lite: World, fault: str) -> None:
    person = declined(lite)
    lite.edit(person, country="Austria")
    lite.pass_time(minutes=20)
    match = "POST /services/data/v60.0/composite/sobjects/Lead"
    lite.sandbox.faults.add({"name": fault, "system": "salesforce", "match": match, "times": 99})
    with pytest.raises(VendorError):
        notice(lite)
    assert lite.state_of(person) is CaseState.DECLINED


def test_what_somebody_else_repaired_earns_a_rule_nothing(lite: World) -> None:
    person = lite.lead(country="Deutschland")
    lite.refuse()
    lite.apply(lite.approved_plan())
    lite.edit(person, country="Atlantis")
    lite.pass_time(minutes=20)
    assert lite.verify().verdicts == {Verdict.REVERTED: 1}
    lite.scan()
    lite.plan()
    lite.edit(person, country="Austria")
    lite.pass_time(minutes=20)
    assert notice(lite) >= 1
    assert lite.engine.store.tally().open == 0
    assert {(known.proven, known.reopened) for known in rule_standings(lite.engine.store).values()} == {
        (0, 1)
    }
