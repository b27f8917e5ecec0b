"""Marketo's activity log, and the API's own usage figures.

Sources: Adobe Experience League, "Activities", "Paging Tokens" and "Usage" of the Marketo REST API.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from remediator.systems.body import Body
from remediator.systems.calls import Call
from remediator.systems.marketo_api import MarketoApi, id_batches, incomplete
from remediator.values import Value

TYPES_A_CALL = 10
LEADS_A_CALL = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class Activity:
    """One activity.

    Attributes:
        guid: the unique key; the integer id is not unique.
        at: aware UTC.
        attributes: ``{name: value}``.
    """

    guid: str
    lead_id: str
    at: datetime
    type_id: int
    campaign_id: int | None
    primary_value: str | None
    attributes: Mapping[str, Value]


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldChange:
    """One field's change in Marketo's log.

    Attributes:
        source: what made it, such as ``Web service API``; ``None`` if the log does not say.
    """

    guid: str
    lead_id: str
    at: datetime
    field: str
    old: Value
    new: Value
    source: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """Calls made today, by everybody.

    Attributes:
        by_user: ``{API user: calls}``.
    """

    total: int
    by_user: Mapping[str, int]


class _Pair(BaseModel):
    model_config = ConfigDict(extra="ignore")

    name: str
    value: Any = None


class _Change(Body):
    name: str
    old_value: Any = None
    new_value: Any = None


class _Row(Body):
    model_config = ConfigDict(coerce_numbers_to_str=True)

    marketo_guid: str = Field(alias="marketoGUID")
    lead_id: int
    activity_date: datetime
    activity_type_id: int
    campaign_id: int | None = None
    primary_attribute_value: str | None = None
    attributes: list[_Pair] = Field(default_factory=list)
    fields: list[_Change] = Field(default_factory=list)


class Activities(MarketoApi):
    """The activity log."""

    def paging_token(self, since: datetime) -> str:
        """Return the opaque token from which the log is read; ``since`` is aware."""
        call = Call(
            method="GET",
            template="/rest/v1/activities/pagingtoken.json",
            params={"sinceDatetime": since.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")},
        )
        token = self.ask(call).next_page_token
        if not token:
            raise incomplete(call, "no paging token in it")
        return token

    def activities(
        self, type_ids: Sequence[int], since: datetime, lead_ids: Sequence[str] | None = None
    ) -> Iterator[Activity]:
        """Yield the activities of these types since then, all pages, for all people or for some.

        Types go ten and people thirty a call, so with more of them the order is by call, not by time.
        """
        template = "/rest/v1/activities.json"
        for start in range(0, len(type_ids), TYPES_A_CALL):
            types = ",".join(str(item) for item in type_ids[start : start + TYPES_A_CALL])
            for row in self._log(template, {"activityTypeIds": types}, since, lead_ids):
                yield Activity(
                    guid=row.marketo_guid,
                    lead_id=str(row.lead_id),
                    at=_utc(row.activity_date),
                    type_id=row.activity_type_id,
                    campaign_id=row.campaign_id,
                    primary_value=row.primary_attribute_value,
                    attributes={pair.name: pair.value for pair in row.attributes},
                )

    def lead_changes(
        self, fields: Sequence[str], since: datetime, lead_ids: Sequence[str] | None = None
    ) -> Iterator[FieldChange]:
        """Yield the changes of these fields (REST names) since then, all pages."""
        template = "/rest/v1/activities/leadchanges.json"
        for row in self._log(template, {"fields": ",".join(fields)}, since, lead_ids):
            source = next((str(pair.value) for pair in row.attributes if pair.name == "Source"), None)
            for change in row.fields:
                yield FieldChange(
                    guid=row.marketo_guid,
                    lead_id=str(row.lead_id),
                    at=_utc(row.activity_date),
                    field=change.name,
                    old=change.old_value,
                    new=change.new_value,
                    source=source,
                )

    def usage(self) -> Usage:
        """Return today's calls of the whole subscription; raises ``VendorError`` when they are not told."""
        call = Call(method="GET", template="/rest/v1/stats/usage.json")
        try:
            row = self.rows(call)[0]
            users = {str(item["userId"]): int(item["count"]) for item in row.get("users") or ()}
            return Usage(total=int(row["total"]), by_user=users)
        except (IndexError, KeyError, TypeError, ValueError) as exc:
            # None used would be a guess, and it is this very call that was made last.
            raise incomplete(call, "no figures in it") from exc

    def _log(
        self,
        template: str,
        params: Mapping[str, str],
        since: datetime,
        lead_ids: Sequence[str] | None,
    ) -> Iterator[_Row]:
        token = self.paging_token(since)
        groups = [None] if lead_ids is None else [",".join(ids) for ids in id_batches(lead_ids, LEADS_A_CALL)]
        for group in groups:
            asked = {**params, "nextPageToken": token} | ({"leadIds": group} if group else {})
            call = Call(method="GET", template=template, params=asked)
            # A page may be short or empty while more is promised: only `moreResult` ends the log.
            for page in self.pages(call, log=True):
                for row in page:
                    yield _row(call, row)


def _row(call: Call, row: Mapping[str, Any]) -> _Row:
    try:
        return _Row.model_validate(row)
    except ValidationError as exc:
        raise incomplete(call, f"an activity that cannot be read: {exc.errors()[0]['loc']}") from None


def _utc(at: datetime) -> datetime:
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
