"""Bulk API 2.0: the life of a job."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from tests.sandbox.salesforce.conftest import DATA, Client


def opened(client: Client, **order: Any) -> str:
    """Create an ingest job and return its path."""
    job = client.post("/jobs/ingest", {"object": "Lead", "operation": "update", **order}).json()
    assert job["state"] == "Open"
    return f"{DATA}/jobs/ingest/{job['id']}"


def upload(client: Client, path: str, csv: str) -> httpx.Response:
    return client.http.put(path + "/batches", content=csv.encode(), headers={"content-type": "text/csv"})


def finish(client: Client, path: str, csv: str) -> dict[str, Any]:
    """Upload, close, and return the finished job."""
    assert upload(client, path, csv).status_code == 201
    assert client.http.patch(path, json={"state": "UploadComplete"}).json()["state"] == "UploadComplete"
    status: dict[str, Any] = client.http.get(path).json()
    return status


def test_an_upload_is_taken_once_and_an_aborted_job_keeps_its_rows_unprocessed(client: Client) -> None:
    path = opened(client)
    csv = "Id,City\n00Q5e0000zzzzzz,Bonn\n"

    assert upload(client, path, csv).status_code == 201
    assert upload(client, path, csv).json()[0]["errorCode"] == "INVALIDJOBSTATE"
    client.http.patch(path, json={"state": "Aborted"})

    assert client.http.get(path + "/unprocessedrecords").text == '"Id","City"\n"00Q5e0000zzzzzz","Bonn"\n'
    assert client.http.get(path + "/successfulResults").text == ""
    assert client.http.delete(path).status_code == 204
    assert client.http.get(path).status_code == 404


def test_an_unknown_column_fails_the_whole_job(client: Client) -> None:
    status = finish(client, opened(client), "Id,Shoe\nx,42\n")

    assert (status["state"], status["errorMessage"]) == (
        "Failed",
        "InvalidBatch : Field name not found : Shoe",
    )


def test_rows_are_inserted_upserted_and_deleted(client: Client) -> None:
    header = "LastName;Company;Lead_Type__c;Legacy_Id__c\r\n"
    row = "Bulk;X;Event;BULK-1\r\n"
    options = {"columnDelimiter": "SEMICOLON", "lineEnding": "CRLF"}

    inserted = opened(client, operation="insert", **options)
    finish(client, inserted, header + row)
    result = client.http.get(inserted + "/successfulResults").text
    record_id = result.split("\r\n")[1].split(";")[0].strip('"')
    again = opened(client, operation="upsert", externalIdFieldName="Legacy_Id__c", **options)
    finish(client, again, header + row.replace("Bulk", "Bulkier"))
    changed = client.org.get("Lead", record_id)
    deleted = finish(client, opened(client, operation="delete"), f"Id\n{record_id}\n")

    assert result.splitlines()[1].endswith('"true";"Bulk";"X";"Event";"BULK-1"')
    assert changed is not None
    assert changed["LastName"] == "Bulkier"
    assert deleted["numberRecordsFailed"] == 0
    assert not client.org.exists("Lead", record_id)


@pytest.mark.parametrize(
    ("order", "code"),
    [
        ({"object": "Lead", "operation": "explode"}, "INVALIDJOB"),
        ({"object": "Ghost", "operation": "insert"}, "INVALIDENTITY"),
        ({"object": "Lead", "operation": "upsert"}, "INVALIDJOB"),
        ({"object": "Lead", "operation": "insert", "columnDelimiter": "DOT"}, "INVALIDJOB"),
    ],
)
def test_a_job_that_makes_no_sense_is_refused(client: Client, order: dict[str, str], code: str) -> None:
    assert client.post("/jobs/ingest", order).json()[0]["errorCode"] == code


def test_a_job_belongs_to_its_creator(client: Client) -> None:
    path = opened(client)
    client.http.headers["authorization"] = "Bearer " + client.sandbox.sessions.open(client.org.admin)

    assert client.http.get(path).status_code == 404
    assert client.get("/jobs/ingest").json()["records"] == []


def test_a_query_job_pages_by_locator(client: Client) -> None:
    client.org.load("Account", [{"Name": f"Bulk {number}"} for number in range(5)])
    query = "SELECT Name, Owner.Name FROM Account WHERE Name LIKE 'Bulk %' ORDER BY Name"
    job = client.post("/jobs/query", {"operation": "query", "query": query}).json()
    path = f"/jobs/query/{job['id']}"

    first = client.get(path + "/results", maxRecords=3)
    second = client.get(path + "/results", maxRecords=3, locator=first.headers["sforce-locator"])

    assert client.get(path).json()["state"] == "JobComplete"
    assert first.text.splitlines()[:2] == ['"Name","Owner.Name"', '"Bulk 0","Ada Admin"']
    assert (first.headers["sforce-numberofrecords"], second.headers["sforce-numberofrecords"]) == ("3", "2")
    assert second.headers["sforce-locator"] == "null"
