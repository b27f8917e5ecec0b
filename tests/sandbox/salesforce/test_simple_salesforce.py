"""simple-salesforce, a client that knows nothing of us, works against the org."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests
from requests.adapters import HTTPAdapter
from simple_salesforce.api import Salesforce
from simple_salesforce.exceptions import (
    SalesforceAuthenticationFailed,
    SalesforceExpiredSession,
    SalesforceMalformedRequest,
    SalesforceResourceNotFound,
)

from remediator.sandbox.server import Sandbox
from tests.sandbox.salesforce.conftest import a_lead


class ToSandbox(HTTPAdapter):
    """Sends every https request to the sandbox's port, because the client insists on https."""

    def __init__(self, url: str) -> None:
        super().__init__()
        self._url = url

    def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> requests.Response:
        parts = urlsplit(str(request.url))
        request.url = f"{self._url}{parts.path}" + (f"?{parts.query}" if parts.query else "")
        return super().send(request, *args, **kwargs)


@pytest.fixture
def session(served: Sandbox) -> Iterator[requests.Session]:
    with requests.Session() as made:
        made.mount("https://", ToSandbox(served.url))
        yield made


@pytest.fixture
def salesforce(served: Sandbox, session: requests.Session) -> Any:
    # Any: the client makes its objects up as attributes, which its own annotations do not follow.
    return Salesforce(
        username=served.org.bot.username,
        consumer_key=served.sessions.client_id,
        privatekey=served.sessions.private_key,
        session=session,
        version="60.0",
    )


def test_it_logs_in_by_jwt_and_by_client_credentials(served: Sandbox, session: requests.Session) -> None:
    by_secret: Any = Salesforce(
        consumer_key=served.sessions.client_id,
        consumer_secret=served.sessions.client_secret,
        domain="acme.my",
        session=session,
    )

    assert by_secret.limits()["DailyApiRequests"]["Max"] == 100_000


def test_a_refused_login_raises_its_own_exception(served: Sandbox, session: requests.Session) -> None:
    with (
        warnings.catch_warnings(),
        pytest.raises(SalesforceAuthenticationFailed, match="authentication failure"),
    ):
        Salesforce(
            username="nobody@sandbox.example",
            consumer_key=served.sessions.client_id,
            privatekey=served.sessions.private_key,
            session=session,
        )


def test_it_creates_reads_updates_and_deletes(salesforce: Any) -> None:
    made: Any = salesforce.Lead.create(a_lead(Email="simple@example.com"))
    assert made["success"]

    assert salesforce.Lead.update(made["id"], {"Country": "France"}) == 204
    assert salesforce.Lead.get(made["id"])["CountryCode"] == "FR"
    assert salesforce.Lead.delete(made["id"]) == 204
    with pytest.raises(SalesforceResourceNotFound):
        salesforce.Lead.get(made["id"])


def test_it_reads_our_refusals(salesforce: Any) -> None:
    with pytest.raises(SalesforceMalformedRequest) as refused:
        salesforce.Lead.create(a_lead(Country="Atlantis"))

    content: Any = refused.value.content
    assert content[0]["errorCode"] == "FIELD_INTEGRITY_EXCEPTION"
    assert content[0]["fields"] == ["Country"]


def test_it_follows_our_pages(salesforce: Any, served: Sandbox) -> None:
    served.org.load("Account", [{"Name": f"Simple {number}"} for number in range(2_100)])
    soql = "SELECT Id, Name FROM Account WHERE Name LIKE 'Simple %'"

    found = salesforce.query_all(soql)

    assert found["totalSize"] == len(found["records"]) == 2_100
    assert len(list(salesforce.query_all_iter(soql))) == 2_100


def test_it_describes(salesforce: Any) -> None:
    described = salesforce.Lead.describe()

    assert described["keyPrefix"] == "00Q"
    assert {field["name"] for field in described["fields"]} >= {"CountryCode", "Segment__c"}
    assert "Lead" in {entry["name"] for entry in salesforce.describe()["sobjects"]}


def test_it_upserts_by_external_id(salesforce: Any) -> None:
    assert salesforce.Lead.upsert("Legacy_Id__c/SIMPLE-1", a_lead()) == 201
    assert salesforce.Lead.upsert("Legacy_Id__c/SIMPLE-1", {"City": "Bonn"}) == 200
    assert salesforce.Lead.get_by_custom_id("Legacy_Id__c", "SIMPLE-1")["City"] == "Bonn"


def test_it_sends_composite_and_collection_calls(salesforce: Any, served: Sandbox) -> None:
    (record_id,) = served.org.load("Lead", [a_lead()])
    record = {"attributes": {"type": "Lead"}, "id": record_id, "City": "Bonn"}

    collections = salesforce.restful("composite/sobjects", method="PATCH", json={"records": [record]})
    url = f"/services/data/v60.0/sobjects/Lead/{record_id}"
    requests_ = [{"method": "GET", "url": url, "referenceId": "one"}]
    composite = salesforce.restful("composite", method="POST", json={"compositeRequest": requests_})

    assert collections == [{"id": record_id, "success": True, "errors": []}]
    assert composite["compositeResponse"][0]["body"]["City"] == "Bonn"


def test_it_runs_a_bulk_job_and_gets_the_failures(salesforce: Any, served: Sandbox, tmp_path: Path) -> None:
    good, bad = served.org.load("Lead", [a_lead(), a_lead()])
    file = tmp_path / "update.csv"
    file.write_text(f"Id,Segment__c\n{good},enterprise\n{bad},Nobility\n")

    (job,) = salesforce.bulk2.Lead.update(str(file))
    failed = salesforce.bulk2.Lead.get_failed_records(job["job_id"])

    assert (job["numberRecordsTotal"], job["numberRecordsFailed"]) == (2, 1)
    assert "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST:Segment: bad value for restricted" in failed
    row = served.org.get("Lead", good)
    assert row is not None
    assert row["Segment__c"] == "Enterprise"


def test_it_logs_in_again_by_itself_or_says_that_the_session_ended(
    salesforce: Any, served: Sandbox, session: requests.Session
) -> None:
    with_token: Any = Salesforce(
        instance="acme.my.salesforce.com", session_id=salesforce.session_id, session=session
    )
    served.sessions.end_all()

    with pytest.raises(SalesforceExpiredSession):
        with_token.query("SELECT Id FROM User")
    assert salesforce.query("SELECT Id FROM User")["done"]
