"""Other people's ways to a country or subdivision code, each as ``(text, country) -> code or None``.

A peer that is not installed is left out of the run and listed as such.
"""

from __future__ import annotations

import importlib
import unicodedata
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

import pycountry
from babel import localedata
from rapidfuzz import fuzz, process, utils

Finder = Callable[[str, str | None], str | None]


def country_peers() -> Mapping[str, Finder | None]:
    """Return the peers for countries by name; ``None`` = not installed."""
    return {
        "countrynames, exact": _countrynames(fuzzy=False),
        "countrynames, fuzzy": _countrynames(fuzzy=True),
        "countryguess": _countryguess(),
        "country_converter": _country_converter(),
        "pycountry, search_fuzzy": _search_fuzzy,
        "babel, exact": _babel_exact,
        "rapidfuzz over names": _rapidfuzz_country,
    }


def subdivision_peers() -> Mapping[str, Finder | None]:
    """Return the baselines for subdivisions by name."""
    return {
        "pycountry, exact": _subdivision_exact,
        "rapidfuzz over names": _rapidfuzz_subdivision,
    }


def _installed(name: str) -> Any | None:
    try:
        return importlib.import_module(name)
    except ImportError:
        return None


def _countrynames(*, fuzzy: bool) -> Finder | None:
    module = _installed("countrynames")
    return None if module is None else lambda text, _: _code(module.to_code(text, fuzzy=fuzzy))


def _countryguess() -> Finder | None:
    module = _installed("countryguess")
    if module is None:
        return None

    def find(text: str, _: str | None) -> str | None:
        guess = module.guess_country(text)
        return _code(guess["iso2"]) if guess else None

    return find


def _country_converter() -> Finder | None:
    module = _installed("country_converter")
    if module is None:
        return None
    converter = module.CountryConverter()

    def find(text: str, _: str | None) -> str | None:
        try:
            return _code(converter.convert(text, to="ISO2", not_found=None))
        except Exception:  # noqa: BLE001 - names are regular expressions to it, and some inputs are not
            return None

    return find


def _code(found: object) -> str | None:
    return found.upper() if isinstance(found, str) and len(found) == 2 else None


def _search_fuzzy(text: str, _: str | None) -> str | None:
    try:
        return str(pycountry.countries.search_fuzzy(text)[0].alpha_2)
    except LookupError:
        return None


def _plain(text: str) -> str:
    folded = unicodedata.normalize("NFKD", text.strip()).casefold()
    return "".join(letter for letter in folded if not unicodedata.combining(letter))


@cache
def _babel_names() -> Mapping[str, str]:
    names: dict[str, str] = {}
    for locale in ("en", *sorted(localedata.locale_identifiers())):
        for code, name in localedata.load(locale).get("territories", {}).items():
            if len(code) == 2 and isinstance(name, str):
                names.setdefault(_plain(name), code)
    for country in pycountry.countries:
        for name in (
            country.name,
            country.alpha_2,
            country.alpha_3,
            getattr(country, "official_name", country.name),
        ):
            names[_plain(name)] = country.alpha_2
    return names


def _babel_exact(text: str, _: str | None) -> str | None:
    return _babel_names().get(_plain(text))


@cache
def _english() -> Mapping[str, str]:
    return {name: code for name, code in _babel_names().items() if name.isascii()}


def _rapidfuzz_country(text: str, _: str | None) -> str | None:
    found = process.extractOne(
        text, _english().keys(), scorer=fuzz.WRatio, processor=utils.default_process, score_cutoff=86
    )
    return _english()[found[0]] if found else None


@cache
def _units(country: str | None) -> Mapping[str, str]:
    names: dict[str, str] = {}
    for unit in pycountry.subdivisions:
        if country in (None, unit.country_code):
            names[_plain(unit.name)] = unit.code
            names.setdefault(_plain(unit.code), unit.code)
            if country:
                names.setdefault(_plain(unit.code[3:]), unit.code)
    return names


def _subdivision_exact(text: str, country: str | None) -> str | None:
    return _units(country).get(_plain(text))


def _rapidfuzz_subdivision(text: str, country: str | None) -> str | None:
    if (exact := _subdivision_exact(text, country)) is not None:
        return exact
    names = _units(country)
    found = process.extractOne(
        text, names.keys(), scorer=fuzz.ratio, processor=utils.default_process, score_cutoff=80
    )
    return names[found[0]] if found else None
