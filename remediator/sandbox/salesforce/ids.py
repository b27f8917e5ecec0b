"""Salesforce record ids: 15 characters that heed case, and 18 with a checksum."""

from __future__ import annotations

_DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_CHECK = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"


def with_checksum(short: str) -> str:
    """Return the 18-character form of a 15-character id."""
    tail = ""
    for begin in (0, 5, 10):
        bits = 0
        for position, character in enumerate(short[begin : begin + 5]):
            if "A" <= character <= "Z":
                bits |= 1 << position
        tail += _CHECK[bits]
    return short + tail


def make_id(prefix: str, number: int) -> str:
    """Return the id of the ``number``-th row of the object with this prefix."""
    digits = ""
    while number:
        number, rest = divmod(number, 62)
        digits = _DIGITS[rest] + digits
    return with_checksum(f"{prefix}5e000{digits:0>7}")


def full_id(given: object) -> str | None:
    """Return the 18-character form of whatever was given as an id, ``None`` when it cannot be one.

    A wrong checksum makes it malformed, as in Salesforce.
    """
    if not isinstance(given, str) or not given.isalnum() or not given.isascii():
        return None
    if len(given) == 15:
        return with_checksum(given)
    if len(given) == 18 and with_checksum(given[:15]).lower() == given.lower():
        return with_checksum(given[:15])
    return None
