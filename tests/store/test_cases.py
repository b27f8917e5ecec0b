"""Finding cases, grouping them by cause, moving and assigning them."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from remediator.changes import ChangeState
from remediator.lifecycle import IllegalMove
from remediator.model import CaseState, Category, Owner, Verdict
from remediator.store import CaseMove, CaseQuery, Store
from remediator.store.rows import PAGE
from tests.builders import NOON, a_diagnosis, a_failure
from tests.store.scenes import approve, change, intend, open_cases, planned, states

DAY = timedelta(days=1)


def move(store: Store, case: int, before: CaseState, after: CaseState, **fields: Any) -> list[int]:
    step = CaseMove(case=case, before=before, after=after, **fields)
    return store.move([step], actor="ann", run=None, now=NOON)


def a_mixed_archive(store: Store) -> None:
    """Three misspelt countries (one of a contact, one settled) and one missing right."""
    right = a_diagnosis(
        category=Category.PERMISSION,
        rule="fls",
        owner=Owner.SALESFORCE_ADMIN,
        fields=("Score__c",),
        code=None,
    )
    store.take(
        [
            (a_failure(1), a_diagnosis()),
            (a_failure(2, failed_at=NOON + DAY, message="100% wrong_country"), a_diagnosis()),
            (a_failure(3, object="Contact"), a_diagnosis()),
            (a_failure(4, message="no access"), right),
        ],
        run=None,
        now=NOON,
    )
    move(store, 1, CaseState.OPEN, CaseState.CLEARED)
    move(store, 3, CaseState.OPEN, CaseState.SNOOZED, due_at=NOON + DAY)


@pytest.mark.parametrize(
    ("query", "found"),
    [
        (CaseQuery(), [1, 2, 3, 4]),
        (CaseQuery(states=[CaseState.OPEN]), [2, 4]),
        (CaseQuery(states=[]), []),
        (CaseQuery(categories=[Category.PERMISSION]), [4]),
        (CaseQuery(cause="invalid_picklist|FIELD_INTEGRITY_EXCEPTION|Lead|Country|bad-country"), [1, 2]),
        (CaseQuery(object="Contact"), [3]),
        (CaseQuery(ids=[3, 1, 99]), [1, 3]),
        (CaseQuery(ids=[]), []),
        (CaseQuery(due_before=NOON + DAY), [3]),
        (CaseQuery(due_before=NOON), []),
        (CaseQuery(text="WRONG_COUNTRY"), [2]),
        (CaseQuery(text="100%"), [2]),
        (CaseQuery(text="1%0"), []),
        (CaseQuery(text="1004"), [4]),
        (CaseQuery(limit=2), [1, 2]),
        (CaseQuery(states=[CaseState.OPEN], object="Lead", categories=[Category.PERMISSION]), [4]),
    ],
)
def test_a_query_finds_the_cases_that_meet_all_its_conditions(
    store: Store, query: CaseQuery, found: list[int]
) -> None:
    a_mixed_archive(store)
    assert [case.id for case in store.cases(query)] == found
    assert store.count_cases(query) == len(found)


def test_cases_stream_by_id_over_many_pages_while_they_are_being_moved(sqlite_url: str) -> None:
    with Store.open(sqlite_url) as store:
        open_cases(store, PAGE + 3)
        seen = []
        for case in store.cases(CaseQuery(states=[CaseState.OPEN])):
            seen.append(case.id)
            if len(seen) % 100 == 0:
                move(store, case.id, CaseState.OPEN, CaseState.RESOLVED)
        assert seen == list(range(1, PAGE + 4))


def test_a_limit_beyond_one_page_is_kept_exactly(sqlite_url: str) -> None:
    with Store.open(sqlite_url) as store:
        open_cases(store, PAGE + 10)
        assert sum(1 for _ in store.cases(CaseQuery(limit=PAGE + 5))) == PAGE + 5


def test_a_case_that_is_not_there_is_none(store: Store) -> None:
    assert store.case(1) is None
    assert store.sightings(1) == []


def test_causes_come_with_most_open_cases_first_and_count_all_states(store: Store) -> None:
    a_mixed_archive(store)
    store.take([(a_failure(5), a_diagnosis())], run=None, now=NOON)
    first, *others = store.causes()
    assert first.key == "invalid_picklist|FIELD_INTEGRITY_EXCEPTION|Lead|Country|bad-country"
    assert (first.open_cases, first.cleared_cases, first.total_cases) == (2, 1, 3)
    assert (first.first_seen, first.last_seen) == (NOON, NOON + DAY)
    assert first.sample == "100% wrong_country"
    assert {(cause.object, cause.category, cause.open_cases) for cause in others} == {
        ("Contact", Category.INVALID_PICKLIST, 1),
        ("Lead", Category.PERMISSION, 1),
    }
    assert {cause.owner for cause in others} == {Owner.REMEDIATOR, Owner.SALESFORCE_ADMIN}


def test_a_cause_without_open_cases_is_listed_only_when_asked_for(store: Store) -> None:
    open_cases(store, 1)
    move(store, 1, CaseState.OPEN, CaseState.RESOLVED)
    assert store.causes() == []
    assert [cause.total_cases for cause in store.causes(include_settled=True)] == [1]


def test_a_move_sets_state_note_verdict_and_due_time_and_leaves_an_audit_entry(store: Store) -> None:
    open_cases(store, 1)
    moved = move(
        store,
        1,
        CaseState.OPEN,
        CaseState.SNOOZED,
        note="until Monday",
        verdict=Verdict.SAME_ERROR,
        due_at=NOON + DAY,
    )
    case = store.case(1)
    assert case is not None
    assert moved == [1]
    assert (case.state, case.note, case.verdict, case.due_at) == (
        CaseState.SNOOZED,
        "until Monday",
        Verdict.SAME_ERROR,
        NOON + DAY,
    )
    (entry,) = store.audit(case=1)
    assert (entry.event, entry.actor) == ("case_moved", "ann")
    assert entry.payload == {
        "before": "open",
        "after": "snoozed",
        "note": "until Monday",
        "verdict": "same_error",
    }


def test_a_move_without_a_verdict_keeps_the_last_one(store: Store) -> None:
    open_cases(store, 1)
    move(store, 1, CaseState.OPEN, CaseState.SNOOZED, verdict=Verdict.NEW_ERROR)
    move(store, 1, CaseState.SNOOZED, CaseState.OPEN)
    assert [case.verdict for case in store.cases()] == [Verdict.NEW_ERROR]


def test_a_case_that_has_moved_meanwhile_is_skipped_and_not_reported(store: Store) -> None:
    open_cases(store, 2)
    move(store, 1, CaseState.OPEN, CaseState.RESOLVED)
    steps = [CaseMove(case=case, before=CaseState.OPEN, after=CaseState.DECLINED) for case in (1, 2, 99)]
    assert store.move(steps, actor="bot", run=None, now=NOON) == [2]
    assert states(store) == [CaseState.RESOLVED, CaseState.DECLINED]


def test_one_illegal_move_stops_the_whole_batch(store: Store) -> None:
    open_cases(store, 2)
    steps = [
        CaseMove(case=1, before=CaseState.OPEN, after=CaseState.RESOLVED),
        CaseMove(case=2, before=CaseState.OPEN, after=CaseState.APPLYING),
    ]
    audited = len(list(store.audit()))
    with pytest.raises(IllegalMove):
        store.move(steps, actor="bot", run=None, now=NOON)
    assert states(store) == [CaseState.OPEN, CaseState.OPEN]
    assert len(list(store.audit())) == audited


def test_one_case_can_take_two_steps_in_one_batch(store: Store) -> None:
    open_cases(store, 1)
    steps = [
        CaseMove(case=1, before=CaseState.OPEN, after=CaseState.DECLINED, note="first"),
        CaseMove(case=1, before=CaseState.DECLINED, after=CaseState.SNOOZED, note="second"),
    ]
    assert store.move(steps, actor="ann", run=None, now=NOON) == [1]
    assert [(case.state, case.note) for case in store.cases()] == [(CaseState.SNOOZED, "second")]
    assert len(list(store.audit(case=1))) == 2


@pytest.mark.parametrize("after", [CaseState.RESOLVED, CaseState.OPEN])
def test_a_change_approved_for_a_case_that_a_person_then_settled_is_never_written(
    store: Store, after: CaseState
) -> None:
    open_cases(store, 1)
    planned(store, "p1", [1])
    approve(store, "p1-1")
    move(store, 1, CaseState.APPROVED, after, note="done by hand")
    assert (change(store, "p1-1").state, change(store, "p1-1").note) == (ChangeState.REJECTED, "done by hand")
    assert intend(store, "p1-1") == []


def test_a_neighbour_that_loses_its_change_with_a_settled_case_is_open_again(store: Store) -> None:
    open_cases(store, 2)
    planned(store, "p1", [1], [1, 2], [2])
    approve(store, "p1-1", "p1-2", "p1-3")
    move(store, 1, CaseState.APPROVED, CaseState.RESOLVED)
    assert states(store) == [CaseState.RESOLVED, CaseState.OPEN]
    assert {item.state for item in store.changes()} == {ChangeState.REJECTED}


def test_a_case_is_given_to_somebody_and_taken_back(store: Store) -> None:
    open_cases(store, 1)
    store.assign(1, "ann", actor="bob", now=NOON)
    assert [case.assigned_to for case in store.cases()] == ["ann"]
    store.assign(1, None, actor="bob", now=NOON)
    assert [case.assigned_to for case in store.cases()] == [None]
    assert [entry.payload for entry in store.audit(event="case_assigned")] == [{"to": "ann"}, {"to": None}]
