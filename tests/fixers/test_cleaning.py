from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fixers.cleaning import code_points, fold, one_line, paragraphs, removed, strip_invisible

WOMAN, GIRL, JOINER = "\U0001f469", "\U0001f467", "\u200d"


@pytest.mark.parametrize(
    "text",
    [
        "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645",  # Persian: a non-joiner inside a verb
        "\u0915\u094d\u200d\u0937",  # Devanagari: a joiner after a virama
        "\u0d28\u0d4d\u200d",  # Malayalam: a chillu written with a joiner at the end of a word
        f"{WOMAN}{JOINER}{WOMAN}{JOINER}{GIRL}",
        "\u2764\ufe0f",
        "1\ufe0f\u20e3",
        "\U0001f3f4\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f",  # the flag of England
        "\u845b\U000e0100",  # a CJK ideograph with its variant
    ],
)
def test_an_invisible_character_that_a_script_or_emoji_needs_stays(text: str) -> None:
    assert strip_invisible(text) == text


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        ("Ger\u200bmany", "Germany"),
        ("\ufeffGermany", "Germany"),
        ("Germany\u2060", "Germany"),
        ("Ger\u00admany", "Germany"),
        ("\u202eGermany\u202c", "Germany"),
        ("Germany\u200d", "Germany"),
        ("Ger\u200cmany", "Germany"),
        ("Germany\ufe0f", "Germany"),
        ("Ger\x00ma\x1bny", "Germany"),
        ("Ger\ud800many", "Germany"),
        ("\u3164", ""),
        (f"{WOMAN}{JOINER}{JOINER}", WOMAN),
        ("1\ufe0f", "1"),
    ],
)
def test_an_invisible_character_that_does_nothing_goes(text: str, clean: str) -> None:
    assert strip_invisible(text) == clean


@given(
    st.text(alphabet=st.characters() | st.sampled_from("\u200c\u200d\ufe0f\u202e\u00ad\U000e0067\U0001f3f4"))
)
def test_cleaning_twice_is_cleaning_once(text: str) -> None:
    assert one_line(one_line(text)) == one_line(text)
    assert paragraphs(paragraphs(text)) == paragraphs(text)
    assert fold(fold(text)) == fold(text)


def test_odd_blanks_become_plain_ones_and_repeated_ones_one() -> None:
    assert one_line("\u00a0Jane\u2003 \tDoe\r\n") == "Jane Doe"


def test_an_ideographic_space_stays_between_ideographs_only() -> None:
    assert one_line("\u5c71\u7530\u3000\u592a\u90ce") == "\u5c71\u7530\u3000\u592a\u90ce"
    assert one_line("Jane\u3000Doe") == "Jane Doe"


def test_paragraphs_keep_their_lines_and_indents() -> None:
    assert paragraphs(" One \r\n   two\u200b \r\n\r\nthree\x0b") == "One\r\n   two\r\n\r\nthree"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Société Générale", "SOCIETE  GENERALE"),
        ("Straße", "STRASSE"),
        ("Łódź", "lodz"),
        ("\uff21\uff22\uff23", "abc"),
        ("don\u2019t", "don't"),
        ("a\u2013b", "a-b"),
        ("\ufb01rm", "firm"),
    ],
)
def test_spellings_that_people_take_for_the_same_fold_alike(one: str, other: str) -> None:
    assert fold(one) == fold(other)


def test_vowel_signs_of_other_scripts_are_not_taken_for_accents() -> None:
    assert fold("\u0915\u093f") != fold("\u0915\u0940")


def test_removed_characters_are_named_by_code_point() -> None:
    assert code_points(removed("a\u200bb\u00a0", "ab")) == "U+00A0, U+200B"
