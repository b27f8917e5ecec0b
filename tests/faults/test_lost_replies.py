"""F2: the vendor commits and its answer is lost, or commits long after we stopped waiting (promise 2)."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest
from pydantic import BaseModel

from remediator.changes import ChangeState, Plan
from remediator.engine.undoing import plan_undo
from remediator.errors import NoAnswer
from remediator.model import CaseState
from remediator.settings import isolated_settings
from remediator.systems.marketo import Marketo
from remediator.systems.salesforce import Salesforce
from tests.chaos.judge import Judge
from tests.engine.world import World

MARKETO_WRITE = "POST /rest/v1/leads.json"
SALESFORCE_WRITE = "PATCH /services/data/*/composite/sobjects"
MARKETO_READ = "GET /rest/v1/leads.json"
LATE_S = 0.4
"""Longer than ``impatient`` waits, short enough for a test."""


def in_marketo(world: World) -> str:
    """Refuse somebody whose repair goes to Marketo."""
    return world.lead(country="Deutschland")


def in_salesforce(world: World) -> str:
    """Refuse somebody whose repair goes to Salesforce."""
    return world.lead(industry="Technology\u200b")


SIDES = pytest.mark.parametrize(
    ("refused", "write"), [(in_marketo, MARKETO_WRITE), (in_salesforce, SALESFORCE_WRITE)]
)


def prepared(world: World, refused: Callable[[World], str], people: int = 3) -> tuple[list[str], Plan]:
    """Refuse people and approve what would repair them."""
    made = [refused(world) for _ in range(people)]
    world.refuse()
    plan = world.approved_plan()
    assert len(plan.changes) == people
    return made, plan


def states(world: World, plan: Plan) -> set[ChangeState]:
    """Return where the plan's changes stand."""
    return {stored.state for stored in world.engine.store.changes(plan=plan.id)}


def impatient(world: World) -> tuple[Marketo, Salesforce]:
    """Give the engine clients that wait a moment for an answer; the caller closes them."""
    settings = world.engine.settings

    def hurried(section: BaseModel) -> BaseModel:
        return section.model_copy(update={"timeout_s": LATE_S / 4})

    world.engine.settings = isolated_settings(
        **{
            **dict(settings),
            "marketo": hurried(settings.marketo),
            "salesforce": hurried(settings.salesforce),
        }
    )
    world.engine.marketo = Marketo(world.engine.settings.marketo, sleep=lambda _: None)
    world.engine.salesforce = Salesforce(world.engine.settings.salesforce, sleep=lambda _: None)
    return world.engine.marketo, world.engine.salesforce


def wait_for_the_late_commit(world: World) -> None:
    """Wait until the sandbox has done what it was slow about."""
    pause = threading.Event()
    for _ in range(500):
        if any(entry["fault"] == "slow" for entry in world.sandbox.ledger.entries(kind="request")):
            return
        pause.wait(0.01)
    raise AssertionError("the sandbox never carried the slow write out")


@SIDES
@pytest.mark.parametrize("fault", ["drop_after", "truncated", "server_error", "timeout_code"])
def test_a_commit_whose_reply_is_lost_is_found_and_never_sent_again(
    a_world: World, refused: Callable[[World], str], write: str, fault: str
) -> None:
    judge = Judge(a_world.sandbox)
    people, plan = prepared(a_world, refused)
    a_world.sandbox.faults.add({"name": fault, "match": write, "times": 1, "done": True})
    a_world.apply(plan)
    a_world.sandbox.faults.clear()
    a_world.pass_time(minutes=3)
    a_world.apply(plan)
    assert states(a_world, plan) == {ChangeState.APPLIED}
    assert judge.look(a_world.engine.store) == []
    assert len(judge.writes()) == len(people)
    assert judge.unwritten(a_world.engine.store) == []


@SIDES
def test_a_write_that_times_out_and_is_committed_late_is_found_and_never_sent_again(
    a_world: World, refused: Callable[[World], str], write: str
) -> None:
    judge = Judge(a_world.sandbox)
    people, plan = prepared(a_world, refused)
    marketo, salesforce = impatient(a_world)
    with marketo, salesforce:
        a_world.sandbox.faults.add({"name": "slow", "match": write, "seconds": LATE_S, "times": 1})
        a_world.apply(plan)
        # Nobody can know yet, so nothing is claimed either way.
        assert states(a_world, plan) == {ChangeState.INTENDED}
        wait_for_the_late_commit(a_world)
        report = a_world.apply(plan)
    assert report.outcomes == {ChangeState.APPLIED: len(people)}
    assert judge.look(a_world.engine.store) == []
    assert len(judge.writes()) == len(people)


@SIDES
def test_nothing_is_sent_again_while_the_late_commit_may_still_come(
    a_world: World, refused: Callable[[World], str], write: str
) -> None:
    _, plan = prepared(a_world, refused)
    marketo, salesforce = impatient(a_world)
    with marketo, salesforce:
        a_world.sandbox.faults.add({"name": "slow", "match": write, "seconds": LATE_S, "times": 1})
        a_world.apply(plan)
        for _ in range(3):
            a_world.pass_time(seconds=30)
            a_world.apply(plan)
        wait_for_the_late_commit(a_world)
        a_world.pass_time(minutes=3)
        a_world.apply(plan)
    assert states(a_world, plan) == {ChangeState.APPLIED}
    assert sent(a_world, write) == 1


def sent(world: World, write: str) -> int:
    """Count the writing calls that reached a system."""
    method, path = write.split(" ")
    return sum(
        entry["method"] == method and entry["path"].endswith(path.rsplit("*", 1)[-1])
        for entry in world.sandbox.ledger.entries(kind="request")
    )


def test_a_lost_reply_is_a_conflict_when_somebody_wrote_over_it_meanwhile(a_world: World) -> None:
    (person,), plan = prepared(a_world, in_marketo, 1)
    a_world.sandbox.faults.add({"name": "drop_after", "match": MARKETO_WRITE, "times": 1})
    a_world.sandbox.faults.add({"name": "server_error", "match": MARKETO_READ, "after": 1, "times": 9})
    a_world.apply(plan)
    a_world.sandbox.faults.clear()
    a_world.edit(person, country="Austria")
    a_world.pass_time(minutes=3)
    a_world.apply(plan)
    assert a_world.marketo(person, "country") == "Austria"
    assert len(a_world.our_writes(person)) == 1
    assert a_world.state_of(person) is CaseState.CONFLICTED


def test_a_resync_whose_reply_is_lost_still_ends_in_a_proof(a_world: World) -> None:
    person = a_world.marketo_only(country="Deutschland")
    a_world.refuse()
    plan = a_world.approved_plan()
    a_world.apply(plan)
    a_world.sandbox.faults.add(
        {"name": "drop_after", "system": "marketo", "match": "POST /rest/v1/campaigns/*/trigger.json"}
    )
    with pytest.raises(NoAnswer):
        a_world.resync(plan)
    a_world.resync(plan)
    a_world.pass_time(minutes=20)
    a_world.scan()
    a_world.verify()
    assert a_world.state_of(person) is CaseState.CLEARED
    created = [
        entry
        for entry in a_world.sandbox.ledger.entries(kind="sync_push")
        if entry["operation"] == "Push new"
    ]
    assert [str(entry["marketo_id"]) for entry in created] == [person]


def test_a_lost_reply_to_an_undo_takes_back_once(a_world: World) -> None:
    judge = Judge(a_world.sandbox)
    (person,), plan = prepared(a_world, in_marketo, 1)
    a_world.apply(plan)
    run = a_world.engine.store.start_run("undo", now=a_world.engine.clock())
    undo = plan_undo(a_world.engine, run=run, of_change=plan.changes[0].id)
    a_world.sandbox.faults.add({"name": "drop_after", "match": MARKETO_WRITE, "times": 1})
    a_world.apply(undo)
    a_world.apply(undo)
    assert a_world.marketo(person, "country") == "Deutschland"
    assert len(a_world.our_writes(person)) == 2
    assert judge.look(a_world.engine.store) == []
    assert states(a_world, plan) == {ChangeState.UNDONE}
