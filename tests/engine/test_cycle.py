"""Whole cycles of campaigns through the sandbox; what was written, its ledger says."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import time, timedelta

import pytest

from remediator.api import Declined, FixRequest, Proposal
from remediator.campaigns import Campaign, CampaignLimits, Earned, Mode, Select, SyncLoad, WriteWindow
from remediator.changes import ChangeState, Decision
from remediator.earned import persons_only
from remediator.engine.core import Step
from remediator.engine.cycle import plan_campaign, restore_campaign
from remediator.engine.quota import quota_day
from remediator.engine.undoing import plan_undo
from remediator.errors import ConfigError, LeaseLost, LimitReached, VendorError
from remediator.model import CaseState, Category, Confidence, SystemName
from remediator.settings import VerifySettings, isolated_settings
from remediator.settings_load import SyncLoadSettings
from tests.builders import a_change
from tests.engine.cycles import a_campaign, a_retry_campaign, approve_plan, broken, earn, looked, run
from tests.engine.world import World


def auto(**fields: object) -> Campaign:
    return a_campaign(mode=Mode.AUTO, **fields)


def test_the_first_run_of_an_automatic_campaign_only_looks(a_world: World) -> None:
    campaign = auto()
    earn(a_world, campaign)
    (person,) = broken(a_world)
    before = len(a_world.our_writes())
    report = run(a_world, campaign)
    assert report.mode is Mode.OBSERVE
    assert report.plan is not None
    assert [change.record_id for change in report.plan.changes] == [person]
    assert len(a_world.our_writes()) == before
    assert a_world.state_of(person) is CaseState.OPEN


def test_a_campaign_whose_selection_was_edited_only_looks_again(a_world: World) -> None:
    campaign = looked(a_world, auto())
    assert run(a_world, campaign).mode is Mode.AUTO
    edited = auto(fixers=("country", "state", "picklist"))
    report = run(a_world, edited)
    assert report.mode is Mode.OBSERVE
    assert "changed" in (report.why_mode or "")
    assert run(a_world, edited).mode is Mode.AUTO


def test_an_observing_campaign_never_writes_what_was_approved(a_world: World) -> None:
    campaign = looked(a_world, a_campaign())
    broken(a_world)
    approve_plan(a_world, run(a_world, campaign))
    watching = looked(a_world, a_campaign(mode=Mode.OBSERVE))
    run(a_world, watching)
    assert a_world.our_writes() == []


def test_a_reviewed_campaign_plans_and_waits_for_a_person(a_world: World) -> None:
    campaign = looked(a_world, a_campaign())
    (person,) = broken(a_world)
    report = run(a_world, campaign)
    assert (report.mode, report.saved, report.waiting.total()) == (Mode.REVIEW, True, 1)
    assert a_world.our_writes() == []
    assert a_world.state_of(person) is CaseState.PROPOSED


def test_a_reviewed_campaign_writes_what_a_person_approved_in_its_next_run(a_world: World) -> None:
    campaign = looked(a_world, a_campaign())
    one, other = broken(a_world, 2)
    approve_plan(a_world, run(a_world, campaign), only=[one])
    report = run(a_world, campaign)
    assert report.writes.outcomes == {ChangeState.APPLIED: 1}
    assert len(a_world.our_writes(one)) == 1
    assert a_world.our_writes(other) == []


def test_a_plan_that_waits_for_a_person_is_not_replaced_by_the_next_run(a_world: World) -> None:
    campaign = looked(a_world, a_campaign())
    broken(a_world)
    first = run(a_world, campaign)
    second = run(a_world, campaign)
    assert not second.saved
    assert first.plan is not None
    states = [stored.state for stored in a_world.engine.store.changes(plan=first.plan.id)]
    assert states == [ChangeState.PLANNED]


def test_an_automatic_campaign_waits_for_a_person_until_its_rule_has_earned_it(a_world: World) -> None:
    campaign = looked(a_world, auto(earned=Earned(approved=2)))
    earn(a_world, campaign, 1)
    (person,) = broken(a_world)
    report = run(a_world, campaign)
    assert report.approved == 0
    assert [why for why in report.waiting if "1 of 2" in why]
    assert a_world.our_writes(person) == []


def test_an_automatic_campaign_writes_what_its_rule_has_earned(a_world: World) -> None:
    campaign = looked(a_world, auto(earned=Earned(approved=2)))
    earn(a_world, campaign, 2)
    (person,) = broken(a_world)
    report = run(a_world, campaign)
    assert (report.approved, report.writes.outcomes) == (1, {ChangeState.APPLIED: 1})
    assert a_world.marketo(person, "country") == "Germany"
    a_world.pass_time(minutes=20)
    run(a_world, campaign)
    assert a_world.state_of(person) is CaseState.CLEARED


def test_an_automatic_campaign_is_signed_in_the_audit_trail(a_world: World) -> None:
    campaign = looked(a_world, auto())
    earn(a_world, campaign)
    broken(a_world)
    report = run(a_world, campaign)
    assert report.plan is not None
    (change,) = report.plan.changes
    entries = a_world.engine.store.audit(event="change_approved")
    (payload,) = [entry.payload for entry in entries if entry.change == change.id]
    assert payload is not None
    assert payload["by"] == "campaign nightly-country"


def test_a_campaign_whose_changes_are_taken_back_loses_its_automatic_mode_and_says_so(a_world: World) -> None:
    campaign = looked(a_world, auto(earned=Earned(approved=2, max_reopened_percent=10)))
    earn(a_world, campaign, 3)
    for stored in list(a_world.engine.store.changes(states={ChangeState.APPLIED}))[:1]:
        _undo(a_world, stored.change.id)
    people = broken(a_world, 2)
    report = run(a_world, campaign)
    assert report.mode is Mode.REVIEW
    assert report.demoted is not None
    assert "1 of 3" in report.demoted
    assert [a_world.our_writes(person) for person in people] == [[], []]
    again = run(a_world, campaign)
    assert (again.mode, again.demoted) == (Mode.REVIEW, None)
    assert "lost its automatic mode" in (again.why_mode or "")
    assert [entry.event for entry in a_world.engine.store.audit(event="campaign_demoted")]


def test_what_waited_approved_is_taken_back_with_the_automatic_mode(a_world: World) -> None:
    campaign = looked(
        a_world, auto(earned=Earned(approved=1, max_reopened_percent=10), sync_load=SyncLoad(max_backlog=1))
    )
    earn(a_world, campaign)
    a_world.pass_time(hours=2)
    people = broken(a_world, 2)
    assert run(a_world, campaign).writes.outcomes == {ChangeState.APPLIED: 1}
    for stored in list(a_world.engine.store.changes(states={ChangeState.APPLIED}))[:1]:
        _undo(a_world, stored.change.id)
    a_world.pass_time(hours=2)
    assert run(a_world, campaign).demoted is not None
    a_world.pass_time(hours=2)
    run(a_world, campaign)
    assert sum(len(a_world.our_writes(person)) for person in people) == 1
    assert not list(a_world.engine.store.changes(states={ChangeState.APPROVED}))


def test_a_person_gives_a_campaign_its_automatic_mode_back(a_world: World) -> None:
    strict = Earned(approved=1, max_reopened_percent=40)
    campaign = looked(a_world, auto(earned=strict))
    earn(a_world, campaign, 2)
    stored = list(a_world.engine.store.changes(states={ChangeState.APPLIED}))
    _undo(a_world, stored[0].change.id)
    broken(a_world)
    assert run(a_world, campaign).demoted is not None
    now = a_world.engine.clock()
    assert restore_campaign(a_world.engine.store, campaign.name, by="admin", now=now)
    assert not restore_campaign(a_world.engine.store, campaign.name, by="admin", now=now)
    loose = auto(earned=Earned(approved=1, max_reopened_percent=60))
    (person,) = broken(a_world)
    assert run(a_world, loose).mode is Mode.AUTO
    assert len(a_world.our_writes(person)) == 1


def _undo(world: World, change: str) -> None:
    number = world.engine.store.start_run("undo", now=world.engine.clock())
    plan = plan_undo(world.engine, run=number, of_change=change)
    world.engine.store.decide(
        [Decision(change=item.id, approved=True, by="reviewer") for item in plan.changes],
        now=world.engine.clock(),
    )
    assert world.apply(plan).outcomes == {ChangeState.APPLIED: 1}


# Promise 12


def test_an_owner_is_never_changed_without_a_person_however_sure(lite: World) -> None:
    sure = a_change(field="ownerId", salesforce_field="OwnerId", fixer="owner", confidence=Confidence.EXACT)
    assert persons_only(sure) is not None


# Time


def test_outside_its_window_a_campaign_plans_and_approves_but_does_not_write(a_world: World) -> None:
    hour = a_world.engine.clock().hour
    closed = WriteWindow(start=time((hour + 6) % 24), end=time((hour + 9) % 24))
    campaign = looked(a_world, auto(window=closed))
    earn(a_world, campaign)
    (person,) = broken(a_world)
    report = run(a_world, campaign)
    assert report.approved == 1
    assert report.writes.outlook is not None
    assert "window is closed until" in (report.writes.outlook.why or "")
    assert a_world.our_writes(person) == []
    a_world.pass_time(hours=6, minutes=30)
    assert run(a_world, campaign).writes.outcomes == {ChangeState.APPLIED: 1}


def test_a_window_that_closes_in_the_middle_stops_before_the_next_write(a_world: World) -> None:
    hour = a_world.engine.clock().hour
    campaign = looked(
        a_world,
        auto(window=WriteWindow(start=time(hour), end=time((hour + 2) % 24)), earned=Earned(approved=1)),
    )
    earn(a_world, campaign)
    people = broken(a_world, 2)
    a_world.engine.marketo.write_size = 1  # one person a call, to stop between two

    def long_pause(step: Step) -> None:
        if step.name == "after_write":
            a_world.pass_time(hours=2)

    a_world.engine.on_step = long_pause
    report = run(a_world, campaign)
    assert "window closed" in (report.writes.stopped or "")
    assert sorted(len(a_world.our_writes(person)) for person in people) == [0, 1]
    assert report.writes.outlook is not None
    assert report.writes.outlook.left == 1


def test_what_the_native_sync_cannot_take_stays_approved_for_the_next_run(a_world: World) -> None:
    a_world.engine.settings = isolated_settings(
        **{**dict(a_world.engine.settings), "verify": VerifySettings(records_per_hour=2)}
    )
    campaign = looked(a_world, auto(sync_load=SyncLoad(max_backlog=3)))
    earn(a_world, campaign)
    a_world.pass_time(hours=2)
    people = broken(a_world, 5)
    first = run(a_world, campaign)
    assert first.writes.outcomes == {ChangeState.APPLIED: 3}
    assert first.writes.outlook is not None
    assert (first.writes.outlook.left, first.writes.outlook.waiting) == (2, 3)
    assert first.writes.outlook.done_in == timedelta(hours=2.5)
    assert "max_backlog" in (first.writes.outlook.why or "")
    assert run(a_world, campaign).writes.outcomes == {}
    a_world.pass_time(hours=1)
    last = run(a_world, campaign)
    assert last.writes.outcomes == {ChangeState.APPLIED: 2}
    assert last.remarks == ("the sync needs about 90 min for the 3 records that wait for it",)
    assert last.halts == ()
    assert [len(a_world.our_writes(person)) for person in people] == [1] * 5


def test_a_campaign_does_not_widen_the_sync_load_of_the_settings(a_world: World) -> None:
    campaign = looked(a_world, auto(sync_load=SyncLoad(max_backlog=50)))
    earn(a_world, campaign)
    a_world.pass_time(hours=2)
    settings = {**dict(a_world.engine.settings), "sync_load": SyncLoadSettings(max_backlog=3)}
    a_world.engine.settings = isolated_settings(**settings)
    broken(a_world, 5)
    assert run(a_world, campaign).writes.outcomes == {ChangeState.APPLIED: 3}


def test_the_pace_of_the_sync_is_learned_from_an_export(lite: World) -> None:
    path = lite.folder / "status.csv"
    path.write_text(
        "Started At,Ended At,Object,Operation,Status,New,Updated,Deleted,Failed Item,Skipped\n"
        "2026-03-02 10:00:00,2026-03-02 11:00:00,Person (Lead),Push updates,Succeeded,0,4,0,0,0\n"
    )
    lite.engine.settings = isolated_settings(
        **{**dict(lite.engine.settings), "sync_load": SyncLoadSettings(status_export=path)}
    )
    broken(lite, 2)
    report = run(lite, a_campaign())
    assert report.plan is not None
    assert report.plan.predicted_sync_s == 1800


def test_a_campaign_that_used_up_its_share_of_calls_goes_on_the_next_day(a_world: World) -> None:
    campaign = looked(a_world, auto())
    earn(a_world, campaign)
    people = broken(a_world, 2)
    day = quota_day(SystemName.MARKETO, a_world.engine.clock())
    share = a_world.engine.settings.marketo.daily_calls
    a_world.engine.store.running.add_calls(SystemName.MARKETO, day, share)
    report = run(a_world, campaign)
    assert "goes on" in (report.stopped or "")
    assert [a_world.our_writes(person) for person in people] == [[], []]
    a_world.pass_time(days=1)
    assert run(a_world, campaign).writes.outcomes == {ChangeState.APPLIED: 2}


def test_calls_are_counted_for_other_processes_to_see(a_world: World) -> None:
    before = a_world.sandbox.ledger.last
    looked(a_world, a_campaign())
    requests = a_world.sandbox.ledger.entries(after=before, kind="request", system="marketo")
    made = sum(not entry["path"].startswith("/identity/") for entry in requests)
    day = quota_day(SystemName.MARKETO, a_world.engine.clock())
    assert 0 < made == a_world.engine.store.running.calls(SystemName.MARKETO, day)


def test_campaigns_in_several_threads_pass_no_limit_together(a_world: World) -> None:
    limits = CampaignLimits(max_percent=100, per_day=4)
    selects = {"leads": Select(objects=("Lead",)), "contacts": Select(objects=("Contact",))}
    campaigns = [
        looked(a_world, auto(name=name, limits=limits, select=select)) for name, select in selects.items()
    ]
    earn(a_world, campaigns[0])
    a_world.pass_time(days=1)
    for _ in range(3):
        a_world.lead(country="Deutschland")
        a_world.contact(country="Deutschland")
    a_world.refuse()
    before = len(a_world.our_writes())

    def stopped(campaign: Campaign) -> bool:
        try:
            run(a_world, campaign)
        except LimitReached:
            return True
        return False

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(stopped, campaigns)) == [False, True]
    assert len(a_world.our_writes()) - before == 3


# Care


def test_a_dry_run_stores_nothing_and_writes_nothing(a_world: World) -> None:
    campaign = looked(a_world, auto())
    earn(a_world, campaign)
    (person,) = broken(a_world)
    plans = len(a_world.engine.store.plans())
    state = a_world.engine.store.running.campaign_state(campaign.name)
    report = run(a_world, campaign, dry_run=True)
    assert report.plan is not None
    assert len(report.plan.changes) == 1
    assert len(a_world.engine.store.plans()) == plans
    assert a_world.engine.store.running.campaign_state(campaign.name) == state
    assert a_world.state_of(person) is CaseState.OPEN
    assert a_world.our_writes(person) == []


def test_a_campaign_of_few_fixers_leaves_the_other_failures_as_they_are(a_world: World) -> None:
    campaign = looked(a_world, a_campaign())
    person = a_world.lead(email="not an address", country="United States")
    a_world.refuse()
    run(a_world, campaign)
    assert a_world.state_of(person) is CaseState.OPEN


def test_what_was_declined_is_looked_at_again_in_the_next_week_only(a_world: World) -> None:
    campaign = looked(a_world, a_campaign(fixers=()))
    person = a_world.lead(country="Atlantis")
    a_world.refuse()
    first = run(a_world, campaign)
    assert a_world.state_of(person) is CaseState.DECLINED
    again = run(a_world, campaign)
    a_world.pass_time(days=7)
    later = run(a_world, campaign)
    assert [len(report.plan.declined) for report in (first, again, later) if report.plan] == [1, 0, 1]


@pytest.mark.parametrize("fault", ["empty", "truncated", "server_error"])
def test_a_failed_read_writes_nothing(a_world: World, fault: str) -> None:
    campaign = looked(a_world, auto())
    earn(a_world, campaign)
    (person,) = broken(a_world)
    match = "GET /rest/v1/leads.json"
    a_world.sandbox.faults.add({"name": fault, "system": "marketo", "match": match, "times": 99})
    with pytest.raises(VendorError):
        run(a_world, campaign)
    assert a_world.our_writes(person) == []


def test_records_that_cannot_be_counted_stop_the_campaign(a_world: World) -> None:
    campaign = looked(a_world, auto())
    earn(a_world, campaign)
    (person,) = broken(a_world)
    a_world.sandbox.faults.add(
        {
            "name": "server_error",
            "system": "salesforce",
            "match": "GET /services/data/v60.0/query",
            "times": 99,
        }
    )
    with pytest.raises(VendorError):
        run(a_world, campaign)
    assert a_world.our_writes(person) == []


def test_a_lost_lease_writes_nothing(a_world: World) -> None:
    campaign = looked(a_world, auto())
    earn(a_world, campaign)
    (person,) = broken(a_world)
    running = a_world.engine.store.running
    lease = running.take_lease("writer", holder="one", ttl=timedelta(minutes=1))
    running.release(lease)
    running.take_lease("writer", holder="two", ttl=timedelta(minutes=1))
    with pytest.raises(LeaseLost):
        run(a_world, campaign, lease=lease)
    assert a_world.our_writes(person) == []


def test_an_automatic_mode_that_is_given_back_during_a_run_stays_given_back(lite: World) -> None:
    campaign = looked(lite, auto())
    store, now = lite.engine.store, lite.engine.clock()
    state = store.running.campaign_state(campaign.name)
    assert state is not None
    lost = replace(state, demoted=True, note="too many came back")
    store.running.save_campaign_state(lost, actor="test", now=now)
    broken(lite)

    def given_back(_: Step) -> None:
        restore_campaign(store, campaign.name, by="ann", now=now)

    lite.engine.on_step = given_back
    assert run(lite, campaign).mode is Mode.REVIEW
    after = store.running.campaign_state(campaign.name)
    assert after is not None
    assert (after.demoted, after.note) == (False, None)


def test_a_campaign_of_another_connection_is_refused(lite: World) -> None:
    with pytest.raises(ConfigError, match="connection emea"):
        run(lite, a_campaign(connection="emea"))


def test_a_campaign_with_an_unknown_fixer_is_refused(lite: World) -> None:
    with pytest.raises(ConfigError, match="contry"):
        run(lite, a_campaign(fixers=("contry",)))


def test_a_retry_campaign_serves_the_queue(a_world: World) -> None:
    campaign = looked(a_world, a_retry_campaign())
    report = run(a_world, campaign)
    assert report.retries is not None
    assert report.plan is None


def test_a_campaign_takes_only_the_cases_that_it_selects(a_world: World) -> None:
    contact = a_world.contact(country="Deutschland")
    lead = a_world.lead(country="Deutschland")
    a_world.refuse()
    select = Select(objects=("Lead",), categories=(Category.INVALID_PICKLIST, Category.BAD_DATA))
    campaign = looked(a_world, a_campaign(select=select))
    run(a_world, campaign)
    assert a_world.state_of(lead) is CaseState.PROPOSED
    assert a_world.state_of(contact) is CaseState.OPEN


def test_a_campaign_waits_until_a_case_is_old_enough(a_world: World) -> None:
    campaign = looked(a_world, a_campaign(select=Select(min_age_h=24)))
    (person,) = broken(a_world)
    run(a_world, campaign)
    assert a_world.state_of(person) is CaseState.OPEN
    a_world.pass_time(hours=25)
    run(a_world, campaign)
    assert a_world.state_of(person) is CaseState.PROPOSED


def test_a_person_may_plan_what_a_campaign_selects(a_world: World) -> None:
    broken(a_world)
    number = a_world.engine.store.start_run("plan", now=a_world.engine.clock())
    made = plan_campaign(a_world.engine, a_campaign(), run=number)
    assert [change.field for change in made.plan.changes] == ["country"]
    assert a_world.engine.store.plans(limit=1)[0].campaign == "nightly-country"


class Broken:
    """A fixer that always raises."""

    name = "broken"
    categories = frozenset({Category.INVALID_PICKLIST})

    def propose(self, request: FixRequest) -> Proposal | Declined:
        raise RuntimeError("no luck")


def test_a_fixer_that_breaks_its_contract_is_named_in_the_report(lite: World) -> None:
    lite.engine.fixers = {**lite.engine.fixers, "broken": Broken()}
    broken(lite)
    report = run(lite, a_campaign(fixers=("broken",)))
    assert report.fixer_faults == {"broken": 1}
    assert not report.clean
    assert "fixer broken broke its contract 1 times" in report.remarks
