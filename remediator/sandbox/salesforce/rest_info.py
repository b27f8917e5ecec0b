"""``/limits``, the list of resources, and the picklist values of the UI API."""

from __future__ import annotations

from typing import Any

from remediator.sandbox.salesforce.errors import ApiFault
from remediator.sandbox.salesforce.metadata import MASTER_RECORD_TYPE, Field, ObjectType
from remediator.sandbox.salesforce.rest import Call, Reply, Rest, object_called
from remediator.sandbox.salesforce.usage import Usage

_OTHER_LIMITS = {
    "DailyBulkApiBatches": 15000,
    "DailyBulkV2QueryJobs": 10000,
    "DailyBulkV2QueryFileStorageMB": 976562,
    "DailyAsyncApexExecutions": 250000,
    "DataStorageMB": 10240,
    "FileStorageMB": 10240,
    "ConcurrentAsyncGetReportInstances": 200,
    "HourlyPublishedPlatformEvents": 250000,
    "SingleEmail": 5000,
    "MassEmail": 5000,
}
_PICKLISTS = r"ui-api/object-info/(?P<name>\w+)/picklist-values/(?P<record_type>\w+)"


def add_info_paths(rest: Rest, usage: Usage) -> None:
    """Serve the paths of this module."""
    info = Information(rest, usage)
    rest.add("GET", "", _resources)
    rest.add("GET", "limits/?", info.limits)
    rest.add("GET", _PICKLISTS + "/?", info.picklists)
    rest.add("GET", _PICKLISTS + r"/(?P<field>\w+)/?", info.picklist)


class Information:
    """Calls that only tell."""

    def __init__(self, rest: Rest, usage: Usage) -> None:
        self._org = rest.org
        self._usage = usage

    def limits(self, _: Call) -> Reply:
        """Return the org's limits; only the daily API requests move."""
        content: dict[str, Any] = {
            name: {"Max": most, "Remaining": most} for name, most in _OTHER_LIMITS.items()
        }
        left = max(0, self._usage.most - self._usage.used())
        content["DailyApiRequests"] = {"Max": self._usage.most, "Remaining": left}
        return Reply(content=content)

    def picklists(self, call: Call, name: str, record_type: str) -> Reply:
        """Return the values of every picklist for one record type."""
        kind, readable = self._kind(call, name, record_type)
        fields = [field for field in kind.fields.values() if field.values and field.name in readable]
        shown = {
            field.name: _values(call, kind, kind.as_typed(field.name, record_type), record_type)
            for field in fields
        }
        return Reply(content={"eTag": "1", "picklistFieldValues": shown})

    def picklist(self, call: Call, name: str, record_type: str, field: str) -> Reply:
        """Return the values of one picklist."""
        kind, readable = self._kind(call, name, record_type)
        known = kind.by_lower_name.get(field.lower())
        if known is None or known not in readable or not kind.fields[known].values:
            raise ApiFault(400, "INVALID_FIELD", f"{kind.name} has no picklist {field}")
        return Reply(content=_values(call, kind, kind.as_typed(known, record_type), record_type))

    def _kind(self, call: Call, name: str, record_type: str) -> tuple[ObjectType, frozenset[str]]:
        kind = object_called(self._org, call.user, name)
        known = {MASTER_RECORD_TYPE, *(entry.id for entry in kind.record_types)}
        if record_type not in known:
            raise ApiFault(400, "INVALID_INPUT", f"Record type {record_type} is not valid for {kind.name}")
        return kind, self._org.access.of(call.user, kind.name).readable


def _resources(call: Call) -> Reply:
    names = ("sobjects", "query", "queryAll", "limits", "composite", "jobs", "ui-api")
    return Reply(content={name: f"/services/data/v{call.version}/{name}" for name in names})


def _values(call: Call, kind: ObjectType, field: Field, record_type: str) -> dict[str, Any]:
    controller = None if field.controller is None else kind.fields[field.controller]
    numbers = {} if controller is None else {entry.value: at for at, entry in enumerate(controller.values)}
    default = next((entry for entry in field.values if entry.default), None)
    lists = f"/services/data/v{call.version}/ui-api/object-info/{kind.name}/picklist-values"
    return {
        "controllerValues": numbers,
        "defaultValue": None if default is None else _entry(default.label, default.value, None),
        "eTag": "1",
        "url": f"{lists}/{record_type}/{field.name}",
        "values": [
            _entry(entry.label, entry.value, entry.valid_for) for entry in field.values if entry.active
        ],
    }


def _entry(label: str, value: str, valid_for: frozenset[int] | None) -> dict[str, Any]:
    return {"attributes": None, "label": label, "validFor": sorted(valid_for or ()), "value": value}
