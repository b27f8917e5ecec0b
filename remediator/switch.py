"""The kill switch: a file, a variable or a word in the store stops all writes, at most a second later.

Every write asks ``Switch.check`` right before it is sent. The answer is cached for a second, so that a batch
of calls does not turn into a batch of database reads; a store that cannot be asked stops writes too.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from remediator.errors import ConfigError, LimitReached
from remediator.store import Running

VARIABLE = "REMEDIATOR_KILL"
"""Set to anything but 0, no, false or off, this process writes nothing as long as it lives."""

WRITES = "writes"
"""What tellers call a stop."""

MAX_AGE_S = 1.0
_OFF = frozenset({"", "0", "no", "false", "off"})
_LONGEST_WORD = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Halt:
    """Why nothing is written, by whom, and what lets it go on."""

    why: str
    by: str
    resume: str


class Switch:
    """Says whether writes are stopped; safe to ask from every thread.

    Args:
        running: the store, where `pause` and `kill` leave their word for every host.
        file: stops writes by being there, also when the store is out of reach.
        environment: looked at for ``REMEDIATOR_KILL``.
        clock: monotonic seconds.
    """

    def __init__(
        self,
        running: Running,
        *,
        file: Path,
        environment: Mapping[str, str],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._running = running
        self._file = file
        self._variable = environment.get(VARIABLE, "").strip()
        self._clock = clock
        self._lock = threading.Lock()
        self._known: tuple[float, Halt | None] | None = None

    def check(self) -> None:
        """Raise ``LimitReached`` when writes are stopped; the gate of every write.

        Raises:
            StoreError: the store cannot say; nothing may be written then.
        """
        if (halt := self.halted()) is not None:
            raise LimitReached(
                f"writes are stopped by {halt.by}: {halt.why}. Nothing more is written, and what was begun "
                f"goes on from where it stands; {halt.resume}",
                limit="kill_switch",
            )

    def trouble(self) -> LimitReached | None:
        """Return what to tell people of a stop, ``None`` while writes may go on; raises ``StoreError``."""
        halt = self.halted()
        return None if halt is None else LimitReached(f"{halt.by}: {halt.why}", limit="kill_switch")

    def halted(self) -> Halt | None:
        """Return why writes are stopped, as of at most a second ago; raises ``StoreError``."""
        with self._lock:
            now = self._clock()
            if self._known is None or now - self._known[0] >= MAX_AGE_S:
                self._known = None
                self._known = (now, self._look())
            return self._known[1]

    def _look(self) -> Halt | None:
        if self._variable.lower() not in _OFF:
            return Halt(
                why=f"{VARIABLE} is set", by="the environment", resume=f"start again without {VARIABLE}"
            )
        if (halt := self._by_file()) is not None:
            return halt
        if (pause := self._running.paused()) is not None:
            return Halt(why=pause.why, by=pause.by, resume="to go on: remediator resume")
        return None

    def _by_file(self) -> Halt | None:
        try:
            text = self._file.read_text(encoding="utf-8", errors="replace")
        except FileNotFoundError:
            return None
        except OSError as exc:
            # A folder, or a file that this user may not read, has still been put there to stop us.
            text = exc.strerror or ""
        why = " ".join(text.split())[:_LONGEST_WORD]
        return Halt(
            why=why or "the file is there",
            by=f"the file {self._file}",
            resume="to go on: remediator resume, or remove the file",
        )


def pull(file: Path, why: str) -> None:
    """Put the kill file there; raises ``ConfigError`` when it cannot be written."""
    try:
        file.write_text(why + "\n", encoding="utf-8")
    except OSError as exc:
        raise ConfigError(
            f"{file}: cannot be written ({exc.strerror}), so no file stops anybody. Set daemon.kill_switch "
            "to a place that can be written; to stop writes by the store alone there is: remediator pause"
        ) from exc


def release(file: Path) -> bool:
    """Remove the kill file; returns whether it was there, raises ``ConfigError`` when it must stay."""
    try:
        file.unlink()
    except FileNotFoundError:
        return False
    except OSError as exc:
        raise ConfigError(f"{file}: cannot be removed ({exc.strerror}), so writes stay stopped") from exc
    return True
