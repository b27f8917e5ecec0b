"""Threads that each do one named piece of work; no name works twice at once."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from loguru import logger

from remediator.crashes import story
from remediator.errors import RemediatorError

Ended = Callable[[str, Exception | None], None]
"""Told when a piece of work has ended: its name, and the exception that ended it."""


class Crew:
    """Starts work in threads and knows what is under way.

    Args:
        ended: called in the worker's thread; must not raise.
    """

    def __init__(self, ended: Ended) -> None:
        self._ended = ended
        self._lock = threading.Lock()
        self._threads: dict[str, threading.Thread] = {}

    @property
    def busy(self) -> tuple[str, ...]:
        """Names of the work under way."""
        with self._lock:
            return tuple(self._threads)

    def start(self, name: str, work: Callable[[], object]) -> bool:
        """Start a piece of work; returns ``False`` when one of this name is under way."""
        with self._lock:
            if name in self._threads:
                return False
            # A daemon thread: a vendor that does not answer must not keep the process from leaving.
            thread = threading.Thread(target=self._run, args=(name, work), name=name, daemon=True)
            self._threads[name] = thread
        thread.start()
        return True

    def join(self, timeout_s: float) -> bool:
        """Wait for all work to end; returns whether it has."""
        until = time.monotonic() + timeout_s
        while True:
            with self._lock:
                threads = list(self._threads.values())
            if not threads:
                return True
            left = until - time.monotonic()
            if left <= 0:
                return False
            threads[0].join(left)

    def _run(self, name: str, work: Callable[[], object]) -> None:
        error: Exception | None = None
        try:
            work()
        except RemediatorError as exc:
            error = exc
        except Exception as exc:  # noqa: BLE001 - one campaign's bug must not end the others
            error = exc
            logger.bind(event="work_broke", work=name).error(
                "{} broke off; this is a bug\n{}", name, story(exc)
            )
        try:
            self._ended(name, error)
        finally:
            # Only now, so that nothing of this name is started before its end has been judged.
            with self._lock:
                del self._threads[name]
