"""Writes down what became of every push, wherever Marketo shows it: tab, activity log, and our ledger."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

from remediator.sandbox.clock import VirtualClock
from remediator.sandbox.ledger import Ledger
from remediator.sandbox.marketo.activities import SYNC_TO_SFDC
from remediator.sandbox.marketo.instance import Instance
from remediator.sandbox.sync_records import KEPT, CycleReport, Refusal, SyncErrorRow, SyncStatusRow

if TYPE_CHECKING:
    from remediator.sandbox.salesforce.errors import SaveError
    from remediator.sandbox.salesforce.org import Org


@dataclass(frozen=True, slots=True, kw_only=True)
class Push:
    """One try to bring one person to Salesforce.

    Attributes:
        object: ``Lead`` or ``Contact``.
        record_id: ``None`` when the row is to be created.
        activity: type of the activity it leaves: of the flow step, or of the background sync.
        fields: Salesforce fields that are sent.
    """

    lead_id: int
    object: str
    record_id: str | None
    activity: int
    fields: tuple[str, ...]
    campaign_id: int | None = None

    @property
    def operation(self) -> str:
        """The word of the Sync Status tab."""
        return "Push new" if self.record_id is None else "Push updates"

    def details(self, text: str) -> str:
        """Return the text of the Sync Errors tab; a flow step wraps what Salesforce said."""
        if self.activity != SYNC_TO_SFDC:
            return text
        return f"Failed to {'create' if self.record_id is None else 'update'} SFDC {{{text}}}"


class SyncTrail:
    """The rows of the admin tabs and the list of people who are out of step.

    Attributes:
        errors: rows of the Sync Errors tab, oldest first.
        statuses: rows of the Sync Status tab, oldest first.
        refused: ``{Marketo id: Refusal}`` of everybody who is out of step now.
    """

    def __init__(self, instance: Instance, org: Org, clock: VirtualClock, ledger: Ledger) -> None:
        self.errors: deque[SyncErrorRow] = deque()
        self.statuses: deque[SyncStatusRow] = deque()
        self.refused: dict[int, Refusal] = {}
        self._instance = instance
        self._org = org
        self._clock = clock
        self._ledger = ledger

    @property
    def actor(self) -> str:
        """The sync user's name, as the ledger shows it."""
        return self._org.sync_user.username

    def accepted(self, push: Push, record_id: str) -> None:
        """Note that Salesforce took a push; ``record_id`` is the row it became."""
        self._ledger.append(
            "sync_push",
            system="salesforce",
            actor=self.actor,
            object=push.object,
            id=record_id,
            marketo_id=push.lead_id,
            operation=push.operation,
            fields=sorted(push.fields),
        )
        self.settled(push)

    def settled(self, push: Push) -> None:
        """Note that a person is in step, whether anything had to be sent or not."""
        self.refused.pop(push.lead_id, None)
        self._note_activity(push, "succeeded")

    def refuse(self, push: Push, error: SaveError) -> None:
        """Note a refusal everywhere it shows."""
        now = self._clock.now()
        self.errors.append(
            SyncErrorRow(
                failed_on=now,
                level="Record Level",
                details=push.details(f"{error.code}: {error.message}"),
                marketo_id=push.lead_id,
                salesforce_id=push.record_id,
                object=push.object,
                operation=push.operation,
            )
        )
        self.refused[push.lead_id] = Refusal(
            marketo_id=push.lead_id,
            salesforce_id=push.record_id,
            object=push.object,
            code=error.code,
            message=error.message,
            fields=tuple(error.fields),
            tried=push.fields,
            at=now,
        )
        self._ledger.append(
            "sync_refused",
            system="salesforce",
            actor=self.actor,
            object=push.object,
            id=push.record_id,
            marketo_id=push.lead_id,
            code=error.code,
            message=error.message,
            fields=list(error.fields),
        )
        self._note_activity(push, "failed")

    def fail_job(self, message: str) -> None:
        """Report a failed sync job, such as a lost login."""
        self.errors.append(SyncErrorRow(failed_on=self._clock.now(), level="Job Level", details=message))

    def close_cycle(self, report: CycleReport) -> None:
        """Add a cycle's status rows and forget what is older than five days."""
        self.statuses.extend(report.rows)
        oldest = self._clock.now() - KEPT
        while self.errors and self.errors[0].failed_on < oldest:
            self.errors.popleft()
        while self.statuses and self.statuses[0].started < oldest:
            self.statuses.popleft()

    def _note_activity(self, push: Push, result: str) -> None:
        lead = self._instance.leads[push.lead_id]
        self._instance.log.add(
            push.lead_id,
            push.activity,
            self._clock.now(),
            campaign_id=push.campaign_id,
            primary_id=push.lead_id,
            primary_value=f"{lead['firstName'] or ''} {lead['lastName'] or ''}".strip(),
            result=result,
        )
