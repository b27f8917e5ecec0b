"""Composite calls: up to 25 requests as one, if wanted all or none.

Source: REST API Developer Guide, "Composite".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from dataclasses import field as default_field
from typing import Any

from remediator.errors import VendorError
from remediator.systems.calls import Call
from remediator.systems.salesforce_api import NO_ASSIGNMENT, SalesforceApi
from remediator.systems.salesforce_errors import record_error

COMPOSITE_SIZE = 25


@dataclass(frozen=True, slots=True, kw_only=True)
class SubRequest:
    """One part of a composite call.

    Attributes:
        path: below the version, such as ``/sobjects/Lead/00Q...``.
        body: JSON content, ``None`` for none.
    """

    method: str
    path: str
    reference: str
    body: Mapping[str, object] | None = None
    headers: Mapping[str, str] = default_field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class SubAnswer:
    """What one part of a composite call came to.

    Attributes:
        error: ``None`` when this part succeeded.
    """

    reference: str
    status: int
    body: Any
    error: VendorError | None = None


class Composites(SalesforceApi):
    """Composite calls."""

    def composite(self, requests: Sequence[SubRequest], *, all_or_none: bool) -> Sequence[SubAnswer]:
        """Send up to 25 requests as one; the answer is good even when every part failed.

        Counts as a write, so an unclear answer is ``NoAnswer``; with ``all_or_none`` nothing is kept unless
        all parts succeeded.
        """
        if not 0 < len(requests) <= COMPOSITE_SIZE:
            raise ValueError(f"{len(requests)} requests in one composite call; 1 to {COMPOSITE_SIZE} go")
        call = self.call(
            "POST",
            "/composite",
            body={
                "allOrNone": all_or_none,
                "collateSubrequests": False,
                "compositeRequest": [self._part(item) for item in requests],
            },
            writes=True,
        )
        return self.ask(call, lambda body: self._answers(call, requests, body))

    def _answers(self, call: Call, requests: Sequence[SubRequest], body: Any) -> Sequence[SubAnswer]:
        parts = body.get("compositeResponse") if isinstance(body, dict) else None
        if not isinstance(parts, list) or len(parts) != len(requests):
            raise self.incomplete(call, f"{len(requests)} requests sent, other than as many answers came")
        return [self._sub_answer(call, item, part) for item, part in zip(requests, parts, strict=True)]

    def _part(self, item: SubRequest) -> dict[str, object]:
        part: dict[str, object] = {
            "method": item.method,
            "url": self.root + item.path,
            "referenceId": item.reference,
        }
        if item.body is not None:
            part["body"] = dict(item.body)
        headers = dict(item.headers) if item.method == "GET" else {**NO_ASSIGNMENT, **item.headers}
        if headers:
            part["httpHeaders"] = headers
        return part

    def _sub_answer(self, call: Call, item: SubRequest, part: Any) -> SubAnswer:
        status = part.get("httpStatusCode") if isinstance(part, dict) else None
        if not isinstance(status, int) or part.get("referenceId") != item.reference:
            raise self.incomplete(call, f"no answer for {item.reference} in its place")
        body = part.get("body")
        error = None if status < 300 else record_error(call, body)
        return SubAnswer(reference=item.reference, status=status, body=body, error=error)
