"""One Marketo instance in memory: people, lists, campaigns, the activity log and what waits for the sync."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from heapq import heappop, heappush
from itertools import count
from threading import RLock
from typing import Any, Protocol

from remediator.sandbox.clock import VirtualClock
from remediator.sandbox.ledger import Ledger
from remediator.sandbox.marketo import activities
from remediator.sandbox.marketo.activities import ActivityLog
from remediator.sandbox.marketo.auth import Tokens
from remediator.sandbox.marketo.campaigns import Campaigns
from remediator.sandbox.marketo.fields import FIELDS, checked, same, stamp, synced_with
from remediator.sandbox.marketo.limits import Limits
from remediator.sandbox.marketo.lists import StaticLists
from remediator.sandbox.marketo.settings import InstanceSettings
from remediator.values import Value

API_SOURCE, PERSON_SOURCE, SYNC_SOURCE = "Web service API", "Marketo Flow Action", "SFDC Sync"


class SalesforceRows(Protocol):
    """The one thing the instance asks of the org."""

    def get(self, object_name: str, record_id: str, /) -> Mapping[str, Any] | None:
        """Return a whole row."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Unsynced:
    """A synced value that Salesforce has not accepted yet.

    Attributes:
        at: when it changed last.
        base: what both sides held before, as far as the sync knows; another value in Salesforce means that
            it changed there too.
    """

    at: datetime
    base: Value


class Instance:
    """The lead database and all that hangs on it.

    Attributes:
        pending: ``{Marketo id: {field: ...}}``: synced values of linked people that Salesforce lacks.
        sync_person: the flow step, ``(ids, campaign id)``; the native sync puts itself here.
        due: ids that the next sync cycle tries; a refused one leaves it until its next change.
        lock: held by every call that reads or changes more than one thing.
    """

    def __init__(
        self,
        clock: VirtualClock,
        ledger: Ledger,
        org: SalesforceRows,
        *,
        settings: InstanceSettings | None = None,
    ) -> None:
        self.clock = clock
        self.ledger = ledger
        self.org = org
        self.settings = settings or InstanceSettings()
        self.lock = RLock()
        self.leads: dict[int, dict[str, Value]] = {}
        self.log = ActivityLog()
        self.pending: dict[int, dict[str, Unsynced]] = {}
        self.due: dict[int, None] = {}
        self._by_email: dict[str, dict[int, None]] = {}
        self._by_sfdc_id: dict[str, int] = {}
        self.tokens = Tokens(clock)
        self.limits = Limits(clock, self.settings)
        self.lists = StaticLists(clock.now, self.log)
        self.campaigns = Campaigns(clock.now)
        self.sync_person: Callable[[Sequence[int], int | None], None] | None = None
        self._agenda: list[tuple[datetime, int, Callable[[], None]]] = []
        self._next_id = 1
        self._tickets = count()

    @property
    def munchkin_id(self) -> str:
        """The instance's name in its host name."""
        return self.settings.munchkin_id

    @property
    def client_id(self) -> str:
        """The first custom service."""
        return next(iter(self.settings.clients))

    @property
    def client_secret(self) -> str:
        """The first custom service's secret."""
        return self.settings.clients[self.client_id]

    def load(self, rows: Iterable[Mapping[str, Value]]) -> list[int]:
        """Take people in as they are, without checks or activities, and return their ids.

        Load the org first: synced fields that the row of a linked person does not name are taken from
        Salesforce, and named ones that differ are left for the next cycle to push.
        """
        now = self.clock.now()
        ids: list[int] = []
        with self.lock:
            for row in rows:
                lead = {**_blank(now), **row}
                number = int(str(lead["id"] or self._next_id))
                lead["id"] = number
                self._next_id = max(self._next_id, number + 1)
                self._link_columns(lead)
                if lead["sfdcId"]:
                    self._compare(lead, row, now)
                self.leads[number] = lead
                self._index(lead)
                ids.append(number)
        return ids

    def get(self, lead_id: int) -> dict[str, Value] | None:
        """Return everything about a person, or ``None``."""
        with self.lock:
            lead = self.leads.get(lead_id)
            return None if lead is None else dict(lead)

    def edit(self, lead_id: int, values: Mapping[str, Value], by: str = "person") -> dict[str, list[Value]]:
        """Change a person as a Marketo user would; returns ``{field: [before, after]}``.

        Raises:
            KeyError: no such person or field.
        """
        with self.lock:
            clean = {name: checked(FIELDS[name], value) for name, value in values.items()}
            return self.change(lead_id, clean, actor=by, source=PERSON_SOURCE, kind="person_edit")

    def create(self, values: Mapping[str, Value], *, actor: str, source: str = API_SOURCE) -> int:
        """Add a person and return the id."""
        with self.lock:
            number = self._next_id
            self._next_id += 1
            now = self.clock.now()
            lead = {**_blank(now), **values, "id": number}
            self._link_columns(lead)
            self.leads[number] = lead
            self._index(lead)
            self.ledger.append(
                "write",
                system="marketo",
                actor=actor,
                object="Lead",
                id=number,
                operation="create",
                changes={name: [None, value] for name, value in values.items() if value is not None},
            )
            attributes = {"Source": source, "Reason": source, "Created Date": now.date().isoformat()}
            self.log.add(number, activities.NEW_LEAD, now, attributes=attributes)
            return number

    def change(
        self,
        lead_id: int,
        values: Mapping[str, Value],
        *,
        actor: str,
        source: str,
        kind: str = "write",
    ) -> dict[str, list[Value]]:
        """Write checked values; returns the real changes as ``{field: [before, after]}``.

        Every real change becomes one Change Data Value activity; changes that did not come from Salesforce
        make a linked person due for the next cycle.
        """
        with self.lock:
            lead = self.leads[lead_id]
            blocked = self.settings.block_updates if source == API_SOURCE else frozenset()
            changes = {
                name: [lead.get(name), value]
                for name, value in values.items()
                if name not in blocked and not same(lead.get(name), value)
            }
            if not changes:
                return {}
            now = self.clock.now()
            self.ledger.append(
                kind,
                system="marketo",
                actor=actor,
                object="Lead",
                id=lead_id,
                operation="update",
                changes=changes,
            )
            self._unindex(lead)
            for name, (before, after) in changes.items():
                lead[name] = after
                self._log_change(lead_id, name, before, after, source, now)
            lead["updatedAt"] = stamp(now)
            self._index(lead)
            if source != SYNC_SOURCE:
                self.touch(lead_id, changes)
            return changes

    def delete(self, lead_id: int, *, actor: str) -> None:
        """Remove a person for good."""
        with self.lock:
            lead = self.leads.pop(lead_id)
            self._unindex(lead)
            self.lists.forget(lead_id)
            self.pending.pop(lead_id, None)
            self.due.pop(lead_id, None)
            self.ledger.append(
                "write",
                system="marketo",
                actor=actor,
                object="Lead",
                id=lead_id,
                operation="delete",
                changes={},
            )
            name = f"{lead.get('firstName') or ''} {lead.get('lastName') or ''}".strip()
            self.log.add(
                lead_id, activities.DELETE_LEAD, self.clock.now(), primary_id=lead_id, primary_value=name
            )

    def touch(self, lead_id: int, changes: Mapping[str, Sequence[Value]]) -> None:
        """Leave changed synced fields, ``{field: [before, after]}``, for the next cycle to push."""
        lead = self.leads[lead_id]
        synced = synced_with(lead["sfdcType"])
        now = self.clock.now()
        for name, (before, _) in changes.items():
            if not lead["sfdcId"] or lead["sfdcIsDeleted"] or name not in synced:
                continue
            waiting = self.pending.setdefault(lead_id, {})
            base = waiting[name].base if name in waiting else before
            waiting[name] = Unsynced(at=now, base=base)
            self.due[lead_id] = None

    def find(self, field_name: str, values: Iterable[str]) -> list[int]:
        """Return the ids of people whose field equals one of the values, case-insensitively, in id order."""
        wanted = {value.strip().lower() for value in values}
        with self.lock:
            match field_name:
                case "id":
                    found = {int(value) for value in wanted if value.isdigit() and int(value) in self.leads}
                case "email":
                    found = {number for value in wanted for number in self._by_email.get(value, ())}
                case _:
                    found = {
                        number
                        for number, lead in self.leads.items()
                        if lead.get(field_name) is not None and str(lead[field_name]).lower() in wanted
                    }
            return sorted(found)

    def by_sfdc_id(self, record_id: str) -> int | None:
        """Return the person linked to a Salesforce lead or contact."""
        return self._by_sfdc_id.get(record_id)

    def at(self, moment: datetime, work: Callable[[], None]) -> None:
        """Do something when the virtual clock reaches a moment."""
        with self.lock:
            heappush(self._agenda, (moment, next(self._tickets), work))

    def next_work(self) -> datetime | None:
        """Return when the next piece of work falls due, ``None`` when nothing waits."""
        with self.lock:
            return self._agenda[0][0] if self._agenda else None

    def tick(self) -> None:
        """Do all work that has fallen due."""
        with self.lock:
            now = self.clock.now()
            while self._agenda and self._agenda[0][0] <= now:
                heappop(self._agenda)[2]()

    def _log_change(
        self, lead_id: int, name: str, before: Value, after: Value, source: str, now: datetime
    ) -> None:
        field_ = FIELDS[name]
        self.log.add(
            lead_id,
            activities.CHANGE_VALUE,
            now,
            primary_id=field_.id,
            primary_value=field_.label,
            attributes={"Source": source, "Reason": source, "New Value": after, "Old Value": before},
            change=(field_.id, name, before, after),
        )

    def _compare(self, lead: dict[str, Value], given: Mapping[str, Value], now: datetime) -> None:
        """Fill a linked person from the Salesforce row and leave what differs for the next cycle."""
        kind = str(lead["sfdcType"] or "Lead")
        row = self.org.get(kind, str(lead["sfdcId"]))
        if row is None:
            return
        lead["sfdcLeadOwnerId"] = lead["sfdcLeadOwnerId"] or row.get("OwnerId")
        if kind == "Contact":
            lead["sfdcAccountId"] = lead["sfdcAccountId"] or row.get("AccountId")
        different: dict[str, Unsynced] = {}
        for name, target in synced_with(kind).items():
            if name not in given:
                lead[name] = row.get(target)
            elif not same(lead[name], row.get(target)):
                different[name] = Unsynced(at=now, base=row.get(target))
        if different:
            number = int(str(lead["id"]))
            self.pending[number] = different
            self.due[number] = None

    @staticmethod
    def _link_columns(lead: dict[str, Value]) -> None:
        if lead.get("sfdcId"):
            lead["sfdcType"] = lead.get("sfdcType") or "Lead"
            lead[f"sfdc{lead['sfdcType']}Id"] = lead["sfdcId"]

    def _index(self, lead: Mapping[str, Value]) -> None:
        number = int(str(lead["id"]))
        if lead["email"]:
            self._by_email.setdefault(str(lead["email"]).strip().lower(), {})[number] = None
        if lead["sfdcId"]:
            self._by_sfdc_id[str(lead["sfdcId"])] = number

    def _unindex(self, lead: Mapping[str, Value]) -> None:
        number = int(str(lead["id"]))
        if lead["email"]:
            self._by_email.get(str(lead["email"]).strip().lower(), {}).pop(number, None)
        if lead["sfdcId"]:
            self._by_sfdc_id.pop(str(lead["sfdcId"]), None)


def _blank(now: datetime) -> dict[str, Value]:
    lead: dict[str, Value] = dict.fromkeys(FIELDS)
    lead["createdAt"] = lead["updatedAt"] = stamp(now)
    lead["leadPartitionId"] = 1
    lead["unsubscribed"] = lead["emailInvalid"] = lead["sfdcIsDeleted"] = False
    return lead
