"""Every fault of the table, seen from the caller's side of a real socket."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from functools import partial
from threading import Event
from typing import Any

import httpx
import pytest

from remediator.sandbox.faults import NAMES, Faults
from remediator.sandbox.server import Sandbox
from tests.sandbox.salesforce.conftest import DATA, a_lead

START = datetime(2026, 3, 2, 12, tzinfo=UTC)
LEADS = "/rest/v1/leads.json"


@pytest.fixture(scope="module")
def served() -> Iterator[Sandbox]:
    with Sandbox(leads=0, start=START, speed=0, token_lifetime=timedelta(days=1000)) as sandbox:
        yield sandbox


@pytest.fixture
def sandbox(served: Sandbox) -> Iterator[Sandbox]:
    yield served
    served.faults.clear()


@pytest.fixture
def salesforce(sandbox: Sandbox) -> Iterator[httpx.Client]:
    token = sandbox.sessions.open(sandbox.org.bot)
    with httpx.Client(base_url=sandbox.url + DATA, headers={"authorization": f"Bearer {token}"}) as client:
        yield client


@pytest.fixture
def marketo(sandbox: Sandbox) -> Iterator[httpx.Client]:
    credentials = sandbox.connection_info()["marketo"]
    form = {
        "grant_type": "client_credentials",
        "client_id": credentials["client_id"],
        "client_secret": credentials["client_secret"],
    }
    token = httpx.get(sandbox.url + "/identity/oauth/token", params=form).json()["access_token"]
    with httpx.Client(base_url=sandbox.url, headers={"authorization": f"Bearer {token}"}) as client:
        yield client


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("rate_limit", "606"),
        ("concurrency", "615"),
        ("daily_quota", "607"),
        ("token_expired", "602"),
        ("token_invalid", "601"),
        ("unavailable", "608"),
        ("timeout_code", "604"),
    ],
)
def test_marketo_says_no_inside_http_200(
    sandbox: Sandbox, marketo: httpx.Client, name: str, code: str
) -> None:
    sandbox.faults.add({"name": name, "system": "marketo"})

    answer = marketo.get("/rest/v1/leads/describe2.json")

    assert answer.status_code == 200
    assert answer.json()["success"] is False
    assert answer.json()["errors"][0]["code"] == code


@pytest.mark.parametrize(
    ("name", "status", "code"),
    [
        ("rate_limit", 403, "REQUEST_LIMIT_EXCEEDED"),
        ("concurrency", 403, "REQUEST_LIMIT_EXCEEDED"),
        ("daily_quota", 403, "REQUEST_LIMIT_EXCEEDED"),
        ("token_expired", 401, "INVALID_SESSION_ID"),
        ("token_invalid", 401, "INVALID_SESSION_ID"),
        ("timeout_code", 400, "QUERY_TIMEOUT"),
    ],
)
def test_salesforce_says_no_with_a_status_and_an_array(
    sandbox: Sandbox, salesforce: httpx.Client, name: str, status: int, code: str
) -> None:
    sandbox.faults.add({"name": name, "system": "salesforce"})

    answer = salesforce.get("/limits")

    assert (answer.status_code, answer.json()[0]["errorCode"]) == (status, code)


def test_a_server_error_comes_as_a_page_or_as_json(sandbox: Sandbox, salesforce: httpx.Client) -> None:
    sandbox.faults.add({"name": "server_error", "status": 502})
    sandbox.faults.add({"name": "server_error", "style": "json"})
    sandbox.faults.add({"name": "unavailable"})

    page, error, closed = (salesforce.get("/limits") for _ in range(3))

    assert (page.status_code, page.headers["content-type"]) == (502, "text/html")
    assert (error.status_code, error.json()[0]["errorCode"]) == (500, "UNKNOWN_EXCEPTION")
    assert (closed.status_code, closed.text[:6]) == (503, "<html>")


def write(sandbox: Sandbox, salesforce: httpx.Client) -> tuple[str, Any]:
    """Try to move a new lead to Rome; return its id and the answer, ``None`` when the connection broke."""
    (record_id,) = sandbox.org.load("Lead", [a_lead(City="Bonn")])
    try:
        return record_id, salesforce.patch(f"/sobjects/Lead/{record_id}", json={"City": "Rome"})
    except httpx.TransportError:
        return record_id, None


def city(sandbox: Sandbox, record_id: str) -> Any:
    return (sandbox.org.get("Lead", record_id) or {})["City"]


def test_drop_before_closes_the_connection_and_nothing_was_done(
    sandbox: Sandbox, salesforce: httpx.Client
) -> None:
    sandbox.faults.add({"name": "drop_before", "match": "PATCH *"})

    record_id, answer = write(sandbox, salesforce)

    assert answer is None
    assert city(sandbox, record_id) == "Bonn"


def test_drop_after_closes_the_connection_and_the_work_is_done(
    sandbox: Sandbox, salesforce: httpx.Client
) -> None:
    sandbox.faults.add({"name": "drop_after", "match": "PATCH *"})

    record_id, answer = write(sandbox, salesforce)

    assert answer is None
    assert city(sandbox, record_id) == "Rome"


def test_a_server_error_may_come_after_the_work(sandbox: Sandbox, salesforce: httpx.Client) -> None:
    sandbox.faults.add({"name": "server_error", "done": True, "match": "PATCH *"})

    record_id, answer = write(sandbox, salesforce)

    assert answer.status_code == 500
    assert city(sandbox, record_id) == "Rome"


def test_a_truncated_body_breaks_off_in_the_middle(sandbox: Sandbox, salesforce: httpx.Client) -> None:
    sandbox.faults.add({"name": "truncated"})

    with pytest.raises(httpx.RemoteProtocolError, match="peer closed connection"):
        salesforce.get("/sobjects/Lead/describe")
    assert salesforce.get("/sobjects/Lead/describe").status_code == 200


def test_a_slow_answer_is_whole_in_the_end(sandbox: Sandbox, salesforce: httpx.Client) -> None:
    sandbox.faults.add({"name": "slow", "seconds": 0.01})
    sandbox.faults.add({"name": "slow_drip", "seconds": 0.001, "pieces": 7})

    assert salesforce.get("/limits").json() == salesforce.get("/limits").json()


def test_a_slow_answer_runs_into_the_callers_timeout(sandbox: Sandbox, salesforce: httpx.Client) -> None:
    sandbox.faults.add({"name": "slow", "seconds": 1.0})

    with pytest.raises(httpx.ReadTimeout):
        salesforce.get("/limits", timeout=0.05)


def test_part_of_a_salesforce_batch_fails_and_is_not_written(
    sandbox: Sandbox, salesforce: httpx.Client
) -> None:
    ids = sandbox.org.load("Lead", [a_lead(City="Bonn") for _ in range(4)])
    error = {"code": "UNABLE_TO_LOCK_ROW", "message": "busy"}
    sandbox.faults.add({"name": "partial", "share": 2, "error": error})

    records = [{"attributes": {"type": "Lead"}, "id": one, "City": "Rome"} for one in ids]
    answer = salesforce.patch("/composite/sobjects", json={"records": records}).json()

    assert [row["success"] for row in answer] == [True, False, True, False]
    assert answer[1]["errors"][0]["statusCode"] == "UNABLE_TO_LOCK_ROW"
    assert [city(sandbox, one) for one in ids] == ["Rome", "Bonn", "Rome", "Bonn"]


def test_part_of_a_marketo_batch_fails_and_is_not_written(sandbox: Sandbox, marketo: httpx.Client) -> None:
    ids = sandbox.instance.load([{"email": f"p{n}@example.com", "city": "Bonn"} for n in range(3)])
    sandbox.faults.add({"name": "partial", "share": 3, "match": f"POST {LEADS}"})

    body = {
        "action": "updateOnly",
        "lookupField": "id",
        "input": [{"id": one, "city": "Rome"} for one in ids],
    }
    answer = marketo.post(LEADS, json=body).json()

    assert [row["status"] for row in answer["result"]] == ["updated", "updated", "skipped"]
    assert [sandbox.instance.get(one)["city"] for one in ids] == ["Rome", "Rome", "Bonn"]


def test_an_empty_answer_looks_like_success(
    sandbox: Sandbox, salesforce: httpx.Client, marketo: httpx.Client
) -> None:
    sandbox.faults.add({"name": "empty", "times": 3})

    assert salesforce.get("/query", params={"q": "SELECT Id FROM Lead"}).json()["totalSize"] == 0
    assert salesforce.get("/sobjects").json() == []
    assert marketo.get(LEADS).json()["result"] == []


def test_a_lost_page_says_that_all_is_there(sandbox: Sandbox, salesforce: httpx.Client) -> None:
    sandbox.org.load("Account", [{"Name": f"Lost {number}"} for number in range(300)])
    sandbox.faults.add({"name": "lost_page", "match": "GET */query*"})

    page = salesforce.get(
        "/query",
        params={"q": "SELECT Id FROM Account WHERE Name LIKE 'Lost %'"},
        headers={"Sforce-Query-Options": "batchSize=200"},
    ).json()

    assert page["done"] is True
    assert "nextRecordsUrl" not in page
    assert (len(page["records"]), page["totalSize"]) == (200, 300)


def test_a_fault_waits_strikes_so_often_and_stops(sandbox: Sandbox, salesforce: httpx.Client) -> None:
    sandbox.faults.add({"name": "unavailable", "match": "GET */limits", "after": 1, "times": 2})

    codes = [salesforce.get(path).status_code for path in ("/limits", "/sobjects", *["/limits"] * 3)]

    assert codes == [200, 200, 503, 503, 200]
    (entry,) = sandbox.faults.list()
    assert (entry["seen"], entry["struck"]) == (4, 2)


def test_a_fault_may_strike_each_nth_call_or_at_seeded_random() -> None:
    def struck(**order: Any) -> list[int]:
        faults = Faults()
        faults.add({"name": "slow", "times": None, **order})
        return [n for n in range(1, 41) if faults.pick("marketo", "GET /x") is not None]

    assert struck(every=10) == [10, 20, 30, 40]
    assert struck(chance=0.3, seed=7) == struck(chance=0.3, seed=7) != struck(chance=0.3, seed=8)
    assert 0 < len(struck(chance=0.3)) < 40


def test_a_fault_is_lifted_by_its_id() -> None:
    faults = Faults()
    first, second = faults.add({"name": "slow"}), faults.add({"name": "empty"})

    assert faults.remove(first)
    assert not faults.remove(first)
    assert [fault["id"] for fault in faults.list()] == [second]


def test_an_unknown_fault_is_refused_with_the_known_ones() -> None:
    with pytest.raises(ValueError, match="unknown fault 'earthquake'; known: concurrency, "):
        Faults().add({"name": "earthquake"})


def test_every_fault_leaves_an_entry_in_the_ledger(sandbox: Sandbox, salesforce: httpx.Client) -> None:
    for name in sorted(NAMES - {"slow", "slow_drip"}):
        sandbox.faults.clear()
        sandbox.faults.add({"name": name})
        after = sandbox.ledger.last
        with suppress(httpx.TransportError):
            salesforce.get("/sobjects")
        (entry,) = sandbox.ledger.entries("fault", after=after)
        assert (entry["name"], entry["path"]) == (name, DATA + "/sobjects")


def test_a_large_answer_is_bent_like_a_small_one(sandbox: Sandbox, marketo: httpx.Client) -> None:
    numbers = sandbox.instance.load([{"country": "France"} for _ in range(300)])
    sandbox.faults.add({"name": "partial", "share": 3, "match": f"POST {LEADS}"})
    rows = [{"id": number, "country": "Spain"} for number in numbers]
    body = {"action": "updateOnly", "lookupField": "id", "input": rows}
    result = marketo.post(LEADS, json=body).json()["result"]
    assert len(result) == 300
    assert [row["status"] for row in result[:3]] == ["updated", "updated", "skipped"]


def test_a_slow_write_is_carried_out_for_a_caller_who_has_gone(
    sandbox: Sandbox, marketo: httpx.Client
) -> None:
    (number,) = sandbox.instance.load([{"country": "France"}])
    begun = sandbox.ledger.last
    sandbox.faults.add({"name": "slow", "match": f"POST {LEADS}", "seconds": 0.2})
    body = {"action": "updateOnly", "lookupField": "id", "input": [{"id": number, "country": "Spain"}]}
    with suppress(httpx.ReadTimeout):
        marketo.post(LEADS, json=body, timeout=0.05)
    pause = Event()
    for _ in range(500):
        if sandbox.ledger.entries(kind="write", after=begun):
            break
        pause.wait(0.01)
    assert sandbox.instance.get(number)["country"] == "Spain"


def test_a_worn_out_token_is_refused_and_granted_again_until_it_has_ended(
    sandbox: Sandbox, marketo: httpx.Client
) -> None:
    credentials = sandbox.connection_info()["marketo"]
    form = {"grant_type": "client_credentials"} | {
        name: credentials[name] for name in ("client_id", "client_secret")
    }
    grant = partial(httpx.post, sandbox.url + "/identity/oauth/token", data=form)
    describe = "/rest/v1/leads/describe2.json"
    old = grant().json()
    sandbox.faults.add({"name": "token_worn_out", "seconds": 8})

    refused = [marketo.get(describe).json()["errors"][0]["code"] for _ in range(2)]
    again = grant().json()
    sandbox.advance(timedelta(seconds=8))
    new = grant().json()
    marketo.headers["authorization"] = f"Bearer {new['access_token']}"

    assert refused == ["602", "602"]
    assert (again["access_token"], again["expires_in"]) == (old["access_token"], 8)
    assert new["access_token"] != old["access_token"]
    assert marketo.get(describe).json()["success"]
