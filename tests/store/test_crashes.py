"""Killed in the middle, or two at once: all or nothing, and each change to exactly one."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from pathlib import Path

from remediator.changes import ChangeState
from remediator.store import Store, TakeResult
from tests.builders import NOON, a_diagnosis, a_failure
from tests.store.children import ROWS
from tests.store.scenes import approve, open_cases, planned

ROOT = Path(__file__).parents[2]


def command(what: str, url: str) -> list[str]:
    return [sys.executable, "-W", "error", "-m", "tests.store.children", what, url]


def crashes(what: str, url: str) -> list[dict[str, object]]:
    done = subprocess.run(command(what, url), cwd=ROOT, capture_output=True, check=False, text=True)
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_a_process_killed_at_any_step_of_take_has_taken_all_or_nothing(store_url: str) -> None:
    *killed, last = crashes("take", store_url)
    nothing = {"killed": True, "cases": [], "sightings": 0, "changes": [], "events": 0, "intact": True}
    assert len(killed) >= 6
    assert all(found == nothing for found in killed)
    assert last == nothing | {"killed": False, "cases": ["open"], "sightings": ROWS, "events": 1}


def test_a_process_killed_at_any_step_of_intend_has_intended_all_or_nothing(
    store: Store, store_url: str
) -> None:
    open_cases(store, 5)
    planned(store, "p1", *([case] for case in range(1, 6)))
    approve(store, *(f"p1-{case}" for case in range(1, 6)))
    *killed, last = crashes("intend", store_url)
    before = {
        "killed": True,
        "cases": ["approved"],
        "sightings": 5,
        "changes": ["approved"],
        "events": 0,
        "intact": True,
    }
    assert len(killed) >= 6
    assert all(found == before for found in killed)
    assert last == before | {"killed": False, "cases": ["applying"], "changes": ["intended"], "events": 5}


def test_two_processes_that_intend_the_same_changes_share_them_out(store: Store, store_url: str) -> None:
    count = 100
    open_cases(store, count)
    planned(store, "p1", *([case] for case in range(1, count + 1)))
    ids = approve(store, *(f"p1-{case}" for case in range(1, count + 1)))
    children = [
        subprocess.Popen(
            command("race", store_url),
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(2)
    ]
    for child in children:
        assert child.stdout is not None
        assert child.stdout.readline() == "ready\n"
    shares = []
    for child in children:
        assert child.stdin is not None
        child.stdin.write("go\n")
        child.stdin.flush()
    for child in children:
        answer, error = child.communicate(timeout=120)
        assert child.returncode == 0, error
        shares.append(json.loads(answer))
    assert sorted(shares[0] + shares[1]) == sorted(ids)
    assert {item.change.id for item in store.changes(run=children[0].pid)} == set(shares[0])
    assert {item.state for item in store.changes()} == {ChangeState.INTENDED}
    assert sum(1 for _ in store.audit(event="change_intended")) == count
    assert store.verify_audit().intact


def test_writers_at_once_never_fork_the_chain(store: Store, store_url: str) -> None:
    failed: list[Exception] = []

    def write(name: str) -> None:
        try:
            with Store.open(store_url) as own:
                for number in range(10):
                    own.append_audit("noted", actor=name, payload={"number": number}, now=NOON)
        except Exception as exc:  # noqa: BLE001 - shown by the assertion below
            failed.append(exc)

    threads = [threading.Thread(target=write, args=(f"writer {number}",)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
    assert [entry.seq for entry in store.audit()] == list(range(1, 41))
    assert store.verify_audit().intact


def test_one_store_serves_several_threads(store: Store) -> None:
    results: list[TakeResult] = []

    def take() -> None:
        rows = [(a_failure(number), a_diagnosis()) for number in range(50)]
        results.append(store.take(rows, run=None, now=NOON))

    threads = [threading.Thread(target=take) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(result.new for result in results) == [0, 0, 0, 50]
    assert store.count_cases() == 50
