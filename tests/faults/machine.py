"""Everything that may happen to the bot, in any order; the promises are the invariants (hypothesis).

One example is one life: people are refused and edit, plans are made, reviewed, applied and taken back,
campaigns tick, answers get lost, processes die, leases change hands, the switch is pulled, time passes.
Nothing of it depends on the real clock, so the same steps always come to the same end.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import timedelta
from itertools import count
from random import Random
from typing import Any

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from remediator.campaigns import Mode
from remediator.changes import ChangeState, Decision, Plan
from remediator.engine.core import Step
from remediator.engine.retrying import POLICIES, serve_retries
from remediator.engine.undoing import plan_undo
from remediator.errors import LeaseLost, LimitReached, PlanRefused, VendorError
from remediator.lifecycle import UNSETTLED
from remediator.model import Category
from remediator.retention import keep_to
from remediator.rounds import guarded
from remediator.switch import Switch
from remediator.values import same_value
from tests.builders import a_failure, a_lock
from tests.chaos.judge import Judge
from tests.engine.cycles import a_campaign, run
from tests.engine.world import World, with_limits
from tests.faults.ground import Example, Ground

_WRITES = ("POST /rest/v1/leads.json", "PATCH /services/data/*/composite/sobjects")
_READS = ("GET *", "POST /services/data/*/composite/sobjects/*")
_KINDS = ("Deutschland", "Frankreich", "Italien", "industry")
_LOST = (
    "drop_after", "drop_before", "truncated", "timeout_code", "rate_limit", "partial", "token_expired",
    "token_worn_out",
)  # fmt: skip
_BAD_READS = ("empty", "truncated", "server_error", "drop_before")
_APPROVED = frozenset({ChangeState.APPROVED})
_UNFINISHED = frozenset({ChangeState.APPROVED, ChangeState.INTENDED})
_WHICH = st.sampled_from((0, 0, 0, 1, 2))
"""Counted from the latest, which is the likeliest to have work left."""

_PATIENCE = timedelta(minutes=3)
_LONG = timedelta(hours=1)


class Killed(BaseException):
    """The process ends here, as far as the code under test can tell."""


class Bot(RuleBasedStateMachine):
    """Several hands on one store and two systems, one step at a time; the sandbox's ledger is the judge."""

    ground: Ground

    def __init__(self) -> None:
        super().__init__()
        self.example = Example(self.ground)
        self.judge = Judge(self.example.sandbox)
        self.people: list[str] = []
        self.locked: list[str] = []

    @property
    def made(self) -> World:
        """The world as a piece of work that has just been begun sees it."""
        return self.example.made()

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

    @rule(kind=st.sampled_from(_KINDS))
    def somebody_is_refused(self, kind: str) -> None:
        self._refuse(kind)
        self.made.scan()

    @rule()
    def a_row_was_locked(self) -> None:
        made = self.made
        person = made.lead(firstName="Ann Marie")
        diagnosis = a_lock()
        failure = a_failure(
            marketo_id=person,
            salesforce_id=self._salesforce_id(person),
            failed_at=made.engine.clock(),
            origin=f"errors.csv:{person}",
        )
        made.engine.store.take([(failure, diagnosis)], run=None, now=made.engine.clock())
        self.people.append(person)
        self.locked.append(person)

    def _salesforce_id(self, person: str) -> str:
        found = self.example.sandbox.instance.get(int(person))
        assert found is not None
        return str(found["sfdcId"])

    def _plan_anew(self, *, approved: bool) -> None:
        made = self.made
        made.scan()
        made.pass_time(seconds=2)
        if approved:
            made.approved_plan()
        else:
            made.plan()

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
            for stored in self.example.store.changes(states={ChangeState.INTENDED})
            if stored.change.record_id == person
        ]
        if not any(same_value(value, before) for before in expected):
            self.made.edit(person, country=value)

    # The loop

    @property
    def plans(self) -> list[str]:
        """The plans that are stored, oldest first."""
        return [summary.id for summary in reversed(self.example.store.plans())]

    def _plan(self, which: int) -> Plan | None:
        plans = self.plans
        return self.example.store.plan(plans[-1 - which % len(plans)]) if plans else None

    def _apply(self, made: World, which: int) -> None:
        plan = self._plan(which)
        try:
            if plan is not None:
                with suppress(PlanRefused, VendorError):
                    made.apply(plan)
        finally:
            made.sandbox.faults.clear()

    @contextmanager
    def _nothing_written_after(self, marks: list[int], promise: str) -> Iterator[None]:
        """Let the block put ledger positions into ``marks``; no write of ours may stand behind the first."""
        yield
        if marks:
            assert self.judge.writes(after=marks[0]) == [], promise

    def _unless_written(self, promise: str) -> Any:
        return self._nothing_written_after([self.example.sandbox.ledger.last], promise)

    @rule(which=_WHICH, words=st.lists(st.booleans(), min_size=1, max_size=4))
    def review(self, which: int, words: list[bool]) -> None:
        plan = self._plan(which)
        if plan is not None:
            decisions = [
                Decision(change=change.id, approved=word, by="reviewer")
                for change, word in zip(plan.changes, words, strict=False)
            ]
            self.example.store.decide(decisions, now=self.made.engine.clock())

    @rule(which=_WHICH, fault=st.sampled_from((None, *_LOST)))
    def apply_and_answers_may_get_lost(self, which: int, fault: str | None) -> None:
        made = self.made
        self._disturb(fault)
        self._apply(made, which)

    def _disturb(self, fault: str | None) -> None:
        for write in _WRITES if fault is not None else ():
            order = {"name": fault, "match": write, "times": 1, "done": fault == "timeout_code"}
            self.example.sandbox.faults.add(order)

    @rule(which=_WHICH, fault=st.sampled_from(_BAD_READS))
    def apply_when_nothing_can_be_read(self, which: int, fault: str) -> None:
        made = self.made
        for read in _READS:
            made.sandbox.faults.add({"name": fault, "match": read, "times": None})
        with self._unless_written("promise 4: a failed read was taken for an answer"):
            self._apply(made, which)

    @rule(which=_WHICH)
    def apply_more_than_a_run_may(self, which: int) -> None:
        plan, made = self._plan(which), self.made
        with_limits(made.engine, max_changes=1)
        if plan is None or len(list(made.engine.store.changes(plan=plan.id, states=_APPROVED))) < 2:
            return
        with self._unless_written("promise 5: written beyond a limit"), pytest.raises(LimitReached):
            made.apply(plan)

    @rule(mode=st.sampled_from((Mode.REVIEW, Mode.AUTO)), fault=st.sampled_from((None, None, *_LOST)))
    def a_campaign_ticks(self, mode: Mode, fault: str | None) -> None:
        made = self.made
        self._disturb(fault)
        with suppress(VendorError, LimitReached):
            run(made, a_campaign(mode=mode, fixers=("country", "state", "whitespace")))
        made.sandbox.faults.clear()

    @rule(which=_WHICH, step=st.integers(1, 6), size=st.sampled_from((1, 300)))
    def crash(self, which: int, step: int, size: int) -> None:
        made = self.made

        def die() -> None:
            raise Killed

        made.engine = replace(made.engine, on_step=_at(step, die))
        made.engine.marketo.write_size = size
        with suppress(Killed):
            self._apply(made, which)
        self.example.restart()

    @rule(which=_WHICH)
    def apply_with_a_stale_lease(self, which: int) -> None:
        made = self.made
        running = made.engine.store.running
        stale = running.take_lease("writer", holder="first", ttl=_LONG)
        running.release(stale)
        running.release(running.take_lease("writer", holder="second", ttl=_LONG))
        made.engine = replace(made.engine, lease=stale)
        with self._unless_written("promise 9: written with a token of old"), suppress(LeaseLost):
            self._apply(made, which)

    @rule(which=_WHICH, step=st.integers(1, 4))
    def somebody_takes_over_in_the_middle(self, which: int, step: int) -> None:
        made, taken, others = self.made, [], []
        running = made.engine.store.running
        lease = running.take_lease("writer", holder="first", ttl=_LONG)

        def take_over() -> None:
            running.release(lease)
            others.append(running.take_lease("writer", holder="second", ttl=_LONG))
            taken.append(made.sandbox.ledger.last)

        made.engine = guarded(made.engine, gate=lambda: running.check(lease), pause=lambda: None, lease=lease)
        made.engine.on_step = _at(step, take_over)
        with self._nothing_written_after(taken, "promise 9: two wrote"), suppress(LeaseLost):
            self._apply(made, which)
        running.release(others[0] if others else lease)
        self.example.restart()

    @rule(which=_WHICH, step=st.integers(1, 4))
    def the_switch_is_pulled(self, which: int, step: int) -> None:
        made, pulled, seconds = self.made, [], count(step=2)
        running = made.engine.store.running
        switch = Switch(
            running, file=made.folder / "no-file", environment={}, clock=lambda: float(next(seconds))
        )

        def pull() -> None:
            running.pause("a drill", by="somebody", now=made.engine.clock())
            pulled.append(made.sandbox.ledger.last)

        made.engine = guarded(made.engine, gate=switch.check, pause=lambda: None)
        made.engine.on_step = _at(step, pull)
        with self._nothing_written_after(pulled, "promise 8: written though stopped"), suppress(LimitReached):
            self._apply(made, which)
        running.resume(by="somebody", now=made.engine.clock())
        self.example.restart()

    @rule(which=_WHICH)
    def undo(self, which: int) -> None:
        made = self.made
        applied = [stored.change.id for stored in made.engine.store.changes(states={ChangeState.APPLIED})]
        if applied:
            made.pass_time(seconds=2)
            run_id = made.engine.store.start_run("undo", now=made.engine.clock())
            with suppress(PlanRefused):
                plan_undo(made.engine, run=run_id, of_change=applied[which % len(applied)])

    @rule(what=st.sampled_from(("scan", "verify", "resync", "retry", "minute", "hour")))
    def life_goes_on(self, what: str) -> None:
        made = self.made
        match what:
            case "scan":
                made.scan()
            case "verify":
                made.verify()
            case "resync":
                if (plan := self._plan(0)) is not None:
                    made.resync(plan)
            case "retry":
                run_id = made.engine.store.start_run("retry", now=made.engine.clock())
                serve_retries(made.engine, run=run_id, random=Random(3))
            case _:
                made.pass_time(**{f"{what}s": 1})

    @rule()
    def a_week_passes_and_what_is_over_goes(self) -> None:
        made = self.made
        # Refusals that nobody exports within five days are lost by Marketo; that gap is another test's.
        made.scan()
        made.sandbox.clock.advance(timedelta(days=8))
        store = made.engine.store
        before = {case.id: case for case in store.cases()}
        keep_to(store, made.engine.settings.retention, actor="tester", now=made.engine.clock())
        left = {case.id for case in store.cases()}
        gone = [case for case in before.values() if case.id not in left]
        assert [case for case in gone if case.state in UNSETTLED] == [], "an open case was forgotten"

    # The promises

    @invariant()
    def every_write_was_announced_fits_its_plan_and_came_once(self) -> None:
        assert self.judge.look(self.example.store) == []

    @invariant()
    def the_audit_chain_holds(self) -> None:
        assert self.example.store.verify_audit().intact

    @invariant()
    def nobody_is_pushed_more_often_than_the_queue_allows(self) -> None:
        pushes = self.example.sandbox.ledger.entries(kind="trigger")
        often = Counter(str(person) for entry in pushes for person in entry.get("ids", ()))
        most = POLICIES[Category.TRANSIENT].max_attempts
        assert [person for person in self.locked if often[person] > most] == [], "promise 6"

    def teardown(self) -> None:
        """Finish everything, and see that nothing hangs and nothing was claimed that the ledger denies."""
        try:
            made = self.example.restart().made()
            store = made.engine.store
            made.pass_time(seconds=_PATIENCE.total_seconds())
            for number, plan in enumerate(reversed(self.plans)):
                if any(True for _ in store.changes(plan=plan, states=_UNFINISHED)):
                    self._apply(made, number)
            assert self.judge.look(store) == []
            made.scan()
            refused = {str(number) for number in made.sandbox.sync.refused}
            assert refused <= {case.marketo_id for case in store.cases()}, "somebody is lost"
            assert self.judge.unfinished(store) == []
            assert self.judge.unwritten(store) == []
        finally:
            self.example.end()


def _at(number: int, act: Callable[[], None]) -> Callable[[Step], None]:
    """Return a watcher that acts once, at the step of this number."""
    steps = count(1)

    def on_step(_: Step) -> None:
        if next(steps) == number:
            act()

    return on_step
