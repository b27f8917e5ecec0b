"""Answers that look like something else: none may pass for a success, for "nobody" or for a failure."""

from __future__ import annotations

import gzip
import json
from collections.abc import Mapping
from contextlib import closing
from http.server import BaseHTTPRequestHandler

import pytest

from remediator.errors import (
    AccessDenied,
    NoAnswer,
    PermanentError,
    RateLimited,
    RecordMissing,
    TransientError,
    VendorError,
)
from remediator.model import SystemName
from remediator.salesforce_ids import same_id
from remediator.systems.auth import Token
from remediator.systems.base import RecordWrite
from remediator.systems.calls import LONGEST_RETRY_AFTER_S, Answer, Call
from remediator.systems.http import TRIES, HttpSession
from remediator.systems.limiter import DailyShare, RateLimiter
from remediator.systems.salesforce_describe import valid_for
from tests.systems.vendor import FakeClock, Reply, Vendor, a_marketo, a_salesforce

READ = Call(method="GET", template="/rest/v1/leads.json", params={"filterValues": "1"})
WRITE = Call(method="POST", template="/rest/v1/leads.json", body={"input": []}, writes=True)
GOOD = {"requestId": "1", "success": True, "result": [{"id": 1}]}
LOGIN = b"<!DOCTYPE html><html><title>Sign in</title><form action='/login'></form></html>"
A, B = "00Q5e0000000001EAA", "00Q5e0000000002EAA"


def lead_fields(vendor: Vendor) -> None:
    country = {"name": "country", "dataType": "string", "updateable": True}
    vendor.result({"name": "API Lead", "fields": [country]})


def sobject_fields(vendor: Vendor, name: str = "Lead") -> None:
    flags = dict.fromkeys(("createable", "updateable", "nillable"), True)
    vendor.says({"name": name, "fields": [{"name": "City", "label": "City", "type": "string", **flags}]})


def a_lead(record_id: str = "1") -> RecordWrite:
    return RecordWrite(record_id=record_id, values={"country": "Germany"})


def an_sobject(record_id: str = A) -> RecordWrite:
    return RecordWrite(record_id=record_id, values={"City": "Bonn"})


# JSON that two readers would read in two ways


@pytest.mark.parametrize(
    "body",
    [
        b'{"requestId":"1","success":false,"success":true,"result":[{"id":1}]}',
        b'{"requestId":"1","success":true,"result":[{"id":1,"country":"Germany","country":"France"}]}',
        b'{"requestId":"1","success":true,"result":[{"id":1,"score":NaN}]}',
        b'{"requestId":"1","success":true,"result":[{"id":1,"score":-Infinity}]}',
        b'{"requestId":"1","success":true,"result":[{"id":1,"score":1e999}]}',
        b'{"requestId":"1","success":true,"result":[{"id":1,"city":"\\ud800"}]}',
        b'{"requestId":"1","success":true,"result":[' + b"[" * 100_000,
        b'{"requestId":"1","success":true,"result":[{"id":1,"city":"K\xf6ln"}]}',
        b'{"requestId":"1","success":true,"result":[{"id":1}]} trailing',
        b"",
    ],
    ids=[
        "success twice", "field twice", "NaN", "Infinity", "too large", "half a character", "too deep",
        "not UTF-8", "trailing text", "nothing",
    ],
)  # fmt: skip
def test_json_that_can_be_read_in_two_ways_is_not_read_at_all(vendor: Vendor, body: bytes) -> None:
    vendor.says(body)
    vendor.says(body, times=TRIES)
    with a_marketo(vendor) as marketo:
        with pytest.raises(NoAnswer, match="incomplete"):
            marketo.rows(WRITE)
        with pytest.raises(TransientError, match="incomplete"):
            marketo.rows(READ)


@pytest.mark.parametrize(
    "row",
    [
        '{"id":"%s","success":false,"success":true,"errors":[]}',
        '{"id":"%s","success":true,"errors":[],"x":NaN}',
    ],
)
def test_the_same_json_from_salesforce_is_no_answer_either(vendor: Vendor, row: str) -> None:
    sobject_fields(vendor)
    vendor.says(b"[" + (row % A).encode() + b"]")
    with a_salesforce(vendor) as salesforce, pytest.raises(NoAnswer):
        salesforce.write("Lead", [an_sobject()])


def test_a_character_beyond_the_first_plane_is_read(vendor: Vendor) -> None:
    vendor.says(rb'{"requestId":"1","success":true,"result":[{"id":1,"city":"\ud83d\ude00"}]}')
    with a_marketo(vendor) as marketo:
        assert marketo.rows(READ) == [{"id": 1, "city": "\N{GRINNING FACE}"}]


def test_a_value_that_is_no_json_is_not_sent(vendor: Vendor) -> None:
    lead_fields(vendor)
    row = RecordWrite(record_id="1", values={"country": float("nan")})
    with a_marketo(vendor) as marketo, pytest.raises(PermanentError, match="cannot be sent") as caught:
        marketo.write("Lead", [row])
    assert not isinstance(caught.value, TransientError)
    assert len(vendor.seen) == 1


# Marketo's envelope


@pytest.mark.parametrize(
    "absent", [{"errors": None}, {"errors": None, "requestId": None, "moreResult": None}]
)
def test_a_null_member_is_an_absent_one(vendor: Vendor, absent: Mapping[str, object]) -> None:
    vendor.says({**GOOD, "nextPageToken": None, **absent})
    with a_marketo(vendor) as marketo:
        assert marketo.rows(WRITE) == [{"id": 1}]


def test_an_error_without_a_message_is_still_that_error(vendor: Vendor, clock: FakeClock) -> None:
    vendor.says({"requestId": "1", "success": False, "errors": [{"code": 606, "message": None}]})
    vendor.says(GOOD)
    with a_marketo(vendor, clock) as marketo:
        assert marketo.rows(WRITE) == [{"id": 1}]
    assert sum(clock.sleeps) >= 20


def test_a_success_beside_an_error_is_no_answer_for_a_write(vendor: Vendor) -> None:
    vendor.says({**GOOD, "errors": [{"code": "1003", "message": "no"}]})
    with a_marketo(vendor) as marketo, pytest.raises(NoAnswer, match="true, beside an error"):
        marketo.rows(WRITE)


# Results that are not those of the records


@pytest.mark.parametrize(
    "rows",
    [
        [{"status": "updated"}, {"id": 2, "status": "updated"}],
        [{"id": None, "status": "updated"}, {"id": 2, "status": "updated"}],
        [{"id": 2, "status": "updated"}, {"id": 1, "status": "updated"}],
        [
            {"status": "skipped", "reasons": [{"code": "1004", "message": "x"}]},
            {"id": 1, "status": "updated"},
        ],
        [{"id": 1, "status": "updated"}],
    ],
    ids=["no id", "null id", "exchanged", "moved up", "one short"],
)
def test_marketo_results_that_name_nobody_or_somebody_else_are_no_answer(
    vendor: Vendor, rows: list[Mapping[str, object]]
) -> None:
    lead_fields(vendor)
    vendor.result(*rows)
    with a_marketo(vendor) as marketo, pytest.raises(NoAnswer):
        marketo.write("Lead", [a_lead("1"), a_lead("2")])


def test_list_results_of_other_people_are_no_answer(vendor: Vendor) -> None:
    vendor.result({"id": 2, "status": "added"}, {"id": 1, "status": "added"})
    with a_marketo(vendor) as marketo, pytest.raises(NoAnswer, match="not in the order"):
        marketo.add_to_list(7, ["1", "2"])


def test_a_campaign_that_is_gone_does_not_make_people_missing(vendor: Vendor) -> None:
    vendor.result({"id": 2001, "name": "Resync", "type": "trigger", "active": True})
    vendor.result({"isActive": True, "isRequestable": True, "qualificationRuleType": "any"})
    vendor.refuses("1013", "Object not found")
    with a_marketo(vendor) as marketo, pytest.raises(RecordMissing, match="1013"):
        marketo.trigger_campaign(2001, ["1", "2"])
    assert vendor.unused == 0


@pytest.mark.parametrize(
    "rows",
    [
        [{"success": True, "errors": []}],
        [{"id": None, "success": True, "errors": []}],
        [{"id": B, "success": True, "errors": []}],
        [{"id": A, "success": True, "errors": [{"statusCode": "UNABLE_TO_LOCK_ROW", "message": "x"}]}],
        [{"id": A, "success": "true", "errors": []}],
        [{"errorCode": "UNKNOWN_EXCEPTION", "message": "x"}],
    ],
    ids=["no id", "null id", "another", "saved and not", "text", "an error of the plain form"],
)
def test_salesforce_results_that_name_nothing_or_something_else_are_no_answer(
    vendor: Vendor, rows: list[Mapping[str, object]]
) -> None:
    sobject_fields(vendor)
    vendor.says(rows)
    with a_salesforce(vendor) as salesforce, pytest.raises(NoAnswer):
        salesforce.write("Lead", [an_sobject()])


# Ids


@pytest.mark.parametrize(
    ("left", "right", "same"),
    [
        ("00Q5e00000abcDeEAI", "00Q5E00000ABCDEEAI", True),
        ("00Q5e00000abcDe", "00Q5E00000abcDe", False),
        ("00Q5e0000000001", A, True),
        ("00Q5e0000000001", A.upper(), True),
        (A, B, False),
        ("", A, False),
    ],
)
def test_the_case_of_a_long_id_does_not_matter_and_that_of_a_short_one_does(
    left: str, right: str, *, same: bool
) -> None:
    assert same_id(left, right) is same


def test_a_record_whose_id_was_upper_cased_is_found_not_missing(vendor: Vendor) -> None:
    given, held = A.upper(), A
    vendor.says([{"Id": held, "City": "Bonn"}])
    stamps = {"IsDeleted": False, "LastModifiedById": "u", "LastModifiedDate": "d", "SystemModstamp": "d"}
    vendor.says({"totalSize": 1, "done": True, "records": [{"Id": held, **stamps}]})
    with a_salesforce(vendor) as salesforce:
        assert salesforce.read("Lead", [given], ["City"]).records == {given: {"City": "Bonn"}}
        assert set(salesforce.updated("Lead", [given]).records) == {given}


# Statuses and pages that are not the vendor's


@pytest.mark.parametrize("status", [201, 202, 204, 301, 302, 303, 307, 308])
def test_a_status_that_marketo_does_not_use_is_no_answer_for_a_write(vendor: Vendor, status: int) -> None:
    vendor.says(b"", status=status, headers={"Location": "/login"})
    with a_marketo(vendor) as marketo, pytest.raises(NoAnswer, match=f"HTTP {status}"):
        marketo.rows(WRITE)


@pytest.mark.parametrize("status", [302, 303, 307])
def test_a_redirect_is_no_answer_for_a_salesforce_write(vendor: Vendor, status: int) -> None:
    sobject_fields(vendor)
    vendor.says(LOGIN, status=status, headers={"Location": "/login"})
    with a_salesforce(vendor) as salesforce, pytest.raises(NoAnswer, match=f"HTTP {status}"):
        salesforce.write("Lead", [an_sobject()])


@pytest.mark.parametrize("kind", ["text/html", "application/json"])
def test_a_log_in_page_instead_of_an_answer_is_no_answer(vendor: Vendor, kind: str) -> None:
    vendor.says(LOGIN, headers={"Content-Type": kind})
    sobject_fields(vendor)
    vendor.says(LOGIN, headers={"Content-Type": kind})
    with a_marketo(vendor) as marketo, pytest.raises(NoAnswer):
        marketo.rows(WRITE)
    with a_salesforce(vendor) as salesforce, pytest.raises(NoAnswer):
        salesforce.write("Lead", [an_sobject()])


def test_json_under_a_wrong_content_type_is_read_for_what_it_is(vendor: Vendor) -> None:
    vendor.says(GOOD, headers={"Content-Type": "text/html"})
    with a_marketo(vendor) as marketo:
        assert marketo.rows(READ) == [{"id": 1}]


@pytest.mark.parametrize("status", [404, 410])
def test_a_gateways_not_found_does_not_make_a_record_missing(vendor: Vendor, status: int) -> None:
    vendor.says(LOGIN, status=status)
    with a_salesforce(vendor) as salesforce, pytest.raises(PermanentError) as caught:
        salesforce.read("Lead", [A], ["City"])
    assert not isinstance(caught.value, RecordMissing)


def test_a_proxy_that_wants_a_log_in_has_sent_nothing_on(vendor: Vendor) -> None:
    vendor.says(LOGIN, status=407)
    sobject_fields(vendor)
    vendor.says(LOGIN, status=407)
    with a_marketo(vendor) as marketo, pytest.raises(AccessDenied, match="proxy"):
        marketo.rows(WRITE)
    with a_salesforce(vendor) as salesforce, pytest.raises(AccessDenied, match="proxy"):
        salesforce.write("Lead", [an_sobject()])


def test_a_proxy_that_lets_nobody_through_has_sent_nothing_on(
    vendor: Vendor, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The proxy refuses the tunnel, so no vendor has seen the write."""
    monkeypatch.setenv("HTTPS_PROXY", vendor.url)
    session = HttpSession(
        system=SystemName.MARKETO,
        base_url="https://marketo.example",
        fetch_token=lambda: Token(value="t"),
        judge=lambda *_: None,
        limiter=RateLimiter(max_in_flight=1, clock=clock, sleep=clock.sleep),
        share=DailyShare(system=SystemName.MARKETO, share=1, clock=clock),
        timeout_s=5,
        max_in_flight=1,
        clock=clock,
        sleep=clock.sleep,
    )
    with closing(session), pytest.raises(TransientError, match="nothing was sent") as caught:
        session.send(WRITE)
    assert not isinstance(caught.value, NoAnswer)


def test_a_proxy_is_told_not_to_answer_from_memory(vendor: Vendor) -> None:
    vendor.says(GOOD)
    with a_marketo(vendor) as marketo:
        marketo.rows(READ)
    assert vendor.seen[0].headers["cache-control"] == "no-cache"


@pytest.mark.parametrize(
    "body",
    [
        b"this is not gzip",
        gzip.compress(json.dumps(GOOD).encode())[:-12],
        gzip.compress(json.dumps(GOOD).encode())[:15],
    ],
    ids=["not gzip", "cut in its end", "cut in its middle"],
)
def test_a_broken_compression_is_no_answer(vendor: Vendor, body: bytes) -> None:
    vendor.says(body, headers={"Content-Encoding": "gzip"})
    with a_marketo(vendor) as marketo, pytest.raises(NoAnswer):
        marketo.rows(WRITE)


# Waits


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("37", 37.0),
        (" 37 ", 37.0),
        ("1.5", 1.5),
        ("0", 0.0),
        ("Wed, 21 Oct 2026 07:28:37 GMT", 37.0),
        ("Wed, 21 Oct 2026 07:00:00 GMT", 0.0),
        ("Wed, 21 Oct 2037 07:28:37 GMT", LONGEST_RETRY_AFTER_S),
        ("999999999999", LONGEST_RETRY_AFTER_S),
        ("\u00b2", None),
        ("-5", None),
        ("soon", None),
        ("", None),
    ],
)
def test_a_retry_after_is_seconds_or_a_date(header: str, seconds: float | None) -> None:
    headers = {"retry-after": header, "date": "Wed, 21 Oct 2026 07:28:00 GMT"}
    assert Answer(status=429, headers=headers, content=b"").retry_after_s == seconds


def test_a_retry_date_without_the_vendors_own_time_is_not_guessed_at() -> None:
    headers = {"retry-after": "Wed, 21 Oct 2026 07:28:37 GMT"}
    assert Answer(status=429, headers=headers, content=b"").retry_after_s is None


def test_a_rate_limit_by_date_is_waited_for(vendor: Vendor, clock: FakeClock) -> None:
    def busy(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response_only(429)
        handler.send_header("Date", "Wed, 21 Oct 2026 07:28:00 GMT")
        handler.send_header("Retry-After", "Wed, 21 Oct 2026 07:28:50 GMT")
        handler.send_header("Content-Length", "0")
        handler.end_headers()

    vendor.acts(busy)
    vendor.says(GOOD)
    with a_marketo(vendor, clock) as marketo:
        marketo.rows(READ)
    assert sum(clock.sleeps) >= 50


# Tokens


@pytest.mark.parametrize(
    "body",
    [
        {"access_token": "", "expires_in": 3600},
        {"access_token": "a\r\nb: c", "expires_in": 3600},
        {"access_token": "t\u00f6ken", "expires_in": 3600},
        {"access_token": "token"},
        {"access_token": None, "expires_in": 3600},
    ],
    ids=["empty", "two lines", "not ASCII", "no end", "null"],
)
def test_a_token_that_cannot_be_used_is_no_token_and_is_not_told(
    vendor: Vendor, body: Mapping[str, object]
) -> None:
    vendor.token_replies.extend([Reply(body=json.dumps(body).encode())] * TRIES)
    with a_marketo(vendor) as marketo, pytest.raises(TransientError, match="no token in it") as caught:
        marketo.rows(WRITE)
    assert vendor.seen == []
    assert "token" not in str(caught.value.__cause__)


@pytest.mark.parametrize("where", ["ftp://127.0.0.1", "//nowhere", "", "http:///x", "http://[x"])
def test_an_instance_that_cannot_be_called_gets_no_token(vendor: Vendor, where: str) -> None:
    body = {"access_token": "t", "instance_url": where, "id": ""}
    vendor.token_replies.extend([Reply(body=json.dumps(body).encode())] * TRIES)
    with a_salesforce(vendor) as salesforce, pytest.raises(TransientError, match="incomplete"):
        salesforce.limits()
    assert vendor.seen == []


# Figures, describes and queries


@pytest.mark.parametrize("rows", [[], [{"date": "2026-11-01"}], [{"total": None}], [{"total": "many"}]])
def test_a_usage_that_tells_no_figure_is_unknown_never_none(
    vendor: Vendor, rows: list[Mapping[str, object]]
) -> None:
    vendor.result(*rows)
    with a_marketo(vendor) as marketo, pytest.raises(TransientError, match="no figures"):
        marketo.usage()


def test_a_limit_that_is_no_number_is_incomplete(vendor: Vendor) -> None:
    vendor.says({"DailyApiRequests": {"Max": None, "Remaining": "few"}}, times=TRIES)
    with a_salesforce(vendor) as salesforce, pytest.raises(TransientError, match="incomplete"):
        salesforce.limits()


def test_a_describe_of_another_object_is_incomplete(vendor: Vendor) -> None:
    for _ in range(TRIES):
        sobject_fields(vendor, "Contact")
    with (
        a_salesforce(vendor) as salesforce,
        pytest.raises(TransientError, match="describes Contact, not Lead"),
    ):
        salesforce.describe("Lead")


def test_a_bitmap_with_foreign_characters_is_not_guessed_at() -> None:
    with pytest.raises(ValueError, match="base64"):
        valid_for("g AAA")


def test_a_query_that_runs_in_a_circle_ends(vendor: Vendor) -> None:
    page = {
        "totalSize": 9,
        "done": False,
        "nextRecordsUrl": "/services/data/v60.0/query/01g-2",
        "records": [],
    }
    vendor.says(page, times=2)
    with a_salesforce(vendor) as salesforce, pytest.raises(TransientError, match="been already"):
        list(salesforce.query("SELECT Id FROM Lead"))


def test_a_row_that_lacks_who_saved_it_is_incomplete(vendor: Vendor) -> None:
    vendor.says({"totalSize": 1, "done": True, "records": [{"Id": A, "IsDeleted": False}]})
    with a_salesforce(vendor) as salesforce, pytest.raises(TransientError, match="lacks a field"):
        salesforce.updated("Lead", [A])


def test_a_cursor_that_has_ended_is_an_error_never_the_end(vendor: Vendor) -> None:
    url = "/services/data/v60.0/query/01g-2"
    vendor.says({"totalSize": 2, "done": False, "nextRecordsUrl": url, "records": [{"Id": A}]})
    vendor.says([{"errorCode": "INVALID_QUERY_LOCATOR", "message": "x"}], status=400, times=TRIES)
    with a_salesforce(vendor) as salesforce, pytest.raises(VendorError):
        list(salesforce.query("SELECT Id FROM Lead"))


@pytest.mark.parametrize(("code", "tries"), [("1003", 1), ("601", 3), ("702", 1), ("611", TRIES)])
def test_a_paging_token_that_has_ended_is_an_error_never_the_end(
    vendor: Vendor, code: str, tries: int
) -> None:
    vendor.result({"id": 1}, nextPageToken="ABC")
    for _ in range(tries):
        vendor.refuses(code, "Paging token expired")
    with a_marketo(vendor) as marketo, pytest.raises(VendorError):
        list(marketo.pages(READ))


# Extracts


def job(vendor: Vendor, file: bytes, **told: object) -> None:
    """Queue the answers of an extract of ``email`` and ``country``, with what its job tells."""
    for status in ("Created", "Queued"):
        vendor.result({"exportId": "e1", "status": status})
    vendor.result({"exportId": "e1", "status": "Completed", **told})
    vendor.says(file, headers={"Content-Type": "text/csv"})


@pytest.mark.parametrize(
    ("file", "told"),
    [
        (b"email,country\na@b.example,Germany\n", {}),
        (b"email\na@b.example\n", {"numberOfRecords": 1}),
        (b"email,country,country\na@b.example,x,y\n", {"numberOfRecords": 1}),
        (b'email,country\na@b.example,"Germ', {"numberOfRecords": 1}),
        (b"email,country\na@b.example,K\xf6ln\n", {"numberOfRecords": 1}),
        (LOGIN, {"numberOfRecords": 0}),
        (b"", {"numberOfRecords": 0}),
    ],
    ids=["no proof", "a column short", "a column twice", "cut in quotes", "not UTF-8", "a page", "nothing"],
)
def test_an_extract_that_is_not_shown_to_be_whole_hands_on_nobody(
    vendor: Vendor, file: bytes, told: Mapping[str, object]
) -> None:
    job(vendor, file, **told)
    with a_marketo(vendor) as marketo, pytest.raises(TransientError, match="incomplete"):
        next(marketo.extract_leads(["email", "country"], {"staticListId": 1}))


def test_a_daily_limit_inside_a_download_is_that_limit(vendor: Vendor) -> None:
    for status in ("Created", "Queued"):
        vendor.result({"exportId": "e1", "status": status})
    vendor.result({"exportId": "e1", "status": "Completed", "numberOfRecords": 1})
    told = {"requestId": "1", "success": False, "errors": [{"code": "607", "message": "x"}]}
    vendor.says(told, headers={"Content-Type": "application/json"})
    with a_marketo(vendor) as marketo, pytest.raises(RateLimited) as caught:
        next(marketo.extract_leads(["email"], {"staticListId": 1}))
    assert caught.value.daily
