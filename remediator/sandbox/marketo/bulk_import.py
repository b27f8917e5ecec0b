"""The endpoints of bulk lead import (marketo.md 6.2)."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from email import message_from_bytes
from functools import partial
from typing import Any

from starlette.responses import Response

from remediator.sandbox.marketo.envelope import ApiError, Call, Reply
from remediator.sandbox.marketo.fields import FIELDS
from remediator.sandbox.marketo.instance import Instance
from remediator.sandbox.marketo.lead_writes import Upsert, upsert_row

CREATE_PATH = "/bulk/v1/leads.json"
RUNNING, QUEUED = 2, 10
STARTS_AFTER, TAKES = timedelta(seconds=5), timedelta(seconds=25)
DELIMITERS = {"csv": ",", "tsv": "\t", "ssv": ";"}
REASON = "Import Failure Reason"


@dataclass(slots=True, kw_only=True)
class ImportBatch:
    """One uploaded file on its way; ``rows`` are mappings of the header's names to cells."""

    id: int
    upsert: Upsert
    delimiter: str
    columns: list[str]
    rows: list[dict[str, str]]
    list_id: int | None = None
    status: str = "Queued"
    processed: int = 0
    failures: list[tuple[dict[str, str], str]] = field(default_factory=list)

    def as_row(self) -> dict[str, Any]:
        """Return the status row."""
        done = self.status == "Complete"
        row: dict[str, Any] = {"batchId": self.id, "importId": str(self.id), "status": self.status}
        if self.status != "Queued":
            row |= {
                "numOfLeadsProcessed": self.processed,
                "numOfRowsFailed": len(self.failures),
                "numOfRowsWithWarning": 0,
                "message": (
                    f"Import {'succeeded' if not self.failures else 'completed with errors'}, "
                    f"{self.processed} records imported, {len(self.failures)} failed"
                    if done
                    else "Import in progress"
                ),
            }
        return row


def handlers(instance: Instance) -> list[tuple[str, str, Callable[[Call], Reply | Response]]]:
    """Return ``(verb, path, handler)`` of every bulk import endpoint."""
    calls = _ImportCalls(instance)
    batch = "/bulk/v1/leads/batch/{id:int}"
    return [
        ("POST", CREATE_PATH, calls.create),
        ("GET", f"{batch}.json", calls.status),
        ("GET", f"{batch}/failures.json", calls.failures),
        ("GET", f"{batch}/warnings.json", calls.warnings),
    ]


class _ImportCalls:
    def __init__(self, instance: Instance) -> None:
        self._instance = instance
        self._batches: dict[int, ImportBatch] = {}

    def create(self, call: Call) -> Reply:
        waiting = [batch for batch in self._batches.values() if batch.status in ("Queued", "Importing")]
        if len(waiting) >= QUEUED:
            raise ApiError("1016", "Too many imports queued")
        format_ = call.required("format").lower()
        if format_ not in DELIMITERS:
            raise ApiError("1003", f"Invalid value '{format_}' for format")
        lookup = call.param("lookupField", "email")
        action = "updateOnly" if lookup == "id" else "createOrUpdate"
        upsert = Upsert.from_body({"action": action, "lookupField": lookup}, call.client)
        reader = csv.DictReader(io.StringIO(_uploaded(call)), delimiter=DELIMITERS[format_])
        columns = list(reader.fieldnames or ())
        for name in columns:
            if name not in FIELDS:
                raise ApiError("1006", f"Field '{name}' not found")
        if lookup not in columns:
            raise ApiError("1003", f"The file has no column for the lookup field '{lookup}'")
        list_id = call.whole("listId") if call.param("listId") else None
        if list_id is not None:
            self._check_list(list_id)
        batch = ImportBatch(
            id=1000 + len(self._batches) + 1,
            upsert=upsert,
            delimiter=DELIMITERS[format_],
            columns=columns,
            rows=[{name: row.get(name) or "" for name in columns} for row in reader],
            list_id=list_id,
        )
        self._batches[batch.id] = batch
        self._instance.at(self._instance.clock.now() + STARTS_AFTER, self._start_waiting)
        return Reply(result=[batch.as_row()])

    def status(self, call: Call) -> Reply:
        return Reply(result=[self._batch(call).as_row()])

    def failures(self, call: Call) -> Response:
        batch = self._batch(call)
        out = io.StringIO()
        writer = csv.writer(out, delimiter=batch.delimiter, lineterminator="\n")
        if batch.failures:
            writer.writerow([*batch.columns, REASON])
            writer.writerows([*row.values(), reason] for row, reason in batch.failures)
        return Response(out.getvalue(), media_type="text/csv;charset=UTF-8")

    def warnings(self, call: Call) -> Response:
        self._batch(call)
        return Response("", media_type="text/csv;charset=UTF-8")

    def _start_waiting(self) -> None:
        running = sum(batch.status == "Importing" for batch in self._batches.values())
        waiting = [batch for batch in self._batches.values() if batch.status == "Queued"]
        for batch in waiting[: max(0, RUNNING - running)]:
            batch.status = "Importing"
            self._instance.at(
                self._instance.clock.now() + TAKES,
                partial(self._run, batch),
            )

    def _run(self, batch: ImportBatch) -> None:
        for row in batch.rows:
            # An empty cell leaves the field alone; how an import blanks one is not documented.
            outcome = upsert_row(
                self._instance, batch.upsert, {name: cell for name, cell in row.items() if cell != ""}
            )
            if outcome["status"] == "skipped":
                batch.failures.append((row, str(outcome["reasons"][0]["message"])))
                continue
            batch.processed += 1
            found = self._instance.lists.get(batch.list_id or 0)
            if found is not None:
                self._instance.lists.add(found, [outcome["id"]])
        batch.status = "Complete"
        self._start_waiting()

    def _check_list(self, list_id: int) -> None:
        if self._instance.lists.get(list_id) is None:
            raise ApiError("1013", f"List not found: {list_id}")
        if any(batch.list_id == list_id and batch.status == "Importing" for batch in self._batches.values()):
            raise ApiError("1019", "Import in progress")

    def _batch(self, call: Call) -> ImportBatch:
        batch = self._batches.get(call.path["id"])
        if batch is None:
            raise ApiError("1013", f"Batch not found: {call.path['id']}")
        return batch


def _uploaded(call: Call) -> str:
    """Return the text of the multipart part named ``file``."""
    content_type = call.headers.get("content-type", "")
    if not content_type.startswith("multipart/form-data"):
        raise ApiError("612")
    message = message_from_bytes(f"Content-Type: {content_type}\r\n\r\n".encode() + call.raw)
    for part in message.walk():
        if part.get_param("name", header="content-disposition") == "file":
            content = part.get_payload(decode=True)
            if isinstance(content, bytes):
                return content.decode("utf-8-sig", "replace")
    raise ApiError("613", "Invalid multipart request: no part named 'file'")
