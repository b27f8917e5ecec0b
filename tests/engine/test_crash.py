"""A real process, really killed at every step, then run again: nothing lost, nothing twice, by the ledger."""

from __future__ import annotations

import signal
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from remediator.errors import EXIT_OK
from remediator.model import CaseState
from remediator.sandbox.server import Sandbox
from remediator.store import Store
from tests.chaos.nursery import Child, Nursery
from tests.chaos.turns import Turn
from tests.engine.world import World, world


@pytest.fixture(scope="module")
def nursery() -> Iterator[Nursery]:
    """Processes at no cost of starting."""
    with Nursery() as running:
        yield running


def turn(sandbox: Sandbox, store_url: str, folder: Path, nursery: Nursery, *, die_at: int) -> Child:
    """Run the loop in a process of its own, to its end."""
    info = sandbox.connection_info()
    child = nursery.start(Turn(store_url=store_url, folder=str(folder), info=info, die_at=die_at))
    code = child.wait()
    assert code == (-signal.SIGKILL if die_at else EXIT_OK), child.said
    return child


def some_people(made: World) -> list[str]:
    """Two linked leads, a contact, a lead whose fix goes to Salesforce, and one that Salesforce lacks."""
    return [
        made.lead(country="Deutschland"),
        made.lead(country="Frankreich"),
        made.contact(country="Deutschland"),
        made.lead(industry="Technology\u200b"),
        made.marketo_only(country="Deutschland"),
    ]


def _check_after(made: World, people: list[str]) -> None:
    """Everything cleared, and every field of every person written exactly once by us."""
    made.pass_time(minutes=20)
    made.scan()
    made.verify()
    assert Counter(case.state for case in made.engine.store.cases()) == {CaseState.CLEARED: len(people)}
    actors = {made.engine.settings.marketo.client_id, made.sandbox.org.bot.username}
    writes = [entry for entry in made.sandbox.ledger.entries(kind="write") if entry["actor"] in actors]
    assert len(writes) == len(people)
    assert len({(entry["system"], entry["id"]) for entry in writes}) == len(people)
    assert made.engine.store.verify_audit().intact


STEPS = range(1, 25)


@pytest.mark.parametrize("die_at", STEPS)
def test_a_process_killed_at_any_step_loses_nothing_and_writes_nothing_twice(
    sandbox: Sandbox, sqlite_url: str, tmp_path: Path, nursery: Nursery, die_at: int
) -> None:
    kill_and_repeat(sandbox, sqlite_url, tmp_path, nursery, die_at)


@pytest.mark.parametrize("die_at", [9, 11, 12])
def test_the_same_holds_on_postgresql(
    sandbox: Sandbox, postgres_url: str, tmp_path: Path, nursery: Nursery, die_at: int
) -> None:
    kill_and_repeat(sandbox, postgres_url, tmp_path, nursery, die_at)


def kill_and_repeat(sandbox: Sandbox, store_url: str, folder: Path, nursery: Nursery, die_at: int) -> None:
    with Store.open(store_url) as store, world(sandbox, store, folder) as made:
        people = some_people(made)
        made.pass_time(minutes=6)
        turn(sandbox, store_url, folder, nursery, die_at=die_at)
        # Past the time in which the vendor may still carry an unanswered write out.
        made.pass_time(minutes=3)
        turn(sandbox, store_url, folder, nursery, die_at=0)
        _check_after(made, people)


def test_the_steps_killed_at_are_all_there_are(
    sandbox: Sandbox, sqlite_url: str, tmp_path: Path, nursery: Nursery
) -> None:
    with Store.open(sqlite_url) as store, world(sandbox, store, tmp_path) as made:
        people = some_people(made)
        made.pass_time(minutes=6)
        done = turn(sandbox, sqlite_url, tmp_path, nursery, die_at=0)
        assert len(done.said.splitlines()) == STEPS[-1], done.said
        _check_after(made, people)
