"""Bulk extract jobs: their states, their slots, the file (marketo.md 6.1)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from functools import partial
from hashlib import sha256
from typing import Any
from uuid import uuid4

from remediator.sandbox.marketo.envelope import ApiError
from remediator.sandbox.marketo.fields import stamp
from remediator.sandbox.marketo.instance import Instance
from remediator.sandbox.marketo.limits import CENTRAL

REFRESH = timedelta(seconds=60)
"""How often the status that the API shows is renewed; also how long one job takes to run."""
RUNNING, QUEUED, KEPT = 2, 10, timedelta(days=7)


@dataclass(slots=True, kw_only=True)
class ExportJob:
    """One job of one API user.

    Attributes:
        kind: ``leads`` or ``activities``.
        make: builds the file when the job ends, ``(bytes, number of records)``.
    """

    id: str
    kind: str
    client: str
    format: str
    created: datetime
    make: Callable[[], tuple[bytes, int]]
    status: str = "Created"
    queued: datetime | None = None
    started: datetime | None = None
    finished: datetime | None = None
    records: int = 0
    content: bytes = b""
    checksum: str = ""

    def as_row(self) -> dict[str, Any]:
        """Return the status row; members that are not known yet are left out."""
        row: dict[str, Any] = {
            "exportId": self.id,
            "format": self.format,
            "status": self.status,
            "createdAt": stamp(self.created),
        }
        moments = {"queuedAt": self.queued, "startedAt": self.started, "finishedAt": self.finished}
        row |= {name: stamp(moment) for name, moment in moments.items() if moment is not None}
        if self.status == "Completed":
            row |= {
                "numberOfRecords": self.records,
                "fileSize": len(self.content),
                "fileChecksum": self.checksum,
            }
        return row


@dataclass(slots=True)
class ExportJobs:
    """All export jobs of the instance; two run at once, ten wait or run."""

    instance: Instance
    jobs: dict[str, ExportJob] = field(default_factory=dict)
    bytes_on: dict[date, int] = field(default_factory=lambda: defaultdict(int))

    def create(
        self, kind: str, client: str, format_: str, make: Callable[[], tuple[bytes, int]]
    ) -> ExportJob:
        """Add a job that is not queued yet."""
        job = ExportJob(
            id=str(uuid4()),
            kind=kind,
            client=client,
            format=format_,
            created=self.instance.clock.now(),
            make=make,
        )
        self.jobs[job.id] = job
        return job

    def get(self, kind: str, export_id: str, client: str) -> ExportJob | None:
        """Return a job if this API user made it."""
        job = self.jobs.get(export_id)
        return job if job is not None and job.kind == kind and job.client == client else None

    def of(self, kind: str, client: str, statuses: Sequence[str]) -> list[ExportJob]:
        """Return this user's jobs of the last seven days, newest first."""
        oldest = self.instance.clock.now() - KEPT
        return [
            job
            for job in reversed(self.jobs.values())
            if job.kind == kind
            and job.client == client
            and job.created >= oldest
            and (not statuses or job.status in statuses)
        ]

    def enqueue(self, job: ExportJob) -> None:
        """Queue a job, or refuse with 1029."""
        if job.status != "Created":
            raise ApiError("1029", f"Job already queued: {job.id}")
        if sum(other.status in ("Queued", "Processing") for other in self.jobs.values()) >= QUEUED:
            raise ApiError("1029", "Too many jobs in queue")
        if self.bytes_on[self._today()] >= self.instance.settings.export_bytes_per_day:
            raise ApiError("1029", "Export daily quota exceeded")
        job.status, job.queued = "Queued", self.instance.clock.now()
        self.instance.at(job.queued + REFRESH, self._start_waiting)

    def cancel(self, job: ExportJob) -> None:
        """Stop a job that has not ended; its place is free at once."""
        if job.status in ("Created", "Queued", "Processing"):
            job.status = "Canceled"

    def _start_waiting(self) -> None:
        waiting = [job for job in self.jobs.values() if job.status == "Queued"]
        running = sum(job.status == "Processing" for job in self.jobs.values())
        now = self.instance.clock.now()
        for job in waiting[: max(0, RUNNING - running)]:
            job.status, job.started = "Processing", now
            self.instance.at(now + REFRESH, partial(self._finish, job))

    def _finish(self, job: ExportJob) -> None:
        if job.status != "Processing":
            return
        job.content, job.records = job.make()
        job.checksum = f"sha256:{sha256(job.content).hexdigest()}"
        job.status, job.finished = "Completed", self.instance.clock.now()
        self.bytes_on[self._today()] += len(job.content)
        self._start_waiting()

    def _today(self) -> date:
        return self.instance.clock.now().astimezone(CENTRAL).date()


def window(filter_: Mapping[str, Any], name: str) -> tuple[datetime, datetime]:
    """Return ``{"startAt", "endAt"}`` of a date filter, at most 31 days apart."""
    span = filter_.get(name)
    if not isinstance(span, dict) or "startAt" not in span or "endAt" not in span:
        raise ApiError("1003", f"Invalid filter: '{name}' needs startAt and endAt")
    try:
        start, end = (datetime.fromisoformat(str(span[key])) for key in ("startAt", "endAt"))
    except ValueError as exc:
        raise ApiError("704", f"Invalid date format in filter '{name}'") from exc
    if start.tzinfo is None or end.tzinfo is None:
        raise ApiError("704", f"Invalid date format in filter '{name}': no offset")
    if end - start > timedelta(days=31) or end < start:
        raise ApiError("1003", f"Invalid filter: '{name}' may span 31 days at most")
    return start, end
