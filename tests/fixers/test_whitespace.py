from __future__ import annotations

import pytest

from fixers.whitespace import FIXER
from remediator.api import Confidence
from tests.fixers.asking import a_field, ask, entries, refused, repaired, sureness


@pytest.mark.parametrize(
    ("value", "clean"),
    [
        ("  Jane  ", "Jane"),
        ("Jane\u200b", "Jane"),
        ("Ja\x00ne", "Jane"),
        ("Jane\u00a0Doe", "Jane Doe"),
        ("a\r\nb", "a b"),
    ],
)
def test_taking_away_what_shows_nothing_is_exact(value: str, clean: str) -> None:
    answer = ask(FIXER, value, a_field())
    assert (repaired(answer), sureness(answer)) == (clean, Confidence.EXACT)


@pytest.mark.parametrize(
    ("value", "clean"),
    [
        ("FranÃ§ois", "François"),
        ("MÃ¼ller &amp; SÃ¶hne", "Müller & Söhne"),
        ("AT&amp;amp;T", "AT&T"),
        ("O&#39;Neill", "O'Neill"),
        ("Jane&nbsp;Doe", "Jane Doe"),
    ],
)
def test_mending_mojibake_and_entities_is_strong(value: str, clean: str) -> None:
    answer = ask(FIXER, value, a_field())
    assert (repaired(answer), sureness(answer)) == (clean, Confidence.STRONG)


@pytest.mark.parametrize(
    "value",
    [
        "Jane Doe",
        "AT&T",
        "R&D; Sales",
        "می\u200cخواهم",
        "Ångström",
        "François",
        "&lt;script&gt;",
        "100 % Ärger – “ja”",
        "",
    ],
)
def test_clean_text_is_left_alone(value: str) -> None:
    assert "already" in refused(ask(FIXER, value, a_field()))


def test_markup_that_was_escaped_on_purpose_stays_escaped() -> None:
    assert repaired(ask(FIXER, " &lt;b&gt; ", a_field())) == "&lt;b&gt;"


def test_lost_letters_are_declined() -> None:
    assert "lost" in refused(ask(FIXER, "M\ufffdller ", a_field()))


def test_a_value_that_shows_nothing_is_cleared_unless_it_is_required() -> None:
    assert repaired(ask(FIXER, "\u200b \u3164", a_field())) is None
    assert "required" in refused(ask(FIXER, "\u200b", a_field(required=True)))


def test_a_picklist_value_is_cleaned_only_onto_an_entry() -> None:
    field = a_field(type="picklist", restricted=True, picklist=entries("Web"))
    assert repaired(ask(FIXER, "Web\u200b", field)) == "Web"
    refused(ask(FIXER, "Wob\u200b", field))


def test_lines_of_a_long_text_stay() -> None:
    assert repaired(ask(FIXER, "one \r\n  two\u200b", a_field(type="textarea"))) == "one\r\n  two"


def test_the_reason_names_the_characters() -> None:
    answer = ask(FIXER, "Ja\u200bne", a_field())
    assert "U+200B" in answer.reason


@pytest.mark.parametrize(
    "name",
    [
        "Ávila",
        "Łódź",
        "voilà",
        "Škoda",
        "Český Krumlov",
        "Đà Nẵng",
        "Москва",
        "東京",
        "Straße",
        "Øresund",
        "Ünal",
    ],
)
def test_half_a_letter_that_shows_nothing_is_mended_before_what_shows_nothing_goes(name: str) -> None:
    answer = ask(FIXER, name.encode().decode("latin-1"), a_field())
    assert (repaired(answer), sureness(answer)) == (name, Confidence.STRONG)


def test_no_letter_is_made_of_a_capital_and_the_blank_after_it() -> None:
    assert repaired(ask(FIXER, "IRMÃ\u00a0SILVA", a_field())) == "IRMÃ SILVA"


def test_half_a_letter_that_cannot_be_mended_is_declined_not_taken_away() -> None:
    assert refused(ask(FIXER, "K\u00e4\u0081se", a_field()))
