"""The name tables under ``rules/geo``, read when they are first needed."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

from fixers.geo_text import key_of, sound
from fixers.geo_typos import TypoIndex

FOLDER: Final = Path(__file__).parent.parent / "rules" / "geo"


@dataclass(frozen=True, slots=True, kw_only=True)
class Countries:
    """What is known about country names. Keys as ``fixers.geo_text.key`` makes them.

    Attributes:
        titles: ``{alpha-2: English name}``.
        names: ``{key: alpha-2 and tier}``, e.g. ``{"espagne": "ES1"}``; tier 0 = English, 1 and 2 = widely
            used languages, 3 = the others, 5 = as often a town or a person as the country.
        bags: ``{words in alphabetical order: alpha-2}``.
        codes: ``{lower-case ISO, numeric or sports code: alpha-2}``.
        iso: the alpha-3 codes among them, in lower case.
        blocked: ``{key: why it is no country}``.
        turns: words that turn the meaning of a country beside them (*except*, *not*).
        adjectives: words that make another place of the country after them (*New* Mexico).
        people: keys of countries that are also first or last names.
        parents: ``{territory: the state it belongs to}``.
    """

    titles: Mapping[str, str]
    names: Mapping[str, str]
    bags: Mapping[str, str]
    codes: Mapping[str, str]
    iso: frozenset[str]
    blocked: Mapping[str, str]
    turns: frozenset[str]
    adjectives: frozenset[str]
    people: frozenset[str]
    parents: Mapping[str, str]


@cache
def countries() -> Countries:
    """Return the country table."""
    read = json.loads((FOLDER / "countries.json").read_text(encoding="utf-8"))
    return Countries(
        titles=read["titles"],
        names=read["names"],
        bags=read["bags"],
        codes=read["codes"],
        iso=frozenset(read["iso"]),
        blocked=read["blocked"],
        turns=frozenset(read["turns"]),
        adjectives=frozenset(read["adjectives"]),
        people=frozenset(read["people"]),
        parents=read["parents"],
    )


@cache
def country_typos() -> tuple[TypoIndex, Mapping[str, str]]:
    """Return the index of names that tolerate typing errors, and what each stands for.

    ``-9`` stands for an ordinary word, ``-8`` for a name that is refused as such.
    """
    table = countries()
    meant = {
        key: "-8" if why in ("shared", "region", "dissolved") else "-9"
        for key, why in table.blocked.items()
        if len(key) > 3 and why not in ("contested", "far region")
    }
    meant |= {key: value for key, value in table.names.items() if value[2] in "015" and len(key) > 3}
    return TypoIndex(meant), meant


@cache
def country_sounds() -> Mapping[str, str]:
    """Return ``{sound of a name: alpha-2}``; ``-`` = the sound of several countries."""
    sounds: dict[str, str] = {}
    _, meant = country_typos()
    for key, code in meant.items():
        if len(key) < 5:
            continue
        heard, code = sound(key), code.rstrip("0123456789")
        if sounds.setdefault(heard, code) != code:
            sounds[heard] = "-"
    return sounds


@dataclass(frozen=True, slots=True, kw_only=True)
class Units:
    """What is known about the subdivisions of one country; codes are the tails of ISO 3166-2 codes (``CA``).

    Attributes:
        titles: ``{code: English name}``.
        codes: ``{lower-case code: code}``.
        names: ``{key: code|tier}``; ``-`` for a code = several bear the name; tiers as for countries, plus 4
            when the word for the unit's kind is left out, and 8 for a known name that is no unit.
        parents: ``{code: code of the unit around it}``.
        kinds: words for a kind of unit that may be left out.
    """

    country: str
    titles: Mapping[str, str]
    codes: Mapping[str, str]
    names: Mapping[str, str]
    parents: Mapping[str, str]
    kinds: frozenset[str]

    def full(self, tail: str) -> str:
        """Return the ISO 3166-2 code."""
        return f"{self.country}-{tail}"

    def typos(self) -> TypoIndex:
        """Return the index of the names that tolerate typing errors."""
        return _typos(self.country)

    def sounds(self) -> Mapping[str, str]:
        """Return ``{sound of a name: code}`` (``-`` = several)."""
        return _sounds(self.country)

    def sound_typos(self) -> TypoIndex:
        """Return the index of the sounds."""
        return _sound_typos(self.country)


@cache
def _lines() -> Mapping[str, str]:
    """Return ``{country: its table, not yet parsed}``."""
    text = (FOLDER / "subdivisions.tsv").read_text(encoding="utf-8")
    return {line[:2]: line[3:] for line in text.splitlines()}


@cache
def _world() -> Mapping[str, object]:
    """Return what holds for all countries together."""
    read: Mapping[str, object] = json.loads((FOLDER / "world.json").read_text(encoding="utf-8"))
    return read


def world_names() -> Mapping[str, str]:
    """Return ``{key: the one unit of the world with this name}``; ``-`` = units of several countries."""
    names = _world()["names"]
    assert isinstance(names, dict)
    return names


def units_exist(country: str) -> bool:
    """Say whether ISO 3166-2 divides a country."""
    return country in _lines()


@cache
def units(country: str) -> Units:
    """Return the table of one country that ``units_exist`` for."""
    read = json.loads(_lines()[country])
    kinds = _world()["kinds"]
    assert isinstance(kinds, list)
    return Units(
        country=country,
        titles=read["titles"],
        codes=read["codes"],
        names=read["names"],
        parents=read["parents"],
        kinds=(frozenset(kinds) | frozenset(read["kinds"])) - frozenset(read["not_kinds"]),
    )


@cache
def _typos(country: str) -> TypoIndex:
    table = units(country)
    whole = _one_word_titles(table)
    return TypoIndex(
        key
        for key, value in table.names.items()
        if len(key) > 3 and value.rpartition("|")[2] in "01458" and not _is_cut(key, value, whole)
    )


def _one_word_titles(table: Units) -> Mapping[str, str]:
    return {tail: key_of(title) for tail, title in table.titles.items() if title.isalpha()}


def _is_cut(key: str, value: str, whole: Mapping[str, str]) -> bool:
    """Say whether a key is the beginning of its unit's name: who shortens a name makes no slip in it.

    "Conn" and "Color" are known, but "Context" and "Collar" are words of their own.
    """
    full = whole.get(value.partition("|")[0], "")
    return len(key) < len(full) - 1 and full.startswith(key)


@cache
def kind_typos() -> TypoIndex:
    """Return the index of the long words for a kind of unit, so that a misspelt one can be left out too."""
    kinds = _world()["kinds"]
    assert isinstance(kinds, list)
    return TypoIndex(kind for kind in kinds if len(kind) > 6)


@cache
def _sounds(country: str) -> Mapping[str, str]:
    sounds: dict[str, str] = {}
    whole = _one_word_titles(units(country))
    for key, value in units(country).names.items():
        tail, _, tier = value.partition("|")
        if tier in "01" and len(key) > 4 and not _is_cut(key, value, whole):
            heard = sound(key)
            if sounds.setdefault(heard, tail) != tail:
                sounds[heard] = "-"
    return sounds


@cache
def _sound_typos(country: str) -> TypoIndex:
    return TypoIndex(_sounds(country))
