"""Builds the tables under ``rules/geo`` that ``fixers.geo`` looks names up in.

Run ``python -m benchmarks.geo_build`` after a change to the YAML files there or to pycountry or Babel, and
commit the result; ``tests/fixers/geo`` checks that a rebuild gives the same files. ``--cldr FOLDER`` first
takes the English subdivision names out of an unpacked ``cldr-subdivisions-full`` package.
"""

from __future__ import annotations

import argparse
import json
from collections import Counter, defaultdict
from collections.abc import Iterable
from importlib import metadata
from pathlib import Path
from typing import Any

import pycountry
from babel import localedata

from benchmarks.geo_build_subdivisions import build_subdivisions, official_unit_keys
from benchmarks.geo_sources import FOLDER, SHORTEST, Claims, forms, hand, is_latin, tier_of, translations
from fixers.geo_text import bag, key_of, words
from fixers.geo_typos import TypoIndex


def country_claims() -> tuple[Claims, Claims]:
    """Return what every source calls every country, and every region, by key."""
    catalogues = list(translations("iso3166-1"))
    claims: Claims = defaultdict(dict)
    regions: Claims = defaultdict(dict)
    shared = {form for name in hand("countries")["refused"]["shared"] for form in forms(name)}

    def claim(into: Claims, name: str, code: str, tier: int) -> None:
        for form in forms(name):
            best, count = into[form].get(code, (9, 0))
            into[form][code] = (min(best, tier), count + 1)

    for country in pycountry.countries:
        for attribute in ("name", "official_name", "common_name"):
            if name := getattr(country, attribute, None):
                claim(claims, name, country.alpha_2, 0)
                # "Congo" is shared in English, so its translations are in their languages.
                into = regions if key_of(name) in shared else claims
                for locale, catalogue in catalogues:
                    if (translated := catalogue.gettext(name)) != name:
                        claim(into, translated, country.alpha_2, tier_of(locale))
    known = {country.alpha_2 for country in pycountry.countries} | {"XK"}
    for locale in sorted(localedata.locale_identifiers()):
        # Not load(): the territories of a regional locale are its language's unless it says otherwise.
        for code, name in localedata.load(locale).get("territories", {}).items():
            if not isinstance(name, str):
                continue
            if code in known:
                claim(claims, name, code, tier_of(locale))
                if locale == "th":
                    # Thai writes "country of" and the name as one word.
                    claim(claims, f"ประเทศ{name}", code, tier_of(locale))
            elif code.isdigit() or code in ("EU", "EZ", "UN"):
                claim(regions, name, code, tier_of(locale))
    return claims, regions


def settle(claimed: dict[str, tuple[int, int]]) -> str | None:
    """Return the code that a contested key stands for, or ``None`` when it is shared."""
    best = min(tier for tier, _ in claimed.values())
    ranked = sorted(((count, code) for code, (tier, count) in claimed.items() if tier == best), reverse=True)
    if best == 0 and len(ranked) > 1:
        return None
    total = sorted((count for _, count in claimed.values()), reverse=True)
    if len(ranked) == 1 and (best == 0 or len(total) == 1 or claimed[ranked[0][1]][1] == total[0]):
        return ranked[0][1]
    if len(ranked) > 1 and ranked[0][0] >= 4 * ranked[1][0]:
        return ranked[0][1]
    return None


def build_countries(unit_names: Iterable[str]) -> dict[str, Any]:
    """Return the country table, given the keys of subdivisions that must not be taken for countries."""
    claims, regions = country_claims()
    file, vocabulary = hand("countries"), hand("words")
    names: dict[str, str] = {}
    blocked: dict[str, str] = {}
    for form, claimed in claims.items():
        if is_latin(form) and len(form) < SHORTEST[min(tier for tier, _ in claimed.values())]:
            continue
        code = settle(claimed)
        if code is None:
            blocked[form] = "contested"
            continue
        tier, count = claimed[code]
        others = regions.get(form, {})
        if tier > 0 and sum(c for _, c in others.values()) > count:
            continue
        names[form] = f"{code}{tier}"
    names |= short_accented()
    for form, claimed in regions.items():
        if form not in names:
            # A region's name in a small language is refused, but is no rival for a typing error.
            blocked[form] = "region" if min(tier for tier, _ in claimed.values()) < 2 else "far region"
    for reason, listed in file["refused"].items():
        for name in listed:
            for form in forms(name):
                names.pop(form, None)
                blocked[form] = reason
    for form in misleading(names):
        del names[form]
    bags: dict[str, Counter[str]] = defaultdict(Counter)
    for code, listed in (*file["names"].items(), *file["native"].items()):
        for name in listed:
            for form in forms(str(name)):
                names[form] = f"{code}0"
                blocked.pop(form, None)
            if len(words(name)) > 1:
                bags[bag(words(name))][code] += 1
    for code, listed in file["doubtful"].items():
        names |= {form: f"{code}5" for name in listed for form in forms(name)}
    for country in pycountry.countries:
        for attribute in ("name", "official_name", "common_name"):
            name = getattr(country, attribute, "")
            if len(words(name)) > 1:
                bags[bag(words(name))][country.alpha_2] += 1
    for reason, listed in (("placeholder", vocabulary["placeholders"]), ("people", vocabulary["demonyms"])):
        for name in listed:
            for form in forms(str(name)):
                if names.get(form, "??9")[2] != "0":
                    names.pop(form, None)
                    blocked[form] = reason
    for name in localedata.load("en")["languages"].values():
        for form in forms(name):
            # A language is no country, and nearer to it than a country whose name it resembles.
            if len(form) > 3 and form not in names:
                blocked.setdefault(form, "people")
    for name in vocabulary["lookalikes"]:
        for form in forms(str(name)):
            if form not in names or names[form][2] == "3":
                names.pop(form, None)
                blocked.setdefault(form, "lookalike")
    near_units = TypoIndex(form for form, value in names.items() if value[2] in "01" and len(form) > 3)
    for form in unit_names:
        # "Antalya" is two letters from "Italya": where it stands in a country field, it is no typing error.
        if len(form) > 4 and form not in names and near_units.near(form, 1 if len(form) < 7 else 2):
            blocked.setdefault(form, "lookalike")
    codes = {}
    for code, listed in file["codes"].items():
        for other in listed:
            codes[other.lower()] = code
    for country in pycountry.countries:
        codes[country.alpha_2.lower()] = codes[country.alpha_3.lower()] = codes[country.numeric] = (
            country.alpha_2
        )
    codes |= {"uk": "GB", "xk": "XK", "usa": "US"}
    english = localedata.load("en")["territories"]
    return {
        "titles": {code: english[code] for code in sorted(set(codes.values()))},
        "names": dict(sorted(names.items())),
        "bags": {k: next(iter(c)) for k, c in sorted(bags.items()) if len(c) == 1 and " " in k},
        "codes": dict(sorted(codes.items())),
        "iso": sorted(country.alpha_3.lower() for country in pycountry.countries),
        "blocked": dict(sorted(blocked.items())),
        "turns": sorted(vocabulary["turns"]),
        "adjectives": sorted(vocabulary["adjectives"]),
        "people": sorted({key_of(name) for name in vocabulary["people"]}),
        "parents": file["parents"],
    }


def misleading(names: dict[str, str]) -> list[str]:
    """Return the names in small languages that are a typing error of another country's English name.

    Niger is *Nigera* in one of them, but who writes that means Nigeria.
    """
    english = {key_of(name): code for code, name in localedata.load("en")["territories"].items()}
    near = TypoIndex(english)
    return [
        form
        for form, value in names.items()
        if value[2] in "23"
        and len(form) > 4
        and is_latin(form)
        and any(english[found.name] != value[:2] for found in near.near(form, 1))
    ]


def short_accented() -> dict[str, str]:
    """Return names that are too short without their accents (``Áo``, ``Çin``) as ``{"=áo": "AT2"}``."""
    claimed: dict[str, set[str]] = defaultdict(set)
    for locale in sorted(localedata.locale_identifiers()):
        if tier_of(locale) < 3:
            for code, name in localedata.load(locale).get("territories", {}).items():
                if isinstance(name, str) and len(code) == 2 and not name.isascii() and len(name) < 5:
                    claimed["=" + name.casefold()].add(f"{code}2")
    return {form: next(iter(codes)) for form, codes in claimed.items() if len(codes) == 1}


def import_cldr(folder: Path) -> None:
    """Write the English subdivision names of CLDR as ``cldr_subdivisions_en.tsv``."""
    source = json.loads((folder / "subdivisions" / "en" / "en.json").read_text(encoding="utf-8"))
    names = next(iter(source.values()))["en"] if "main" in source else next(iter(source.values()))
    names = names["localeDisplayNames"]["subdivisions"]
    lines = (f"{code}\t{name}\n" for code, name in sorted(names.items()))
    (FOLDER / "cldr_subdivisions_en.tsv").write_text("".join(lines), encoding="utf-8")


def dump(table: object) -> str:
    """Return a table as one line of JSON, the same on every run."""
    return json.dumps(table, ensure_ascii=False, separators=(",", ":"), sort_keys=False)


def built() -> Iterable[tuple[str, str]]:
    """Yield every built file as ``(name, text)``."""
    tables, world = build_subdivisions()
    yield "countries.json", dump(build_countries(official_unit_keys())) + "\n"
    # One line a country, so that only the one that is asked for is parsed.
    yield (
        "subdivisions.tsv",
        "".join(f"{country}\t{dump(table)}\n" for country, table in sorted(tables.items())),
    )
    yield "built_from.json", dump(versions()) + "\n"
    yield "world.json", dump({"names": world, "kinds": sorted(hand("words")["units"])}) + "\n"


def versions() -> dict[str, str]:
    """Return the versions of the sources that change the files."""
    return {name: metadata.version(name) for name in ("babel", "pycountry")}


def main() -> None:
    """Build and write the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cldr", type=Path, help="unpacked cldr-subdivisions-full package to import first")
    arguments = parser.parse_args()
    if arguments.cldr:
        import_cldr(arguments.cldr)
    for name, text in built():
        (FOLDER / name).write_text(text, encoding="utf-8")
        print(f"{name}: {len(text.encode()):,} bytes")


if __name__ == "__main__":
    main()
