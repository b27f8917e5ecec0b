"""The CSV that an admin exports from Marketo's Sync Errors tab."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path

from remediator.errors import ConfigError
from remediator.model import FailureLevel, Rejected, SyncFailure
from remediator.sources import identity
from remediator.sources.base import Note, Reading, log_note
from remediator.sources.columns import check_roles, find_columns, fold
from remediator.sources.textfile import Layout, Row, find_layout, header_as_seen, rows
from remediator.sources.timestamps import DateOrder, Timestamps, Undated

_JOB_WORDS = ("job", "auftrag", "tache", "trabajo", "trabalho", "tarea", "tarefa", "ジョブ")
_FIELD_SEPARATOR = re.compile(r"[;,|\s]+")


class SyncErrorsCsv:
    """Reads Sync Errors exports, whatever their delimiter, encoding, language and form of time.

    Adobe documents three columns (Failed On, Error Type, Error Details) and no form of the file, so the
    columns are found by the words of the header and the rest by looking.
    """

    name = "sync_errors_csv"

    def __init__(
        self,
        *,
        columns: Mapping[str, str] | None = None,
        timezone: str = "UTC",
        date_order: DateOrder = "auto",
        encoding: str | None = None,
        note: Note = log_note,
    ) -> None:
        """Set what cannot be found out by looking.

        Args:
            columns: ``{role: header text}``; roles are the keys of ``columns.ROLES``.
            timezone: zone of times that name none.
            date_order: order of day and month where a file does not decide it; auto refuses such rows.
            encoding: codec name; ``None`` finds it out.
            note: is told what had to be assumed.

        Raises:
            ConfigError: a setting is wrong.
        """
        check_roles(columns or {})
        Timestamps(zone=timezone, order=date_order)
        self._columns = dict(columns or {})
        self._timezone = timezone
        self._date_order = date_order
        self._encoding = encoding
        self._note = note

    def recognises(self, header: tuple[str, ...]) -> bool:
        """Say whether the header has a time and a message column that we know."""
        return len(header) > 1 and find_columns(header, self._columns) is not None

    def read(self, path: Path) -> Iterator[Reading]:
        """Yield every row as a failure or as rejected; see ``Source.read``."""
        layout = find_layout(path, self.recognises, self._encoding)
        if layout is None:
            raise ConfigError(
                f"{path}: no time and message column in the header"
                f" '{header_as_seen(path, self._encoding)}'; name them"
                ' in the setting sync_errors.columns, e.g. columns: {failed_on: "Date", message: "Error"}'
            )
        found = find_columns(layout.header, self._columns)
        assert found is not None, "the layout was found by this very question"
        times = Timestamps(zone=self._timezone, order=self._date_order)
        return self._read(path, layout, found, times)

    def _read(
        self, path: Path, layout: Layout, found: Mapping[str, int], times: Timestamps
    ) -> Iterator[Reading]:
        cut = _Cutter(found, times, path.name, self.name)
        width = len(layout.header)

        def starts_row(cells: list[str]) -> bool:
            return len(cells) == width and _is_dated(cut.time_text(cells), times)

        self._settle_order(partial(rows, path, layout, starts_row=starts_row, note=_silent), cut, times)
        for row in rows(path, layout, starts_row=starts_row, note=self._note):
            yield cut.failure(row)
        for count, what in (
            (times.twice, "come twice; the earlier is taken"),
            (times.skipped, "do not exist"),
        ):
            if count:
                self._note(
                    f"{path.name}: {count} different local times in {self._timezone}, where the clocks"
                    f" change, {what}; export with UTC times to be exact"
                )

    def _settle_order(self, every_row: Callable[[], Iterator[Row]], cut: _Cutter, times: Timestamps) -> None:
        """Read the file once more beforehand, only if the first time that can be cut needs it."""
        first = next((row for row in every_row() if row.problem is None), None)
        if first is not None and times.is_ambiguous(cut.time_text(first.cells)):
            times.settle_order(cut.time_text(row.cells) for row in every_row() if row.problem is None)
            if times.order != "auto":
                self._note(f"times are read as {times.order}, which the file as a whole decides")


class _Cutter:
    """Turns the cells of a row into a failure."""

    def __init__(self, found: Mapping[str, int], times: Timestamps, name: str, source: str) -> None:
        self._times = times
        self._name = name
        self._source = source
        self._at = found
        self._levels: dict[str, FailureLevel] = {}
        self._objects: dict[tuple[str, str | None], str | None] = {}

    def time_text(self, cells: list[str]) -> str:
        """Return the time as written, date and time of day together."""
        at = self._at.get("time")
        text = cells[self._at["failed_on"]]
        return text if at is None else f"{text} {cells[at]}"

    def failure(self, row: Row) -> Reading:
        """Return the row as a failure, or as rejected with the reason."""
        cells, at = row.cells, self._at
        if row.problem is not None:
            return Rejected(line=row.line, reason=row.problem, row=tuple(cells))
        try:
            failed_at = self._times.read(self.time_text(cells))
            marketo, salesforce = self._ids(cells)
            message = self._message(cells)
        except (Undated, ValueError) as exc:
            return Rejected(line=row.line, reason=str(exc), row=tuple(cells))
        return SyncFailure(
            failed_at=failed_at,
            message=message,
            source=self._source,
            level=self._level(cells),
            marketo_id=marketo,
            salesforce_id=salesforce,
            object=self._object(cells, salesforce),
            operation=(cells[at["operation"]].strip() or None) if "operation" in at else None,
            fields=_names(cells[at["fields"]]) if "fields" in at else (),
            origin=f"{self._name}:{row.line}",
        )

    def _ids(self, cells: list[str]) -> tuple[str | None, str | None]:
        at = self._at
        marketo = cells[at["marketo_id"]] if "marketo_id" in at else ""
        if "salesforce_id" in at:
            return identity.marketo_id(marketo), identity.salesforce_id(cells[at["salesforce_id"]])
        if identity.is_salesforce_id(marketo):
            # A file with a single column "Lead ID" may well mean Salesforce's.
            return None, identity.salesforce_id(marketo)
        return identity.marketo_id(marketo), None

    def _message(self, cells: list[str]) -> str:
        message = cells[self._at["message"]]
        code = cells[self._at["code"]].strip() if "code" in self._at else ""
        if code and code not in message:
            return f"{code}: {message}"
        if not message.strip():
            raise ValueError("the message is empty")
        return message

    def _level(self, cells: list[str]) -> FailureLevel:
        if "error_type" not in self._at:
            return FailureLevel.RECORD
        text = cells[self._at["error_type"]]
        level = self._levels.get(text)
        if level is None:
            is_job = any(word in fold(text) for word in map(fold, _JOB_WORDS))
            level = self._levels[text] = FailureLevel.JOB if is_job else FailureLevel.RECORD
        return level

    def _object(self, cells: list[str], salesforce: str | None) -> str | None:
        text = cells[self._at["object"]] if "object" in self._at else ""
        prefix = salesforce[:3] if salesforce else None
        if (text, prefix) not in self._objects:
            self._objects[text, prefix] = identity.object_name(text, prefix)
        return self._objects[text, prefix]


def _silent(text: str) -> None:
    """Take no note: the same file is read again, and says it then."""


def _is_dated(text: str, times: Timestamps) -> bool:
    """Say whether it is a time at all; one whose day and month could change places is."""
    if times.is_ambiguous(text):
        return True
    try:
        times.read(text)
    except Undated:
        return False
    return True


def _names(cell: str) -> tuple[str, ...]:
    return tuple(name for name in _FIELD_SEPARATOR.split(cell.strip()) if name)
