"""The subdivision half of ``benchmarks.geo_build``: every ISO 3166-2 unit under every known name."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterator
from functools import cache
from typing import Any

import pycountry
from rapidfuzz import fuzz

from benchmarks.geo_sources import FOLDER, Claims, Translations, forms, hand, tier_of, translations
from fixers.geo_text import bare, key_of, words

_CODE_INSIDE = re.compile(r"\s[A-Z]{2}-[A-Z0-9]{1,3}$")


@cache
def kinds_of(country: str) -> frozenset[str]:
    """Return the words for a kind of unit that may be left out of a name in this country."""
    vocabulary = hand("words")
    kinds = set(vocabulary["units"]) | set(vocabulary["units_of"].get(country, ()))
    return frozenset(kinds - set(vocabulary["not_units_of"].get(country, ())))


def spellings(name: str) -> Iterator[str]:
    """Yield the ways ISO's own way of writing a name may be read.

    ``Illes Balears [Islas Baleares]`` and ``Elgeyo/Marakwet`` are two names, ``Madrid, Comunidad de`` is
    one turned round.
    """
    yield name
    opened = re.split(r"\s*[\[(]", name)
    if len(opened) > 1:
        yield opened[0]
        for inner in opened[1:]:
            inner = _CODE_INSIDE.sub("", inner.strip(" ])"))
            if (
                "partial" not in inner
                and len(inner) > 3
                and not inner.startswith(("Region", "EH", "Port", "Santo", "the"))
            ):
                yield inner
    if " / " in name:
        yield from name.split(" / ")
    if ", " in name:
        first, _, rest = name.partition(", ")
        yield f"{rest} {first}"


def own_claims(country: str, units: list[Any], english: dict[str, str], catalogues: Translations) -> Claims:
    """Return what every source calls every unit of one country, by key."""
    kinds = kinds_of(country)
    claims: Claims = defaultdict(dict)

    def claim(name: str, code: str, tier: int) -> None:
        for form in forms(name):
            best, count = claims[form].get(code, (9, 0))
            claims[form][code] = (min(best, tier), count + 1)
        without = bare(name, words(name), kinds)
        if without and without not in forms(name):
            # A name without its kind is a second choice: "Rhône" before "Métropole de Rhône".
            best, count = claims[without].get(code, (9, 0))
            claims[without][code] = (min(best, tier + 4), count + 1)

    for unit in units:
        for name in spellings(unit.name):
            claim(name, unit.code, 0)
        if country == "JP":
            # Typing errors in "Okayama-ken" need the whole name to be near to.
            claim(f"{unit.name} ken", unit.code, 0)
        if title := english.get(unit.code.replace("-", "").lower()):
            claim(title.replace("²", ""), unit.code, 0)
        for locale, catalogue in catalogues:
            if (translated := catalogue.gettext(unit.name)) != unit.name:
                for name in spellings(translated):
                    claim(name, unit.code, max(1, tier_of(locale)))
    for code, names in (hand("subdivisions").get(country) or {}).items():
        for name in names:
            claim(name, f"{country}-{code}", 0)
    return claims


def official_keys(units: list[Any]) -> dict[str, str]:
    """Return ``{key of ISO's own name: code}`` for names that one unit of the country has alone."""
    owners: dict[str, set[str]] = defaultdict(set)
    for unit in units:
        owners[key_of(unit.name)].add(unit.code)
    return {form: next(iter(codes)) for form, codes in owners.items() if len(codes) == 1}


def trusted(units: list[Any], english: dict[str, str]) -> dict[str, str]:
    """Return CLDR's names of one country's units, without those that ISO has since given to other codes.

    Iran and Kazakhstan, for example, renumbered their provinces after CLDR took the codes.
    """
    official = official_keys(units)
    bare_names = {unit.code: key_of(unit.name) for unit in units}
    kept: dict[str, str] = {}
    clashes = 0
    for unit in units:
        name = english.get(unit.code.replace("-", "").lower())
        if name is None:
            continue
        owner = official.get(key_of(name))
        if owner is not None and owner != unit.code and unit.parent_code != owner:
            clashes += 1
        else:
            kept[unit.code.replace("-", "").lower()] = name
    if clashes < 3:
        return kept
    own = {code.replace("-", "").lower(): form for code, form in bare_names.items()}
    return {code: name for code, name in kept.items() if fuzz.partial_ratio(key_of(name), own[code]) >= 70}


def settle(claimed: dict[str, tuple[int, int]], tops: frozenset[str], mine: str | None) -> str | None:
    """Return the unit that a contested key stands for, or ``None``; a unit before the units inside it."""
    if mine:
        return mine
    best = min(tier for tier, _ in claimed.values())
    ranked = [code for code, (tier, _) in claimed.items() if tier == best]
    if len(ranked) == 1:
        return ranked[0]
    outer = [code for code in ranked if code in tops]
    if len(outer) == 1:
        return outer[0]
    counts = Counter({code: claimed[code][1] for code in ranked}).most_common(2)
    return counts[0][0] if best in (2, 3) and counts[0][1] >= 3 * counts[1][1] else None


def build_subdivisions() -> tuple[dict[str, Any], dict[str, str]]:
    """Return ``({country: its table}, {key: unit that bears it alone in the world})``."""
    english = cldr_names()
    catalogues = list(translations("iso3166-2"))
    by_country: dict[str, list[Any]] = defaultdict(list)
    for unit in sorted(pycountry.subdivisions, key=lambda unit: unit.code):
        by_country[unit.country_code].append(unit)
    tables: dict[str, Any] = {}
    world: dict[str, set[str]] = defaultdict(set)
    widely: dict[str, str] = {}
    for country, units in by_country.items():
        known = trusted(units, english)
        claims = own_claims(country, units, known, catalogues)
        for form, claimed in claims.items():
            world[form] |= {code for code, (tier, _) in claimed.items() if tier % 4 <= 2}
        tops = frozenset(unit.code for unit in units if not unit.parent_code)
        mine: dict[str, str] = {}
        for code, written in (hand("subdivisions").get(country) or {}).items():
            for name in written:
                mine |= dict.fromkeys(forms(name), f"{country}-{code}")
        codes = {unit.code[3:].lower(): unit.code[3:] for unit in units}
        official = official_keys(units)
        names: dict[str, str] = {}
        for form, claimed in claims.items():
            if form.isascii() and len(form) < 3 and form not in mine and form not in official:
                continue
            if form.isascii() and len(form) == 3 and min(t for t, _ in claimed.values()) > 0:
                continue
            code = settle(claimed, tops, mine.get(form) or official.get(form))
            if code is None:
                names[form] = "-|0"
                continue
            tier = claimed[code][0]
            rivals = [other for other, (best, _) in claimed.items() if best == tier and other != code]
            # A name that a unit shares with the one around it is a strong answer, not an exact one.
            names[form] = (
                f"{code[3:]}|{tier + 4 if rivals and tier < 4 and form not in mine else min(tier, 7)}"
            )
            if tier % 4 <= 2:
                widely[form] = code
        for name in hand("words")["not_units"].get(country, ()):
            names |= {form: "-|8" for form in forms(name) if form not in mine}
        tables[country] = {
            "titles": {u.code[3:]: known.get(u.code.replace("-", "").lower(), u.name) for u in units},
            "codes": codes,
            "names": dict(sorted(names.items())),
            "parents": {u.code[3:]: u.parent_code[3:] for u in units if u.parent_code},
            "kinds": sorted(kinds_of(country) - set(hand("words")["units"])),
            "not_kinds": sorted(hand("words")["not_units_of"].get(country, ())),
        }
    alone = {}
    for form, claimants in sorted(world.items()):
        if form.isascii() and len(form) < 4:
            continue
        lone = len({code[:2] for code in claimants}) == 1
        alone[form] = widely.get(form, "-") if lone else "-"
    for name in hand("words")["everywhere"]:
        alone |= dict.fromkeys(forms(name), "-")
    return tables, alone


def official_unit_keys() -> list[str]:
    """Return the keys of every name that ISO or CLDR gives a subdivision, with and without its kind."""
    keys: set[str] = set()
    for unit in pycountry.subdivisions:
        for name in (*spellings(unit.name), cldr_names().get(unit.code.replace("-", "").lower(), unit.name)):
            keys |= {key_of(name), bare(name, words(name), kinds_of(unit.country_code))}
    return sorted(keys - {""})


@cache
def cldr_names() -> dict[str, str]:
    """Return CLDR's English names, ``{"usca": "California"}``."""
    text = (FOLDER / "cldr_subdivisions_en.tsv").read_text(encoding="utf-8")
    return dict(line.split("\t") for line in text.splitlines())
