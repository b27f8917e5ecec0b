from __future__ import annotations

import pytest

from fixers import boolean, url
from remediator.api import Confidence, Value
from tests.fixers.asking import a_field, ask, refused, repaired, sureness

FLAG = a_field(type="boolean")
SITE = a_field(type="url", length=60)


@pytest.mark.parametrize(
    ("value", "meant"),
    [("Yes", True), ("TRUE ", True), ("1", True), (1, True), ("n", False), ("false", False), (0.0, False)],
)
def test_plain_words_for_yes_and_no_are_exact(value: Value, meant: bool) -> None:
    answer = ask(boolean.FIXER, value, FLAG)
    assert repaired(answer) is meant
    assert sureness(answer) is Confidence.EXACT


@pytest.mark.parametrize(
    ("value", "meant"), [("Ja", True), ("Sí", True), ("はい", True), ("Não", False), ("нет", False)]
)
def test_words_of_other_languages_are_strong(value: str, meant: bool) -> None:
    answer = ask(boolean.FIXER, value, FLAG)
    assert repaired(answer) is meant
    assert sureness(answer) is Confidence.STRONG


def test_a_word_that_only_suggests_yes_is_weak() -> None:
    assert sureness(ask(boolean.FIXER, "x", FLAG)) is Confidence.WEAK


@pytest.mark.parametrize("value", ["maybe", "", "2", 2, None, True, "yes and no"])
def test_neither_yes_nor_no_is_declined(value: Value) -> None:
    refused(ask(boolean.FIXER, value, FLAG))


@pytest.mark.parametrize(
    ("value", "address"),
    [
        (" https://acme.com ", "https://acme.com"),
        ("http//acme.com", "http://acme.com"),
        ("htp://acme.com", "http://acme.com"),
        ("https//www.acme.com", "https://www.acme.com"),
        ("http:/acme.com", "http://acme.com"),
        ("http://http://acme.com", "http://acme.com"),
        ("http://https://acme.com", "https://acme.com"),
        ("http:\\\\acme.com\\jobs", "http://acme.com/jobs"),
        ("www,acme.com", "www.acme.com"),
        ("acme . com", "acme.com"),
        ("<https://acme.com/>", "https://acme.com/"),
    ],
)
def test_a_broken_web_address_is_mended(value: str, address: str) -> None:
    assert repaired(ask(url.FIXER, value, SITE)) == address


def test_tracking_parameters_go_when_an_address_is_too_long_and_nothing_else() -> None:
    long = "https://acme.com/p?id=7&utm_source=" + "x" * 40 + "&gclid=1#top"
    assert repaired(ask(url.FIXER, long, SITE)) == "https://acme.com/p?id=7#top"
    refused(ask(url.FIXER, "https://acme.com/" + "x" * 60, SITE))


@pytest.mark.parametrize(
    "value",
    [
        "javascript:alert(1)",
        "jo@acme.com",
        "http://acme",
        "n/a",
        "http://",
        "http://a.com http://b.com",
        "a b",
        "",
        None,
    ],
)
def test_what_is_no_web_address_is_declined(value: str | None) -> None:
    refused(ask(url.FIXER, value, SITE))


def test_an_address_without_a_scheme_gets_one_only_when_the_options_say_so() -> None:
    assert "already" in refused(ask(url.FIXER, "acme.com", SITE))
    assert repaired(ask(url.FIXER, "acme.com", SITE, options={"scheme": "https"})) == "https://acme.com"
