"""Collections, composite, batch and graph: the less travelled roads."""

from __future__ import annotations

from typing import Any

import pytest

from tests.sandbox.salesforce.conftest import DATA, Client, a_lead


def leads(*rows: dict[str, Any]) -> list[dict[str, Any]]:
    return [{"attributes": {"type": "Lead"}, **row} for row in rows]


def test_many_rows_are_created_in_one_call(client: Client) -> None:
    body = {"records": leads(a_lead(City="Bonn"), {"LastName": "Nobody"})}

    good, bad = client.post("/composite/sobjects", body).json()

    assert client.org.exists("Lead", good["id"])
    assert "id" not in bad
    assert bad["errors"][0]["statusCode"] == "REQUIRED_FIELD_MISSING"


def test_many_rows_are_upserted_by_external_id(client: Client) -> None:
    client.load({"Legacy_Id__c": "UP-1"})
    body = {
        "records": leads(
            a_lead(Legacy_Id__c="UP-1", City="Bonn"), a_lead(Legacy_Id__c="UP-2"), {"City": "Rome"}
        )
    }

    answer = client.patch("/composite/sobjects/Lead/Legacy_Id__c", body).json()

    assert [(row["success"], row["created"]) for row in answer] == [
        (True, False),
        (True, True),
        (False, False),
    ]
    assert answer[2]["errors"][0]["statusCode"] == "MISSING_ARGUMENT"


def test_an_upsert_by_a_field_that_is_no_external_id_is_refused(client: Client) -> None:
    answer = client.patch("/composite/sobjects/Lead/City", {"records": leads({"City": "Bonn"})})

    assert (answer.status_code, answer.json()[0]["errorCode"]) == (404, "NOT_FOUND")


@pytest.mark.parametrize(("all_or_none", "left"), [("false", [False, True]), ("true", [True, True])])
def test_many_rows_are_deleted_all_or_some(client: Client, all_or_none: str, left: list[bool]) -> None:
    one, gone, two = client.load({}, {"IsDeleted": True}, {})
    query = f"ids={one},{gone},00Qbad&allOrNone={all_or_none}"

    answer = client.http.delete(f"{DATA}/composite/sobjects?{query}").json()

    assert [row["success"] for row in answer] == [all_or_none == "false", False, False]
    assert [row["errors"][0]["statusCode"] for row in answer[1:]] == ["ENTITY_IS_DELETED", "MALFORMED_ID"]
    assert [client.org.exists("Lead", record_id) for record_id in (one, two)] == left


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"records": [{"City": "Bonn"}]}, "INVALID_INPUT"),
        ({"records": [{"attributes": {"type": "Ghost"}}]}, "INVALID_TYPE"),
        ({"rows": []}, "JSON_PARSER_ERROR"),
        ([], "JSON_PARSER_ERROR"),
        ({"records": leads({"id": "x", "Budget__c": "much"})}, "JSON_PARSER_ERROR"),
    ],
)
def test_a_collection_that_makes_no_sense_is_refused_as_a_whole(client: Client, body: Any, code: str) -> None:
    answer = client.patch("/composite/sobjects", body)

    assert (answer.status_code, answer.json()[0]["errorCode"]) == (400, code)


def test_more_than_ten_changes_of_type_are_refused(client: Client) -> None:
    rows = [{"attributes": {"type": kind}, "id": "x"} for _ in range(6) for kind in ("Lead", "Contact")]

    assert client.patch("/composite/sobjects", {"records": rows}).json()[0]["errorCode"] == "INVALID_INPUT"


def test_reading_many_rows_needs_fields_that_exist(client: Client) -> None:
    (record_id,) = client.load({})

    unknown = client.post("/composite/sobjects/Lead", {"ids": [record_id], "fields": ["Shoe"]})
    none = client.post("/composite/sobjects/Lead", {"ids": [record_id]})

    assert unknown.json()[0]["errorCode"] == "INVALID_FIELD"
    assert none.json()[0]["errorCode"] == "MISSING_ARGUMENT"


def sub(reference: str, body: Any, method: str = "POST", path: str = "/sobjects/Lead") -> dict[str, Any]:
    return {"method": method, "url": DATA + path, "referenceId": reference, "body": body}


def test_without_all_or_none_the_good_sub_requests_stay(client: Client) -> None:
    requests = [sub("good", a_lead()), sub("bad", {}), sub("orphan", a_lead(AccountId="@{bad.id}"))]

    answers = client.post("/composite", {"compositeRequest": requests}).json()["compositeResponse"]

    assert [answer["httpStatusCode"] for answer in answers] == [201, 400, 400]
    assert answers[2]["body"][0]["errorCode"] == "PROCESSING_HALTED"
    assert client.org.exists("Lead", answers[0]["body"]["id"])


@pytest.mark.parametrize(
    "requests",
    [
        [],
        [sub("same", {}), sub("same", {})],
        [{"referenceId": "r"}],
        [sub(f"r{number}", {}) for number in range(26)],
        [sub(f"r{number}", None, "GET", "/query?q=SELECT+Id+FROM+Lead") for number in range(6)],
    ],
)
def test_a_composite_request_has_bounds(client: Client, requests: list[dict[str, Any]]) -> None:
    assert client.post("/composite", {"compositeRequest": requests}).status_code == 400


def test_each_graph_is_all_or_none_by_itself(client: Client) -> None:
    graphs = [
        {"graphId": "good", "compositeRequest": [sub("a", a_lead())]},
        {"graphId": "bad", "compositeRequest": [sub("b", a_lead()), sub("c", {})]},
    ]

    good, bad = client.post("/composite/graph", {"graphs": graphs}).json()["graphs"]

    assert (good["isSuccessful"], bad["isSuccessful"]) == (True, False)
    halted = bad["graphResponse"]["compositeResponse"][0]["body"][0]
    assert halted["errorCode"] == "PROCESSING_HALTED"


def test_a_batch_may_halt_at_its_first_error(client: Client) -> None:
    requests = [
        {"method": "GET", "url": "v60.0/sobjects/Nothing"},
        {"method": "GET", "url": "v60.0/limits"},
    ]

    answer = client.post("/composite/batch", {"haltOnError": True, "batchRequests": requests}).json()

    assert [result["statusCode"] for result in answer["results"]] == [404, 412]
    assert client.post("/composite/batch", {"batchRequests": []}).status_code == 400


def test_a_person_is_a_member_of_a_campaign_once(client: Client) -> None:
    (lead,) = client.load({})
    (campaign,) = client.org.load("Campaign", [{"Name": "Spring"}])
    member = {"CampaignId": campaign, "LeadId": lead}

    first = client.post("/sobjects/CampaignMember", member)
    again = client.post("/sobjects/CampaignMember", member)
    nobody = client.post("/sobjects/CampaignMember", {"CampaignId": campaign})

    assert first.status_code == 201
    assert again.json()[0]["message"] == "Already a campaign member."
    assert nobody.json()[0]["errorCode"] == "REQUIRED_FIELD_MISSING"


def test_a_lookup_must_point_at_a_live_row(client: Client) -> None:
    (gone,) = client.org.load("Account", [{"Name": "Gone", "IsDeleted": True}])
    person = {"LastName": "A", "Lead_Type__c": "Event"}

    unknown = client.post("/sobjects/Contact", {**person, "AccountId": "0015e0000zzzzzz"})
    deleted = client.post("/sobjects/Contact", {**person, "AccountId": gone})

    assert unknown.json()[0]["errorCode"] == "INVALID_CROSS_REFERENCE_KEY"
    assert deleted.json()[0]["errorCode"] == "ENTITY_IS_DELETED"


def test_a_row_is_reached_by_its_external_id(client: Client) -> None:
    client.load({"Legacy_Id__c": "EXT 1", "City": "Bonn"})
    path = "/sobjects/Lead/Legacy_Id__c/EXT%201"

    assert client.get(path).json()["City"] == "Bonn"
    assert client.http.delete(DATA + path).status_code == 204
    assert client.get(path).status_code == 404


def test_an_admin_grants_a_right_by_rest_and_the_bot_cannot(client: Client) -> None:
    soql = (
        "SELECT Id FROM FieldPermissions WHERE Field = 'Contact.Partner_Tier__c' AND PermissionsEdit = false"
    )
    (row,) = client.query(soql)
    path = f"/sobjects/FieldPermissions/{row['Id']}"

    by_bot = client.patch(path, {"PermissionsEdit": True})
    client.http.headers["authorization"] = "Bearer " + client.sandbox.sessions.open(client.org.admin)
    by_admin = client.patch(path, {"PermissionsEdit": True})

    assert by_bot.json()[0]["errorCode"] == "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY"
    assert by_admin.status_code == 204
    assert "Partner_Tier__c" in client.org.access.of(client.org.sync_user, "Contact").editable


def test_other_methods_on_a_known_path_are_405(client: Client) -> None:
    assert client.http.put(DATA + "/sobjects/Lead").status_code == 405
