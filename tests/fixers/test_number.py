from __future__ import annotations

import pytest

from fixers.number import FIXER
from remediator.api import Confidence, Value
from tests.fixers.asking import a_field, ask, refused, repaired, sureness

WHOLE = a_field(type="int")
MONEY = a_field(type="currency", precision=12, scale=2)
PERCENT = a_field(type="percent", precision=5, scale=2)


@pytest.mark.parametrize(
    ("value", "number"),
    [
        (" 1200 ", 1200),
        ("1,234.56", 1234.56),
        ("1.234,56", 1234.56),
        ("1 234,56", 1234.56),
        ("1'234.56", 1234.56),
        ("1\u202f234\u202f567", 1234567),
        ("12,34,567.50", 1234567.5),
        ("1,234,567", 1234567),
        ("1.234.567", 1234567),
        ("$1,234.50", 1234.5),
        ("€ 1.234,50", 1234.5),
        ("1.234,50 EUR", 1234.5),
        ("USD 99.90", 99.9),
        ("12,5", 12.5),
        ("-5", -5),
        ("\u22125", -5),
        ("(1,234.50)", -1234.5),
        ("5-", -5),
        ("\uff11\uff12\uff13", 123),
        ("\u0663\u0664\u0665", 345),
        (".5", 0.5),
    ],
)
def test_a_number_with_one_reading_is_exact(value: str, number: float) -> None:
    answer = ask(FIXER, value, MONEY)
    assert (repaired(answer), sureness(answer)) == (number, Confidence.EXACT)


@pytest.mark.parametrize(
    ("value", "number"),
    [("5k", 5000), ("1.5 million", 1_500_000), ("2,5 Mio.", 2_500_000), ("3bn", 3_000_000_000)],
)
def test_a_suffix_multiplies(value: str, number: int) -> None:
    assert repaired(ask(FIXER, value, a_field(type="double"))) == number


def test_one_separator_before_three_digits_is_weak_and_shows_both_readings() -> None:
    answer = ask(FIXER, "1,234", a_field(type="double"))
    assert sureness(answer) is Confidence.WEAK
    assert {candidate.value for candidate in answer.candidates} == {"1234", "1.234"}


def test_a_setting_for_the_decimal_sign_settles_what_a_lone_separator_means() -> None:
    field = a_field(type="double")
    assert repaired(ask(FIXER, "1,234", field, options={"decimal": "."})) == 1234
    assert repaired(ask(FIXER, "1,234", field, options={"decimal": ","})) == 1.234


def test_a_whole_number_field_reads_a_comma_before_three_digits_as_thousands() -> None:
    answer = ask(FIXER, "1,234", WHOLE)
    assert (repaired(answer), sureness(answer)) == (1234, Confidence.STRONG)


@pytest.mark.parametrize("value", ["10-50", "10 – 50", "10 to 50", "1,000+", "> 500", "up to 20"])
def test_a_range_is_declined(value: str) -> None:
    assert "range" in refused(ask(FIXER, value, WHOLE))


@pytest.mark.parametrize(("end", "number"), [("low", 10), ("high", 50), ("mid", 30)])
def test_the_options_choose_an_end_of_a_range(end: str, number: int) -> None:
    assert repaired(ask(FIXER, "10-50", WHOLE, options={"range": end})) == number


def test_an_open_range_has_no_end_that_the_options_could_choose() -> None:
    refused(ask(FIXER, "1,000+", WHOLE, options={"range": "high"}))


def test_a_percentage_fits_a_percent_field_only() -> None:
    assert repaired(ask(FIXER, "45%", PERCENT)) == 45
    assert "0.45" in refused(ask(FIXER, "45%", MONEY))


@pytest.mark.parametrize(
    "value", ["five", "1.2.3", "12,3,4", "1,2345,678", "..", "½", "10²", "0x1F", True, None]
)
def test_what_is_no_number_is_declined(value: Value) -> None:
    refused(ask(FIXER, value, WHOLE))


def test_an_empty_text_is_cleared() -> None:
    assert repaired(ask(FIXER, " ", WHOLE)) is None


@pytest.mark.parametrize("value", ["2147483648", 2**31, "12.5", 12.5])
def test_what_an_integer_cannot_hold_is_declined(value: Value) -> None:
    refused(ask(FIXER, value, WHOLE))


def test_a_number_is_clamped_or_rounded_only_when_the_options_say_so() -> None:
    score = a_field(type="double", precision=3, scale=0)
    refused(ask(FIXER, 1500, score))
    clamped = ask(FIXER, 1500, score, options={"clamp": True})
    assert (repaired(clamped), sureness(clamped)) == (999, Confidence.STRONG)
    refused(ask(FIXER, "12.345", MONEY))
    assert repaired(ask(FIXER, "12.345", MONEY, options={"round": True})) == 12.34


def test_a_number_that_a_float_cannot_keep_is_declined() -> None:
    refused(ask(FIXER, "0.12345678901234567891", a_field(type="double")))
    refused(ask(FIXER, "9" * 40, a_field(type="double")))


def test_spreadsheet_notation_and_units_are_weak() -> None:
    for value in ("1.2E+06", "50 employees", "~100", "5m"):
        assert sureness(ask(FIXER, value, a_field(type="double"))) is Confidence.WEAK


def test_a_number_that_fits_is_left_alone() -> None:
    assert "already" in refused(ask(FIXER, 12.5, MONEY))


def test_digits_grouped_by_four_are_not_surely_decimals() -> None:
    assert sureness(ask(FIXER, "1,0000", a_field("double"))) is Confidence.WEAK
