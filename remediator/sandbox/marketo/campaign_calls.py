"""The endpoints of smart campaigns: browse, request, schedule, switch on and off (marketo.md 5.1)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from remediator.sandbox.marketo.activities import REQUEST_CAMPAIGN
from remediator.sandbox.marketo.activity_calls import moment
from remediator.sandbox.marketo.campaigns import SmartCampaign
from remediator.sandbox.marketo.envelope import ApiError, Call, Reply
from remediator.sandbox.marketo.instance import API_SOURCE, Instance
from remediator.sandbox.marketo.paging import page_of

MOST_LEADS, MOST_TOKENS = 100, 100
SOONEST, LATEST = timedelta(minutes=5), timedelta(days=730)
NOTHING = "No assets found for the given search criteria."


def handlers(instance: Instance) -> list[tuple[str, str, Callable[[Call], Reply]]]:
    """Return ``(verb, path, handler)`` of every campaign endpoint."""
    calls = _CampaignCalls(instance)
    asset = "/rest/asset/v1/smartCampaign"
    return [
        ("GET", "/rest/v1/campaigns.json", calls.browse),
        ("GET", "/rest/v1/campaigns/{id:int}.json", calls.one),
        ("POST", "/rest/v1/campaigns/{id:int}/trigger.json", calls.trigger),
        ("POST", "/rest/v1/campaigns/{id:int}/schedule.json", calls.schedule),
        ("GET", f"{asset}s.json", calls.assets),
        ("GET", f"{asset}/byName.json", calls.by_name),
        ("GET", f"{asset}/{{id:int}}.json", calls.asset),
        ("POST", f"{asset}/{{id:int}}/activate.json", lambda call: calls.switch(call, active=True)),
        ("POST", f"{asset}/{{id:int}}/deactivate.json", lambda call: calls.switch(call, active=False)),
    ]


class _CampaignCalls:
    def __init__(self, instance: Instance) -> None:
        self._instance = instance

    def browse(self, call: Call) -> Reply:
        ids, names, triggerable = call.names("id"), call.params.get("name", ()), call.param("isTriggerable")
        rows = [
            campaign.as_row()
            for campaign in self._instance.campaigns.all()
            if (not ids or str(campaign.id) in ids)
            and (not names or campaign.name in names)
            and (triggerable is None or campaign.is_trigger == (triggerable.lower() in ("true", "1")))
        ]
        return page_of(call, rows)

    def one(self, call: Call) -> Reply:
        return Reply(result=[self._campaign(call).as_row()])

    def trigger(self, call: Call) -> Reply:
        campaign = self._campaign(call)
        given = _input(call)
        leads, tokens = given.get("leads"), given.get("tokens") or []
        if not isinstance(leads, list) or not leads:
            raise ApiError("1002", "Required parameter 'leads' is missing")
        if len(leads) > MOST_LEADS:
            raise ApiError("1003", f"Number of leads exceeds the limit of {MOST_LEADS}")
        if len(tokens) > MOST_TOKENS:
            raise ApiError("1003", f"Number of tokens exceeds the limit of {MOST_TOKENS}")
        if not campaign.is_trigger:
            raise ApiError("1003", f"Campaign {campaign.id} is not a trigger campaign")
        if not campaign.active:
            raise ApiError("1003", f"Campaign {campaign.id} is not active")
        ids = [self._known(row) for row in leads]
        self._instance.ledger.append(
            "trigger", system="marketo", actor=call.client, campaign=campaign.id, ids=ids, way="trigger"
        )
        self._run_soon(campaign, ids)
        return Reply(result=[{"id": campaign.id}])

    def schedule(self, call: Call) -> Reply:
        campaign = self._campaign(call)
        if campaign.is_trigger:
            raise ApiError("1003", f"Campaign {campaign.id} is not a batch campaign")
        given = _input(call) if call.body is not None else {}
        now = self._instance.clock.now()
        run_at = moment(given["runAt"]) if given.get("runAt") else now + SOONEST
        if run_at > now + LATEST:
            raise ApiError("1042", "Invalid runAt date: more than 2 years ahead")
        run_at = max(run_at, now + SOONEST)
        campaign.runs.append(run_at)
        self._instance.ledger.append(
            "trigger",
            system="marketo",
            actor=call.client,
            campaign=campaign.id,
            run_at=run_at,
            way="schedule",
        )
        self._instance.at(run_at, lambda: self._run_batch(campaign))
        return Reply(result=[{"id": campaign.id}])

    def assets(self, call: Call) -> Reply:
        most = min(max(call.whole("maxReturn", 20), 1), 200)
        start = call.whole("offset")
        wanted = call.param("isActive")
        rows = [
            campaign.as_asset()
            for campaign in self._instance.campaigns.all()
            if wanted is None or campaign.active == (wanted.lower() in ("true", "1"))
        ][start : start + most]
        return Reply(result=rows) if rows else Reply(warnings=[NOTHING])

    def asset(self, call: Call) -> Reply:
        campaign = self._instance.campaigns.get(call.path["id"])
        return Reply(warnings=[NOTHING]) if campaign is None else Reply(result=[campaign.as_asset()])

    def by_name(self, call: Call) -> Reply:
        name = call.required("name")
        rows = [found.as_asset() for found in self._instance.campaigns.all() if found.name == name]
        return Reply(result=rows) if rows else Reply(warnings=[NOTHING])

    def switch(self, call: Call, *, active: bool) -> Reply:
        campaign = self._campaign(call)
        if not campaign.is_trigger:
            raise ApiError("709", "Only trigger campaigns can be activated or deactivated")
        campaign.active = active
        return Reply(result=[{"id": campaign.id}])

    def _run_soon(self, campaign: SmartCampaign, ids: list[int]) -> None:
        delay = self._instance.settings.campaign_delay
        if delay:
            self._instance.at(self._instance.clock.now() + delay, lambda: self._run(campaign, ids))
        else:
            self._run(campaign, ids)

    def _run_batch(self, campaign: SmartCampaign) -> None:
        campaign.runs.pop(0)
        campaign.has_run = True
        found = self._instance.lists.get(campaign.list_id or 0)
        self._run(campaign, list(found.members) if found else [])

    def _run(self, campaign: SmartCampaign, ids: list[int]) -> None:
        still_there = [lead_id for lead_id in campaign.qualifying(ids) if lead_id in self._instance.leads]
        for lead_id in still_there:
            self._instance.log.add(
                lead_id,
                REQUEST_CAMPAIGN,
                self._instance.clock.now(),
                campaign_id=campaign.id,
                primary_id=campaign.id,
                primary_value=campaign.name,
                attributes={"Source": API_SOURCE},
            )
        if self._instance.sync_person is not None:
            self._instance.sync_person(still_there, campaign.id)

    def _known(self, row: Any) -> int:
        try:
            lead_id = int(row["id"])
        except (TypeError, KeyError, ValueError) as exc:
            raise ApiError("1001", "Invalid value for 'id'. Required of type 'integer'") from exc
        if lead_id not in self._instance.leads:
            raise ApiError("1004", f"Lead '{lead_id}' not found")
        return lead_id

    def _campaign(self, call: Call) -> SmartCampaign:
        campaign = self._instance.campaigns.get(call.path["id"])
        if campaign is None:
            raise ApiError("1013", f"Campaign not found: {call.path['id']}")
        return campaign


def _input(call: Call) -> dict[str, Any]:
    given = call.body.get("input") if isinstance(call.body, dict) else None
    if not isinstance(given, dict):
        raise ApiError("1002", "Required parameter 'input' is missing")
    return given
