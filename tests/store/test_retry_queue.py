"""The retry queue between people and workers, on both databases."""

from __future__ import annotations

import threading
from datetime import datetime, timedelta

from remediator.model import Case, CaseState, Category
from remediator.retry import Answer, Outcome, ask_cancel, ask_now
from remediator.store import Attempts, CaseMove, Store
from remediator.store.retries import UNDER_WAY
from tests.builders import NOON, a_diagnosis, a_failure
from tests.store.scenes import events, states

LATER = NOON + timedelta(hours=1)


def waiting(store: Store, count: int) -> None:
    """Put cases 1 to ``count`` into the queue, due in an hour."""
    lock = a_diagnosis(category=Category.TRANSIENT, retryable=True, fields=(), value=None, fixers=())
    store.take([(a_failure(number), lock) for number in range(1, count + 1)], run=None, now=NOON)
    move(store, CaseState.OPEN, CaseState.RETRYING, *range(1, count + 1))


def move(store: Store, before: CaseState, after: CaseState, *cases: int) -> None:
    due = LATER if after is CaseState.RETRYING else None
    steps = [CaseMove(case=case, before=before, after=after, note="lead", due_at=due) for case in cases]
    assert store.move(steps, actor="bot", run=None, now=NOON) == list(cases)


def now_wish(case: Case, under_way: str | None) -> Answer:
    return ask_now(case, passes=case.diagnosis.retryable, under_way=under_way, now=NOON)


def cancel_wish(case: Case, under_way: str | None) -> Answer:
    return ask_cancel(case, passes=case.diagnosis.retryable, under_way=under_way)


def make_due(store: Store, *cases: int, now: datetime = NOON) -> list[Answer]:
    return store.retry_queue.grant(now_wish, cases, note="made due by ann", actor="ann", now=now)


def cancel(store: Store, *cases: int) -> list[Answer]:
    return store.retry_queue.grant(cancel_wish, cases, note="cancelled by ann", actor="ann", now=NOON)


def outcomes(answers: list[Answer]) -> list[tuple[int, Outcome]]:
    return [(answer.case, answer.outcome) for answer in answers]


def test_a_waiting_case_that_is_asked_for_is_due_and_says_by_whom(store: Store) -> None:
    waiting(store, 2)
    assert outcomes(make_due(store, 2)) == [(2, Outcome.DONE)]
    assert [case.due_at for case in store.cases()] == [LATER, NOON]
    last = list(store.audit(case=2))[-1]
    assert (last.event, last.actor) == ("case_moved", "ann")
    assert store.case(2).note == "made due by ann"  # type: ignore[union-attr]  # case 2 is there


def test_asking_twice_changes_and_records_nothing_more(store: Store) -> None:
    waiting(store, 2)
    make_due(store, 1)
    cancel(store, 2)
    entries = len(list(store.audit()))
    assert outcomes(make_due(store, 1)) == [(1, Outcome.UNCHANGED)]
    assert outcomes(cancel(store, 2)) == [(2, Outcome.UNCHANGED)]
    assert len(list(store.audit())) == entries


def test_a_dead_case_comes_back_with_a_fresh_count_on_record(store: Store) -> None:
    waiting(store, 1)
    store.record_attempts({1: 8}, actor="bot", run=None, now=NOON)
    move(store, CaseState.RETRYING, CaseState.DEAD, 1)
    assert outcomes(make_due(store, 1)) == [(1, Outcome.DONE)]
    assert states(store) == [CaseState.RETRYING]
    # The moment stays: the native sync may still be busy with that push, and the budget counts it.
    assert store.attempts([1]) == {1: Attempts(count=0, last_at=NOON)}
    assert store.running.tried_since(NOON) == 1
    (anew,) = store.audit(event="retry_started_anew")
    assert (anew.case, anew.actor, anew.payload) == (1, "ann", {"tries_before": 8})
    assert store.verify_audit().intact


def test_metrics_do_not_count_backwards_when_a_count_starts_anew(store: Store) -> None:
    waiting(store, 1)
    store.record_attempts({1: 8}, actor="bot", run=None, now=NOON)
    move(store, CaseState.RETRYING, CaseState.DEAD, 1)
    before = store.meters.read().retries["pushed"]
    make_due(store, 1)
    assert (before, store.meters.read().retries["pushed"]) == (8, 8)


def test_a_cancelled_case_waits_for_a_person_and_the_others_of_the_call_are_not_lost(store: Store) -> None:
    waiting(store, 3)
    move(store, CaseState.RETRYING, CaseState.CLEARED, 2)
    answers = cancel(store, 99, 1, 2, 3, 1)
    assert outcomes(answers) == [
        (99, Outcome.REFUSED),
        (1, Outcome.DONE),
        (2, Outcome.REFUSED),
        (3, Outcome.DONE),
    ]
    assert "not in this store" in answers[0].said
    assert "cleared" in answers[2].said
    assert states(store) == [CaseState.DEAD, CaseState.CLEARED, CaseState.DEAD]
    assert [entry.actor for entry in store.audit(case=3)][-1] == "ann"


def test_looking_first_answers_the_same_and_moves_nothing(store: Store) -> None:
    waiting(store, 2)
    entries = len(list(store.audit()))
    foreseen = store.retry_queue.foresee(cancel_wish, [1, 2, 7], now=NOON)
    assert states(store) == [CaseState.RETRYING, CaseState.RETRYING]
    assert len(list(store.audit())) == entries
    assert foreseen == cancel(store, 1, 2, 7)


def test_a_case_that_is_being_pushed_is_left_to_that_push(store: Store) -> None:
    waiting(store, 2)
    make_due(store, 1)
    run = store.start_run("upkeep", now=NOON)
    assert store.retry_queue.begin({1: 1}, actor="bot", run=run, now=NOON) == {1}
    for answers in (make_due(store, 1, 2), cancel(store, 1, 2)):
        assert outcomes(answers) == [(1, Outcome.REFUSED), (2, Outcome.DONE)]
        assert f"run {run} (upkeep)" in answers[0].said
    assert states(store) == [CaseState.RETRYING, CaseState.DEAD]


def test_a_push_is_over_when_its_case_waits_again_or_its_run_has_ended_or_died(store: Store) -> None:
    waiting(store, 3)
    make_due(store, 1, 2)
    make_due(store, 3, now=NOON - UNDER_WAY)
    run = store.start_run("upkeep", now=NOON)
    died = store.start_run("upkeep", now=NOON - UNDER_WAY)
    store.retry_queue.begin({1: 1, 2: 1}, actor="bot", run=run, now=NOON)
    store.retry_queue.begin({3: 1}, actor="bot", run=died, now=NOON - UNDER_WAY)
    move(store, CaseState.RETRYING, CaseState.RETRYING, 1)
    assert [outcome for _, outcome in outcomes(make_due(store, 1, 2))] == [Outcome.DONE, Outcome.REFUSED]
    store.finish_run(run, outcome="failed", counters={}, now=NOON)
    assert outcomes(cancel(store, 2, 3)) == [(2, Outcome.DONE), (3, Outcome.DONE)]


def test_nobody_begins_to_push_a_case_that_was_taken_out(store: Store) -> None:
    waiting(store, 2)
    cancel(store, 1)
    assert store.retry_queue.begin({1: 1, 2: 1, 9: 1}, actor="bot", run=None, now=NOON) == {2}
    assert set(store.attempts([1, 2])) == {2}


def test_nobody_begins_to_push_a_case_that_another_run_pushes_or_has_pushed_meanwhile(store: Store) -> None:
    waiting(store, 3)
    make_due(store, 1, 2, 3)
    first, second = (store.start_run(name, now=NOON) for name in ("upkeep", "retry"))

    def begin(run: int, **counts: int) -> set[int]:
        asked = {int(case.removeprefix("case_")): count for case, count in counts.items()}
        return store.retry_queue.begin(asked, actor="bot", run=run, now=NOON)

    assert begin(first, case_1=1, case_2=1) == {1, 2}
    # The second looked before that, or after: what came of the first one's push is not on record yet.
    assert begin(second, case_1=1, case_2=2, case_3=1) == {3}
    move(store, CaseState.RETRYING, CaseState.RETRYING, 1, 2)
    assert begin(second, case_1=1, case_2=2) == {2}
    assert {case: made.count for case, made in store.attempts([1, 2, 3]).items()} == {1: 1, 2: 2, 3: 1}


def test_of_a_push_and_a_cancellation_at_one_moment_only_one_is_had(store_url: str) -> None:
    count = 12
    with Store.open(store_url) as store, Store.open(store_url) as worker:
        waiting(store, count)
        make_due(store, *range(1, count + 1))
        run = store.start_run("upkeep", now=NOON)
        begun: set[int] = set()
        start = threading.Barrier(2)

        def push() -> None:
            start.wait()
            for case in range(1, count + 1):
                begun.update(worker.retry_queue.begin({case: 1}, actor="bot", run=run, now=NOON))

        thread = threading.Thread(target=push)
        thread.start()
        start.wait()
        answers = [answer for case in range(count, 0, -1) for answer in cancel(store, case)]
        thread.join()
        cancelled = {answer.case for answer in answers if answer.outcome is Outcome.DONE}
        assert begun.isdisjoint(cancelled)
        assert begun | cancelled == set(range(1, count + 1))
        assert {case.id for case in store.cases() if case.state is CaseState.DEAD} == cancelled
        assert store.verify_audit().intact


def test_a_queue_of_another_connection_is_out_of_reach(store_url: str) -> None:
    with Store.open(store_url) as store, Store.open(store_url, connection="other") as other:
        waiting(store, 1)
        assert outcomes(cancel(other, 1)) == [(1, Outcome.REFUSED)]
        assert other.retry_queue.begin({1: 1}, actor="bot", run=None, now=NOON) == set()
        assert states(store) == [CaseState.RETRYING]


def test_a_case_that_the_next_visit_would_queue_can_be_kept_out_of_it(store: Store) -> None:
    waiting(store, 2)
    move(store, CaseState.RETRYING, CaseState.OPEN, 1, 2)
    move(store, CaseState.OPEN, CaseState.DECLINED, 2)
    assert outcomes(cancel(store, 1, 2)) == [(1, Outcome.DONE), (2, Outcome.DONE)]
    assert states(store) == [CaseState.DEAD, CaseState.DEAD]
    assert "retry_started_anew" not in events(store)
