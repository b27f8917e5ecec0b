"""Promise 5 and F8: what a campaign may write is judged as a whole, before the first write."""

from __future__ import annotations

from contextlib import suppress

import pytest

from remediator.campaigns import Campaign, CampaignLimits, Mode
from remediator.changes import ChangeState
from remediator.errors import EXIT_LIMIT, LimitReached, RateLimited, exit_code
from remediator.model import CaseState
from tests.engine.cycles import a_campaign, approve_plan, broken, earn, looked, run
from tests.engine.world import World, with_limits


def earned(world: World, **limits: object) -> Campaign:
    """Return an automatic campaign that has earned it, among twenty people, with these limits."""
    campaign = a_campaign(mode=Mode.AUTO, limits=CampaignLimits(**{"max_percent": 100, **limits}))
    looked(world, campaign)
    earn(world, campaign)
    return campaign


def stopped(world: World, campaign: Campaign) -> LimitReached:
    before = len(world.our_writes())
    with pytest.raises(LimitReached) as caught:
        run(world, campaign)
    assert len(world.our_writes()) == before
    assert exit_code(caught.value) == EXIT_LIMIT
    return caught.value


def healthy(world: World, people: int) -> None:
    for _ in range(people):
        world.lead(country="United States")


def test_a_rule_that_matches_most_records_is_stopped_before_its_first_write(a_world: World) -> None:
    campaign = earned(a_world, max_percent=20)
    healthy(a_world, 2)
    people = broken(a_world, 12)
    assert stopped(a_world, campaign).limit == "max_percent"
    assert {a_world.state_of(person) for person in people} == {CaseState.PROPOSED}


def test_a_rule_split_over_many_small_runs_is_stopped_like_one_big_run(a_world: World) -> None:
    campaign = earned(a_world, max_percent=40)
    healthy(a_world, 9)
    finished = 0
    for _ in range(6):
        broken(a_world, 2)
        with suppress(LimitReached):
            run(a_world, campaign)
            finished += 1
    everybody = 1 + 9 + 12
    assert 0 < finished < 6
    assert len(a_world.our_writes()) <= 0.4 * everybody


def test_the_share_of_a_day_counts_records_whichever_field_of_them_changed(a_world: World) -> None:
    with_limits(a_world.engine, max_percent=50)
    campaign = looked(a_world, a_campaign())
    healthy(a_world, 4)
    broken(a_world, 4)
    approve_plan(a_world, run(a_world, campaign))
    assert run(a_world, campaign).writes.outcomes == {ChangeState.APPLIED: 4}
    for _ in range(4):
        a_world.lead(country="United States", state="Californa")
    a_world.refuse()
    approve_plan(a_world, run(a_world, campaign))
    error = stopped(a_world, campaign)
    assert error.limit == "max_percent"
    assert "8 of 12" in str(error)
    a_world.pass_time(days=1)
    assert run(a_world, campaign).writes.outcomes == {ChangeState.APPLIED: 4}


def test_too_many_changes_stop_the_whole_run(a_world: World) -> None:
    campaign = earned(a_world, max_changes=2)
    broken(a_world, 3)
    assert stopped(a_world, campaign).limit == "max_changes"


def test_the_settings_limit_holds_beside_the_campaigns(a_world: World) -> None:
    campaign = earned(a_world)
    with_limits(a_world.engine, max_changes=2)
    broken(a_world, 3)
    assert stopped(a_world, campaign).limit == "max_changes"


def test_the_limit_of_a_day_counts_what_every_campaign_wrote(a_world: World) -> None:
    one = earned(a_world)
    other = a_campaign(name="other", mode=Mode.AUTO, limits=CampaignLimits(max_percent=100, per_day=4))
    looked(a_world, other)
    broken(a_world, 2)
    run(a_world, one)
    broken(a_world, 2)
    assert stopped(a_world, other).limit == "per_day"


def test_the_next_day_begins_with_a_fresh_limit(a_world: World) -> None:
    campaign = earned(a_world, per_day=2)
    broken(a_world, 2)
    stopped(a_world, campaign)
    a_world.pass_time(days=1)
    broken(a_world, 2)
    assert run(a_world, campaign).writes.outcomes == {ChangeState.APPLIED: 2}


def test_campaigns_of_several_time_zones_do_not_have_a_day_each(a_world: World) -> None:
    one = earned(a_world, per_day=4)
    limits = CampaignLimits(max_percent=100, per_day=4)
    # Midnight in Tokyo is at 15:00 UTC.
    other = looked(a_world, a_campaign(name="other", mode=Mode.AUTO, limits=limits, timezone="Asia/Tokyo"))
    broken(a_world, 3)
    run(a_world, one)
    a_world.pass_time(hours=7)
    broken(a_world, 2)
    assert stopped(a_world, other).limit == "per_day"
    a_world.pass_time(days=1)
    broken(a_world, 2)
    assert run(a_world, other).writes.outcomes == {ChangeState.APPLIED: 2}


def test_the_limit_of_a_field_counts_that_field_only(a_world: World) -> None:
    campaign = earned(a_world, per_field=3)
    broken(a_world, 3)
    assert stopped(a_world, campaign).limit == "per_field"


def test_what_a_person_approved_is_stopped_as_a_whole_too(a_world: World) -> None:
    campaign = looked(a_world, a_campaign(limits=CampaignLimits(max_percent=100, max_changes=2)))
    broken(a_world, 3)
    approve_plan(a_world, run(a_world, campaign))
    assert stopped(a_world, campaign).limit == "max_changes"


def test_what_waits_from_earlier_runs_counts(a_world: World) -> None:
    campaign = looked(a_world, a_campaign(limits=CampaignLimits(max_percent=100, max_changes=3)))
    broken(a_world, 2)
    approve_plan(a_world, run(a_world, campaign))
    a_world.engine.gate = _shut
    run(a_world, campaign)
    broken(a_world, 2)
    approve_plan(a_world, run(a_world, campaign))
    a_world.engine.gate = _open
    first = run(a_world, campaign)
    assert first.writes.outcomes == {ChangeState.APPLIED: 2}
    assert first.writes.outlook is not None
    assert "limits of a run" in (first.writes.outlook.why or "")
    assert run(a_world, campaign).writes.outcomes == {ChangeState.APPLIED: 2}


def _shut() -> None:
    raise RateLimited("held", retry_after_s=1)


def _open() -> None:
    return None


# The way out


def test_three_times_the_limit_goes_out_over_several_runs_when_approved_part_by_part(a_world: World) -> None:
    campaign = looked(a_world, a_campaign(limits=CampaignLimits(max_percent=100, max_changes=2)))
    people = broken(a_world, 6)
    planned = run(a_world, campaign)
    for part in (people[:2], people[2:4], people[4:]):
        approve_plan(a_world, planned, only=part)
        a_world.pass_time(minutes=1)
    written = [run(a_world, campaign).writes.outcomes[ChangeState.APPLIED] for _ in range(4)]
    assert written == [2, 2, 2, 0]
    assert [len(a_world.our_writes(person)) for person in people] == [1] * 6


def test_a_part_that_is_too_big_by_itself_waits_and_holds_up_no_other(a_world: World) -> None:
    campaign = looked(a_world, a_campaign(limits=CampaignLimits(max_percent=100, max_changes=2)))
    people = broken(a_world, 4)
    planned = run(a_world, campaign)
    approve_plan(a_world, planned, only=people[:3])
    a_world.pass_time(minutes=1)
    approve_plan(a_world, planned, only=people[3:])
    report = run(a_world, campaign)
    assert [len(a_world.our_writes(person)) for person in people] == [0, 0, 0, 1]
    assert report.limit is not None
    assert (report.limit.limit, report.counters["stopped_max_changes"]) == ("max_changes", 1)
    assert any("raise the limit" in remark and "--at-most" in remark for remark in report.remarks)
    assert stopped(a_world, campaign).limit == "max_changes"
    wider = a_campaign(limits=CampaignLimits(max_percent=100, max_changes=3))
    assert run(a_world, wider).writes.outcomes == {ChangeState.APPLIED: 3}


def test_what_an_automatic_campaign_plans_beside_a_full_queue_waits_for_a_person(a_world: World) -> None:
    campaign = earned(a_world, max_changes=3)
    first = broken(a_world, 2)
    a_world.engine.gate = _shut
    run(a_world, campaign)
    second = broken(a_world, 2)
    a_world.engine.gate = _open
    report = run(a_world, campaign)
    assert [len(a_world.our_writes(person)) for person in (*first, *second)] == [1, 1, 0, 0]
    assert (report.approved, report.waiting.total()) == (0, 2)
    assert report.limit is not None
    assert {a_world.state_of(person) for person in second} == {CaseState.PROPOSED}
    again = run(a_world, campaign)
    assert (again.limit, again.saved) == (None, False)
    assert [len(a_world.our_writes(person)) for person in second] == [0, 0]
    approve_plan(a_world, report)
    assert run(a_world, campaign).writes.outcomes == {ChangeState.APPLIED: 2}


def test_a_queue_that_is_most_of_all_records_is_stopped_however_small_its_parts(a_world: World) -> None:
    campaign = looked(a_world, a_campaign(limits=CampaignLimits(max_percent=50, max_changes=2)))
    healthy(a_world, 2)
    people = broken(a_world, 6)
    planned = run(a_world, campaign)
    for person in people:
        approve_plan(a_world, planned, only=[person])
        a_world.pass_time(minutes=1)
    assert stopped(a_world, campaign).limit == "max_percent"
    assert a_world.our_writes() == []


def test_what_the_day_has_no_room_for_goes_on_the_next_day(a_world: World) -> None:
    limits = CampaignLimits(max_percent=100, per_day=3)
    campaign = looked(a_world, a_campaign(limits=limits))
    people = broken(a_world, 4)
    planned = run(a_world, campaign)
    for part in (people[:2], people[2:]):
        approve_plan(a_world, planned, only=part)
        a_world.pass_time(minutes=1)
    assert run(a_world, campaign).writes.outcomes == {ChangeState.APPLIED: 2}
    assert stopped(a_world, campaign).limit == "per_day"
    a_world.pass_time(days=1)
    assert run(a_world, campaign).writes.outcomes == {ChangeState.APPLIED: 2}


def test_a_stopped_plan_waits_for_a_person_and_is_named(a_world: World) -> None:
    campaign = earned(a_world, max_changes=1)
    broken(a_world, 2)
    error = stopped(a_world, campaign)
    plan = a_world.engine.store.plans(limit=1)[0]
    assert plan.id in str(error)
    assert plan.states == {ChangeState.PLANNED: 2}


def test_the_first_look_names_the_limit_that_would_stop_it(a_world: World) -> None:
    broken(a_world, 3)
    report = run(a_world, a_campaign(limits=CampaignLimits(max_changes=2, max_percent=100)))
    assert "max_changes" in (report.would_stop or "")
