"""The value fixers as a stand-alone cleaner: one column, no system, no record."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache

from fixers.geo import country_code, country_name, find_country, find_subdivision, subdivision_name
from fixers.geo_match import Match, Refusal
from fixers.kinds import FIXER_OF_KIND, field_of_kind, repair_value
from remediator.api import Fixer
from remediator.errors import ConfigError
from remediator.fixing import Declined, Proposal

Repair = Callable[[str, str | None], dict[str, object]]
"""From a value and its row's country to ``{output, code, confidence, reason}``; no output = declined."""

_REMEMBERED = 100_000
"""Distinct values kept: columns repeat themselves."""


def repairer(kind: str, fixers: Mapping[str, Fixer], *, choices: tuple[str, ...]) -> Repair:
    """Return what repairs one kind of column.

    Raises:
        ConfigError: no such kind, or a picklist without its values.
    """
    if kind not in FIXER_OF_KIND:
        raise ConfigError(f"no kind of value '{kind}'; there are: {', '.join(sorted(FIXER_OF_KIND))}")
    if kind in ("picklist", "band") and not choices:
        raise ConfigError(f"repair {kind} needs the values that are allowed: --value A --value B ...")
    match kind:
        case "country":
            mend: Repair = _country
        case "state":
            mend = _state
        case _:
            mend = _by_fixer(kind, fixers, choices)
    return lru_cache(maxsize=_REMEMBERED)(mend)


def _country(text: str, _: str | None) -> dict[str, object]:
    found = find_country(text)
    return _place(found, country_name)


def _state(text: str, country: str | None) -> dict[str, object]:
    code = country_code(country) if country else None
    if country and code is None:
        return _declined(f"'{country}' is not recognised as a country, so the state cannot be either")
    return _place(find_subdivision(text, code), subdivision_name)


def _place(found: Match | Refusal, name: Callable[[str], str | None]) -> dict[str, object]:
    match found:
        case Match():
            return {
                "output": name(found.code) or found.code,
                "code": found.code,
                "confidence": found.confidence.value,
                "reason": found.reason,
            }
        case Refusal():
            return _declined(found.reason)


def _declined(reason: str) -> dict[str, object]:
    return {"output": None, "code": None, "confidence": None, "reason": reason}


def _by_fixer(kind: str, fixers: Mapping[str, Fixer], choices: tuple[str, ...]) -> Repair:
    name = FIXER_OF_KIND[kind]
    if name not in fixers:
        raise ConfigError(f"the fixer '{name}', which repairs {kind} values, did not load")
    fixer = fixers[name]
    field = field_of_kind(kind, choices=choices)

    def mend(text: str, country: str | None) -> dict[str, object]:
        match repair_value(fixer, text, field, country=country):
            case Proposal() as proposal:
                after = next((edit.after for edit in proposal.edits if edit.field == field.name), None)
                return {
                    "output": after,
                    "code": None,
                    "confidence": proposal.confidence.value,
                    "reason": proposal.reason,
                }
            case Declined() as declined:
                return _declined(declined.reason)

    return mend
