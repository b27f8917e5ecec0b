"""A field's value and a record as JSON carries them, and when two reads show the same value."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import TypeAlias

Value: TypeAlias = str | int | float | bool | None
"""A field's value as JSON carries it; ``None`` is an empty field."""

Record: TypeAlias = Mapping[str, Value]
"""One record as ``{field: value}``. A field that is absent was not read; an empty one is ``None``."""


def same_value(left: Value, right: Value) -> bool:
    """Say whether two reads show the same field value.

    Marketo stores an empty text as null, numbers come back as ``5`` or ``5.0``, and one moment as
    ``...T10:00:00Z`` or ``...T10:00:00.000+0000``. Other text is compared exactly, because an invisible
    character may be the very thing a fix removed.
    """
    if left in (None, "") and right in (None, ""):
        return True
    if isinstance(left, bool) or isinstance(right, bool):
        return str(left).lower() == str(right).lower()
    if isinstance(left, int | float) or isinstance(right, int | float):
        one, other = _number(left), _number(right)
        return one is not None and one == other
    if isinstance(left, str) and isinstance(right, str) and left != right:
        moment = _moment(left)
        return moment is not None and moment == _moment(right)
    return left == right


_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,3})?", re.ASCII)


_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d{1,6})?)?(Z|[+-]\d\d:?\d\d)", re.ASCII)


def _number(value: Value) -> Decimal | None:
    # Not float(): it takes "1_000" and "nan", and it merges large integers that differ.
    text = str(value)
    return Decimal(text) if _NUMBER.fullmatch(text) else None


def _moment(text: str) -> datetime | None:
    if not _MOMENT.fullmatch(text):
        return None
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None
