"""The instance's quotas, shared by all its services: the 20 s window, calls in flight, the day."""

from __future__ import annotations

import time
from collections import Counter, deque
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from threading import Lock
from typing import Any
from zoneinfo import ZoneInfo

from remediator.sandbox.clock import VirtualClock
from remediator.sandbox.marketo.envelope import ApiError
from remediator.sandbox.marketo.settings import InstanceSettings

WINDOW_S = 20.0
CENTRAL = ZoneInfo("America/Chicago")
FREE = frozenset({"600", "601", "602", "604", "605", "606", "607", "608", "611", "615"})
"""Codes that cost neither quota nor rate: not carried out (marketo.md 2.4, a reading of the docs)."""


class Limits:
    """Counts calls and refuses the ones above a limit.

    The 20 s window is in real time, so that a client's pacing is what is tested; the day is virtual.

    Attributes:
        most_in_flight: the most calls that ever ran at once.
        most_in_window: the most calls that any rolling 20 s ever held.
    """

    def __init__(self, clock: VirtualClock, settings: InstanceSettings) -> None:
        self._clock = clock
        self._settings = settings
        self._lock = Lock()
        self._recent: deque[float] = deque()
        self._in_flight = 0
        self.most_in_flight = 0
        self.most_in_window = 0
        self._calls: dict[date, Counter[str]] = {}
        self._errors: dict[date, Counter[str]] = {}

    @contextmanager
    def in_flight(self) -> Iterator[None]:
        """Count a call while it runs; 615 when too many already do."""
        with self._lock:
            if self._in_flight >= self._settings.max_in_flight:
                raise ApiError("615")
            self._in_flight += 1
            self.most_in_flight = max(self.most_in_flight, self._in_flight)
        try:
            yield
        finally:
            with self._lock:
                self._in_flight -= 1

    def spend(self, client: str) -> None:
        """Count a call, or refuse it: 607 when the day is used up, 606 when the window is full."""
        now = time.monotonic()
        with self._lock:
            today = self._calls.setdefault(self.today(), Counter())
            if today.total() >= self._settings.daily_calls:
                raise ApiError("607")
            while self._recent and now - self._recent[0] >= WINDOW_S:
                self._recent.popleft()
            limit = self._settings.limit_per_20s
            if len(self._recent) >= limit:
                raise ApiError("606", f"Max rate limit '{limit}' exceeded with in '{WINDOW_S:.0f}' secs")
            self._recent.append(now)
            self.most_in_window = max(self.most_in_window, len(self._recent))
            today[client] += 1

    def note_error(self, code: str) -> None:
        """Count an error for the statistics."""
        with self._lock:
            self._errors.setdefault(self.today(), Counter())[code] += 1

    def today(self) -> date:
        """Return the day in US Central time, which is when the daily quota resets."""
        return self._clock.now().astimezone(CENTRAL).date()

    def usage(self, days: int) -> list[dict[str, Any]]:
        """Return the rows of the usage statistics, newest first."""
        with self._lock:
            return [
                {
                    "date": day.isoformat(),
                    "total": self._calls.get(day, Counter()).total(),
                    "users": [
                        {"userId": client, "count": number}
                        for client, number in self._calls.get(day, Counter()).items()
                    ],
                }
                for day in self._days(days)
            ]

    def errors(self, days: int) -> list[dict[str, Any]]:
        """Return the rows of the error statistics, newest first."""
        with self._lock:
            return [
                {
                    "date": day.isoformat(),
                    "total": self._errors.get(day, Counter()).total(),
                    "errors": [
                        {"errorCode": code, "count": number}
                        for code, number in self._errors.get(day, Counter()).items()
                    ],
                }
                for day in self._days(days)
            ]

    def _days(self, days: int) -> list[date]:
        return [self.today() - timedelta(days=back) for back in range(days)]
