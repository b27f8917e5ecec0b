"""F12: writes that are stopped in mid campaign, days without anybody, exports that come late or twice."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest

from remediator.changes import ChangeState, Plan
from remediator.engine.scan import ScanReport, scan_file
from remediator.errors import EXIT_LIMIT, EXIT_OK
from remediator.model import CaseState, Confidence
from remediator.plan import Throughput, new_plan
from remediator.policy import approve
from remediator.sandbox.exports import sync_errors_csv
from remediator.sandbox.server import Sandbox
from remediator.store import Store
from tests.chaos.judge import Judge
from tests.chaos.nursery import Child, Nursery
from tests.daemons import add_campaign, environment, wait_for
from tests.engine.world import World, world
from tests.faults.test_bulk import country_change

PEOPLE = 3_000
AT_MOST = timedelta(seconds=5)
"""How long after the switch a write may still leave (promise 8)."""


@pytest.fixture(scope="module")
def nursery() -> Iterator[Nursery]:
    """Processes at no cost of starting."""
    with Nursery() as running:
        yield running


def cycle(made: World, store_url: str, nursery: Nursery, **settings: str) -> Child:
    """Start one cycle as a process."""
    given = {
        "REMEDIATOR_DAEMON_LEASE_S": "2",
        "REMEDIATOR_DAEMON_SETTLE_S": "0.05",
        "REMEDIATOR_LIMITS_MAX_CHANGES": str(PEOPLE),
        "REMEDIATOR_LIMITS_PER_DAY": str(2 * PEOPLE),
        "REMEDIATOR_LIMITS_PER_FIELD": str(2 * PEOPLE),
        "REMEDIATOR_LIMITS_MAX_PERCENT": "100",
        "REMEDIATOR_SYNC_LOAD_MAX_BACKLOG": str(2 * PEOPLE),
    }
    return nursery.command(
        "run",
        "--once",
        "--campaign",
        "country",
        folder=made.folder,
        environment={**environment(made, store_url), **given, **settings},
    )


# The kill switch


@contextmanager
def in_real_time(store_url: str, folder: Path) -> Iterator[World]:
    """A sandbox whose ledger's stamps are real seconds, and a campaign with ten calls' worth of changes."""
    with (
        Sandbox(leads=0, speed=1) as sandbox,
        Store.open(store_url) as store,
        world(sandbox, store, folder) as made,
    ):
        sandbox.org.load("Lead", [{"LastName": "Lee", "Company": "Acme"} for _ in range(10)])
        text = "name: country\nschedule: '0 0 1 1 *'\nmode: review\nlimits:\n  max_percent: 100\n"
        limits = f"  max_changes: {PEOPLE}\n  per_day: {2 * PEOPLE}\n  per_field: {2 * PEOPLE}\n"
        add_campaign(made, f"{text}{limits}sync_load: {{max_backlog: {2 * PEOPLE}}}\n")
        a_plan_of_many(made)
        sandbox.faults.add(
            {"name": "slow", "match": "POST /rest/v1/leads.json", "seconds": 0.4, "times": None}
        )
        yield made


def a_plan_of_many(made: World) -> Plan:
    numbers = made.sandbox.instance.load([{"country": "Deutschland"} for _ in range(PEOPLE)])
    store, now = made.engine.store, made.engine.clock()
    plan = new_plan(
        connection=made.engine.settings.connection,
        campaign="country",
        created_at=now,
        config_hash=made.engine.config_hash,
        changes=[country_change(str(number)) for number in numbers],
        declined=[],
        throughput=Throughput(synced_per_hour=10_000),
    )
    store.save_plan(plan, actor="tester", run=store.start_run("plan", now=now), now=now)
    store.decide(approve(plan.changes, by="reviewer", floor=Confidence.WEAK), now=now)
    return plan


def by_file(made: World, _: Callable[[str], Child]) -> None:
    """Put the kill file there."""
    (made.folder / "remediator.kill").write_text("audit day", encoding="utf-8")


def by_command(_: World, command: Callable[[str], Child]) -> None:
    """Give the command of another shell."""
    child = command("pause")
    assert child.wait() == EXIT_OK, child.said


@pytest.mark.parametrize("stop", [by_file, by_command])
def test_a_campaign_under_way_stops_writing_within_five_seconds_and_goes_on_where_it_stopped(
    store_url: str, tmp_path: Path, nursery: Nursery, stop: Callable[[World, Callable[[str], Child]], None]
) -> None:
    with in_real_time(store_url, tmp_path) as made:

        def command(name: str) -> Child:
            return nursery.command(name, folder=made.folder, environment=environment(made, store_url))

        judge = Judge(made.sandbox)
        child = cycle(made, store_url, nursery)
        wait_for("the first write", made.our_writes)
        stop(made, command)
        stopped_at = made.sandbox.clock.now()
        assert child.wait() == EXIT_LIMIT, child.said
        written = made.our_writes()
        assert max(entry["at"] for entry in written) <= stopped_at + AT_MOST
        assert len(written) < PEOPLE
        assert command("resume").wait() == EXIT_OK
        made.sandbox.faults.clear()
        # Past the time in which the vendor may still carry out what was intended when the switch fell.
        made.sandbox.clock.advance(timedelta(minutes=3))
        again = cycle(made, store_url, nursery)
        assert again.wait() == EXIT_OK, again.said
        counted = Counter(str(entry["id"]) for entry in made.our_writes())
        assert (len(counted), set(counted.values())) == (PEOPLE, {1})
        assert judge.look(made.engine.store) == []


def test_a_process_that_is_started_under_the_variable_writes_nothing_and_the_next_one_everything(
    a_world: World, store_url: str, nursery: Nursery
) -> None:
    add_campaign(a_world)
    a_plan_of_many(a_world)
    a_world.sandbox.org.load("Lead", [{"LastName": "Lee", "Company": "Acme"} for _ in range(10)])
    child = cycle(a_world, store_url, nursery, REMEDIATOR_KILL="1")
    assert child.wait() == EXIT_LIMIT, child.said
    assert "REMEDIATOR_KILL" in child.said
    assert a_world.our_writes() == []
    assert {stored.state for stored in a_world.engine.store.changes()} == {ChangeState.APPROVED}


# Days without anybody


def exported(made: World, name: str) -> None:
    """Put an export of the Sync Errors tab, which shows five days, into the inbox."""
    inbox = made.folder / "inbox"
    inbox.mkdir(exist_ok=True)
    (inbox / name).write_bytes(sync_errors_csv(made.sandbox.sync.errors, now=made.sandbox.clock.now()))


def test_six_days_without_a_run_are_declared_as_a_gap_once_and_the_campaign_runs_once(
    a_world: World, store_url: str, nursery: Nursery
) -> None:
    store = a_world.engine.store
    add_campaign(a_world)

    def look() -> None:
        settings = {
            **environment(a_world, store_url),
            "REMEDIATOR_DAEMON_INBOX": str(a_world.folder / "inbox"),
            "REMEDIATOR_DAEMON_SETTLE_S": "0.05",
        }
        child = nursery.command("run", "--once", folder=a_world.folder, environment=settings)
        assert child.wait() == EXIT_OK, child.said

    first = a_world.lead(country="Deutschland")
    a_world.pass_time(minutes=6)
    exported(a_world, "monday.csv")
    look()
    assert store.running.gaps() == []
    covered_until = store.meters.last_intake()
    a_world.lead(country="Frankreich")
    a_world.pass_time(days=6)
    runs_before = campaign_runs(store)
    exported(a_world, "sunday.csv")
    look()
    (gap,) = store.running.gaps()
    assert gap.from_at == covered_until
    assert gap.to_at == a_world.sandbox.clock.now() - timedelta(days=5)
    assert campaign_runs(store) == runs_before + 1, "six days of missed ticks come to one run"
    exported(a_world, "monday again.csv")
    look()
    assert len(store.running.gaps()) == 1
    assert [entry.event for entry in store.audit(event="gap_declared")] == ["gap_declared"]
    # Who was refused in the gap has left the tab unseen; that is what the gap says.
    assert {case.marketo_id for case in store.cases()} == {first}


def campaign_runs(store: Store) -> int:
    return sum(run.campaign == "country" for run in store.runs())


# Late and twice


def taken_in(made: World, path: Path) -> ScanReport:
    engine = made.engine
    return scan_file(
        path,
        store=engine.store,
        classifier=engine.classifier,
        settings=engine.settings,
        run=engine.store.start_run("scan", now=engine.clock()),
        now=engine.clock(),
    )


def test_an_old_export_that_comes_after_a_newer_one_opens_nothing_again_and_counts_nothing_twice(
    a_world: World,
) -> None:
    store = a_world.engine.store
    person = a_world.lead(country="Deutschland")
    a_world.refuse()
    old = (a_world.folder / "errors.csv").read_bytes()
    a_world.apply(a_world.approved_plan())
    a_world.pass_time(minutes=20)
    a_world.scan()
    a_world.verify()
    assert a_world.state_of(person) is CaseState.CLEARED
    seen = store.meters.read().failures_seen
    for name in ("errors.csv", "a copy.csv"):
        (a_world.folder / name).write_bytes(old + b"\n" * (name != "errors.csv"))
        taken = taken_in(a_world, a_world.folder / name)
        assert (taken.new, taken.reopened) == (0, 0)
    assert a_world.state_of(person) is CaseState.CLEARED
    assert store.meters.read().failures_seen == seen
    a_world.edit(person, country="Frankreich")
    a_world.refuse()
    assert {case.state for case in store.cases()} != {CaseState.CLEARED}, "a newer failure does open it"
