"""The endpoints of static lists (marketo.md 5.3)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from remediator.sandbox.marketo.envelope import ApiError, Call, Reply, skipped
from remediator.sandbox.marketo.instance import Instance
from remediator.sandbox.marketo.lists import StaticList, StaticLists
from remediator.sandbox.marketo.paging import page_of
from remediator.sandbox.marketo.reading import read_columns, requested_fields


def handlers(instance: Instance) -> list[tuple[str, str, Callable[[Call], Reply]]]:
    """Return ``(verb, path, handler)`` of every list endpoint."""
    calls = _ListCalls(instance)
    found: list[tuple[str, str, Callable[[Call], Reply]]] = [
        ("GET", "/rest/v1/lists.json", calls.browse),
        ("GET", "/rest/v1/lists/{id:int}.json", calls.one),
        ("GET", "/rest/asset/v1/staticLists.json", calls.assets),
        ("POST", "/rest/asset/v1/staticLists.json", calls.create),
        ("GET", "/rest/asset/v1/staticList/byName.json", calls.by_name),
        ("GET", "/rest/asset/v1/staticList/{id:int}.json", calls.asset),
    ]
    for base in ("lists", "list"):
        path = f"/rest/v1/{base}/{{id:int}}/leads.json"
        found += [("GET", path, calls.leads), ("POST", path, calls.add), ("DELETE", path, calls.remove)]
        found.append(("GET", f"/rest/v1/{base}/{{id:int}}/leads/ismember.json", calls.is_member))
    return found


def given_ids(call: Call, most: int = 300) -> list[int]:
    """Return lead ids given as ``id`` parameters or as ``{"input": [{"id": 1}]}``."""
    texts: list[Any] = list(call.names("id"))
    if not texts:
        texts = [row.get("id") if isinstance(row, dict) else row for row in call.input(most)]
    if len(texts) > most:
        raise ApiError("1003", f"Number of records in input exceeds the limit of {most}")
    try:
        return [int(text) for text in texts]
    except (TypeError, ValueError) as exc:
        raise ApiError("1001", "Invalid value for 'id'. Required of type 'integer'") from exc


class _ListCalls:
    def __init__(self, instance: Instance) -> None:
        self._instance = instance
        self._lists: StaticLists = instance.lists

    def browse(self, call: Call) -> Reply:
        wanted_ids, wanted_names = call.names("id"), call.names("name")
        rows = [
            found.as_row()
            for found in self._lists.all()
            if (not wanted_ids or str(found.id) in wanted_ids)
            and (not wanted_names or found.name in wanted_names)
        ]
        return page_of(call, rows)

    def one(self, call: Call) -> Reply:
        return Reply(result=[self._list(call).as_row()])

    def assets(self, call: Call) -> Reply:
        most = min(max(call.whole("maxReturn", 20), 1), 200)
        start = call.whole("offset")
        rows = [found.as_asset() for found in self._lists.all()][start : start + most]
        if not rows:
            return Reply(warnings=["No assets found for the given search criteria."])
        return Reply(result=rows)

    def asset(self, call: Call) -> Reply:
        found = self._lists.get(call.path["id"])
        if found is None:
            return Reply(warnings=["No assets found for the given search criteria."])
        return Reply(result=[found.as_asset()])

    def by_name(self, call: Call) -> Reply:
        found = self._lists.by_name(call.required("name"))
        if found is None:
            return Reply(warnings=["No assets found for the given search criteria."])
        return Reply(result=[found.as_asset()])

    def create(self, call: Call) -> Reply:
        name = call.required("name")
        call.required("folder")
        if self._lists.by_name(name) is not None:
            raise ApiError("709", f"Static List with name '{name}' already exists in the folder")
        return Reply(result=[self._lists.create(name).as_asset()])

    def leads(self, call: Call) -> Reply:
        columns = requested_fields(call)
        members = list(self._list(call).members)
        page = page_of(call, members)
        rows = [read_columns(self._instance.leads[lead_id], columns) for lead_id in page.result or ()]
        return Reply(result=rows, next_token=page.next_token, more=page.more)

    def add(self, call: Call) -> Reply:
        return self._change(call, "added")

    def remove(self, call: Call) -> Reply:
        return self._change(call, "removed")

    def is_member(self, call: Call) -> Reply:
        found = self._list(call)
        rows = [
            {"id": lead_id, "status": "memberof" if lead_id in found.members else "notmemberof"}
            if lead_id in self._instance.leads
            else skipped("1004", "Lead not found", id=lead_id)
            for lead_id in given_ids(call)
        ]
        return Reply(result=rows)

    def _change(self, call: Call, status: str) -> Reply:
        found = self._list(call)
        rows: list[dict[str, Any]] = []
        for lead_id in given_ids(call):
            if lead_id not in self._instance.leads:
                rows.append(skipped("1004", "Lead not found", id=lead_id))
            elif status == "removed" and lead_id not in found.members:
                rows.append(skipped("1015", "Lead not in list", id=lead_id))
            else:
                rows.append({"id": lead_id, "status": status})
        done = [row["id"] for row in rows if row["status"] == status]
        if status == "added":
            self._lists.add(found, done)
        else:
            self._lists.remove(found, done)
        return Reply(result=rows)

    def _list(self, call: Call) -> StaticList:
        found = self._lists.get(call.path["id"])
        if found is None:
            raise ApiError("1013", f"List not found: {call.path['id']}")
        return found
