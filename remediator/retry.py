"""When to try again: capped, jittered backoff that never undercuts the vendor's own wait."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random

from remediator.errors import PermanentError, RateLimited, VendorError


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryPolicy:
    """How patient to be.

    Attributes:
        base: wait after the first try.
        cap: longest wait between two tries.
        max_attempts: tries before the dead letter.
    """

    base: timedelta = timedelta(minutes=5)
    cap: timedelta = timedelta(hours=6)
    max_attempts: int = 8

    def next_try(
        self, *, attempts: int, error: VendorError | None, now: datetime, random: Random
    ) -> datetime | None:
        """Return when to try again, or ``None`` to give up.

        Waits double from ``base`` up to ``cap``, each shortened by up to half at random so that workers do
        not return together; never sooner than the API asked (``Retry-After``).

        Args:
            attempts: tries already made, at least 1.
            error: how the last try ended; ``None`` when it only was not seen to work.
        """
        if attempts < 1:
            raise ValueError(f"attempts counts tries already made, so it is at least 1, not {attempts}")
        if attempts >= self.max_attempts or isinstance(error, PermanentError):
            return None
        # Reckoned in seconds as floats, because a timedelta overflows long before a float does.
        doubled_s = self.base.total_seconds() * 2.0 ** min(attempts - 1, 60)
        wait_s = min(doubled_s, self.cap.total_seconds()) * random.uniform(0.5, 1.0)
        if isinstance(error, RateLimited):
            wait_s = max(wait_s, error.retry_after_s)
        try:
            return now + timedelta(seconds=wait_s)
        except OverflowError:
            return None  # asked to wait past the end of the calendar
