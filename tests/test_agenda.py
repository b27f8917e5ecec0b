from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from remediator.agenda import AGAIN_TIMES, Agenda
from remediator.campaigns import parse_campaign
from remediator.errors import ConfigError, LeaseLost, LimitReached, TransientError
from remediator.rounds import DRY_RUN, Job, job_of
from remediator.store import Store
from tests.builders import NOON

HOURLY = """\
name: hourly
schedule: "0 * * * *"
"""


class Clock:
    """A wall clock that moves when told."""

    def __init__(self, now: datetime = NOON + timedelta(minutes=30)) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now

    def later(self, **span: float) -> None:
        self.now += timedelta(**span)


def a_job(name: str = "hourly", cron: str = "0 * * * *") -> Job:
    return job_of(parse_campaign(f'name: {name}\nschedule: "{cron}"\n', name=f"{name}.yaml"))


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def agenda(store: Store, clock: Clock) -> Agenda:
    return Agenda(store, clock)


def due(agenda: Agenda, *jobs: Job) -> list[tuple[str, datetime]]:
    return [(job.name, tick) for tick, job in agenda.due(jobs or (a_job(),))]


def serve(agenda: Agenda, job: Job) -> bool:
    """Claim what is due of a job."""
    ((tick, found),) = agenda.due([job])
    return agenda.claim(found, tick)


def test_a_campaign_is_watched_from_its_first_sight_on(agenda: Agenda, clock: Clock) -> None:
    assert due(agenda) == []
    clock.later(minutes=29)
    assert due(agenda) == []
    clock.later(minutes=1)
    assert due(agenda) == [("hourly", NOON + timedelta(hours=1))]


def test_of_many_missed_ticks_the_last_one_is_run_once(agenda: Agenda, clock: Clock) -> None:
    due(agenda)
    clock.later(days=3)
    assert due(agenda) == [("hourly", NOON + timedelta(days=3))]
    assert serve(agenda, a_job())
    assert due(agenda) == []


def test_a_tick_missed_while_nobody_ran_is_seen_by_the_next_process(store: Store, clock: Clock) -> None:
    due(Agenda(store, clock))
    clock.later(hours=6)
    assert due(Agenda(store, clock)) == [("hourly", NOON + timedelta(hours=6))]


def test_two_processes_that_see_one_tick_serve_it_once(store: Store, clock: Clock) -> None:
    one, other = Agenda(store, clock), Agenda(store, clock)
    due(one), due(other)
    clock.later(hours=1)
    ((tick, job),) = other.due([a_job()])
    assert serve(one, a_job())
    assert not other.claim(job, tick)
    assert due(other) == []


def test_what_is_due_longest_comes_first(agenda: Agenda, clock: Clock) -> None:
    jobs = (a_job("late", "50 * * * *"), a_job("early", "40 * * * *"))
    due(agenda, *jobs)
    clock.later(minutes=29)
    assert [name for name, _ in due(agenda, *jobs)] == ["early", "late"]


def test_a_campaign_that_is_not_enabled_is_never_due(agenda: Agenda, clock: Clock) -> None:
    off = job_of(parse_campaign(HOURLY + "enabled: false\n", name="off.yaml"))
    due(agenda, off)
    clock.later(days=1)
    assert due(agenda, off) == []


def test_started_by_cron_a_campaign_never_seen_is_due_at_once_and_then_by_its_schedule(
    store: Store, clock: Clock
) -> None:
    assert [name for name, _ in due(Agenda(store, clock, from_the_start=True))] == ["hourly"]
    clock.later(minutes=5)
    assert due(Agenda(store, clock, from_the_start=True)) == []


def test_a_cycle_that_failed_is_tried_again_ever_later_and_not_forever(agenda: Agenda, clock: Clock) -> None:
    weekly = a_job("weekly", "0 0 * * 0")
    due(agenda, weekly)
    waits: list[timedelta] = []
    for _ in range(AGAIN_TIMES):
        agenda.ended("weekly", TransientError("down"))
        failed = clock.now
        while not due(agenda, weekly):
            clock.later(minutes=1)
        waits.append(clock.now - failed)
    assert waits == sorted(waits)
    assert waits[-1] <= timedelta(hours=1)
    agenda.ended("weekly", TransientError("down"))
    clock.later(hours=5)
    assert due(agenda, weekly) == []


def test_a_cycle_that_came_through_is_not_run_again(agenda: Agenda, clock: Clock) -> None:
    due(agenda)
    agenda.ended("hourly", TransientError("down"))
    agenda.ended("hourly", None)
    clock.later(minutes=20)
    assert due(agenda) == []


@pytest.mark.parametrize("error", [LimitReached("too many", limit="max_changes"), ConfigError("wrong")])
def test_what_would_only_meet_the_same_limit_or_error_waits_for_its_tick(
    agenda: Agenda, clock: Clock, error: Exception
) -> None:
    due(agenda)
    agenda.ended("hourly", error)
    clock.later(minutes=20)
    assert due(agenda) == []


@pytest.mark.parametrize(
    "error",
    [LimitReached("stop", limit="kill_switch"), LimitReached("stop", limit="drain"), LeaseLost("gone")],
)
def test_what_was_stopped_from_outside_is_due_as_soon_as_it_may(
    agenda: Agenda, clock: Clock, error: Exception
) -> None:
    due(agenda)
    agenda.ended("hourly", error)
    assert [name for name, _ in due(agenda)] == ["hourly"]


@pytest.mark.parametrize(("outcome", "names"), [("stopped", ["hourly"]), ("failed", ["hourly"]), ("ok", [])])
def test_a_new_process_runs_again_what_the_last_one_did_not_bring_through(
    store: Store, agenda: Agenda, clock: Clock, outcome: str, names: list[str]
) -> None:
    run = store.start_run("campaign", campaign="hourly", now=clock())
    store.finish_run(run, outcome=outcome, counters={}, now=clock())
    agenda.begin([a_job()], cut_short=())
    assert [name for name, _ in due(agenda)] == names


@pytest.mark.parametrize("text", [HOURLY + "enabled: false\n", "name: hourly\n"])
def test_what_is_disabled_or_for_people_only_is_not_gone_on_with(
    store: Store, agenda: Agenda, clock: Clock, text: str
) -> None:
    off = job_of(parse_campaign(text, name="hourly.yaml"))
    run = store.start_run("campaign", campaign="hourly", now=clock())
    store.finish_run(run, outcome="failed", counters={}, now=clock())
    agenda.begin([off], cut_short={"hourly"})
    assert due(agenda, off) == []
    agenda.ended("hourly", LimitReached("stop", limit="drain"))
    assert due(agenda, off) == []


@pytest.mark.parametrize(("real", "dry", "names"), [("ok", "failed", []), ("failed", "ok", ["hourly"])])
def test_how_a_dry_run_ended_says_nothing_of_the_campaign(
    store: Store, agenda: Agenda, clock: Clock, real: str, dry: str, names: list[str]
) -> None:
    for command, outcome in (("campaign", real), (DRY_RUN, dry)):
        run = store.start_run(command, campaign="hourly", now=clock())
        store.finish_run(run, outcome=outcome, counters={}, now=clock())
    agenda.begin([a_job()], cut_short=())
    assert [name for name, _ in due(agenda)] == names


def test_a_schedule_that_changed_is_looked_up_anew(agenda: Agenda, clock: Clock) -> None:
    due(agenda)
    agenda.forget()
    half = a_job(cron="30 * * * *")
    clock.later(minutes=29)
    assert due(agenda, half) == []
    clock.later(minutes=31)
    assert due(agenda, half) == [("hourly", NOON + timedelta(minutes=90))]


def test_the_night_the_clocks_go_forward_runs_a_nightly_campaign_once(store: Store) -> None:
    text = 'name: nightly\nschedule: "30 2 * * *"\ntimezone: Europe/Berlin\n'
    nightly = job_of(parse_campaign(text, name="nightly.yaml"))
    clock = Clock(datetime.fromisoformat("2026-03-28T12:00:00+00:00"))
    agenda = Agenda(store, clock)
    due(agenda, nightly)
    served: list[datetime] = []
    for _ in range(48):
        clock.later(hours=1)
        for tick, job in agenda.due([nightly]):
            assert agenda.claim(job, tick)
            served.append(tick)
    assert len(served) == 2
