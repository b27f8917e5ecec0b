"""Bulk API 2.0: ingest jobs that take a CSV and answer with result files, and query jobs."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass, field
from typing import Any

from remediator.sandbox.salesforce.access import User
from remediator.sandbox.salesforce.envelopes import bulk_error
from remediator.sandbox.salesforce.errors import ApiFault, SaveError, SaveOutcome
from remediator.sandbox.salesforce.metadata import ObjectType
from remediator.sandbox.salesforce.org import Org
from remediator.sandbox.salesforce.query import Runner
from remediator.sandbox.salesforce.rest import Call, Reply, Rest, body_of, object_called
from remediator.sandbox.salesforce.rest_rows import find_external, upsert_row
from remediator.sandbox.salesforce.soql import parse
from remediator.sandbox.salesforce.values import stamp

_DELIMITERS = {"COMMA": ",", "TAB": "\t", "SEMICOLON": ";", "PIPE": "|", "CARET": "^", "BACKQUOTE": "`"}
_OPERATIONS = frozenset(("insert", "update", "upsert", "delete", "hardDelete"))
_JOB = r"jobs/ingest/(?P<job_id>750\w+)"
_QUERY = r"jobs/query/(?P<job_id>750\w+)"


def add_bulk_paths(rest: Rest) -> None:
    """Serve the paths of this module."""
    bulk = Bulk(rest.org)
    rest.add("POST", "jobs/ingest/?", bulk.create)
    rest.add("GET", "jobs/ingest/?", bulk.listed)
    rest.add("GET", _JOB + "/?", bulk.status)
    rest.add("PATCH", _JOB + "/?", bulk.change_state)
    rest.add("DELETE", _JOB + "/?", bulk.delete)
    rest.add("PUT", _JOB + "/batches/?", bulk.upload)
    rest.add("GET", _JOB + r"/(?P<which>successfulResults|failedResults|unprocessedrecords)/?", bulk.results)
    rest.add("POST", "jobs/query/?", bulk.create_query)
    rest.add("GET", _QUERY + "/?", bulk.status)
    rest.add("GET", _QUERY + "/results/?", bulk.query_results)


@dataclass(slots=True, kw_only=True)
class Job:
    """One job; ``rows`` are the uploaded cells, the result lists pair a row with its outcome."""

    id: str
    user: User
    kind: ObjectType
    operation: str
    created: str
    delimiter: str = ","
    line_end: str = "\n"
    external_id: str | None = None
    query: str | None = None
    state: str = "Open"
    message: str | None = None
    header: list[str] = field(default_factory=list)
    rows: list[list[str]] = field(default_factory=list)
    uploaded: bool = False
    succeeded: list[tuple[SaveOutcome, list[str]]] = field(default_factory=list)
    failed: list[tuple[SaveOutcome, list[str]]] = field(default_factory=list)
    found: list[dict[str, Any]] = field(default_factory=list)


class Bulk:
    """Bulk jobs; an ingest job runs at once when its upload is closed, in slices like Salesforce's."""

    def __init__(self, org: Org) -> None:
        self._org = org
        self._jobs: dict[str, Job] = {}

    def create(self, call: Call) -> Reply:
        """Open an ingest job."""
        body = body_of(call)
        operation = body.get("operation")
        if operation not in _OPERATIONS:
            raise ApiFault(400, "INVALIDJOB", f"Invalid operation: {operation}")
        delimiter = body.get("columnDelimiter", "COMMA")
        if delimiter not in _DELIMITERS or body.get("contentType", "CSV") != "CSV":
            raise ApiFault(
                400, "INVALIDJOB", "contentType has to be CSV, columnDelimiter one of the documented names"
            )
        job = Job(
            id=self._new_id(),
            user=call.user,
            kind=self._kind(call, str(body.get("object"))),
            operation=operation,
            created=stamp(self._org.clock.now()),
            delimiter=_DELIMITERS[delimiter],
            line_end="\r\n" if body.get("lineEnding") == "CRLF" else "\n",
            external_id=body.get("externalIdFieldName"),
        )
        if operation == "upsert" and not job.external_id:
            raise ApiFault(400, "INVALIDJOB", "externalIdFieldName is required for upsert")
        self._jobs[job.id] = job
        return Reply(content=self._shown(call, job))

    def upload(self, call: Call, job_id: str) -> Reply:
        """Take the CSV, exactly once."""
        job = self._job(call, job_id)
        if job.state != "Open" or job.uploaded:
            raise ApiFault(400, "INVALIDJOBSTATE", "The job takes exactly one upload while it is open")
        reader = csv.reader(io.StringIO(str(call.body or ""), newline=""), delimiter=job.delimiter)
        rows = [row for row in reader if row]
        job.header, job.rows, job.uploaded = (rows[0] if rows else []), rows[1:], True
        return Reply(status=201)

    def change_state(self, call: Call, job_id: str) -> Reply:
        """Close the upload, which runs the job, or abort it."""
        job = self._job(call, job_id)
        state = body_of(call).get("state")
        if job.state != "Open" or state not in ("UploadComplete", "Aborted"):
            raise ApiFault(400, "INVALIDJOBSTATE", f"Cannot change state from {job.state} to {state}")
        job.state = str(state)
        reply = Reply(content=self._shown(call, job))
        if state == "UploadComplete":
            self._run(call, job)
        return reply

    def status(self, call: Call, job_id: str) -> Reply:
        """Tell how far a job is."""
        return Reply(content=self._shown(call, self._job(call, job_id)))

    def listed(self, call: Call) -> Reply:
        """List the caller's jobs."""
        mine = [job for job in self._jobs.values() if job.user.id == call.user.id and job.query is None]
        return Reply(content={"done": True, "records": [self._shown(call, job) for job in mine]})

    def delete(self, call: Call, job_id: str) -> Reply:
        """Forget a finished job."""
        if self._job(call, job_id).state in ("Open", "InProgress"):
            raise ApiFault(400, "INVALIDJOBSTATE", "Only finished jobs can be deleted")
        del self._jobs[job_id]
        return Reply(status=204)

    def results(self, call: Call, job_id: str, which: str) -> Reply:
        """Return a result file."""
        job = self._job(call, job_id)
        if which == "successfulResults":
            lines = [[one.id or "", str(one.created).lower(), *row] for one, row in job.succeeded]
            return _file(job, ["sf__Id", "sf__Created", *job.header], lines)
        if which == "failedResults":
            lines = [[one.id or "", bulk_error(one.errors), *row] for one, row in job.failed]
            return _file(job, ["sf__Id", "sf__Error", *job.header], lines)
        left = job.rows if job.state in ("Aborted", "Failed") else []
        return _file(job, job.header, left)

    def create_query(self, call: Call) -> Reply:
        """Run a query job."""
        body = body_of(call)
        query = parse(str(body.get("query", "")))
        deleted = body.get("operation") == "queryAll"
        found = Runner(self._org, call.user, deleted=deleted, version=call.version).run(query)
        job = Job(
            id=self._new_id(),
            user=call.user,
            kind=self._kind(call, query.source.text),
            operation=str(body.get("operation")),
            created=stamp(self._org.clock.now()),
            query=query.text,
            state="JobComplete",
            header=[".".join(name.path) for name in query.fields],
            found=found.records,
        )
        self._jobs[job.id] = job
        return Reply(content={**self._shown(call, job), "state": "UploadComplete"})

    def query_results(self, call: Call, job_id: str) -> Reply:
        """Return a page of a query job's rows."""
        job = self._job(call, job_id)
        begin = int(call.params.get("locator") or 0)
        end = begin + int(call.params.get("maxRecords") or 100_000)
        lines = [[_cell(record, name) for name in job.header] for record in job.found[begin:end]]
        locator = str(end) if end < len(job.found) else "null"
        reply = _file(job, job.header, lines)
        return Reply(
            content=reply.content,
            kind=reply.kind,
            headers={"Sforce-Locator": locator, "Sforce-NumberOfRecords": str(len(lines))},
        )

    def _run(self, call: Call, job: Job) -> None:
        unknown = [name for name in job.header if name.lower() not in job.kind.by_lower_name]
        if unknown or not job.header:
            job.state = "Failed"
            job.message = f"InvalidBatch : Field name not found : {', '.join(unknown)}"
            return
        for row in job.rows:
            outcome = self._save(call, job, dict(zip(job.header, row, strict=False)))
            (job.succeeded if outcome.success else job.failed).append((outcome, row))
        job.state = "JobComplete"

    def _save(self, call: Call, job: Job, cells: dict[str, str]) -> SaveOutcome:
        # An empty cell leaves the field alone, #N/A clears it.
        values: dict[str, Any] = {
            name: None if cell == "#N/A" else cell for name, cell in cells.items() if cell != ""
        }
        record_id = str(next((values.pop(key) for key in ("Id", "id") if key in values), ""))
        name = job.kind.name
        if job.operation == "insert":
            return self._org.insert(name, values, call.user, call.headers)
        if job.operation == "upsert":
            key = job.kind.by_lower_name.get(str(job.external_id).lower(), "Id")
            value = str(values.pop(key, record_id))
            if len(find_external(self._org, job.kind, key, value)) > 1:
                error = SaveError(code="DUPLICATE_EXTERNAL_ID", message=f"{key}: more than one record found")
                return SaveOutcome(id=None, success=False, errors=(error,))
            return upsert_row(self._org, call, job.kind, key, value, values)
        if job.operation == "update":
            return self._org.update(name, record_id, values, call.user, call.headers)
        return self._org.delete(name, record_id, call.user)

    def _kind(self, call: Call, name: str) -> ObjectType:
        try:
            return object_called(self._org, call.user, name)
        except ApiFault:
            raise ApiFault(400, "INVALIDENTITY", f"Unknown object: {name}") from None

    def _job(self, call: Call, job_id: str) -> Job:
        job = self._jobs.get(job_id)
        if job is None or job.user.id != call.user.id:
            raise ApiFault(404, "NOT_FOUND", "The requested resource does not exist")
        return job

    def _new_id(self) -> str:
        return f"7505e{len(self._jobs) + 1:010d}AAA"

    def _shown(self, call: Call, job: Job) -> dict[str, Any]:
        done = len(job.succeeded) + len(job.failed) + len(job.found)
        shown: dict[str, Any] = {
            "id": job.id,
            "operation": job.operation,
            "object": job.kind.name,
            "createdById": job.user.id,
            "createdDate": job.created,
            "systemModstamp": job.created,
            "state": job.state,
            "concurrencyMode": "Parallel",
            "contentType": "CSV",
            "apiVersion": float(call.version),
            "lineEnding": "CRLF" if job.line_end == "\r\n" else "LF",
            "columnDelimiter": next(name for name, sign in _DELIMITERS.items() if sign == job.delimiter),
            "jobType": "V2Query" if job.query is not None else "V2Ingest",
            "numberRecordsProcessed": done,
            "retries": 0,
            "totalProcessingTime": 0,
        }
        if job.query is None:
            shown["contentUrl"] = f"services/data/v{call.version}/jobs/ingest/{job.id}/batches"
            shown["numberRecordsFailed"] = len(job.failed)
        if job.external_id:
            shown["externalIdFieldName"] = job.external_id
        if job.message:
            shown["errorMessage"] = job.message
        return shown


def _file(job: Job, header: list[str], lines: list[list[str]]) -> Reply:
    if not lines and not job.found:
        return Reply(content="", kind="text/csv")
    text = io.StringIO()
    writer = csv.writer(text, delimiter=job.delimiter, lineterminator=job.line_end, quoting=csv.QUOTE_ALL)
    writer.writerow(header)
    writer.writerows(lines)
    return Reply(content=text.getvalue(), kind="text/csv")


def _cell(record: dict[str, Any], name: str) -> str:
    value: Any = record
    for part in name.split("."):
        value = value.get(part) if isinstance(value, dict) else None
    if isinstance(value, bool):
        return str(value).lower()
    return "" if value is None else str(value)
