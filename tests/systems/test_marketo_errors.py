from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from remediator.errors import (
    AccessDenied,
    NoAnswer,
    PermanentError,
    RateLimited,
    RecordMissing,
    RecordRefused,
    TransientError,
)
from remediator.systems.calls import Answer, Call, TokenRefused
from remediator.systems.marketo_errors import (
    MEANINGS,
    http_error,
    record_error,
    response_error,
    seconds_to_reset,
)

NOW = datetime(2026, 11, 23, 18, 0, tzinfo=UTC)
READ = Call(method="GET", template="/rest/v1/leads.json")
WRITE = Call(method="POST", template="/rest/v1/leads.json", writes=True)

# Adobe Experience League, Marketo REST API, "Error Codes": response level, then record level. 600 is the
# one that only third parties document.
_CODES = """
    413 414 500 502 600 601 602 603 604 605 606 607 608 609 610 611 612 613 614 615 616 701 702 703 704 709
    710 711 712 713 714 718 719
    1001 1002 1003 1004 1005 1006 1007 1008 1009 1010 1011 1012 1013 1014 1015 1016 1017 1018 1019 1020 1021
    1022 1025 1026 1027 1028 1029 1035 1036 1037 1042 1048 1049 1076 1077 1078 1079 1080
"""
DOCUMENTED = _CODES.split()


@pytest.mark.parametrize("code", DOCUMENTED)
def test_every_documented_code_is_mapped(code: str) -> None:
    assert code in MEANINGS


def test_no_code_is_mapped_that_is_not_documented() -> None:
    assert set(MEANINGS) == set(DOCUMENTED)


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("601", TokenRefused),
        ("603", AccessDenied),
        ("606", RateLimited),
        ("607", RateLimited),
        ("608", TransientError),
        ("610", PermanentError),
        ("615", RateLimited),
        ("702", RecordMissing),
        ("1004", RecordMissing),
        ("1006", RecordRefused),
        ("1008", AccessDenied),
        ("1021", RecordRefused),
    ],
)
def test_a_code_becomes_the_error_that_says_what_to_do(code: str, kind: type[Exception]) -> None:
    error = response_error(WRITE, code, "text", now=NOW)
    assert type(error) is kind
    assert error.code == code
    assert error.system == "marketo"


@pytest.mark.parametrize("code", ["500", "502", "604", "611", "713", "719", "1014"])
def test_a_code_that_leaves_it_open_is_no_answer_for_a_write_only(code: str) -> None:
    assert type(response_error(WRITE, code, "text", now=NOW)) is NoAnswer
    assert type(response_error(READ, code, "text", now=NOW)) is TransientError


def test_an_undocumented_code_is_permanent_and_keeps_its_text() -> None:
    error = response_error(WRITE, "4711", "a new kind of trouble", now=NOW)
    assert type(error) is PermanentError
    assert "4711 a new kind of trouble" in str(error)


def test_the_three_messages_of_1029_are_told_apart() -> None:
    quota = response_error(WRITE, "1029", "Export daily quota 500MB exceeded.", now=NOW)
    queue = response_error(WRITE, "1029", "Too many jobs (10) in queue", now=NOW)
    assert isinstance(quota, RateLimited)
    assert quota.daily
    assert isinstance(queue, RateLimited)
    assert not queue.daily


def test_the_day_begins_anew_at_midnight_in_chicago() -> None:
    assert seconds_to_reset(NOW) == timedelta(hours=12).total_seconds()


def test_the_day_on_which_clocks_go_back_is_an_hour_longer() -> None:
    noon_before = datetime(2026, 10, 31, 17, 0, tzinfo=UTC)
    assert seconds_to_reset(noon_before) == timedelta(hours=12).total_seconds()
    assert seconds_to_reset(noon_before + timedelta(days=1)) == timedelta(hours=13 - 1).total_seconds() + 3600


def test_all_reasons_of_a_record_are_told_and_the_first_decides() -> None:
    error = record_error(WRITE, [("1004", "Lead not found"), ("1006", "Field 'x' not found")], now=NOW)
    assert isinstance(error, RecordMissing)
    assert "Lead not found; Field 'x' not found" in str(error)


def test_a_record_that_is_skipped_without_a_reason_is_an_error() -> None:
    assert type(record_error(WRITE, [], now=NOW)) is PermanentError


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (401, TokenRefused),
        (403, AccessDenied),
        (404, PermanentError),
        (413, PermanentError),
        (414, PermanentError),
        (429, RateLimited),
        (500, NoAnswer),
        (502, NoAnswer),
        (503, NoAnswer),
    ],
)
def test_a_status_becomes_the_error_that_says_what_to_do(status: int, kind: type[Exception]) -> None:
    answer = Answer(status=status, headers={}, content=b"<html>gateway</html>")
    error = http_error(WRITE, answer)
    assert type(error) is kind
    assert "<html>gateway</html>" in str(error)


@pytest.mark.parametrize("status", [200, 206])
def test_a_good_status_is_no_error(status: int) -> None:
    assert http_error(READ, Answer(status=status, headers={}, content=b"")) is None
