"""Quotas, sizes and the errors that whole calls meet (marketo.md 2.1 to 2.4)."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest

from remediator.sandbox.clock import VirtualClock
from remediator.sandbox.marketo.envelope import ApiError
from remediator.sandbox.marketo.limits import Limits
from remediator.sandbox.marketo.settings import InstanceSettings
from remediator.sandbox.server import Sandbox
from tests.sandbox.marketo.conftest import Api, code

DESCRIBE = "/rest/v1/leads/describe2.json"


def test_the_call_over_the_limit_of_twenty_seconds_is_606(api: Api, sandbox: Sandbox) -> None:
    sandbox.instance.settings.limit_per_20s = 3
    answers = [api.get(DESCRIBE) for _ in range(5)]
    assert [answer["success"] for answer in answers] == [True, True, True, False, False]
    assert answers[-1]["errors"] == [
        {"code": "606", "message": "Max rate limit '3' exceeded with in '20' secs"}
    ]
    assert sandbox.instance.limits.usage(1)[0]["total"] == 3


def test_more_than_the_allowed_calls_at_once_is_615(api: Api, sandbox: Sandbox) -> None:
    sandbox.instance.settings.max_in_flight = 2
    sandbox.instance.settings.latency_s = 0.2
    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(lambda _: api.get(DESCRIBE), range(6)))
    refused = [answer for answer in answers if not answer["success"]]
    assert len(refused) == 4
    assert {code(answer) for answer in refused} == {"615"}
    assert sandbox.instance.limits.most_in_flight == 2


def test_the_daily_quota_is_607_until_midnight_in_us_central_time(api: Api, sandbox: Sandbox) -> None:
    sandbox.instance.settings.daily_calls = 2
    api.get(DESCRIBE)
    api.get(DESCRIBE)
    assert code(api.get(DESCRIBE)) == "607"
    # Noon in UTC is six in the morning in Chicago: seventeen hours on it is still the same day there.
    sandbox.clock.advance(timedelta(hours=17))
    api.http.headers["authorization"] = f"Bearer {api.token().json()['access_token']}"
    assert code(api.get(DESCRIBE)) == "607"
    sandbox.clock.advance(timedelta(hours=1))
    api.http.headers["authorization"] = f"Bearer {api.token().json()['access_token']}"
    assert api.get(DESCRIBE)["success"]


def test_a_refused_call_costs_no_quota() -> None:
    clock = VirtualClock(datetime(2026, 3, 2, tzinfo=UTC), speed=0)
    limits = Limits(clock, InstanceSettings(limit_per_20s=1))
    limits.spend("a")
    for _ in range(3):
        with pytest.raises(ApiError, match="606"):
            limits.spend("a")
    assert limits.usage(1)[0]["users"] == [{"userId": "a", "count": 1}]


def test_a_body_over_one_megabyte_is_413(api: Api) -> None:
    body = {"input": [{"email": "a@x.example", "mktoPersonNotes": "x" * 1_100_000}]}
    assert api.http.post("/rest/v1/leads.json", json=body).status_code == 413


def test_an_address_over_eight_kilobytes_is_414_and_passes_as_a_form(api: Api, people: list[int]) -> None:
    values = ",".join(f"{number}@long-domain-name.example" for number in range(295)) + ",bob@x.example"
    params = {"filterType": "email", "filterValues": values}
    assert api.http.get("/rest/v1/leads.json", params=params).status_code == 414
    answer = api.http.post("/rest/v1/leads.json", params={"_method": "GET"}, data=params).json()
    assert [row["id"] for row in answer["result"]] == [people[2]]


def test_unknown_paths_wrong_verbs_and_broken_bodies_have_their_codes(api: Api) -> None:
    assert code(api.get("/rest/v1/nothing.json")) == "610"
    assert code(api.http.put("/rest/v1/leads.json", json={}).json()) == "605"
    headers = {"content-type": "application/json"}
    assert code(api.http.post("/rest/v1/leads.json", content=b"{", headers=headers).json()) == "609"
    headers = {"content-type": "text/plain"}
    assert code(api.http.post("/rest/v1/leads.json", content=b"x", headers=headers).json()) == "612"


def test_a_batch_over_three_hundred_is_refused_whole(api: Api, people: list[int]) -> None:
    rows = [{"id": people[0], "country": "Germany"}] * 301
    body = {"action": "updateOnly", "lookupField": "id", "input": rows}
    assert code(api.post("/rest/v1/leads.json", body)) == "1003"
    assert api.sandbox.instance.get(people[0])["country"] == "Deutschland"


def test_every_call_stands_in_the_ledger_with_the_client_and_the_error_code(
    api: Api, sandbox: Sandbox
) -> None:
    api.get(DESCRIBE)
    api.get("/rest/v1/nothing.json")
    *_, fine, refused = sandbox.ledger.entries(kind="request", system="marketo")
    assert (fine["path"], fine["actor"]) == (DESCRIBE, sandbox.instance.client_id)
    assert refused["code"] == "610"


def test_errors_are_counted_for_the_statistics(api: Api) -> None:
    api.get("/rest/v1/nothing.json")
    (today,) = api.get("/rest/v1/stats/errors.json")["result"]
    assert today["errors"] == [{"errorCode": "610", "count": 1}]
    assert len(api.get("/rest/v1/stats/usage/last7days.json")["result"]) == 7


def test_long_answers_are_compressed_when_the_client_can(api: Api) -> None:
    answer = api.http.get(DESCRIBE, headers={"accept-encoding": "gzip"})
    assert answer.headers["content-encoding"] == "gzip"
    answer = api.http.get(DESCRIBE, headers={"accept-encoding": "identity"})
    assert "content-encoding" not in answer.headers
