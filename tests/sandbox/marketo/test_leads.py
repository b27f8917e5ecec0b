"""Reading and writing people (marketo.md, section 3)."""

from __future__ import annotations

from typing import Any

import pytest

from remediator.sandbox.server import Sandbox
from tests.sandbox.marketo.conftest import Api, code, reason


def fields(api: Api) -> dict[str, Any]:
    (description,) = api.get("/rest/v1/leads/describe2.json")["result"]
    return {field["name"]: field for field in description["fields"]}


def test_describe2_says_which_fields_may_be_written(api: Api) -> None:
    described = fields(api)
    for name in ("company", "website", "industry", "annualRevenue", "numberOfEmployees", "id", "sfdcId"):
        assert described[name]["updateable"] is False
    assert described["country"]["updateable"] is True
    assert described["segment"]["displayName"] == "Segment"
    assert described["country"]["crmManaged"] is True
    assert described["favoriteColor"]["crmManaged"] is False


def test_describe2_and_describe_agree(api: Api) -> None:
    old = {row["rest"]["name"]: row for row in api.get("/rest/v1/leads/describe.json")["result"]}
    for name, field in fields(api).items():
        assert old[name]["rest"]["readOnly"] is not field["updateable"]
        assert old[name]["dataType"] == field["dataType"]


def test_a_filter_that_matches_nobody_is_an_empty_result(api: Api) -> None:
    answer = api.get("/rest/v1/leads.json", filterType="id", filterValues="999999")
    assert (answer["success"], answer["result"]) == (True, [])


def test_one_email_may_find_several_people(api: Api, people: list[int]) -> None:
    answer = api.get("/rest/v1/leads.json", filterType="email", filterValues="ANN@x.example")
    assert [row["id"] for row in answer["result"]] == people[:2]


def test_default_columns_are_the_documented_six(api: Api, people: list[int]) -> None:
    (row,) = api.get(f"/rest/v1/lead/{people[0]}.json")["result"]
    assert set(row) == {"id", "email", "updatedAt", "createdAt", "lastName", "firstName"}


@pytest.mark.parametrize(
    "filter_type", ["id", "email", "sfdcLeadId", "segment", "leadPartitionId", "cookies"]
)
def test_documented_and_custom_filters_are_accepted(api: Api, filter_type: str) -> None:
    assert api.get("/rest/v1/leads.json", filterType=filter_type, filterValues="1")["success"]


def test_a_filter_on_a_plain_standard_field_is_1011(api: Api) -> None:
    assert code(api.get("/rest/v1/leads.json", filterType="firstName", filterValues="Ann")) == "1011"


def test_an_unknown_column_is_1006(api: Api, people: list[int]) -> None:
    assert code(api.get(f"/rest/v1/lead/{people[0]}.json", fields="nope")) == "1006"


def test_more_than_a_thousand_matches_is_1003(api: Api, sandbox: Sandbox) -> None:
    sandbox.instance.load({"lastName": "Same", "segment": "Enterprise"} for _ in range(1001))
    assert code(api.get("/rest/v1/leads.json", filterType="segment", filterValues="Enterprise")) == "1003"


def test_matches_come_in_pages(api: Api, sandbox: Sandbox) -> None:
    loaded = sandbox.instance.load({"lastName": "Same", "segment": "Enterprise"} for _ in range(7))
    seen: list[int] = []
    paging: dict[str, str] = {}
    while True:
        page = api.get(
            "/rest/v1/leads.json", filterType="segment", filterValues="Enterprise", batchSize=3, **paging
        )
        seen += [row["id"] for row in page["result"]]
        if "nextPageToken" not in page:
            break
        paging = {"nextPageToken": page["nextPageToken"]}
    assert seen == loaded


def test_an_update_by_id_writes_and_is_logged_as_ours(api: Api, people: list[int], sandbox: Sandbox) -> None:
    assert api.update({"id": people[0], "country": "Germany"}) == [{"id": people[0], "status": "updated"}]
    (write,) = sandbox.ledger.entries(kind="write", system="marketo")
    assert write["actor"] == sandbox.instance.client_id
    assert (write["id"], write["changes"]) == (people[0], {"country": ["Deutschland", "Germany"]})


def test_writing_the_same_value_again_changes_nothing_and_says_updated(
    api: Api, people: list[int], sandbox: Sandbox
) -> None:
    for _ in range(2):
        assert api.update({"id": people[0], "country": "Germany"})[0]["status"] == "updated"
    assert len(sandbox.ledger.entries(kind="write")) == 1


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        ({"id": 999999, "country": "x"}, "1004"),
        ({"country": "x"}, "1002"),
        ({"id": 1, "company": "Acme"}, "1021"),
        ({"id": 1, "industry": "Energy"}, "1021"),
        ({"id": 1, "nope": "x"}, "1006"),
        ({"id": 1, "sfdcId": "00Q"}, "1018"),
        ({"id": 1, "createdAt": "2026-01-01T00:00:00Z"}, "1003"),
        ({"id": 1, "leadScore": "high"}, "1001"),
        ({"id": 1, "unsubscribed": "perhaps"}, "1001"),
        ({"id": 1, "Qualified_Date__c": "31/12/2026"}, "1001"),
        ({"id": 1, "Budget__c": "1.000,00"}, "1001"),
        ({"id": 1, "email": "ann@exämple.example"}, "1003"),
        ({"id": 1, "city": "x" * 256}, "1003"),
        ({"id": "one", "city": "x"}, "1001"),
    ],
)
def test_a_record_that_cannot_be_written_is_skipped_with_its_code(
    api: Api, people: list[int], row: dict[str, Any], expected: str
) -> None:
    result = api.update(row, {"id": people[4], "city": "Graz"})
    assert reason(result[0]) == expected
    assert result[1] == {"id": people[4], "status": "updated"}


def test_a_skipped_record_is_not_written_in_part(api: Api, people: list[int], sandbox: Sandbox) -> None:
    api.update({"id": people[0], "city": "Graz", "leadScore": "high"})
    assert sandbox.instance.get(people[0])["city"] is None


def test_null_and_empty_text_both_blank_a_field(api: Api, people: list[int], sandbox: Sandbox) -> None:
    api.update({"id": people[0], "country": None}, {"id": people[1], "country": ""})
    assert [sandbox.instance.get(lead_id)["country"] for lead_id in people[:2]] == [None, None]


def test_an_email_that_two_people_share_is_1007(api: Api, people: list[int]) -> None:
    (row,) = api.sync({"email": "ann@x.example", "city": "Graz"})
    assert reason(row) == "1007"


def test_create_only_refuses_whom_it_finds_and_create_duplicate_does_not(api: Api, people: list[int]) -> None:
    (row,) = api.sync({"email": "bob@x.example"}, action="createOnly")
    assert reason(row) == "1005"
    (row,) = api.sync({"email": "bob@x.example"}, action="createDuplicate")
    assert row["status"] == "created"
    (row,) = api.sync({"email": "bob@x.example"})
    assert reason(row) == "1007"


def test_an_upsert_creates_once_and_then_updates(api: Api) -> None:
    assert api.sync({"email": "new@x.example"})[0]["status"] == "created"
    assert api.sync({"email": "new@x.example", "city": "Graz"})[0]["status"] == "updated"


def test_looking_up_by_id_needs_update_only(api: Api) -> None:
    body = {"action": "createOrUpdate", "lookupField": "id", "input": [{"id": 1}]}
    assert code(api.post("/rest/v1/leads.json", body)) == "1003"


def test_a_custom_field_may_be_the_lookup(api: Api, sandbox: Sandbox) -> None:
    (lead_id,) = sandbox.instance.load([{"lastName": "Lee", "Legacy_Id__c": "A-17"}])
    (row,) = api.sync(
        {"Legacy_Id__c": "A-17", "city": "Graz"}, action="updateOnly", lookupField="Legacy_Id__c"
    )
    assert row == {"id": lead_id, "status": "updated"}


def test_a_blocked_field_silently_keeps_its_value_though_the_status_says_updated(
    api: Api, people: list[int], sandbox: Sandbox
) -> None:
    sandbox.instance.settings.block_updates = frozenset({"country"})
    assert api.update({"id": people[0], "country": "Germany"})[0]["status"] == "updated"
    assert sandbox.instance.get(people[0])["country"] == "Deutschland"


def test_asynchronous_processing_tells_no_outcome(api: Api, people: list[int]) -> None:
    body = {"action": "updateOnly", "lookupField": "id", "input": [{"id": people[0]}]}
    answer = api.post("/rest/v1/leads.json", {**body, "asyncProcessing": True})
    assert answer["success"]
    assert "result" not in answer


def test_deleted_people_are_gone_and_listed_as_deleted(api: Api, people: list[int]) -> None:
    token = api.get("/rest/v1/activities/pagingtoken.json", sinceDatetime="2026-01-01T00:00:00Z")
    answer = api.post("/rest/v1/leads/delete.json", {"input": [{"id": people[0]}, {"id": 999999}]})
    assert answer["result"][0] == {"id": people[0], "status": "deleted"}
    assert reason(answer["result"][1]) == "1004"
    assert api.get(f"/rest/v1/lead/{people[0]}.json")["result"] == []
    page = api.get("/rest/v1/activities/deletedleads.json", nextPageToken=token["nextPageToken"])
    assert [row["leadId"] for row in page["result"]] == [people[0]]


def test_a_merge_keeps_the_winner_and_fills_its_blanks(api: Api, sandbox: Sandbox) -> None:
    winner, loser = sandbox.instance.load(
        [{"lastName": "Lee", "leadScore": 3}, {"lastName": "Li", "city": "Graz", "leadScore": 4}]
    )
    answer = api.post(f"/rest/v1/leads/{winner}/merge.json", leadId=loser)
    assert answer["success"]
    assert "result" not in answer
    kept = sandbox.instance.get(winner)
    assert (kept["lastName"], kept["city"], kept["leadScore"]) == ("Lee", "Graz", 7)
    assert sandbox.instance.get(loser) is None


def test_a_merge_of_more_than_twenty_five_is_1080(api: Api, people: list[int]) -> None:
    ids = ",".join(map(str, range(100, 126)))
    assert code(api.post(f"/rest/v1/leads/{people[0]}/merge.json", leadIds=ids)) == "1080"


def test_objects_that_the_native_sync_owns_cannot_be_written(api: Api) -> None:
    assert code(api.post("/rest/v1/companies.json", {"input": [{"company": "Acme"}]})) == "1018"


def test_a_person_edit_is_not_ours(sandbox: Sandbox, people: list[int]) -> None:
    sandbox.instance.edit(people[0], {"country": "Austria"}, by="carla")
    (entry,) = sandbox.ledger.entries(kind="person_edit")
    assert (entry["actor"], entry["changes"]) == ("carla", {"country": ["Deutschland", "Austria"]})
