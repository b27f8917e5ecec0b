"""Which source reads a file, what identifies the file, and where its bad rows go."""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import TextIO

from remediator.errors import ConfigError
from remediator.model import Rejected
from remediator.sources.base import Source
from remediator.sources.bulk_results_csv import BulkResultsCsv
from remediator.sources.sync_errors_csv import SyncErrorsCsv
from remediator.sources.textfile import find_layout, header_as_seen
from remediator.sources.timestamps import DateOrder
from remediator.spreadsheet import neutralise


@dataclass(frozen=True, slots=True, kw_only=True)
class FileOptions:
    """What the built-in file sources cannot find out by looking; see their classes.

    Attributes:
        columns: ``{role: header text}`` of a Sync Errors export, where its words are not known.
        timezone: zone of times that name none.
        date_order: order of day and month where a file does not decide it.
        encoding: codec name; ``None`` finds it out.
        object: Salesforce object of a bulk job; ``None`` goes by the prefix of each id.
    """

    columns: Mapping[str, str] = field(default_factory=dict)
    timezone: str = "UTC"
    date_order: DateOrder = "auto"
    encoding: str | None = None
    object: str | None = None


def file_sources(options: FileOptions | None = None) -> tuple[Source, ...]:
    """Return the built-in file sources; raises ``ConfigError`` for a wrong option."""
    options = options or FileOptions()
    return (
        BulkResultsCsv(object=options.object, encoding=options.encoding),
        SyncErrorsCsv(
            columns=options.columns,
            timezone=options.timezone,
            date_order=options.date_order,
            encoding=options.encoding,
        ),
    )


def open_source(
    path: Path, sources: Sequence[Source], *, encoding: str | None = None, name: str | None = None
) -> Source:
    """Return the first source that recognises the file's header.

    Args:
        sources: the built-in ones (``file_sources``), plugins' own in front.
        encoding: codec name; ``None`` finds it out.
        name: only the source of this name; ``None`` takes any.

    Raises:
        ConfigError: the file cannot be read, no source recognises it, or none has the name; nothing has been
            taken then.
    """
    asked = [source for source in sources if name in (None, source.name)]
    if not asked:
        known = ", ".join(source.name for source in sources)
        raise ConfigError(f"no source is called '{name}'; there are: {known}")
    for source in asked:
        if find_layout(path, source.recognises, encoding) is not None:
            return source
    raise ConfigError(
        f"{path}: the header '{header_as_seen(path, encoding)}' is none that is known; name its columns in"
        ' the setting sync_errors.columns, e.g. columns: {failed_on: "Date", message: "Error"} (a Sync Errors'
        " export needs a time and a message, a Salesforce bulk result sf__Id and sf__Error)"
    )


def file_digest(path: Path) -> str:
    """Return the SHA-256 of the file's bytes in hex: what makes it the same file under another name."""
    try:
        with path.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError as exc:
        raise ConfigError(
            f"{path}: cannot be read ({exc.strerror or exc}); check the path and its rights"
        ) from exc


class RejectsFile:
    """``errors.rejects.csv`` beside ``errors.csv``: line number, reason and the cells of every bad row.

    Written as the rows come, so that a million bad rows need no memory; made only when there is one. Cells
    are neutralised, since people open it in a spreadsheet.

    Attributes:
        path: where it stands.
        count: rows written so far.
    """

    def __init__(self, source: Path, folder: Path | None = None) -> None:
        """Choose the place: beside the source file, or in ``folder``."""
        self.path = (folder or source.parent) / f"{source.stem}.rejects.csv"
        self.count = 0
        self._stream: TextIO | None = None

    def add(self, rejected: Rejected) -> None:
        """Write one row."""
        if self._stream is None:
            try:
                # With a byte order mark, without which Excel takes UTF-8 for Windows-1252.
                self._stream = self.path.open("w", encoding="utf-8-sig", errors="replace", newline="")
            except OSError as exc:
                raise ConfigError(
                    f"{self.path}: cannot be written ({exc.strerror or exc}); rejected rows must not"
                    " get lost, so give a folder that can be written"
                ) from exc
            csv.writer(self._stream).writerow(("line", "reason", "row"))
        cells = [neutralise(cell) for cell in rejected.row]
        csv.writer(self._stream).writerow((rejected.line, neutralise(rejected.reason), *cells))
        self.count += 1

    def close(self) -> None:
        """Finish the file."""
        if self._stream is not None:
            self._stream.close()

    def __enter__(self) -> RejectsFile:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
