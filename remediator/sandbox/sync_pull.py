"""The half of the native sync that brings Salesforce's changes to Marketo.

The ledger says which rows changed, the rows themselves say what they hold now.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from remediator.sandbox.clock import VirtualClock
from remediator.sandbox.ledger import Ledger
from remediator.sandbox.marketo.fields import ACCOUNT_SYNC, FIELDS, same, synced_with
from remediator.sandbox.marketo.instance import SYNC_SOURCE, Instance
from remediator.values import Value

if TYPE_CHECKING:
    from remediator.sandbox.salesforce.org import Org

PULLED = ("Lead", "Contact", "Account")
CHANGES = ("write", "person_edit")


@dataclass(slots=True)
class PullCount:
    """What pulling one object did to people in Marketo."""

    new: int = 0
    updated: int = 0
    deleted: int = 0
    skipped: int = 0


class Puller:
    """Takes Salesforce's changes over, with the conflict rules of marketo.md 7.2."""

    def __init__(self, instance: Instance, org: Org, clock: VirtualClock, ledger: Ledger) -> None:
        self._instance = instance
        self._org = org
        self._clock = clock
        self._ledger = ledger
        self._read_to = ledger.last
        self._last_pull = clock.now()
        self._waiting: dict[tuple[str, str], None] = {}

    def pull(self, room: Mapping[str, int]) -> tuple[dict[str, PullCount], list[int], int]:
        """Take over what changed since the last pull.

        Args:
            room: ``{object: most records}``; the surplus waits for the next pull.

        Returns:
            ``({object: counts}, ids of the people that were looked at, rows left waiting)``.
        """
        self._collect()
        counts: dict[str, PullCount] = defaultdict(PullCount)
        done: Counter[str] = Counter()
        touched: list[int] = []
        for name, record_id in list(self._waiting):
            if done[name] >= room.get(name, 0):
                continue
            del self._waiting[name, record_id]
            if name == "Account":
                outcome, ids = self._account(record_id)
            else:
                outcome, ids = self.pull_row(name, record_id)
            touched += ids
            done[name] += outcome != "skipped"
            setattr(counts[name], outcome, getattr(counts[name], outcome) + 1)
        self._last_pull = self._clock.now()
        return dict(counts), touched, len(self._waiting)

    def pull_row(self, name: str, record_id: str) -> tuple[str, list[int]]:
        """Take over one lead or contact; returns ``(PullCount attribute, ids of the people concerned)``."""
        row = self._org.get(name, record_id)
        lead_id = self._instance.by_sfdc_id(record_id)
        if row is None:
            return "skipped", []
        if lead_id is None:
            return self._new(name, record_id, row)
        if name == "Lead" and row.get("IsConverted"):
            return self._converted(lead_id, row)
        if row.get("IsDeleted"):
            return self._deleted(lead_id, row)
        return self._updated(lead_id, name, row)

    def _collect(self) -> None:
        last = self._ledger.last
        for entry in self._ledger.entries(system="salesforce", after=self._read_to):
            if entry["seq"] > last or entry["kind"] not in CHANGES or entry["object"] not in PULLED:
                continue
            self._waiting[entry["object"], entry["id"]] = None
        self._read_to = last

    def _updated(self, lead_id: int, name: str, row: Mapping[str, Any]) -> tuple[str, list[int]]:
        lead = self._instance.leads[lead_id]
        pending = self._instance.pending.get(lead_id, {})
        taken: dict[str, Value] = {}
        for field, target in synced_with(name).items():
            theirs = row.get(target)
            waiting = pending.get(field)
            if waiting is None:
                if not same(theirs, lead[field]):
                    taken[field] = theirs
                continue
            if same(theirs, lead[field]):
                del pending[field]
            elif not same(theirs, waiting.base):
                # Both sides changed. Within one cycle Marketo wins on a lead and Salesforce on a contact;
                # a Marketo value refused in an earlier cycle is older than what Salesforce has now.
                if name == "Lead" and waiting.at > self._last_pull:
                    continue
                del pending[field]
                taken[field] = theirs
        taken |= self._links(lead, name, row)
        if not taken:
            return "skipped", [lead_id]
        self._change(lead_id, taken)
        return "updated", [lead_id]

    @staticmethod
    def _links(lead: Mapping[str, Value], name: str, row: Mapping[str, Any]) -> dict[str, Value]:
        links: dict[str, Value] = {"sfdcAccountId": row.get("AccountId")} if name == "Contact" else {}
        links["sfdcLeadOwnerId"] = row.get("OwnerId")
        return {field: value for field, value in links.items() if not same(lead[field], value)}

    def _new(self, name: str, record_id: str, row: Mapping[str, Any]) -> tuple[str, list[int]]:
        if row.get("IsDeleted") or row.get("IsConverted"):
            return "skipped", []
        values: dict[str, Value] = {
            field: row.get(target)
            for field, target in synced_with(name).items()
            if row.get(target) is not None
        }
        values |= {"sfdcId": record_id, "sfdcType": name}
        if name == "Contact":
            values["sfdcAccountId"] = row.get("AccountId")
        return "new", [self._instance.create(values, actor="sfdc-sync", source=SYNC_SOURCE)]

    def _deleted(self, lead_id: int, row: Mapping[str, Any]) -> tuple[str, list[int]]:
        if self._instance.leads[lead_id]["sfdcIsDeleted"]:
            return "skipped", [lead_id]
        master = row.get("MasterRecordId")
        if master:
            winner = self._instance.by_sfdc_id(str(master))
            if winner is not None:
                self._merge(winner, lead_id)
                return "deleted", [winner, lead_id]
            self._change(lead_id, {"sfdcId": str(master)})
            return "updated", [lead_id]
        self._instance.pending.pop(lead_id, None)
        self._change(lead_id, {"sfdcIsDeleted": True})
        return "deleted", [lead_id]

    def _converted(self, lead_id: int, row: Mapping[str, Any]) -> tuple[str, list[int]]:
        contact_id = row.get("ConvertedContactId")
        if not contact_id:
            return "skipped", [lead_id]
        twin = self._instance.by_sfdc_id(str(contact_id))
        if twin is not None and twin != lead_id:
            self._merge(twin, lead_id)
            return "deleted", [twin, lead_id]
        self._change(
            lead_id,
            {
                "sfdcId": str(contact_id),
                "sfdcType": "Contact",
                "sfdcContactId": str(contact_id),
                "sfdcAccountId": row.get("ConvertedAccountId"),
            },
        )
        return "updated", [lead_id]

    def _merge(self, winner: int, loser: int) -> None:
        kept, lost = self._instance.leads[winner], self._instance.leads[loser]
        blanks = {
            name: lost[name]
            for name, field in FIELDS.items()
            if field.updateable and same(kept[name], None) and not same(lost[name], None)
        }
        self._instance.delete(loser, actor="sfdc-sync")
        # What fills a blank is new to Salesforce: without this the next pull would blank it again.
        self._instance.touch(winner, self._change(winner, blanks))

    def _account(self, record_id: str) -> tuple[str, list[int]]:
        row = self._org.get("Account", record_id)
        if row is None or row.get("IsDeleted"):
            return "skipped", []
        changed: list[int] = []
        for lead_id, lead in list(self._instance.leads.items()):
            if lead["sfdcAccountId"] != record_id or lead["sfdcType"] != "Contact":
                continue
            moved = {
                name: row.get(target)
                for name, target in ACCOUNT_SYNC.items()
                if not same(lead[name], row.get(target))
            }
            if moved:
                self._change(lead_id, moved)
                changed.append(lead_id)
        return ("updated" if changed else "skipped"), []

    def _change(self, lead_id: int, values: Mapping[str, Value]) -> dict[str, list[Value]]:
        return self._instance.change(lead_id, values, actor="sfdc-sync", source=SYNC_SOURCE, kind="sync_pull")
