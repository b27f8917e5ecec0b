"""The time that schedules and due times go by: the real one, or a simulation's."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cached_property

import httpx

from remediator.errors import ConfigError

_ASK_AGAIN_S = 0.1

VARIABLE = "REMEDIATOR_CLOCK_URL"
"""Where a sandbox tells its virtual time (``/control/clock``); for simulations only."""


class Simulated:
    """A clock asked for over HTTP. Leases, time-outs and the kill switch keep to real time all the same."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._client = httpx.Client(timeout=10, trust_env=False)
        self._lock = threading.Lock()
        self._told_at, self._seconds = 0.0, 0.0

    def __call__(self) -> datetime:
        """Return the virtual time; raises ``ConfigError`` when it is not told."""
        return self._told()[0]

    @cached_property
    def speed(self) -> float:
        """Virtual seconds a real second, apart from jumps."""
        return self._told()[1]

    def seconds(self) -> float:
        """Return virtual seconds, for limits; they never go back, and jump when the clock does."""
        with self._lock:
            now = time.monotonic()
            seconds = self._seconds + (now - self._told_at) * self.speed if self._seconds else 0.0
            if not self._seconds or now - self._told_at > _ASK_AGAIN_S:
                seconds = max(seconds, self._told()[0].timestamp())
                self._told_at, self._seconds = now, seconds
            return seconds

    def sleep(self, seconds: float) -> None:
        """Wait so many virtual seconds."""
        time.sleep(seconds / max(1.0, self.speed))

    def close(self) -> None:
        """Close the connection; nobody may ask any more."""
        self._client.close()

    def _told(self) -> tuple[datetime, float]:
        try:
            told = self._client.get(self._url).raise_for_status().json()
            return datetime.fromisoformat(told["now"]).astimezone(UTC), float(told.get("speed", 1))
        except (httpx.HTTPError, ValueError, KeyError, TypeError) as exc:
            raise ConfigError(
                f"{VARIABLE}: no time from {self._url}: {exc}; unset it, or start the sandbox"
            ) from exc


def clock_of(environment: Mapping[str, str]) -> Simulated | None:
    """Return the simulated clock that the environment names, ``None`` for the real one."""
    url = environment.get(VARIABLE, "").strip()
    return Simulated(url) if url else None
