"""The endpoints of bulk lead and activity extract (marketo.md 6.1)."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from starlette.responses import Response

from remediator.sandbox.marketo.activities import DELETE_LEAD, Activity, as_row
from remediator.sandbox.marketo.envelope import ApiError, Call, HttpError, Reply
from remediator.sandbox.marketo.export_jobs import ExportJob, ExportJobs, window
from remediator.sandbox.marketo.fields import FIELDS
from remediator.sandbox.marketo.instance import Instance
from remediator.sandbox.marketo.paging import page_of

DELIMITERS = {"CSV": ",", "TSV": "\t", "SSV": ";"}
ACTIVITY_COLUMNS = (
    "marketoGUID",
    "leadId",
    "activityDate",
    "activityTypeId",
    "campaignId",
    "primaryAttributeValueId",
    "primaryAttributeValue",
    "attributes",
)
LEAD_FILTERS = ("createdAt", "updatedAt", "staticListId", "staticListName", "smartListId", "smartListName")
_RANGE = re.compile(r"bytes=(\d+)-(\d*)")
Table = Callable[[], tuple[Sequence[str], Iterable[Sequence[object]]]]


def handlers(instance: Instance) -> list[tuple[str, str, Callable[[Call], Reply | Response]]]:
    """Return ``(verb, path, handler)`` of every bulk extract endpoint."""
    jobs = ExportJobs(instance)
    found: list[tuple[str, str, Callable[[Call], Reply | Response]]] = []
    for kind in ("leads", "activities"):
        calls = _ExportCalls(instance, jobs, kind)
        base = f"/bulk/v1/{kind}/export"
        found += [
            ("GET", f"{base}.json", calls.browse),
            ("POST", f"{base}/create.json", calls.create),
            ("POST", f"{base}/{{id}}/enqueue.json", calls.enqueue),
            ("POST", f"{base}/{{id}}/cancel.json", calls.cancel),
            ("GET", f"{base}/{{id}}/status.json", calls.status),
            ("GET", f"{base}/{{id}}/file.json", calls.file),
        ]
    return found


class _ExportCalls:
    def __init__(self, instance: Instance, jobs: ExportJobs, kind: str) -> None:
        self._instance = instance
        self._jobs = jobs
        self._kind = kind

    def browse(self, call: Call) -> Reply:
        return page_of(
            call, [job.as_row() for job in self._jobs.of(self._kind, call.client, call.names("status"))]
        )

    def create(self, call: Call) -> Reply:
        body = call.body if isinstance(call.body, dict) else {}
        filter_ = body.get("filter")
        if not isinstance(filter_, dict):
            raise ApiError("1002", "Required parameter 'filter' is missing")
        format_ = str(body.get("format", "CSV")).upper()
        if format_ not in DELIMITERS:
            raise ApiError("1003", f"Invalid format '{format_}'")
        headers = body.get("columnHeaderNames") or {}
        reader = self._leads if self._kind == "leads" else self._activities
        table = reader(filter_, body.get("fields"))
        job = self._jobs.create(
            self._kind, call.client, format_, lambda: _file(table, headers, DELIMITERS[format_])
        )
        return Reply(result=[job.as_row()])

    def enqueue(self, call: Call) -> Reply:
        job = self._job(call)
        self._jobs.enqueue(job)
        return Reply(result=[job.as_row()])

    def cancel(self, call: Call) -> Reply:
        job = self._job(call)
        self._jobs.cancel(job)
        return Reply(result=[job.as_row()])

    def status(self, call: Call) -> Reply:
        return Reply(result=[self._job(call).as_row()])

    def file(self, call: Call) -> Response:
        job = self._jobs.get(self._kind, call.path["id"], call.client)
        if job is None or job.status != "Completed":
            raise HttpError(404, "Not found: the export job does not exist or is not complete")
        asked = call.headers.get("range")
        if asked is None:
            return Response(job.content, media_type="text/csv;charset=UTF-8")
        match = _RANGE.fullmatch(asked.strip())
        if match is None or int(match[1]) >= len(job.content):
            raise HttpError(416, "Requested Range Not Satisfiable")
        start = int(match[1])
        end = min(int(match[2]) if match[2] else len(job.content) - 1, len(job.content) - 1)
        headers = {"content-range": f"bytes {start}-{end}/{len(job.content)}"}
        return Response(job.content[start : end + 1], 206, headers, "text/csv;charset=UTF-8")

    def _job(self, call: Call) -> ExportJob:
        job = self._jobs.get(self._kind, call.path["id"], call.client)
        if job is None:
            raise ApiError("1013", f"Export job not found: {call.path['id']}")
        return job

    def _leads(self, filter_: Mapping[str, Any], fields: Any) -> Table:
        if not fields:
            raise ApiError("1002", "Required parameter 'fields' is missing")
        for name in fields:
            if name not in FIELDS:
                raise ApiError("1006", f"Field '{name}' not found")
        given = [name for name in filter_ if name in LEAD_FILTERS]
        if len(given) != 1 or len(filter_) != 1:
            raise ApiError("1003", "Invalid filter: exactly one filter is required")
        chosen = self._chosen_leads(given[0], filter_)
        leads = self._instance.leads
        return lambda: (
            fields,
            ([leads[number].get(name) for name in fields] for number in chosen() if number in leads),
        )

    def _chosen_leads(self, name: str, filter_: Mapping[str, Any]) -> Callable[[], Sequence[int]]:
        lists, leads = self._instance.lists, self._instance.leads
        if name in ("createdAt", "updatedAt"):
            start, end = window(filter_, name)
            return lambda: [
                number
                for number, lead in leads.items()
                if start <= datetime.fromisoformat(str(lead[name])) < end
            ]
        if name.startswith("smartList"):
            raise ApiError("1035", f"Unsupported filter type for target subscription: {name}")
        found = lists.get(int(filter_[name])) if name == "staticListId" else lists.by_name(filter_[name])
        if found is None:
            raise ApiError("1013", f"List not found: {filter_[name]}")
        return lambda: list(found.members)

    def _activities(self, filter_: Mapping[str, Any], fields: Any) -> Table:
        start, end = window(filter_, "createdAt")
        types = {int(type_id) for type_id in filter_.get("activityTypeIds", ())}
        if DELETE_LEAD in types:
            raise ApiError("1003", "Activity type 37 is not supported")
        columns = tuple(fields or ACTIVITY_COLUMNS)
        for name in columns:
            if name not in (*ACTIVITY_COLUMNS, "actionResult"):
                raise ApiError("1006", f"Field '{name}' not found")
        return lambda: (
            columns,
            (
                _activity_cells(row, columns)
                for row in self._instance.log.between(start, end, types)
                if row.type_id != DELETE_LEAD
            ),
        )


def _activity_cells(activity: Activity, columns: Sequence[str]) -> list[object]:
    shown = as_row(activity)
    cells = {
        **shown,
        "attributes": json.dumps({pair["name"]: pair["value"] for pair in shown["attributes"]}),
        "actionResult": activity.result,
    }
    return [cells.get(name) for name in columns]


def _file(table: Table, headers: Mapping[str, str], delimiter: str) -> tuple[bytes, int]:
    columns, rows = table()
    out = io.StringIO()
    writer = csv.writer(out, delimiter=delimiter, lineterminator="\n")
    writer.writerow([headers.get(name, name) for name in columns])
    number = 0
    for row in rows:
        writer.writerow([_cell(value) for value in row])
        number += 1
    return out.getvalue().encode(), number


def _cell(value: object) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)
