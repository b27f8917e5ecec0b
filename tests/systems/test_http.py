from __future__ import annotations

import gzip
import json
import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from threading import Barrier

import pytest
from loguru import logger
from pydantic import SecretStr

from remediator.errors import AccessDenied, NoAnswer, PermanentError, RateLimited, TransientError, VendorError
from remediator.systems.calls import Call, redact
from remediator.systems.http import TRIES
from tests.systems.vendor import FakeClock, Reply, Vendor, a_marketo, a_salesforce, truncate

READ = Call(method="GET", template="/rest/v1/leads.json", params={"filterValues": "ann@example.com"})
WRITE = Call(method="POST", template="/rest/v1/leads.json", body={"input": []}, writes=True)
GOOD = {"requestId": "1", "success": True, "result": [{"id": 1}]}


@pytest.mark.parametrize("code", ["606", "615", "608", "614"])
def test_a_write_that_certainly_did_not_run_is_repeated(vendor: Vendor, code: str) -> None:
    vendor.refuses(code)
    vendor.result({"id": 1})
    with a_marketo(vendor) as marketo:
        assert marketo.rows(WRITE) == [{"id": 1}]


@pytest.mark.parametrize("code", ["500", "502", "604", "611", "713", "719"])
def test_a_write_that_may_have_run_is_never_repeated(vendor: Vendor, code: str) -> None:
    vendor.refuses(code)
    with a_marketo(vendor) as marketo, pytest.raises(NoAnswer):
        marketo.rows(WRITE)
    assert len(vendor.seen) == 1


@pytest.mark.parametrize("code", ["500", "502", "604", "608", "611", "713"])
def test_a_read_is_repeated_after_a_passing_error(vendor: Vendor, code: str) -> None:
    vendor.refuses(code)
    vendor.result({"id": 1})
    with a_marketo(vendor) as marketo:
        assert marketo.rows(READ) == [{"id": 1}]


def test_a_read_gives_up_after_four_tries_with_growing_waits(vendor: Vendor, clock: FakeClock) -> None:
    for _ in range(TRIES):
        vendor.refuses("611")
    with a_marketo(vendor, clock) as marketo, pytest.raises(TransientError):
        marketo.rows(READ)
    assert len(vendor.seen) == TRIES
    first, second, third = clock.sleeps
    assert 0.5 <= first <= 1 <= second <= 2 <= third <= 4


def test_a_rate_limit_waits_at_least_the_whole_window(vendor: Vendor, clock: FakeClock) -> None:
    vendor.refuses("606", "Max rate limit '100' exceeded with in '20' secs")
    vendor.result()
    with a_marketo(vendor, clock) as marketo:
        marketo.rows(READ)
    assert sum(clock.sleeps) >= 20


@pytest.mark.parametrize("status", [429, 503])
def test_a_retry_after_header_is_respected(vendor: Vendor, clock: FakeClock, status: int) -> None:
    vendor.says(b"slow down", status=status, headers={"Retry-After": "37"})
    vendor.result()
    with a_marketo(vendor, clock) as marketo:
        marketo.rows(READ)
    assert sum(clock.sleeps) >= 37


@pytest.mark.parametrize("status", [429, 503])
def test_salesforces_retry_after_is_respected_too(vendor: Vendor, clock: FakeClock, status: int) -> None:
    vendor.says(b"<html>busy</html>", status=status, headers={"Retry-After": "37"})
    vendor.says({"DailyApiRequests": {"Max": 10, "Remaining": 9}})
    with a_salesforce(vendor, clock) as salesforce:
        salesforce.limits()
    assert sum(clock.sleeps) >= 37


def test_a_wait_longer_than_two_minutes_is_left_to_the_caller(vendor: Vendor, clock: FakeClock) -> None:
    vendor.says(b"slow down", status=429, headers={"Retry-After": "3600"})
    with a_marketo(vendor, clock) as marketo, pytest.raises(RateLimited) as caught:
        marketo.rows(READ)
    assert caught.value.retry_after_s == 3600
    assert clock.sleeps == []


def test_a_used_up_day_is_not_waited_for(vendor: Vendor, clock: FakeClock) -> None:
    vendor.refuses("607")
    with a_marketo(vendor, clock) as marketo, pytest.raises(RateLimited) as caught:
        marketo.rows(READ)
    assert caught.value.daily
    assert 0 < caught.value.retry_after_s <= 25 * 3600
    assert clock.sleeps == []


def test_a_connection_cut_without_an_answer_is_no_answer_for_a_write(vendor: Vendor) -> None:
    vendor.drops()
    with a_marketo(vendor) as marketo, pytest.raises(NoAnswer):
        marketo.rows(WRITE)
    assert len(vendor.seen) == 1


def test_a_connection_cut_without_an_answer_is_repeated_for_a_read(vendor: Vendor) -> None:
    vendor.drops()
    vendor.result()
    with a_marketo(vendor) as marketo:
        assert marketo.rows(READ) == []


def test_half_an_answer_is_no_answer_for_a_write(vendor: Vendor) -> None:
    vendor.acts(truncate(json.dumps(GOOD).encode()))
    with a_marketo(vendor) as marketo, pytest.raises(NoAnswer):
        marketo.rows(WRITE)


def test_half_an_answer_is_asked_for_again_by_a_read(vendor: Vendor) -> None:
    vendor.acts(truncate(json.dumps(GOOD).encode()))
    vendor.says(GOOD)
    with a_marketo(vendor) as marketo:
        assert marketo.rows(READ) == [{"id": 1}]


def test_json_that_is_cut_but_delivered_as_whole_is_incomplete(vendor: Vendor) -> None:
    vendor.says(json.dumps(GOOD).encode()[:-4])
    with a_marketo(vendor) as marketo, pytest.raises(NoAnswer, match="incomplete"):
        marketo.rows(WRITE)


def dripping(clock: FakeClock, kind: str, *, seconds: float) -> Callable[[BaseHTTPRequestHandler], None]:
    """Return an answer that comes a byte at a time, and never whole."""

    def drip(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Type", kind)
        handler.send_header("Content-Length", "100")
        handler.end_headers()
        for _ in range(5):
            handler.wfile.write(b" ")
            handler.wfile.flush()
            clock.now += seconds
        handler.close_connection = True

    return drip


def test_an_answer_that_drips_is_given_up_when_its_time_is_over(vendor: Vendor, clock: FakeClock) -> None:
    vendor.acts(dripping(clock, "application/json", seconds=40))
    with a_marketo(vendor, clock) as marketo, pytest.raises(NoAnswer):
        marketo.rows(WRITE)


def test_a_file_that_drips_is_given_up_when_its_time_is_over_and_asked_for_again(
    vendor: Vendor, clock: FakeClock, tmp_path: Path
) -> None:
    for _ in range(4):
        vendor.acts(dripping(clock, "text/csv", seconds=1_000))
    with a_marketo(vendor, clock) as marketo, pytest.raises(TransientError, match="not whole after 1800 s"):
        marketo.http.download(READ, tmp_path / "file.csv")
    assert len(vendor.seen) == 4


def test_a_server_that_is_not_there_is_tried_again_even_for_a_write_since_nothing_was_sent(
    vendor: Vendor, clock: FakeClock
) -> None:
    with a_marketo(vendor, clock) as marketo:
        marketo.http.tokens.get()
        marketo.http.base_url = "http://127.0.0.1:9"
        with pytest.raises(TransientError, match="nothing was sent") as caught:
            marketo.rows(WRITE)
    assert not isinstance(caught.value, NoAnswer)
    assert len(clock.sleeps) == TRIES - 1


@pytest.mark.parametrize("code", ["600", "601", "602"])
def test_a_refused_token_is_renewed_and_the_same_write_sent_once_more(vendor: Vendor, code: str) -> None:
    vendor.refuses(code)
    vendor.result({"id": 1})
    with a_marketo(vendor) as marketo:
        assert marketo.rows(WRITE) == [{"id": 1}]
    assert [seen.headers["authorization"] for seen in vendor.seen] == [
        "Bearer secret-token-1",
        "Bearer secret-token-2",
    ]


def the_token(value: str, *, left_s: int) -> Reply:
    body = {"access_token": value, "token_type": "bearer", "expires_in": left_s}
    return Reply(body=json.dumps(body).encode())


@pytest.mark.parametrize("left_s", [0, 1, 9])
def test_a_token_that_is_granted_again_in_its_last_moments_is_given_time_to_end(
    vendor: Vendor, clock: FakeClock, left_s: int
) -> None:
    vendor.token_replies.extend([the_token("old", left_s=left_s)] * 2 + [the_token("new", left_s=3600)])
    vendor.refuses("602", "Access token expired")
    vendor.refuses("602", "Access token expired")
    vendor.result({"id": 1})
    with a_marketo(vendor, clock) as marketo:
        assert marketo.rows(WRITE) == [{"id": 1}]
    assert [seen.headers["authorization"] for seen in vendor.seen] == [
        "Bearer old",
        "Bearer old",
        "Bearer new",
    ]
    assert left_s < sum(clock.sleeps) <= 15 + 1


def test_a_third_refused_token_stops_with_access_denied(vendor: Vendor, clock: FakeClock) -> None:
    for _ in range(3):
        vendor.refuses("601", "Access token invalid")
    with (
        a_marketo(vendor, clock) as marketo,
        pytest.raises(AccessDenied, match="a fresh token was refused too"),
    ):
        marketo.rows(READ)
    assert vendor.tokens == 3
    assert len(clock.sleeps) == 1


def test_threads_whose_renewed_token_is_refused_share_one_wait_and_one_renewal(
    vendor: Vendor, clock: FakeClock
) -> None:
    together = Barrier(4)

    def refuse_when_all_have_asked(handler: BaseHTTPRequestHandler) -> None:
        together.wait(timeout=10)
        ended = {"requestId": "1", "success": False, "errors": [{"code": "602", "message": "expired"}]}
        reply = json.dumps(ended).encode()
        handler.send_response(200)
        handler.send_header("Content-Length", str(len(reply)))
        handler.end_headers()
        handler.wfile.write(reply)

    for _ in range(8):
        vendor.acts(refuse_when_all_have_asked)
    for _ in range(4):
        vendor.result({"id": 1})
    with a_marketo(vendor, clock) as marketo, ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda _: marketo.rows(READ), range(4)))
    assert found == [[{"id": 1}]] * 4
    assert vendor.tokens == 3
    assert len(clock.sleeps) == 1


def test_tokens_that_are_refused_an_hour_apart_are_renewed_at_once(vendor: Vendor, clock: FakeClock) -> None:
    with a_marketo(vendor, clock) as marketo:
        for _ in range(3):
            vendor.refuses("602")
            vendor.result({"id": 1})
            marketo.rows(READ)
            clock.now += 3000
    assert clock.sleeps == []


def test_a_second_refused_salesforce_session_stops_with_access_denied(vendor: Vendor) -> None:
    """Salesforce never hands out a session that has ended."""
    ended = [{"message": "Session expired or invalid", "errorCode": "INVALID_SESSION_ID"}]
    vendor.says(ended, status=401, times=2)
    with a_salesforce(vendor) as salesforce, pytest.raises(AccessDenied, match="a fresh token was refused"):
        salesforce.limits()
    assert vendor.tokens == 2


def test_a_salesforce_session_that_ended_is_renewed_once(vendor: Vendor) -> None:
    ended = [{"message": "Session expired or invalid", "errorCode": "INVALID_SESSION_ID"}]
    vendor.says(ended, status=401)
    vendor.says({"DailyApiRequests": {"Max": 10, "Remaining": 9}})
    with a_salesforce(vendor) as salesforce:
        assert salesforce.limits()["DailyApiRequests"].remaining == 9
    assert vendor.tokens == 2


def test_threads_that_start_together_fetch_one_token(vendor: Vendor) -> None:
    for _ in range(8):
        vendor.result()
    with a_marketo(vendor) as marketo, ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: marketo.rows(READ), range(8)))
    assert vendor.tokens == 1


def test_a_token_is_renewed_before_it_expires(vendor: Vendor, clock: FakeClock) -> None:
    vendor.result()
    vendor.result()
    with a_marketo(vendor, clock) as marketo:
        marketo.rows(READ)
        clock.now += 3550
        marketo.rows(READ)
    assert vendor.tokens == 2


def test_a_token_in_its_last_minute_is_used_up_instead_of_asked_for_before_every_call(
    vendor: Vendor, clock: FakeClock
) -> None:
    last = {"access_token": "t", "token_type": "bearer", "expires_in": 40}
    vendor.token_replies.append(Reply(body=json.dumps(last).encode()))
    for _ in range(3):
        vendor.result()
    with a_marketo(vendor, clock) as marketo:
        for _ in range(3):
            marketo.rows(READ)
            clock.now += 10
    assert vendor.tokens == 1


def test_wrong_credentials_are_access_denied_and_name_the_setting(vendor: Vendor) -> None:
    vendor.token_replies.append(Reply(body=b'{"error":"unauthorized"}', status=401))
    with a_marketo(vendor) as marketo, pytest.raises(AccessDenied, match=r"marketo\.client_secret"):
        marketo.rows(READ)


def test_the_token_goes_in_the_header_and_the_secret_in_the_body_never_in_an_address(vendor: Vendor) -> None:
    vendor.result()
    with a_marketo(vendor) as marketo:
        marketo.rows(READ)
    assert vendor.seen[0].headers["authorization"] == "Bearer secret-token-1"
    assert "access_token" not in vendor.seen[0].query


def test_no_log_line_and_no_error_shows_a_token_a_secret_or_a_filter_value(
    vendor: Vendor, caplog: pytest.LogCaptureFixture
) -> None:
    lines: list[str] = []
    sink = logger.add(lambda message: lines.append(str(message)), level="TRACE")
    caplog.set_level(logging.INFO)
    vendor.refuses("611", "failed for access_token=secret-token-1")
    vendor.says(b"<html>Bearer secret-token-1</html>", status=400)
    try:
        with a_marketo(vendor) as marketo, pytest.raises(PermanentError) as caught:
            marketo.rows(READ)
    finally:
        logger.remove(sink)
    told = "\n".join([*lines, caplog.text, str(caught.value)])
    assert "[hidden]" in told
    for secret in ("secret-token-1", "marketo-secret", "ann@example.com"):
        assert secret not in told


def test_redaction_leaves_the_rest_of_the_text() -> None:
    assert redact("GET /x?access_token=abc&y=1 Bearer qqq end") == (
        "GET /x?access_token=[hidden]&y=1 Bearer [hidden] end"
    )


def test_a_gzipped_answer_is_read(vendor: Vendor) -> None:
    vendor.says(gzip.compress(json.dumps(GOOD).encode()), headers={"Content-Encoding": "gzip"})
    with a_marketo(vendor) as marketo:
        assert marketo.rows(READ) == [{"id": 1}]
    assert "gzip" in vendor.seen[0].headers["accept-encoding"]
    assert vendor.seen[0].headers["user-agent"].startswith("remediator/")


def test_calls_are_counted_by_template_and_results_by_code(vendor: Vendor) -> None:
    vendor.refuses("611")
    vendor.result()
    with a_marketo(vendor) as marketo:
        marketo.rows(READ)
        assert marketo.http.calls["GET /rest/v1/leads.json"] == 2
        assert marketo.http.results["611"] == 1
        assert marketo.http.calls["POST /identity/oauth/token"] == 1


def test_an_address_that_is_too_long_goes_as_a_post_that_says_get(vendor: Vendor) -> None:
    vendor.result()
    long = Call(method="GET", template="/rest/v1/leads.json", params={"filterValues": "x" * 9000})
    with a_marketo(vendor) as marketo:
        marketo.rows(long)
    seen = vendor.seen[0]
    assert (seen.method, seen.query) == ("POST", {"_method": "GET"})
    assert seen.form == {"filterValues": "x" * 9000}


def test_a_missing_credential_is_told_before_any_call(vendor: Vendor) -> None:
    with (
        a_marketo(vendor, client_secret=SecretStr("")) as marketo,
        pytest.raises(Exception, match="REMEDIATOR_MARKETO_CLIENT_SECRET"),
    ):
        marketo.rows(READ)
    assert vendor.tokens == 0


def test_a_redirect_is_an_error_and_the_token_does_not_follow_it(vendor: Vendor) -> None:
    vendor.says(b"", status=302, headers={"Location": "http://127.0.0.1:9/elsewhere"})
    with a_marketo(vendor) as marketo, pytest.raises(VendorError, match="HTTP 302"):
        marketo.rows(READ)


def test_values_in_a_path_cannot_climb_out_of_it() -> None:
    call = Call(method="GET", template="/rest/v1/campaigns/{id}.json", parts={"id": "../../x?y"})
    assert call.path == "/rest/v1/campaigns/..%2F..%2Fx%3Fy.json"
