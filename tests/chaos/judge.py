"""Judges what was written by the sandbox's ledger; our own store is only asked what it meant to do."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from remediator.changes import ChangeState, StoredChange
from remediator.model import CaseState, SystemName
from remediator.sandbox.server import Sandbox
from remediator.store import Store
from remediator.values import same_value

_SENT = frozenset({ChangeState.INTENDED, ChangeState.APPLIED, ChangeState.UNDONE})
_UNDER_WAY = frozenset({CaseState.APPLYING})
Place = tuple[str, str, str]
"""System, record and field."""


@dataclass(slots=True)
class Judge:
    """Compares the ledger with the store, from where the ledger stands when the judge is made.

    Attributes:
        sandbox: whose ledger is believed.
        one_clock: our clock is the sandbox's, so that times can be compared.
        matched: ``{change id: ledger position of its write}``.
    """

    sandbox: Sandbox
    one_clock: bool = True
    matched: dict[str, int] = field(default_factory=dict)
    _seen: int = field(init=False)

    def __post_init__(self) -> None:
        self._seen = self.sandbox.ledger.last

    @property
    def actors(self) -> frozenset[str]:
        """Whom we write as in both systems."""
        return frozenset((self.sandbox.instance.client_id, self.sandbox.org.bot.username))

    def writes(self, *, after: int = 0) -> list[dict[str, Any]]:
        """Return the ledger's writes by us, oldest first."""
        entries = self.sandbox.ledger.entries(kind="write", after=after)
        return [entry for entry in entries if entry["actor"] in self.actors]

    def look(self, store: Store) -> list[str]:
        """Return what the ledger's new entries show against promises 1, 2 and 3, one sentence each.

        Every write must be that of a change of its own, intended on record before, over the very value that
        its plan was made for.
        """
        writes = self.writes(after=self._seen)
        if not writes:
            return []
        # Not the ledger's newest entry: a late write that came in since is for the next look.
        self._seen = writes[-1]["seq"]
        intended = {entry.change: entry.at for entry in store.audit(event="change_intended")}
        changes = _by_place(store.changes(), intended)
        found: list[str] = []
        for entry in writes:
            if entry["operation"] != "update":
                found.append(f"a record was changed by {entry['operation']}: {entry}")
                continue
            for place, before, after in _edits(entry):
                stored = self._match(changes[place], before, after)
                if stored is not None:
                    self.matched[stored.change.id] = entry["seq"]
                    found += self._unannounced(stored, intended, entry)
                elif place[0] == SystemName.MARKETO or not _beside(entry, changes):
                    found.append(f"{place}: {before!r} became {after!r} by no change that was left to write")
        return found

    def _match(self, changes: Iterable[StoredChange], before: Any, after: Any) -> StoredChange | None:
        # Of several that would have written the very same, first those that are said to have been sent.
        for stored in sorted(changes, key=lambda stored: stored.state not in _SENT):
            change = stored.change
            if (
                change.id not in self.matched
                and same_value(change.before, before)
                and same_value(change.after, after)
            ):
                return stored
        return None

    def _unannounced(
        self, stored: StoredChange, intended: dict[str | None, datetime], entry: dict[str, Any]
    ) -> list[str]:
        at = intended.get(stored.change.id)
        if at is None or (self.one_clock and at > entry["at"]):
            return [f"{stored.change.id} was written at {entry['at']} with no intent on record before"]
        return []

    def unwritten(self, store: Store) -> list[str]:
        """Return the changes that the store calls written by us although the ledger has no such write.

        Where an answer was lost and somebody set the very same value before we looked, no one can tell.
        """
        others: defaultdict[Place, list[Any]] = defaultdict(list)
        for entry in self.sandbox.ledger.entries():
            if "changes" in entry and entry["actor"] not in self.actors:
                for place, _, after in _edits(entry):
                    others[place].append(after)
        return [
            f"{stored.change.id} is {stored.state}, and the ledger shows no such write"
            for stored in store.changes(states={ChangeState.APPLIED, ChangeState.UNDONE})
            if stored.intended_at is not None
            and stored.change.id not in self.matched
            and not any(same_value(after, stored.change.after) for after in others[_place(stored)])
        ]

    def unfinished(self, store: Store) -> list[str]:
        """Return what still hangs between intent and outcome, once everything should have come to rest."""
        hanging = [
            f"{stored.change.id} is still intended" for stored in store.changes(states={ChangeState.INTENDED})
        ]
        return hanging + [
            f"case {case.id} is still {case.state}" for case in store.cases() if case.state in _UNDER_WAY
        ]


def _by_place(
    changes: Iterable[StoredChange], intended: Collection[str | None]
) -> defaultdict[Place, list[StoredChange]]:
    found: defaultdict[Place, list[StoredChange]] = defaultdict(list)
    for stored in changes:
        if stored.change.id in intended or stored.state in _SENT:
            found[_place(stored)].append(stored)
    return found


def _place(stored: StoredChange) -> Place:
    change = stored.change
    return str(change.system), change.record_id, change.field


def _edits(entry: dict[str, Any]) -> list[tuple[Place, Any, Any]]:
    system, record = str(entry["system"]), str(entry["id"])
    return [((system, record, name), *pair) for name, pair in entry["changes"].items()]


def _beside(entry: dict[str, Any], changes: dict[Place, list[StoredChange]]) -> bool:
    """Say whether a change of ours stands in the same write: Salesforce derives further fields from it."""
    return any(place in changes for place, _, _ in _edits(entry))
