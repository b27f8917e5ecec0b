"""How Marketo answers: HTTP 200 with ``success``, errors inside, and members left out when empty."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import Any

MESSAGES: Mapping[str, str] = {
    "600": "Access token not specified",
    "601": "Access token invalid",
    "602": "Access token expired",
    "605": "HTTP Method not supported",
    "607": "Daily quota reached",
    "609": "Invalid JSON",
    "610": "Requested resource not found",
    "612": "Invalid Content Type",
    "615": "Concurrent access limit reached",
    "702": "No data found",
}

_requests = count(1)


class ApiError(Exception):
    """A whole call refused: HTTP 200 with ``success: false`` and one error."""

    def __init__(self, code: str, message: str | None = None) -> None:
        self.code = code
        self.message = message or MESSAGES[code]
        super().__init__(f"{code} {self.message}")


class HttpError(Exception):
    """The few refusals that Marketo gives as an HTTP status with a plain body."""

    def __init__(self, status: int, message: str) -> None:
        self.status = status
        super().__init__(message)


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One authorised call, whatever way its parameters came.

    Attributes:
        path: the parts of the path that the route names.
        params: query and form parameters, each with all its values.
        body: the JSON body, ``None`` when there is none.
        raw: the body as it came, for uploads.
        client: the client id that the token belongs to.
    """

    path: Mapping[str, Any]
    params: Mapping[str, Sequence[str]]
    body: Any
    raw: bytes
    headers: Mapping[str, str]
    client: str

    def param(self, name: str, default: str | None = None) -> str | None:
        """Return the first value of a parameter."""
        values = self.params.get(name)
        return values[0] if values else default

    def required(self, name: str) -> str:
        """Return a parameter that must be there, or refuse with 1002."""
        value = self.param(name)
        if not value:
            raise ApiError("1002", f"Required parameter '{name}' is missing")
        return value

    def names(self, name: str) -> list[str]:
        """Return a comma-separated parameter as a list, repeated ones joined."""
        return [
            part.strip() for value in self.params.get(name, ()) for part in value.split(",") if part.strip()
        ]

    def size(self, default: int = 300, most: int = 300) -> int:
        """Return ``batchSize``, between 1 and the most that is allowed."""
        return min(max(self.whole("batchSize", default), 1), most)

    def whole(self, name: str, default: int = 0) -> int:
        """Return a parameter as an integer, or refuse with 1001."""
        text = self.param(name)
        if text is None:
            return default
        try:
            return int(text)
        except ValueError as exc:
            raise ApiError("1001", f"Invalid value '{text}'. Required of type 'integer'") from exc

    def input(self, most: int) -> list[Any]:
        """Return the body's ``input`` list, or refuse when it is missing, empty or too long."""
        if not isinstance(self.body, dict):
            raise ApiError("609")
        rows = self.body.get("input")
        if not isinstance(rows, list) or not rows:
            raise ApiError("1002", "Required parameter 'input' is missing")
        if len(rows) > most:
            raise ApiError("1003", f"Number of records in input exceeds the limit of {most}")
        return rows


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What a handler found; members that are ``None`` are left out of the answer."""

    result: Sequence[Any] | None = None
    next_token: str | None = None
    more: bool | None = None
    warnings: Sequence[Any] = field(default_factory=list)

    def members(self) -> dict[str, Any]:
        """Return the envelope as JSON."""
        body: dict[str, Any] = {"requestId": request_id(), "success": True}
        if self.result is not None:
            body["result"] = list(self.result)
        if self.next_token is not None:
            body["nextPageToken"] = self.next_token
        if self.more is not None:
            body["moreResult"] = self.more
        if self.warnings:
            body["warnings"] = list(self.warnings)
        return body


def refusal(error: ApiError) -> dict[str, Any]:
    """Return the envelope of a refused call."""
    return {
        "requestId": request_id(),
        "success": False,
        "errors": [{"code": error.code, "message": error.message}],
    }


def skipped(code: str, message: str, **columns: Any) -> dict[str, Any]:
    """Return the result row of a record that was not written."""
    return {**columns, "status": "skipped", "reasons": [{"code": code, "message": message}]}


def request_id() -> str:
    """Return an id of the form that Marketo's support asks for."""
    number = next(_requests)
    return f"{number:x}#{0x19C0FFEE0000 + number:x}"
