"""What a process that is going to be killed does: one turn of the loop, the way cron would take it."""

from __future__ import annotations

import os
import signal
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from random import Random
from typing import Any

import httpx
from pydantic import SecretStr

from fixers.geo import country_code
from remediator.api import Fixer
from remediator.changes import ChangeState
from remediator.classify import Classifier
from remediator.engine.applying import ApplyReport, apply_plan, settle_interrupted
from remediator.engine.core import Engine, Step
from remediator.engine.planning import make_plan
from remediator.engine.resync import resync
from remediator.engine.retrying import serve_retries
from remediator.engine.scan import scan_file
from remediator.engine.verifying import verify_due
from remediator.errors import LeaseHeld
from remediator.files import load_rules
from remediator.model import Confidence
from remediator.plugins import load_fixers
from remediator.policy import approve
from remediator.rounds import guarded
from remediator.rules import RuleSet
from remediator.settings import MarketoSettings, SalesforceSettings, isolated_settings
from remediator.store import CaseQuery, Store
from remediator.systems.marketo import Marketo
from remediator.systems.salesforce import Salesforce
from remediator.writer import Writer, holder_name
from tests.engine.world import settings_for

_UNFINISHED = frozenset({ChangeState.APPROVED, ChangeState.INTENDED, ChangeState.APPLIED})


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """One process's orders.

    Attributes:
        info: what the sandbox tells of itself.
        die_at: the step at which it kills itself, 0 = never; ``stop_on``: name of one at which it stops.
        lease_s: how long its lease lasts without renewal; 0 = it works without one, as a person does.
        timeout_s: how long it waits for a vendor's answer.
        late_write_s: how long it believes that an unanswered write may still be carried out.
        plans: make a new plan and approve it; else only what is approved is written.
        batch: records a call; the vendors' own sizes when ``None``.
    """

    store_url: str
    folder: str
    info: dict[str, Any]
    die_at: int = 0
    stop_on: str = ""
    lease_s: float = 0
    timeout_s: float = 5
    late_write_s: float = 120
    plans: bool = True
    batch: int | None = None
    seed: int = 0


@dataclass(frozen=True, slots=True)
class Preloaded:
    """What every turn needs and none changes; warms up everything else that is loaded late."""

    rules: RuleSet = field(default_factory=load_rules)
    fixers: Mapping[str, Fixer] = field(default_factory=lambda: load_fixers(entry_points=False))
    classifier: Classifier = field(init=False)

    def __post_init__(self) -> None:
        country_code("Deutschland")
        # A frozen value sets its derived part this way.
        object.__setattr__(self, "classifier", Classifier(self.rules))
        settings = isolated_settings(
            marketo=MarketoSettings(url="http://127.0.0.1:9", client_id="x", client_secret=SecretStr("x")),
            salesforce=SalesforceSettings(
                url="http://127.0.0.1:9",
                auth="client_credentials",
                client_id="x",
                client_secret=SecretStr("x"),
            ),
        )
        with (
            tempfile.TemporaryDirectory() as folder,
            Store.open(f"sqlite:///{folder}/warm.db"),
            Marketo(settings.marketo),
            Salesforce(settings.salesforce),
        ):
            pass


class _Steps:
    """Tells every step, and ends or stops the process at one of them."""

    def __init__(self, turn: Turn) -> None:
        self._turn = turn
        self._count = 0
        self._stopped = False

    def __call__(self, step: Step) -> None:
        self._count += 1
        sys.stdout.write(f"{self._count} {step.name}\n")
        sys.stdout.flush()
        if self._count == self._turn.die_at:
            os.kill(os.getpid(), signal.SIGKILL)
        if step.name == self._turn.stop_on and not self._stopped:
            self._stopped = True
            os.kill(os.getpid(), signal.SIGSTOP)


def take(turn: Turn, preloaded: Preloaded) -> None:
    """Take a turn; raises what the engine raises."""
    control = httpx.Client(base_url=turn.info["control"], timeout=30)

    def clock() -> datetime:
        return datetime.fromisoformat(control.get("/clock").raise_for_status().json()["now"])

    settings = settings_for(turn.info, turn.store_url)
    settings = settings.model_copy(
        update={
            "marketo": settings.marketo.model_copy(update={"timeout_s": turn.timeout_s}),
            "salesforce": settings.salesforce.model_copy(update={"timeout_s": turn.timeout_s}),
            "verify": settings.verify.model_copy(update={"late_write_s": turn.late_write_s}),
        }
    )
    with (
        Store.open(turn.store_url) as store,
        Marketo(settings.marketo, sleep=_no_wait) as marketo,
        Salesforce(settings.salesforce, sleep=_no_wait) as salesforce,
    ):
        if turn.batch is not None:
            marketo.write_size = salesforce.write_size = turn.batch
        engine = Engine(
            store=store,
            marketo=marketo,
            salesforce=salesforce,
            classifier=preloaded.classifier,
            fixers=preloaded.fixers,
            settings=settings,
            config_hash=preloaded.rules.config_hash,
            clock=clock,
            actor="tester",
            on_step=_Steps(turn),
        )
        if not turn.lease_s:
            _work(engine, control, turn)
            return
        writer = _wait_for_lease(store, turn.lease_s)
        try:
            steps = engine.on_step
            engine = guarded(engine, gate=writer.check, pause=lambda: None, lease=writer.lease)
            engine.on_step = steps
            _work(engine, control, turn)
        finally:
            writer.close()


def _no_wait(_: float) -> None:
    return None


def _wait_for_lease(store: Store, ttl_s: float) -> Writer:
    holder, until = holder_name(), time.monotonic() + 30
    while True:
        try:
            return Writer(store.running, holder=holder, ttl_s=ttl_s)
        except LeaseHeld:
            if time.monotonic() > until:
                raise
            time.sleep(0.05)


def _work(engine: Engine, control: httpx.Client, turn: Turn) -> None:
    run = engine.store.start_run("turn", now=engine.clock())
    if turn.plans:
        _take_in(engine, control, Path(turn.folder), run)
    settle_interrupted(engine, run=run, report=ApplyReport(plan=""))
    for summary in reversed(engine.store.plans()):
        if any(True for _ in engine.store.changes(plan=summary.id, states=_UNFINISHED)):
            apply_plan(engine, summary.id, run=run)
            resync(engine, summary.id, run=run)
    if turn.plans:
        engine.on_step(Step(name="before_plan"))
        plan = make_plan(engine, query=CaseQuery(), run=run).plan
        engine.on_step(Step(name="after_plan"))
        engine.store.decide(approve(plan.changes, by="reviewer", floor=Confidence.WEAK), now=engine.clock())
        engine.on_step(Step(name="after_review"))
        if plan.changes:
            apply_plan(engine, plan.id, run=run)
            engine.on_step(Step(name="after_apply"))
            resync(engine, plan.id, run=run)
    engine.on_step(Step(name="before_retries"))
    serve_retries(engine, run=run, random=Random(turn.seed))
    engine.on_step(Step(name="before_verify"))
    verify_due(engine, run=run)
    engine.on_step(Step(name="after_all"))


def _take_in(engine: Engine, control: httpx.Client, folder: Path, run: int) -> None:
    export = folder / f"errors-{os.getpid()}.csv"
    export.write_bytes(control.get("/sync-errors.csv").raise_for_status().content)
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
