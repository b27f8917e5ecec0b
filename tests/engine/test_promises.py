"""Promises 1 to 4 and 11 of DESIGN.md, section 4: the fault is injected and the sandbox's ledger decides."""

from __future__ import annotations

import pytest

from remediator.changes import ChangeState
from remediator.engine.undoing import plan_undo
from remediator.errors import LimitReached, PlanRefused, StoreError, VendorError
from remediator.model import CaseState
from tests.engine.world import World, the_only, with_limits, without_grace

WRITE = "POST /rest/v1/leads.json"
READ = "GET /rest/v1/leads.json"


def planned(world: World, people: int = 1) -> list[str]:
    """Refuse so many people for their country and take the failures in."""
    made = [world.lead(country="Deutschland") for _ in range(people)]
    world.refuse()
    return made


# 1. No write without a prior durable audit line.


def test_nothing_is_written_when_the_intent_cannot_be_recorded(
    a_world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    planned(a_world)
    plan = a_world.approved_plan()

    def full_disk(*_: object, **__: object) -> None:
        raise StoreError("disk full")

    monkeypatch.setattr(type(a_world.engine.store), "intend", full_disk)
    with pytest.raises(StoreError):
        a_world.apply(plan)
    assert a_world.our_writes() == []


def test_every_write_has_an_earlier_audit_line(a_world: World) -> None:
    planned(a_world, 3)
    plan = a_world.approved_plan()
    a_world.apply(plan)
    intended = {entry.change: entry for entry in a_world.engine.store.audit(event="change_intended")}
    writes = a_world.our_writes()
    assert len(writes) == 3
    assert {change.id for change in plan.changes} == set(intended)
    assert all(entry.at <= writes[0]["at"] for entry in intended.values())


# 2. Each planned change is applied at most once.


def test_applying_a_plan_twice_writes_once(a_world: World) -> None:
    (person,) = planned(a_world)
    plan = a_world.approved_plan()
    a_world.apply(plan)
    a_world.apply(plan)
    assert len(a_world.our_writes(person)) == 1


def test_a_write_whose_reply_was_lost_is_found_applied_and_not_repeated(a_world: World) -> None:
    (person,) = planned(a_world)
    plan = a_world.approved_plan()
    a_world.sandbox.faults.add({"name": "drop_after", "system": "marketo", "match": WRITE, "times": 1})
    assert a_world.apply(plan).outcomes == {ChangeState.APPLIED: 1}
    assert len(a_world.our_writes(person)) == 1
    assert a_world.state_of(person) is CaseState.VERIFYING


def test_a_write_cut_before_it_was_done_is_tried_again_by_the_next_run(a_world: World) -> None:
    (person,) = planned(a_world)
    plan = a_world.approved_plan()
    without_grace(a_world.engine)
    a_world.sandbox.faults.add({"name": "drop_before", "system": "marketo", "match": WRITE, "times": 1})
    first = a_world.apply(plan)
    assert ChangeState.APPLIED not in first.outcomes
    assert a_world.apply(plan).outcomes[ChangeState.APPLIED] == 1
    assert len(a_world.our_writes(person)) == 1


def test_an_unanswered_write_is_not_repeated_while_the_vendor_may_still_carry_it_out(a_world: World) -> None:
    (person,) = planned(a_world)
    plan = a_world.approved_plan()
    a_world.sandbox.faults.add({"name": "drop_before", "system": "marketo", "match": WRITE, "times": 1})
    a_world.apply(plan)
    again = a_world.apply(plan)
    assert again.outcomes == {"unsettled": 1}
    assert a_world.our_writes(person) == []

    a_world.pass_time(minutes=3)
    assert a_world.apply(plan).outcomes[ChangeState.APPLIED] == 1
    assert len(a_world.our_writes(person)) == 1


def test_an_unanswered_write_that_somebody_overwrote_is_a_conflict(a_world: World) -> None:
    (person,) = planned(a_world)
    plan = a_world.approved_plan()
    a_world.sandbox.faults.add({"name": "drop_before", "system": "marketo", "match": WRITE, "times": 1})
    a_world.apply(plan)
    a_world.edit(person, country="Austria")
    assert a_world.apply(plan).outcomes[ChangeState.CONFLICTED] == 1
    assert a_world.marketo(person, "country") == "Austria"


# 3. A value that changed since the plan is never overwritten.


def test_a_value_that_a_person_changed_after_the_plan_is_left_alone(a_world: World) -> None:
    (person,) = planned(a_world)
    plan = a_world.approved_plan()
    a_world.edit(person, country="Austria")
    report = a_world.apply(plan)
    assert report.outcomes == {ChangeState.CONFLICTED: 1}
    assert a_world.our_writes() == []
    assert a_world.marketo(person, "country") == "Austria"
    assert a_world.state_of(person) is CaseState.CONFLICTED


def test_undo_restores_what_was_there(a_world: World) -> None:
    (person,) = planned(a_world)
    plan = a_world.approved_plan()
    a_world.apply(plan)
    undo = _undo(a_world, the_only(plan).id)
    assert a_world.apply(undo).clean
    assert a_world.marketo(person, "country") == "Deutschland"
    assert a_world.state_of(person) is CaseState.OPEN


def test_undo_never_overwrites_a_later_edit(a_world: World) -> None:
    (person,) = planned(a_world)
    plan = a_world.approved_plan()
    a_world.apply(plan)
    a_world.edit(person, country="Austria")
    undo = _undo(a_world, the_only(plan).id)
    assert a_world.apply(undo).outcomes == {ChangeState.CONFLICTED: 1}
    assert a_world.marketo(person, "country") == "Austria"


def test_a_value_that_was_already_right_is_neither_written_nor_undone(a_world: World) -> None:
    (person,) = planned(a_world)
    plan = a_world.approved_plan()
    a_world.edit(person, country="Germany")
    assert a_world.apply(plan).outcomes == {ChangeState.APPLIED: 1}
    assert a_world.our_writes() == []
    with pytest.raises(PlanRefused, match="no applied change"):
        _undo(a_world, the_only(plan).id)


def _undo(world: World, change: str):  # type: ignore[no-untyped-def]  # a plan; short for the tests above
    run = world.engine.store.start_run("undo", now=world.engine.clock())
    return plan_undo(world.engine, run=run, of_change=change)


# 4. A failed, empty or truncated read is "unknown", never "no".


@pytest.mark.parametrize("fault", ["empty", "truncated", "server_error", "drop_before"])
def test_a_read_that_fails_before_the_write_writes_nothing(a_world: World, fault: str) -> None:
    planned(a_world)
    plan = a_world.approved_plan()
    a_world.sandbox.faults.add({"name": fault, "system": "marketo", "match": READ, "times": 99})
    try:
        report = a_world.apply(plan)
    except VendorError:
        report = None
    assert a_world.our_writes() == []
    assert report is None or ChangeState.APPLIED not in report.outcomes
    (stored,) = a_world.engine.store.changes(plan=plan.id)
    assert stored.state is ChangeState.APPROVED


@pytest.mark.parametrize("fault", ["empty", "truncated", "server_error"])
@pytest.mark.parametrize("path", ["GET /rest/v1/leads/describe2.json", "GET /services/data/*/describe"])
def test_no_plan_is_made_when_a_describe_fails(a_world: World, fault: str, path: str) -> None:
    planned(a_world)
    system = "marketo" if "rest" in path else "salesforce"
    a_world.sandbox.faults.add({"name": fault, "system": system, "match": path, "times": 99})
    with pytest.raises(VendorError):
        a_world.plan()
    assert a_world.engine.store.plans() == []


@pytest.mark.parametrize("fault", ["empty", "truncated", "server_error"])
def test_no_verdict_follows_from_a_read_that_fails(a_world: World, fault: str) -> None:
    (person,) = planned(a_world)
    a_world.apply(a_world.approved_plan())
    a_world.pass_time(minutes=20)
    a_world.sandbox.faults.add({"name": fault, "system": "marketo", "match": READ, "times": 99})
    with pytest.raises(VendorError):
        a_world.verify()
    assert a_world.state_of(person) is CaseState.VERIFYING


# 5, as far as one run goes.


def test_a_plan_over_the_limit_writes_nothing_at_all(a_world: World) -> None:
    planned(a_world, 3)
    plan = a_world.approved_plan()
    with_limits(a_world.engine, max_changes=2)
    with pytest.raises(LimitReached, match="3 changes are more than"):
        a_world.apply(plan)
    assert a_world.our_writes() == []


# 11. The audit log is a chain.


def test_the_audit_chain_holds_after_a_whole_loop(a_world: World) -> None:
    planned(a_world, 2)
    plan = a_world.approved_plan()
    a_world.apply(plan)
    a_world.pass_time(minutes=20)
    a_world.scan()
    a_world.verify()
    check = a_world.engine.store.verify_audit()
    assert check.intact
    assert check.entries > 8
