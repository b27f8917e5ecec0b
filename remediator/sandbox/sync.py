"""The native sync between the fake Marketo and the fake Salesforce (marketo.md, section 7).

A cycle pulls what changed in Salesforce and then pushes linked people whose synced fields changed. A refused
record is tried again only after its next change or by the flow step Sync Person to SFDC.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from remediator.sandbox.clock import VirtualClock
from remediator.sandbox.ledger import Ledger
from remediator.sandbox.marketo.activities import SYNC_TO_SFDC, SYNC_UPDATES
from remediator.sandbox.marketo.fields import FIELDS, LEAD_SYNC, same, synced_with
from remediator.sandbox.marketo.instance import SYNC_SOURCE, Instance
from remediator.sandbox.sync_pull import Puller
from remediator.sandbox.sync_records import CycleReport, SyncStatusRow
from remediator.sandbox.sync_trail import Push, SyncTrail
from remediator.values import Value

if TYPE_CHECKING:
    from remediator.sandbox.salesforce.org import Org

HOUR = timedelta(hours=1)


@dataclass(slots=True, kw_only=True)
class SyncSettings:
    """How the sync behaves; change it while it runs.

    Attributes:
        records_per_hour: throughput per object, both directions together.
        retry_every_cycle: try refused records in every cycle; community reports differ on which is true.
        disabled: the global Disable Sync switch; the flow step still works.
    """

    records_per_hour: int = 10_000
    retry_every_cycle: bool = False
    disabled: bool = False


class NativeSync:
    """Runs cycles and the flow step, and keeps the rows of the admin tabs.

    Attributes:
        errors: rows of the Sync Errors tab, oldest first.
        statuses: rows of the Sync Status tab, oldest first.
        refused: ``{Marketo id: Refusal}`` of everybody who is out of step now.
        fail_job: reports a failed sync job in the Sync Errors tab.
    """

    def __init__(
        self,
        instance: Instance,
        org: Org,
        clock: VirtualClock,
        ledger: Ledger,
        *,
        settings: SyncSettings | None = None,
    ) -> None:
        self.settings = settings or SyncSettings()
        self._trail = SyncTrail(instance, org, clock, ledger)
        self.errors, self.statuses = self._trail.errors, self._trail.statuses
        self.refused, self.fail_job = self._trail.refused, self._trail.fail_job
        self._instance = instance
        self._org = org
        self._clock = clock
        self._spent: dict[str, deque[tuple[datetime, int]]] = {}
        self._puller = Puller(instance, org, clock, ledger)
        instance.sync_person = self.sync_person

    def run_cycle(self) -> CycleReport:
        """Pull, then push; returns what was done."""
        self._instance.tick()
        with self._instance.lock:
            report = CycleReport()
            if self.settings.disabled:
                return report
            self._pull(report)
            self._push_due(report)
            self._trail.close_cycle(report)
            return report

    def sync_person(self, ids: Sequence[int], campaign_id: int | None = None) -> None:
        """Run the flow step: update linked people now, create a Salesforce lead for the others."""
        with self._instance.lock:
            for lead_id in ids:
                lead = self._instance.leads.get(lead_id)
                if lead is None:
                    continue
                if not lead["sfdcId"] or lead["sfdcIsDeleted"]:
                    self._create(lead_id, campaign_id)
                    continue
                self._puller.pull_row(str(lead["sfdcType"]), str(lead["sfdcId"]))
                self._drop_settled([lead_id])
                # The pull may have merged this person away, or learned that the row is gone.
                now = self._instance.leads.get(lead_id)
                if now is not None and now["sfdcIsDeleted"]:
                    self._create(lead_id, campaign_id)
                elif now is not None:
                    self._update(lead_id, self._differing(lead_id), SYNC_TO_SFDC, campaign_id)

    def backlog(self) -> Mapping[str, int]:
        """Return how many records wait to be pushed, ``{object: number}``."""
        waiting = {"Lead": 0, "Contact": 0}
        for lead_id in self._instance.due:
            waiting[str(self._instance.leads[lead_id]["sfdcType"])] += 1
        return waiting

    def _pull(self, report: CycleReport) -> None:
        started = self._clock.now()
        room = {name: self._room(name) for name in ("Lead", "Contact", "Account")}
        counts, touched, waiting = self._puller.pull(room)
        report.waiting += waiting
        for name, count in counts.items():
            self._spend(name, count.new + count.updated + count.deleted)
            report.rows.append(
                SyncStatusRow(
                    object=name,
                    operation="Pull updates",
                    started=started,
                    ended=self._clock.now(),
                    new=count.new,
                    updated=count.updated,
                    deleted=count.deleted,
                    skipped=count.skipped,
                )
            )
        self._drop_settled(touched)

    def _push_due(self, report: CycleReport) -> None:
        if self.settings.retry_every_cycle:
            self._instance.due.update(dict.fromkeys(self._instance.pending))
        started = self._clock.now()
        rows = {
            name: SyncStatusRow(object=name, operation="Push updates", started=started, ended=started)
            for name in ("Lead", "Contact")
        }
        room = {name: self._room(name) for name in rows}
        for lead_id in list(self._instance.due):
            kind = str(self._instance.leads[lead_id]["sfdcType"])
            if room[kind] <= 0:
                report.waiting += 1
                continue
            room[kind] -= 1
            self._spend(kind, 1)
            if self._update(lead_id, list(self._instance.pending.get(lead_id, ())), SYNC_UPDATES):
                rows[kind].updated += 1
            else:
                rows[kind].failed += 1
        for row in rows.values():
            row.ended = self._clock.now()
        report.rows.extend(rows.values())

    def _update(
        self, lead_id: int, names: Sequence[str], activity: int, campaign_id: int | None = None
    ) -> bool:
        """Push some fields of a linked person; true when Salesforce took them or there were none."""
        self._instance.due.pop(lead_id, None)
        lead = self._instance.leads[lead_id]
        kind, record_id = str(lead["sfdcType"]), str(lead["sfdcId"])
        synced = synced_with(kind)
        values = {synced[name]: outgoing(name, lead[name]) for name in names if name in synced}
        push = Push(
            lead_id=lead_id,
            object=kind,
            record_id=record_id,
            activity=activity,
            fields=tuple(values),
            campaign_id=campaign_id,
        )
        if not values:
            self._instance.pending.pop(lead_id, None)
            self._trail.settled(push)
            return True
        outcome = self._org.update(kind, record_id, values, user=self._org.sync_user)
        if not outcome.success:
            self._trail.refuse(push, outcome.errors[0])
            return False
        self._instance.pending.pop(lead_id, None)
        self._trail.accepted(push, record_id)
        self._adopt(lead_id, kind, record_id, names)
        return True

    def _create(self, lead_id: int, campaign_id: int | None) -> None:
        """Make a Salesforce lead of a person and link the two."""
        lead = self._instance.leads[lead_id]
        values = {
            target: outgoing(name, lead[name])
            for name, target in LEAD_SYNC.items()
            if not same(lead[name], None)
        }
        push = Push(
            lead_id=lead_id,
            object="Lead",
            record_id=None,
            activity=SYNC_TO_SFDC,
            fields=tuple(values),
            campaign_id=campaign_id,
        )
        outcome = self._org.insert("Lead", values, user=self._org.sync_user)
        if not outcome.success:
            self._trail.refuse(push, outcome.errors[0])
            return
        record_id = str(outcome.id)
        link: dict[str, Value] = {
            "sfdcId": record_id,
            "sfdcType": "Lead",
            "sfdcLeadId": record_id,
            "sfdcContactId": None,
            "sfdcLeadOwnerId": (self._org.get("Lead", record_id) or {}).get("OwnerId"),
            "sfdcIsDeleted": False,
        }
        self._take(lead_id, link)
        self._trail.accepted(push, record_id)
        self._adopt(lead_id, "Lead", record_id, list(LEAD_SYNC))

    def _adopt(self, lead_id: int, kind: str, record_id: str, names: Sequence[str]) -> None:
        """Take back what Salesforce made of pushed values (picklist casing, a flow's edit)."""
        row = self._org.get(kind, record_id)
        if row is None:
            return
        synced, lead = synced_with(kind), self._instance.leads[lead_id]
        moved = {
            name: row.get(synced[name])
            for name in names
            if name in synced and not same(row.get(synced[name]), lead[name])
        }
        if moved:
            self._take(lead_id, moved)

    def _take(self, lead_id: int, values: Mapping[str, Value]) -> None:
        self._instance.change(lead_id, values, actor=self._trail.actor, source=SYNC_SOURCE, kind="sync_pull")

    def _differing(self, lead_id: int) -> list[str]:
        lead = self._instance.leads[lead_id]
        kind = str(lead["sfdcType"])
        row = self._org.get(kind, str(lead["sfdcId"])) or {}
        return [name for name, target in synced_with(kind).items() if not same(lead[name], row.get(target))]

    def _drop_settled(self, ids: Sequence[int]) -> None:
        """Forget refusals of people whom a pull has brought back into step."""
        for lead_id in ids:
            if not self._instance.pending.get(lead_id):
                self._instance.pending.pop(lead_id, None)
                self._instance.due.pop(lead_id, None)
                self.refused.pop(lead_id, None)

    def _room(self, name: str) -> int:
        """Return how many records of an object may still be synced in this hour."""
        spent, now = self._spent.setdefault(name, deque()), self._clock.now()
        while spent and now - spent[0][0] >= HOUR:
            spent.popleft()
        return self.settings.records_per_hour - sum(number for _, number in spent)

    def _spend(self, name: str, number: int) -> None:
        spent, now = self._spent.setdefault(name, deque()), self._clock.now()
        if number and spent and now - spent[-1][0] < timedelta(seconds=1):
            spent[-1] = (spent[-1][0], spent[-1][1] + number)
        elif number:
            spent.append((now, number))


def outgoing(name: str, value: Value) -> Value:
    """Return a Marketo value as the sync sends it to Salesforce."""
    if FIELDS[name].type == "boolean":
        return bool(value)
    return value
