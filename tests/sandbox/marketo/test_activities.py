"""The activity log by API (marketo.md, section 4)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from remediator.sandbox.server import Sandbox
from tests.sandbox.marketo.conftest import Api, code

SINCE = "2026-03-01T00:00:00Z"


def token(api: Api, since: str = SINCE) -> str:
    answer = api.get("/rest/v1/activities/pagingtoken.json", sinceDatetime=since)
    assert "result" not in answer
    return str(answer["nextPageToken"])


def pages(api: Api, path: str, **params: Any) -> list[Any]:
    """Return every page, as the documentation tells a client to read them."""
    found, next_token = [], token(api)
    while True:
        page = api.get(path, nextPageToken=next_token, **params)
        found.append(page)
        next_token = page["nextPageToken"]
        if not page["moreResult"]:
            return found


def test_our_write_is_a_change_with_our_source_and_both_date_forms(api: Api, people: list[int]) -> None:
    api.update({"id": people[0], "country": "Germany"})
    (page,) = pages(api, "/rest/v1/activities/leadchanges.json", fields="country")
    (change,) = page["result"]
    assert change["fields"][0]["oldValue"] == "Deutschland"
    assert change["fields"][0]["newValue"] == "Germany"
    assert {"name": "Source", "value": "Web service API"} in change["attributes"]
    assert change["activityDate"].endswith("+0000")
    (page,) = pages(api, "/rest/v1/activities.json", activityTypeIds="13")
    assert page["result"][0]["activityDate"].endswith("Z")
    assert page["result"][0]["marketoGUID"] == change["marketoGUID"]


def test_changes_of_other_fields_are_not_returned(api: Api, people: list[int]) -> None:
    api.update({"id": people[0], "city": "Graz"})
    (page,) = pages(api, "/rest/v1/activities/leadchanges.json", fields="country")
    assert "result" not in page


def test_a_rare_type_comes_in_short_and_empty_pages_that_promise_more(
    api: Api, people: list[int], sandbox: Sandbox
) -> None:
    for number in range(700):
        sandbox.instance.edit(people[0], {"city": f"City {number}"})
    api.sync({"email": "new@x.example"})
    found = pages(api, "/rest/v1/activities.json", activityTypeIds="12")
    assert len(found) == 3
    assert "result" not in found[0]
    assert found[0]["moreResult"] is True
    assert [row["activityTypeId"] for row in found[-1]["result"]] == [12]


def test_no_activity_is_lost_or_doubled_between_pages(api: Api, people: list[int], sandbox: Sandbox) -> None:
    for number in range(50):
        sandbox.instance.edit(people[number % 5], {"city": f"City {number}"})
    found = pages(api, "/rest/v1/activities.json", activityTypeIds="13", batchSize=7)
    guids = [row["marketoGUID"] for page in found for row in page.get("result", [])]
    assert len(guids) == len(set(guids)) == 50


def test_the_last_token_goes_on_where_it_stopped(api: Api, people: list[int]) -> None:
    api.update({"id": people[0], "city": "Graz"})
    (page,) = pages(api, "/rest/v1/activities.json", activityTypeIds="13")
    api.update({"id": people[0], "city": "Linz"})
    later = api.get("/rest/v1/activities.json", nextPageToken=page["nextPageToken"], activityTypeIds="13")
    assert [row["attributes"][2]["value"] for row in later["result"]] == ["Linz"]


def test_a_token_starts_at_its_moment(api: Api, people: list[int], sandbox: Sandbox) -> None:
    api.update({"id": people[0], "city": "Graz"})
    sandbox.clock.advance(timedelta(minutes=10))
    api.update({"id": people[0], "city": "Linz"})
    page = api.get(
        "/rest/v1/activities.json",
        nextPageToken=token(api, "2026-03-02T13:05:00+01:00"),
        activityTypeIds="13",
    )
    assert len(page["result"]) == 1


def test_people_can_be_picked_by_id_or_by_list(api: Api, people: list[int]) -> None:
    api.update(*({"id": lead_id, "city": "Graz"} for lead_id in people))
    api.post("/rest/v1/lists/3001/leads.json", {"input": [{"id": people[1]}]})
    picks: list[dict[str, Any]] = [{"leadIds": f"{people[0]},{people[1]}"}, {"listId": 3001}]
    for pick, expected in zip(picks, (people[:2], people[1:2]), strict=True):
        (page,) = pages(api, "/rest/v1/activities.json", activityTypeIds="13", **pick)
        assert [row["leadId"] for row in page["result"]] == expected


def test_the_caps_of_the_activity_calls_hold(api: Api) -> None:
    path, next_token = "/rest/v1/activities.json", token(api)
    many_types = ",".join(str(number) for number in range(1, 12))
    many_leads = ",".join(str(number) for number in range(1, 32))
    assert code(api.get(path, nextPageToken=next_token, activityTypeIds=many_types)) == "1003"
    assert code(api.get(path, nextPageToken=next_token, activityTypeIds="13", leadIds=many_leads)) == "1003"
    assert code(api.get(path, nextPageToken="nonsense", activityTypeIds="13")) == "1003"
    assert code(api.get(path, activityTypeIds="13")) == "1002"
    assert code(api.get(path, nextPageToken=next_token)) == "1002"


def test_a_moment_without_an_offset_is_704(api: Api) -> None:
    since = "2026-03-01T00:00:00"
    assert code(api.get("/rest/v1/activities/pagingtoken.json", sinceDatetime=since)) == "704"


def test_the_types_name_the_ones_of_the_salesforce_sync(api: Api) -> None:
    names = {row["id"]: row["name"] for row in api.get("/rest/v1/activities/types.json")["result"]}
    assert names[19] == "Sync Lead to SFDC"
    assert names[28] == "Sync Lead Updates to SFDC"
