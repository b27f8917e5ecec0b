"""Attacks on the write path: what a batch, a lost answer or a second hand can do to promises 1 to 3."""

from __future__ import annotations

import contextlib
import threading
from dataclasses import replace

import pytest

from remediator.changes import ChangeState, Decision, Plan
from remediator.engine.applying import apply_plan
from remediator.engine.core import Engine
from remediator.engine.undoing import plan_undo
from remediator.errors import NoAnswer, PlanRefused, VendorError
from remediator.model import CaseState, SystemName
from remediator.plan import from_document, to_document
from remediator.policy import approve
from remediator.systems.base import RecordWrite
from tests.engine.world import World, the_only, without_grace

WRITE = "POST /rest/v1/leads.json"
READ = "GET /rest/v1/leads.json"
SALESFORCE_WRITE = "PATCH /services/data/*/composite/sobjects"


def refused(world: World, people: int = 1) -> list[str]:
    """Refuse so many people for their country and take the failures in."""
    made = [world.lead(country="Deutschland") for _ in range(people)]
    world.refuse()
    return made


def small_batches(world: World, size: int = 2) -> None:
    """Make a call carry fewer records, so that a handful of people fills several."""
    world.engine.marketo.write_size = size


def undo(world: World, *, of_change: str | None = None, of_run: int | None = None) -> Plan:
    """Plan an undo."""
    run = world.engine.store.start_run("undo", now=world.engine.clock())
    return plan_undo(world.engine, run=run, of_change=of_change, of_run=of_run)


# Batches that succeed in part


def test_the_refused_records_of_a_batch_fail_alone(lite: World) -> None:
    people = refused(lite, 4)
    plan = lite.approved_plan()
    lite.sandbox.faults.add({"name": "partial", "system": "marketo", "match": WRITE, "share": 2})
    report = lite.apply(plan)
    written = {str(entry["id"]) for entry in lite.our_writes()}
    applied = {
        stored.change.record_id
        for stored in lite.engine.store.changes(plan=plan.id, states={ChangeState.APPLIED})
    }
    assert applied == written
    assert 0 < len(applied) < len(people)
    assert not report.clean


@pytest.mark.parametrize(
    "fault", ["rate_limit", "concurrency", "token_expired", "token_invalid", "unavailable"]
)
def test_a_vendor_hiccup_at_the_second_of_three_batches_loses_and_doubles_nothing(
    lite: World, fault: str
) -> None:
    people = refused(lite, 6)
    small_batches(lite)
    plan = lite.approved_plan()
    lite.sandbox.faults.add({"name": fault, "system": "marketo", "match": WRITE, "after": 1, "times": 1})
    assert lite.apply(plan).outcomes == {ChangeState.APPLIED: 6}
    assert sorted(str(entry["id"]) for entry in lite.our_writes()) == sorted(people)


def test_a_used_up_day_in_the_middle_stops_the_run_and_the_rest_is_written_later(lite: World) -> None:
    people = refused(lite, 6)
    small_batches(lite)
    plan = lite.approved_plan()
    lite.sandbox.faults.add(
        {"name": "daily_quota", "system": "marketo", "match": WRITE, "after": 1, "times": 1}
    )
    report = lite.apply(plan)
    assert report.stopped is not None
    assert len(lite.our_writes()) == 2
    lite.sandbox.faults.clear()
    lite.apply(plan)
    assert sorted(str(entry["id"]) for entry in lite.our_writes()) == sorted(people)


@pytest.mark.parametrize("fault", ["drop_after", "truncated", "timeout_code", "server_error"])
def test_an_answer_lost_after_the_commit_of_the_second_batch_is_found_by_reading(
    lite: World, fault: str
) -> None:
    people = refused(lite, 6)
    small_batches(lite)
    plan = lite.approved_plan()
    lite.sandbox.faults.add(
        {"name": fault, "system": "marketo", "match": WRITE, "after": 1, "times": 1, "done": True}
    )
    assert lite.apply(plan).outcomes == {ChangeState.APPLIED: 6}
    assert sorted(str(entry["id"]) for entry in lite.our_writes()) == sorted(people)


def test_a_lost_answer_whose_read_back_fails_too_is_left_open_and_found_by_the_next_run(lite: World) -> None:
    (person,) = refused(lite)
    plan = lite.approved_plan()
    lite.sandbox.faults.add({"name": "drop_after", "system": "marketo", "match": WRITE, "times": 1})
    lite.sandbox.faults.add(
        {"name": "server_error", "system": "marketo", "match": READ, "after": 1, "times": 9}
    )
    report = lite.apply(plan)
    assert report.outcomes == {"unsettled": 1}
    assert not report.clean
    lite.sandbox.faults.clear()
    assert lite.apply(plan).outcomes == {ChangeState.APPLIED: 1}
    assert len(lite.our_writes(person)) == 1


def test_one_plan_writes_both_systems(lite: World) -> None:
    country = lite.lead(country="Deutschland")
    company = lite.lead(industry="Technology\u200b")
    lite.refuse()
    plan = lite.approved_plan()
    assert {change.system for change in plan.changes} == {SystemName.MARKETO, SystemName.SALESFORCE}
    assert lite.apply(plan).outcomes == {ChangeState.APPLIED: 2}
    assert lite.marketo(country, "country") == "Germany"
    assert lite.salesforce(company, "Industry") == "Technology"


def test_salesforce_down_does_not_keep_marketo_from_being_written(lite: World) -> None:
    country = lite.lead(country="Deutschland")
    lite.lead(industry="Technology\u200b")
    lite.refuse()
    plan = lite.approved_plan()
    lite.sandbox.faults.add(
        {"name": "unavailable", "system": "salesforce", "match": SALESFORCE_WRITE, "times": 99}
    )
    report = lite.apply(plan)
    # A page with status 503 may come from a gateway behind which the work goes on.
    assert report.outcomes == {ChangeState.APPLIED: 1, "unsettled": 1}
    assert lite.marketo(country, "country") == "Germany"
    lite.sandbox.faults.clear()
    lite.pass_time(minutes=3)
    assert lite.apply(plan).outcomes[ChangeState.APPLIED] == 1


def test_a_lost_answer_of_salesforce_is_found_applied(lite: World) -> None:
    lite.lead(industry="Technology\u200b")
    lite.refuse()
    plan = lite.approved_plan()
    lite.sandbox.faults.add(
        {"name": "drop_after", "system": "salesforce", "match": SALESFORCE_WRITE, "times": 1}
    )
    assert lite.apply(plan).outcomes == {ChangeState.APPLIED: 1}


# Records that are gone or became something else


def test_a_person_deleted_after_the_plan_is_a_conflict_and_not_created_again(lite: World) -> None:
    (person,) = refused(lite)
    plan = lite.approved_plan()
    lite.sandbox.instance.leads.pop(int(person))
    # Somebody else is there, so that the absence can be proven.
    lite.lead()
    lite.apply(plan)
    assert lite.our_writes() == []
    assert lite.sandbox.instance.get(int(person)) is None
    (stored,) = lite.engine.store.changes(plan=plan.id)
    assert stored.state in (ChangeState.CONFLICTED, ChangeState.APPROVED)


def test_a_deleted_salesforce_lead_is_not_written(lite: World) -> None:
    person = lite.lead(industry="Technology\u200b")
    lite.refuse()
    plan = lite.approved_plan()
    change = the_only(plan)
    found = lite.sandbox.instance.get(int(person))
    assert found is not None
    lite.sandbox.org.delete("Lead", change.record_id, user=lite.sandbox.org.admin)
    report = lite.apply(plan)
    assert report.outcomes == {ChangeState.CONFLICTED: 1}


# Two hands


def test_two_processes_that_apply_one_plan_write_each_change_once(a_world: World) -> None:
    people = refused(a_world, 6)
    small_batches(a_world)
    plan = a_world.approved_plan()
    second = replace(a_world.engine)
    start = threading.Barrier(2)
    problems: list[BaseException] = []

    def run(engine: Engine) -> None:
        try:
            start.wait(10)
            apply_plan(engine, plan.id, run=number)
        except BaseException as problem:  # noqa: BLE001 - shown by the assertion below
            problems.append(problem)

    number = a_world.engine.store.start_run("apply", now=a_world.engine.clock())
    threads = [threading.Thread(target=run, args=(engine,)) for engine in (a_world.engine, second)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert problems == []
    assert sorted(str(entry["id"]) for entry in a_world.our_writes()) == sorted(people)


def test_an_apply_leaves_the_write_that_another_run_has_in_flight(lite: World) -> None:
    (person,) = refused(lite)
    plan = lite.approved_plan()
    run = lite.engine.store.start_run("apply", now=lite.engine.clock())
    lite.engine.store.intend([the_only(plan).id], run=run, actor="the other process", now=lite.engine.clock())
    assert lite.apply(plan).outcomes == {"unsettled": 1}
    assert lite.our_writes() == []
    row = RecordWrite(record_id=person, values={"country": "Germany"})
    lite.engine.marketo.write("Lead", [row])
    assert lite.apply(plan).outcomes == {ChangeState.APPLIED: 1}
    assert len(lite.our_writes(person)) == 1


def test_a_write_that_was_held_back_too_long_is_given_up_before_it_is_sent(lite: World) -> None:
    """Another run may have settled it meanwhile, and a person may have edited the record."""
    (person,) = refused(lite)
    plan = lite.approved_plan()

    def long_wait() -> None:
        lite.pass_time(minutes=10)
        lite.edit(person, country="Austria")

    lite.engine.gate = long_wait
    report = lite.apply(plan)
    assert lite.our_writes() == []
    assert lite.marketo(person, "country") == "Austria"
    assert ChangeState.APPLIED not in report.outcomes


# Plans that are not what they were


def test_a_plan_that_a_newer_one_replaced_is_refused(lite: World) -> None:
    refused(lite)
    old = lite.plan()
    lite.pass_time(seconds=2)
    lite.plan()
    lite.engine.store.decide(approve(old.changes, by="reviewer"), now=lite.engine.clock())
    with pytest.raises(PlanRefused, match="replaced by plan"):
        lite.apply(old)
    assert lite.our_writes() == []


def test_an_approved_change_is_not_replaced_by_a_newer_plan(lite: World) -> None:
    (person,) = refused(lite)
    plan = lite.approved_plan()
    lite.pass_time(seconds=2)
    assert lite.plan().changes == ()
    assert lite.apply(plan).clean
    assert lite.marketo(person, "country") == "Germany"


def test_a_plan_file_edited_by_hand_is_refused(lite: World) -> None:
    refused(lite)
    plan = lite.plan()
    key = lite.engine.store.signing_key()
    document = to_document(plan, key)
    document["changes"][0]["after"] = "France"
    with pytest.raises(PlanRefused, match="edited by hand"):
        from_document(document, key)


def test_a_change_whose_neighbour_is_undecided_is_held_back_and_said_so(lite: World) -> None:
    person = lite.lead(country="USA!", state="Calif.")
    lite.refuse()
    plan = lite.plan()
    if len(plan.changes) < 2:
        pytest.skip("the fixers of this version propose one change only")
    first = plan.changes[0]
    lite.engine.store.decide(
        [Decision(change=first.id, approved=True, by="reviewer")], now=lite.engine.clock()
    )
    report = lite.apply(plan)
    assert lite.our_writes(person) == []
    assert not report.clean
    assert "undecided" in " ".join(report.notes)


# Undo


def test_an_undo_is_not_undone_but_planned_anew(lite: World) -> None:
    (person,) = refused(lite)
    plan = lite.approved_plan()
    lite.apply(plan)
    back = undo(lite, of_change=the_only(plan).id)
    lite.apply(back)
    with pytest.raises(PlanRefused):
        undo(lite, of_change=the_only(back).id)
    lite.pass_time(seconds=2)
    lite.apply(lite.approved_plan())
    assert lite.marketo(person, "country") == "Germany"


def test_an_undo_leaves_what_a_later_plan_wrote(lite: World) -> None:
    (person,) = refused(lite)
    first = lite.approved_plan()
    lite.apply(first)
    lite.edit(person, country="Deutschland")
    lite.pass_time(minutes=20)
    lite.scan()
    lite.verify()
    second = lite.approved_plan()
    lite.apply(second)
    assert lite.marketo(person, "country") == "Germany"
    with pytest.raises(PlanRefused, match="later change"):
        undo(lite, of_change=the_only(first).id)
    assert lite.marketo(person, "country") == "Germany"
    lite.apply(undo(lite, of_change=the_only(second).id))
    assert lite.marketo(person, "country") == "Deutschland"


def test_applying_two_undos_of_one_change_writes_once(lite: World) -> None:
    (person,) = refused(lite)
    plan = lite.approved_plan()
    lite.apply(plan)
    change = the_only(plan).id
    one = undo(lite, of_change=change)
    lite.pass_time(seconds=2)
    two = undo(lite, of_change=change)
    lite.apply(one)
    lite.edit(person, country="Germany")
    lite.apply(two)
    assert lite.marketo(person, "country") == "Germany"


def test_of_two_undos_of_one_change_the_second_waits_until_the_lost_first_is_settled(lite: World) -> None:
    (person,) = refused(lite)
    plan = lite.approved_plan()
    lite.apply(plan)
    one = undo(lite, of_change=the_only(plan).id)
    lite.pass_time(seconds=2)
    two = undo(lite, of_change=the_only(plan).id)
    lite.sandbox.faults.add({"name": "drop_before", "match": "POST /rest/v1/leads.json"})
    lite.apply(one)
    assert lite.apply(two).outcomes == {"held": 1}
    lite.pass_time(minutes=3)
    lite.apply(one)
    lite.apply(two)
    states = [stored.state for stored in lite.engine.store.changes() if stored.change.undoes is not None]
    assert sorted(states) == [ChangeState.APPLIED, ChangeState.CONFLICTED]
    assert len(lite.our_writes(person)) == 2


def test_undoing_half_of_a_fix_restores_that_half_and_opens_the_case(lite: World) -> None:
    person = lite.lead(country="USA!", state="Calif.")
    lite.refuse()
    plan = lite.approved_plan()
    lite.apply(plan)
    lite.apply(undo(lite, of_change=plan.changes[0].id))
    assert lite.marketo(person, plan.changes[0].field) == plan.changes[0].before
    for change in plan.changes[1:]:
        assert lite.marketo(person, change.field) == change.after
    assert {case.state for case in lite.engine.store.cases()} == {CaseState.OPEN}


def test_an_undo_is_not_written_when_the_read_before_it_fails(lite: World) -> None:
    (person,) = refused(lite)
    plan = lite.approved_plan()
    lite.apply(plan)
    back = undo(lite, of_change=the_only(plan).id)
    lite.sandbox.faults.add({"name": "server_error", "system": "marketo", "match": READ, "times": 99})
    with contextlib.suppress(VendorError):
        lite.apply(back)
    assert lite.marketo(person, "country") == "Germany"
    lite.sandbox.faults.clear()
    without_grace(lite.engine)
    lite.apply(back)
    assert lite.marketo(person, "country") == "Deutschland"


def test_reordered_results_are_not_believed(lite: World, monkeypatch: pytest.MonkeyPatch) -> None:
    people = refused(lite, 2)
    plan = lite.approved_plan()
    rows = type(lite.engine.marketo).rows

    def reordered(client: object, call: object) -> object:
        answers = rows(client, call)  # type: ignore[arg-type]  # passes through what the client got
        return list(reversed(answers)) if getattr(call, "writes", False) else answers

    monkeypatch.setattr(type(lite.engine.marketo), "rows", reordered)
    with pytest.raises(NoAnswer):
        lite.engine.marketo.write(
            "Lead", [RecordWrite(record_id=person, values={"title": "x"}) for person in people]
        )
    assert lite.apply(plan).outcomes == {ChangeState.APPLIED: 2}
