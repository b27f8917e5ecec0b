"""The three wire forms of one refusal: REST array, SaveResult, Bulk cell."""

from __future__ import annotations

from typing import Any

from remediator.sandbox.salesforce.errors import ApiFault, SaveError, SaveOutcome

ROLLED_BACK = SaveError(
    code="ALL_OR_NONE_OPERATION_ROLLED_BACK",
    message="Record rolled back because not all records were valid and the request was using AllOrNone"
    " header",
)


def rest_errors(errors: tuple[SaveError, ...]) -> list[dict[str, Any]]:
    """Return the body of a refused single-record call."""
    return [
        {"message": error.message, "errorCode": error.code, "fields": list(error.fields), **error.extra}
        for error in errors
    ]


def fault_body(fault: ApiFault) -> list[dict[str, Any]]:
    """Return the body of a refused request."""
    body: dict[str, Any] = {"message": fault.message, "errorCode": fault.code}
    if fault.fields:
        body["fields"] = list(fault.fields)
    return [body]


def save_result(outcome: SaveOutcome, *, upsert: bool = False) -> dict[str, Any]:
    """Return one row of a collections answer."""
    result: dict[str, Any] = {}
    if outcome.id is not None:
        result["id"] = outcome.id
    result["success"] = outcome.success
    result["errors"] = [
        {"statusCode": error.code, "message": error.message, "fields": list(error.fields), **error.extra}
        for error in outcome.errors
    ]
    if upsert:
        result["created"] = outcome.created
    return result


def bulk_error(errors: tuple[SaveError, ...]) -> str:
    """Return the ``sf__Error`` cell: ``CODE:message:Field1 Field2 --``."""
    error = errors[0]
    return f"{error.code}:{error.message}:{' '.join(error.fields) + ' ' if error.fields else ''}--"
