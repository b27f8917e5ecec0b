"""Saving plans: what they do to cases and to older plans, and what comes back."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import event

from remediator.changes import ChangeState, DeclinedCase
from remediator.errors import PlanRefused
from remediator.fixing import Candidate
from remediator.model import CaseState, SystemName
from remediator.store import CaseMove, Store
from remediator.store.rows import PAGE
from remediator.values import Value
from tests.builders import NOON, a_change, a_plan
from tests.store.scenes import (
    applied,
    approve,
    change,
    changes_for,
    intend,
    open_cases,
    planned,
    settle,
    states,
)


def save(store: Store, plan: Any) -> None:
    store.save_plan(plan, actor="planner", run=None, now=NOON)


def test_a_plan_comes_back_exactly_as_it_was_saved(store: Store) -> None:
    open_cases(store, 3)
    plan = a_plan(
        "p1",
        [
            a_change("p1-1", cases=(2, 1), candidates=(Candidate(value="United States", score=97.5),)),
            a_change("p1-2", cases=(), system=SystemName.SALESFORCE, salesforce_id=None, rule=None),
        ],
        declined=[
            DeclinedCase(case=3, reason="two countries", candidates=(Candidate(value="x", score=1.0),))
        ],
        campaign="nightly",
    )
    save(store, plan)
    assert store.plan("p1") == plan
    assert store.plan("p2") is None


@pytest.mark.parametrize(
    "value", [None, "", "5", 5, 5.0, 0.1, True, False, "null", "é\u200b\0\ud800", 10**18, -1.5e300]
)
def test_a_value_keeps_its_type_and_every_character(store: Store, value: Value) -> None:
    save(store, a_plan("p1", [a_change("p1-1", before=value, after=value)]))
    kept = change(store, "p1-1").change
    assert (kept.before, kept.after) == (value, value)
    assert (type(kept.before), type(kept.after)) == (type(value), type(value))


def test_a_plan_proposes_its_cases_and_declines_the_rest_with_the_reason(store: Store) -> None:
    open_cases(store, 3)
    save(
        store,
        a_plan("p1", changes_for("p1", [1]), declined=[DeclinedCase(case=2, reason="no country given")]),
    )
    assert states(store) == [CaseState.PROPOSED, CaseState.DECLINED, CaseState.OPEN]
    declined = store.case(2)
    assert declined is not None
    assert declined.note == "no country given"


def test_declined_and_conflicted_cases_can_be_planned_again(store: Store) -> None:
    open_cases(store, 2)
    save(store, a_plan("p1", changes_for("p1", [2]), declined=[DeclinedCase(case=1, reason="no rule")]))
    approve(store, "p1-1")
    intend(store, "p1-1")
    settle(store, ChangeState.CONFLICTED, "p1-1", note="moved")
    assert states(store) == [CaseState.DECLINED, CaseState.CONFLICTED]
    planned(store, "p2", [1], [2])
    assert states(store) == [CaseState.PROPOSED, CaseState.PROPOSED]
    steps = [entry.payload for entry in store.audit(case=2)][-2:]
    assert [(step["before"], step["after"]) for step in steps if step] == [
        ("conflicted", "open"),
        ("open", "proposed"),
    ]


def test_declining_a_declined_case_again_renews_the_reason(store: Store) -> None:
    open_cases(store, 1)
    for plan, reason in (("p1", "first"), ("p2", "second")):
        save(store, a_plan(plan, declined=[DeclinedCase(case=1, reason=reason)]))
    assert [(case.state, case.note) for case in store.cases()] == [(CaseState.DECLINED, "second")]


def test_a_newer_plan_replaces_what_an_older_one_left_undecided(store: Store) -> None:
    open_cases(store, 2)
    planned(store, "p1", [1], [2])
    planned(store, "p2", [1])
    assert (change(store, "p1-1").state, change(store, "p1-1").note) == (
        ChangeState.REJECTED,
        "replaced by plan p2",
    )
    assert change(store, "p1-2").state is ChangeState.PLANNED
    assert states(store) == [CaseState.PROPOSED, CaseState.PROPOSED]
    assert approve(store, "p1-1", "p2-1") == ["p2-1"]
    assert states(store) == [CaseState.APPROVED, CaseState.PROPOSED]


def test_a_newer_plan_that_declines_a_case_also_replaces_its_older_changes(store: Store) -> None:
    open_cases(store, 1)
    planned(store, "p1", [1])
    save(store, a_plan("p2", declined=[DeclinedCase(case=1, reason="two countries")]))
    assert change(store, "p1-1").state is ChangeState.REJECTED
    assert [(case.state, case.note) for case in store.cases()] == [(CaseState.DECLINED, "two countries")]


def test_a_case_that_shared_a_replaced_change_is_open_again(store: Store) -> None:
    open_cases(store, 2)
    planned(store, "p1", [1, 2], [2])
    planned(store, "p2", [1])
    assert [item.state for item in store.changes(plan="p1")] == [ChangeState.REJECTED] * 2
    assert [(case.state, case.note) for case in store.cases()] == [
        (CaseState.PROPOSED, None),
        (CaseState.OPEN, "replaced by plan p2"),
    ]


@pytest.mark.parametrize("where", ["approved", "applying", "verifying", "snoozed"])
def test_a_case_that_is_elsewhere_is_not_taken_by_a_new_plan(store: Store, where: str) -> None:
    open_cases(store, 2)
    if where == "snoozed":
        step = CaseMove(case=1, before=CaseState.OPEN, after=CaseState.SNOOZED)
        store.move([step], actor="ann", run=None, now=NOON)
    else:
        planned(store, "p1", [1])
        approve(store, "p1-1")
        if where != "approved":
            intend(store, "p1-1")
        if where == "verifying":
            settle(store, ChangeState.APPLIED, "p1-1")
    before = [item.state for item in store.changes(plan="p1")]
    planned(store, "p2", [1, 2], [2])
    assert states(store) == [CaseState(where), CaseState.OPEN]
    assert [item.state for item in store.changes(plan="p1")] == before
    assert {(item.state, item.note) for item in store.changes(plan="p2")} == {
        (ChangeState.REJECTED, f"case 1 is {where}, so no new plan may take it")
    }


def test_a_plan_of_another_connection_is_refused(store: Store) -> None:
    with pytest.raises(PlanRefused, match="for connection 'emea'"):
        save(store, a_plan("p1", connection="emea"))


def test_a_plan_is_saved_once(store: Store) -> None:
    save(store, a_plan("p1"))
    with pytest.raises(PlanRefused, match="saved already"):
        save(store, a_plan("p1"))


def test_a_plan_that_names_an_unknown_case_leaves_nothing_behind(store: Store) -> None:
    open_cases(store, 1)
    with pytest.raises(PlanRefused, match="case 7"):
        planned(store, "p1", [1], [7])
    assert (store.plan("p1"), list(store.changes()), states(store)) == (None, [], [CaseState.OPEN])


def test_an_undo_plan_moves_no_case_and_replaces_no_plan(store: Store) -> None:
    open_cases(store, 2)
    applied(store, "p1", [1])
    planned(store, "p2", [2])
    undo = a_change("u1-1", cases=(1, 2), before="United States", after="Untied States", undoes="p1-1")
    save(store, a_plan("u1", [undo], undo_of="p1-1"))
    assert states(store) == [CaseState.VERIFYING, CaseState.PROPOSED]
    assert change(store, "p2-1").state is ChangeState.PLANNED
    approve(store, "u1-1")
    assert states(store) == [CaseState.VERIFYING, CaseState.PROPOSED]


def test_plans_are_listed_newest_first_with_their_changes_by_state(store: Store) -> None:
    open_cases(store, 4)
    planned(store, "p1", [1], [2], [3])
    approve(store, "p1-1")
    save(
        store,
        a_plan(
            "p2", undo_of="7", created_at=NOON + timedelta(1), declined=[DeclinedCase(case=4, reason="no")]
        ),
    )
    newest, oldest = store.plans()
    assert (newest.id, newest.undo_of, newest.created_at, newest.states, newest.declined) == (
        "p2",
        "7",
        NOON + timedelta(1),
        {},
        1,
    )
    assert oldest.states == {ChangeState.APPROVED: 1, ChangeState.PLANNED: 2}
    assert [plan.id for plan in store.plans(limit=1)] == ["p2"]


def test_what_waits_to_be_written_is_told_plan_by_plan_with_its_campaign_oldest_first(store: Store) -> None:
    open_cases(store, 4)
    save(store, a_plan("p1", [a_change("p1-1", cases=(1,)), a_change("p1-2", cases=(2,))], campaign="weekly"))
    planned(store, "p2", [3])
    planned(store, "p3", [4])
    approve(store, "p2-1", "p1-1", "p1-2")
    assert store.approved_counts() == [("p1", "weekly", 2), ("p2", None, 1)]


def test_the_latest_plan_of_a_campaign_is_found_behind_newer_ones_of_others(store: Store) -> None:
    open_cases(store, 3)
    for name, campaign in (("p1", "weekly"), ("p2", "hourly"), ("p3", None)):
        save(store, a_plan(name, campaign=campaign))
    assert [plan.id for plan in store.plans(limit=1, campaign="weekly")] == ["p1"]


def test_changes_stream_in_plan_order_over_many_pages(sqlite_url: str) -> None:
    with Store.open(sqlite_url) as store:
        count = PAGE + 7
        save(store, a_plan("p1", [a_change(f"p1-{number}") for number in range(count, 0, -1)]))
        assert [item.change.id for item in store.changes(plan="p1")] == [
            f"p1-{number}" for number in range(count, 0, -1)
        ]


def test_changes_are_found_by_plan_run_state_id_and_case(store: Store) -> None:
    open_cases(store, 3)
    planned(store, "p1", [1], [2])
    planned(store, "p2", [3])
    approve(store, "p1-1")
    intend(store, "p1-1", run=8)

    def ids(**query: Any) -> list[str]:
        return [item.change.id for item in store.changes(**query)]

    assert ids() == ["p1-1", "p1-2", "p2-1"]
    assert ids(plan="p2") == ["p2-1"]
    assert ids(run=8) == ids(states=[ChangeState.INTENDED]) == ids(case=1) == ["p1-1"]
    assert ids(ids=["p2-1", "nope", "p1-2"]) == ["p1-2", "p2-1"]
    assert ids(ids=[]) == ids(states=[]) == ids(plan="p1", case=3) == []


def test_changes_on_records_are_found_with_and_without_a_case(store: Store) -> None:
    open_cases(store, 2)
    planned(store, "p1", [1], [2])
    planned(store, "p2", [])
    approve(store, "p1-1", "p2-1")
    found = store.changes_on(["1001", "1000", "nobody"], {ChangeState.APPROVED})
    assert [item.change.id for item in found] == ["p1-1", "p2-1"]
    assert store.changes_on(["1002"], {ChangeState.APPROVED}) == []


def test_the_newest_plan_is_no_undo(store: Store) -> None:
    assert store.newest_plan() is None
    for plan in (a_plan("p1"), a_plan("p2"), a_plan("p3", undo_of="run 4")):
        save(store, plan)
    assert store.newest_plan() == "p2"


def test_a_campaigns_approved_changes_are_looked_up_by_their_state(sqlite_url: str) -> None:
    seen: list[str] = []
    with Store.open(sqlite_url) as store:
        event.listen(store._database.engine, "before_cursor_execute", lambda *said: seen.append(str(said[2])))
        assert list(store.changes(campaign="nightly", states={ChangeState.APPROVED})) == []
        (asked,) = [statement for statement in seen if "EXISTS" in statement]
        with store._database.engine.connect() as conn:
            steps = conn.exec_driver_sql(f"EXPLAIN QUERY PLAN {asked}", ("",) * asked.count("?")).all()
    assert "(connection=? AND state=?" in str(steps[0])
