from __future__ import annotations

import pytest

from fixers.phone import FIXER
from remediator.api import Confidence, Declined, PicklistEntry
from tests.fixers.asking import a_field, ask, refused, repaired, sureness

PHONE = a_field(type="phone", length=40)
COUNTRY = a_field(
    name="Country", role="country", picklist=(PicklistEntry(value="Allemagne", label="Allemagne", code="DE"),)
)


@pytest.mark.parametrize(
    "value",
    ["+49 (0)30 901820", "+49-30-901820", "\u202d+49 30 901820\u202c", "0049 30 901820", "tel:+49 30 901820"],
)
def test_a_number_with_its_country_code_is_exact(value: str) -> None:
    answer = ask(FIXER, value, PHONE)
    assert (repaired(answer), sureness(answer)) == ("+4930901820", Confidence.EXACT)


def test_the_record_s_country_reads_a_national_number() -> None:
    answer = ask(FIXER, "030 / 901820".replace(" / ", " "), PHONE, record={"CountryCode": "DE"})
    assert (repaired(answer), sureness(answer)) == ("+4930901820", Confidence.STRONG)


def test_the_country_is_read_through_the_org_s_own_picklist() -> None:
    assert (
        repaired(ask(FIXER, "030 901820", PHONE, record={"Country": "Allemagne"}, fields=(COUNTRY,)))
        == "+4930901820"
    )


def test_a_national_number_without_a_country_is_declined() -> None:
    assert "no country" in refused(ask(FIXER, "030 901820", PHONE))


def test_the_options_give_a_country_and_a_form() -> None:
    options = {"country": "US", "format": "national"}
    assert repaired(ask(FIXER, "+1 415-555-2671", PHONE, options=options)) == "(415) 555-2671"


def test_an_extension_is_kept() -> None:
    answer = ask(FIXER, "415.555.2671 ext. 12", PHONE, record={"CountryCode": "US"})
    assert repaired(answer) == "+14155552671 x12"
    assert "already" in refused(ask(FIXER, "+14155552671 x12", PHONE))


def test_letters_on_the_keypad_are_weak() -> None:
    answer = ask(FIXER, "1-800-FLOWERS", PHONE, record={"CountryCode": "US"})
    assert (repaired(answer), sureness(answer)) == ("+18003569377", Confidence.WEAK)


@pytest.mark.parametrize("value", ["415 555 2671 / 415 555 2672", "+1 415 555 2671; +1 415 555 2672"])
def test_several_numbers_are_declined(value: str) -> None:
    assert "several" in refused(ask(FIXER, value, PHONE, record={"CountryCode": "US"}))


@pytest.mark.parametrize(
    "value", ["n/a", "0000000000", "1111111", "-", "12345", "+1 555", "call me", "", None, 4155552671]
)
def test_filler_and_impossible_numbers_are_declined(value: str | int | None) -> None:
    refused(ask(FIXER, value, PHONE, record={"CountryCode": "US"}))


def test_a_number_of_another_country_than_the_record_s_is_not_forced_into_it() -> None:
    refused(ask(FIXER, "030 901820", PHONE, record={"CountryCode": "US"}))


@pytest.mark.parametrize(
    ("value", "country"),
    [
        ("415-555-2671", "Germany"),
        ("415 555 2671", "France"),
        ("30 12345678", "Germany"),
        ("20 7946 0958", "United Kingdom"),
    ],
)
def test_a_number_that_is_not_written_as_its_country_dials_is_never_applied_alone(
    value: str, country: str
) -> None:
    answer = ask(FIXER, value, PHONE, record={"Country": country})
    assert isinstance(answer, Declined) or answer.confidence is Confidence.WEAK


@pytest.mark.parametrize(
    ("value", "country", "number"),
    [
        ("030 12345678", "Germany", "+493012345678"),
        ("98765 43210", "India", "+919876543210"),
        ("06 1234 5678", "Italy", "+390612345678"),
        ("011 49 30 12345678", "United States", "+493012345678"),
        ("55 1234 5678", "Mexico", "+525512345678"),
    ],
)
def test_a_number_as_its_country_dials_it_is_strong(value: str, country: str, number: str) -> None:
    answer = ask(FIXER, value, PHONE, record={"Country": country})
    assert (repaired(answer), sureness(answer)) == (number, Confidence.STRONG)


def test_a_remark_in_brackets_is_not_dialled() -> None:
    assert repaired(ask(FIXER, "+49 30 12 34 56 (Mobil)", PHONE)) == "+4930123456"
