"""What each vendor says when a fault of ``faults.py`` strikes, and how bodies are bent."""

from __future__ import annotations

import json
from typing import Any

PAGE = b"<html><head><title>Error</title></head><body><h1>Server error</h1><p>Try again.</p></body></html>"

_MARKETO = {
    "rate_limit": ("606", "Max rate limit '100' exceeded with in '20' secs"),
    "concurrency": ("615", "Concurrent access limit reached"),
    "daily_quota": ("607", "Daily API Request Limit Reached"),
    "token_expired": ("602", "Access token expired"),
    "token_invalid": ("601", "Access token invalid"),
    "server_error": ("611", "System error"),
    "unavailable": ("608", "API Temporarily Unavailable"),
    "timeout_code": ("604", "Request timed out"),
}
_SALESFORCE = {
    "rate_limit": (
        403,
        "REQUEST_LIMIT_EXCEEDED",
        "ConcurrentRequests (Concurrent API Requests) Limit exceeded.",
    ),
    "concurrency": (
        403,
        "REQUEST_LIMIT_EXCEEDED",
        "ConcurrentRequests (Concurrent API Requests) Limit exceeded.",
    ),
    "daily_quota": (403, "REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded."),
    "token_expired": (401, "INVALID_SESSION_ID", "Session expired or invalid"),
    "token_invalid": (401, "INVALID_SESSION_ID", "Session expired or invalid"),
    "server_error": (
        500,
        "UNKNOWN_EXCEPTION",
        "An unexpected error occurred. Please include this ErrorId if you contact support:"
        " 1862418274-54321 (1290415)",
    ),
    "timeout_code": (400, "QUERY_TIMEOUT", "Your query request was running for too long."),
}

ERROR_ANSWERS = frozenset(_MARKETO)
"""Faults that answer with an error instead of passing the request on."""


def answer(system: str, name: str, parameters: dict[str, Any]) -> tuple[int, bytes, bytes]:
    """Return ``(HTTP status, content type, body)`` of an error answer."""
    if name == "server_error" and parameters.get("style", "html") == "html":
        return int(parameters.get("status", 500)), b"text/html", PAGE
    if system == "marketo":
        code, message = _MARKETO[name]
        body: Any = {
            "requestId": "fa17#19c0ffee",
            "success": False,
            "errors": [{"code": code, "message": message}],
        }
        return 200, b"application/json;charset=UTF-8", _encode(body)
    if name == "unavailable":
        return 503, b"text/html", PAGE
    status, error_code, message = _SALESFORCE[name]
    return status, b"application/json;charset=UTF-8", _encode([{"message": message, "errorCode": error_code}])


def empty_body(system: str, path: str, parameters: dict[str, Any]) -> bytes:
    """Return a success without any record, or the ``body`` that the fault names."""
    if "body" in parameters:
        body = parameters["body"]
        return body.encode() if isinstance(body, str) else _encode(body)
    if system == "marketo":
        return _encode({"requestId": "fa17#19c0ffee", "success": True, "result": []})
    if "/query" in path:
        return _encode({"totalSize": 0, "done": True, "records": []})
    return _encode([])


def without_later_pages(body: bytes) -> bytes:
    """Return the body with its paging ended early, or with half of its records when it has no paging."""
    content = _decode(body)
    if isinstance(content, list):
        return _encode(content[: len(content) // 2])
    if not isinstance(content, dict):
        return body
    if content.get("nextRecordsUrl"):
        content.pop("nextRecordsUrl")
        content["done"] = True
    elif content.get("nextPageToken"):
        content.pop("nextPageToken")
        content["moreResult"] = False
    else:
        for key in ("result", "records"):
            if isinstance(content.get(key), list):
                content[key] = content[key][: len(content[key]) // 2]
    return _encode(content)


def split_batch(body: bytes, share: int) -> tuple[bytes, frozenset[int], int]:
    """Take each ``share``-th record out of a batch.

    Returns the body that is left, the positions taken out, and how many records there were.
    """
    content = _decode(body)
    if not isinstance(content, dict):
        return body, frozenset(), 0
    key = next((key for key in ("input", "records") if isinstance(content.get(key), list)), None)
    if key is None:
        return body, frozenset(), 0
    rows = content[key]
    out = frozenset(range(share - 1, len(rows), share))
    content[key] = [row for position, row in enumerate(rows) if position not in out]
    return _encode(content), out, len(rows)


def join_batch(system: str, body: bytes, out: frozenset[int], total: int, error: dict[str, Any]) -> bytes:
    """Put failures where records were taken out, in the vendor's form."""
    content = _decode(body)
    results = content.get("result", []) if isinstance(content, dict) else content
    if not isinstance(results, list) or len(results) + len(out) != total:
        return body
    if system == "marketo":
        failure: Any = {
            "status": "skipped",
            "reasons": [
                {"code": error.get("code", "1011"), "message": error.get("message", "Object not available")}
            ],
        }
    else:
        failure = {
            "success": False,
            "errors": [
                {
                    "statusCode": error.get("code", "UNABLE_TO_LOCK_ROW"),
                    "message": error.get("message", "unable to obtain exclusive access to this record"),
                    "fields": [],
                }
            ],
        }
    left = iter(results)
    joined = [failure if position in out else next(left) for position in range(total)]
    return _encode({**content, "result": joined} if isinstance(content, dict) else joined)


def _encode(content: Any) -> bytes:
    return json.dumps(content, ensure_ascii=False).encode()


def _decode(body: bytes) -> Any:
    try:
        return json.loads(body)
    except ValueError:
        return None
