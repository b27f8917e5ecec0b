"""CSV for people with spreadsheets: no cell of ours may become a formula when it is opened."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TextIO

_FORMULA = frozenset("=+-@\t\r\n＝＋－＠")
_NUMBER = re.compile(r"[+-]?(?:\d[\d.,]*|[.,]\d+)(?:[eE][+-]?\d+)?%?")


def neutralise(cell: str) -> str:
    """Return the cell so that Excel, LibreOffice and Google Sheets show it as text.

    A cell that begins with ``= + - @``, a tab or a line end (also behind blanks, or full-width) gets a
    leading apostrophe, as OWASP's "CSV Injection" advises. Plain numbers such as ``-5`` stay numbers.
    """
    if not cell:
        return cell
    begins = cell[0] in _FORMULA or cell.lstrip()[:1] in _FORMULA
    return f"'{cell}" if begins and not _NUMBER.fullmatch(cell) else cell


def write_csv(target: Path | TextIO, header: Sequence[str], rows: Iterable[Sequence[object]]) -> int:
    """Write a table and return its number of rows; every text cell is neutralised, ``None`` is empty.

    A path gets UTF-8 with a byte order mark, without which Excel takes UTF-8 for Windows-1252.
    """
    if isinstance(target, Path):
        with target.open("w", encoding="utf-8-sig", errors="replace", newline="") as stream:
            return write_csv(stream, header, rows)
    writer = csv.writer(target)
    writer.writerow([neutralise(cell) for cell in header])
    count = 0
    for row in rows:
        count += 1
        writer.writerow([neutralise(cell) if isinstance(cell, str) else cell for cell in row])
    return count
