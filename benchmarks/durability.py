"""What being safe costs: changes a second with and without faults, the store's share of it, and recovery.

Faults are the sandbox's, over real HTTP. The vendor's own waits (606: the window of 20 s) are not slept but
added up and named apart, because they measure the vendor and not us.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import httpx

from benchmarks.month_processes import COMMAND, PATIENCE_S, running_sandbox, settings_environment
from remediator.changes import ChangeState, Settlement
from remediator.demo import engine_for
from remediator.engine.applying import apply_plan
from remediator.engine.core import Engine
from remediator.engine.planning import make_plan
from remediator.engine.scan import scan_file
from remediator.model import Confidence
from remediator.policy import approve
from remediator.sandbox.exports import sync_errors_csv
from remediator.sandbox.server import Sandbox
from remediator.store import CaseQuery, Lease, Store
from remediator.systems.marketo import Marketo
from remediator.systems.salesforce import Salesforce

LEADS = 5_000
GRACE = timedelta(minutes=3)
"""Longer than the time in which the vendor may still carry an unanswered write out."""

WRITE = "POST /rest/v1/leads.json"
FAULTS: Mapping[str, Sequence[dict[str, Any]]] = {
    "none": (),
    "every 3rd reply lost": ({"name": "drop_after", "match": WRITE, "every": 3, "times": None},),
    "every 3rd write lost": ({"name": "drop_before", "match": WRITE, "every": 3, "times": None},),
    "606 on every 3rd call": ({"name": "rate_limit", "system": "marketo", "every": 3, "times": None},),
    "every 10th record locked": (
        {
            "name": "partial",
            "match": WRITE,
            "share": 10,
            "times": 4,
            "error": {"code": "719", "message": "Lock wait timeout"},
        },
        {
            "name": "partial",
            "match": "* /services/data/*/composite/sobjects*",
            "share": 10,
            "times": 4,
            "error": {"code": "UNABLE_TO_LOCK_ROW", "message": "unable to obtain exclusive access"},
        },
    ),
}


class _Time:
    """A clock on which waits pass at once."""

    def __init__(self) -> None:
        self.waited_s = 0.0

    def __call__(self) -> float:
        return time.monotonic() + self.waited_s

    def sleep(self, seconds: float) -> None:
        self.waited_s += seconds


class _TimedStore(Store):
    """Counts the seconds in which a write waits for the store to have it on record."""

    durable_s = 0.0

    def intend(
        self, changes: Sequence[str], *, run: int, actor: str, now: datetime, lease: Lease | None = None
    ) -> list[str]:
        started = time.perf_counter()
        try:
            return super().intend(changes, run=run, actor=actor, now=now, lease=lease)
        finally:
            self.durable_s += time.perf_counter() - started

    def settle(
        self,
        settlements: Sequence[Settlement],
        *,
        run: int,
        actor: str,
        now: datetime,
        verify_at: datetime | None,
    ) -> None:
        started = time.perf_counter()
        try:
            super().settle(settlements, run=run, actor=actor, now=now, verify_at=verify_at)
        finally:
            self.durable_s += time.perf_counter() - started


@dataclass(frozen=True, slots=True, kw_only=True)
class Applied:
    """One plan, applied until nothing of it is left.

    Attributes:
        seconds: of work, ``durable_s`` of them the store's; the vendor asked for ``vendor_s`` on top.
        rounds: runs of `apply` that it took; ``outcomes``: what became of the changes.
        doubled: records that were written twice, by the ledger.
    """

    changes: int
    seconds: float
    durable_s: float
    vendor_s: float
    rounds: int
    outcomes: Mapping[str, int]
    doubled: int


def measure(faults: Sequence[Mapping[str, Any]], *, leads: int = LEADS, seed: int = 1) -> Applied:
    """Plan everything that can be fixed, and apply it under these faults."""
    clock = _Time()
    with TemporaryDirectory() as folder, Sandbox(leads=leads, seed=seed, speed=0) as sandbox:
        sandbox.advance(timedelta(minutes=20))
        path = Path(folder) / "store.db"
        with engine_for(sandbox, path) as made, _TimedStore.open(f"sqlite:///{path}") as store:
            assert isinstance(store, _TimedStore)
            marketo = Marketo(made.settings.marketo, clock=clock, sleep=clock.sleep)
            salesforce = Salesforce(made.settings.salesforce, clock=clock, sleep=clock.sleep)
            with marketo, salesforce:
                engine = replace(made, store=store, marketo=marketo, salesforce=salesforce)
                plan = _approved(engine, sandbox, Path(folder))
                waited_s = clock.waited_s
                for fault in faults:
                    sandbox.faults.add(fault)
                before, started, rounds, outside = sandbox.ledger.last, time.perf_counter(), 0, 0.0
                while rounds < 20 and _is_left(store, plan):
                    run = store.start_run("apply", now=engine.clock())
                    apply_plan(engine, plan, run=run)
                    rounds += 1
                    paused = time.perf_counter()
                    sandbox.advance(GRACE)
                    outside += time.perf_counter() - paused
                seconds = time.perf_counter() - started - outside
            states = [stored.state for stored in store.changes(plan=plan)]
            return Applied(
                changes=sum(state is ChangeState.APPLIED for state in states),
                seconds=seconds,
                durable_s=store.durable_s,
                vendor_s=clock.waited_s - waited_s,
                rounds=rounds,
                outcomes={str(state): states.count(state) for state in dict.fromkeys(states)},
                doubled=_doubled(sandbox.ledger.entries(kind="write", after=before)),
            )


def _approved(engine: Engine, sandbox: Sandbox, folder: Path) -> str:
    export = folder / "errors.csv"
    export.write_bytes(sync_errors_csv(sandbox.sync.errors, now=sandbox.clock.now()))
    run = engine.store.start_run("plan", now=engine.clock())
    scan_file(
        export,
        store=engine.store,
        classifier=engine.classifier,
        settings=engine.settings,
        run=run,
        now=engine.clock(),
    )
    plan = make_plan(engine, query=CaseQuery(), run=run).plan
    engine.store.decide(approve(plan.changes, by="bench", floor=Confidence.STRONG), now=engine.clock())
    return plan.id


def _is_left(store: Store, plan: str) -> bool:
    return any(True for _ in store.changes(plan=plan, states={ChangeState.APPROVED, ChangeState.INTENDED}))


def _doubled(writes: Collection[Mapping[str, Any]]) -> int:
    """Count the fields that were really written twice by an API user."""
    places = [
        (entry["system"], str(entry["id"]), name)
        for entry in writes
        if entry["operation"] == "update" and "sync" not in entry["actor"]
        for name in entry["changes"]
    ]
    return len(places) - len(set(places))


@dataclass(frozen=True, slots=True, kw_only=True)
class Recovery:
    """From SIGKILL in the middle of a write until the plan was whole again.

    Attributes:
        seconds: all of it; ``grace_s`` of them are the wait for a write that the vendor may still carry out.
        process_s: start of the process until its end, of the run that finished the plan.
    """

    seconds: float
    grace_s: float
    process_s: float
    changes: int
    doubled: int


def recover(fault: Mapping[str, Any], *, grace_s: float, leads: int = 2_000, seed: int = 1) -> Recovery:
    """Kill `remediator apply` while a write is under way, and run it again until nothing is left."""
    with TemporaryDirectory(prefix="remediator-recovery-") as text:
        folder = Path(text)
        store_url = f"sqlite:///{folder / 'store.db'}"
        with running_sandbox(folder, people=leads, seed=seed, speed=1) as told:
            environment = {
                **settings_environment(told, store_url),
                "REMEDIATOR_VERIFY_LATE_WRITE_S": f"{grace_s:g}",
                "REMEDIATOR_LIMITS_MAX_CHANGES": "100000",
            }
            with httpx.Client(base_url=told["control"], timeout=60, trust_env=False) as control:
                _prepare(control, folder, environment)
                control.post("/faults", json=dict(fault)).raise_for_status()
                with Store.open(store_url) as store:
                    return _killed(control, store, folder, environment, grace_s=grace_s)


def _prepare(control: httpx.Client, folder: Path, environment: dict[str, str]) -> None:
    control.post("/sync", json={"cycles": 2}).raise_for_status()
    (folder / "errors.csv").write_bytes(control.get("/sync-errors.csv").raise_for_status().content)
    for arguments in (
        ("scan", "errors.csv"),
        ("plan", "--out", "plan.json"),
        ("review", "--approve-all"),
    ):
        done = subprocess.run(
            [*COMMAND, *arguments], cwd=folder, env=environment, capture_output=True, check=False
        )
        if done.returncode:
            raise RuntimeError(f"{arguments[0]} ended with {done.returncode}: {done.stderr.decode()}")


def _killed(
    control: httpx.Client, store: Store, folder: Path, environment: dict[str, str], *, grace_s: float
) -> Recovery:
    victim = _apply(folder, environment)
    until = time.monotonic() + PATIENCE_S
    while not any(True for _ in store.changes(states={ChangeState.INTENDED})):
        if time.monotonic() > until or victim.poll() is not None:
            raise RuntimeError("no write was under way when it was to be killed")
        time.sleep(0.01)
    time.sleep(0.2)
    os.kill(victim.pid, signal.SIGKILL)
    victim.wait()
    killed_at = time.monotonic()
    control.delete("/faults").raise_for_status()
    while any(True for _ in store.changes(states={ChangeState.APPROVED, ChangeState.INTENDED})):
        begun = time.monotonic()
        if begun - killed_at > PATIENCE_S:
            raise RuntimeError(f"the plan was not whole {PATIENCE_S:.0f} s after the kill")
        _apply(folder, environment).wait(PATIENCE_S)
    whole_at = time.monotonic()
    writes = control.get("/ledger", params={"kind": "write"}).json()["entries"]
    return Recovery(
        seconds=whole_at - killed_at,
        grace_s=grace_s,
        process_s=whole_at - begun,
        changes=sum(1 for _ in store.changes(states={ChangeState.APPLIED})),
        doubled=_doubled(writes),
    )


def _apply(folder: Path, environment: dict[str, str]) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [*COMMAND, "apply"],
        cwd=folder,
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def main(leads: int = LEADS) -> None:
    """Print both tables."""
    print(f"{'faults':<26} changes  seconds  a second  store's part  vendor's waits  runs  written twice")
    for name, faults in FAULTS.items():
        done = measure(faults, leads=leads)
        print(
            f"{name:<26} {done.changes:>7,}  {done.seconds:>7.1f}  {done.changes / done.seconds:>8,.0f}"
            f"  {100 * done.durable_s / done.seconds:>10.0f} %  {done.vendor_s:>12.1f} s  {done.rounds:>4}"
            f"  {done.doubled:>13}"
        )
        others = {state: count for state, count in done.outcomes.items() if state != ChangeState.APPLIED}
        if others:
            print(f"  not applied: {json.dumps(others)}")
    print("\nSIGKILL in the middle of a write, until the plan is whole again:")
    for name, fault, grace_s in (
        ("carried out, reply not read", {"name": "slow_drip", "seconds": 1, "pieces": 5, "match": WRITE}, 0),
        ("not carried out", {"name": "drop_before", "match": WRITE, "times": None}, 4),
    ):
        took = recover(fault, grace_s=grace_s)
        print(
            f"  {name:<28} {took.seconds:>5.1f} s, {took.process_s:.1f} s of it the run that finished; grace "
            f"{took.grace_s:g} s (120 by default); {took.changes:,} changes, written twice: {took.doubled}"
        )


if __name__ == "__main__":
    main()
