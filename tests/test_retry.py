"""When to try again, and when to stop."""

from __future__ import annotations

from datetime import timedelta
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
from remediator.retry import RetryPolicy
from tests.builders import NOON

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
