"""Pages of lists that are already in memory, by opaque tokens."""

from __future__ import annotations

from base64 import b32decode, b32encode
from collections.abc import Sequence
from typing import Any

from remediator.sandbox.marketo.envelope import ApiError, Call, Reply


def page_of(call: Call, rows: Sequence[Any]) -> Reply:
    """Return the page that ``nextPageToken`` asks for, with a token when there is another one."""
    start = _start(call.param("nextPageToken"))
    end = start + call.size()
    if end < len(rows):
        return Reply(result=rows[start:end], next_token=_token(end), more=True)
    return Reply(result=rows[start:end])


def _token(start: int) -> str:
    return b32encode(f"row:{start:012d}".encode()).decode()


def _start(token: str | None) -> int:
    if not token:
        return 0
    try:
        head, _, number = b32decode(token.encode()).decode().partition(":")
        if head != "row":
            raise ValueError(head)
        return int(number)
    except ValueError as exc:
        raise ApiError("1003", "Invalid next page token") from exc
