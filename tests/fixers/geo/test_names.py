from __future__ import annotations

import pycountry
import pytest
from babel import localedata

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


# CLDR's English names; St. Martin is two states.
NAMED = [
    (localedata.load("en")["territories"][country.alpha_2], country)
    for country in pycountry.countries
    if country.alpha_2 != "MF"
]


@pytest.mark.parametrize(
    "wrap",
    [
        "{name} ({c.alpha_2})",
        "{name} [{c.alpha_3}]",
        "{c.alpha_2} - {name}",
        "{c.alpha_2}-{name}",
        "{name} {c.alpha_2}",
        "{name}-{c.alpha_3}",
        "{name}{c.flag}",
        "<p>{name}</p>",
        "{name}, {name}",
        "{name} {name}",
        "75001 Xyzville, {name}",
        "Country: {name}",
    ],
)
def test_every_country_is_found_in_what_forms_wrap_around_it(wrap: str) -> None:
    wrong = [
        (text, answer)
        for name, country in NAMED
        if (answer := country_code(text := wrap.format(name=name, c=country))) != country.alpha_2
        # After a town it may be the state of the US.
        and not (country.alpha_2 == "GE" and "Xyzville" in wrap)
    ]
    assert wrong == []


def test_a_url_escape_and_a_second_garbling_are_undone() -> None:
    for name, country in NAMED:
        escaped, garbled = name.replace(" ", "%20"), name.encode().decode("latin-1")
        assert country_code(escaped) == country.alpha_2
        assert country_code(garbled.encode().decode("latin-1")) == country.alpha_2


def test_the_word_for_a_kind_of_state_never_makes_another_country_of_a_name() -> None:
    # "Republic of China" is another state than China, and Dominica is half of "República Dominicana".
    twins = {"CN", "DM", "DO", "KR", "KP", "CD", "CG", "GN", "GQ"}
    wrong = [
        (text, answer)
        for name, country in NAMED
        for kind in ("Republic of", "Kingdom of", "State of", "Federal Republic of", "Democratic Republic of")
        if (answer := country_code(text := f"{kind} {name}")) not in (None, country.alpha_2)
        and country.alpha_2 not in twins
    ]
    assert wrong == []


def test_a_digit_for_a_letter_never_hides_which_country_is_meant() -> None:
    wrong = []
    for name, country in NAMED:
        for letter, digit in (("o", "0"), ("l", "1"), ("e", "3"), ("s", "5"), ("a", "4")):
            if letter in name and len(name) > 5:
                text = name.replace(letter, digit, 1)
                if (answer := country_code(text)) not in (None, country.alpha_2):
                    wrong.append((text, answer))
                elif answer is None and len(name) > 8 and "Martin" not in name:
                    wrong.append((text, "nothing"))
    assert wrong == []


@pytest.mark.parametrize(
    "text",
    [
        "Lebanon, Ohio",
        "Atlanta, Georgia",
        "Peru, IN",
        "Poland, ME",
        "Norway, MI",
        "Gaza (IT)",
        "Mali (FR)",
        "AU/NZ",
        "AU-NZ",
        "Mexico-US",
        "US-Canada",
        "America (North)",
        "AR-E, or ARE",
        "Norfolk County",
        "State of Niger",
        "Province of Zaire",
        "Northern Iceland",
        "Конго",
        "Surname",
        "Status",
        "Services",
        "George",
        "Kerman (IQ)",
    ],
)
def test_a_name_that_its_surroundings_contradict_is_refused(text: str) -> None:
    assert country_code(text) is None


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("Lebanon, NH, USA", "US"),
        ("Jordan, Utah, USA", "US"),
        ("Tbilisi, Georgia", "GE"),
        ("New York NY 10001 USA", "US"),
        ("SCO", "GB"),
        ("Niger, n/a", "NE"),
        ("Dominica, n/a", "DM"),
        ("Niger, IA", "NE"),
        ("Sudan, Sudan", "SD"),
        ("SDN Sudan", "SD"),
        ("NO: Norway", "NO"),
        ("Germany +49", "DE"),
        ("AR-E", "AR"),
        ("Gaza (MZ)", "MZ"),
        ("Mali (GN)", "GN"),
        ("FI-18", "FI"),
        ("Virgin Is1ands, U.S.", "VI"),
        ("Conggo - Kinshasa", "CD"),
        ("Norfolk, United Kingdom", "GB"),
    ],
)
def test_what_stands_beside_a_name_is_no_letter_of_it(text: str, code: str) -> None:
    assert country_code(text) in (code, None)


def test_a_name_that_is_more_often_a_town_or_a_person_waits_for_a_person() -> None:
    for text in ("Norfolk", "Granada", "Papua", "Formosa", "Solomon", "Phil"):
        found = find_country(text)
        assert isinstance(found, Match)
        assert found.confidence is Confidence.WEAK, text


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
        ("Estado de Ciudad de México", "MX", "MX-CMX"),
        ("Departamento de Municipalidad Metropolitana de Lima", "PE", "PE-LMA"),
        ("Dept. Loire", "FR", "FR-42"),
        ("Uri CH", "CH", "CH-UR"),
        ("Para?ba", "BR", "BR-PB"),
        ("Th\ufffdringen", "DE", "DE-TH"),
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
        ("Sofia", "BG"),
        ("Context", "US"),
        ("Collect", "US"),
        ("Social", "US"),
        ("Month", "US"),
        ("Department", "FR"),
        ("Market", "IT"),
        ("Bengali", "IN"),
        ("North", "AU"),
        ("La??n", "AZ"),
        ("Mato Grosso dp Syl", "BR"),
        ("Rio Branco", "BR"),
        ("Nuevo Laredo", "MX"),
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
