"""Text files as people really send them, as rows of cells in bounded memory.

Finds encoding and delimiter, survives bytes that do not decode, rows that never end and quotes that are never
closed. Every line of the file comes out in some row; a row that cannot be trusted carries the reason.
"""

from __future__ import annotations

import codecs
import csv
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from remediator.errors import ConfigError
from remediator.sources.base import Note

DELIMITERS = (",", ";", "\t", "|")
MAX_ROW_CHARS = 1 << 20
"""Longest row that is taken in. Salesforce's longest text field holds 131,072 characters."""
MAX_ROW_LINES = 5_000
_SAMPLE_BYTES = 1 << 16
_HEADER_LINES = 10
_BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),  # before UTF-16, whose mark is its beginning
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_NOT_TEXT = {
    b"PK\x03\x04": "a ZIP archive or an Excel workbook (.xlsx)",
    b"\xd0\xcf\x11\xe0": "an old Excel workbook (.xls)",
    b"\x1f\x8b": "gzip-compressed",
    b"%PDF": "a PDF",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """How a file is written.

    Attributes:
        header: the cells of its header row, outer blanks removed.
        skipped: lines above the header row (``sep=;``, a title) that hold no data.
        header_lines: lines that the header row itself takes.
    """

    encoding: str
    delimiter: str
    header: tuple[str, ...]
    skipped: int = 0
    header_lines: int = 1


@dataclass(frozen=True, slots=True)
class Row:
    """One row; ``problem`` says why its cells must not be trusted, ``None`` if they may."""

    line: int
    cells: list[str]
    problem: str | None = None


def find_layout(
    path: Path, recognises: Callable[[tuple[str, ...]], bool], encoding: str | None
) -> Layout | None:
    """Return how the file is written, or ``None`` when no row near its top is a header that is recognised.

    Raises ``ConfigError`` when the file cannot be opened, is empty or is not text.
    """
    encoding = encoding or find_encoding(path)
    with open_text(path, encoding) as stream:
        top = [repaired(stream.readline(MAX_ROW_CHARS)) for _ in range(_HEADER_LINES)]
    for skipped, line in enumerate(top):
        for delimiter in DELIMITERS:
            cells = _one_row(top[skipped:], delimiter)
            if cells and recognises(tuple(cells[0])):
                return Layout(
                    encoding=encoding,
                    delimiter=delimiter,
                    header=tuple(cells[0]),
                    skipped=skipped,
                    header_lines=cells[1],
                )
        if not line:
            break
    return None


def header_as_seen(path: Path, encoding: str | None) -> str:
    """Return the file's first line with words, shortened, for an error message."""
    with open_text(path, encoding or find_encoding(path)) as stream:
        for _ in range(_HEADER_LINES):
            line = repaired(stream.readline(MAX_ROW_CHARS)).strip()
            if line and not line.lower().startswith("sep="):
                return line if len(line) <= 200 else line[:200] + "..."
    return ""


def find_encoding(path: Path) -> str:
    """Return the codec name for the file; plain UTF-8 where nothing says otherwise."""
    try:
        with path.open("rb") as stream:
            sample = stream.read(_SAMPLE_BYTES)
    except OSError as exc:
        raise ConfigError(
            f"{path}: cannot be read ({exc.strerror or exc}); check the path and its rights"
        ) from exc
    if not sample.strip(b"\x00\r\n\t "):
        raise ConfigError(
            f"{path}: is empty; export it again (a Sync Errors export has at least its header row)"
        )
    for magic, what in _NOT_TEXT.items():
        if sample.startswith(magic):
            raise ConfigError(
                f"{path}: is {what}, not a text file; save it as CSV (UTF-8) and pass that file"
            )
    for mark, name in _BOMS:
        if sample.startswith(mark):
            return name
    # Text in Latin script, written as UTF-16 without its mark, has a zero in every other byte.
    even, odd = sample[0::2].count(0), sample[1::2].count(0)
    if max(even, odd) * 5 > len(sample):
        return "utf-16-be" if even > odd else "utf-16-le"
    return "utf-8"


@contextmanager
def open_text(path: Path, encoding: str) -> Iterator[TextIO]:
    """Open for reading with every byte kept: what does not decode is carried along, not dropped."""
    try:
        errors = "surrogateescape" if encoding.startswith(("utf-8", "ascii")) else "replace"
        with path.open(encoding=encoding, errors=errors, newline="") as stream:
            yield stream
    except LookupError as exc:
        raise ConfigError(
            f"{path}: unknown encoding '{encoding}'; use a name such as utf-8 or cp1252"
        ) from exc
    except OSError as exc:
        raise ConfigError(
            f"{path}: cannot be read ({exc.strerror or exc}); check the path and its rights"
        ) from exc


def rows(path: Path, layout: Layout, *, starts_row: Callable[[list[str]], bool], note: Note) -> Iterator[Row]:
    """Yield the rows below the header; blank ones are left out.

    Args:
        starts_row: says whether a line, read on its own, would be a whole row. It unmasks a quote that was
            opened and not closed and so has swallowed the rows below it.
    """
    # A process-wide setting; it is only ever raised, so it cannot break another reader.
    csv.field_size_limit(max(csv.field_size_limit(), 2 * MAX_ROW_CHARS))
    with open_text(path, layout.encoding) as stream:
        lines = _Lines(stream, path.name, note)
        for _ in range(layout.skipped + layout.header_lines):
            next(lines, None)
        yield from _rows(lines, layout, starts_row)


def _rows(lines: _Lines, layout: Layout, starts_row: Callable[[list[str]], bool]) -> Iterator[Row]:
    width, delimiter = len(layout.header), layout.delimiter
    reader = csv.reader(lines, delimiter=delimiter)
    while True:
        first = lines.start()
        try:
            cells = next(reader)
        except StopIteration:
            return
        except _TooLong as exc:
            yield Row(first, [lines.give_back()], str(exc))
            continue
        except csv.Error as exc:
            yield Row(first, [lines.give_back()], f"the line is not valid CSV ({exc})")
            continue
        if len(cells) > width and not any(cells[width:]):
            del cells[width:]
        held = lines.held
        if len(held) > 1 and (
            # Each line on its own: read together, a second stray quote could hide a row from this look.
            len(cells) != width
            or any(starts_row(next(csv.reader([line], delimiter=delimiter))) for line in held[1:])
        ):
            problem = "a quote that opens on this line is not closed before the next row begins"
            yield Row(first, [lines.give_back()], problem)
        elif len(cells) == width:
            if any(cells):
                yield Row(first, cells)
        elif any(cell.strip() for cell in cells):
            yield Row(first, cells, f"the row has {len(cells)} cells where the header has {width}")


def _one_row(lines: list[str], delimiter: str) -> tuple[list[str], int] | None:
    """Return the first row of these lines and how many lines it takes."""
    reader = csv.reader(lines, delimiter=delimiter)
    try:
        cells = next(reader)
    except (StopIteration, csv.Error):
        return None
    return [cell.strip().strip("\ufeff") for cell in cells], reader.line_num


class _TooLong(Exception):
    """The row has outgrown the bound; the text says which."""


class _Lines:
    """Hands the physical lines to ``csv.reader`` and remembers those of the row in hand for a second look."""

    def __init__(self, stream: TextIO, name: str, note: Note) -> None:
        self.held: list[str] = []
        self._stream = stream
        self._name = name
        self._note = note
        self._again: deque[str] = deque()
        self._handed = 0
        self._chars = 0
        self._noted = False

    def __iter__(self) -> _Lines:
        return self

    def __next__(self) -> str:
        line = self._again.popleft() if self._again else self._read()
        self._handed += 1
        self.held.append(line)
        self._chars += len(line)
        if len(self.held) > MAX_ROW_LINES:
            raise _TooLong(f"a quote that opens on this line is not closed within {MAX_ROW_LINES:,} lines")
        if self._chars > MAX_ROW_CHARS:
            raise _TooLong(
                f"the row is longer than {MAX_ROW_CHARS:,} characters"
                + (", or a quote that opens on its first line is never closed" if len(self.held) > 1 else "")
            )
        return line

    def start(self) -> int:
        """Begin a new row and return the number of its first line."""
        self.held.clear()
        self._chars = 0
        return self._handed + 1

    def give_back(self) -> str:
        """Return the first line of the row in hand; the others will be read again as rows of their own."""
        first, *rest = self.held
        self._again.extendleft(reversed(rest))
        self._handed -= len(rest)
        return first.rstrip("\r\n")

    def _read(self) -> str:
        line = self._stream.readline(MAX_ROW_CHARS + 1)
        if not line:
            raise StopIteration
        if len(line) > MAX_ROW_CHARS and not line.endswith(("\n", "\r")):
            self._skip_rest_of_line()
        whole = repaired(line)
        if whole is not line and not self._noted:
            self._noted = True
            self._note(
                f"{self._name}, line {self._handed + 1}: not valid UTF-8; such bytes are read as Windows-1252"
            )
        return whole.replace("\0", "\ufffd") if "\0" in whole else whole

    def _skip_rest_of_line(self) -> None:
        """Pass over the rest of a line too long to keep; its beginning goes to the rejects."""
        while (part := self._stream.readline(MAX_ROW_CHARS)) and not part.endswith(("\n", "\r")):
            pass


def repaired(line: str) -> str:
    """Read bytes that are not UTF-8 as Windows-1252, the usual stray; the same line if it has none."""
    if line.isascii():
        return line
    try:
        line.encode()
    except UnicodeEncodeError:
        return "".join(
            bytes((ord(char) - 0xDC00,)).decode("cp1252", "replace") if "\udc80" <= char <= "\udcff" else char
            for char in line
        )
    return line
