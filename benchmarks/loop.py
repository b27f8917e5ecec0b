"""What the closed loop costs: API calls per fixed record, and wall time beside the vendor's rate limit.

Counted by the sandbox's ledger, over real HTTP. The ideal reads and writes people by 300, reads Salesforce
records by 2,000 and triggers by 100.
"""

from __future__ import annotations

import math
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

from remediator.demo import engine_for
from remediator.engine.applying import apply_plan
from remediator.engine.core import Engine
from remediator.engine.planning import make_plan
from remediator.engine.resync import resync
from remediator.engine.scan import scan_file
from remediator.engine.verifying import verify_due
from remediator.model import CaseState, Confidence
from remediator.policy import approve
from remediator.sandbox.exports import sync_errors_csv
from remediator.sandbox.server import Sandbox
from remediator.store import CaseQuery

RATE_CALLS, RATE_S = 100, 20
"""Marketo's limit: calls per rolling window of seconds (fact sheet, section 2.1)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """What one turn of the loop took.

    Attributes:
        calls: ``{"METHOD path": calls}`` by the ledger.
        stages: seconds by stage.
        fixed: records cleared, proven in both systems; ``written`` and ``triggered``: records.
    """

    people: int
    fixed: int
    written: int
    triggered: int
    calls: Counter[str]
    stages: dict[str, float]

    @property
    def marketo_calls(self) -> int:
        """Calls that count against Marketo's limit."""
        return sum(n for path, n in self.calls.items() if "/rest/" in path)

    @property
    def bound_s(self) -> float:
        """Seconds that the rate limit alone would take: the first window's calls go at once."""
        return max(0, math.ceil(self.marketo_calls / RATE_CALLS) - 1) * RATE_S

    @property
    def ideal_calls(self) -> int:
        """Calls of a loop that plans, reads before it writes, writes, triggers and proves in full batches."""
        batches = math.ceil(self.written / 300)
        proof = math.ceil(self.written / 300) + math.ceil(self.written / 2_000)
        planning = math.ceil(self.people / 300)
        describes = 3
        return planning + batches + batches + math.ceil(self.triggered / 100) + proof + describes


def measure(leads: int, *, seed: int = 1) -> Cost:
    """Run one whole turn: scan, plan, approve, apply, resync, verify."""
    stages: dict[str, float] = {}

    @contextmanager
    def timed(name: str) -> Iterator[None]:
        started = time.perf_counter()
        yield
        stages[name] = time.perf_counter() - started

    with TemporaryDirectory() as folder, Sandbox(leads=leads, seed=seed) as sandbox:
        sandbox.advance(timedelta(minutes=20))
        with engine_for(sandbox, Path(folder) / "store.db") as engine:
            before = sandbox.ledger.last
            export = Path(folder) / "errors.csv"
            export.write_bytes(sync_errors_csv(sandbox.sync.errors, now=sandbox.clock.now()))
            run = engine.store.start_run("turn", now=engine.clock())
            with timed("scan"):
                _scan(engine, export, run)
            with timed("plan"):
                plan = make_plan(engine, query=CaseQuery(), run=run).plan
            engine.store.decide(
                approve(plan.changes, by="bench", floor=Confidence.STRONG), now=engine.clock()
            )
            with timed("apply"):
                apply_plan(engine, plan.id, run=run)
            with timed("resync"):
                pushed = resync(engine, plan.id, run=run)
            sandbox.advance(timedelta(minutes=20))
            with timed("verify"):
                verify_due(engine, run=run)
            tally = engine.store.tally()
            calls = Counter(
                f"{entry['method']} {_template(entry['path'])}"
                for entry in sandbox.ledger.entries(kind="request", after=before)
                if "/control" not in entry["path"] and "oauth" not in entry["path"]
            )
            return Cost(
                people=sum(tally.states.values()),
                fixed=tally.states.get(CaseState.CLEARED, 0),
                written=pushed.native + pushed.requested,
                triggered=pushed.requested,
                calls=calls,
                stages=stages,
            )


def _scan(engine: Engine, export: Path, run: int) -> None:
    scan_file(
        export,
        store=engine.store,
        classifier=engine.classifier,
        settings=engine.settings,
        run=run,
        now=engine.clock(),
    )


def _template(path: str) -> str:
    parts = ["{id}" if part.isdecimal() else part for part in path.split("?")[0].split("/")]
    return "/".join(parts)


def main(sizes: tuple[int, ...] = (5_000, 20_000)) -> None:
    """Print the tables."""
    for leads in sizes:
        cost = measure(leads)
        print(f"\n{leads:,} people, {cost.people:,} refused, {cost.fixed:,} cleared in one turn")
        for path, count in cost.calls.most_common():
            print(f"  {count:>5}  {path}")
        total = sum(cost.calls.values())
        fixed = max(1, cost.fixed)
        print(f"  {total:>5}  in all: {total / fixed:.4f} a fixed record; ideal {cost.ideal_calls}")
        print(f"         ({cost.ideal_calls / fixed:.4f} a fixed record, {total / cost.ideal_calls:.2f} x)")
        wall = sum(cost.stages.values())
        stages = ", ".join(f"{name} {seconds:.1f}" for name, seconds in cost.stages.items())
        print(f"  wall {wall:.1f} s ({stages}); the rate limit alone: {cost.bound_s:.1f} s")


if __name__ == "__main__":
    main()
