"""The failed results of a Salesforce Bulk API 2.0 job: ``sf__Id, sf__Error`` and the columns that were sent.

Bulk API 2.0 guide, "Get Job Failed Record Results". ``sf__Error`` is ``CODE:message:Field1 Field2 --``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path

from remediator.errors import ConfigError
from remediator.model import Rejected, SyncFailure
from remediator.sources import identity
from remediator.sources.base import Note, Reading, log_note
from remediator.sources.columns import ROLES, fold
from remediator.sources.textfile import Layout, Row, find_layout, header_as_seen, rows

_FIELD_LIST = re.compile(r":(?P<fields>[A-Za-z]\w*(?:\s+[A-Za-z]\w*)*)\s*--\s*$")
_MARKETO_COLUMNS = frozenset(fold(word) for word in ROLES["marketo_id"] if "m" in word and "k" in word) | {
    "marketoidc"
}


class BulkResultsCsv:
    """Reads failed bulk results of one object."""

    name = "bulk_results_csv"

    def __init__(
        self,
        *,
        object: str | None = None,  # noqa: A002 - the word of SyncFailure and of the settings
        operation: str | None = None,
        failed_at: datetime | None = None,
        encoding: str | None = None,
        note: Note = log_note,
    ) -> None:
        """Say what the file itself does not.

        Args:
            object: Salesforce object of the job; ``None`` takes it from the prefix of each id.
            operation: operation of the job (``insert``, ``update`` ...).
            failed_at: when the job ran, aware; ``None`` takes the file's modification time.
            encoding: codec name; ``None`` finds it out.
            note: is told what had to be assumed.
        """
        if failed_at is not None and failed_at.tzinfo is None:
            raise ConfigError(f"failed_at: {failed_at} names no zone; add one, e.g. {failed_at}+00:00")
        self._object = object
        self._operation = operation
        self._failed_at = failed_at
        self._encoding = encoding
        self._note = note

    def recognises(self, header: tuple[str, ...]) -> bool:
        """Say whether the header has ``sf__Id`` and ``sf__Error``."""
        return {"sf__id", "sf__error"} <= {cell.lower() for cell in header}

    def read(self, path: Path) -> Iterator[Reading]:
        """Yield every row as a failure or as rejected; see ``Source.read``."""
        layout = find_layout(path, self.recognises, self._encoding)
        if layout is None:
            raise ConfigError(
                f"{path}: no sf__Id and sf__Error column in the header"
                f" '{header_as_seen(path, self._encoding)}'; download failedResults of the job,"
                " not successfulResults or unprocessedrecords"
            )
        failed_at = self._failed_at or datetime.fromtimestamp(path.stat().st_mtime, UTC)
        return self._read(path, layout, failed_at.astimezone(UTC))

    def _read(self, path: Path, layout: Layout, failed_at: datetime) -> Iterator[Reading]:
        at = {cell.lower(): position for position, cell in enumerate(layout.header)}
        marketo_at = next((at[cell] for cell in at if fold(cell) in _MARKETO_COLUMNS), None)
        width = len(layout.header)

        def starts_row(cells: list[str]) -> bool:
            return len(cells) == width and cells[at["sf__error"]].rstrip().endswith("--")

        for row in rows(path, layout, starts_row=starts_row, note=self._note):
            yield self._failure(row, at, marketo_at, failed_at, path.name)

    def _failure(
        self, row: Row, at: Mapping[str, int], marketo_at: int | None, failed_at: datetime, name: str
    ) -> Reading:
        cells = row.cells
        if row.problem is not None:
            return Rejected(line=row.line, reason=row.problem, row=tuple(cells))
        message = cells[at["sf__error"]]
        if not message.strip():
            return Rejected(
                line=row.line, reason="sf__Error is empty, so the row did not fail", row=tuple(cells)
            )
        try:
            # Before API 53 sf__Id is empty for failed rows; what was sent as Id is as good.
            own = identity.salesforce_id(cells[at["sf__id"]])
            sent = identity.salesforce_id(cells[at["id"]]) if own is None and "id" in at else None
            marketo = None if marketo_at is None else identity.marketo_id(cells[marketo_at])
        except ValueError as exc:
            return Rejected(line=row.line, reason=str(exc), row=tuple(cells))
        record = own or sent
        fields = _FIELD_LIST.search(message)
        return SyncFailure(
            failed_at=failed_at,
            message=message,
            source=self.name,
            marketo_id=marketo,
            salesforce_id=record,
            object=self._object or identity.object_name("", record),
            operation=self._operation,
            fields=tuple(fields["fields"].split()) if fields else (),
            origin=f"{name}:{row.line}",
        )
