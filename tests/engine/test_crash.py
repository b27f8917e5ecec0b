"""A real process, really killed at every step, then run again: nothing lost, nothing twice, by the ledger."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from remediator.model import CaseState
from remediator.sandbox.server import Sandbox
from remediator.store import Store
from tests.engine.world import World, world

ROOT = Path(__file__).parents[2]


def turn(sandbox: Sandbox, store_url: str, folder: Path, *, die_at: int) -> subprocess.CompletedProcess[str]:
    """Run the loop in a process of its own."""
    info = json.dumps(sandbox.connection_info())
    return subprocess.run(
        [sys.executable, "-m", "tests.engine.crash_process", store_url, str(folder), info, str(die_at)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


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


STEPS = range(1, 23)


@pytest.mark.parametrize("die_at", STEPS)
def test_a_process_killed_at_any_step_loses_nothing_and_writes_nothing_twice(
    sandbox: Sandbox, sqlite_url: str, tmp_path: Path, die_at: int
) -> None:
    kill_and_repeat(sandbox, sqlite_url, tmp_path, die_at)


@pytest.mark.parametrize("die_at", [9, 11, 12])
def test_the_same_holds_on_postgresql(
    sandbox: Sandbox, postgres_url: str, tmp_path: Path, die_at: int
) -> None:
    kill_and_repeat(sandbox, postgres_url, tmp_path, die_at)


def kill_and_repeat(sandbox: Sandbox, store_url: str, folder: Path, die_at: int) -> None:
    with Store.open(store_url) as store, world(sandbox, store, folder) as made:
        people = some_people(made)
        made.pass_time(minutes=6)
        killed = turn(sandbox, store_url, folder, die_at=die_at)
        assert killed.returncode == -signal.SIGKILL, killed.stdout + killed.stderr
        # Past the time in which the vendor may still carry an unanswered write out.
        made.pass_time(minutes=3)
        repeated = turn(sandbox, store_url, folder, die_at=0)
        assert repeated.returncode == 0, repeated.stdout + repeated.stderr
        _check_after(made, people)


def test_the_steps_killed_at_are_all_there_are(sandbox: Sandbox, sqlite_url: str, tmp_path: Path) -> None:
    with Store.open(sqlite_url) as store, world(sandbox, store, tmp_path) as made:
        people = some_people(made)
        made.pass_time(minutes=6)
        done = turn(sandbox, sqlite_url, tmp_path, die_at=0)
        assert done.returncode == 0, done.stderr
        assert len(done.stdout.splitlines()) == STEPS[-1], done.stdout
        _check_after(made, people)
