"""Who hears of troubles and of what runs came to: the log always, the channels of the settings too."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection
from datetime import datetime
from typing import Protocol

from loguru import logger

from remediator.changes import ChangeState
from remediator.digests import digest_of
from remediator.errors import LimitReached, StoreError
from remediator.notify import OK, Notifier
from remediator.settings import Settings
from remediator.store import Store


class Teller(Protocol):
    """Hears of everything; no method raises."""

    def trouble(self, key: str, error: Exception | None, *, to: Collection[str] = ()) -> None:
        """Hear of a standing trouble, or with ``None`` that all is well.

        Args:
            key: what has the trouble: ``store``, ``config``, ``campaign:NAME`` ...
            to: names of channels; none is all.
        """
        ...

    def ran(self, run: int, *, halt: str = "", to: Collection[str] = ()) -> None:
        """Hear of a finished run.

        Args:
            halt: why it went no further.
            to: names of channels; none is all.
        """
        ...

    def close(self) -> None:
        """Send what is left."""
        ...


class Troubles:
    """What stands, so that a loop that looks every second tells of a trouble once, and once of its end."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._standing: dict[str, str | None] = {}

    def stand(self, teller: Teller, key: str, error: Exception, *, to: Collection[str] = ()) -> None:
        """Tell of a trouble unless it stands with these very words."""
        with self._lock:
            if self._standing.get(key) == str(error):
                return
            self._standing[key] = str(error)
        teller.trouble(key, error, to=to)

    def over(self, teller: Teller, key: str, *, to: Collection[str] = ()) -> None:
        """Tell that all is well, unless that was told."""
        with self._lock:
            # Also the first time: it may have been another process that told of a trouble.
            if self._standing.get(key, "") is None:
                return
            self._standing[key] = None
        teller.trouble(key, None, to=to)


class LogTeller:
    """Tells the log only."""

    def __init__(self) -> None:
        self._standing: set[str] = set()

    def trouble(self, key: str, error: Exception | None, *, to: Collection[str] = ()) -> None:  # noqa: ARG002 - the protocol's; the log is but one channel
        """Log a trouble and its end."""
        if error is not None:
            self._standing.add(key)
            logger.bind(event="trouble", about=key).error("{}", error)
        elif key in self._standing:
            self._standing.discard(key)
            logger.bind(event="trouble_over", about=key).warning("{} is well again", key)

    def ran(self, run: int, *, halt: str = "", to: Collection[str] = ()) -> None:
        """Say nothing: the run has said so itself."""

    def close(self) -> None:
        """Have nothing left."""


class NotifyingTeller(LogTeller):
    """Tells the log, and the channels that ``notify`` names."""

    def __init__(
        self, store: Store, settings: Settings, *, clock: Callable[[], datetime], threaded: bool
    ) -> None:
        super().__init__()
        self._store = store
        self._notifier = Notifier(
            store.running,
            settings.notify,
            clock=clock,
            connection=settings.connection,
            threaded=threaded,
        )

    def trouble(self, key: str, error: Exception | None, *, to: Collection[str] = ()) -> None:
        """Tell a change of state; a recovery also when it was another process that told the trouble."""
        super().trouble(key, error)
        if error is None:
            self._notifier.state(key, OK, to=to)
        else:
            state = "stopped" if isinstance(error, LimitReached) else "failing"
            self._notifier.state(key, state, error, to=to)

    def ran(self, run: int, *, halt: str = "", to: Collection[str] = ()) -> None:
        """Tell a digest."""
        if not self._notifier.channels:
            return
        try:
            found = self._store.run(run)
            waiting = self._store.tally().changes.get(ChangeState.PLANNED, 0)
            causes = self._store.causes()
        except StoreError as exc:
            logger.bind(event="digest_lost", run=run).warning("No digest of run {}: {}", run, exc)
            return
        if found is not None:
            self._notifier.digest(digest_of(found, causes, to_review=waiting, note=halt), to=to)

    def close(self) -> None:
        """Send what is left."""
        self._notifier.close()
