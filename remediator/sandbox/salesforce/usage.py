"""How many API calls the org has served in the last 24 hours of virtual time."""

from __future__ import annotations

from collections import deque
from datetime import datetime, timedelta

from remediator.sandbox.clock import VirtualClock

_WINDOW = timedelta(hours=24)


class Usage:
    """Counts calls for ``Sforce-Limit-Info`` and ``/limits``.

    Attributes:
        most: calls allowed in 24 hours; a call beyond is refused. May be set while serving.
    """

    def __init__(self, clock: VirtualClock, most: int = 100_000) -> None:
        self.most = most
        self._clock = clock
        self._served: deque[datetime] = deque()

    def used(self) -> int:
        """Return the calls of the last 24 hours."""
        before = self._clock.now() - _WINDOW
        while self._served and self._served[0] < before:
            self._served.popleft()
        return len(self._served)

    def take(self) -> bool:
        """Count one call; false when the org has none left."""
        if self.used() >= self.most:
            return False
        self._served.append(self._clock.now())
        return True

    def header(self) -> str:
        """Return the value of ``Sforce-Limit-Info``."""
        return f"api-usage={self.used()}/{self.most}"
