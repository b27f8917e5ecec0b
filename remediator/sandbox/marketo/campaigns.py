"""Smart campaigns whose flow is one step: Sync Person to SFDC (marketo.md, section 5)."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from remediator.sandbox.marketo.fields import stamp
from remediator.sandbox.marketo.lists import RESYNC_LIST

SYNC_CAMPAIGN, BATCH_CAMPAIGN, INACTIVE_CAMPAIGN, ONCE_CAMPAIGN = 2001, 2002, 2003, 2004


@dataclass(slots=True, kw_only=True)
class SmartCampaign:
    """One smart campaign.

    Attributes:
        is_trigger: runs when requested; else it is a batch campaign over ``list_id``.
        qualification: ``any`` lets a person run it every time, ``once`` a single time ever.
        runs: when a batch campaign will run.
        seen: people who have run it.
    """

    id: int
    name: str
    is_trigger: bool
    active: bool
    created: datetime
    qualification: str = "any"
    list_id: int | None = None
    runs: list[datetime] = field(default_factory=list)
    has_run: bool = False
    seen: set[int] = field(default_factory=set)

    @property
    def status(self) -> str:
        """Marketo's word for its state."""
        if self.is_trigger:
            return "Requested" if self.active else "Inactive"
        return "Single Run" if self.runs or self.has_run else "Never Run"

    def qualifying(self, lead_ids: Iterable[int]) -> list[int]:
        """Return who may run it now, and remember them; the others are left out without a word."""
        ids = [lead_id for lead_id in lead_ids if self.qualification == "any" or lead_id not in self.seen]
        self.seen.update(ids)
        return ids

    def as_row(self) -> dict[str, Any]:
        """Return the row of ``campaigns.json``."""
        return {
            "id": self.id,
            "name": self.name,
            "description": "",
            "type": "trigger" if self.is_trigger else "batch",
            "programName": "Data Quality",
            "programId": 1001,
            "workspaceName": "Default",
            "createdAt": stamp(self.created),
            "updatedAt": stamp(self.created),
            "active": self.active,
        }

    def as_asset(self) -> dict[str, Any]:
        """Return the row of ``smartCampaigns.json``."""
        return {
            "id": self.id,
            "name": self.name,
            "description": "",
            "createdAt": f"{stamp(self.created)}+0000",
            "updatedAt": f"{stamp(self.created)}+0000",
            "folder": {"id": 1001, "type": "Program"},
            "status": self.status,
            "type": "Trigger" if self.is_trigger else "Batch",
            "isSystem": False,
            "isActive": self.active,
            "isRequestable": self.is_trigger,
            "isCommunicationLimitEnabled": False,
            "qualificationRuleType": self.qualification,
            "workspace": "Default",
            "smartListId": 5000 + self.id,
            "flowId": 6000 + self.id,
        }


class Campaigns:
    """All smart campaigns of the instance."""

    def __init__(self, now: Callable[[], datetime]) -> None:
        made = now()
        self._campaigns = {
            campaign.id: campaign
            for campaign in (
                SmartCampaign(
                    id=SYNC_CAMPAIGN, name="Sync Person to SFDC", is_trigger=True, active=True, created=made
                ),
                SmartCampaign(
                    id=BATCH_CAMPAIGN,
                    name="Sync List to SFDC",
                    is_trigger=False,
                    active=False,
                    created=made,
                    list_id=RESYNC_LIST,
                ),
                SmartCampaign(
                    id=INACTIVE_CAMPAIGN,
                    name="Sync Person to SFDC (switched off)",
                    is_trigger=True,
                    active=False,
                    created=made,
                ),
                SmartCampaign(
                    id=ONCE_CAMPAIGN,
                    name="Sync Person to SFDC once",
                    is_trigger=True,
                    active=True,
                    created=made,
                    qualification="once",
                ),
            )
        }

    def all(self) -> list[SmartCampaign]:
        """Return the campaigns in id order."""
        return list(self._campaigns.values())

    def get(self, campaign_id: int) -> SmartCampaign | None:
        """Return a campaign by id."""
        return self._campaigns.get(campaign_id)
