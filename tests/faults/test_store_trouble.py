"""F10: a store that is full, locked or damaged, a log that cannot be kept: nothing is sent without a record.

Promise 1 by the ledger; after the trouble the next run goes on where this one stopped.
"""

from __future__ import annotations

import os
import resource
import sqlite3
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import timedelta
from pathlib import Path
from random import Random

import psycopg
import pytest

from remediator.changes import ChangeState
from remediator.engine.undoing import DECAYED, plan_undo
from remediator.errors import EXIT_ENVIRONMENT, EXIT_OK, RemediatorError, StoreError, exit_code
from remediator.health import ask
from remediator.sandbox.server import Sandbox
from remediator.store import Store
from remediator.values import same_value
from tests.chaos.judge import Judge
from tests.chaos.nursery import Child, Nursery
from tests.daemons import (
    PATIENCE_S,
    add_campaign,
    approve_all,
    daemon,
    environment,
    wait_for,
)
from tests.engine.cycles import a_campaign, approve_plan, broken, looked, run
from tests.engine.world import World, world

FULL = {
    "sqlite": "SELECT RAISE(ABORT, 'database or disk is full');",
    "postgresql": """RAISE EXCEPTION 'could not extend file "base/1/2": No space left on device'
        USING ERRCODE = '53100';""",
}
REFUSED = {
    "sqlite": "SELECT RAISE(ABORT, 'the audit log is not to be had');",
    "postgresql": "RAISE EXCEPTION 'the audit log is not to be had';",
}


def execute(store_url: str, *statements: str) -> None:
    """Do something to the database behind the program's back."""
    if store_url.startswith("sqlite:///"):
        with closing(sqlite3.connect(store_url.removeprefix("sqlite:///"), isolation_level=None)) as lite:
            for statement in statements:
                lite.execute(statement)
        return
    with psycopg.connect(store_url, autocommit=True) as pg:
        for statement in statements:
            pg.execute(statement.encode())


@contextmanager
def audit_trouble(store_url: str, event: str, words: dict[str, str]) -> Iterator[None]:
    """Let the database refuse audit entries of one event, the way a full disk or a lost right does."""
    if store_url.startswith("sqlite"):
        made = [
            f"CREATE TRIGGER trouble BEFORE INSERT ON audit_entries WHEN NEW.event = '{event}' "
            f"BEGIN {words['sqlite']} END"
        ]
        gone = ["DROP TRIGGER trouble"]
    else:
        made = [
            "CREATE FUNCTION trouble() RETURNS trigger LANGUAGE plpgsql AS "
            f"$$ BEGIN {words['postgresql']} END $$",
            "CREATE TRIGGER trouble BEFORE INSERT ON audit_entries FOR EACH ROW "
            f"WHEN (NEW.event = '{event}') EXECUTE FUNCTION trouble()",
        ]
        gone = ["DROP TRIGGER trouble ON audit_entries", "DROP FUNCTION trouble"]
    execute(store_url, *made)
    try:
        yield
    finally:
        execute(store_url, *gone)


def written(made: World) -> Counter[str]:
    """Return how often each person was written by us, by the ledger."""
    return Counter(str(entry["id"]) for entry in made.our_writes())


def waiting(made: World) -> list[str]:
    """Refuse people whose approved fix then waits in the plan of a campaign."""
    campaign = looked(made, a_campaign())
    people = broken(made, 3)
    approve_plan(made, run(made, campaign))
    return people


@pytest.mark.parametrize("words", [FULL, REFUSED], ids=["full", "refused"])
def test_no_write_is_sent_whose_intent_the_audit_did_not_take_and_the_next_run_goes_on(
    a_world: World, store_url: str, words: dict[str, str]
) -> None:
    judge = Judge(a_world.sandbox)
    people = waiting(a_world)
    with audit_trouble(store_url, "change_intended", words):
        with pytest.raises(StoreError) as caught:
            run(a_world, a_campaign())
        assert exit_code(caught.value) == EXIT_ENVIRONMENT
        assert not written(a_world)
    if words is FULL:
        assert "free some disk space" in str(caught.value)
    run(a_world, a_campaign())
    assert written(a_world) == Counter(people)
    assert judge.look(a_world.engine.store) == []
    assert a_world.engine.store.verify_audit().intact


def test_a_write_whose_outcome_could_not_be_recorded_is_found_by_reading_and_not_repeated(
    a_world: World, store_url: str
) -> None:
    judge = Judge(a_world.sandbox)
    people = waiting(a_world)
    with audit_trouble(store_url, "change_applied", FULL), pytest.raises(StoreError, match="disk space"):
        run(a_world, a_campaign())
    assert written(a_world) == Counter(people)
    states = {stored.state for stored in a_world.engine.store.changes()}
    assert states == {ChangeState.INTENDED}, "what may have been sent stays on record as that"
    run(a_world, a_campaign())
    assert written(a_world) == Counter(people)
    assert judge.look(a_world.engine.store) == []
    assert judge.unfinished(a_world.engine.store) == []
    assert judge.unwritten(a_world.engine.store) == []


# A disk that takes no more, for real processes


def four_approved(made: World) -> list[str]:
    """Refuse people whose approved fix waits for a campaign's file."""
    people = [made.lead(country=name) for name in ("Deutschland", "Frankreich", "Italien", "Spanien")]
    made.refuse()
    add_campaign(made)
    assert approve_all(made) == len(people)
    return people


@pytest.fixture(scope="module")
def nursery() -> Iterator[Nursery]:
    """Processes at no cost of starting."""
    with Nursery() as running:
        yield running


@pytest.mark.parametrize("room", [0, 50_000, 100_000, 150_000, 200_000, 250_000])
def test_a_cycle_that_runs_out_of_disk_writes_nothing_that_is_not_on_record_and_the_next_goes_on(
    lite: World, sqlite_url: str, nursery: Nursery, room: int
) -> None:
    judge = Judge(lite.sandbox)
    people = four_approved(lite)
    log = Path(sqlite_url.removeprefix("sqlite:///") + "-wal")
    child = one_cycle(lite, sqlite_url, nursery, largest_file=log.stat().st_size + room)
    code = child.wait()
    assert "Traceback" not in child.said
    assert judge.look(lite.engine.store) == []
    if code == EXIT_OK:
        assert written(lite) == Counter(people)
    else:
        assert code == EXIT_ENVIRONMENT, child.said
        assert "the disk refused" in child.said
    # Past the time in which the vendor may still carry a write out, and past the campaign's next tick.
    lite.sandbox.clock.advance(timedelta(minutes=11))
    wait_for("a cycle to work", lambda: worked(one_cycle(lite, sqlite_url, nursery)))
    assert written(lite) == Counter(people)
    assert judge.look(lite.engine.store) == []
    assert judge.unfinished(lite.engine.store) == []


def one_cycle(made: World, store_url: str, nursery: Nursery, *, largest_file: int | None = None) -> Child:
    """Start one cycle whose lease, if it cannot give it back, is soon over."""
    settings = {**environment(made, store_url), "REMEDIATOR_DAEMON_LEASE_S": "1"}
    return nursery.command(
        "run", "--once", folder=made.folder, environment=settings, largest_file=largest_file
    )


def worked(child: Child) -> bool:
    """Say whether a cycle did its work rather than leave it to whoever has the lease."""
    assert child.wait() == EXIT_OK, child.said
    return "is held by" not in child.said


def test_a_daemon_whose_disk_fills_up_stops_writing_says_so_and_goes_on_when_there_is_room(
    lite: World, sqlite_url: str
) -> None:
    judge = Judge(lite.sandbox)
    people = four_approved(lite)
    with daemon(lite, sqlite_url) as one:
        one.wait_until(role="working")
        wait_for("the first sight", lambda: lite.engine.store.running.last_tick("country"))
        _, most = resource.prlimit(one.process.pid, resource.RLIMIT_FSIZE)
        # Neither its store nor its log can grow any more.
        resource.prlimit(one.process.pid, resource.RLIMIT_FSIZE, (0, most))
        lite.sandbox.clock.advance(timedelta(minutes=11))
        state = wait_for("the daemon to notice", lambda: one.state().get("store_error"))
        assert "the disk refused" in state
        assert ask(one.listen, "/readyz")[0] == 503
        assert not written(lite)
        resource.prlimit(one.process.pid, resource.RLIMIT_FSIZE, (most, most))
        one.wait_until(role="working", store_error=None)
        lite.sandbox.clock.advance(timedelta(minutes=11))
        wait_for("all to be written", lambda: written(lite) == Counter(people))
        one.wait_until(busy=[])
        assert judge.look(lite.engine.store) == []
    assert lite.engine.store.verify_audit().intact


# What is said goes nowhere


def test_a_log_that_cannot_be_written_keeps_nobody_from_being_repaired(
    lite: World, sqlite_url: str, nursery: Nursery
) -> None:
    people = four_approved(lite)
    child = nursery.command(
        "-v",
        "--json-logs",
        "run",
        "--once",
        folder=lite.folder,
        environment=environment(lite, sqlite_url),
        out=Path("/dev/full"),
    )
    child.wait()
    assert written(lite) == Counter(people)
    assert {stored.state for stored in lite.engine.store.changes()} == {ChangeState.APPLIED}
    assert lite.engine.store.verify_audit().intact


def test_a_daemon_whose_reader_is_gone_works_on(lite: World, sqlite_url: str) -> None:
    people = four_approved(lite)
    reader, writer = os.pipe()
    process = subprocess.Popen(
        [sys.executable, "-m", "remediator.cli.main", "-v", "--json-logs", "daemon", "--listen", ""],
        cwd=lite.folder,
        env={**environment(lite, sqlite_url), "REMEDIATOR_DAEMON_LOOK_S": "0.1"},
        stdout=writer,
        stderr=writer,
    )
    os.close(writer)
    try:
        wait_for("the first sight", lambda: lite.engine.store.running.last_tick("country"))
        os.close(reader)
        lite.sandbox.clock.advance(timedelta(minutes=11))
        wait_for("all to be written", lambda: written(lite) == Counter(people))
        assert process.poll() is None
        process.terminate()
        assert process.wait(PATIENCE_S) == 0
    finally:
        process.kill()
        process.wait()


# Locked


@contextmanager
def locked(store_url: str) -> Iterator[None]:
    """Keep the store to ourselves, as a backup or somebody's forgotten session does."""
    if store_url.startswith("sqlite:///"):
        with closing(sqlite3.connect(store_url.removeprefix("sqlite:///"), isolation_level=None)) as lite:
            lite.execute("BEGIN EXCLUSIVE")
            yield
            lite.execute("ROLLBACK")
        return
    with psycopg.connect(store_url) as pg:
        pg.execute("LOCK TABLE changes, audit_heads IN ACCESS EXCLUSIVE MODE")
        yield
        pg.rollback()


def test_a_store_that_somebody_locked_stops_the_run_before_its_first_write(
    a_world: World, store_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    people = waiting(a_world)
    monkeypatch.setattr("remediator.store.database.BUSY_TIMEOUT_S", 0.2)
    patient = a_world.engine.store
    with Store.open(store_url) as impatient:
        a_world.engine.store = impatient
        with locked(store_url), pytest.raises(StoreError, match="another process kept the store") as caught:
            run(a_world, a_campaign())
        assert exit_code(caught.value) == EXIT_ENVIRONMENT
        assert not written(a_world)
        run(a_world, a_campaign())
        assert written(a_world) == Counter(people)
    a_world.engine.store = patient


# Damaged


@pytest.mark.parametrize("seed", range(8))
def test_a_damaged_store_writes_nothing_that_was_not_approved_and_says_what_to_do(
    sandbox: Sandbox, sqlite_url: str, tmp_path: Path, seed: int
) -> None:
    path = Path(sqlite_url.removeprefix("sqlite:///"))
    with Store.open(sqlite_url) as store, world(sandbox, store, tmp_path) as made:
        waiting(made)
        approved = [stored.change for stored in store.changes(states={ChangeState.APPROVED})]
    damage(path, Random(seed))
    trouble: RemediatorError | None = None
    try:
        with Store.open(sqlite_url) as store, world(sandbox, store, tmp_path) as made:
            run(made, a_campaign())
    except RemediatorError as exc:
        trouble = exc
    # Damage to what a run does not look at goes unseen, which harms nobody.
    assert trouble is None or exit_code(trouble) == EXIT_ENVIRONMENT
    assert trouble is None or "restore it from a backup" in str(trouble)
    edits = [
        (str(entry["id"]), field, before, after)
        for entry in made.our_writes()
        for field, (before, after) in entry["changes"].items()
    ]
    assert max(Counter(edits).values(), default=0) <= 1
    for person, field, before, after in edits:
        assert any(
            (change.record_id, change.field) == (person, field)
            and same_value(change.before, before)
            and same_value(change.after, after)
            for change in approved
        )


@pytest.mark.parametrize("column", ["after", "before", "record_id", "field"])
def test_a_change_that_decayed_in_the_store_is_not_written_and_its_case_is_planned_anew(
    a_world: World, store_url: str, column: str
) -> None:
    people = waiting(a_world)
    one = next(iter(a_world.engine.store.changes(states={ChangeState.APPROVED}))).change
    other = next(person for person in people if person != one.record_id)
    rotten = {"after": '"Chile"', "before": '"Chile"', "record_id": other, "field": "city"}[column]
    execute(store_url, f"""UPDATE changes SET "{column}" = '{rotten}' WHERE id = '{one.id}'""")
    run(a_world, a_campaign())
    assert written(a_world) == Counter(people) - Counter([one.record_id])
    (stored,) = a_world.engine.store.changes(ids=[one.id])
    assert (stored.state, stored.note) == (ChangeState.CONFLICTED, DECAYED)
    approve_plan(a_world, run(a_world, a_campaign()))
    run(a_world, a_campaign())
    assert written(a_world) == Counter(people)


def test_what_decayed_in_the_store_is_not_taken_back(a_world: World, store_url: str) -> None:
    people = waiting(a_world)
    run(a_world, a_campaign())
    one, *others = a_world.engine.store.changes(states={ChangeState.APPLIED})
    execute(store_url, f"""UPDATE changes SET before = '"Chile"' WHERE id = '{one.change.id}'""")
    number = a_world.engine.store.start_run("undo", now=a_world.engine.clock())
    plan = plan_undo(a_world.engine, run=number, of_run=one.run)
    assert {change.undoes for change in plan.changes} == {other.change.id for other in others}
    assert [declined.reason for declined in plan.declined] == [DECAYED]
    assert written(a_world) == Counter(people)


def damage(path: Path, random: Random) -> None:
    """Overwrite pages in the middle of a database file."""
    size = 4096
    content = bytearray(path.read_bytes())
    pages = len(content) // size
    for _ in range(random.choice((1, 3, 10))):
        at = random.randrange(1, pages) * size + random.choice((0, 0, 100))
        content[at : at + 512] = random.randbytes(512)
    path.write_bytes(content)
