"""What the crash and race tests run as real processes: ``python -m tests.store.children WHAT URL``."""

from __future__ import annotations

import json
import os
import signal
import sys
from typing import Any

from sqlalchemy import event
from sqlalchemy.engine import Engine

from remediator.store import Store
from tests.builders import NOON, a_diagnosis, a_failure

ROWS = 20


def take_and_intend(store: Store, what: str) -> None:
    """Make the one call that the crash test is about."""
    if what == "take":
        rows = [(a_failure(number), a_diagnosis()) for number in range(1, ROWS + 1)]
        store.take(rows, run=None, now=NOON)
    else:
        store.intend([item.change.id for item in store.changes()], run=1, actor="bot", now=NOON)


def crash_at_every_step(what: str, url: str) -> None:
    """Make the call again and again, killed one database step later each time, until it gets through.

    Prints one JSON line a try: whether it was killed, and what the store then holds.
    """
    step = 0
    killed = True
    while killed:
        step += 1
        child = os.fork()
        if child == 0:
            _crash(what, url, step)
        _, status = os.waitpid(child, 0)
        killed = os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL
        assert killed or status == 0
        with Store.open(url) as store:
            sightings = sum(len(store.sightings(case.id)) for case in store.cases())
            found = {
                "killed": killed,
                "cases": sorted({case.state for case in store.cases()}),
                "sightings": sightings,
                "changes": sorted({item.state for item in store.changes()}),
                "events": sum(
                    1 for _ in store.audit(event="cases_opened" if what == "take" else "change_intended")
                ),
                "intact": store.verify_audit().intact,
            }
        sys.stdout.write(json.dumps(found) + "\n")
        sys.stdout.flush()


def _crash(what: str, url: str, step: int) -> None:
    with Store.open(url) as store:
        left = step

        def count(*_: Any) -> None:
            nonlocal left
            left -= 1
            if left == 0:
                os.kill(os.getpid(), signal.SIGKILL)

        event.listen(Engine, "before_cursor_execute", count)
        event.listen(Engine, "commit", count)
        take_and_intend(store, what)
    os._exit(0)


def race(url: str) -> None:
    """On a line on stdin, intend every change in small bites; print the ids that came to us."""
    with Store.open(url) as store:
        ids = [item.change.id for item in store.changes()]
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        sys.stdin.readline()
        mine: list[str] = []
        for start in range(0, len(ids), 3):
            mine += store.intend(ids[start : start + 3], run=os.getpid(), actor="bot", now=NOON)
    sys.stdout.write(json.dumps(mine) + "\n")


if __name__ == "__main__":
    if sys.argv[1] == "race":
        race(sys.argv[2])
    else:
        crash_at_every_step(sys.argv[1], sys.argv[2])
