"""The long set: any seed, as long as one likes; prints what it did. `python -m tests.chaos --minutes 60`."""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random

from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis.stateful import run_state_machine_as_test
from loguru import logger

from remediator.sandbox.server import Sandbox
from remediator.store import Store
from tests.chaos.nursery import Nursery
from tests.chaos.scenarios import Story, tell
from tests.engine.world import world
from tests.faults.ground import Ground
from tests.faults.machine import Bot
from tests.store.postgres import Postgres


def main() -> int:
    """Tell stories until the time is over; returns 1 when one was wrong."""
    asked = _arguments()
    # What the engine tells of each trouble is not what is looked for here.
    logger.remove()
    if asked.any_order is not None:
        return 1 if _in_any_order(asked.any_order, Counter(), shrink=True) else 0
    until = time.monotonic() + asked.minutes * 60
    counts: Counter[str] = Counter()
    failed: list[int] = []
    disordered: list[int] = []
    number = asked.seed
    began = time.monotonic()
    with Nursery() as nursery, _databases(postgres=not asked.sqlite_only) as fresh_store:
        while time.monotonic() < until and (asked.stories is None or number < asked.seed + asked.stories):
            story = one(nursery, fresh_store, number)
            counts += story.counts
            counts["stories"] += 1
            if story.wrong:
                failed.append(number)
            if story.wrong or asked.verbose:
                sys.stdout.write(f"{story}\n\n")
            number += 1
            if counts["stories"] % 25 == 0:
                disordered += _in_any_order(number, counts)
                _tell_counts(counts, began)
    _tell_counts(counts, began)
    if failed:
        sys.stdout.write(
            f"broken promises under the seeds {', '.join(map(str, failed))}; one of them again: "
        )
        sys.stdout.write(f"python -m tests.chaos --seed {failed[0]} --stories 1 --verbose\n")
    if disordered:
        sys.stdout.write(
            f"broken promises in any order under the seeds {', '.join(map(str, disordered))}; one of them "
            f"again, made short: python -m tests.chaos --any-order {disordered[0]}\n"
        )
    return 1 if failed or disordered else 0


def one(nursery: Nursery, fresh_store: Callable[[int], str], number: int) -> Story:
    """Tell one story in a world of its own; the seed decides everything but the moments of the kills."""
    random = Random(number)
    how = {
        "takes_back": random.random() < 0.3,
        "edits": random.random() < 0.7,
        "faults": random.random() < 0.8,
        "lease_s": random.choice((0, 0, 1)),
    }
    url = fresh_store(number)
    folder = Path(tempfile.mkdtemp(prefix="remediator-chaos-"))
    try:
        with (
            Sandbox(leads=0, speed=0) as sandbox,
            Store.open(url) as store,
            world(sandbox, store, folder) as made,
        ):
            return tell(made, nursery, url, seed=number, **how)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _in_any_order(chosen: int, counts: Counter[str], *, shrink: bool = False) -> list[int]:
    """Let the state machine loose; tells and returns the seed when one of its examples breaks a promise."""
    try:
        counts["examples in any order"] += any_order(chosen, shrink=shrink)
    except Exception:  # noqa: BLE001 - whatever ended it, the other stories are told all the same
        sys.stdout.write(f"in any order, seed {chosen}\nWRONG: {traceback.format_exc()}\n")
        return [chosen]
    return []


def any_order(chosen: int, *, shrink: bool = False) -> int:
    """Let the state machine loose; returns its examples, raises with the steps when one breaks a promise.

    Args:
        chosen: the seed.
        shrink: look for the shortest story that breaks it, which takes minutes.
    """
    examples = settings(
        max_examples=10,
        stateful_step_count=25,
        deadline=None,
        database=None,
        phases=tuple(Phase) if shrink else (Phase.generate,),
        suppress_health_check=list(HealthCheck),
    )
    with (
        tempfile.TemporaryDirectory(prefix="remediator-chaos-") as folder,
        Ground.prepared(Path(folder)) as ground,
    ):
        run_state_machine_as_test(seed(chosen)(type("Bot", (Bot,), {"ground": ground})), settings=examples)
    return 10


@contextmanager
def _databases(*, postgres: bool) -> Iterator[Callable[[int], str]]:
    """Give fresh stores: every fourth on PostgreSQL, the others on SQLite."""
    with tempfile.TemporaryDirectory(prefix="remediator-chaos-") as folder:
        server = Postgres() if postgres else None

        def fresh(seed: int) -> str:
            if server is not None and seed % 4 == 0:
                return server.url(server.create())
            path = Path(folder) / f"{seed}.db"
            for old in Path(folder).glob("*.db*"):
                old.unlink()
            return f"sqlite:///{path}"

        try:
            yield fresh
        finally:
            if server is not None:
                server.stop()


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("--minutes", type=float, default=60, help="how long (default: 60)")
    parser.add_argument("--seed", type=int, default=1, help="where to start (default: 1)")
    parser.add_argument("--stories", type=int, help="at most so many")
    parser.add_argument("--any-order", type=int, metavar="SEED", help="only steps in any order, of this seed")
    parser.add_argument("--sqlite-only", action="store_true", help="no PostgreSQL")
    parser.add_argument("--verbose", action="store_true", help="tell every story, not only the bad ones")
    return parser.parse_args()


def _tell_counts(counts: Counter[str], began: float) -> None:
    told = ", ".join(f"{count} {name}" for name, count in sorted(counts.items()))
    sys.stdout.write(f"{time.monotonic() - began:.0f} s: {told}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    raise SystemExit(main())
