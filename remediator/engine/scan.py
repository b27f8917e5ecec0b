"""Take in reported failures: read, classify, store; idempotent by content."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import islice
from pathlib import Path

from loguru import logger

from remediator.classify import Classifier
from remediator.crashes import place
from remediator.engine.sources import source_of
from remediator.model import Category, Confidence, Diagnosis, Owner, Rejected, SyncFailure
from remediator.settings import Settings
from remediator.sources.opening import RejectsFile, file_digest
from remediator.store import Store

_BATCH = 2_000


@dataclass(frozen=True, slots=True, kw_only=True)
class ScanReport:
    """What one input gave.

    Attributes:
        rows: rows that were read, good and bad.
        new: failures not known before; ``again``: known ones seen anew; ``duplicates``: rows that an earlier
            export already had; ``reopened``: settled cases that failed again.
        rejected: rows that could not be taken; they stand in ``rejects_file`` with line and reason.
        known_since: set when the same file was taken in before, and nothing was done.
    """

    name: str
    source: str
    rows: int = 0
    new: int = 0
    again: int = 0
    duplicates: int = 0
    reopened: int = 0
    rejected: int = 0
    rejects_file: Path | None = None
    known_since: datetime | None = None


def scan_file(
    path: Path,
    *,
    store: Store,
    classifier: Classifier,
    settings: Settings,
    run: int,
    now: datetime,
    object_name: str | None = None,
    source_name: str | None = None,
    on_rows: Callable[[int], None] = lambda _: None,
) -> ScanReport:
    """Take one export in.

    A file that was taken in whole before is recognised by its content and left alone; rows that overlap
    with other exports are recognised one by one.

    Args:
        object_name: what a bulk result file is about, when its ids do not say.
        source_name: the source that reads it, when its header is not to decide.
        on_rows: told how many rows are done, batch by batch.

    Raises:
        ConfigError: the file cannot be read or is none of the known kinds; nothing was taken.
        StoreError: the store failed; batches before it are kept, and the same file can be given again.
    """
    source = source_of(path, settings, object_name=object_name, name=source_name)
    digest = file_digest(path)
    if (known_since := store.known_intake(digest)) is not None:
        return ScanReport(name=path.name, source=source.name, known_since=known_since)
    report = ScanReport(name=path.name, source=source.name)
    rows = iter(source.read(path))
    with RejectsFile(path) as rejects:
        while chunk := list(islice(rows, _BATCH)):
            for row in chunk:
                if isinstance(row, Rejected):
                    rejects.add(row)
            failures = [row for row in chunk if not isinstance(row, Rejected)]
            report = _taken(report, store, _diagnosed(failures, classifier), run=run, now=now)
            report = replace(report, rows=report.rows + len(chunk))
            on_rows(report.rows)
    if rejects.count:
        report = replace(report, rejected=rejects.count, rejects_file=rejects.path)
    store.record_intake(
        digest=digest,
        name=path.name,
        source=source.name,
        taken=report.rows - report.rejected,
        rejected=report.rejected,
        run=run,
        now=now,
    )
    return report


def look_at_file(
    path: Path, *, settings: Settings, object_name: str | None = None, source_name: str | None = None
) -> ScanReport:
    """Read an export without taking anything in: how many rows it has, and how many are bad."""
    source = source_of(path, settings, object_name=object_name, name=source_name)
    report = ScanReport(name=path.name, source=source.name)
    for row in source.read(path):
        report = replace(report, rows=report.rows + 1, rejected=report.rejected + isinstance(row, Rejected))
    return report


def _diagnosed(
    failures: Iterable[SyncFailure], classifier: Classifier
) -> list[tuple[SyncFailure, Diagnosis]]:
    return [(failure, _diagnosis(failure, classifier)) for failure in failures]


def _diagnosis(failure: SyncFailure, classifier: Classifier) -> Diagnosis:
    """Classify a failure; one that breaks the classifier becomes a case for a person, and is not lost."""
    try:
        return classifier.classify_failure(failure)
    except Exception as exc:  # noqa: BLE001 - the case boundary: one message must not keep an export out
        logger.bind(event="classifying_broke", origin=failure.origin).error(
            "{} could not be classified; this is a bug: {}", failure.origin, place(exc)
        )
        return Diagnosis(
            category=Category.UNKNOWN,
            code=None,
            rule="unclassified",
            owner=Owner.MARKETING_OPS,
            retryable=False,
            confidence=Confidence.WEAK,
            reason=f"classifying this text broke off ({place(exc)}), which is a bug; look at the raw message",
        )


def _taken(
    report: ScanReport,
    store: Store,
    items: list[tuple[SyncFailure, Diagnosis]],
    *,
    run: int,
    now: datetime,
) -> ScanReport:
    if not items:
        return report
    result = store.take(items, run=run, now=now)
    return replace(
        report,
        new=report.new + result.new,
        again=report.again + result.again,
        duplicates=report.duplicates + result.duplicates,
        reopened=report.reopened + result.reopened,
    )
