"""The subdivision half of ``benchmarks.geo_build``: every ISO 3166-2 unit under every known name."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterator
from typing import Any

import pycountry

from benchmarks.geo_sources import FOLDER, Claims, Translations, forms, hand, tier_of, translations
from fixers.geo_text import bare, words

_CODE_INSIDE = re.compile(r"\s[A-Z]{2}-[A-Z0-9]{1,3}$")


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
        if name := english.get(unit.code.replace("-", "").lower()):
            claim(name.replace("²", ""), unit.code, 0)
        for locale, catalogue in catalogues:
            if (translated := catalogue.gettext(unit.name)) != unit.name:
                for name in spellings(translated):
                    claim(name, unit.code, max(1, tier_of(locale)))
    for code, names in (hand("subdivisions").get(country) or {}).items():
        for name in names:
            claim(name, f"{country}-{code}", 0)
    return claims


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
    english = dict(
        line.split("\t")
        for line in (FOLDER / "cldr_subdivisions_en.tsv").read_text(encoding="utf-8").splitlines()
    )
    catalogues = list(translations("iso3166-2"))
    by_country: dict[str, list[Any]] = defaultdict(list)
    for unit in sorted(pycountry.subdivisions, key=lambda unit: unit.code):
        by_country[unit.country_code].append(unit)
    tables: dict[str, Any] = {}
    world: dict[str, set[str]] = defaultdict(set)
    widely: dict[str, str] = {}
    for country, units in by_country.items():
        claims = own_claims(country, units, english, catalogues)
        tops = frozenset(unit.code for unit in units if not unit.parent_code)
        mine: dict[str, str] = {}
        for code, names in (hand("subdivisions").get(country) or {}).items():
            for name in names:
                mine |= dict.fromkeys(forms(name), f"{country}-{code}")
        codes = {unit.code[3:].lower(): unit.code[3:] for unit in units}
        names: dict[str, str] = {}
        for form, claimed in claims.items():
            if form.isascii() and len(form) < 3 and form not in mine:
                continue
            if form.isascii() and len(form) == 3 and min(t for t, _ in claimed.values()) > 0:
                continue
            code = settle(claimed, tops, mine.get(form))
            names[form] = f"{code[3:]}|{min(claimed[code][0], 9)}" if code else "-|0"
            for claimant, (tier, _) in claimed.items():
                if tier % 4 <= 2:
                    world[form].add(claimant)
            if code and claimed[code][0] % 4 <= 2:
                widely[form] = code
        for name in hand("words")["not_units"].get(country, ()):
            names |= {form: "-|8" for form in forms(name) if form not in mine}
        tables[country] = {
            "titles": {u.code[3:]: english.get(u.code.replace("-", "").lower(), u.name) for u in units},
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
