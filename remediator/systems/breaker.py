"""Stops asking a vendor that is down, and finds out with single calls when it is back.

Without it every page of every run would spend its tries and its waits on a host that does not answer, and
hit it with all of that at once when it returns.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from loguru import logger

from remediator.errors import TransientError, VendorError

OPENS_AFTER = 8
"""Failures in a row, over all calls and threads: two calls that used up their tries."""

FIRST_PAUSE_S = 30.0
LONGEST_PAUSE_S = 300.0
"""How long a vendor may be back before we notice; one call every five minutes is no burden to it."""

LOCAL = frozenset({"HELD_BACK", "DAILY_SHARE", "CIRCUIT_OPEN"})
"""Codes of our own that stand for no answer of the vendor's."""

_DOWN = frozenset({"NO_CONNECTION", "NO_ANSWER", "TIMEOUT", "408", "608", "611", "SERVER_UNAVAILABLE"})


class CircuitOpen(TransientError):
    """The vendor is down, so the call was not sent."""


class Breaker:
    """Counts failures in a row and refuses calls for a while after too many.

    After each pause one call goes through: if the vendor answers it, whatever it says, all may go again;
    if not, the next pause is twice as long, up to ``LONGEST_PAUSE_S``. Shared by all threads and clients of
    one subscription.

    Args:
        clock: monotonic seconds.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._failures = 0
        self._pause_s = 0.0
        self._until = 0.0
        self._probing = False

    @property
    def is_open(self) -> bool:
        """Whether the vendor counts as down."""
        return self._failures >= OPENS_AFTER

    @contextmanager
    def watch(self, what: str, system: str) -> Iterator[None]:
        """Let one call pass and learn from how it ends.

        Args:
            what: the call, for the message.
            system: whose.

        Raises:
            CircuitOpen: it was not sent.
        """
        probes = self._enter(what, system)
        answered: bool | None = None
        try:
            yield
            answered = True
        except VendorError as exc:
            answered = None if exc.code in LOCAL else not _is_down(exc)
            raise
        finally:
            self._leave(answered, probes=probes, system=system)

    def _enter(self, what: str, system: str) -> bool:
        """Return whether this call is the one that finds out; raises when it must not be sent."""
        with self._lock:
            if not self.is_open:
                return False
            wait_s = self._until - self._clock()
            if wait_s > 0 or self._probing:
                when = f"in {wait_s:.0f} s" if wait_s > 0 else "when the call under way has ended"
                raise CircuitOpen(
                    f"{system}: {what} was not sent: {self._failures} calls in a row got no good answer; it "
                    f"is asked again {when}",
                    code="CIRCUIT_OPEN",
                    system=system,
                )
            self._probing = True
            return True

    def _leave(self, answered: bool | None, *, probes: bool, system: str) -> None:
        with self._lock:
            if probes:
                self._probing = False
            if answered is None:
                return
            was_open = self.is_open
            if answered:
                self._failures, self._pause_s = 0, 0.0
                if was_open:
                    logger.bind(event="vendor_back", system=system).warning("{} answers again", system)
                return
            self._failures += 1
            # A call that was under way when the breaker opened says nothing new.
            if self.is_open and (probes or not was_open):
                self._pause_s = min(LONGEST_PAUSE_S, self._pause_s * 2 or FIRST_PAUSE_S)
                self._until = self._clock() + self._pause_s
                logger.bind(event="vendor_down", system=system, pause_s=self._pause_s).warning(
                    "{} is down; it is asked again in {:.0f} s", system, self._pause_s
                )


def _is_down(error: VendorError) -> bool:
    """Say whether an error means that nobody answers there, not that somebody said no."""
    code = error.code or ""
    server = code.isdigit() and len(code) == 3 and code.startswith("5")
    return isinstance(error, TransientError) and (server or code in _DOWN)
