from __future__ import annotations

import json

import pytest

from remediator.errors import (
    AccessDenied,
    NoAnswer,
    PermanentError,
    RateLimited,
    RecordChanged,
    RecordMissing,
    RecordRefused,
    TransientError,
)
from remediator.systems.calls import Answer, Call, TokenRefused
from remediator.systems.salesforce_errors import MEANINGS, answer_error, record_error, token_error

READ = Call(method="GET", template="/services/data/v60.0/query")
WRITE = Call(method="PATCH", template="/services/data/v60.0/composite/sobjects", writes=True)

# REST API Developer Guide, "Status Codes and Error Responses"; SOAP API Developer Guide, StatusCode and
# ExceptionCode, as far as a client that reads and updates people can meet them.
_CODES = """
    INVALID_SESSION_ID REQUEST_LIMIT_EXCEEDED API_CURRENTLY_DISABLED API_DISABLED_FOR_ORG FORBIDDEN
    INSUFFICIENT_ACCESS NOT_FOUND METHOD_NOT_ALLOWED UNSUPPORTED_MEDIA_TYPE UNSUPPORTED_API_VERSION
    UNKNOWN_EXCEPTION APEX_ERROR SERVER_UNAVAILABLE QUERY_TIMEOUT EXCEEDED_MAX_SIZE_REQUEST UNABLE_TO_LOCK_ROW
    INVALID_FIELD INVALID_TYPE MALFORMED_QUERY QUERY_TOO_COMPLICATED INVALID_QUERY_LOCATOR DELETE_FAILED
    ENTITY_IS_DELETED ENTITY_IS_LOCKED PROCESSING_HALTED ALL_OR_NONE_OPERATION_ROLLED_BACK
    INSUFFICIENT_ACCESS_OR_READONLY INSUFFICIENT_ACCESS_ON_CROSS_REFERENCE_ENTITY INVALID_CROSS_REFERENCE_KEY
    INVALID_FIELD_FOR_INSERT_UPDATE FIELD_NOT_UPDATABLE TRANSFER_REQUIRES_READ TXN_SECURITY_NO_ACCESS
    REQUIRED_FIELD_MISSING STRING_TOO_LONG INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST FIELD_INTEGRITY_EXCEPTION
    INVALID_EMAIL_ADDRESS NUMBER_OUTSIDE_VALID_RANGE INVALID_TYPE_ON_FIELD_IN_RECORD JSON_PARSER_ERROR
    MALFORMED_ID FIELD_FILTER_VALIDATION_EXCEPTION DUPLICATE_VALUE DUPLICATES_DETECTED DUPLICATE_EXTERNAL_ID
    FIELD_CUSTOM_VALIDATION_EXCEPTION CANNOT_UPDATE_CONVERTED_LEAD INACTIVE_OWNER_OR_USER
    CANNOT_REPARENT_RECORD STORAGE_LIMIT_EXCEEDED MISSING_ARGUMENT INVALID_CURRENCY_ISO
    CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY CANNOT_EXECUTE_FLOW_TRIGGER MIXED_DML_OPERATION FAILED_WRITE
    INVALIDJOB INVALIDJOBSTATE INVALIDENTITY EXCEEDEDQUOTA FEATURENOTENABLED
"""


def an_answer(status: int, *, code: str | None = None, message: str = "text", body: bytes = b"") -> Answer:
    if code:
        body = json.dumps([{"errorCode": code, "message": message, "fields": ["Country"]}]).encode()
    return Answer(status=status, headers={}, content=body)


@pytest.mark.parametrize("code", _CODES.split())
def test_every_documented_code_is_mapped(code: str) -> None:
    assert code in MEANINGS


@pytest.mark.parametrize(
    ("status", "code", "kind"),
    [
        (401, "INVALID_SESSION_ID", TokenRefused),
        (403, "API_DISABLED_FOR_ORG", AccessDenied),
        (403, "INSUFFICIENT_ACCESS", AccessDenied),
        (404, "NOT_FOUND", RecordMissing),
        (404, "ENTITY_IS_DELETED", RecordMissing),
        (400, "INVALID_FIELD", AccessDenied),
        (400, "STRING_TOO_LONG", RecordRefused),
        (400, "UNABLE_TO_LOCK_ROW", TransientError),
        (405, "METHOD_NOT_ALLOWED", PermanentError),
        (503, "SERVER_UNAVAILABLE", NoAnswer),
        (500, "UNKNOWN_EXCEPTION", NoAnswer),
        (400, "QUERY_TIMEOUT", NoAnswer),
    ],
)
def test_a_code_becomes_the_error_that_says_what_to_do_with_a_write(
    status: int, code: str, kind: type[Exception]
) -> None:
    error = answer_error(WRITE, an_answer(status, code=code))
    assert type(error) is kind
    assert error.code == code


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (401, TokenRefused),
        (403, AccessDenied),
        # It is not the record that a gateway does not find.
        (404, PermanentError),
        (410, PermanentError),
        (412, RecordChanged),
        (414, PermanentError),
        (415, PermanentError),
        (420, RateLimited),
        (429, RateLimited),
        (431, PermanentError),
        (300, PermanentError),
        (500, TransientError),
        (502, TransientError),
        (503, TransientError),
    ],
)
def test_a_gateways_page_is_judged_by_its_status(status: int, kind: type[Exception]) -> None:
    error = answer_error(READ, an_answer(status, body=b"<html><h1>URI Too Long</h1></html>"))
    assert type(error) is kind


@pytest.mark.parametrize("status", [200, 201, 204])
def test_a_good_status_is_no_error(status: int) -> None:
    assert answer_error(WRITE, an_answer(status)) is None


def test_the_days_total_is_told_from_calls_that_ran_together() -> None:
    total = answer_error(
        READ, an_answer(403, code="REQUEST_LIMIT_EXCEEDED", message="TotalRequests Limit exceeded.")
    )
    together = answer_error(
        READ,
        an_answer(
            403,
            code="REQUEST_LIMIT_EXCEEDED",
            message="ConcurrentRequests (Concurrent API Requests) Limit exceeded.",
        ),
    )
    assert isinstance(total, RateLimited)
    assert total.daily
    assert isinstance(together, RateLimited)
    assert not together.daily
    assert together.retry_after_s >= 30


def test_a_token_without_the_api_scope_is_not_renewed() -> None:
    message = "This session is not valid for use with the REST API"
    error = answer_error(READ, an_answer(401, code="INVALID_SESSION_ID", message=message))
    assert type(error) is AccessDenied


def test_both_meanings_of_the_activate_code_are_told_apart() -> None:
    code = "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY"
    denied = record_error(WRITE, [{"statusCode": code, "message": "entity type cannot be updated: Lead"}])
    broken = record_error(WRITE, [{"statusCode": code, "message": "LeadTrigger: execution of BeforeUpdate"}])
    assert type(denied) is AccessDenied
    assert type(broken) is RecordRefused


def test_a_refused_record_names_the_fields_and_tells_all_errors() -> None:
    error = record_error(
        WRITE,
        [
            {"statusCode": "STRING_TOO_LONG", "message": "Title: too large", "fields": ["Title"]},
            {"statusCode": "INVALID_EMAIL_ADDRESS", "message": "Email: invalid", "fields": ["Email"]},
        ],
    )
    assert isinstance(error, RecordRefused)
    assert error.fields == ("Title", "Email")
    assert "STRING_TOO_LONG Title: too large; INVALID_EMAIL_ADDRESS Email: invalid" in str(error)


@pytest.mark.parametrize("told", [None, [], "nonsense", [7]])
def test_a_record_that_is_not_saved_without_a_readable_reason_is_an_error(told: object) -> None:
    assert type(record_error(WRITE, told)) is PermanentError


def test_an_undocumented_code_is_permanent_and_keeps_its_text() -> None:
    error = record_error(WRITE, [{"statusCode": "BRAND_NEW_CODE", "message": "something else"}])
    assert type(error) is PermanentError
    assert "BRAND_NEW_CODE something else" in str(error)


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("READ_ONLY_DURING_MAINTENANCE", TransientError),
        ("TXN_SECURITY_METERING_ERROR", AccessDenied),
        ("INSUFFICIENT_ACCESS_OF_A_NEW_KIND", AccessDenied),
    ],
)
def test_families_of_codes_are_known_by_their_name(code: str, kind: type[Exception]) -> None:
    assert type(record_error(WRITE, [{"statusCode": code, "message": ""}])) is kind


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (
            400,
            {"error": "invalid_grant", "error_description": "user hasn't approved this consumer"},
            AccessDenied,
        ),
        (401, {"error": "invalid_client", "error_description": "invalid client credentials"}, AccessDenied),
        (400, {"error": "invalid_grant", "error_description": "login rate exceeded"}, RateLimited),
        (400, {"error": "unknown_error", "error_description": "retry your request"}, TransientError),
        (400, {"error": "server_error"}, TransientError),
        (503, {}, TransientError),
        (403, "not an object", AccessDenied),
    ],
)
def test_only_a_passing_log_in_failure_may_be_tried_again(
    status: int, body: object, kind: type[Exception]
) -> None:
    error = token_error(READ, Answer(status=status, headers={}, content=json.dumps(body).encode()))
    assert type(error) is kind
