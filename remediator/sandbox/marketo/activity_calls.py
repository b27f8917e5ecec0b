"""The endpoints of the activity log (marketo.md 4.1)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

from remediator.sandbox.marketo.activities import (
    CHANGE_VALUE,
    DELETE_LEAD,
    NEW_LEAD,
    Activity,
    Page,
    as_change_row,
    as_row,
    type_rows,
)
from remediator.sandbox.marketo.envelope import ApiError, Call, Reply
from remediator.sandbox.marketo.fields import FIELDS
from remediator.sandbox.marketo.instance import Instance

MOST_TYPES, MOST_LEADS = 10, 30


def handlers(instance: Instance) -> list[tuple[str, str, Callable[[Call], Reply]]]:
    """Return ``(verb, path, handler)`` of every activity endpoint."""
    calls = _ActivityCalls(instance)
    base = "/rest/v1/activities"
    return [
        ("GET", f"{base}/types.json", lambda _: Reply(result=type_rows())),
        ("GET", f"{base}/pagingtoken.json", calls.token),
        ("GET", f"{base}.json", calls.activities),
        ("GET", f"{base}/leadchanges.json", calls.changes),
        ("GET", f"{base}/deletedleads.json", calls.deleted),
    ]


def moment(text: str) -> datetime:
    """Return an ISO 8601 moment with an offset, or a plain date as its midnight; 704 for anything else."""
    try:
        # A plus sign that was not URL-encoded arrives as a space; Marketo understands it and so do we.
        parsed = datetime.fromisoformat(text.replace(" ", "+"))
    except ValueError as exc:
        raise ApiError("704", f"Invalid date format: '{text}'") from exc
    if len(text) == len("2026-03-01"):
        return parsed.replace(tzinfo=UTC)
    if parsed.tzinfo is None:
        raise ApiError("704", f"Invalid date format: '{text}' has no offset")
    return parsed


class _ActivityCalls:
    def __init__(self, instance: Instance) -> None:
        self._instance = instance

    def token(self, call: Call) -> Reply:
        since = moment(call.required("sinceDatetime"))
        return Reply(next_token=self._instance.log.token_since(since))

    def activities(self, call: Call) -> Reply:
        types = call.names("activityTypeIds")
        if not types:
            raise ApiError("1002", "Required parameter 'activityTypeIds' is missing")
        if len(types) > MOST_TYPES:
            raise ApiError("1003", f"Number of activityTypeIds exceeds the limit of {MOST_TYPES}")
        assets = call.names("assetIds")
        if assets and len(types) > 1:
            raise ApiError("1003", "assetIds needs exactly one activity type")
        members = self._members(call)
        wanted = {int(text) for text in types if text.isdigit()}
        page = self._page(
            call,
            lambda row: (
                row.type_id in wanted
                and (members is None or row.lead_id in members)
                and (not assets or str(row.primary_id) in assets)
            ),
        )
        return self._reply(page, [as_row(row) for row in page.rows])

    def changes(self, call: Call) -> Reply:
        names = call.names("fields")
        if not names:
            raise ApiError("1002", "Required parameter 'fields' is missing")
        for name in names:
            if name not in FIELDS:
                raise ApiError("1006", f"Field '{name}' not found")
        members = self._members(call)
        page = self._page(
            call,
            lambda row: (
                (row.type_id == NEW_LEAD or (row.type_id == CHANGE_VALUE and _changed(row) in names))
                and (members is None or row.lead_id in members)
            ),
        )
        return self._reply(page, [as_change_row(row) for row in page.rows])

    def deleted(self, call: Call) -> Reply:
        page = self._page(call, lambda row: row.type_id == DELETE_LEAD)
        return self._reply(page, [as_row(row) for row in page.rows])

    def _members(self, call: Call) -> set[int] | None:
        """Return the people that the call is limited to, ``None`` for everybody."""
        ids = call.names("leadIds")
        if len(ids) > MOST_LEADS:
            raise ApiError("1003", f"Number of leadIds exceeds the limit of {MOST_LEADS}")
        if ids:
            return {int(text) for text in ids if text.isdigit()}
        if call.param("listId") is None:
            return None
        found = self._instance.lists.get(call.whole("listId"))
        if found is None:
            raise ApiError("1013", f"List not found: {call.param('listId')}")
        if len(found.members) >= 10_000:
            raise ApiError("1003", "The static list has 10,000 or more leads")
        return set(found.members)

    def _page(self, call: Call, wanted: Callable[[Activity], bool]) -> Page:
        try:
            return self._instance.log.page(call.required("nextPageToken"), wanted, call.size())
        except ValueError as exc:
            raise ApiError("1003", "Invalid next page token") from exc

    @staticmethod
    def _reply(page: Page, rows: list[dict[str, object]]) -> Reply:
        # The token comes back even on the last page; the result is left out when a page is empty.
        return Reply(result=rows or None, next_token=page.token, more=page.more)


def _changed(row: Activity) -> str | None:
    return None if row.change is None else row.change[1]
