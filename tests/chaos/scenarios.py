"""A seeded story of people, kills, faults and edits, told with real processes and judged by the ledger."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from typing import Any

from remediator.changes import ChangeState
from remediator.engine.undoing import plan_undo
from remediator.errors import PlanRefused
from remediator.model import CaseState
from remediator.store import Store
from tests.chaos.judge import Judge
from tests.chaos.nursery import CRASHED, Child, Nursery
from tests.chaos.turns import Turn
from tests.engine.world import World

MARKETO_WRITE = "POST /rest/v1/leads.json"
SALESFORCE_WRITE = "PATCH /services/data/*/composite/sobjects"
TRIGGER = "POST /rest/v1/campaigns/*/trigger.json"
_COUNTRIES = ("Deutschland", "Frankreich", "Italien", "Spanien", "Schweiz")
_STEPS = 40
_LATEST_KILL = 25
_LONGEST_SPAN_S = 0.05
_QUIET = threading.Event()

_KINDS: tuple[Callable[[World, Random], str], ...] = (
    lambda made, random: made.lead(country=random.choice(_COUNTRIES)),
    lambda made, random: made.lead(country=random.choice(_COUNTRIES), city="Springfield"),
    lambda made, random: made.contact(country=random.choice(_COUNTRIES)),
    lambda made, _: made.lead(industry="Technology\u200b"),
    lambda made, random: made.marketo_only(country=random.choice(_COUNTRIES)),
)

_FAULTS: tuple[dict[str, Any], ...] = (
    {"name": "slow", "match": MARKETO_WRITE, "seconds": 0.15},
    {"name": "slow", "match": SALESFORCE_WRITE, "seconds": 0.15},
    {"name": "slow", "match": TRIGGER, "seconds": 0.15},
    {"name": "drop_after", "match": MARKETO_WRITE},
    {"name": "drop_before", "match": MARKETO_WRITE},
    {"name": "truncated", "match": MARKETO_WRITE},
    {"name": "drop_after", "match": SALESFORCE_WRITE},
    {"name": "drop_before", "match": SALESFORCE_WRITE},
    {"name": "server_error", "match": MARKETO_WRITE, "done": True},
    {"name": "timeout_code", "match": MARKETO_WRITE, "done": True},
    {"name": "rate_limit", "match": MARKETO_WRITE},
    {"name": "token_expired", "match": "* /rest/v1/leads.json"},
    {"name": "partial", "match": MARKETO_WRITE, "share": 2, "error": {"code": "1029", "message": "locked"}},
    {"name": "empty", "match": "GET /rest/v1/leads.json"},
    {"name": "truncated", "match": "GET /rest/v1/leads.json"},
    {"name": "server_error", "match": "GET /services/data/*"},
)


@dataclass(slots=True, kw_only=True)
class Story:
    """What happened and what was wrong with it.

    Attributes:
        events: one line each, enough to understand a failure by.
        wrong: what the ledger or the store shows against the promises; empty is good.
    """

    seed: int
    events: list[str] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)

    def add(self, event: str) -> None:
        """Tell something."""
        self.events.append(event)

    def __str__(self) -> str:
        return "\n".join([f"seed {self.seed}", *self.events, *(f"WRONG: {text}" for text in self.wrong)])


@dataclass(slots=True, kw_only=True)
class Teller:
    """Tells one story.

    Attributes:
        edits: let people edit records between the turns.
        takes_back: end with an undo of everything, killed as well.
    """

    made: World
    nursery: Nursery
    store_url: str
    seed: int
    edits: bool = True
    takes_back: bool = False
    faults: bool = True
    lease_s: float = 0
    random: Random = field(init=False)
    story: Story = field(init=False)
    judge: Judge = field(init=False)
    edited: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.random = Random(self.seed)
        self.story = Story(seed=self.seed)
        self.judge = Judge(self.made.sandbox)

    @property
    def store(self) -> Store:
        """The store, as an onlooker sees it."""
        return self.made.engine.store

    def tell(self) -> Story:
        """Tell it from the first refusal to the rest at the end."""
        people = [
            self.random.choice(_KINDS)(self.made, self.random) for _ in range(self.random.randint(3, 8))
        ]
        self.made.pass_time(minutes=6)
        refused = {str(number) for number in self.made.sandbox.sync.refused}
        for _ in range(self.random.randint(1, 3)):
            self._bad_turn()
            self._between(people)
        self._come_to_rest()
        self._nothing_lost(people, refused)
        if self.takes_back and not self.story.wrong:
            self._take_back()
        self.story.counts["people"] += len(people)
        self.story.counts["writes"] += len(self.judge.matched)
        return self.story

    # Turns

    def _turn(self, **orders: Any) -> Turn:
        return Turn(
            store_url=self.store_url,
            folder=str(self.made.folder),
            info=self.made.sandbox.connection_info(),
            lease_s=self.lease_s,
            seed=self.seed,
            **orders,
        )

    def _bad_turn(self, **orders: Any) -> None:
        """Take a turn under a few faults, and kill it at a step, at some moment, or not at all."""
        faults = self.random.sample(_FAULTS, self.random.randint(0, 2)) if self.faults else []
        for fault in faults:
            self.made.sandbox.faults.add({**fault, "times": self.random.randint(1, 2)})
        batch = self.random.choice((1, 2, 3, None))
        if self.random.random() < 0.5:
            die_at = self.random.randint(1, _STEPS)
            child = self.nursery.start(self._turn(die_at=die_at, batch=batch, **orders))
            code, how = child.wait(), f"to die at step {die_at}"
        else:
            child = self.nursery.start(self._turn(batch=batch, **orders))
            step, span = self.random.randint(1, _LATEST_KILL), self.random.uniform(0, _LONGEST_SPAN_S)
            code, how = _kill_later(child, step, span), f"to be killed {span * 1000:.1f} ms after step {step}"
        if code is None:
            # It still waits out a 606 on a busy machine. Left alone it would work beside the next turn.
            code = child.kill()
        self.story.counts["kills" if code == -9 else "ends"] += 1
        steps = [line for line in child.said.splitlines() if line.split(" ")[0].isdecimal()]
        self.story.add(
            f"turn {how}, batches of {batch}, faults {[fault['name'] for fault in faults]}: "
            f"code {code} after {steps[-1] if steps else 'nothing'}"
        )
        if code not in (0, -9):
            self.story.add(f"  it said: {child.said.splitlines()[-1]}")
        if code == CRASHED:
            self.story.wrong.append(f"a bare exception ended a turn:\n{child.said}")
        self._look()

    def _clean_turn(self, **orders: Any) -> None:
        child = self.nursery.start(self._turn(**orders))
        code = child.wait()
        if code != 0:
            self.story.wrong.append(f"an undisturbed turn ended with {code}:\n{child.said}")
        self._look()

    def _look(self) -> None:
        self.story.wrong += self.judge.look(self.store)

    # In between

    def _between(self, people: list[str]) -> None:
        """Let time pass, and people edit."""
        self.made.pass_time(minutes=self.random.choice((0.1, 1, 3, 7)))
        if not self.edits or self.random.random() < 0.6:
            return
        # What a vendor carries out late is carried out over whatever stands there; nobody can prevent that.
        self._wait_for_late_writes()
        person = self.random.choice(people)
        value = self.random.choice(("Austria", "Germany", "Nowhere", None))
        if value == self.made.marketo(person, "country"):
            return
        self.made.edit(person, country=value)
        self.edited.add(person)
        self.story.add(f"somebody sets country of {person} to {value}")

    def _wait_for_late_writes(self) -> None:
        ledger = self.made.sandbox.ledger
        for _ in range(600):
            begun = [entry for entry in ledger.entries(kind="fault") if entry["name"] == "slow"]
            done = [entry for entry in ledger.entries(kind="request") if entry["fault"] == "slow"]
            if len(done) >= len(begun):
                return
            _QUIET.wait(0.01)
        self.story.wrong.append("the sandbox never finished a slow answer")

    def _come_to_rest(self) -> None:
        """Let everything be finished: late writes, the vendor's patience, the sync, the proofs."""
        self.made.sandbox.faults.clear()
        self._wait_for_late_writes()
        for minutes in (3, 20, 20):
            self.made.pass_time(minutes=minutes)
            self._clean_turn()
        self._look()
        self.story.wrong += self.judge.unwritten(self.store)
        self.story.wrong += self.judge.unfinished(self.store)
        if not self.store.verify_audit().intact:
            self.story.wrong.append("the audit chain is broken")

    def _nothing_lost(self, people: list[str], refused: set[str]) -> None:
        """Whoever was refused has a case, and whom nobody else touched is repaired."""
        known = {case.marketo_id for case in self.store.cases()}
        self.story.wrong += [f"{person} was refused and has no case" for person in sorted(refused - known)]
        for case in self.store.cases():
            self.story.counts[str(case.state)] += 1
            if case.marketo_id in self.edited or case.marketo_id not in people:
                continue
            if case.state is not CaseState.CLEARED:
                self.story.wrong.append(f"case {case.id} of {case.marketo_id} ends {case.state}: {case.note}")

    def _take_back(self) -> None:
        """Undo what is in force, kill that too; the ledger says whether somebody was overwritten."""
        applied = [
            stored
            for stored in self.store.changes(states={ChangeState.APPLIED})
            if stored.intended_at is not None and stored.change.undoes is None
        ]
        run = self.store.start_run("undo", now=self.made.engine.clock())
        for stored in applied:
            try:
                plan_undo(self.made.engine, run=run, of_change=stored.change.id)
            except PlanRefused as exc:
                self.story.add(f"not taken back: {exc}")
        for _ in range(2):
            self._bad_turn(plans=False)
        self.made.sandbox.faults.clear()
        self._wait_for_late_writes()
        self.made.pass_time(minutes=3)
        self._clean_turn(plans=False)
        self.story.wrong += self.judge.unfinished(self.store)
        self.story.counts["undone"] += sum(1 for _ in self.store.changes(states={ChangeState.UNDONE}))


def _kill_later(child: Child, step: int, span_s: float) -> int | None:
    """Kill a process from outside, so long after it told a step; returns how it ended."""
    code = None
    while code is None and len(child.said.splitlines()) < step:
        code = child.wait(timeout_s=0.002)
    if code is None:
        code = child.wait(timeout_s=span_s)
    return child.kill() if code is None else code


def tell(made: World, nursery: Nursery, store_url: str, *, seed: int, **how: Any) -> Story:
    """Tell the story of a seed in a fresh world."""
    return Teller(made=made, nursery=nursery, store_url=store_url, seed=seed, **how).tell()
