"""Countries and their subdivisions out of messy text.

``country_code`` and ``subdivision_code`` are the short answers; ``find_country`` and ``find_subdivision``
say how sure they are and why. All are pure functions of their arguments and never raise on any text. The
tables are read from ``rules/geo`` on first use.
"""

from __future__ import annotations

from functools import lru_cache

from fixers.geo_country import find_country
from fixers.geo_match import Match, Refusal
from fixers.geo_subdivision import find_subdivision
from fixers.geo_tables import countries, units, units_exist
from fixers.geo_text import MAX_LENGTH

__all__ = [
    "Match",
    "Refusal",
    "country_code",
    "country_name",
    "find_country",
    "find_subdivision",
    "subdivision_code",
    "subdivision_name",
]


def country_code(text: str) -> str | None:
    """Return the ISO 3166-1 alpha-2 code of the country that a text names, or ``None``."""
    return _country_code(text) if len(text) <= MAX_LENGTH else None


def subdivision_code(text: str, country: str | None = None) -> str | None:
    """Return the ISO 3166-2 code of the subdivision that a text names, or ``None``.

    Args:
        text: what stands in the state field.
        country: alpha-2 code of the record's country; without it only a name or code that is one in the
        whole world
            is answered.
    """
    return _subdivision_code(text, country) if len(text) <= MAX_LENGTH else None


# Columns repeat a few values, so the answers are kept; longer texts are not, or they would fill the memory.
@lru_cache(maxsize=1 << 16)
def _country_code(text: str) -> str | None:
    found = find_country(text)
    return found.code if isinstance(found, Match) else None


@lru_cache(maxsize=1 << 16)
def _subdivision_code(text: str, country: str | None) -> str | None:
    found = find_subdivision(text, country)
    return found.code if isinstance(found, Match) else None


def country_name(code: str) -> str | None:
    """Return the English name of an ISO 3166-1 alpha-2 code."""
    return countries().titles.get(code)


def subdivision_name(code: str) -> str | None:
    """Return the English name of an ISO 3166-2 code."""
    country, _, tail = code.partition("-")
    return units(country).titles.get(tail) if units_exist(country) else None
