"""Real daemons on one store: one works, the other waits, and no write is ever doubled (promises 8 and 9)."""

from __future__ import annotations

import signal
import sqlite3
from collections import Counter
from contextlib import closing
from datetime import timedelta
from typing import Any

import psycopg
import pytest

from remediator.changes import ChangeState
from remediator.model import CaseState
from tests.daemons import DaemonProcess, add_campaign, approve_all, daemon, first_tick, in_state, wait_for
from tests.engine.world import World

WRITE = "POST /rest/v1/leads.json"
READ = "* /rest/v1/leads.json"


@pytest.fixture
def people(a_world: World) -> list[str]:
    """People whose approved fix waits for the campaign's tick."""
    made = [a_world.lead(country=name) for name in ("Deutschland", "Frankreich", "Italien", "Spanien")]
    a_world.refuse()
    add_campaign(a_world)
    assert approve_all(a_world) == len(made)
    return made


def written(made: World) -> Counter[str]:
    """Return how often each person was written, by the sandbox's ledger."""
    return Counter(str(entry["id"]) for entry in made.our_writes())


def one_of(first: DaemonProcess, second: DaemonProcess) -> tuple[DaemonProcess, DaemonProcess]:
    """Return the daemon that works and the one that waits."""

    def roles() -> set[str]:
        return {one.state().get("role", "") for one in (first, second)}

    wait_for("one to work and one to wait", lambda: roles() == {"working", "waiting"})
    return (first, second) if first.state()["role"] == "working" else (second, first)


def all_applied(made: World, people: list[str]) -> bool:
    changes = list(made.engine.store.changes(states={ChangeState.APPLIED}))
    return len(changes) == len(people)


def put_to_sleep(one: DaemonProcess, store_url: str) -> None:
    """Stop a daemon, but not in one of the moments in which it holds the database's lock."""

    def stopped() -> bool:
        one.send(signal.SIGSTOP)
        if is_free(store_url):
            return True
        one.send(signal.SIGCONT)
        return False

    wait_for("a moment without a transaction", stopped)


def is_free(store_url: str) -> bool:
    """Say whether the lease could be taken without waiting for somebody's transaction."""
    try:
        if store_url.startswith("sqlite:///"):
            path = store_url.removeprefix("sqlite:///")
            with closing(sqlite3.connect(path, timeout=0.2, isolation_level=None)) as conn:
                conn.execute("BEGIN IMMEDIATE")
                conn.execute("ROLLBACK")
        else:
            with psycopg.connect(store_url) as pg:
                pg.execute("SET LOCAL lock_timeout = '200ms'")
                pg.execute("SELECT * FROM leases FOR UPDATE")
                pg.execute("SELECT * FROM audit_heads FOR UPDATE")
                pg.rollback()
    except (sqlite3.OperationalError, psycopg.errors.LockNotAvailable):
        return False
    return True


def test_one_works_and_the_other_waits(a_world: World, store_url: str, people: list[str]) -> None:
    with daemon(a_world, store_url, name="a") as a, daemon(a_world, store_url, name="b") as b:
        worker, waiter = one_of(a, b)
        first_tick(a_world, worker)
        wait_for("all changes to be applied", lambda: all_applied(a_world, people))
        worker.wait_until(busy=[])
        assert written(a_world) == Counter(people)
        assert "country (" in worker.said
        assert "country (" not in waiter.said
        assert waiter.state()["holder"] == worker.state()["holder"]
    assert a_world.engine.store.verify_audit().intact


@pytest.mark.parametrize(
    "fault",
    [
        pytest.param({"name": "slow", "seconds": 3}, id="before it is carried out"),
        pytest.param({"name": "slow_drip", "seconds": 1, "pieces": 3}, id="after it was carried out"),
    ],
)
def test_when_the_worker_is_killed_in_a_write_the_other_finishes_and_writes_nothing_twice(
    a_world: World, store_url: str, people: list[str], fault: dict[str, Any]
) -> None:
    a_world.sandbox.faults.add({"system": "marketo", "match": WRITE, **fault})
    with daemon(a_world, store_url, name="a") as a, daemon(a_world, store_url, name="b") as b:
        worker, heir = one_of(a, b)
        first_tick(a_world, worker)
        wait_for("the write to be under way", lambda: in_state(a_world, CaseState.APPLYING))
        worker.send(signal.SIGKILL)
        worker.ended()
        heir.wait_until(role="working")
        # Past the time in which the vendor may still carry an unanswered write out.
        a_world.sandbox.clock.advance(timedelta(minutes=3))
        wait_for("all changes to be applied", lambda: all_applied(a_world, people))
        heir.wait_until(busy=[])
        assert written(a_world) == Counter(people)
        runs = {run.outcome for run in a_world.engine.store.runs()}
        assert "failed" in runs, "the run that was cut short is on record as such"
    assert a_world.engine.store.verify_audit().intact


def test_a_daemon_that_slept_past_its_lease_writes_nothing_when_it_wakes(
    a_world: World, store_url: str, people: list[str]
) -> None:
    # The read right before the write hangs, so that the sleeper wakes one step before its intent.
    a_world.sandbox.faults.add({"name": "slow", "system": "marketo", "match": READ, "seconds": 6, "times": 1})
    with daemon(a_world, store_url, name="a") as a, daemon(a_world, store_url, name="b") as b:
        sleeper, heir = one_of(a, b)
        first_tick(a_world, sleeper)
        wait_for("the read to hang", lambda: a_world.sandbox.faults.list()[0]["struck"])
        put_to_sleep(sleeper, store_url)
        heir.wait_until(role="working")
        wait_for("the heir to apply all", lambda: all_applied(a_world, people))
        sleeper.send(signal.SIGCONT)
        sleeper.wait_until(role="waiting", busy=[])
        assert written(a_world) == Counter(people)
        assert sleeper.state()["holder"] == heir.state()["holder"]
    assert a_world.engine.store.verify_audit().intact
