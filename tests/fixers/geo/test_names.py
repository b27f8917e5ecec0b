from __future__ import annotations

import pytest

from fixers.geo import Match, Refusal, country_code, find_country, find_subdivision, subdivision_code
from remediator.api import Confidence


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("NOR", "NO"),
        ("no", "NO"),
        ("756", "CH"),
        ("🇧🇪", "BE"),
        ("Ｓｐａｉｎ", "ES"),
        ("EspaÃ±a", "ES"),
        ("Trinidad &amp; Tobago", "TT"),
        ("U.K.", "GB"),
        ("Kingdom of Norway", "NO"),
        ("Congo, Democratic Republic of the", "CD"),
        ("Österreich", "AT"),
        ("Oesterreich", "AT"),
        ("Ελλάδα", "GR"),
        ("대한민국", "KR"),
        ("Áo", "AT"),
        ("Persia", "IR"),
        ("Upper Volta", "BF"),
        ("Lisbon, Portugal", "PT"),
        ("Portugal - Lisbon", "PT"),
        ("Lima Peru", "PE"),
        ("Atlanta, Georgia, USA", "US"),
        ("Kaohsiung, Taiwan, China", "TW"),
        ("Portugul", "PT"),
        ("Nigeira", "NG"),
        ("Slovakai", "SK"),
    ],
)
def test_a_country_is_found_however_it_is_written(text: str, code: str) -> None:
    assert country_code(text) == code


@pytest.mark.parametrize(
    "text",
    [
        "",
        "   ",
        "?!",
        "n/a",
        "Unknown",
        "EMEA",
        "South America",
        "USSR",
        "Yugoslavia",
        "NA",
        "Spanish",
        "Portugal and Spain",
        "Spain/Portugal",
        "Anywhere but Spain",
        "Korea",
        "New Mexico",
        "Inner Mongolia, maybe Mongolia or not",
        "Michael Jordan",
        "4711",
        "x@example.org",
        "Ontario",
        "Saxony",
    ],
)
def test_what_names_no_one_country_is_refused_with_a_reason(text: str) -> None:
    found = find_country(text)
    assert isinstance(found, Refusal)
    assert found.reason


@pytest.mark.parametrize(
    ("text", "country", "code"),
    [
        ("Tex.", "US", "US-TX"),
        ("N. Carolina", "US", "US-NC"),
        ("State of Nevada", "US", "US-NV"),
        ("Reno, NV 89501", "US", "US-NV"),
        ("Cook County, Illinois", "US", "US-IL"),
        ("Colombie-Britannique", "CA", "CA-BC"),
        ("Freistaat Thüringen", "DE", "DE-TH"),
        ("Provincia di Siena", "IT", "IT-SI"),
        ("Siena (SI)", "IT", "IT-SI"),
        ("Szechwan", "CN", "CN-SC"),
        ("四川省", "CN", "CN-SC"),
        ("Fukuoka-ken", "JP", "JP-40"),
        ("9", "JP", "JP-09"),
        ("Co. Kerry", "IE", "IE-KY"),
        ("Orissa", "IN", "IN-OD"),
        ("Nuevo Leon", "MX", "MX-NLE"),
        ("Minas Gerias", "BR", "BR-MG"),
        ("Penang", "MY", "MY-07"),
        ("Bretagne", "FR", "FR-BRE"),
        ("Gauteng", None, "ZA-GP"),
        ("DE-HH", None, "DE-HH"),
        ("Queensland, Australia", None, "AU-QLD"),
    ],
)
def test_a_subdivision_is_found_however_it_is_written(text: str, country: str | None, code: str) -> None:
    assert subdivision_code(text, country) == code


@pytest.mark.parametrize(
    ("text", "country"),
    [
        ("Queensland", "US"),
        ("Texas", "CA"),
        ("France", "FR"),
        ("Washington, Oregon", "US"),
        ("Nord", None),
        ("SC", None),
        ("Georgia", None),
        ("all states", "US"),
        ("London", "GB"),
        ("Kent", "XX"),
        ("US-TX", "CA"),
        ("test", "US"),
    ],
)
def test_what_names_no_subdivision_of_the_country_is_refused(text: str, country: str | None) -> None:
    found = find_subdivision(text, country)
    assert isinstance(found, Refusal)
    assert found.reason


def test_confidence_falls_from_a_name_over_a_typing_error_to_a_guess() -> None:
    sure = [find_country(text) for text in ("Switzerland", "Switzerlnd", "Malawq")]
    assert [match.confidence for match in sure if isinstance(match, Match)] == [
        Confidence.EXACT,
        Confidence.STRONG,
        Confidence.WEAK,
    ]


def test_what_is_as_near_to_two_countries_is_refused_unless_the_record_points_to_one() -> None:
    tied = find_country("Austrlia")
    assert isinstance(tied, Refusal)
    assert {code for code, _ in tied.candidates} >= {"AU", "AT"}
    helped = find_country("Austrlia", confirmed=frozenset({"AU", "FR"}))
    assert isinstance(helped, Match)
    assert (helped.code, helped.confidence) == ("AU", Confidence.WEAK)
    assert isinstance(find_country("Austrlia", confirmed=frozenset({"AU", "AT"})), Refusal)


def test_short_words_are_never_taken_for_typing_errors() -> None:
    assert [country_code(text) for text in ("Iraz", "Cubb", "Malj", "Pery")] == [None] * 4
