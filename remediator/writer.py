"""The right to write for a connection: a lease that a thread of its own renews while work goes on."""

from __future__ import annotations

import os
import secrets
import socket
import threading
import time
from collections.abc import Callable
from datetime import timedelta

from loguru import logger

from remediator.errors import LeaseLost, RemediatorError, StoreError
from remediator.store import Lease, Running

NAME = "writer"
"""One lease a connection: whoever has it scans, plans, writes and verifies by itself."""


def seconds() -> float:
    """Return seconds that never go back and also pass while the machine sleeps, where it can tell."""
    boottime = getattr(time, "CLOCK_BOOTTIME", None)
    return time.monotonic() if boottime is None else time.clock_gettime(boottime)


def holder_name() -> str:
    """Return who we are, for people and for telling two processes of one host apart."""
    return f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(2)}"


class Writer:
    """Holds the writer's lease until it is closed or lost; ``check`` is asked before every write.

    The lease counts as lost as soon as its time has passed here without a renewal, whatever the store may
    say: the first thing that a process does after it was stopped must not be a write.

    Args:
        ttl_s: how long the lease lasts without renewal; it is renewed three times as often.
        clock: real seconds, also where the rest runs on a virtual clock.

    Attributes:
        lease: with its fencing token.

    Raises:
        LeaseHeld: another process has it.
    """

    def __init__(
        self,
        running: Running,
        *,
        holder: str,
        ttl_s: float,
        clock: Callable[[], float] = seconds,
    ) -> None:
        self._running = running
        self._clock = clock
        self._ttl_s = ttl_s
        self._renewed = clock()
        self.lease: Lease = running.take_lease(NAME, holder=holder, ttl=timedelta(seconds=ttl_s))
        self._lost: str | None = None
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._beat, name="lease", daemon=True)
        self._thread.start()

    @property
    def lost(self) -> bool:
        """Whether another process may be writing by now."""
        return self._lost is not None or self._clock() - self._renewed >= self._ttl_s

    def check(self) -> None:
        """Raise ``LeaseLost`` unless the lease is certainly ours."""
        if self.lost:
            why = self._lost or f"it was not renewed for {self._ttl_s:g} s"
            raise LeaseLost(
                f"the lease '{NAME}' is no longer ours: {why}; nothing more is written by this process"
            )

    def close(self) -> None:
        """Stop renewing, and give the lease back so that the next process need not wait."""
        self._closing.set()
        self._thread.join()
        # A lease that ran out, and was renewed after all, would else count as ours again.
        self._lost = self._lost or "it was given back"
        try:
            self._running.release(self.lease)
        except StoreError as exc:
            logger.bind(event="lease_kept").warning("The lease runs out by itself: {}", exc)

    def _beat(self) -> None:
        while not self._closing.wait(self._ttl_s / 3):
            # Before the call: the store counts from when it was asked at the earliest.
            asked = self._clock()
            try:
                self._running.renew(self.lease)
                # Renewing a lease that ran out here but went to nobody is sound: the token is still ours.
                self._renewed = asked
            except LeaseLost as exc:
                self._lost = str(exc)
                logger.bind(event="lease_lost").warning("{}", exc)
                return
            except RemediatorError as exc:
                logger.bind(event="lease_not_renewed").warning("The lease was not renewed: {}", exc)
