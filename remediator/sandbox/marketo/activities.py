"""The activity log: append-only, read by opaque tokens that are positions in it."""

from __future__ import annotations

from base64 import b32decode, b32encode
from bisect import bisect_left
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

NEW_LEAD, CHANGE_VALUE, SYNC_TO_SFDC, ADD_TO_LIST, REMOVE_FROM_LIST = 12, 13, 19, 24, 25
SYNC_UPDATES, MERGE_LEADS, DELETE_LEAD, REQUEST_CAMPAIGN = 28, 32, 37, 47

TYPES: Mapping[int, tuple[str, str | None, tuple[tuple[str, str], ...]]] = {
    NEW_LEAD: ("New Lead", "Modifying User", (("Created Date", "date"), ("Source Type", "string"))),
    CHANGE_VALUE: (
        "Change Data Value",
        "Attribute Name",
        (("New Value", "string"), ("Old Value", "string"), ("Reason", "string"), ("Source", "string")),
    ),
    SYNC_TO_SFDC: ("Sync Lead to SFDC", "Lead ID", ()),
    21: ("Convert Lead", "Lead ID", ()),
    22: ("Change Score", "Score Name", (("Change Value", "string"), ("New Value", "integer"))),
    23: ("Change Owner", "Owner", ()),
    ADD_TO_LIST: ("Add to List", "List ID", (("Source", "string"),)),
    REMOVE_FROM_LIST: ("Remove from List", "List ID", (("Source", "string"),)),
    SYNC_UPDATES: ("Sync Lead Updates to SFDC", "Lead ID", ()),
    29: ("Delete Lead from SFDC", "Lead ID", ()),
    31: ("SFDC Merge Leads", "Lead ID", ()),
    MERGE_LEADS: ("Merge Leads", "Lead ID", (("Merge IDs", "string"), ("Master Updated", "boolean"))),
    DELETE_LEAD: ("Delete Lead", "Lead ID", ()),
    REQUEST_CAMPAIGN: ("Request Campaign", "Campaign ID", (("Source", "string"),)),
}
"""``{type id: (name, primary attribute, ((attribute, data type), ...))}``; marketo.md 4.2."""

SCAN = 300
"""Rows looked at for one page: a page of a rare type is short, or empty, while more is promised."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Activity:
    """One row of the log.

    Attributes:
        change: for a change of a value, ``(field id, REST name, old, new)``.
        result: ``succeeded``, ``failed`` or ``skipped``; only the bulk extract shows it.
    """

    id: int
    lead_id: int
    at: datetime
    type_id: int
    campaign_id: int | None = None
    primary_id: int | None = None
    primary_value: str | None = None
    attributes: Mapping[str, Any] = field(default_factory=dict)
    change: tuple[int, str, Any, Any] | None = None
    result: str = "succeeded"

    @property
    def guid(self) -> str:
        """The unique key that the API shows."""
        return str(990000 + self.id)


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """Matching rows, the token to go on with, and whether there may be more."""

    rows: list[Activity]
    token: str
    more: bool


class ActivityLog:
    """All activities in the order they happened."""

    def __init__(self) -> None:
        self.rows: list[Activity] = []

    def add(self, lead_id: int, type_id: int, at: datetime, **details: Any) -> Activity:
        """Append one activity; ``details`` are the other attributes of ``Activity``."""
        activity = Activity(id=len(self.rows) + 1, lead_id=lead_id, at=at, type_id=type_id, **details)
        self.rows.append(activity)
        return activity

    def token_since(self, moment: datetime) -> str:
        """Return a token for the first activity at or after a moment."""
        return _token(bisect_left(self.rows, moment, key=lambda row: row.at))

    def page(self, token: str, wanted: Callable[[Activity], bool], size: int) -> Page:
        """Return the rows that match within the next stretch of the log.

        Raises:
            ValueError: the token is not one of ours.
        """
        start = _position(token)
        end = min(start + SCAN, len(self.rows))
        found: list[Activity] = []
        for position in range(start, end):
            if len(found) == size:
                end = position
                break
            if wanted(self.rows[position]):
                found.append(self.rows[position])
        return Page(rows=found, token=_token(end), more=end < len(self.rows))

    def between(self, start: datetime, end: datetime, types: Collection[int]) -> list[Activity]:
        """Return the activities of some types (all when empty) in ``[start, end)``."""
        first = bisect_left(self.rows, start, key=lambda row: row.at)
        last = bisect_left(self.rows, end, key=lambda row: row.at)
        return [row for row in self.rows[first:last] if not types or row.type_id in types]


def as_row(activity: Activity) -> dict[str, Any]:
    """Return an activity as ``activities.json`` shows it."""
    row: dict[str, Any] = {
        "id": activity.id,
        "marketoGUID": activity.guid,
        "leadId": activity.lead_id,
        "activityDate": activity.at.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "activityTypeId": activity.type_id,
        "attributes": _pairs(activity.attributes),
    }
    if activity.campaign_id is not None:
        row["campaignId"] = activity.campaign_id
    if activity.primary_id is not None:
        row["primaryAttributeValueId"] = activity.primary_id
    if activity.primary_value is not None:
        row["primaryAttributeValue"] = activity.primary_value
    return row


def as_change_row(activity: Activity) -> dict[str, Any]:
    """Return a New Lead or Change Data Value activity as ``leadchanges.json`` shows it.

    Its dates have the other form, ``+0000`` instead of ``Z`` (marketo.md 2.2).
    """
    row: dict[str, Any] = {
        "id": activity.id,
        "marketoGUID": activity.guid,
        "leadId": activity.lead_id,
        "activityDate": activity.at.strftime("%Y-%m-%dT%H:%M:%S+0000"),
        "activityTypeId": activity.type_id,
        "attributes": [
            pair
            for pair in _pairs({**activity.attributes, "Lead ID": activity.lead_id})
            if pair["name"] not in {"New Value", "Old Value"}
        ],
        "fields": [],
    }
    if activity.campaign_id is not None:
        row["campaignId"] = activity.campaign_id
    if activity.change is not None:
        number, name, old, new = activity.change
        row["fields"] = [{"id": number, "name": name, "oldValue": old, "newValue": new}]
    return row


def type_rows() -> list[dict[str, Any]]:
    """Return the rows of ``activities/types.json``."""
    return [
        {
            "id": type_id,
            "name": name,
            "description": name,
            **({"primaryAttribute": {"name": primary, "dataType": "string"}} if primary else {}),
            "attributes": [{"name": attribute, "dataType": kind} for attribute, kind in attributes],
        }
        for type_id, (name, primary, attributes) in TYPES.items()
    ]


def _pairs(attributes: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [{"name": name, "value": value} for name, value in attributes.items()]


def _token(position: int) -> str:
    # Long and opaque on purpose: a client that parses or stores it in a short column should notice here.
    return b32encode(f"sandbox-activity-log-position:{position:012d}".encode()).decode()


def _position(token: str) -> int:
    try:
        text = b32decode(token.encode()).decode()
    except ValueError as exc:
        raise ValueError(f"paging token {token!r} is not one of ours") from exc
    head, _, number = text.partition(":")
    if head != "sandbox-activity-log-position" or not number.isdigit():
        raise ValueError(f"paging token {token!r} is not one of ours")
    return int(number)
