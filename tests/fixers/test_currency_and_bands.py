from __future__ import annotations

import pytest

from fixers import currency, score_band
from remediator.api import Confidence, Value
from tests.fixers.asking import a_field, ask, entries, refused, repaired, sureness

CURRENCY = a_field(
    name="CurrencyIsoCode", type="picklist", restricted=True, picklist=entries("USD", "EUR", "GBP")
)
SIZE = a_field(
    type="picklist",
    restricted=True,
    picklist=entries("1-10", "11-50", "51 - 200", "201-1,000", "More than 1,000"),
)


@pytest.mark.parametrize(("value", "code"), [("usd", "USD"), (" EUR ", "EUR"), ("Gbp", "GBP")])
def test_a_code_in_another_case_is_exact(value: str, code: str) -> None:
    answer = ask(currency.FIXER, value, CURRENCY)
    assert (repaired(answer), sureness(answer)) == (code, Confidence.EXACT)


@pytest.mark.parametrize(
    ("value", "code"), [("€", "EUR"), ("£", "GBP"), ("US$", "USD"), ("Euro", "EUR"), ("US-Dollar", "USD")]
)
def test_a_sign_or_name_of_one_currency_is_strong(value: str, code: str) -> None:
    answer = ask(currency.FIXER, value, CURRENCY)
    assert (repaired(answer), sureness(answer)) == (code, Confidence.STRONG)


def test_a_sign_of_several_currencies_is_declined_or_weak_when_the_org_has_one_of_them() -> None:
    both = a_field(name="CurrencyIsoCode", type="picklist", restricted=True, picklist=entries("USD", "CAD"))
    assert "several" in refused(ask(currency.FIXER, "$", both))
    assert sureness(ask(currency.FIXER, "$", CURRENCY)) is Confidence.WEAK


def test_a_currency_that_the_org_lacks_or_that_no_longer_exists_is_declined() -> None:
    assert "ask the Salesforce admin" in refused(ask(currency.FIXER, "yen", CURRENCY))
    assert "replaced by EUR" in refused(ask(currency.FIXER, "DEM", CURRENCY))


@pytest.mark.parametrize(
    ("value", "band"),
    [
        ("5", "1-10"),
        (10, "1-10"),
        ("11", "11-50"),
        ("51 to 200", "51 - 200"),
        ("1,000", "201-1,000"),
        (1001, "More than 1,000"),
    ],
)
def test_a_number_goes_into_the_one_range_that_holds_it(value: Value, band: str) -> None:
    answer = ask(score_band.FIXER, value, SIZE)
    assert (repaired(answer), sureness(answer)) == (band, Confidence.STRONG)


@pytest.mark.parametrize("value", ["0", -3, 10.5, "many", "10-20", "5%", None, True])
def test_what_falls_into_no_range_is_declined(value: Value) -> None:
    refused(ask(score_band.FIXER, value, SIZE))


def test_a_number_on_the_border_of_two_ranges_is_declined_with_both() -> None:
    touching = a_field(type="picklist", restricted=True, picklist=entries("0-10", "10-20"))
    answer = ask(score_band.FIXER, 10, touching)
    assert "several ranges" in refused(answer)
    assert [candidate.value for candidate in answer.candidates] == ["0-10", "10-20"]


def test_a_list_that_has_no_ranges_is_left_to_other_fixers() -> None:
    assert "no list of ranges" in refused(ask(score_band.FIXER, 5, CURRENCY))
