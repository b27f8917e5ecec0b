"""The two CSV files that a Marketo admin exports by hand: Sync Errors and Sync Status.

The vendor does not document the header of the first one (marketo.md 7.6), so it comes in several dialects for
importers to be tested with.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from remediator.sandbox.sync_records import KEPT, OBJECT_WORDS, SyncErrorRow, SyncStatusRow

ERROR_HEADERS: Mapping[str, tuple[str, ...]] = {
    "en": ("Failed On", "Error Type", "Error Details", "Marketo ID", "Salesforce ID", "Object", "Operation"),
    "de": (
        "Fehlgeschlagen am",
        "Fehlertyp",
        "Fehlerdetails",
        "Marketo-ID",
        "Salesforce-ID",
        "Objekt",
        "Vorgang",
    ),
    "fr": (
        "Échec le",
        "Type d'erreur",
        "Détails de l'erreur",
        "ID Marketo",
        "ID Salesforce",
        "Objet",
        "Opération",
    ),
    "es": (
        "Fecha del error",
        "Tipo de error",
        "Detalles del error",
        "ID de Marketo",
        "ID de Salesforce",
        "Objeto",
        "Operación",
    ),
    "pt": (
        "Falha em",
        "Tipo de erro",
        "Detalhes do erro",
        "ID do Marketo",
        "ID do Salesforce",
        "Objeto",
        "Operação",
    ),
    "ja": ("失敗日時", "エラーの種類", "エラーの詳細", "Marketo ID", "Salesforce ID", "オブジェクト", "操作"),
}
STATUS_HEADER = (
    "Started At",
    "Ended At",
    "Object",
    "Operation",
    "Status",
    "New",
    "Updated",
    "Deleted",
    "Failed Item",
    "Skipped",
)
ENCODINGS: Mapping[str, str] = {"utf-8": "utf-8", "utf-16": "utf-16", "cp1252": "cp1252"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialect:
    """How an export is written.

    Attributes:
        bom: start a UTF-8 file with a byte order mark; UTF-16 always has one.
        language: key of ``ERROR_HEADERS``.
        date_format: ``strftime`` form of the moments, which are in UTC.
    """

    delimiter: str = ","
    encoding: str = "utf-8"
    bom: bool = False
    language: str = "en"
    date_format: str = "%Y-%m-%d %H:%M:%S"


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """The tab's filter: a span of time and an error type; ``None`` does not limit."""

    start: datetime | None = None
    end: datetime | None = None
    level: str | None = None

    def takes(self, row: SyncErrorRow) -> bool:
        """Say whether a row is shown."""
        return (
            (self.start is None or row.failed_on >= self.start)
            and (self.end is None or row.failed_on <= self.end)
            and (self.level is None or row.level == self.level)
        )


def sync_errors_csv(
    rows: Iterable[SyncErrorRow],
    now: datetime,
    selection: Selection | None = None,
    dialect: Dialect | None = None,
) -> bytes:
    """Return the Sync Errors export: newest first, never older than five days."""
    chosen, style = selection or Selection(), dialect or Dialect()
    shown = [row for row in rows if row.failed_on >= now - KEPT and chosen.takes(row)]
    return _written(
        style,
        ERROR_HEADERS[style.language],
        (
            (
                row.failed_on.strftime(style.date_format),
                row.level,
                row.details,
                row.marketo_id,
                row.salesforce_id,
                row.object,
                row.operation,
            )
            for row in reversed(shown)
        ),
    )


def sync_status_csv(rows: Iterable[SyncStatusRow], now: datetime, dialect: Dialect | None = None) -> bytes:
    """Return the Sync Status export, newest first, never older than five days."""
    style = dialect or Dialect()
    shown = [row for row in rows if row.started >= now - KEPT]
    return _written(
        style,
        STATUS_HEADER,
        (
            (
                row.started.strftime(style.date_format),
                row.ended.strftime(style.date_format),
                OBJECT_WORDS.get(row.object, row.object),
                row.operation,
                row.status,
                row.new,
                row.updated,
                row.deleted,
                row.failed,
                row.skipped,
            )
            for row in reversed(shown)
        ),
    )


def _written(style: Dialect, header: Iterable[str], rows: Iterable[Iterable[object]]) -> bytes:
    out = io.StringIO()
    writer = csv.writer(out, delimiter=style.delimiter, lineterminator="\r\n")
    writer.writerow(header)
    writer.writerows(["" if cell is None else cell for cell in row] for row in rows)
    content = out.getvalue().encode(ENCODINGS[style.encoding], "replace")
    return b"\xef\xbb\xbf" + content if style.bom and style.encoding == "utf-8" else content
