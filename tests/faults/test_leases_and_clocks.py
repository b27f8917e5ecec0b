"""F3 and F4: stopped processes, crowds, clocks that jump; a stale right to write is refused (promise 9)."""

from __future__ import annotations

import signal
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from remediator.agenda import Agenda
from remediator.changes import ChangeState
from remediator.engine.core import Step
from remediator.errors import EXIT_LIMIT, EXIT_OK, LeaseLost
from remediator.rounds import job_of
from remediator.sandbox.server import Sandbox
from remediator.store import Store
from tests.chaos.judge import Judge
from tests.chaos.nursery import STOPPED, Child, Nursery
from tests.chaos.turns import Turn
from tests.engine.cycles import a_campaign
from tests.engine.world import World, world

STEPS = ("before_read", "before_intent", "before_write", "after_write", "applying")
LEASE_S = 1.0


@pytest.fixture(scope="module")
def nursery() -> Iterator[Nursery]:
    """Processes at no cost of starting."""
    with Nursery() as running:
        yield running


def approved(made: World, people: int = 4) -> list[str]:
    """Refuse people and approve what would repair them."""
    refused = [made.lead(country="Deutschland") for _ in range(people)]
    made.refuse()
    made.approved_plan()
    return refused


def an_apply(made: World, store_url: str, *, stop_on: str = "", lease_s: float = LEASE_S) -> Turn:
    """Return the orders of a process that writes what is approved, two records a call."""
    return Turn(
        store_url=store_url,
        folder=str(made.folder),
        info=made.sandbox.connection_info(),
        stop_on=stop_on,
        lease_s=lease_s,
        late_write_s=0,
        plans=False,
        batch=2,
    )


@pytest.mark.parametrize("step", ["before_write", "after_write"])
def test_a_process_that_slept_through_its_lease_writes_nothing_more(
    sandbox: Sandbox, store_url: str, tmp_path: Path, nursery: Nursery, step: str
) -> None:
    with Store.open(store_url) as store, world(sandbox, store, tmp_path) as made:
        judge = Judge(sandbox)
        people = approved(made)
        sleeper = nursery.start(an_apply(made, store_url, stop_on=step))
        assert sleeper.wait() == STOPPED, sleeper.said
        second = nursery.start(an_apply(made, store_url))
        assert second.wait() == EXIT_OK, second.said
        done = sandbox.ledger.last
        sleeper.resume()
        assert sleeper.wait() in (EXIT_OK, EXIT_LIMIT), sleeper.said
        assert judge.writes(after=done) == []
        assert Counter(str(entry["id"]) for entry in judge.writes()) == Counter(people)
        assert judge.look(store) == []
        assert judge.unfinished(store) == []


@pytest.mark.parametrize("step", STEPS)
def test_it_is_refused_also_when_the_one_that_took_over_died_and_left_work(
    sandbox: Sandbox, sqlite_url: str, tmp_path: Path, nursery: Nursery, step: str
) -> None:
    with Store.open(sqlite_url) as store, world(sandbox, store, tmp_path) as made:
        judge = Judge(sandbox)
        people = approved(made)
        sleeper = nursery.start(an_apply(made, sqlite_url, stop_on=step))
        assert sleeper.wait() == STOPPED, sleeper.said
        second = nursery.start(replace(an_apply(made, sqlite_url), die_at=1))
        assert second.wait() == -signal.SIGKILL, second.said
        done = sandbox.ledger.last
        sleeper.resume()
        assert sleeper.wait() == EXIT_LIMIT, sleeper.said
        assert "LeaseLost" in sleeper.said
        assert judge.writes(after=done) == []
        third = nursery.start(an_apply(made, sqlite_url))
        assert third.wait() == EXIT_OK, third.said
        assert Counter(str(entry["id"]) for entry in judge.writes()) == Counter(people)
        assert judge.look(store) == []
        assert judge.unfinished(store) == []


def test_an_intent_under_a_stale_token_is_refused(a_world: World) -> None:
    people = approved(a_world)
    running = a_world.engine.store.running
    stale = running.take_lease("writer", holder="first", ttl=timedelta(minutes=1))
    a_world.engine.lease = stale
    running.release(stale)
    running.take_lease("writer", holder="second", ttl=timedelta(minutes=1))
    (plan,) = a_world.engine.store.plans()
    stored = a_world.engine.store.plan(plan.id)
    assert stored is not None
    with pytest.raises(LeaseLost, match="no longer ours"):
        a_world.apply(stored)
    assert a_world.our_writes() == []
    assert len(people) == len(list(a_world.engine.store.changes(states={ChangeState.APPROVED})))


def test_eight_processes_on_one_plan_write_everything_once(
    sandbox: Sandbox, store_url: str, tmp_path: Path, nursery: Nursery
) -> None:
    a_crowd(sandbox, store_url, tmp_path, nursery, lease_s=0)


def test_eight_processes_that_wait_for_one_lease_write_everything_once(
    sandbox: Sandbox, sqlite_url: str, tmp_path: Path, nursery: Nursery
) -> None:
    a_crowd(sandbox, sqlite_url, tmp_path, nursery, lease_s=LEASE_S)


def a_crowd(sandbox: Sandbox, store_url: str, folder: Path, nursery: Nursery, *, lease_s: float) -> None:
    """Let eight processes loose on one plan, and the ledger count."""
    with Store.open(store_url) as store, world(sandbox, store, folder) as made:
        judge = Judge(sandbox)
        people = approved(made, 12)
        crowd: list[Child] = [nursery.start(an_apply(made, store_url, lease_s=lease_s)) for _ in range(8)]
        codes = [child.wait() for child in crowd]
        assert codes == [EXIT_OK] * 8, [child.said for child in crowd]
        last = nursery.start(an_apply(made, store_url, lease_s=lease_s))
        assert last.wait() == EXIT_OK, last.said
        assert Counter(str(entry["id"]) for entry in judge.writes()) == Counter(people)
        assert judge.look(store) == []
        assert judge.unfinished(store) == []


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("hours", [1, -1])
def test_a_clock_that_jumps_an_hour_in_mid_run_doubles_and_loses_nothing(
    a_world: World, step: str, hours: int
) -> None:
    judge = Judge(a_world.sandbox, one_clock=False)
    people = approved(a_world)
    jumped: list[timedelta] = []
    steady = a_world.engine.clock

    def on_step(now: Step) -> None:
        if now.name == step and not jumped:
            jumped.append(timedelta(hours=hours))

    a_world.engine = replace(
        a_world.engine,
        clock=lambda: steady() + sum(jumped, start=timedelta()),
        on_step=on_step,
    )
    a_world.engine.marketo.write_size = 2
    (summary,) = a_world.engine.store.plans()
    plan = a_world.engine.store.plan(summary.id)
    assert plan is not None
    a_world.apply(plan)
    assert jumped
    a_world.pass_time(minutes=3)
    a_world.apply(plan)
    assert Counter(str(entry["id"]) for entry in judge.writes()) == Counter(people)
    assert judge.look(a_world.engine.store) == []
    assert judge.unfinished(a_world.engine.store) == []


@pytest.mark.parametrize("jump", [timedelta(hours=1), timedelta(hours=-1), timedelta(hours=-25)])
def test_a_clock_that_jumps_while_a_bot_watches_serves_no_tick_twice_and_goes_on(
    store: Store, jump: timedelta
) -> None:
    job = job_of(a_campaign(schedule="*/10 * * * *"))
    start = datetime(2026, 3, 2, 12, 5, tzinfo=UTC)
    shown = [start]
    bots = [Agenda(store, lambda: shown[0]) for _ in range(2)]
    served: list[datetime] = []

    def watch(minutes: int) -> None:
        for _ in range(minutes):
            for bot in bots:
                served.extend(tick for tick, due in bot.due([job]) if bot.claim(due, tick))
            shown[0] += timedelta(minutes=1)

    watch(60)
    before = len(served)
    assert before in (5, 6)
    shown[0] += jump
    watch(60 + max(0, round(-jump.total_seconds() / 60)))
    assert len(served) == len(set(served))
    assert served == sorted(served)
    assert before + 5 <= len(served) <= before + 7, "ten minutes after ten, whatever the jump"


@pytest.mark.parametrize(
    "night", [datetime(2026, 10, 24, 12, tzinfo=UTC), datetime(2027, 3, 27, 12, tzinfo=UTC)]
)
@pytest.mark.parametrize("at", ["30 2 * * *", "0 3 * * *"])
def test_a_nightly_campaign_writes_once_a_night_also_when_the_clocks_change(
    sqlite_url: str, tmp_path: Path, night: datetime, at: str
) -> None:
    zone = ZoneInfo("Europe/Berlin")
    job = job_of(a_campaign(schedule=at, timezone="Europe/Berlin"))
    with (
        Sandbox(leads=0, speed=0, start=night) as sandbox,
        Store.open(sqlite_url) as store,
        world(sandbox, store, tmp_path) as made,
    ):
        # Two processes that both believe that the night's cycle is theirs.
        agendas = [Agenda(store, sandbox.clock.now) for _ in range(2)]
        for _ in range(3 * 24 * 4):
            for agenda in agendas:
                for tick, due in agenda.due([job]):
                    if agenda.claim(due, tick):
                        approved(made, 1)
                        (plan,) = [store.plan(found.id) for found in store.plans(limit=1)]
                        assert plan is not None
                        made.apply(plan)
            made.pass_time(minutes=15)
        nights = [entry["at"].astimezone(zone).date() for entry in made.our_writes()]
    assert len(nights) == 3
    assert len(set(nights)) == 3
