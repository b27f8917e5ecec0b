"""What truly happened in the sandbox, for tests that do not take our own log's word."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping
from threading import Lock
from typing import Any

from remediator.sandbox.clock import VirtualClock


class Ledger:
    """An append-only list of everything that reached or changed either system.

    Kinds in use: ``request`` (every HTTP call, written by the server), ``write`` (one record changed:
    ``object``, ``id``, ``operation``, ``changes`` as ``{field: [before, after]}``), ``person_edit`` (alike),
    ``rollback``, ``sync_push``, ``sync_pull``, ``sync_refused``, ``fault``, ``trigger``, ``login``.
    """

    def __init__(self, clock: VirtualClock) -> None:
        self._clock = clock
        self._entries: list[dict[str, Any]] = []
        self._lock = Lock()

    def append(self, kind: str, *, system: str, actor: str, **details: Any) -> int:
        """Write one entry and return its ``seq``, which starts at 1 and has no gaps."""
        at = self._clock.now()
        with self._lock:
            seq = len(self._entries) + 1
            self._entries.append(
                {"seq": seq, "at": at, "kind": kind, "system": system, "actor": actor, **details}
            )
        return seq

    def entries(
        self,
        kind: str | None = None,
        system: str | None = None,
        actor: str | None = None,
        after: int = 0,
        limit: int | None = None,
    ) -> list[dict[str, Any]]:
        """Return the entries that match everything given, oldest first.

        Args:
            after: only entries with a greater ``seq``.
            limit: at most so many; ``None`` is all.
        """
        with self._lock:
            candidates = self._entries[bisect_right(self._entries, after, key=_seq) :]
        found: list[dict[str, Any]] = []
        for entry in candidates:
            if limit is not None and len(found) >= limit:
                break
            if (
                (kind is None or entry["kind"] == kind)
                and (system is None or entry["system"] == system)
                and (actor is None or entry["actor"] == actor)
            ):
                found.append(dict(entry))
        return found

    @property
    def last(self) -> int:
        """The newest ``seq``, 0 when nothing has happened yet."""
        with self._lock:
            return len(self._entries)


def _seq(entry: Mapping[str, Any]) -> int:
    return int(entry["seq"])
