"""When to try again, and when to stop."""

from __future__ import annotations

from datetime import timedelta
from itertools import pairwise
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from remediator.errors import (
    AccessDenied,
    NoAnswer,
    RateLimited,
    RecordChanged,
    RecordMissing,
    RecordRefused,
    TransientError,
    VendorError,
)
from remediator.lifecycle import MOVES
from remediator.model import Case, CaseState, Category, FailureLevel
from remediator.retry import Answer, Outcome, RetryPolicy, ask_cancel, ask_now
from tests.builders import NOON, a_diagnosis

WAITS = st.timedeltas(timedelta(0), timedelta(days=400))
POLICIES = st.builds(RetryPolicy, base=WAITS, cap=WAITS, max_attempts=st.integers(1, 200))
TRANSIENT = st.sampled_from([None, VendorError("odd"), TransientError("busy"), NoAnswer("hung up")])


@given(policy=POLICIES, attempts=st.integers(1, 300), error=TRANSIENT, seed=st.integers())
def test_a_next_try_is_never_in_the_past_and_never_past_the_cap(
    policy: RetryPolicy, attempts: int, error: VendorError | None, seed: int
) -> None:
    due = policy.next_try(attempts=attempts, error=error, now=NOON, random=Random(seed))
    if attempts >= policy.max_attempts:
        assert due is None
    else:
        assert due is not None
        assert NOON <= due <= NOON + policy.cap


@given(policy=POLICIES, attempts=st.integers(1, 300), seed=st.integers(), asked_s=st.floats(-10, 1e8))
def test_a_next_try_is_never_sooner_than_the_vendor_asked(
    policy: RetryPolicy, attempts: int, seed: int, asked_s: float
) -> None:
    error = RateLimited("wait", retry_after_s=asked_s)
    due = policy.next_try(attempts=attempts, error=error, now=NOON, random=Random(seed))
    if attempts < policy.max_attempts:
        asked = timedelta(seconds=asked_s)
        assert due is not None
        assert max(NOON, NOON + asked) <= due <= NOON + max(policy.cap, asked)


@given(seed=st.integers(), attempts=st.integers(1, 7))
def test_waits_double_and_are_shortened_by_half_at_most(seed: int, attempts: int) -> None:
    policy = RetryPolicy(base=timedelta(minutes=1), cap=timedelta(days=1))
    due = policy.next_try(attempts=attempts, error=None, now=NOON, random=Random(seed))
    whole = timedelta(minutes=2 ** (attempts - 1))
    assert due is not None
    assert whole / 2 <= due - NOON <= whole


def test_two_workers_do_not_come_back_together() -> None:
    policy = RetryPolicy()
    dues = {policy.next_try(attempts=3, error=None, now=NOON, random=Random(seed)) for seed in range(20)}
    assert len(dues) == 20


@pytest.mark.parametrize(
    "error", [AccessDenied("no"), RecordRefused("bad"), RecordMissing("gone"), RecordChanged("moved")]
)
def test_what_will_fail_again_is_not_tried_again(error: VendorError) -> None:
    assert RetryPolicy().next_try(attempts=1, error=error, now=NOON, random=Random(1)) is None


@pytest.mark.parametrize("asked_s", [1e12, 1e300, float("inf")])
def test_a_wait_that_no_calendar_holds_means_giving_up(asked_s: float) -> None:
    error = RateLimited("come back never", retry_after_s=asked_s)
    assert RetryPolicy().next_try(attempts=1, error=error, now=NOON, random=Random(1)) is None


@pytest.mark.parametrize("attempts", [0, -1])
def test_a_try_that_was_never_made_cannot_be_repeated(attempts: int) -> None:
    with pytest.raises(ValueError, match="at least 1"):
        RetryPolicy().next_try(attempts=attempts, error=None, now=NOON, random=Random(1))


def a_case(state: CaseState, *, due_in: timedelta = timedelta(0)) -> Case:
    return Case(
        id=7,
        connection="main",
        fingerprint="f",
        state=state,
        diagnosis=a_diagnosis(category=Category.BAD_DATA),
        message="m",
        level=FailureLevel.RECORD,
        object="Lead",
        marketo_id="1001",
        salesforce_id=None,
        first_seen=NOON,
        last_seen=NOON,
        seen_count=1,
        due_at=NOON + due_in if state is CaseState.RETRYING else None,
    )


def wishes(case: Case, *, passes: bool, under_way: str | None) -> tuple[Answer, Answer]:
    return (
        ask_now(case, passes=passes, under_way=under_way, now=NOON),
        ask_cancel(case, passes=passes, under_way=under_way),
    )


@pytest.mark.parametrize("passes", [True, False])
@pytest.mark.parametrize("state", CaseState)
def test_a_wish_leads_only_where_the_lifecycle_leads_and_a_refusal_nowhere(
    state: CaseState, passes: bool
) -> None:
    for answer in wishes(a_case(state, due_in=timedelta(hours=1)), passes=passes, under_way=None):
        assert bool(answer.path) is (answer.outcome is Outcome.DONE)
        assert all(after in MOVES[before] for before, after in pairwise(answer.path))
        assert answer.path[:1] in ((), (state,))
        assert answer.said


@pytest.mark.parametrize("state", CaseState)
def test_what_is_being_tried_is_left_alone_whatever_is_wished(state: CaseState) -> None:
    for answer in wishes(a_case(state), passes=True, under_way="run 3 (upkeep)"):
        assert answer.outcome is Outcome.REFUSED
        assert "run 3 (upkeep)" in answer.said


@pytest.mark.parametrize("state", CaseState)
def test_what_fails_again_until_it_is_changed_is_never_made_due(state: CaseState) -> None:
    answer = ask_now(a_case(state), passes=False, under_way=None, now=NOON)
    assert answer.outcome is Outcome.REFUSED


def test_what_is_due_or_out_already_stays_as_it_is() -> None:
    due = ask_now(a_case(CaseState.RETRYING), passes=True, under_way=None, now=NOON)
    out = ask_cancel(a_case(CaseState.DEAD), passes=True, under_way=None)
    assert {due.outcome, out.outcome} == {Outcome.UNCHANGED}


def test_only_what_was_given_up_is_counted_anew() -> None:
    anew = {
        state
        for state in CaseState
        if ask_now(a_case(state, due_in=timedelta(1)), passes=True, under_way=None, now=NOON).anew
    }
    assert anew == {CaseState.DEAD}


def test_a_case_in_the_queue_can_be_taken_out_though_it_would_not_be_tried_any_more() -> None:
    answer = ask_cancel(a_case(CaseState.RETRYING), passes=False, under_way=None)
    assert answer.path == (CaseState.RETRYING, CaseState.DEAD)
    assert ask_cancel(a_case(CaseState.OPEN), passes=False, under_way=None).outcome is Outcome.REFUSED
