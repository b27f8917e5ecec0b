"""The endpoints that write people: Sync Leads, delete, merge, and the ones that the native sync forbids."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from remediator.sandbox.marketo.activities import MERGE_LEADS
from remediator.sandbox.marketo.envelope import ApiError, Call, Reply, skipped
from remediator.sandbox.marketo.fields import FIELDS, BadValue, checked, same
from remediator.sandbox.marketo.instance import API_SOURCE, Instance
from remediator.sandbox.marketo.list_calls import given_ids
from remediator.values import Value

BATCH, MERGE_LIMIT = 300, 25
ACTIONS = ("createOnly", "updateOnly", "createOrUpdate", "createDuplicate")
_SUMMED = "leadScore"


def handlers(instance: Instance) -> list[tuple[str, str, Callable[[Call], Reply]]]:
    """Return ``(verb, path, handler)`` of every endpoint that writes people."""
    calls = _LeadWrites(instance)
    forbidden = [
        ("POST", f"/rest/v1/{kind}{action}.json", calls.forbidden)
        for kind in ("companies", "opportunities", "opportunities/roles", "salespersons")
        for action in ("", "/delete")
    ]
    return [
        ("POST", "/rest/v1/leads.json", calls.sync),
        ("POST", "/rest/v1/leads/delete.json", calls.delete),
        ("DELETE", "/rest/v1/leads.json", calls.delete),
        ("POST", "/rest/v1/leads/{id:int}/merge.json", calls.merge),
        *forbidden,
    ]


class _Skipped(Exception):
    """One record of a batch is not written."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True, slots=True, kw_only=True)
class Upsert:
    """What one Sync Leads call or import file does with each row."""

    action: str
    lookup: str
    client: str

    @classmethod
    def from_body(cls, body: Mapping[str, Any], client: str) -> Upsert:
        """Return the checked members of a Sync Leads body."""
        action = body.get("action", "createOrUpdate")
        lookup = body.get("lookupField", "email")
        if action not in ACTIONS:
            raise ApiError("1003", f"Invalid value '{action}' for action")
        if lookup not in FIELDS:
            raise ApiError("1006", f"Field '{lookup}' not found")
        if not FIELDS[lookup].searchable:
            raise ApiError("1011", f"Field '{lookup}' is not supported as a lookup field")
        if lookup == "id" and action != "updateOnly":
            raise ApiError("1003", "Lookup field 'id' may be used with action 'updateOnly' only")
        if body.get("partitionName") not in (None, "Default"):
            raise ApiError("1003", f"Partition '{body['partitionName']}' not found")
        return cls(action=action, lookup=lookup, client=client)


def upsert_row(instance: Instance, upsert: Upsert, row: Any) -> dict[str, Any]:
    """Write one row and return its result row."""
    try:
        if not isinstance(row, dict):
            raise _Skipped("1001", "Invalid record: an object is required")
        key, values = _checked_row(upsert, row)
        matches = [] if upsert.action == "createDuplicate" else _matches(instance, upsert, key)
        if upsert.action == "createOnly" and matches:
            raise _Skipped("1005", "Lead already exists")
        if len(matches) > 1:
            raise _Skipped("1007", "Multiple lead match lookup criteria")
        if upsert.action == "updateOnly" and not matches:
            raise _Skipped("1004", "Lead not found")
        if matches:
            instance.change(matches[0], values, actor=upsert.client, source=API_SOURCE)
            return {"id": matches[0], "status": "updated"}
        if upsert.lookup.startswith("sfdc"):
            raise _Skipped("1004", "Lead not found")
        return {"id": instance.create(values, actor=upsert.client), "status": "created"}
    except _Skipped as refused:
        return skipped(refused.code, str(refused))
    except BadValue as refused:
        return skipped(refused.code, str(refused))


def _checked_row(upsert: Upsert, row: Mapping[str, Any]) -> tuple[Value, dict[str, Value]]:
    values: dict[str, Value] = {}
    if "id" in row and upsert.lookup != "id":
        raise _Skipped("1003", f"Field 'id' is not allowed with lookup field '{upsert.lookup}'")
    if row.get(upsert.lookup) in (None, ""):
        if upsert.action in ("updateOnly", "createOrUpdate"):
            raise _Skipped("1002", f"Required parameter '{upsert.lookup}' is missing")
        key: Value = None
    else:
        key = checked(FIELDS[upsert.lookup], row[upsert.lookup])
    for name, value in row.items():
        field = FIELDS.get(name)
        if field is None:
            raise _Skipped("1006", f"Field '{name}' not found")
        if name == upsert.lookup and not field.updateable:
            continue
        if field.company:
            raise _Skipped("1021", "Company update not allowed in syncLead")
        if name.startswith("sfdc"):
            raise _Skipped("1018", "CRM Enabled - Operation not supported")
        if not field.updateable:
            raise _Skipped("1003", f"Field '{name}' cannot be updated")
        values[name] = checked(field, value)
    return key, values


def _matches(instance: Instance, upsert: Upsert, key: Value) -> list[int]:
    return [] if key is None else instance.find(upsert.lookup, [str(key)])


class _LeadWrites:
    def __init__(self, instance: Instance) -> None:
        self._instance = instance

    def sync(self, call: Call) -> Reply:
        rows = call.input(BATCH)
        upsert = Upsert.from_body(call.body, call.client)
        result = [upsert_row(self._instance, upsert, row) for row in rows]
        return Reply() if call.body.get("asyncProcessing") is True else Reply(result=result)

    def delete(self, call: Call) -> Reply:
        result: list[dict[str, Any]] = []
        for lead_id in given_ids(call, BATCH):
            if lead_id in self._instance.leads:
                self._instance.delete(lead_id, actor=call.client)
                result.append({"id": lead_id, "status": "deleted"})
            else:
                result.append(skipped("1004", "Lead not found", id=lead_id))
        return Reply(result=result)

    def merge(self, call: Call) -> Reply:
        losers = [int(text) for text in call.names("leadIds") + call.names("leadId") if text.isdigit()]
        winner = call.path["id"]
        if not losers:
            raise ApiError("1002", "Required parameter 'leadId' is missing")
        if len(losers) > MERGE_LIMIT:
            raise ApiError("1080", f"No more than {MERGE_LIMIT} leads can be merged at once")
        for lead_id in (winner, *losers):
            if lead_id not in self._instance.leads:
                raise ApiError("1004", f"Lead '{lead_id}' not found")
        for loser in losers:
            self._merge_one(winner, loser, call.client)
        return Reply()

    def _merge_one(self, winner: int, loser: int, client: str) -> None:
        kept, lost = self._instance.leads[winner], self._instance.leads[loser]
        filled = {
            name: lost[name]
            for name, field in FIELDS.items()
            if field.updateable and same(kept.get(name), None) and not same(lost.get(name), None)
        }
        scores = [int(str(lead.get(_SUMMED))) for lead in (kept, lost) if lead.get(_SUMMED) is not None]
        if scores:
            filled[_SUMMED] = sum(scores)
        self._instance.delete(loser, actor=client)
        self._instance.change(winner, filled, actor=client, source=API_SOURCE)
        self._instance.log.add(
            winner,
            MERGE_LEADS,
            self._instance.clock.now(),
            primary_id=winner,
            attributes={"Merge IDs": str(loser), "Master Updated": bool(filled)},
        )

    def forbidden(self, _: Call) -> Reply:
        raise ApiError("1018", "CRM Enabled - Operation not supported")
