"""Taking failures in, idempotently."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from remediator.model import CaseState, Category, Diagnosis, SyncFailure, Verdict
from remediator.store import CaseMove, CaseQuery, Store, TakeResult
from tests.builders import NOON, a_diagnosis, a_failure

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


def take(
    store: Store, *failures: SyncFailure, diagnosis: Diagnosis | None = None, now: datetime = NOON
) -> TakeResult:
    return store.take([(failure, diagnosis or a_diagnosis()) for failure in failures], run=None, now=now)


def only_case_after(
    store: Store, states: Sequence[CaseState], *, now: datetime, due_at: datetime | None = None
) -> int:
    """Take one failure in, lead its case over these states at ``now`` and return its id."""
    take(store, a_failure())
    before = CaseState.OPEN
    for state in states:
        move = CaseMove(case=1, before=before, after=state, due_at=due_at, verdict=Verdict.CLEARED)
        assert store.move([move], actor="ann", run=None, now=now) == [1]
        before = state
    return 1


def test_a_case_keeps_all_that_was_reported_and_diagnosed(store: Store) -> None:
    take(store, a_failure(message="Zoë <script> 東京 \U0001f600"))
    case = store.case(1)
    assert case is not None
    assert case.diagnosis == a_diagnosis()
    assert case.message == "Zoë <script> 東京 \U0001f600"
    assert (case.state, case.object, case.marketo_id) == (CaseState.OPEN, "Lead", "1001")
    assert (case.first_seen, case.last_seen, case.seen_count) == (NOON, NOON, 1)
    assert (case.verdict, case.note, case.assigned_to, case.due_at) == (None, None, None, None)
    assert case.connection == "main"


def test_the_same_batch_again_changes_nothing(store: Store) -> None:
    batch = [a_failure(number) for number in range(5)]
    assert take(store, *batch) == TakeResult(new=5)
    before = list(store.cases())
    assert take(store, *batch) == TakeResult(duplicates=5)
    assert list(store.cases()) == before


def test_a_row_that_two_exports_share_is_one_sighting(store: Store) -> None:
    take(store, a_failure(origin="monday.csv:2"))
    shared = a_failure(origin="tuesday.csv:9")
    fresh = a_failure(origin="tuesday.csv:2", failed_at=NOON + DAY)
    assert take(store, fresh, shared) == TakeResult(again=1, duplicates=1)
    assert [(seen.failed_at, seen.origin) for seen in store.sightings(1)] == [
        (NOON + DAY, "tuesday.csv:2"),
        (NOON, "monday.csv:2"),
    ]


def test_a_row_twice_in_one_batch_counts_once(store: Store) -> None:
    assert take(store, a_failure(), a_failure()) == TakeResult(new=1, duplicates=1)


def test_several_sightings_of_a_new_failure_in_one_batch_are_one_case(store: Store) -> None:
    late, early = (
        a_failure(failed_at=NOON + DAY, message="late"),
        a_failure(failed_at=NOON - DAY, message="early"),
    )
    assert take(store, a_failure(), late, early) == TakeResult(new=1, again=2)
    case = store.case(1)
    assert case is not None
    assert (case.first_seen, case.last_seen, case.seen_count) == (NOON - DAY, NOON + DAY, 3)
    assert case.message == "late"


def test_an_older_sighting_that_arrives_later_does_not_turn_the_clock_back(store: Store) -> None:
    take(store, a_failure())
    take(store, a_failure(failed_at=NOON - DAY, message="older"), diagnosis=a_diagnosis(value="older"))
    case = store.case(1)
    assert case is not None
    assert (case.first_seen, case.last_seen) == (NOON - DAY, NOON)
    assert (case.message, case.diagnosis.value) == (a_failure().message, "Untied States")


def test_a_newer_sighting_brings_its_message_and_diagnosis(store: Store) -> None:
    take(store, a_failure())
    take(store, a_failure(failed_at=NOON + DAY, message="newer"), diagnosis=a_diagnosis(value="Frnace"))
    case = store.case(1)
    assert case is not None
    assert (case.message, case.diagnosis.value) == ("newer", "Frnace")


def test_a_record_id_that_was_unknown_is_filled_in(store: Store) -> None:
    take(store, a_failure(marketo_id=None))
    take(store, a_failure(failed_at=NOON + DAY))
    case = store.case(1)
    assert case is not None
    assert case.marketo_id == "1001"


def test_newer_rules_change_a_known_rows_diagnosis_and_open_no_second_case(store: Store) -> None:
    unknown = a_diagnosis(category=Category.UNKNOWN, rule="unknown", code=None, fields=())
    take(store, a_failure(), diagnosis=unknown)
    assert take(store, a_failure()) == TakeResult(duplicates=1)
    assert take(store, a_failure(failed_at=NOON + DAY)) == TakeResult(again=1)
    (case,) = store.cases()
    assert (case.diagnosis, case.seen_count) == (a_diagnosis(), 2)
    assert [cause.category for cause in store.causes()] == [Category.INVALID_PICKLIST]


@pytest.mark.parametrize(
    ("path", "settled"),
    [([CaseState.CLEARED], CaseState.CLEARED), ([CaseState.RESOLVED], CaseState.RESOLVED)],
)
def test_a_settled_case_is_reopened_only_by_a_failure_after_it_was_settled(
    store: Store, path: list[CaseState], settled: CaseState
) -> None:
    only_case_after(store, path, now=NOON + 2 * HOUR)
    assert take(store, a_failure(failed_at=NOON + 2 * HOUR)).reopened == 0
    assert [case.state for case in store.cases()] == [settled]
    assert take(store, a_failure(failed_at=NOON + 3 * HOUR)) == TakeResult(again=1, reopened=1)
    (case,) = store.cases()
    assert (case.state, case.note, case.verdict) == (CaseState.OPEN, "failed again", None)
    assert store.verify_audit().intact
    last = list(store.audit(case=1))[-1]
    assert last.event == "case_moved"
    assert last.payload is not None
    assert (last.payload["before"], last.payload["after"]) == (settled, CaseState.OPEN)


def test_a_snoozed_case_wakes_only_by_a_failure_after_its_due_time(store: Store) -> None:
    only_case_after(store, [CaseState.SNOOZED], now=NOON, due_at=NOON + DAY)
    assert take(store, a_failure(failed_at=NOON + DAY)).reopened == 0
    assert take(store, a_failure(failed_at=NOON + DAY + HOUR)).reopened == 1
    (case,) = store.cases()
    assert (case.state, case.due_at) == (CaseState.OPEN, None)


@pytest.mark.parametrize(
    "path",
    [
        [CaseState.DECLINED],
        [CaseState.PROPOSED],
        [CaseState.PROPOSED, CaseState.APPROVED],
        [CaseState.RETRYING],
        [CaseState.RETRYING, CaseState.DEAD],
        [CaseState.SNOOZED],
    ],
)
def test_any_other_case_stays_where_it_is_and_counts_the_sighting(
    store: Store, path: list[CaseState]
) -> None:
    only_case_after(store, path, now=NOON)
    assert take(store, a_failure(failed_at=NOON + DAY)) == TakeResult(again=1)
    (case,) = store.cases()
    assert (case.state, case.seen_count) == (path[-1], 2)


def test_new_cases_are_one_audit_entry_a_batch(store: Store) -> None:
    take(store, *(a_failure(number) for number in range(30)))
    (entry,) = store.audit()
    assert (entry.event, entry.payload) == (
        "cases_opened",
        {"cases": 30, "by_category": {"invalid_picklist": 30}},
    )


@pytest.mark.parametrize("text", ["nul \0 inside", "half a pair \ud83d", "\0"])
def test_text_that_a_database_cannot_hold_is_taken_in_all_the_same(store: Store, text: str) -> None:
    failure = a_failure(message=text, operation=text, origin=text)
    diagnosis = a_diagnosis(value=text, fields=(text,), reason=text)
    take(store, failure, diagnosis=diagnosis)
    assert take(store, failure, diagnosis=diagnosis) == TakeResult(duplicates=1)
    (case,) = store.cases()
    assert case.diagnosis == diagnosis
    assert store.verify_audit().intact


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    rows=st.lists(st.tuples(st.integers(0, 4), st.integers(0, 3)), max_size=12),
    cuts=st.lists(st.integers(0, 12), max_size=3),
    seed=st.integers(0, 2**32),
)
def test_rows_in_any_batches_and_any_overlap_come_to_the_same_cases(
    sqlite_url: str, rows: list[tuple[int, int]], cuts: list[int], seed: int
) -> None:
    failures = [a_failure(number, failed_at=NOON + day * DAY) for number, day in rows]
    with Store.open(sqlite_url, connection=f"c{seed}-{len(rows)}-{hash(tuple(rows))}-{cuts}") as store:
        total = TakeResult()
        for cut in [*cuts, 0]:
            total += take(store, *failures[:cut])
            total += take(store, *failures[cut:])
        distinct = set(rows)
        assert total.new == len({number for number, _ in distinct})
        assert total.new + total.again == len(distinct)
        assert store.count_cases(CaseQuery(states=[CaseState.OPEN])) == total.new
        assert sum(case.seen_count for case in store.cases()) == len(distinct)
