"""Static lists and who is on them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from remediator.sandbox.marketo.activities import ADD_TO_LIST, REMOVE_FROM_LIST, ActivityLog
from remediator.sandbox.marketo.fields import stamp

RESYNC_LIST = 3001


@dataclass(slots=True, kw_only=True)
class StaticList:
    """One list; ``members`` keeps the order people were added in."""

    id: int
    name: str
    created: datetime
    updated: datetime
    members: dict[int, None] = field(default_factory=dict)

    def as_row(self) -> dict[str, Any]:
        """Return the row of ``lists.json``."""
        return {
            "id": self.id,
            "name": self.name,
            "workspaceName": "Default",
            "createdAt": stamp(self.created),
            "updatedAt": stamp(self.updated),
        }

    def as_asset(self) -> dict[str, Any]:
        """Return the row of the asset API, whose timestamps end in ``Z+0000``."""
        return {
            "id": self.id,
            "name": self.name,
            "createdAt": f"{stamp(self.created)}+0000",
            "updatedAt": f"{stamp(self.updated)}+0000",
            "folder": {"id": 11, "type": "Folder"},
            "computedUrl": f"https://app.marketo.example/#ST{self.id}A1",
        }


class StaticLists:
    """All static lists of the instance; the list "remediator resync" is there from the start."""

    def __init__(self, now: Callable[[], datetime], log: ActivityLog) -> None:
        self._now = now
        self._log = log
        self._lists: dict[int, StaticList] = {}
        self._next_id = RESYNC_LIST
        self.create("remediator resync")

    def create(self, name: str) -> StaticList:
        """Add an empty list; the caller has made sure that the name is free."""
        moment = self._now()
        made = StaticList(id=self._next_id, name=name, created=moment, updated=moment)
        self._next_id += 1
        self._lists[made.id] = made
        return made

    def all(self) -> list[StaticList]:
        """Return the lists in id order."""
        return list(self._lists.values())

    def get(self, list_id: int) -> StaticList | None:
        """Return a list by id."""
        return self._lists.get(list_id)

    def by_name(self, name: str) -> StaticList | None:
        """Return a list by its exact name."""
        return next((found for found in self._lists.values() if found.name == name), None)

    def add(self, found: StaticList, lead_ids: Iterable[int]) -> None:
        """Put people on a list."""
        for lead_id in lead_ids:
            if lead_id not in found.members:
                found.members[lead_id] = None
                self._note(ADD_TO_LIST, found, lead_id)

    def remove(self, found: StaticList, lead_ids: Iterable[int]) -> None:
        """Take people off a list."""
        for lead_id in lead_ids:
            if lead_id in found.members:
                del found.members[lead_id]
                self._note(REMOVE_FROM_LIST, found, lead_id)

    def of(self, lead_id: int) -> list[StaticList]:
        """Return the lists that a person is on."""
        return [found for found in self._lists.values() if lead_id in found.members]

    def forget(self, lead_id: int) -> None:
        """Take a deleted person off every list, without activities."""
        for found in self._lists.values():
            found.members.pop(lead_id, None)

    def _note(self, type_id: int, found: StaticList, lead_id: int) -> None:
        self._log.add(
            lead_id,
            type_id,
            self._now(),
            primary_id=found.id,
            primary_value=found.name,
            attributes={"Source": "Web service API"},
        )
