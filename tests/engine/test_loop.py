from __future__ import annotations

from datetime import timedelta

from remediator.access import access_requests
from remediator.changes import ChangeState
from remediator.model import CaseState, Confidence, SystemName, Verdict
from remediator.policy import approve
from tests.engine.world import World, the_only


def test_a_refused_country_is_repaired_in_marketo_and_proven_in_both_systems(a_world: World) -> None:
    person = a_world.lead(country="Deutschland")
    a_world.refuse()
    plan = a_world.approved_plan()

    change = the_only(plan)
    assert (change.system, change.field, change.before, change.after) == (
        SystemName.MARKETO,
        "country",
        "Deutschland",
        "Germany",
    )
    assert a_world.apply(plan).clean
    assert a_world.state_of(person) is CaseState.VERIFYING

    a_world.pass_time(minutes=20)
    a_world.scan()
    assert a_world.verify().verdicts == {Verdict.CLEARED: 1}
    assert a_world.state_of(person) is CaseState.CLEARED
    assert a_world.salesforce(person, "Country") == "Germany"


def test_a_plan_writes_nothing(a_world: World) -> None:
    a_world.lead(country="Deutschland")
    a_world.refuse()
    a_world.plan()
    assert a_world.our_writes() == []


def test_what_nobody_approved_is_not_written(a_world: World) -> None:
    first = a_world.lead(country="Deutschland")
    second = a_world.lead(country="Frankreich")
    a_world.refuse()
    plan = a_world.plan()
    ours = [change for change in plan.changes if change.record_id == first]
    a_world.engine.store.decide(
        approve(ours, by="reviewer", floor=Confidence.WEAK), now=a_world.engine.clock()
    )
    a_world.apply(plan)
    assert a_world.marketo(first, "country") == "Germany"
    assert a_world.marketo(second, "country") == "Frankreich"


def test_country_and_state_of_one_record_go_in_one_write(lite: World) -> None:
    person = lite.lead(country="USA!", state="Calif.")
    lite.refuse()
    lite.apply(lite.approved_plan())
    lite.pass_time(minutes=20)
    lite.scan()
    lite.apply(lite.approved_plan())
    assert lite.marketo(person, "country") == "United States"
    assert lite.marketo(person, "state") == "California"
    assert len(lite.our_writes(person)) <= 2


def test_three_hundred_records_go_in_one_call(lite: World) -> None:
    for _ in range(300):
        lite.lead(country="Deutschland")
    lite.refuse()
    plan = lite.approved_plan()
    before = lite.engine.marketo.http.calls.copy()
    assert lite.apply(plan).outcomes[ChangeState.APPLIED] == 300
    made = lite.engine.marketo.http.calls - before
    assert made["POST /rest/v1/leads.json"] == 1


def test_a_proof_reads_both_systems_in_the_largest_batches_that_they_take(lite: World) -> None:
    for _ in range(310):
        lite.lead(country="Deutschland")
    lite.refuse()
    lite.apply(lite.approved_plan())
    lite.pass_time(minutes=20)
    before = [dict(client.http.calls) for client in (lite.engine.marketo, lite.engine.salesforce)]
    assert lite.verify().verdicts == {Verdict.CLEARED: 310}
    after = [dict(client.http.calls) for client in (lite.engine.marketo, lite.engine.salesforce)]
    made = [sum(now.values()) - sum(then.values()) for now, then in zip(after, before, strict=True)]
    assert made == [2, 1]


def test_a_marketo_only_person_is_pushed_by_campaign_once(a_world: World) -> None:
    person = a_world.marketo_only(country="Deutschland")
    a_world.scan()
    plan = a_world.approved_plan()
    a_world.apply(plan)
    assert a_world.resync(plan).requested == 1
    assert a_world.resync(plan).requested == 0
    a_world.pass_time(minutes=20)
    a_world.scan()
    a_world.verify()
    assert a_world.state_of(person) is CaseState.CLEARED
    assert a_world.salesforce(person, "Country") == "Germany"


def test_a_contact_is_proven_on_its_mailing_country(lite: World) -> None:
    person = lite.contact(country="Deutschland")
    lite.refuse()
    lite.apply(lite.approved_plan())
    lite.pass_time(minutes=20)
    lite.scan()
    lite.verify()
    assert lite.state_of(person) is CaseState.CLEARED
    assert lite.salesforce(person, "MailingCountry") == "Germany"


def test_a_company_field_of_a_linked_lead_is_written_in_salesforce(lite: World) -> None:
    person = lite.lead(industry="Technology\u200b")
    lite.refuse()
    plan = lite.approved_plan()
    change = the_only(plan)
    assert change.system is SystemName.SALESFORCE
    lite.apply(plan)
    lite.pass_time(minutes=20)
    lite.scan()
    lite.verify()
    assert lite.state_of(person) is CaseState.CLEARED
    assert lite.salesforce(person, "Industry") == "Technology"


def test_a_company_field_of_a_marketo_only_person_is_declined_and_named(lite: World) -> None:
    person = lite.marketo_only(industry="Technology\u200b")
    lite.scan()
    plan = lite.plan()
    assert plan.changes == ()
    assert "company field" in plan.declined[0].reason
    assert lite.state_of(person) is CaseState.DECLINED


def test_a_missing_permission_becomes_a_request_and_no_change(lite: World) -> None:
    person = lite.lead(Partner_Tier__c="Gold")
    lite.refuse()
    assert lite.plan().changes == ()
    (request,) = access_requests([lite.case_of(person)])
    assert request.grant == "Grant edit on Lead.Partner_Tier__c to the sync user"


def test_a_second_problem_of_the_same_record_is_a_new_error_then_both_clear(lite: World) -> None:
    person = lite.lead(country="Deutschland", title="Head of " + "very " * 40 + "long titles")
    lite.refuse()
    for _ in range(3):
        plan = lite.approved_plan()
        lite.apply(plan)
        lite.pass_time(minutes=20)
        lite.scan()
        lite.verify()
    states = {case.state for case in lite.engine.store.cases()}
    assert states == {CaseState.CLEARED}
    assert lite.salesforce(person, "Country") == "Germany"


def test_a_value_that_something_changes_back_is_reverted_and_open_again(lite: World) -> None:
    person = lite.lead(country="Deutschland")
    lite.refuse()
    lite.apply(lite.approved_plan())
    lite.edit(person, country="Deutschland")
    lite.pass_time(minutes=20)
    assert lite.verify().verdicts[Verdict.REVERTED] == 1
    assert lite.state_of(person) is CaseState.OPEN


def test_a_case_the_salesforce_record_does_not_show_yet_waits(lite: World) -> None:
    person = lite.lead(country="Deutschland")
    lite.refuse()
    lite.apply(lite.approved_plan())
    lite.sandbox.clock.advance(timedelta(minutes=16))
    report = lite.verify()
    assert (report.waiting, report.verdicts) == (1, {})
    assert lite.state_of(person) is CaseState.VERIFYING


def test_a_report_from_before_the_fix_says_nothing_about_it_even_with_a_clock_ahead(lite: World) -> None:
    # Our host's clock, or the zone that the export is read in, is hours behind what the report says.
    clock = lite.sandbox.clock
    lite.engine.clock = lambda: clock.now() - timedelta(hours=5)
    person = lite.lead(country="Deutschland")
    lite.refuse()
    lite.apply(lite.approved_plan())
    lite.pass_time(minutes=20)
    assert lite.verify().verdicts == {Verdict.CLEARED: 1}
    assert lite.state_of(person) is CaseState.CLEARED
