"""Month names in the languages of the CLDR that business data comes in."""

from __future__ import annotations

import re
from functools import cache

from babel import Locale

from fixers.cleaning import fold

_LANGUAGES = (
    *("bg", "ca", "cs", "da", "de", "el", "en", "es", "et", "fi", "fr", "ga", "hr", "hu", "id", "is", "it"),
    *("lt", "lv", "ms", "mt", "nb", "nl", "pl", "pt", "ro", "ru", "sk", "sl", "sr", "sv", "tr", "uk", "vi"),
)


def month_of(name: str) -> int | None:
    """Return the month (1 to 12) that a folded name means in every language that has it, else ``None``.

    "listopad" is October in Croatian and November in Czech and Polish: ``None``.
    """
    return _months().get(name)


@cache
def _months() -> dict[str, int]:
    names: dict[str, set[int]] = {}
    for language in _LANGUAGES:
        for context in Locale(language).months.values():
            for width in ("wide", "abbreviated"):
                for month, name in context.get(width, {}).items():
                    plain = re.sub(r"\.$", "", fold(name))
                    if len(plain) >= 3 and plain.isalpha():
                        names.setdefault(plain, set()).add(month)
    names["sept"] = {9}
    return {name: months.copy().pop() for name, months in names.items() if len(months) == 1}
