from __future__ import annotations

import pytest

from fixers.email import FIXER
from remediator.api import Confidence, Declined
from tests.fixers.asking import a_field, ask, refused, repaired, sureness

EMAIL = a_field(type="email", length=80, marketo_name="email")


@pytest.mark.parametrize(
    "value",
    [
        " jo.doe@acme.com ",
        "jo.doe@acme.com\u00a0",
        "jo.doe@acme.com.",
        ".jo.doe@acme.com",
        "jo.doe@acme.com,",
        "mailto:jo.doe@acme.com",
        "MAILTO: jo.doe@acme.com?subject=Hi",
        "Jo Doe <jo.doe@acme.com>",
        '"Doe, Jo" <jo.doe@acme.com>',
        "<jo.doe@acme.com>",
        "'jo.doe@acme.com'",
        "ｊｏ．ｄｏｅ＠ａｃｍｅ．ｃｏｍ",
        "jo\u200b.doe@acme.com",
        "jo.doe@acme.com; jo.doe@acme.com",
    ],
)
def test_what_stands_around_an_address_is_taken_away_exactly(value: str) -> None:
    answer = ask(FIXER, value, EMAIL)
    assert (repaired(answer), sureness(answer)) == ("jo.doe@acme.com", Confidence.EXACT)


@pytest.mark.parametrize(
    "value",
    ["jo.doe @acme.com", "jo.doe@ acme . com", "jo.doe@@acme.com", "jo.doe.@acme.com"],
)
def test_a_slip_at_the_joints_is_strong(value: str) -> None:
    answer = ask(FIXER, value, EMAIL)
    assert (repaired(answer), sureness(answer)) == ("jo.doe@acme.com", Confidence.STRONG)


@pytest.mark.parametrize(
    ("value", "meant"),
    [
        ("jo@gmial.com", "jo@gmail.com"),
        ("jo@gmai.com", "jo@gmail.com"),
        ("jo@gmail.con", "jo@gmail.com"),
        ("jo@gmail.co", "jo@gmail.com"),
        ("jo@hotnail.com", "jo@hotmail.com"),
        ("jo@yaho.com", "jo@yahoo.com"),
        ("jo@outlok.com", "jo@outlook.com"),
        ("jo@acme.con", "jo@acme.com"),
        ("jo@acme.nte", "jo@acme.net"),
        ("jo@gmailcom", "jo@gmail.com"),
        ("jo@acme,com", "jo@acme.com"),
        ("jo(at)acme(dot)com", "jo@acme.com"),
        ("jo at acme dot com", "jo@acme.com"),
    ],
)
def test_a_likely_reading_is_weak_never_more(value: str, meant: str) -> None:
    answer = ask(FIXER, value, EMAIL)
    assert (repaired(answer), sureness(answer)) == (meant, Confidence.WEAK)


@pytest.mark.parametrize(
    "value",
    [
        "jo@mail.com",
        "jo@ymail.com",
        "jo@email.com",
        "jo@gmx.de",
        "jo@acme.co",
        "jo@yahoo.co.uk",
        "jo@aol.com",
        "JO@Acme.com",
    ],
)
def test_a_valid_address_at_a_real_domain_is_left_alone(value: str) -> None:
    assert "already" in refused(ask(FIXER, value, EMAIL))


def test_several_addresses_are_declined_and_listed() -> None:
    answer = ask(FIXER, "jo@acme.com; al@acme.com", EMAIL)
    assert "jo@acme.com, al@acme.com" in refused(answer)
    assert [candidate.value for candidate in answer.candidates] == ["jo@acme.com", "al@acme.com"]


def test_the_first_of_several_is_taken_only_when_the_options_say_so() -> None:
    assert (
        repaired(ask(FIXER, "jo@acme.com / al@acme.com", EMAIL, options={"several": "first"}))
        == "jo@acme.com"
    )


@pytest.mark.parametrize(
    "value",
    ["test@test.com", "none@none", "n/a", "NA@na.com", "asdf@asdf.com", "aaa@aaa.com", "x@example.com"],
)
def test_a_made_up_address_is_declined(value: str) -> None:
    assert "placeholder" in refused(ask(FIXER, value, EMAIL))


@pytest.mark.parametrize(
    "value", ["jo doe@acme.com", "jo", "@acme.com", "jo@", "jo@acme", "a@b@c.com", "", None, 5]
)
def test_what_cannot_be_read_surely_is_declined(value: str | int | None) -> None:
    refused(ask(FIXER, value, EMAIL))


def test_letters_outside_ascii_before_the_at_sign_are_declined_for_marketo() -> None:
    assert "Marketo" in refused(ask(FIXER, "josé@acme.com", EMAIL))


def test_an_international_domain_is_written_in_ascii_for_marketo() -> None:
    assert repaired(ask(FIXER, "jo@münchen.de", EMAIL)) == "jo@xn--mnchen-3ya.de"


def test_an_address_longer_than_its_field_is_declined() -> None:
    refused(ask(FIXER, f" {'x' * 60}@acme-industries.com", a_field(type="email", length=40)))


@pytest.mark.parametrize("value", ["Mr. doe@x.com", "Thanks. doe@x.com", "doe@x.com. Thanks", "J. Doe@x.com"])
def test_a_dot_that_may_end_a_sentence_is_never_surely_a_part_of_the_address(value: str) -> None:
    answer = ask(FIXER, value, EMAIL)
    assert isinstance(answer, Declined) or answer.confidence is Confidence.WEAK
