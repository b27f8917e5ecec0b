"""Bulk extracts: many people as one file instead of one call per 300.

Source: Adobe Experience League, "Bulk Extract" of the Marketo REST API. Extracts count per file, not per
record; two run at once, ten wait, 500 MB a day.
"""

from __future__ import annotations

import csv
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from remediator.errors import PermanentError, RateLimited, TransientError, VendorError
from remediator.model import SystemName
from remediator.systems.body import Body
from remediator.systems.calls import Call
from remediator.systems.marketo_api import MarketoApi, incomplete

POLL_S = 60.0
# 500 MB take minutes; a job that needs longer than this is given up on and cancelled.
LONGEST_JOB_S = 4 * 3600.0
_WAITING = frozenset({"Created", "Queued", "Processing"})
_NULL = "null"


class _Job(Body):
    export_id: str
    status: str
    number_of_records: int | None = None
    file_checksum: str | None = None
    error_msg: str | None = None


class BulkExtracts(MarketoApi):
    """Bulk extracts of leads."""

    def extract_leads(
        self, fields: Sequence[str], criteria: Mapping[str, object], *, poll_s: float = POLL_S
    ) -> Iterator[Mapping[str, str | None]]:
        """Yield people as ``{REST name: text}``; an empty cell is ``None``.

        Args:
            fields: REST names.
            criteria: exactly one filter, such as ``{"staticListId": 3001}`` or
                ``{"createdAt": {"startAt": ..., "endAt": ...}}`` (at most 31 days).
            poll_s: seconds between two looks at the job; its state moves once a minute at most.
        """
        job = self._job("create", body={"format": "CSV", "fields": list(fields), "filter": dict(criteria)})
        self._enqueue(job, poll_s)
        done = self._wait(job.export_id, poll_s)
        with tempfile.TemporaryDirectory(prefix="remediator-extract-") as folder:
            path = Path(folder) / "extract.csv"
            # Whole and checked before the first row is handed on: a cut file looks like fewer people.
            self._fetch(done, path)
            _check(path, done, fields)
            yield from _rows(path)

    def _enqueue(self, job: _Job, poll_s: float) -> None:
        deadline = self._clock() + LONGEST_JOB_S
        while True:
            try:
                self._job("enqueue", job.export_id)
            except RateLimited as exc:
                if exc.daily or self._clock() > deadline:
                    raise
                if "already" in str(exc).lower():
                    return
                self._sleep(poll_s)
            else:
                return

    def _wait(self, export_id: str, poll_s: float) -> _Job:
        deadline = self._clock() + LONGEST_JOB_S
        while (job := self._job("status", export_id)).status in _WAITING:
            if self._clock() > deadline:
                self._job("cancel", export_id)
                raise TransientError(
                    f"marketo: export {export_id} took over {LONGEST_JOB_S / 3600:.0f} hours; cancelled",
                    system=self.name,
                )
            self._sleep(poll_s)
        if job.status != "Completed":
            raise PermanentError(
                f"marketo: export {export_id} ended as {job.status}: {job.error_msg or 'no reason given'}; "
                "start it again",
                system=self.name,
            )
        return job

    def _fetch(self, job: _Job, path: Path) -> None:
        call = Call(
            method="GET", template="/bulk/v1/leads/export/{id}/file.json", parts={"id": job.export_id}
        )
        digest = self.http.download(call, path)
        promised = (job.file_checksum or "").removeprefix("sha256:").lower()
        if not promised and job.number_of_records is None:
            raise _incomplete(
                f"export {job.export_id}: neither checksum nor count, so nothing shows it whole"
            )
        if promised and digest != promised:
            raise TransientError(
                f"marketo: export {job.export_id}: incomplete file: its checksum is not the job's",
                code="INCOMPLETE",
                system=self.name,
            )

    def _job(self, step: str, export_id: str | None = None, body: object = None) -> _Job:
        place = "" if export_id is None else "/{id}"
        call = Call(
            method="GET" if step == "status" else "POST",
            template=f"/bulk/v1/leads/export{place}/{step}.json",
            parts={} if export_id is None else {"id": export_id},
            body=body,
            writes=step != "status",
        )
        rows: Sequence[Mapping[str, Any]] = self.rows(call)
        try:
            return _Job.model_validate(rows[0])
        except (IndexError, ValidationError) as exc:
            raise incomplete(call, "no job in it") from exc


def _check(path: Path, job: _Job, columns: Sequence[str]) -> None:
    """Raise unless the file has the columns that were asked for and as many whole rows as the job counted."""
    with path.open(encoding="utf-8", newline="") as file:
        # Strict, because the lenient reader takes a file that ends inside quotes for whole.
        reader = csv.reader(file, strict=True)
        count = 0
        try:
            header = next(reader, [])
            for cells in reader:
                if len(cells) != len(header):
                    raise _incomplete(
                        f"export {job.export_id}: line {reader.line_num} has {len(cells)} cells"
                    )
                count += 1
        except (csv.Error, UnicodeDecodeError) as exc:
            raise _incomplete(f"export {job.export_id}: line {reader.line_num + 1} cannot be read") from exc
    if len(set(header)) != len(header) or not set(columns) <= set(header):
        raise _incomplete(f"export {job.export_id}: its columns are not those that were asked for")
    if job.number_of_records is not None and count != job.number_of_records:
        raise _incomplete(f"export {job.export_id}: {count} rows, the job counted {job.number_of_records}")


def _rows(path: Path) -> Iterator[Mapping[str, str | None]]:
    with path.open(encoding="utf-8", newline="") as file:
        reader = csv.reader(file)
        header = next(reader, [])
        for cells in reader:
            yield {
                name: None if cell in (_NULL, "") else cell for name, cell in zip(header, cells, strict=True)
            }


def _incomplete(what: str) -> VendorError:
    return TransientError(f"marketo: incomplete answer: {what}", code="INCOMPLETE", system=SystemName.MARKETO)
