"""The REST API over a real socket: rows, query, collections, composite, describe, limits, Bulk 2.0."""

from __future__ import annotations

import base64
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from itertools import pairwise
from typing import Any

import pytest

from remediator.sandbox.salesforce.metadata import PickValue, valid_for_bitmap
from tests.sandbox.salesforce.conftest import DATA, Client, a_lead


def collection(*rows: dict[str, Any], all_or_none: bool = False) -> dict[str, Any]:
    records = [{"attributes": {"type": "Lead"}, **row} for row in rows]
    return {"allOrNone": all_or_none, "records": records}


def test_versions_are_told_without_a_login(client: Client) -> None:
    del client.http.headers["authorization"]

    versions = client.http.get("/services/data").json()

    assert versions[-1] == {"label": "Winter '27", "url": "/services/data/v68.0", "version": "68.0"}


def test_a_retired_version_is_gone(client: Client) -> None:
    assert client.http.get("/services/data/v30.0/limits").status_code == 410


def test_no_session_is_401_in_the_rest_form(client: Client) -> None:
    answer = client.http.get(DATA + "/limits", headers={"authorization": "Bearer nonsense"})

    assert answer.status_code == 401
    assert answer.json() == [{"message": "Session expired or invalid", "errorCode": "INVALID_SESSION_ID"}]


def test_a_row_is_created_read_changed_and_deleted(client: Client) -> None:
    made = client.post("/sobjects/Lead", a_lead(City="Bonn"))
    path = f"/sobjects/Lead/{made.json()['id']}"

    assert (made.status_code, made.json()["success"]) == (201, True)
    assert client.patch(path, {"City": "Rome"}).status_code == 204
    assert client.get(path, fields="City,Name").json()["City"] == "Rome"
    assert client.http.delete(DATA + path).status_code == 204
    assert client.get(path).status_code == 404
    assert client.patch(path, {"City": "Bonn"}).json()[0]["errorCode"] == "ENTITY_IS_DELETED"


def test_a_refusal_is_an_array_with_code_message_and_fields(client: Client) -> None:
    answer = client.post("/sobjects/Account", {})

    assert answer.status_code == 400
    assert answer.json() == [
        {
            "message": "Required fields are missing: [Name]",
            "errorCode": "REQUIRED_FIELD_MISSING",
            "fields": ["Name"],
        }
    ]


def test_an_unknown_id_and_an_unknown_path_read_differently(client: Client) -> None:
    unknown_id = client.get("/sobjects/Lead/00Q5e0000zzzzzz")
    unknown_path = client.get("/sobject/Lead")

    assert (unknown_id.status_code, unknown_path.status_code) == (404, 404)
    assert unknown_id.json()[0]["message"] == (
        "Provided external ID field does not exist or is not accessible: 00Q5e0000zzzzzz"
    )
    assert unknown_path.json()[0]["message"] == "The requested resource does not exist"


def test_a_value_of_the_wrong_json_type_names_the_column(client: Client) -> None:
    (record_id,) = client.load({})

    answer = client.patch(f"/sobjects/Lead/{record_id}", {"Qualified_Date__c": "soon"})

    (error,) = answer.json()
    assert error["errorCode"] == "JSON_PARSER_ERROR"
    assert error["message"].startswith("Cannot deserialize instance of date from VALUE_STRING value soon")
    assert error["message"].endswith("at [line:1, column:22]")


def test_a_row_that_moved_since_is_not_overwritten(client: Client) -> None:
    (record_id,) = client.load({"City": "Bonn"})
    path = f"/sobjects/Lead/{record_id}"
    seen = client.sandbox.clock.now()
    client.sandbox.clock.advance(timedelta(seconds=5))
    client.org.edit("Lead", record_id, {"City": "Rome"})

    before, after = (format_datetime(at, usegmt=True) for at in (seen, client.sandbox.clock.now()))

    assert client.patch(path, {"City": "Oslo"}, {"If-Unmodified-Since": before}).status_code == 412
    assert client.patch(path, {"City": "Oslo"}, {"If-Unmodified-Since": after}).status_code == 204


def test_eight_writers_of_one_row_are_served_one_after_the_other(client: Client) -> None:
    (record_id,) = client.load({"City": "0"})
    after = client.sandbox.ledger.last

    def write(number: int) -> int:
        return client.patch(f"/sobjects/Lead/{record_id}", {"City": str(number)}).status_code

    with ThreadPoolExecutor(8) as pool:
        statuses = set(pool.map(write, range(1, 41)))

    chain = [entry["changes"]["City"] for entry in client.sandbox.ledger.entries("write", after=after)]
    assert statuses == {204}
    assert len(chain) == 40
    assert all(one[1] == other[0] for one, other in pairwise(chain))


def test_the_assignment_rule_changes_owners_unless_it_is_switched_off(client: Client) -> None:
    one, two = client.load({}, {})

    client.patch(f"/sobjects/Lead/{one}", {"City": "Bonn"})
    client.patch(f"/sobjects/Lead/{two}", {"City": "Bonn"}, {"Sforce-Auto-Assign": "FALSE"})

    owners = {row["Id"]: row["OwnerId"] for row in client.query("SELECT Id, OwnerId FROM Lead")}
    assert owners[one] == client.org.assignment_owner
    assert owners[two] == client.org.admin.id


def test_an_upsert_creates_then_updates_by_external_id(client: Client) -> None:
    path = "/sobjects/Lead/Legacy_Id__c/HTTP-7"

    assert client.patch(path + "?updateOnly=true", a_lead()).status_code == 404
    first, second = client.patch(path, a_lead()), client.patch(path, {"City": "Bonn"})

    assert (first.status_code, first.json()["created"]) == (201, True)
    assert (second.status_code, second.json()["created"]) == (200, False)
    assert first.json()["id"] == second.json()["id"]


def test_a_collection_keeps_the_order_and_writes_the_good_rows(client: Client) -> None:
    one, two = client.load({}, {})

    answer = client.patch(
        "/composite/sobjects",
        collection(
            {"id": one, "City": "Bonn"},
            {"id": two, "Country": "Atlantis"},
            {"City": "Bonn"},
            {"id": one, "City": "Rome"},
        ),
    ).json()

    assert [row["success"] for row in answer] == [True, False, False, False]
    assert [row["errors"][0]["statusCode"] for row in answer[1:]] == [
        "FIELD_INTEGRITY_EXCEPTION",
        "MISSING_ARGUMENT",
        "DUPLICATE_VALUE",
    ]
    assert client.query(f"SELECT City FROM Lead WHERE Id = '{one}'")[0]["City"] == "Bonn"


def test_all_or_none_rolls_the_innocent_rows_back(client: Client) -> None:
    one, two = client.load({"City": "Bonn"}, {})

    answer = client.patch(
        "/composite/sobjects",
        collection({"id": one, "City": "Rome"}, {"id": two, "Country": "Atlantis"}, all_or_none=True),
    ).json()

    assert answer[0]["errors"][0]["statusCode"] == "ALL_OR_NONE_OPERATION_ROLLED_BACK"
    assert answer[1]["errors"][0]["statusCode"] == "FIELD_INTEGRITY_EXCEPTION"
    assert client.query(f"SELECT City FROM Lead WHERE Id = '{one}'")[0]["City"] == "Bonn"


def test_collections_have_bounds(client: Client) -> None:
    ids = client.load(*({} for _ in range(201)))

    too_many = client.patch("/composite/sobjects", collection(*({"id": one} for one in ids)))
    none = client.patch("/composite/sobjects", collection())

    assert too_many.json()[0]["errorCode"] == "EXCEEDED_ID_LIMIT"
    assert none.json()[0]["message"] == "At least 1 record is required"


def test_many_rows_are_read_in_order_with_null_for_the_missing(client: Client) -> None:
    one, two, gone = client.load({"City": "A"}, {"City": "B"}, {"IsDeleted": True})

    rows = client.post("/composite/sobjects/Lead", {"ids": [two, gone, one], "fields": ["City"]}).json()

    assert [row and row["City"] for row in rows] == ["B", None, "A"]


def trial(client: Client, record_id: str, values: dict[str, Any]) -> list[dict[str, Any]]:
    """Try a write in a transaction that a poisoned last request always rolls back."""
    requests = [
        {"method": "PATCH", "url": f"{DATA}/sobjects/Lead/{record_id}", "referenceId": "r1", "body": values},
        {"method": "POST", "url": f"{DATA}/sobjects/Account", "referenceId": "poison", "body": {}},
    ]
    answer = client.post("/composite", {"allOrNone": True, "compositeRequest": requests})
    responses: list[dict[str, Any]] = answer.json()["compositeResponse"]
    return responses


def test_a_trial_write_that_would_pass_is_halted_and_leaves_nothing(client: Client) -> None:
    (record_id,) = client.load({"City": "Bonn"})
    before = client.org.get("Lead", record_id)

    real, poison = trial(client, record_id, {"City": "Rome"})

    assert (real["httpStatusCode"], real["body"][0]["errorCode"]) == (400, "PROCESSING_HALTED")
    assert poison["body"][0]["errorCode"] == "REQUIRED_FIELD_MISSING"
    assert client.org.get("Lead", record_id) == before


def test_a_trial_write_that_would_fail_says_why_and_the_poison_does_not_run(client: Client) -> None:
    (record_id,) = client.load({})

    real, poison = trial(client, record_id, {"Segment__c": "Nobility"})

    assert real["body"][0]["errorCode"] == "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST"
    assert poison["body"][0]["errorCode"] == "PROCESSING_HALTED"


def test_a_collection_inside_a_failed_composite_is_undone_too(client: Client) -> None:
    (record_id,) = client.load({"City": "Bonn"})
    body = collection({"id": record_id, "City": "Rome"}, all_or_none=True)
    requests = [
        {"method": "PATCH", "url": f"{DATA}/composite/sobjects", "referenceId": "many", "body": body},
        {"method": "POST", "url": f"{DATA}/sobjects/Account", "referenceId": "poison", "body": {}},
    ]

    client.post("/composite", {"allOrNone": True, "compositeRequest": requests})

    assert client.query(f"SELECT City FROM Lead WHERE Id = '{record_id}'")[0]["City"] == "Bonn"


def test_a_later_sub_request_may_refer_to_an_earlier_one(client: Client) -> None:
    contact = {"LastName": "A", "Lead_Type__c": "Event", "AccountId": "@{account.id}"}
    requests = [
        {
            "method": "POST",
            "url": f"{DATA}/sobjects/Account",
            "referenceId": "account",
            "body": {"Name": "X"},
        },
        {"method": "POST", "url": f"{DATA}/sobjects/Contact", "referenceId": "person", "body": contact},
    ]

    answers = client.post("/composite", {"compositeRequest": requests}).json()["compositeResponse"]

    row = client.org.get("Contact", answers[1]["body"]["id"])
    assert row is not None
    assert row["AccountId"] == answers[0]["body"]["id"]


def test_a_batch_answers_each_request_for_itself(client: Client) -> None:
    (record_id,) = client.load({})
    requests = [
        {"method": "PATCH", "url": f"v60.0/sobjects/Lead/{record_id}", "richInput": {"City": "Bonn"}},
        {"method": "GET", "url": "v60.0/sobjects/Nothing/describe"},
    ]

    answer = client.post("/composite/batch", {"batchRequests": requests}).json()

    assert answer["hasErrors"] is True
    assert [result["statusCode"] for result in answer["results"]] == [204, 404]


def test_describe_leaves_out_what_the_user_may_not_read_and_marks_what_it_may_not_edit(
    client: Client,
) -> None:
    as_sync = client.sandbox.sessions.open(client.org.sync_user)
    client.http.headers["authorization"] = f"Bearer {as_sync}"

    fields = {field["name"]: field for field in client.get("/sobjects/Lead/describe").json()["fields"]}

    assert fields["City"]["updateable"] is True
    assert fields["Partner_Tier__c"]["updateable"] is False
    assert fields["Lead_Type__c"]["nillable"] is False
    assert fields["Lead_Type__c"]["defaultedOnCreate"] is False


def test_describe_gives_states_as_a_bitmap_over_the_countries(client: Client) -> None:
    fields = {field["name"]: field for field in client.get("/sobjects/Lead/describe").json()["fields"]}
    countries = [entry["value"] for entry in fields["CountryCode"]["picklistValues"]]

    def allowed_in(bitmap: str) -> set[str]:
        bits = base64.b64decode(bitmap)
        return {
            country
            for index, country in enumerate(countries)
            if index >> 3 < len(bits) and bits[index >> 3] & (0x80 >> (index & 7))
        }

    states = {
        (entry["value"], entry["label"]): allowed_in(entry["validFor"])
        for entry in fields["StateCode"]["picklistValues"]
    }
    assert fields["StateCode"]["controllerName"] == "CountryCode"
    assert states["CA", "California"] == {"US"}
    assert states["11", "Beijing"] == {"CN"}


@pytest.mark.parametrize(("indexes", "bitmap"), [({0}, "gAAA"), ({0, 1, 2}, "4AAA"), ({7}, "AQAA")])
def test_the_bitmap_is_the_documented_one(indexes: set[int], bitmap: str) -> None:
    assert valid_for_bitmap(indexes) == bitmap


def test_a_new_picklist_value_is_described_and_taken_at_once(client: Client) -> None:
    field = client.org.objects["Lead"].fields["Rating"]
    seen = client.get("/sobjects/Lead/describe").headers["last-modified"]
    client.sandbox.clock.advance(timedelta(seconds=5))
    client.org.redefine("Lead", "Rating", values=(*field.values, PickValue(value="Icy", label="Icy")))

    answer = client.http.get(DATA + "/sobjects/Lead/describe", headers={"If-Modified-Since": seen})
    made = client.post("/sobjects/Lead", a_lead(Rating="icy"))

    assert '"Icy"' in answer.text
    assert made.status_code == 201


def test_describe_is_not_sent_again_when_nothing_changed(client: Client) -> None:
    first = client.get("/sobjects/Lead/describe")
    later = format_datetime(datetime(2027, 1, 1, tzinfo=UTC), usegmt=True)

    answer = client.http.get(DATA + "/sobjects/Lead/describe", headers={"If-Modified-Since": later})

    assert first.headers["last-modified"]
    assert (answer.status_code, answer.content) == (304, b"")


def test_picklists_by_record_type_list_their_controlling_indexes(client: Client) -> None:
    path = "/ui-api/object-info/Lead/picklist-values/012000000000000AAA/Sub_Industry__c"

    answer = client.get(path).json()

    software = next(entry for entry in answer["values"] if entry["value"] == "Software")
    assert software["validFor"] == [answer["controllerValues"]["Technology"]]


def test_every_answer_carries_the_usage_and_the_last_call_is_refused(client: Client) -> None:
    usage = client.org.usage
    answer = client.get("/sobjects")
    most, usage.most = usage.most, usage.used()

    refused = client.get("/sobjects")
    limits = client.get("/limits").json()["DailyApiRequests"]
    usage.most = most

    assert answer.headers["sforce-limit-info"].startswith("api-usage=")
    assert (refused.status_code, refused.json()[0]["errorCode"]) == (403, "REQUEST_LIMIT_EXCEEDED")
    assert limits["Remaining"] == 0


def test_a_url_beyond_16_kb_is_refused_in_html(client: Client) -> None:
    answer = client.get("/query", q="SELECT Id FROM Lead WHERE Name = '" + "x" * 17_000 + "'")

    assert answer.status_code == 414
    assert answer.text.startswith("<html>")


def test_another_content_type_is_415(client: Client) -> None:
    answer = client.http.post(DATA + "/sobjects/Lead", content=b"LastName=x")

    assert (answer.status_code, answer.json()[0]["errorCode"]) == (415, "UNSUPPORTED_MEDIA_TYPE")


def test_a_bulk_job_reports_its_failures_in_the_documented_cells(client: Client) -> None:
    one, two = client.load({}, {"City": "Bonn"})
    job = client.post("/jobs/ingest", {"object": "Lead", "operation": "update", "lineEnding": "LF"}).json()
    path = f"{DATA}/jobs/ingest/{job['id']}"
    csv = f"Id,City,Country\n{one},Oslo,\n{two},#N/A,Atlantis\n"

    put = client.http.put(path + "/batches", content=csv, headers={"content-type": "text/csv"})
    client.http.patch(path, json={"state": "UploadComplete"})
    status = client.http.get(path).json()

    assert put.status_code == 201
    assert (status["state"], status["numberRecordsProcessed"], status["numberRecordsFailed"]) == (
        "JobComplete",
        2,
        1,
    )
    assert client.http.get(path + "/successfulResults").text == (
        f'"sf__Id","sf__Created","Id","City","Country"\n"{one}","false","{one}","Oslo",""\n'
    )
    failed = client.http.get(path + "/failedResults").text.splitlines()
    assert failed[0] == '"sf__Id","sf__Error","Id","City","Country"'
    assert failed[1].startswith(f'"{two}","FIELD_INTEGRITY_EXCEPTION:There\'s a problem with this country')
    assert ': Country:Country --"' in failed[1]


def test_every_request_is_in_the_ledger_under_its_users_name(client: Client) -> None:
    after = client.sandbox.ledger.last

    client.get("/sobjects/Lead/00Q5e0000zzzzzz")

    (entry,) = client.sandbox.ledger.entries("request", after=after)
    assert (entry["actor"], entry["method"], entry["status"]) == (client.org.bot.username, "GET", 404)
