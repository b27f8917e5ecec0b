"""Another try without a change: paced by the native sync's load, and judged person by person."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from threading import Event
from typing import Any

import pytest

from remediator.campaigns import Mode, SyncLoad
from remediator.changes import ChangeState
from remediator.engine.core import Step
from remediator.engine.resync import way_for
from remediator.errors import ConfigError, LimitReached, VendorError
from remediator.model import CaseState, Category
from remediator.retry import ask_cancel
from remediator.rounds import job_of, run_job
from remediator.settings import VerifySettings
from remediator.settings_load import SyncLoadSettings
from tests.builders import a_diagnosis, a_failure
from tests.engine.cycles import a_campaign, a_retry_campaign, approve_plan, broken, looked, run
from tests.engine.test_adversary_proof import by_list
from tests.engine.world import World, replace_section
from tests.faults.test_vendor_trouble import TRIGGER, locked, pushes, serve


def paced(world: World, *, most: int, per_hour: int) -> None:
    """Let so many records wait for the native sync, which takes so many an hour."""
    world.engine.settings = world.engine.settings.model_copy(
        update={
            "sync_load": SyncLoadSettings(max_backlog=most),
            "verify": VerifySettings(records_per_hour=per_hour),
        }
    )


def pushed(world: World) -> list[int]:
    """Return the Marketo ids that were pushed, push by push."""
    return [number for entry in pushes(world) for number in entry["ids"]]


def out_of_step(world: World, people: int) -> list[str]:
    """Return people who failed by a lock, and whom the sync has not taken since."""
    world.sandbox.sync.settings.disabled = True
    found = locked(world, people)
    world.sandbox.instance.sync_person = None
    for person in found:
        world.edit(person, firstName=f"Anna {person}")
    return found


def test_a_wave_of_retries_is_released_no_faster_than_the_native_sync_takes_it(a_world: World) -> None:
    people = out_of_step(a_world, 6)
    paced(a_world, most=3, per_hour=3)
    first = serve(a_world)
    assert (first.pushed, first.held, len(pushed(a_world))) == (3, 3, 3)
    again = serve(a_world)
    assert (again.pushed, again.held) == (0, 3)
    a_world.pass_time(hours=1)
    assert serve(a_world).pushed == 3
    # Those who waited longest came first: everybody had a turn before anybody had two.
    assert sorted(pushed(a_world)) == sorted(int(person) for person in people)


@pytest.mark.parametrize("hours", [3, 12])
def test_after_an_outage_no_hour_sees_more_than_the_budget(lite: World, hours: int) -> None:
    out_of_step(lite, 12)
    paced(lite, most=2, per_hour=2)
    lite.sandbox.faults.add({"name": "server_error", "status": 503, "match": TRIGGER, "times": None})
    with suppress(VendorError):
        serve(lite)
    lite.sandbox.faults.clear()
    lite.pass_time(hours=hours)
    moments = []
    for _ in range(12):
        with suppress(VendorError):
            moments += [lite.engine.clock()] * serve(lite).pushed
        lite.pass_time(minutes=15)
    assert moments
    for moment in moments:
        within = [at for at in moments if timedelta(0) <= at - moment < timedelta(hours=1)]
        assert len(within) <= 2 + 2


def test_what_was_written_and_what_was_tried_again_share_the_budget(lite: World) -> None:
    (person,) = broken(lite)
    plan = lite.approved_plan()
    lite.apply(plan)
    assert len(lite.our_writes(person)) == 1
    out_of_step(lite, 3)
    paced(lite, most=3, per_hour=3)
    report = serve(lite)
    assert (report.pushed, report.held) == (2, 1)


@pytest.mark.parametrize(("general", "own"), [(10, 1), (1, 10)])
def test_a_retry_campaign_keeps_to_the_tighter_of_both_budgets(lite: World, general: int, own: int) -> None:
    out_of_step(lite, 3)
    paced(lite, most=general, per_hour=1)
    campaign = looked(lite, a_retry_campaign(sync_load=SyncLoad(max_backlog=own)))
    report = run(lite, campaign).retries
    assert report is not None
    assert (report.pushed, report.held) == (1, 2)


def test_a_retry_campaign_that_only_observes_pushes_nobody_and_says_so(lite: World) -> None:
    people = out_of_step(lite, 2)
    campaign = a_retry_campaign(mode=Mode.OBSERVE)
    report = run(lite, campaign)
    assert pushed(lite) == []
    assert [halt for halt in report.halts if "it tries nobody again" in halt]
    assert {lite.state_of(person) for person in people} == {CaseState.OPEN}


def test_a_retry_campaign_says_whom_it_tried_again(lite: World) -> None:
    out_of_step(lite, 3)
    paced(lite, most=10, per_hour=1)
    campaign = looked(lite, a_retry_campaign(sync_load=SyncLoad(max_backlog=1)))
    done = run_job(lite.engine, job_of(campaign))
    assert "1 tried again, 0 given up" in done.said
    (record,) = lite.engine.store.runs(limit=1)
    assert (record.counters["pushed"], record.counters["retries_held"]) == (1, 2)


def test_a_campaign_says_what_it_proved(lite: World) -> None:
    broken(lite)
    lite.apply(lite.approved_plan())
    lite.pass_time(minutes=20)
    done = run_job(lite.engine, job_of(a_campaign()))
    assert "1 cleared" in done.said
    (record,) = lite.engine.store.runs(limit=1)
    assert record.counters["cleared"] == 1


def test_a_person_whom_marketo_does_not_take_is_not_counted_as_pushed(lite: World) -> None:
    gone, other = out_of_step(lite, 2)

    def deleted_meanwhile() -> None:
        if lite.sandbox.instance.get(int(gone)) is not None:
            lite.sandbox.instance.delete(int(gone), actor="somebody@else.example")

    lite.engine.gate = deleted_meanwhile
    report = serve(lite)
    assert (report.pushed, report.failed) == (1, 1)
    assert pushed(lite) == [int(other)]
    assert {lite.state_of(person) for person in (gone, other)} == {CaseState.RETRYING}
    notes = [lite.case_of(person).note or "" for person in (gone, other)]
    assert "failed" in notes[0]
    assert "failed" not in notes[1]


def test_a_call_that_fails_brings_back_only_its_own_people(
    lite: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("remediator.engine.resync._TRIGGER_SIZE", 1)
    people = out_of_step(lite, 3)

    def second_call_fails() -> None:
        if pushed(lite):
            fault = {"name": "server_error", "status": 503, "match": TRIGGER, "times": None}
            lite.sandbox.faults.add(fault)

    lite.engine.gate = second_call_fails
    with pytest.raises(VendorError):
        serve(lite)
    assert pushed(lite) == [int(people[0])]
    tries = lite.engine.store.attempts([lite.case_of(person).id for person in people])
    assert [tries[case].count for case in sorted(tries)] == [1, 1]
    notes = [lite.case_of(person).note or "" for person in people]
    assert notes[0] == "try 1 of 8"
    assert notes[1].startswith("try 1 of 8 failed")
    assert notes[2].startswith("not tried failed")
    due = [lite.case_of(person).due_at for person in people]
    assert all(at is not None and at > lite.engine.clock() for at in due)


def stop() -> None:
    """Stand for the kill switch."""
    raise LimitReached("writes are stopped", limit="kill_switch")


def test_visits_while_writes_are_stopped_use_up_nobodys_tries(lite: World) -> None:
    (person,) = out_of_step(lite, 1)
    case = lite.case_of(person).id
    lite.engine.gate = stop
    for _ in range(10):
        with pytest.raises(LimitReached):
            serve(lite)
        lite.pass_time(hours=13)
    assert lite.state_of(person) is CaseState.RETRYING
    assert lite.engine.store.attempts([case]) == {}
    assert list(lite.engine.store.audit(event="retry_intended")) == []
    lite.engine.gate = lambda: None
    assert serve(lite).pushed == 1
    assert pushed(lite) == [int(person)]


def test_a_stop_in_mid_visit_leaves_what_was_done_and_who_is_still_due(
    lite: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("remediator.engine.resync._TRIGGER_SIZE", 1)
    people = out_of_step(lite, 3)
    lite.engine.gate = lambda: stop() if pushed(lite) else None
    with pytest.raises(LimitReached):
        serve(lite)
    assert pushed(lite) == [int(people[0])]
    tried, *others = (lite.case_of(person) for person in people)
    assert tried.note == "try 1 of 8"
    assert {(case.state, case.note) for case in others} == {(CaseState.RETRYING, "queued")}
    lite.engine.gate = lambda: None
    assert serve(lite).pushed == 2


def test_a_value_that_our_own_user_may_not_write_is_pushed_and_not_taken_for_shown(lite: World) -> None:
    lite.sandbox.org.take_edit(lite.sandbox.org.bot, "Lead", "FirstName")
    out_of_step(lite, 1)
    lite.pass_time(hours=1)
    report = serve(lite)
    assert (report.cleared, report.pushed) == (0, 1)
    lite.pass_time(hours=3)
    report = serve(lite)
    assert (report.cleared, report.pushed) == (0, 1)


def test_who_is_gone_is_asked_for_ever_less_often_and_then_given_up(lite: World) -> None:
    """A minute's upkeep must not open and queue the same case for ever, with an audit entry each time."""
    (person,) = locked(lite)
    lite.sandbox.instance.delete(int(person), actor="somebody@else.example")
    first = serve(lite)
    assert (first.declined, first.pushed) == (1, 0)
    entries = len(list(lite.engine.store.audit()))
    assert serve(lite).declined == 0
    lite.pass_time(minutes=1)
    assert serve(lite).declined == 0
    # Each visit above opened and closed a run, and nothing else.
    assert {entry.event for entry in list(lite.engine.store.audit())[entries:]} == {"run_started"}
    for _ in range(12):
        lite.pass_time(hours=7)
        serve(lite)
    case = lite.case_of(person)
    assert case.state is CaseState.DEAD
    assert "no person" in (case.note or "")
    assert pushes(lite) == []


def test_who_is_taken_out_of_the_queue_during_a_visit_is_not_pushed_any_more(
    lite: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    out, other = out_of_step(lite, 2)
    store, at = lite.engine.store, lite.engine.clock()
    case = lite.case_of(out).id
    read = lite.engine.marketo.read

    def cancelled_meanwhile(*args: Any, **options: Any) -> Any:
        store.retry_queue.grant(
            lambda found, _: ask_cancel(found, passes=True, under_way=None),
            [case],
            note="taken out by ann",
            actor="ann",
            now=at,
        )
        return read(*args, **options)

    monkeypatch.setattr(lite.engine.marketo, "read", cancelled_meanwhile)
    report = serve(lite)
    assert (report.pushed, report.failed) == (1, 0)
    assert pushed(lite) == [int(other)]
    assert lite.state_of(out) is CaseState.DEAD
    assert store.attempts([case]) == {}


def test_a_case_that_proves_to_be_of_another_kind_goes_back_to_planning_and_stops_no_other(
    lite: World,
) -> None:
    out_of_step(lite, 1)
    store = lite.engine.store
    seen = []
    for number in (1, 2):
        person = lite.lead(firstName=f"Bea {number}")
        seen.append((person, a_failure(marketo_id=person, failed_at=lite.engine.clock(), salesforce_id=None)))
    lock = a_diagnosis(category=Category.TRANSIENT, retryable=True, fields=(), value=None)
    store.take([(failure, lock) for _, failure in seen], run=None, now=lite.engine.clock())
    paced(lite, most=1, per_hour=1)
    serve(lite)
    # The rules have learned better, and the same export is read again.
    better = a_diagnosis(category=Category.BAD_DATA, retryable=False)
    store.take([(failure, better) for _, failure in seen], run=None, now=lite.engine.clock())
    lite.pass_time(hours=8)
    report = serve(lite)
    assert {lite.state_of(person) for person, _ in seen} == {CaseState.OPEN}
    assert "bad_data" in (lite.case_of(seen[0][0]).note or "")
    assert report.pushed == 1


def test_retries_beside_a_campaign_that_writes_keep_to_one_budget_with_it(lite: World) -> None:
    campaign = looked(lite, a_campaign())
    broken(lite, 3)
    approve_plan(lite, run(lite, campaign))
    out_of_step(lite, 3)
    paced(lite, most=3, per_hour=1)
    reads, beside = Event(), Event()

    def on_step(step: Step) -> None:
        if step.name == "before_read":
            reads.set()
            beside.wait(1)

    writing = World(lite.sandbox, replace(lite.engine, on_step=on_step), lite.folder)
    with ThreadPoolExecutor(2) as pool:
        written = pool.submit(run, writing, campaign)
        assert reads.wait(10)
        retried = pool.submit(serve, lite)
        retried.add_done_callback(lambda _: beside.set())
        assert written.result().writes.outcomes == {ChangeState.APPLIED: 3}
        assert (retried.result().pushed, retried.result().held) == (0, 3)


# By list and batch campaign


def started(world: World) -> int:
    """Return how often the batch campaign was started."""
    entries = world.sandbox.ledger.entries(kind="request", system="marketo")
    return sum(entry["path"].endswith("/schedule.json") and entry["status"] == 200 for entry in entries)


@pytest.mark.parametrize(
    ("trigger", "people", "way"),
    [(2001, 500, "trigger"), (2001, 501, "list"), (2001, 3_000, "list"), (None, 1, "list")],
)
def test_a_push_goes_the_way_that_costs_fewer_calls(
    lite: World, trigger: int | None, people: int, way: str
) -> None:
    by_list(lite)
    marketo = replace_section(lite.engine.settings.marketo, resync_campaign=trigger)
    lite.engine.settings = lite.engine.settings.model_copy(update={"marketo": marketo})
    assert way_for(lite.engine, people) == way


def test_retries_go_by_list_with_one_start_and_leave_it_when_they_are_in_step(
    lite: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("remediator.engine.resync._LIST_SIZE", 2)
    sync = lite.sandbox.instance.sync_person
    members = lite.sandbox.instance.lists.get(by_list(lite)).members
    people = out_of_step(lite, 5)
    report = serve(lite)
    assert (report.pushed, report.failed, started(lite)) == (5, 0, 1)
    assert sorted(members) == sorted(map(int, people))
    lite.sandbox.instance.sync_person = sync
    lite.sandbox.sync.settings.disabled = False
    lite.pass_time(hours=2)
    assert serve(lite).cleared == 5
    assert not members


def test_a_batch_campaign_that_cannot_be_started_leaves_nobody_for_pushed(lite: World) -> None:
    by_list(lite)
    people = out_of_step(lite, 2)
    lite.sandbox.faults.add(
        {
            "name": "server_error",
            "status": 503,
            "match": "POST /rest/v1/campaigns/*/schedule.json",
            "times": None,
        }
    )
    with pytest.raises(VendorError):
        serve(lite)
    assert started(lite) == 0
    assert all("failed" in (lite.case_of(person).note or "") for person in people)
    lite.sandbox.faults.clear()
    lite.pass_time(hours=2)
    assert (serve(lite).pushed, started(lite)) == (2, 1)


def test_a_batch_campaign_that_would_drop_people_costs_nobody_a_try(lite: World) -> None:
    members = lite.sandbox.instance.lists.get(by_list(lite, campaign=2001)).members
    people = out_of_step(lite, 2)
    with pytest.raises(ConfigError, match="trigger campaign"):
        serve(lite)
    assert not members
    assert lite.engine.store.attempts([lite.case_of(person).id for person in people]) == {}


def test_who_could_only_be_left_to_the_native_sync_is_given_up_with_the_setting_that_would_help(
    lite: World,
) -> None:
    lite.engine.settings = lite.engine.settings.model_copy(
        update={"marketo": replace_section(lite.engine.settings.marketo, resync_campaign=None)}
    )
    (person,) = out_of_step(lite, 1)
    for _ in range(9):
        serve(lite)
        lite.pass_time(days=2)
    case = lite.case_of(person)
    assert case.state is CaseState.DEAD
    assert "set marketo.resync_campaign" in (case.note or "")
