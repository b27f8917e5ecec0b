"""Virtual time, so that five days or a token's hour pass in a moment."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from threading import Lock


class VirtualClock:
    """A clock that runs at ``speed`` times real time and can jump ahead.

    Safe to share between threads. It never goes backwards.

    Args:
        start: what the clock shows now; must be aware. ``None`` is the real time, to the second.
        speed: virtual seconds per real second; 0 stands still but for jumps.
    """

    def __init__(self, start: datetime | None = None, speed: float = 1.0) -> None:
        begin = start or datetime.now(UTC).replace(microsecond=0)
        if begin.tzinfo is None:
            raise ValueError("the sandbox clock needs a start with a time zone; add tzinfo=UTC")
        if speed < 0:
            raise ValueError(f"the sandbox clock cannot run backwards: speed {speed}")
        self.start = begin.astimezone(UTC)
        self.speed = speed
        self._began = time.monotonic()
        self._jumped = timedelta()
        self._lock = Lock()

    def now(self) -> datetime:
        """Return the virtual time, in UTC."""
        elapsed = (time.monotonic() - self._began) * self.speed
        with self._lock:
            return self.start + timedelta(seconds=elapsed) + self._jumped

    def advance(self, by: timedelta) -> datetime:
        """Jump ahead and return the new time."""
        if by < timedelta():
            raise ValueError(f"the sandbox clock cannot go back: {by}")
        with self._lock:
            self._jumped += by
        return self.now()
