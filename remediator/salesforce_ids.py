"""Salesforce record ids: 15 characters that mind case, or 18 with a checksum that makes case not matter."""

from __future__ import annotations

import re

_SHAPE = re.compile(r"[A-Za-z0-9]{15}(?:[A-Za-z0-9]{3})?")
_CHECK = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"


def full_id(text: str) -> str | None:
    """Return the 18-character form of an id, ``None`` if the text is no id.

    A checksum that stands there already is taken as it is: some tools upper-case ids, and then it is the
    checksum that tells the case.
    """
    if not _SHAPE.fullmatch(text):
        return None
    if len(text) == 18:
        return text
    return text + "".join(_check_character(text[start : start + 5]) for start in (0, 5, 10))


def same_id(left: str, right: str) -> bool:
    """Say whether two ids, long or short, are of the same record; the case of a long one does not matter."""
    if len(left) == len(right) == 15:
        return left == right
    return folded(left) == folded(right)


def folded(text: str) -> str:
    """Return the form of an id in which all spellings of it are alike."""
    return (full_id(text) or text).upper()


def _check_character(part: str) -> str:
    return _CHECK[sum(1 << place for place, letter in enumerate(part) if "A" <= letter <= "Z")]
