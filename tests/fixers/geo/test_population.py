"""Every country and every subdivision of the world, not a sample."""

from __future__ import annotations

from collections import Counter

import pycountry
import pytest
from babel import localedata

from fixers.geo import country_code, country_name, subdivision_code, subdivision_name

# "Congo" alone is two countries, and people mean both.
SHARED = frozenset({"Congo"})


def test_every_country_is_known_by_its_codes_and_its_official_names() -> None:
    wrong = [
        (name, country.alpha_2)
        for country in pycountry.countries
        for name in (
            country.alpha_2,
            country.alpha_3,
            country.numeric,
            country.name,
            getattr(country, "official_name", country.name),
        )
        if name not in SHARED | {"NA"} and country_code(name) != country.alpha_2
    ]
    assert wrong == []


@pytest.mark.parametrize("language", ["de", "es", "fr", "it", "ja", "ko", "pl", "pt", "ru", "sv", "tr", "zh"])
def test_no_country_is_taken_for_another_in_any_large_language(language: str) -> None:
    codes = {country.alpha_2 for country in pycountry.countries}
    names = {code: name for code, name in localedata.load(language)["territories"].items() if code in codes}
    answers = {code: country_code(name) for code, name in names.items()}
    assert [(names[code], answer) for code, answer in answers.items() if answer not in (code, None)] == []
    assert sum(answer is None for answer in answers.values()) <= 4


def test_every_subdivision_is_known_by_its_code() -> None:
    wrong = [
        unit.code
        for unit in pycountry.subdivisions
        if subdivision_code(unit.code) != unit.code
        or subdivision_code(unit.code[3:], unit.country_code) != unit.code
    ]
    assert wrong == []


def test_every_subdivision_with_a_name_of_its_own_is_known_by_it() -> None:
    owners = Counter((unit.country_code, unit.name.casefold()) for unit in pycountry.subdivisions)
    missed = []
    for unit in pycountry.subdivisions:
        answer = subdivision_code(unit.name, unit.country_code)
        if answer != unit.code and owners[unit.country_code, unit.name.casefold()] == 1:
            missed.append((unit.code, unit.name, answer))
    assert len(missed) <= len(pycountry.subdivisions) * 0.01, missed
    # Where a unit and the one around it share a name, either is right; anything else is a wrong answer.
    named = {unit.code: unit.name.casefold() for unit in pycountry.subdivisions}
    wrong = [
        (code, name, answer)
        for code, name, answer in missed
        if answer is not None and named[answer].split()[0][:4] != name.casefold().split()[0][:4]
    ]
    assert len(wrong) <= 8, wrong


def test_no_subdivision_is_given_to_a_country_that_does_not_have_it() -> None:
    countries = ["US", "CA", "DE", "FR", "IN", "JP", "MX"]
    wrong = [
        (unit.code, country, answer)
        for number, unit in enumerate(pycountry.subdivisions)
        for country in [countries[number % len(countries)]]
        if unit.country_code != country
        and (answer := subdivision_code(unit.name, country)) is not None
        and not _bears(answer, unit.name)
    ]
    assert wrong == []


def _bears(code: str, name: str) -> bool:
    """Say whether a country really has a unit of that name or code (Punjab is in India and in Pakistan)."""
    unit = next(unit for unit in pycountry.subdivisions if unit.code == code)
    return bool(unit.name.casefold() == name.casefold() or code[3:].casefold() == name.casefold())


def test_every_answer_has_an_english_name() -> None:
    assert all(country_name(country.alpha_2) for country in pycountry.countries)
    assert all(subdivision_name(unit.code) for unit in pycountry.subdivisions)
