"""What shows that a planned change is still as it was saved: no database keeps a checksum of one value."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

from remediator.store.columns import canonical, storable

_WORDS = (
    "id",
    "system",
    "object",
    "record_id",
    "field",
    "salesforce_field",
    "salesforce_object",
    "salesforce_id",
    "undoes",
)
_VALUES = ("before", "after")


def seal(row: Mapping[str, Any]) -> str:
    """Return the digest of all in a change that says what is written where; 32 hexadecimal digits.

    Against decay, not against people: who may write to the store may also write a seal.
    """
    words = [None if row[name] is None else storable(row[name]) for name in _WORDS]
    kept = canonical([*words, *(row[name] for name in _VALUES)])
    return hashlib.sha256(kept.encode()).hexdigest()[:32]
