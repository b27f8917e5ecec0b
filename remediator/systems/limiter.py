"""Keeps the vendors' quotas: calls per rolling window, calls in flight, and our share of the day.

A window of this process's own is a pyrate-limiter bucket in memory; one that all processes share is kept by
whoever hands it in (the store: pyrate-limiter's buckets for databases know neither our SQLite file nor a
simulation's time).
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from pyrate_limiter import InMemoryBucket, Rate, RateItem

from remediator.errors import RateLimited
from remediator.model import SystemName
from remediator.systems.breaker import Breaker

# The vendor counts arrivals and we count departures: two calls that leave 20 s apart may arrive 19.9 s
# apart. A window that is a little longer than the vendor's absorbs ordinary jitter.
WINDOW_MARGIN_S = 0.25
DAY_S = 86_400.0
HOUR_S = 3_600.0


Window = Callable[[], float]
"""Takes a place for one call and returns 0, or returns the seconds until one is free."""


def own_window(*, limit: int, window_s: float, clock: Callable[[], float] = time.monotonic) -> Window:
    """Return a window that admits ``limit`` calls of this process in ``window_s`` seconds."""
    bucket = InMemoryBucket([Rate(limit, round((window_s + WINDOW_MARGIN_S) * 1000))])

    def take_place() -> float:
        now_ms = round(clock() * 1000)
        item = RateItem("call", now_ms)
        # A synchronous bucket answers at once; the union type covers the asynchronous ones.
        if bucket.put(item) is True:
            bucket.leak(now_ms)
            return 0.0
        wait_ms = bucket.waiting(item)
        return max(int(wait_ms) if isinstance(wait_ms, int) else 0, 1) / 1000

    return take_place


class RateLimiter:
    """Admits calls so that neither the rolling window nor the number in flight is exceeded.

    One instance is shared by all threads, and by all clients of one Marketo subscription.

    Args:
        max_in_flight: calls at once.
        window: what counts the rolling window; ``None`` = none, only calls in flight.
        clock: monotonic seconds.
        sleep: waits that many seconds; it may raise to stop a run that waits.

    Attributes:
        breaker: stops calls while the vendor is down; what one client learns holds for all.
    """

    def __init__(
        self,
        *,
        max_in_flight: int,
        window: Window | None = None,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.breaker = Breaker(clock)
        self._slots = threading.BoundedSemaphore(max_in_flight)
        self._window = window
        self._clock = clock
        self._sleep = sleep
        self._lock = threading.Lock()
        self._held_until = 0.0

    @contextmanager
    def slot(self) -> Iterator[None]:
        """Wait for a turn, and hold one of the places in flight while the block runs."""
        with self._slots:
            while (wait_s := self._wait_s()) > 0:
                self._sleep(wait_s)
            yield

    def hold(self, seconds: float) -> None:
        """Admit nobody for so long: one thread's 606 is everybody's."""
        with self._lock:
            self._held_until = max(self._held_until, self._clock() + seconds)

    def _wait_s(self) -> float:
        """Take a place in the window and return 0, or return the seconds until one is free."""
        with self._lock:
            if (held := self._held_until - self._clock()) > 0:
                return held
            return 0.0 if self._window is None else self._window()


class DailyShare:
    """Stops us at our share of a quota that others need too.

    Counts our own calls over the last 24 hours; a vendor's day may begin anew earlier, so this errs on
    the side of the others. Beside that it stops when everybody together has nearly used the quota up, by a
    figure of the vendor's that is less than an hour old: an older one would stop for good the very calls that
    could renew it. One instance is shared by all threads, and by all clients that call with the same
    credentials.

    Args:
        system: for the message.
        share: part of the quota that is ours, over 0 up to 1.
        quota: calls a day; ``None`` until ``observe`` learns it.
        reserve: part of the quota that is left to others whatever our own share is.
        clock: monotonic seconds.
    """

    def __init__(
        self,
        *,
        system: SystemName,
        share: float,
        quota: int | None = None,
        reserve: float = 0.1,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.quota = quota
        self.used_by_all = 0
        self._observed_at: float | None = None
        self._made = 0
        self._stored = 0
        self._told: tuple[int, int] | None = None
        self._system = system
        self._share = share
        self._reserve = reserve
        self._clock = clock
        self._hours: deque[tuple[float, int]] = deque()
        self._lock = threading.Lock()

    def count(self, calls: int = 1) -> None:
        """Count calls that were made, by this process or (to start with) by earlier ones."""
        with self._lock:
            now = self._clock()
            self._made += calls
            if self._hours and now - self._hours[-1][0] < HOUR_S:
                started, before = self._hours.pop()
                self._hours.append((started, before + calls))
            else:
                self._hours.append((now, calls))

    def observe(self, *, used_by_all: int, quota: int, ours: int | None = None) -> None:
        """Take the vendor's own figures; ``ours`` are those of our application, if it tells them apart."""
        with self._lock:
            self.used_by_all, self.quota = used_by_all, quota
            self._observed_at = self._clock()
            if ours is not None:
                self._told = (ours, self._made)

    def unstored(self) -> int:
        """Return the calls made since this was last asked; the caller puts them into the store.

        Asked of the share and not of each client: whoever asks first stores the calls of all that share it.
        """
        with self._lock:
            new, self._stored = self._made - self._stored, self._made
            return new

    def not_stored(self, calls: int) -> None:
        """Take back what ``unstored`` returned, because the store refused it."""
        with self._lock:
            self._stored -= calls

    def told(self, ours: int) -> None:
        """Take today's calls of all our processes, as the store has them by now."""
        with self._lock:
            self._told = (ours, self._stored)

    def used(self) -> int:
        """Return our calls of the last 24 hours, those of other processes as far as they were told."""
        with self._lock:
            while self._hours and self._clock() - self._hours[0][0] > DAY_S + HOUR_S:
                self._hours.popleft()
            by_us = sum(calls for _, calls in self._hours)
            if self._told is None:
                return by_us
            by_all_of_ours, made_by_then = self._told
            return max(by_us, by_all_of_ours + self._made - made_by_then)

    def remaining_ratio(self) -> float | None:
        """Return the part of the whole quota that nobody has used yet, ``None`` if it is unknown."""
        if not self.quota:
            return None
        return max(0.0, 1 - max(self.used_by_all, self.used()) / self.quota)

    def check(self) -> None:
        """Raise ``RateLimited`` (daily) when the next call would be beyond our share."""
        if not self.quota:
            return
        ours, allowed = self.used(), int(self.quota * self._share)
        if ours >= allowed:
            self._stop(f"we made {ours} calls in 24 hours and our share of {self.quota} is {allowed}")
        if self._is_nearly_used_up() and not self.needs_news():
            self._stop(
                f"{self.used_by_all} of {self.quota} daily calls are used, the rest is left to the sync"
            )

    def needs_news(self) -> bool:
        """Say whether the last figure of the vendor would stop us and is too old to be believed."""
        old = self._observed_at is None or self._clock() - self._observed_at >= HOUR_S
        return old and self._is_nearly_used_up()

    def _is_nearly_used_up(self) -> bool:
        return bool(self.quota) and self.used_by_all >= (self.quota or 0) * (1 - self._reserve)

    def _stop(self, why: str) -> None:
        raise RateLimited(
            f"{self._system}: {why}; wait, or raise {self._system}.daily_share",
            code="DAILY_SHARE",
            system=self._system,
            retry_after_s=HOUR_S,
            daily=True,
        )
