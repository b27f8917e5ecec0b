from __future__ import annotations

import pytest

from fixers.date import FIXER
from remediator.api import Confidence
from tests.fixers.asking import a_field, ask, refused, repaired, sureness

DATE = a_field(type="date")
MOMENT = a_field(type="datetime")


@pytest.mark.parametrize(
    "value",
    [
        "2024/03/15",
        "2024.3.15",
        "15/03/2024",
        "03/15/2024",
        "15.03.2024",
        "15 March 2024",
        "March 15, 2024",
        "15th of March 2024",
        "15-Mar-2024",
        "15. März 2024",
        "15 de marzo de 2024",
        "15 mars 2024",
        "15 марта 2024",
        "15 Μαρτίου 2024",
        "Fri, 15 Mar 2024",
        "2024年3月15日",
        "2024-03-15 00:00:00",
        " 2024-03-15\u200b",
        "２０２４-03-15",
    ],
)
def test_a_date_with_one_reading_is_exact(value: str) -> None:
    answer = ask(FIXER, value, DATE)
    assert (repaired(answer), sureness(answer)) == ("2024-03-15", Confidence.EXACT)


def test_a_date_whose_day_and_month_can_be_swapped_is_declined_with_both() -> None:
    answer = ask(FIXER, "05/03/2024", DATE)
    assert "order" in refused(answer)
    assert {candidate.value for candidate in answer.candidates} == {"2024-03-05", "2024-05-03"}


@pytest.mark.parametrize(("order", "day"), [("dmy", "2024-03-05"), ("mdy", "2024-05-03")])
def test_a_setting_for_the_order_settles_it(order: str, day: str) -> None:
    answer = ask(FIXER, "05/03/2024", DATE, options={"order": order})
    assert (repaired(answer), sureness(answer)) == (day, Confidence.STRONG)


def test_the_same_number_twice_is_not_ambiguous() -> None:
    assert repaired(ask(FIXER, "05/05/2024", DATE)) == "2024-05-05"


@pytest.mark.parametrize("value", ["3/15/24", "15-Mar-24", "15.03.24"])
def test_a_year_of_two_digits_is_declined(value: str) -> None:
    assert "two digits" in refused(ask(FIXER, value, DATE))


@pytest.mark.parametrize(
    "value",
    [
        "31/02/2024",
        "2024-13-01",
        "0000-00-00",
        "Tuesday",
        "March 2024",
        "n/a",
        "15/03/0024",
        "2024-03-15x",
        "",
        None,
        True,
    ],
)
def test_what_names_no_day_is_declined(value: str | None) -> None:
    refused(ask(FIXER, value, DATE))


def test_a_month_name_that_means_two_months_is_declined() -> None:
    assert "one of several" in refused(ask(FIXER, "12 listopad 2024", DATE))


@pytest.mark.parametrize(
    "value", ["45366", 45366, "1710460800000", "05.03.2024", "2024-03-15T23:30:00-08:00"]
)
def test_a_guess_is_weak(value: str | int) -> None:
    assert sureness(ask(FIXER, value, DATE)) is Confidence.WEAK


def test_a_moment_needs_a_zone() -> None:
    assert "zone" in refused(ask(FIXER, "15/03/2024 10:00", MOMENT))
    assert repaired(ask(FIXER, "15/03/2024 10:00 pm +0100", MOMENT)) == "2024-03-15T22:00:00+01:00"
    assert (
        repaired(ask(FIXER, "15/03/2024 12:05 am", MOMENT, options={"offset": "+01:00"}))
        == "2024-03-15T00:05:00+01:00"
    )


def test_an_iso_date_is_left_alone() -> None:
    assert "already" in refused(ask(FIXER, "2024-03-15", DATE))
    assert "already" in refused(ask(FIXER, "2024-03-15T10:00:00Z", MOMENT))


def test_a_date_that_is_not_on_the_day_it_names_is_weak() -> None:
    assert sureness(ask(FIXER, "Sunday, May 12, 2024", DATE)) is Confidence.EXACT
    assert sureness(ask(FIXER, "Monday, May 12, 2024", DATE)) is Confidence.WEAK
