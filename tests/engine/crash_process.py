"""A process that runs the loop and kills itself at one of its steps: `python -m tests.engine.crash_process`.

Arguments: store URL, folder, connection info of the sandbox as JSON, step to die at (0 = never).
"""

from __future__ import annotations

import json
import os
import signal
import sys
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx

from remediator.changes import ChangeState
from remediator.classify import Classifier
from remediator.engine.applying import apply_plan
from remediator.engine.core import Engine, Step
from remediator.engine.planning import make_plan
from remediator.engine.resync import resync
from remediator.engine.scan import scan_file
from remediator.files import load_rules
from remediator.model import Confidence
from remediator.plugins import load_fixers
from remediator.policy import approve
from remediator.store import CaseQuery, Store
from remediator.systems.marketo import Marketo
from remediator.systems.salesforce import Salesforce
from tests.engine.world import settings_for


def run(store_url: str, folder: Path, info: dict[str, Any], die_at: int) -> None:
    """Scan, plan, approve, apply, resync; continues whatever an earlier process left."""
    steps = 0

    def on_step(step: Step) -> None:
        nonlocal steps
        steps += 1
        sys.stdout.write(f"{steps} {step.name}\n")
        sys.stdout.flush()
        if steps == die_at:
            os.kill(os.getpid(), signal.SIGKILL)

    control = httpx.Client(base_url=info["control"])

    def clock() -> datetime:
        return datetime.fromisoformat(control.get("/clock").raise_for_status().json()["now"])

    settings = settings_for(info, store_url)
    rules = load_rules()
    with (
        Store.open(store_url) as store,
        Marketo(settings.marketo) as marketo,
        Salesforce(settings.salesforce) as salesforce,
    ):
        engine = Engine(
            store=store,
            marketo=marketo,
            salesforce=salesforce,
            classifier=Classifier(rules),
            fixers=load_fixers(entry_points=False),
            settings=settings,
            config_hash=rules.config_hash,
            clock=clock,
            actor="tester",
            on_step=on_step,
        )
        loop(engine, control, folder)


def loop(engine: Engine, control: httpx.Client, folder: Path) -> None:
    """One turn, the way cron would take it: first finish older plans, then make a new one."""
    export = folder / f"errors-{os.getpid()}.csv"
    export.write_bytes(control.get("/sync-errors.csv").raise_for_status().content)
    run = engine.store.start_run("turn", now=engine.clock())
    engine.on_step(Step(name="before_scan"))
    scan_file(
        export,
        store=engine.store,
        classifier=engine.classifier,
        settings=engine.settings,
        run=run,
        now=engine.clock(),
    )
    engine.on_step(Step(name="after_scan"))
    unfinished = {ChangeState.APPROVED, ChangeState.INTENDED, ChangeState.APPLIED}
    for summary in engine.store.plans():
        if any(True for _ in engine.store.changes(plan=summary.id, states=unfinished)):
            apply_plan(engine, summary.id, run=run)
            resync(engine, summary.id, run=run)
    engine.on_step(Step(name="before_plan"))
    plan = make_plan(engine, query=CaseQuery(), run=run).plan
    engine.on_step(Step(name="after_plan"))
    decisions = approve(plan.changes, by="reviewer", floor=Confidence.WEAK)
    engine.store.decide(decisions, now=engine.clock())
    engine.on_step(Step(name="after_review"))
    apply_plan(engine, plan.id, run=run)
    engine.on_step(Step(name="after_apply"))
    resync(engine, plan.id, run=run)
    engine.on_step(Step(name="after_all"))


if __name__ == "__main__":
    run(sys.argv[1], Path(sys.argv[2]), json.loads(sys.argv[3]), int(sys.argv[4]))
