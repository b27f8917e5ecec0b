"""All or none: what a transaction would take back, and what it would tell the ledger."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any


@dataclass(slots=True)
class Transaction:
    """The open transaction of an org; ledger entries wait in it until it ends.

    Attributes:
        undo: takes back each write, in order of writing.
        entries: keyword arguments for ``Ledger.append``.
        rolled_back: whether ``rollback`` was called.
    """

    undo: list[Callable[[], None]] = field(default_factory=list)
    entries: list[dict[str, Any]] = field(default_factory=list)
    rolled_back: bool = False

    def rollback(self) -> None:
        """Take everything back; the ledger learns of one ``rollback`` and of none of its writes."""
        writes = len(self.undo)
        actors = [entry["actor"] for entry in self.entries if entry["kind"] == "write"]
        while self.undo:
            self.undo.pop()()
        self.rolled_back = True
        self.entries = []
        if writes:
            self.entries.append(
                {
                    "kind": "rollback",
                    "system": "salesforce",
                    "actor": actors[0] if actors else "",
                    "writes": writes,
                }
            )
