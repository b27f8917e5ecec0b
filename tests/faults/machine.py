"""Scan, plan, review, apply, crash, edit, undo in any order; the promises are the invariants (hypothesis)."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import timedelta
from itertools import count
from pathlib import Path
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from remediator.engine.core import Engine, Step
from remediator.engine.scan import scan_file
from remediator.engine.undoing import plan_undo
from remediator.errors import LeaseLost, PlanRefused, VendorError
from remediator.model import ChangeState, Decision, Plan, same_value
from remediator.sandbox.exports import sync_errors_csv
from remediator.sandbox.server import Sandbox
from remediator.store import Lease, Store
from remediator.systems.marketo import Marketo
from remediator.systems.salesforce import Salesforce
from tests.chaos.judge import Judge
from tests.engine.world import World, world

_WRITES = ("POST /rest/v1/leads.json", "PATCH /services/data/*/composite/sobjects")
_READS = ("GET *", "POST /services/data/*/composite/sobjects/*")
_KINDS = ("Deutschland", "Frankreich", "Italien", "industry")
_LOST = ("drop_after", "drop_before", "truncated", "timeout_code", "rate_limit", "partial", "token_expired")
_BAD_READS = ("empty", "truncated", "server_error", "drop_before")
_UNFINISHED = frozenset({ChangeState.APPROVED, ChangeState.INTENDED})
_WHICH = st.sampled_from((0, 0, 0, 1, 2))
"""Counted from the latest, which is the likeliest to have work left."""

_PATIENCE = timedelta(minutes=3)


class Killed(BaseException):
    """The process ends here, as far as the code under test can tell."""


@dataclass(slots=True)
class Ground:
    """What all examples share: one sandbox, and clients and rules of one engine; the store is fresh.

    Attributes:
        template: a migrated, empty store's file.
    """

    sandbox: Sandbox
    engine: Engine
    template: Path
    folder: Path
    _stores: Iterator[int] = field(default_factory=count)

    @classmethod
    @contextmanager
    def prepared(cls, folder: Path) -> Iterator[Ground]:
        """Start the sandbox and build the engine."""
        template = folder / "template.db"
        with (
            Sandbox(leads=0, speed=0) as sandbox,
            Store.open(f"sqlite:///{template}") as store,
            world(sandbox, store, folder) as made,
        ):
            yield cls(sandbox, made.engine, template, folder)

    def fresh(self) -> str:
        """Return the address of an empty store."""
        path = self.folder / f"store-{next(self._stores)}.db"
        shutil.copy(self.template, path)
        return f"sqlite:///{path}"


class Bot(RuleBasedStateMachine):
    """Several hands on one store and two systems, one step at a time; the sandbox's ledger is the judge."""

    ground: Ground

    def __init__(self) -> None:
        super().__init__()
        self.url = self.ground.fresh()
        self._open()
        self.judge = Judge(self.ground.sandbox)
        self.people: list[str] = []
        self.plans: list[str] = []

    @property
    def made(self) -> World:
        """The world with this example's store, as a process that has just been started sees it."""
        engine = replace(
            self.ground.engine,
            store=self.store,
            marketo=self.marketo,
            salesforce=self.salesforce,
            _objects={},
        )
        return World(self.ground.sandbox, engine, self.ground.folder)

    def _open(self) -> None:
        """Open what a process opens; its clients know nothing of the troubles of the last one."""
        settings = self.ground.engine.settings
        self.store = Store.open(self.url)
        self.marketo = Marketo(settings.marketo, sleep=lambda _: None)
        self.salesforce = Salesforce(settings.salesforce, sleep=lambda _: None)

    def _close(self) -> None:
        self.marketo.close()
        self.salesforce.close()
        self.store.close()

    # People, and time

    @initialize(kinds=st.lists(st.sampled_from(_KINDS), min_size=2, max_size=4))
    def begin(self, kinds: list[str]) -> None:
        for kind in kinds:
            self._refuse(kind)
        self._plan_anew(approved=True)

    @rule(kind=st.sampled_from(_KINDS), approved=st.sampled_from((True, True, False)))
    def somebody_is_refused_and_planned_for(self, kind: str, approved: bool) -> None:
        self._refuse(kind)
        self._plan_anew(approved=approved)

    def _plan_anew(self, *, approved: bool) -> None:
        self._scan()
        made = self.made
        made.pass_time(seconds=2)
        self.plans.append((made.approved_plan() if approved else made.plan()).id)

    def _refuse(self, kind: str) -> None:
        made = self.made
        values: dict[str, Any] = {"industry": "Technology\u200b"} if kind == "industry" else {"country": kind}
        self.people.append(made.lead(**values))
        made.pass_time(minutes=6)

    @rule(who=st.integers(0, 9), value=st.sampled_from(("Austria", "Nowhere", "Germany", None)))
    def somebody_edits(self, who: int, value: str | None) -> None:
        person = self.people[who % len(self.people)]
        # A person who restores just what we expect cannot be told from a write that never came.
        expected = [
            stored.change.before
            for stored in self.store.changes(states={ChangeState.INTENDED})
            if stored.change.record_id == person
        ]
        if not any(same_value(value, before) for before in expected):
            self.made.edit(person, country=value)

    # The loop

    def _scan(self) -> None:
        made = self.made
        rows = [row for row in made.sandbox.sync.errors if str(row.marketo_id) in self.people]
        path = self.ground.folder / "errors.csv"
        path.write_bytes(sync_errors_csv(rows, now=made.sandbox.clock.now()))
        run = self.store.start_run("scan", now=made.engine.clock())
        scan_file(
            path,
            store=self.store,
            classifier=made.engine.classifier,
            settings=made.engine.settings,
            run=run,
            now=made.engine.clock(),
        )

    @rule(which=_WHICH, words=st.lists(st.booleans(), min_size=1, max_size=4))
    def review(self, which: int, words: list[bool]) -> None:
        plan = self._plan(which)
        decisions = [
            Decision(change=change.id, approved=word, by="reviewer")
            for change, word in zip(plan.changes, words, strict=False)
        ]
        self.store.decide(decisions, now=self.made.engine.clock())

    @rule(which=_WHICH, fault=st.sampled_from((None, *_LOST)))
    def apply_and_answers_may_get_lost(self, which: int, fault: str | None) -> None:
        made = self.made
        for write in _WRITES if fault is not None else ():
            made.sandbox.faults.add(
                {"name": fault, "match": write, "times": 1, "done": fault == "timeout_code"}
            )
        self._apply(made, which)

    @rule(which=_WHICH, fault=st.sampled_from(_BAD_READS))
    def apply_when_nothing_can_be_read(self, which: int, fault: str) -> None:
        made = self.made
        before = len(self.judge.writes())
        for read in _READS:
            made.sandbox.faults.add({"name": fault, "match": read, "times": 99})
        self._apply(made, which)
        assert len(self.judge.writes()) == before, "promise 4: a failed read was taken for an answer"
        # An outage is over when somebody looks again; the breaker of this process would wait for it.
        self._close()
        self._open()

    @rule(which=_WHICH, step=st.integers(1, 6), size=st.sampled_from((1, 300)))
    def crash(self, which: int, step: int, size: int) -> None:
        made, left = self.made, step

        def on_step(_: Step) -> None:
            nonlocal left
            left -= 1
            if left == 0:
                raise Killed

        made.engine = replace(made.engine, on_step=on_step)
        made.engine.marketo.write_size, usual = size, made.engine.marketo.write_size
        try:
            with suppress(Killed):
                self._apply(made, which)
        finally:
            made.engine.marketo.write_size = usual
        self._close()
        self._open()

    @rule(which=_WHICH)
    def apply_with_a_stale_lease(self, which: int) -> None:
        made = self.made
        before = len(self.judge.writes())
        made.engine = replace(made.engine, lease=self._stale_lease())
        with suppress(LeaseLost):
            self._apply(made, which)
        assert len(self.judge.writes()) == before, "promise 9: written with a token that was no longer good"

    def _stale_lease(self) -> Lease:
        running = self.store.running
        stale = running.take_lease("writer", holder="first", ttl=timedelta(minutes=1))
        running.release(stale)
        running.release(running.take_lease("writer", holder="second", ttl=timedelta(minutes=1)))
        return stale

    @rule(which=_WHICH)
    def undo(self, which: int) -> None:
        applied = [stored.change.id for stored in self.store.changes(states={ChangeState.APPLIED})]
        if not applied:
            return
        made = self.made
        made.pass_time(seconds=2)
        run = self.store.start_run("undo", now=made.engine.clock())
        with suppress(PlanRefused):
            undo = plan_undo(made.engine, run=run, of_change=applied[which % len(applied)])
            self.plans.append(undo.id)

    @rule(what=st.sampled_from(("scan", "verify", "resync", "minute", "hour")))
    def life_goes_on(self, what: str) -> None:
        with suppress(VendorError):
            match what:
                case "scan":
                    self._scan()
                case "verify":
                    self.made.verify()
                case "resync":
                    self.made.resync(self._plan(0))
                case _:
                    self.made.pass_time(**{f"{what}s": 1})

    def _plan(self, which: int) -> Plan:
        plan = self.store.plan(self.plans[-1 - which % len(self.plans)])
        assert plan is not None
        return plan

    def _apply(self, made: World, which: int) -> None:
        try:
            with suppress(PlanRefused, VendorError):
                made.apply(self._plan(which))
        finally:
            made.sandbox.faults.clear()

    # The promises

    @invariant()
    def every_write_was_announced_fits_its_plan_and_came_once(self) -> None:
        assert self.judge.look(self.store) == []

    @invariant()
    def the_audit_chain_holds(self) -> None:
        assert self.store.verify_audit().intact

    def teardown(self) -> None:
        """Finish everything, and see that nothing hangs and nothing was claimed that the ledger denies."""
        try:
            self.made.pass_time(seconds=_PATIENCE.total_seconds())
            for plan in self.plans:
                if any(True for _ in self.store.changes(plan=plan, states=_UNFINISHED)):
                    self._apply(self.made, len(self.plans) - 1 - self.plans.index(plan))
            assert self.judge.look(self.store) == []
            self._scan()
            refused = {str(number) for number in self.ground.sandbox.sync.refused} & set(self.people)
            assert refused <= {case.marketo_id for case in self.store.cases()}, "somebody is lost"
            assert self.judge.unfinished(self.store) == []
            assert self.judge.unwritten(self.store) == []
        finally:
            self._close()
            Path(self.url.removeprefix("sqlite:///")).unlink()
