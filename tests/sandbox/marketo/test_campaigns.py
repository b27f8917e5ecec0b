"""Smart campaigns and static lists (marketo.md, section 5)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from remediator.sandbox.marketo.campaigns import (
    BATCH_CAMPAIGN,
    INACTIVE_CAMPAIGN,
    ONCE_CAMPAIGN,
    SYNC_CAMPAIGN,
)
from remediator.sandbox.marketo.lists import RESYNC_LIST
from remediator.sandbox.server import Sandbox
from tests.sandbox.marketo.conftest import Api, code, reason


def trigger(api: Api, campaign: int, ids: list[int]) -> Any:
    body = {"input": {"leads": [{"id": lead_id} for lead_id in ids]}}
    return api.post(f"/rest/v1/campaigns/{campaign}/trigger.json", body)


@pytest.fixture
def person(sandbox: Sandbox) -> int:
    row = {"lastName": "Ray", "company": "Acme", "leadType": "Inbound"}
    return int(sandbox.instance.load([row])[0])


def test_a_trigger_call_runs_the_flow_step_and_answers_with_the_campaign(
    api: Api, sandbox: Sandbox, person: int
) -> None:
    assert trigger(api, SYNC_CAMPAIGN, [person])["result"] == [{"id": SYNC_CAMPAIGN}]
    assert sandbox.instance.get(person)["sfdcType"] == "Lead"


def test_a_refused_flow_step_is_not_visible_in_the_answer(api: Api, sandbox: Sandbox) -> None:
    (lead_id,) = sandbox.instance.load([{"lastName": "Ray", "company": "Acme"}])
    assert trigger(api, SYNC_CAMPAIGN, [lead_id])["success"]
    assert sandbox.sync.refused[lead_id].code == "REQUIRED_FIELD_MISSING"


@pytest.mark.parametrize(
    ("campaign", "expected"), [(999, "1013"), (BATCH_CAMPAIGN, "1003"), (INACTIVE_CAMPAIGN, "1003")]
)
def test_a_campaign_that_cannot_be_requested_is_refused(
    api: Api, person: int, campaign: int, expected: str
) -> None:
    assert code(trigger(api, campaign, [person])) == expected


def test_more_than_a_hundred_people_or_an_unknown_one_refuse_the_call(
    api: Api, person: int, sandbox: Sandbox
) -> None:
    assert code(trigger(api, SYNC_CAMPAIGN, [person] * 101)) == "1003"
    assert code(trigger(api, SYNC_CAMPAIGN, [person, 999999])) == "1004"
    assert not sandbox.ledger.entries(kind="trigger")


def test_a_person_runs_a_once_campaign_a_single_time_without_a_word(
    api: Api, person: int, sandbox: Sandbox
) -> None:
    assert trigger(api, ONCE_CAMPAIGN, [person])["success"]
    sandbox.instance.edit(person, {"city": "Graz"})
    assert trigger(api, ONCE_CAMPAIGN, [person])["success"]
    record = sandbox.org.get("Lead", sandbox.instance.get(person)["sfdcId"])
    assert record is not None
    assert record["City"] is None


def test_a_delayed_campaign_runs_after_its_delay(api: Api, person: int, sandbox: Sandbox) -> None:
    sandbox.instance.settings.campaign_delay = timedelta(seconds=30)
    trigger(api, SYNC_CAMPAIGN, [person])
    assert sandbox.instance.get(person)["sfdcId"] is None
    sandbox.clock.advance(timedelta(seconds=30))
    sandbox.instance.tick()
    assert sandbox.instance.get(person)["sfdcId"] is not None


def test_a_scheduled_campaign_runs_over_its_list_five_minutes_later_at_the_earliest(
    api: Api, person: int, sandbox: Sandbox
) -> None:
    added = api.post(f"/rest/v1/lists/{RESYNC_LIST}/leads.json", {"input": [{"id": person}]})
    assert added["result"] == [{"id": person, "status": "added"}]
    run_at = (sandbox.clock.now() + timedelta(minutes=1)).isoformat()
    path = f"/rest/v1/campaigns/{BATCH_CAMPAIGN}/schedule.json"
    assert api.post(path, {"input": {"runAt": run_at}})["success"]
    sandbox.clock.advance(timedelta(minutes=4, seconds=59))
    sandbox.instance.tick()
    assert sandbox.instance.get(person)["sfdcId"] is None
    sandbox.clock.advance(timedelta(seconds=1))
    sandbox.instance.tick()
    assert sandbox.instance.get(person)["sfdcId"] is not None


def test_a_schedule_without_a_body_runs_in_five_minutes(api: Api, sandbox: Sandbox) -> None:
    assert api.post(f"/rest/v1/campaigns/{BATCH_CAMPAIGN}/schedule.json")["success"]
    assert sandbox.instance.next_work() == sandbox.clock.now() + timedelta(minutes=5)


def test_a_schedule_too_far_ahead_or_of_a_trigger_campaign_is_refused(api: Api) -> None:
    body = {"input": {"runAt": "2030-01-01T00:00:00Z"}}
    assert code(api.post(f"/rest/v1/campaigns/{BATCH_CAMPAIGN}/schedule.json", body)) == "1042"
    assert code(api.post(f"/rest/v1/campaigns/{SYNC_CAMPAIGN}/schedule.json")) == "1003"


def test_both_campaign_apis_say_what_can_be_requested(api: Api) -> None:
    rows = {row["id"]: row for row in api.get("/rest/v1/campaigns.json", isTriggerable="true")["result"]}
    assert BATCH_CAMPAIGN not in rows
    assert (rows[SYNC_CAMPAIGN]["active"], rows[INACTIVE_CAMPAIGN]["active"]) == (True, False)
    (asset,) = api.get(f"/rest/asset/v1/smartCampaign/{ONCE_CAMPAIGN}.json")["result"]
    assert (asset["isRequestable"], asset["isActive"], asset["qualificationRuleType"]) == (True, True, "once")
    assert "result" not in api.get("/rest/asset/v1/smartCampaigns.json", offset=200)


def test_a_campaign_can_be_switched_on(api: Api, person: int) -> None:
    api.post(f"/rest/asset/v1/smartCampaign/{INACTIVE_CAMPAIGN}/activate.json")
    assert trigger(api, INACTIVE_CAMPAIGN, [person])["success"]


def test_list_members_can_be_added_read_asked_for_and_removed(api: Api, people: list[int]) -> None:
    path = f"/rest/v1/lists/{RESYNC_LIST}/leads.json"
    api.post(path, {"input": [{"id": people[0]}, {"id": people[1]}]})
    assert [row["id"] for row in api.get(path, batchSize=1)["result"]] == people[:1]
    asked = api.get(f"/rest/v1/lists/{RESYNC_LIST}/leads/ismember.json", id=[people[0], people[4], 999999])
    assert [row["status"] for row in asked["result"]] == ["memberof", "notmemberof", "skipped"]
    removed = api.http.request("DELETE", path, json={"input": [{"id": people[0]}, {"id": people[4]}]}).json()
    assert removed["result"][0]["status"] == "removed"
    assert reason(removed["result"][1]) == "1015"
    lists = api.get(f"/rest/v1/leads/{people[1]}/listMembership.json")["result"]
    assert [row["id"] for row in lists] == [RESYNC_LIST]


def test_a_list_can_be_made_and_found_by_name(api: Api) -> None:
    form = {"name": "fixed today", "folder": '{"id":1,"type":"Folder"}'}
    made = api.http.post("/rest/asset/v1/staticLists.json", data=form).json()["result"][0]
    (found,) = api.get("/rest/asset/v1/staticList/byName.json", name="fixed today")["result"]
    assert found["id"] == made["id"]
    assert code(api.http.post("/rest/asset/v1/staticLists.json", data=form).json()) == "709"
    assert "result" not in api.get("/rest/asset/v1/staticList/byName.json", name="Fixed")


def test_an_unknown_list_is_1013(api: Api) -> None:
    assert code(api.get("/rest/v1/lists/9/leads.json")) == "1013"
