"""The endpoints that read people: describe, by id, by filter, memberships (marketo.md, section 3)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from remediator.sandbox.marketo import lead_writes
from remediator.sandbox.marketo.envelope import ApiError, Call, Reply
from remediator.sandbox.marketo.fields import FIELDS, LeadField
from remediator.sandbox.marketo.instance import Instance
from remediator.sandbox.marketo.paging import page_of
from remediator.sandbox.marketo.reading import read_columns, requested_fields

MATCH_LIMIT = 1000
_ACCEPTED_EMPTY = frozenset(
    {"cookies", "leadPartitionId", "facebookId", "linkedInId", "twitterId", "sfdcOpptyId", "sfdcLeadOwnerId"}
)


def handlers(instance: Instance) -> list[tuple[str, str, Callable[[Call], Reply]]]:
    """Return ``(verb, path, handler)`` of every lead endpoint, the writing ones included."""
    calls = _LeadCalls(instance)
    lead = "/rest/v1/leads/{id:int}"
    return [
        ("GET", "/rest/v1/leads/describe.json", calls.describe),
        ("GET", "/rest/v1/leads/describe2.json", calls.describe2),
        ("GET", "/rest/v1/leads/schema/fields.json", calls.schema),
        ("GET", "/rest/v1/leads/schema/fields/{name}.json", calls.schema_field),
        ("GET", "/rest/v1/leads/partitions.json", calls.partitions),
        ("GET", "/rest/v1/lead/{id:int}.json", calls.one),
        ("GET", "/rest/v1/leads.json", calls.find),
        ("GET", f"{lead}/listMembership.json", calls.lists),
        ("GET", f"{lead}/programMembership.json", calls.nothing),
        ("GET", f"{lead}/smartCampaignMembership.json", calls.nothing),
        *lead_writes.handlers(instance),
    ]


class _LeadCalls:
    def __init__(self, instance: Instance) -> None:
        self._instance = instance

    def describe(self, _: Call) -> Reply:
        return Reply(
            result=[
                {
                    "id": field.id,
                    "displayName": field.label,
                    "dataType": field.type,
                    **_length(field),
                    "rest": {"name": field.name, "readOnly": not field.updateable},
                    "soap": {
                        "name": field.name[0].upper() + field.name[1:],
                        "readOnly": not field.updateable,
                    },
                }
                for field in FIELDS.values()
            ]
        )

    def describe2(self, _: Call) -> Reply:
        fields = [
            {
                "name": field.name,
                "displayName": field.label,
                "dataType": field.type,
                **_length(field),
                "updateable": field.updateable,
                "crmManaged": field.is_synced or field.name.startswith("sfdc"),
            }
            for field in FIELDS.values()
        ]
        searchable = [[field.name] for field in FIELDS.values() if field.searchable]
        return Reply(result=[{"name": "API Lead", "searchableFields": searchable, "fields": fields}])

    def schema(self, call: Call) -> Reply:
        return page_of(call, [_schema_row(field) for field in FIELDS.values()])

    def schema_field(self, call: Call) -> Reply:
        field = FIELDS.get(call.path["name"])
        if field is None:
            raise ApiError("1006", f"Field '{call.path['name']}' not found")
        return Reply(result=[_schema_row(field)])

    def partitions(self, _: Call) -> Reply:
        return Reply(result=[{"id": 1, "name": "Default", "description": "Initial system lead partition"}])

    def one(self, call: Call) -> Reply:
        columns = requested_fields(call)
        lead = self._instance.leads.get(call.path["id"])
        return Reply(result=[] if lead is None else [read_columns(lead, columns)])

    def find(self, call: Call) -> Reply:
        filter_type = call.required("filterType")
        values = [
            value for value in ",".join(call.params.get("filterValues", ())).split(",") if value.strip()
        ]
        if not values:
            raise ApiError("1002", "Required parameter 'filterValues' is missing")
        if len(values) > 300:
            raise ApiError("1003", "Number of filterValues exceeds the limit of 300")
        field = FIELDS.get(filter_type)
        if (field is None or not field.searchable) and filter_type not in _ACCEPTED_EMPTY:
            raise ApiError("1011", f"Field '{filter_type}' is not supported as a filter")
        columns = requested_fields(call)
        found = self._instance.find(filter_type, values) if field is not None else []
        if len(found) > MATCH_LIMIT:
            raise ApiError("1003", "Too many results match the filter")
        page = page_of(call, found)
        rows = [read_columns(self._instance.leads[number], columns) for number in page.result or ()]
        return Reply(result=rows, next_token=page.next_token, more=page.more)

    def lists(self, call: Call) -> Reply:
        self._existing(call)
        rows = [
            {"id": found.id, "name": found.name, "membershipDate": None, "reachedSuccess": False}
            for found in self._instance.lists.of(call.path["id"])
        ]
        return page_of(call, rows)

    def nothing(self, call: Call) -> Reply:
        self._existing(call)
        return Reply(result=[])

    def _existing(self, call: Call) -> None:
        if call.path["id"] not in self._instance.leads:
            raise ApiError("1004", f"Lead '{call.path['id']}' not found")


def _length(field: LeadField) -> dict[str, int]:
    return {} if field.length is None else {"length": field.length}


def _schema_row(field: LeadField) -> dict[str, Any]:
    return {
        "displayName": field.label,
        "name": field.name,
        "description": None,
        "dataType": field.type,
        **_length(field),
        "isHidden": False,
        "isHtmlEncodingInEmail": True,
        "isSensitive": False,
        "isCustom": field.name.endswith("__c"),
        "isApiCreated": False,
    }
