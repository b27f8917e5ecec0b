"""The org's rows, the indexes over them, and a journal that can take changes back."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any

from remediator.sandbox.salesforce.ids import make_id
from remediator.sandbox.salesforce.metadata import ObjectType

Row = dict[str, Any]
_INDEXED = {"Lead": ("Email",), "Contact": ("Email", "AccountId"), "CampaignMember": ("CampaignId",)}


class Table:
    """All rows of one object, deleted ones too, oldest first.

    Attributes:
        rows: ``{18-character id: {field: value}}``; a field without a value may be absent.
    """

    def __init__(self, kind: ObjectType) -> None:
        self.rows: dict[str, Row] = {}
        self._prefix = kind.prefix
        self._next = 1
        self._touched: list[tuple[datetime, str]] = []
        unique = tuple(name for name, field in kind.fields.items() if field.unique)
        self._indexes: dict[str, dict[str, dict[str, None]]] = {
            name: {} for name in (*_INDEXED.get(kind.name, ()), *unique)
        }

    def new_id(self) -> str:
        """Return an id that was never used."""
        self._next += 1
        return make_id(self._prefix, self._next)

    def find(self, field: str, value: Any) -> list[str]:
        """Return the ids of rows, deleted ones too, that hold ``value`` in an indexed field, in any case."""
        return list(self._indexes[field].get(str(value).lower(), ()))

    def put(self, record_id: str, changes: Mapping[str, Any], at: datetime) -> Callable[[], None]:
        """Write fields into a new or stored row and return what takes it back."""
        row = self.rows.get(record_id)
        is_new = row is None
        if row is None:
            row = self.rows[record_id] = {}
        before = {name: row.get(name) for name in changes}
        self._write(record_id, row, changes)
        self._touched.append((at, record_id))
        length = len(self._touched) - 1

        def undo() -> None:
            self._write(record_id, row, before)
            if is_new:
                del self.rows[record_id]
            del self._touched[length:]

        return undo

    def touched_since(self, moment: datetime) -> Iterator[str]:
        """Yield the ids of rows written after ``moment``, each once, in the order of their last write."""
        begin = bisect_right(self._touched, moment, key=lambda entry: entry[0])
        last = {record_id: position for position, (_, record_id) in enumerate(self._touched[begin:])}
        yield from sorted(last, key=last.__getitem__)

    def _write(self, record_id: str, row: Row, changes: Mapping[str, Any]) -> None:
        for name, index in self._indexes.items():
            if name not in changes or changes[name] == row.get(name):
                continue
            if row.get(name) is not None:
                index.get(str(row[name]).lower(), {}).pop(record_id, None)
            if changes[name] is not None:
                index.setdefault(str(changes[name]).lower(), {})[record_id] = None
        row.update(changes)


def live(rows: Iterable[Row]) -> Iterator[Row]:
    """Yield the rows that are not deleted."""
    return (row for row in rows if not row.get("IsDeleted"))
