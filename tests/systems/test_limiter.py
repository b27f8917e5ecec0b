from __future__ import annotations

from collections import deque
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier, Lock

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from remediator.errors import RateLimited
from remediator.model import SystemName
from remediator.systems.limiter import DailyShare, RateLimiter, own_window
from tests.systems.vendor import FakeClock


def a_limiter(clock: FakeClock, *, limit: int = 10) -> RateLimiter:
    return RateLimiter(
        max_in_flight=5,
        window=own_window(limit=limit, window_s=20, clock=clock),
        clock=clock,
        sleep=clock.sleep,
    )


def a_share(clock: FakeClock, **values: object) -> DailyShare:
    given: dict[str, object] = {"system": SystemName.SALESFORCE, "share": 0.2, "quota": 100, **values}
    return DailyShare(clock=clock, **given)  # type: ignore[arg-type]  # the test's own values


@settings(deadline=None)
@given(limit=st.integers(1, 30), calls=st.integers(1, 120), gaps=st.lists(st.floats(0, 5), max_size=20))
def test_no_rolling_window_ever_holds_more_calls_than_the_limit(
    limit: int, calls: int, gaps: list[float]
) -> None:
    clock = FakeClock()
    limiter = a_limiter(clock, limit=limit)
    window: deque[float] = deque()
    for number in range(calls):
        clock.now += gaps[number % len(gaps)] if gaps else 0
        with limiter.slot():
            window.append(clock.now)
            while window[0] <= clock.now - 20:
                window.popleft()
            assert len(window) <= limit


@settings(deadline=None)
@given(limit=st.integers(1, 50), calls=st.integers(1, 200))
def test_driving_at_the_limit_takes_at_most_a_twentieth_longer_than_the_limit_alone(
    limit: int, calls: int
) -> None:
    clock = FakeClock()
    limiter = a_limiter(clock, limit=limit)
    began = clock.now
    for _ in range(calls):
        with limiter.slot():
            pass
    bound_s = 20 * ((calls - 1) // limit)
    assert bound_s <= clock.now - began <= 1.05 * bound_s


def test_no_more_calls_are_in_flight_than_allowed_however_many_threads_ask() -> None:
    limiter = RateLimiter(max_in_flight=3)
    lock, inside, most = Lock(), 0, 0
    full = Barrier(3)

    def work(_: int) -> None:
        nonlocal inside, most
        with limiter.slot():
            with lock:
                inside += 1
                most = max(most, inside)
            full.wait(5)
            with lock:
                inside -= 1

    with ThreadPoolExecutor(9) as pool:
        list(pool.map(work, range(9)))
    assert most == 3


def test_a_hold_makes_every_caller_wait(clock: FakeClock) -> None:
    limiter = a_limiter(clock)
    limiter.hold(20)
    with limiter.slot():
        assert clock.sleeps == [20]


def test_a_sleep_that_raises_frees_the_place_in_flight(clock: FakeClock) -> None:
    def stop(_: float) -> None:
        raise KeyboardInterrupt

    limiter = RateLimiter(max_in_flight=1, clock=clock, sleep=stop)
    limiter.hold(5)
    with pytest.raises(KeyboardInterrupt), limiter.slot():
        pass
    clock.now += 6
    with limiter.slot():
        pass


def test_our_share_of_the_day_stops_us_before_the_first_call_beyond_it(clock: FakeClock) -> None:
    share = a_share(clock)
    share.count(19)
    share.check()
    share.count()
    with pytest.raises(RateLimited, match="our share of 100 is 20") as caught:
        share.check()
    assert caught.value.daily
    assert caught.value.retry_after_s > 0


def test_calls_of_more_than_a_day_ago_are_forgotten(clock: FakeClock) -> None:
    share = a_share(clock)
    share.count(20)
    clock.now += 26 * 3600
    share.check()
    assert share.used() == 0


def test_calls_of_our_other_processes_and_those_made_since_count_together(clock: FakeClock) -> None:
    share = a_share(clock)
    share.count(2)
    assert share.unstored() == 2
    share.told(15)
    share.observe(used_by_all=17, quota=100)
    assert share.used() == 15
    share.count(4)
    assert share.used() == 19
    share.check()
    share.count()
    with pytest.raises(RateLimited, match="our share of 100 is 20"):
        share.check()
    # The vendor's day began anew.
    clock.now += 26 * 3600
    share.told(0)
    share.check()


def test_a_call_is_handed_to_the_store_once_and_again_if_the_store_refused_it(clock: FakeClock) -> None:
    share = a_share(clock)
    share.count(2)
    assert (share.unstored(), share.unstored()) == (2, 0)
    share.not_stored(2)
    assert share.unstored() == 2


def test_what_is_not_in_the_store_yet_counts_beside_what_is(clock: FakeClock) -> None:
    share = a_share(clock)
    share.count(3)
    share.told(15)
    assert share.used() == 18


def test_the_reserve_is_left_to_the_sync_though_our_share_is_unused(clock: FakeClock) -> None:
    share = a_share(clock, quota=None)
    share.check()
    share.observe(used_by_all=90, quota=100)
    with pytest.raises(RateLimited, match="left to the sync"):
        share.check()


def test_the_remaining_part_is_unknown_until_a_quota_is_known(clock: FakeClock) -> None:
    share = a_share(clock, quota=None)
    assert share.remaining_ratio() is None
    share.observe(used_by_all=25, quota=100)
    assert share.remaining_ratio() == 0.75


def test_a_figure_of_the_vendor_that_is_an_hour_old_stops_nobody_for_good(clock: FakeClock) -> None:
    share = a_share(clock)
    share.observe(used_by_all=95, quota=100)
    clock.now += 3_599
    with pytest.raises(RateLimited, match="left to the sync"):
        share.check()
    clock.now += 1
    share.check()
    assert share.needs_news()
    share.observe(used_by_all=96, quota=100)
    assert not share.needs_news()
    with pytest.raises(RateLimited, match="left to the sync"):
        share.check()
