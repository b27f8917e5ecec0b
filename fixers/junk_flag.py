"""Marks records that are obviously junk, so that a sync filter can keep them out."""

from __future__ import annotations

import re

from fixers.acceptance import refusal
from fixers.cleaning import fold, one_line
from fixers.placeholders import PLACEHOLDERS, is_junk_address
from remediator.api import Category, Confidence, Declined, Edit, FixRequest, Proposal, Value

_NAMES = ("FirstName", "LastName", "Company", "Title", "City")
_KEYBOARD = ("qwertyuiop", "asdfghjkl", "zxcvbnm", "qwertz", "azerty", "1234567890", "abcdefgh")


class JunkFlagFixer:
    """Sets the field that a custom sync filter looks at, on records with two signs of junk or more.

    Options: ``flag_field``: API name of that field; ``flag_value``: what marks junk (default true). Always
    weak: whether a person is junk is for a person to say.
    """

    name = "junk-flag"
    categories = frozenset({Category.BAD_DATA, Category.INVALID_PICKLIST, Category.MISSING_REQUIRED})

    def propose(self, request: FixRequest) -> Proposal | Declined:
        """Return the flag as a weak proposal; decline records that look real or cannot be flagged."""
        name = request.options.get("flag_field")
        flag = (
            {**request.fields, request.field.name: request.field}.get(name) if isinstance(name, str) else None
        )
        if flag is None:
            return Declined(
                "the option flag_field names no field of this object; set it to the sync filter's field"
            )
        signs = _signs(request)
        if len(signs) < 2:
            return Declined("the record does not look like junk; repair it instead", passing=True)
        wanted = request.options.get("flag_value", True)
        marked: Value = wanted if isinstance(wanted, str | int | float | bool) else True
        if request.record.get(flag.name) == marked:
            return Declined("the record is already flagged as junk", passing=True)
        refused = refusal(flag, marked, request.record, request.fields)
        if refused:
            return Declined(f"the option flag_value does not fit: {refused}; correct it")
        reason = f"it looks like junk: {'; '.join(signs[:4])}; a person must confirm"
        return Proposal(
            edits=(Edit(field=flag.name, after=marked),), confidence=Confidence.WEAK, reason=reason
        )


FIXER = JunkFlagFixer()


def _signs(request: FixRequest) -> list[str]:
    signs = []
    email = request.record.get("Email")
    if isinstance(email, str) and is_junk_address(one_line(email[:300])):
        signs.append("the e-mail address is made up")
    seen: set[str] = set()
    for name in _NAMES:
        value = request.record.get(name)
        if not isinstance(value, str) or not value.strip():
            continue
        word = fold(value[:200])
        if word in PLACEHOLDERS or _is_mashed(word):
            signs.append(f"{name} is filler")
        elif word in seen and len(word) > 2 and name == "Company":
            signs.append("Company repeats the name")
        seen.add(word)
    return signs


def _is_mashed(word: str) -> bool:
    """Say whether a word is keyboard mashing: one letter or group repeated, or a row of keys."""
    if len(word) < 4 or " " in word:
        return False
    one_letter = len(set(word)) == 1
    a_row = any(word in row or word in row[::-1] for row in _KEYBOARD)
    return one_letter or a_row or (re.fullmatch(r"([a-z]{2,4})\1+", word) is not None and len(word) >= 6)
