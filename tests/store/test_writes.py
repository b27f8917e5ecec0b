"""Durable intent, outcomes, and undo."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import event

from remediator.changes import ChangeState, Settlement
from remediator.errors import StoreError
from remediator.model import CaseState
from remediator.store import CaseMove, Store
from tests.builders import NOON, a_change, a_plan
from tests.store.scenes import (
    applied,
    approve,
    change,
    events,
    intend,
    open_cases,
    planned,
    reject,
    settle,
    states,
)

A, C, F, N = ChangeState.APPLIED, ChangeState.CONFLICTED, ChangeState.FAILED, ChangeState.APPROVED


def approved(store: Store, *cases: list[int]) -> list[str]:
    """Lead plan p1, one change a group of cases, up to approved."""
    open_cases(store, max((case for group in cases for case in group), default=0))
    planned(store, "p1", *cases)
    return approve(store, *(f"p1-{position}" for position in range(1, len(cases) + 1)))


def test_the_intent_is_on_record_with_both_values_before_anything_is_written(store: Store) -> None:
    approved(store, [1])
    assert intend(store, "p1-1", run=4) == ["p1-1"]
    (entry,) = store.audit(event="change_intended")
    assert (entry.change, entry.run, entry.actor) == ("p1-1", 4, "bot")
    assert entry.payload is not None
    assert (entry.payload["before"], entry.payload["after"]) == ("Untied States", "United States")
    assert (change(store, "p1-1").state, change(store, "p1-1").run) == (ChangeState.INTENDED, 4)
    assert states(store) == [CaseState.APPLYING]


def test_only_approved_changes_are_intended_and_each_only_once(store: Store) -> None:
    approved(store, [1], [2])
    planned(store, "p2", [])
    assert intend(store, "p1-1") == ["p1-1"]
    assert intend(store, "p1-1", "p1-2", "p2-1", "nope") == ["p1-2"]
    assert intend(store, "p1-1", "p1-2") == []


def test_a_change_whose_neighbour_is_undecided_is_not_intended(store: Store) -> None:
    open_cases(store, 1)
    planned(store, "p1", [1], [1])
    approve(store, "p1-1")
    assert intend(store, "p1-1") == []
    assert change(store, "p1-1").state is ChangeState.APPROVED


def failing(statement_part: str) -> Callable[..., None]:
    def listener(_conn: Any, _cursor: Any, statement: str, *_: Any) -> None:
        if statement_part in statement:
            raise OSError("the disk went away")

    return listener


@pytest.mark.parametrize("table", ["audit_entries", "audit_payloads", "audit_heads"])
def test_when_the_audit_cannot_be_written_nothing_is_intended(store: Store, table: str) -> None:
    approved(store, [1])
    engine = store._database.engine
    verb = "UPDATE" if table == "audit_heads" else "INSERT INTO"
    listener = failing(f"{verb} {table}")
    event.listen(engine, "before_cursor_execute", listener)
    with pytest.raises(OSError, match="the disk went away"):
        intend(store, "p1-1")
    event.remove(engine, "before_cursor_execute", listener)
    assert change(store, "p1-1").state is ChangeState.APPROVED
    assert states(store) == [CaseState.APPROVED]
    assert list(store.audit(event="change_intended")) == []
    assert intend(store, "p1-1") == ["p1-1"]
    assert store.verify_audit().intact


@pytest.mark.parametrize(
    ("outcomes", "state", "note"),
    [
        ([A, A], CaseState.VERIFYING, None),
        ([A, C], CaseState.CONFLICTED, "why"),
        ([C, F], CaseState.CONFLICTED, "why"),
        ([A, F], CaseState.DECLINED, "why"),
        ([F, N], CaseState.DECLINED, "why"),
        ([N, N], CaseState.APPROVED, "why"),
        ([A, N], CaseState.APPLYING, None),
        ([A, None], CaseState.APPLYING, None),
        ([C, None], CaseState.APPLYING, None),
    ],
)
def test_a_case_goes_where_all_its_changes_together_say(
    store: Store, outcomes: list[ChangeState | None], state: CaseState, note: str | None
) -> None:
    ids = approved(store, [1], [1])
    intend(store, *ids)
    settlements = [
        Settlement(change=name, state=outcome, note=None if outcome is A else "why")
        for name, outcome in zip(ids, outcomes, strict=True)
        if outcome is not None
    ]
    due = NOON + timedelta(minutes=10)
    store.settle(settlements, run=1, actor="bot", now=NOON, verify_at=due)
    (case,) = store.cases()
    assert (case.state, case.note) == (state, note)
    assert case.due_at == (due if state is CaseState.VERIFYING else None)


@pytest.mark.parametrize(
    ("outcome", "name"),
    [(A, "change_applied"), (C, "change_conflicted"), (F, "change_failed"), (N, "change_not_written")],
)
def test_every_outcome_has_its_audit_entry(store: Store, outcome: ChangeState, name: str) -> None:
    approved(store, [1])
    intend(store, "p1-1")
    settle(store, outcome, "p1-1", note="why")
    assert events(store, change="p1-1")[-1] == name
    kept = change(store, "p1-1")
    assert (kept.state, kept.note, kept.settled_at) == (outcome, "why", None if outcome is N else NOON)


def test_a_change_proven_unwritten_can_be_tried_again(store: Store) -> None:
    approved(store, [1])
    intend(store, "p1-1")
    settle(store, N, "p1-1", note="the server never got it")
    assert intend(store, "p1-1", run=2) == ["p1-1"]
    settle(store, A, "p1-1")
    assert states(store) == [CaseState.VERIFYING]


@pytest.mark.parametrize(("outcome", "state"), [(A, CaseState.VERIFYING), (C, CaseState.CONFLICTED)])
def test_the_read_before_the_write_may_settle_an_approved_change(
    store: Store, outcome: ChangeState, state: CaseState
) -> None:
    approved(store, [1])
    settle(store, outcome, "p1-1", note="seen")
    assert change(store, "p1-1").state is outcome
    assert states(store) == [state]
    last = next(iter(store.audit(event=f"change_{outcome}")))
    assert last.payload is not None
    assert last.payload["written"] is False


def test_nothing_but_a_read_settles_a_change_that_nobody_intended(store: Store) -> None:
    approved(store, [1])
    settle(store, F, "p1-1")
    settle(store, A, "nope")
    assert change(store, "p1-1").state is ChangeState.APPROVED
    assert states(store) == [CaseState.APPROVED]


def test_a_settled_change_keeps_its_outcome(store: Store) -> None:
    approved(store, [1])
    intend(store, "p1-1")
    settle(store, C, "p1-1", note="moved")
    settle(store, A, "p1-1")
    assert change(store, "p1-1").state is ChangeState.CONFLICTED


def test_a_state_that_is_no_outcome_is_refused(store: Store) -> None:
    with pytest.raises(ValueError, match="not the outcome of a write"):
        settle(store, ChangeState.UNDONE, "p1-1")


def test_what_was_still_to_be_written_for_a_conflicted_case_is_dropped(store: Store) -> None:
    approved(store, [1], [1, 2], [2])
    intend(store, "p1-1")
    settle(store, C, "p1-1", note="moved")
    assert [item.state for item in store.changes()] == [C, ChangeState.REJECTED, ChangeState.REJECTED]
    assert states(store) == [CaseState.CONFLICTED, CaseState.OPEN]


def test_a_case_left_half_written_by_its_neighbours_conflict_is_shown_to_a_person(store: Store) -> None:
    approved(store, [1], [1, 2], [2])
    intend(store, "p1-1", "p1-3")
    settle(store, A, "p1-3")
    settle(store, C, "p1-1", note="moved")
    assert states(store) == [CaseState.CONFLICTED, CaseState.CONFLICTED]


def test_a_preventive_change_without_a_case_goes_all_the_way(store: Store) -> None:
    applied(store, "p1", [])
    assert change(store, "p1-1").state is ChangeState.APPLIED


def undo(store: Store, original: str, *, plan: str = "u1") -> None:
    back = a_change(f"{plan}-1", cases=(1,), before="United States", after="Untied States", undoes=original)
    store.save_plan(a_plan(plan, [back], undo_of=original), actor="ann", run=None, now=NOON)
    approve(store, f"{plan}-1")
    intend(store, f"{plan}-1")


@pytest.mark.parametrize("cleared", [True, False])
def test_an_applied_undo_marks_the_original_and_opens_its_case_again(store: Store, *, cleared: bool) -> None:
    open_cases(store, 1)
    applied(store, "p1", [1])
    if cleared:
        step = CaseMove(case=1, before=CaseState.VERIFYING, after=CaseState.CLEARED)
        store.move([step], actor="bot", run=None, now=NOON)
    undo(store, "p1-1")
    settle(store, A, "u1-1")
    assert change(store, "p1-1").state is ChangeState.UNDONE
    assert [(case.state, case.note) for case in store.cases()] == [(CaseState.OPEN, "undone")]
    assert events(store, change="p1-1")[-1] == "change_undone"


def test_of_two_undos_of_one_change_only_one_is_under_way_at_a_time(store: Store) -> None:
    open_cases(store, 1)
    applied(store, "p1", [1])
    undo(store, "p1-1", plan="u1")
    undo(store, "p1-1", plan="u2")
    assert [change(store, name).state for name in ("u1-1", "u2-1")] == [
        ChangeState.INTENDED,
        ChangeState.APPROVED,
    ]
    settle(store, N, "u1-1")
    assert intend(store, "u2-1", "u1-1") == ["u2-1"]
    settle(store, A, "u2-1")
    assert intend(store, "u1-1") == [], "there is nothing left to take back"


def test_an_undo_that_conflicts_leaves_the_original_applied(store: Store) -> None:
    open_cases(store, 1)
    applied(store, "p1", [1])
    undo(store, "p1-1")
    settle(store, C, "u1-1", note="edited since")
    assert change(store, "p1-1").state is ChangeState.APPLIED
    assert states(store) == [CaseState.VERIFYING]


def test_an_undo_leaves_a_case_that_has_gone_another_way(store: Store) -> None:
    open_cases(store, 1)
    applied(store, "p1", [1])
    store.move(
        [CaseMove(case=1, before=CaseState.VERIFYING, after=CaseState.CONFLICTED)],
        actor="bot",
        run=None,
        now=NOON,
    )
    undo(store, "p1-1")
    settle(store, A, "u1-1")
    assert states(store) == [CaseState.CONFLICTED]


def test_a_rejected_undo_declines_no_case(store: Store) -> None:
    open_cases(store, 1)
    applied(store, "p1", [1])
    back = a_change("u1-1", cases=(1,), undoes="p1-1")
    store.save_plan(a_plan("u1", [back], undo_of="p1-1"), actor="ann", run=None, now=NOON)
    reject(store, "u1-1")
    assert states(store) == [CaseState.VERIFYING]


def test_resynced_changes_are_remembered_by_plan(store: Store) -> None:
    applied(store, "p1", [], [])
    applied(store, "p2", [])
    store.mark_resynced(["p1-2", "nope"], way="trigger", run=1, actor="bot", now=NOON)
    assert store.resynced("p1") == {"p1-2"}
    assert store.resynced("p2") == set()
    (entry,) = store.audit(event="change_resynced")
    assert entry.change == "p1-2"


def test_a_thousand_changes_go_through_in_one_call_each(sqlite_url: str) -> None:
    with Store.open(sqlite_url) as store:
        ids = approved(store, *([case] for case in range(1, 2502)))
        assert intend(store, *ids) == ids
        settle(store, A, *ids)
        assert set(states(store)) == {CaseState.VERIFYING}
        assert store.verify_audit().intact


def test_a_store_that_lost_its_chain_head_refuses_every_write(sqlite_url: str) -> None:
    with Store.open(sqlite_url) as store:
        with store._database.writing() as conn:
            conn.exec_driver_sql("DROP TRIGGER audit_heads_no_delete")
            conn.exec_driver_sql("DELETE FROM audit_heads")
        with pytest.raises(StoreError, match="lost its head"):
            store.start_run("scan", now=NOON)


def test_a_change_that_was_not_written_bears_no_mark_of_a_write(store: Store) -> None:
    approved(store, [1])
    intend(store, "p1-1")
    settle(store, N, "p1-1", note="not written")
    settle(store, A, "p1-1", note="was already there")
    assert change(store, "p1-1").state is A
    assert change(store, "p1-1").intended_at is None
