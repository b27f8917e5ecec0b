"""The bridge between ISO codes and the values that one org accepts.

An org may rename every country and state, and its state codes need not be ISO's (Salesforce ships its own
for China and Mexico), so an entry is recognised by its names first and by its code only where the names say
nothing. What is not one to one is not bridged. Source: Salesforce Help, "Configure State and
Country/Territory Picklists".
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from fixers.geo import Match, Refusal, country_name, find_country, find_subdivision
from fixers.geo_text import key_of
from remediator.api import (
    Candidate,
    Confidence,
    Declined,
    FieldDescription,
    FixRequest,
    PicklistEntry,
    Value,
)

_ENOUGH: Final = 5
"""Entries of a plain picklist that must be countries before it counts as a list of countries."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bridge:
    """Entries of one list by what they stand for.

    Attributes:
        by_iso: ``{ISO code: the one entry for it}``.
        by_name: ``{key of a value or label: the one entry for it}``.
        by_code: ``{the org's code in lower case: the one entry for it}``.
        shared: ISO codes for which the org has several entries.
    """

    by_iso: Mapping[str, PicklistEntry]
    by_name: Mapping[str, PicklistEntry]
    by_code: Mapping[str, PicklistEntry]
    shared: frozenset[str]


def _bridge(pairs: Iterable[tuple[str | None, PicklistEntry]]) -> Bridge:
    """Return the bridge of entries whose ISO codes are known, leaving out whatever is not one to one."""
    by_iso: dict[str, PicklistEntry] = {}
    by_name: dict[str, PicklistEntry] = {}
    by_code: dict[str, PicklistEntry] = {}
    twice: dict[int, set[str]] = {id(by_iso): set(), id(by_name): set(), id(by_code): set()}

    def add(into: dict[str, PicklistEntry], name: str | None, entry: PicklistEntry) -> None:
        if name and into.setdefault(name, entry).value != entry.value:
            twice[id(into)].add(name)

    for iso, entry in pairs:
        add(by_iso, iso, entry)
        add(by_name, key_of(entry.value), entry)
        add(by_name, key_of(entry.label), entry)
        add(by_code, (entry.code or "").lower(), entry)
    shared = frozenset(twice[id(by_iso)])
    for into in (by_iso, by_name, by_code):
        for name in twice[id(into)]:
            del into[name]
    return Bridge(by_iso=by_iso, by_name=by_name, by_code=by_code, shared=shared)


def _country_of(entry: PicklistEntry) -> str | None:
    """Return the country that an entry stands for: by its code, which is ISO's, else by its names."""
    if entry.code and len(entry.code) == 2:
        return entry.code.upper()
    found = {
        match.code
        for name in (entry.label, entry.value)
        if isinstance(match := find_country(name), Match) and match.confidence is not Confidence.WEAK
    }
    return found.pop() if len(found) == 1 else None


@lru_cache(maxsize=32)
def country_bridge(entries: tuple[PicklistEntry, ...]) -> Bridge:
    """Return the bridge of a list of countries; inactive entries are no targets."""
    return _bridge((_country_of(entry), entry) for entry in entries if entry.active)


@lru_cache(maxsize=512)
def state_bridge(entries: tuple[PicklistEntry, ...], country: str) -> Bridge:
    """Return the bridge of the states that the org has for one country (alpha-2)."""
    named: list[str | None] = []
    for entry in entries:
        found = {
            match.code
            for name in (entry.label, entry.value)
            if isinstance(match := find_subdivision(name, country), Match)
            and match.confidence is not Confidence.WEAK
        }
        named.append(found.pop() if len(found) == 1 else None)
    # The org's codes are believed where the names are silent, if they agree with the names everywhere else.
    agree = all(
        iso == f"{country}-{entry.code}"
        for iso, entry in zip(named, entries, strict=True)
        if iso is not None and entry.code
    )
    pairs = []
    for iso, entry in zip(named, entries, strict=True):
        if iso is None and agree and entry.code:
            match = find_subdivision(f"{country}-{entry.code}", country)
            iso = match.code if isinstance(match, Match) else None
        pairs.append((iso, entry))
    return _bridge(pairs)


def is_country_field(field: FieldDescription) -> bool:
    """Say whether a field holds countries: by its role, or because most of its many entries are countries."""
    if field.role is not None:
        return field.role == "country"
    if field.type in ("picklist", "combobox") and field.picklist:
        known = len(country_bridge(field.picklist).by_iso)
        return known >= _ENOUGH and known * 5 >= len(field.picklist) * 4
    return False


def accepted(field: FieldDescription, value: Value) -> PicklistEntry | None:
    """Return the active entry whose value is written exactly so."""
    return next((entry for entry in field.picklist if entry.active and entry.value == value), None)


def position(field: FieldDescription, entry: PicklistEntry) -> int:
    """Return where an entry stands in its field's list."""
    return next(i for i, other in enumerate(field.picklist) if other.value == entry.value)


def states_of(
    state: FieldDescription, country: FieldDescription, entry: PicklistEntry
) -> tuple[PicklistEntry, ...]:
    """Return the active states that the org has for one of its countries."""
    at = position(country, entry)
    return tuple(
        other
        for other in state.picklist
        if other.active and other.valid_for is not None and at in other.valid_for
    )


def field_of_role(role: str, request: FixRequest) -> FieldDescription | None:
    """Return the field with a role that belongs to the failing one.

    A state names its country as its controller; a country has the state that it controls. Without such a
    tie the only field of the role is taken, and none where an object has several addresses.
    """
    field = request.field
    if field.role == role:
        return field
    fields = [other for other in request.fields.values() if other.role == role and other.name != field.name]
    tied = [other for other in fields if field.controller == other.name or other.controller == field.name]
    if tied:
        return tied[0] if len(tied) == 1 else None
    return fields[0] if len(fields) == 1 else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """The entry of a list that a text means.

    Attributes:
        value: what is written: the org's integration value, or the English name where no list is known.
        iso: ISO code, ``None`` where the org's own entry has none.
        entry: ``None`` where no list is known.
    """

    value: str
    iso: str | None
    entry: PicklistEntry | None
    confidence: Confidence
    reason: str
    candidates: tuple[Candidate, ...] = ()


def choose_country(
    text: str, field: FieldDescription, confirmed: frozenset[str] = frozenset()
) -> Choice | Declined:
    """Return the entry of a country field that a text means."""
    found = find_country(text, confirmed=confirmed)
    if not field.picklist:
        if isinstance(found, Refusal):
            return Declined(found.reason, _countries(found, {}))
        name = country_name(found.code) or found.code
        return Choice(
            value=name, iso=found.code, entry=None, confidence=found.confidence, reason=found.reason,
            candidates=_countries(found, {}),
        )  # fmt: skip
    bridge = country_bridge(field.picklist)
    own = bridge.by_name.get(key_of(text))
    if own is not None:
        iso = next((iso for iso, entry in bridge.by_iso.items() if entry.value == own.value), None)
        reason = "it is the org's own name for it, apart from case, accents or dots"
        return Choice(value=own.value, iso=iso, entry=own, confidence=Confidence.EXACT, reason=reason)
    if isinstance(found, Refusal):
        return Declined(
            f"{found.reason}; pick a value of {field.label} by hand", _countries(found, bridge.by_iso)
        )
    target = bridge.by_iso.get(found.code)
    if target is None:
        many = "several values" if found.code in bridge.shared else "no active value"
        return Declined(
            f"{found.reason}, but {field.label} has {many} for {country_name(found.code)}; "
            "ask the Salesforce admin to settle which one to use"
        )
    return Choice(
        value=target.value, iso=found.code, entry=target, confidence=found.confidence, reason=found.reason,
        candidates=_countries(found, bridge.by_iso),
    )  # fmt: skip


def _countries(found: Match | Refusal, by_iso: Mapping[str, PicklistEntry]) -> tuple[Candidate, ...]:
    """Return what was found as values that may be written."""
    ranked = []
    for code, score in found.candidates:
        entry = by_iso.get(code)
        name = entry.value if entry is not None else country_name(code) if not by_iso else None
        if name is not None:
            ranked.append(Candidate(value=name, score=score))
    return tuple(ranked)


def choose_state(text: str, iso_country: str, entries: tuple[PicklistEntry, ...]) -> Choice | Declined:
    """Return the entry among a country's states that a text means."""
    bridge = state_bridge(entries, iso_country)
    found = find_subdivision(text, iso_country)
    meant = bridge.by_iso.get(found.code) if isinstance(found, Match) else None
    own = bridge.by_name.get(key_of(text)) or bridge.by_code.get(text.strip().lower())
    if own is not None:
        if (
            meant is not None
            and meant.value != own.value
            and key_of(text) not in (key_of(own.value), key_of(own.label))
        ):
            return Declined(
                f'the code is "{own.label}" in this org and "{meant.label}" in ISO 3166-2; pick one by hand',
                (Candidate(value=own.value, score=50.0), Candidate(value=meant.value, score=50.0)),
            )
        reason = "it is the org's own name or code for it, apart from case, accents or dots"
        return Choice(value=own.value, iso=None, entry=own, confidence=Confidence.EXACT, reason=reason)
    candidates = tuple(
        Candidate(value=bridge.by_iso[code].value, score=score)
        for code, score in found.candidates
        if code in bridge.by_iso
    )
    if isinstance(found, Refusal):
        return Declined(f"{found.reason}; pick a state by hand", candidates)
    if meant is None:
        many = "several states" if found.code in bridge.shared else "no active state"
        return Declined(
            f"{found.reason}, but the org has {many} for {found.code}; ask the Salesforce admin to settle it",
            candidates,
        )
    return Choice(
        value=meant.value, iso=found.code, entry=meant, confidence=found.confidence, reason=found.reason,
        candidates=candidates,
    )  # fmt: skip


def surest_below(*confidences: Confidence) -> Confidence:
    """Return the least of several confidences."""
    order = (Confidence.WEAK, Confidence.STRONG, Confidence.EXACT)
    return min(confidences, key=order.index)
