"""Approving and rejecting planned changes."""

from __future__ import annotations

from remediator.changes import ChangeState, Decision
from remediator.model import CaseState
from remediator.store import Store
from tests.builders import NOON
from tests.store.scenes import approve, change, intend, open_cases, planned, reject, states


def test_a_case_is_approved_when_all_its_changes_are(store: Store) -> None:
    open_cases(store, 2)
    planned(store, "p1", [1], [1, 2])
    assert approve(store, "p1-1") == ["p1-1"]
    assert states(store) == [CaseState.PROPOSED, CaseState.PROPOSED]
    assert approve(store, "p1-2") == ["p1-2"]
    assert states(store) == [CaseState.APPROVED, CaseState.APPROVED]


def test_rejecting_a_change_declines_its_case_and_says_who_and_why(store: Store) -> None:
    open_cases(store, 1)
    planned(store, "p1", [1])
    assert reject(store, "p1-1", note="that is a city") == ["p1-1"]
    assert [(case.state, case.note) for case in store.cases()] == [
        (CaseState.DECLINED, "rejected by ann: that is a city")
    ]
    assert (change(store, "p1-1").state, change(store, "p1-1").note) == (
        ChangeState.REJECTED,
        "rejected by ann: that is a city",
    )


def test_changes_that_share_a_case_fall_together_even_when_approved_before(store: Store) -> None:
    open_cases(store, 3)
    planned(store, "p1", [1], [1, 2], [2], [3])
    approve(store, "p1-2", "p1-3", "p1-4")
    assert states(store) == [CaseState.PROPOSED, CaseState.APPROVED, CaseState.APPROVED]
    reject(store, "p1-1")
    assert [item.state for item in store.changes()] == [*[ChangeState.REJECTED] * 3, ChangeState.APPROVED]
    assert change(store, "p1-3").note == "falls with p1-1, rejected by ann"
    assert states(store) == [CaseState.DECLINED, CaseState.DECLINED, CaseState.APPROVED]


def test_a_rejection_wins_over_an_approval_of_its_neighbour_in_one_batch(store: Store) -> None:
    open_cases(store, 1)
    planned(store, "p1", [1], [1])
    words = [
        Decision(change="p1-1", approved=True, by="ann"),
        Decision(change="p1-2", approved=False, by="ann"),
    ]
    assert store.decide(words, now=NOON) == ["p1-2"]
    assert {item.state for item in store.changes()} == {ChangeState.REJECTED}


def test_rejecting_two_neighbours_keeps_both_reasons(store: Store) -> None:
    open_cases(store, 1)
    planned(store, "p1", [1], [1])
    words = [
        Decision(change="p1-1", approved=False, by="ann", note="one"),
        Decision(change="p1-2", approved=False, by="ann", note="two"),
    ]
    assert store.decide(words, now=NOON) == ["p1-1", "p1-2"]
    assert [item.note for item in store.changes()] == ["rejected by ann: one", "rejected by ann: two"]


def test_a_change_that_is_no_longer_planned_is_left_alone(store: Store) -> None:
    open_cases(store, 1)
    planned(store, "p1", [1])
    approve(store, "p1-1")
    assert approve(store, "p1-1") == []
    assert reject(store, "p1-1") == []
    intend(store, "p1-1")
    assert reject(store, "p1-1", "nope") == []
    assert change(store, "p1-1").state is ChangeState.INTENDED


def test_a_picked_value_replaces_the_proposed_one_and_the_audit_keeps_both(store: Store) -> None:
    open_cases(store, 1)
    planned(store, "p1", [1])
    word = Decision(change="p1-1", approved=True, by="ann", picked=True, after=None)
    assert store.decide([word], now=NOON) == ["p1-1"]
    kept = change(store, "p1-1").change
    assert (kept.after, kept.before) == (None, "Untied States")
    assert kept.reason.endswith(" (picked by ann)")
    (entry,) = store.audit(event="change_approved")
    assert entry.payload == {"by": "ann", "note": "", "proposed": "United States", "picked": None}


def test_an_after_that_was_not_picked_is_ignored(store: Store) -> None:
    planned(store, "p1", [])
    store.decide([Decision(change="p1-1", approved=True, by="ann", after="Atlantis")], now=NOON)
    assert change(store, "p1-1").change.after == "United States"


def test_each_decision_is_audited_under_the_name_of_who_made_it(store: Store) -> None:
    open_cases(store, 2)
    planned(store, "p1", [1], [2])
    words = [
        Decision(change="p1-1", approved=True, by="ann"),
        Decision(change="p1-2", approved=False, by="bob"),
    ]
    assert sorted(store.decide(words, now=NOON)) == ["p1-1", "p1-2"]
    found = {entry.change: (entry.event, entry.actor) for entry in store.audit() if entry.change}
    assert found == {"p1-1": ("change_approved", "ann"), "p1-2": ("change_rejected", "bob")}
