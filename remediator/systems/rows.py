"""What both clients do alike with the records they read and write."""

from __future__ import annotations

import json
from collections.abc import Sequence

from remediator.systems.base import RecordWrite
from remediator.values import Value


def check_rows(rows: Sequence[RecordWrite], write_size: int) -> None:
    """Raise ``ValueError`` for a batch that is too big, names a record twice, or sets nothing."""
    if len(rows) > write_size:
        raise ValueError(f"{len(rows)} records in one write; at most {write_size} go in one call")
    ids = [row.record_id for row in rows]
    if len(set(ids)) != len(ids):
        raise ValueError("a record stands twice in one write; put all its changes into one row")
    if any(not row.values for row in rows):
        raise ValueError("a row without values; leave it out")


def json_value(value: object) -> Value:
    """Return a field's value as it came; an object or list (a compound address) as its JSON text."""
    if value is None or isinstance(value, str | int | float | bool):
        return value
    return json.dumps(value, ensure_ascii=False, sort_keys=True)
