"""What Salesforce's answers mean: one table of codes, one function for an answer, one for a record.

Sources: REST API Developer Guide, "Status Codes and Error Responses"; SOAP API Developer Guide, "Core Data
Types Used in API Calls" (StatusCode, ExceptionCode). An error has two shapes with the same codes: plain REST
``[{errorCode, message, fields}]`` and the SaveResult's ``errors: [{statusCode, message, fields}]``.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum, auto
from types import MappingProxyType
from typing import Any

from pydantic import AliasChoices, BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from remediator.errors import (
    AccessDenied,
    PermanentError,
    RateLimited,
    RecordChanged,
    RecordMissing,
    RecordRefused,
    TransientError,
    VendorError,
)
from remediator.model import SystemName
from remediator.systems.calls import Answer, Call, TokenRefused, redact, unclear

_SYSTEM = SystemName.SALESFORCE
_BUSY_S = 30.0
_HOUR_S = 3_600.0


class Meaning(Enum):
    """What the caller should make of a code."""

    RENEW_TOKEN = auto()
    DENIED = auto()
    LIMIT = auto()
    TRANSIENT = auto()
    """This record was not saved; later it may be."""
    MISSING = auto()
    REFUSED = auto()
    CHANGED = auto()
    WRONG_CALL = auto()


_M = Meaning
_BY_MEANING: Mapping[Meaning, str] = MappingProxyType(
    {
        _M.RENEW_TOKEN: "INVALID_SESSION_ID",
        _M.DENIED: """
            API_CURRENTLY_DISABLED API_DISABLED_FOR_ORG FORBIDDEN INSUFFICIENT_ACCESS
            INSUFFICIENT_ACCESS_OR_READONLY INSUFFICIENT_ACCESS_ON_CROSS_REFERENCE_ENTITY
            INVALID_FIELD_FOR_INSERT_UPDATE INVALID_FIELD INVALID_TYPE TRANSFER_REQUIRES_READ
            TXN_SECURITY_NO_ACCESS INACTIVE_USER INACTIVE_ORGANIZATION AUTHENTICATION_FAILURE INVALID_GRANT
            EXPIRED_ACCESS FUNCTIONALITY_NOT_ENABLED FEATURENOTENABLED""",
        _M.LIMIT: "REQUEST_LIMIT_EXCEEDED EXCEEDEDQUOTA",
        _M.TRANSIENT: """
            UNABLE_TO_LOCK_ROW QUERY_TIMEOUT SERVER_UNAVAILABLE FAILED_WRITE UNKNOWN_EXCEPTION APEX_ERROR
            ALL_OR_NONE_OPERATION_ROLLED_BACK PROCESSING_HALTED INVALID_QUERY_LOCATOR""",
        _M.MISSING: "NOT_FOUND ENTITY_IS_DELETED",
        _M.REFUSED: """
            REQUIRED_FIELD_MISSING STRING_TOO_LONG INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST
            FIELD_INTEGRITY_EXCEPTION FIELD_CUSTOM_VALIDATION_EXCEPTION FIELD_FILTER_VALIDATION_EXCEPTION
            FIELD_NOT_UPDATABLE INVALID_EMAIL_ADDRESS NUMBER_OUTSIDE_VALID_RANGE
            INVALID_TYPE_ON_FIELD_IN_RECORD INVALID_CURRENCY_ISO INVALID_CROSS_REFERENCE_KEY MALFORMED_ID
            DUPLICATES_DETECTED DUPLICATE_VALUE DUPLICATE_EXTERNAL_ID MULTIPLE_RECORDS_FOUND
            CANNOT_UPDATE_CONVERTED_LEAD CANNOT_REPARENT_RECORD INACTIVE_OWNER_OR_USER ENTITY_IS_LOCKED
            CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY CANNOT_EXECUTE_FLOW_TRIGGER DELETE_FAILED
            STORAGE_LIMIT_EXCEEDED JSON_PARSER_ERROR""",
        _M.CHANGED: "PRECONDITION_FAILED",
        _M.WRONG_CALL: """
            MALFORMED_QUERY QUERY_TOO_COMPLICATED METHOD_NOT_ALLOWED UNSUPPORTED_MEDIA_TYPE
            UNSUPPORTED_API_VERSION EXCEEDED_MAX_SIZE_REQUEST MISSING_ARGUMENT MIXED_DML_OPERATION
            INVALIDJOB INVALIDJOBSTATE INVALIDENTITY ILLEGAL_QUERY_PARAMETER_VALUE""",
    }
)
MEANINGS: Mapping[str, Meaning] = MappingProxyType(
    {code: meaning for meaning, codes in _BY_MEANING.items() for code in codes.split()}
)


class SaveError(BaseModel):
    """One error in either shape."""

    model_config = ConfigDict(extra="ignore")

    code: str = Field("", validation_alias=AliasChoices("statusCode", "errorCode"))
    message: str = ""
    fields: list[str] | None = None


_ERRORS = TypeAdapter(list[SaveError])


def record_error(call: Call, told: Any) -> VendorError:
    """Return the error for one record that was not saved.

    Args:
        call: what was asked.
        told: the record's list of errors as it came; the first decides, all are told.
    """
    try:
        errors = _ERRORS.validate_python(told or [])
    except ValidationError:
        errors = []
    if not errors:
        return PermanentError(f"{_SYSTEM}: {call.name}: not saved, and no reason given", system=_SYSTEM)
    return _error(call, errors)


def answer_error(call: Call, answer: Answer) -> VendorError | None:
    """Return the error that an answer stands for, ``None`` for a good one.

    Gateways answer in HTML or plain text, so the body is read as JSON only if it is.
    """
    status = answer.status
    if status < 300:
        return None
    text = f"{_SYSTEM}: {call.name}: HTTP {status}: {answer.excerpt()}"
    if status == 412:
        return RecordChanged(
            f"{_SYSTEM}: {call.name}: the record moved since it was read", code=str(status), system=_SYSTEM
        )
    if status == 407:
        return AccessDenied(
            f"{_SYSTEM}: {call.name}: the proxy wants us to log in; nothing was sent on",
            code=str(status),
            system=_SYSTEM,
        )
    if status < 400 and call.writes:
        # A log-in page or a gateway, before or after the work.
        return unclear(call, f"HTTP {status}: {answer.excerpt()}", code=str(status), system=_SYSTEM)
    errors = _body_errors(answer)
    # A gateway, or a server that failed on the way: a write may have been carried out.
    if status >= 500 or status == 408:
        code = errors[0].code if errors else str(status)
        detail = errors[0].message if errors else answer.excerpt()
        if status == 503 and answer.retry_after_s and not call.writes:
            return RateLimited(text, code=code, system=_SYSTEM, retry_after_s=answer.retry_after_s)
        return unclear(call, f"HTTP {status} {code} {redact(detail)}", code=code, system=_SYSTEM)
    if errors and errors[0].code:
        error = _error(call, errors)
        # A lock rolls back; a time-out may have come after the work.
        if type(error) is TransientError and error.code != "UNABLE_TO_LOCK_ROW":
            return unclear(call, f"HTTP {status} {errors[0].message}", code=error.code, system=_SYSTEM)
        return error
    match status:
        case 401:
            return TokenRefused(text, code="401", system=_SYSTEM)
        case 403:
            return AccessDenied(text, code="403", system=_SYSTEM)
        case 420 | 429:
            return RateLimited(
                text, code=str(status), system=_SYSTEM, retry_after_s=answer.retry_after_s or _BUSY_S
            )
        case _:
            return PermanentError(text, code=str(status), system=_SYSTEM)


def token_error(call: Call, answer: Answer) -> VendorError | None:
    """Return the error that the token endpoint's answer stands for, ``None`` for a good one.

    Source: RFC 6749, section 5.2, with the descriptions that Salesforce gives.
    """
    if answer.status == 200:
        return None
    try:
        body = answer.json()
    except ValueError:
        body = None
    if not isinstance(body, dict) or answer.status >= 500:
        return answer_error(call, answer) if answer.status >= 500 else _login_refused(answer.excerpt(), None)
    error, why = str(body.get("error")), str(body.get("error_description") or body.get("error"))
    if error == "rate_limit_exceeded" or "login rate exceeded" in why:
        return RateLimited(f"{_SYSTEM}: log-in: {why}", code=error, system=_SYSTEM, retry_after_s=60)
    if error in ("server_error", "unknown_error") or "retry your request" in why:
        return TransientError(f"{_SYSTEM}: log-in: {why}", code=error, system=_SYSTEM)
    return _login_refused(f"{error}: {why}", error)


def _login_refused(why: str, code: str | None) -> AccessDenied:
    return AccessDenied(
        f"{_SYSTEM}: log-in refused: {redact(why)}; check salesforce.client_id, username and key or secret, "
        "that the user is pre-authorised for the app, and salesforce.audience (login or test host, no path)",
        code=code,
        system=_SYSTEM,
    )


def _body_errors(answer: Answer) -> list[SaveError]:
    try:
        body = answer.json()
        return _ERRORS.validate_python(body if isinstance(body, list) else [body])
    except (ValueError, ValidationError):
        return []


def _error(call: Call, errors: list[SaveError]) -> VendorError:
    first = errors[0]
    code = first.code or None
    told = "; ".join(f"{error.code} {redact(error.message)}" for error in errors)
    text = f"{_SYSTEM}: {call.name}: {told}"
    fields = tuple(dict.fromkeys(name for error in errors for name in error.fields or ()))
    match _meaning(first):
        case Meaning.RENEW_TOKEN:
            if "not valid for use with the REST API" in first.message:
                return AccessDenied(f"{text}; give the app the scope 'api'", code=code, system=_SYSTEM)
            return TokenRefused(text, code=code, system=_SYSTEM)
        case Meaning.DENIED:
            return AccessDenied(text, code=code, system=_SYSTEM)
        case Meaning.LIMIT:
            # Concurrency passes within a minute; the day's total does not.
            daily = "Concurrent" not in first.message
            wait_s = _HOUR_S if daily else _BUSY_S
            return RateLimited(text, code=code, system=_SYSTEM, retry_after_s=wait_s, daily=daily)
        case Meaning.TRANSIENT:
            return TransientError(text, code=code, system=_SYSTEM)
        case Meaning.MISSING:
            return RecordMissing(text, code=code, system=_SYSTEM)
        case Meaning.REFUSED:
            return RecordRefused(text, code=code, system=_SYSTEM, fields=fields)
        case Meaning.CHANGED:
            return RecordChanged(text, code=code, system=_SYSTEM)
        case Meaning.WRONG_CALL | None:
            return PermanentError(text, code=code, system=_SYSTEM)


def _meaning(error: SaveError) -> Meaning | None:
    code = error.code
    if code == "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY" and error.message.startswith("entity type cannot be"):
        return Meaning.DENIED
    if code in MEANINGS:
        return MEANINGS[code]
    # Families that grow with the releases.
    if code.endswith("_DURING_MAINTENANCE"):
        return Meaning.TRANSIENT
    if code.startswith(("INSUFFICIENT_ACCESS", "TXN_SECURITY", "MISSING_PERMISSION")):
        return Meaning.DENIED
    return None
