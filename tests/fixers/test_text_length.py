from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fixers.acceptance import salesforce_length
from fixers.text_length import FIXER
from remediator.api import Confidence, Proposal
from tests.fixers.asking import a_field, ask, refused, repaired, sureness


def test_text_is_cut_at_the_last_word_that_fits() -> None:
    answer = ask(FIXER, "Vice President of Global Operations", a_field(length=20))
    assert (repaired(answer), sureness(answer)) == ("Vice President of", Confidence.STRONG)


def test_a_cut_leaves_no_dangling_punctuation() -> None:
    assert repaired(ask(FIXER, "Marketing, Sales, & Operations", a_field(length=18))) == "Marketing, Sales"


def test_repeated_blanks_go_before_any_word_does() -> None:
    answer = ask(FIXER, "Head   of    Sales  ", a_field(length=13))
    assert (repaired(answer), sureness(answer)) == ("Head of Sales", Confidence.EXACT)


def test_text_that_fits_is_left_alone() -> None:
    assert "already fits" in refused(ask(FIXER, "Head of Sales", a_field(length=13)))


def test_a_surrogate_pair_counts_twice_and_is_never_halved() -> None:
    cut = repaired(ask(FIXER, "𠮷野家" * 5, a_field(length=5)))
    assert cut == "𠮷野家"


def test_characters_that_are_seen_as_one_stay_together() -> None:
    family = "\U0001f469\u200d\U0001f469\u200d\U0001f467"
    assert repaired(ask(FIXER, f"ab {family}", a_field(length=9))) == "ab"
    accented = "e\u0301" * 10
    assert repaired(ask(FIXER, f"{accented} {accented}", a_field(length=21))) == accented
    assert repaired(ask(FIXER, "hi \U0001f1e9\U0001f1ea\U0001f1eb\U0001f1f7", a_field(length=9))) == "hi"


def test_text_without_blanks_between_words_is_cut_at_a_character() -> None:
    assert repaired(ask(FIXER, "営業本部長兼統括部長", a_field(length=5))) == "営業本部長"


def test_marketo_text_is_cut_by_bytes() -> None:
    cut = repaired(ask(FIXER, "äöü " * 200, a_field(type="textarea", marketo_length=300)))
    assert isinstance(cut, str)
    assert 290 <= len(cut.encode()) <= 300


def test_a_line_end_of_a_long_text_counts_twice() -> None:
    cut = repaired(ask(FIXER, "one\ntwo\nthree\nfour", a_field(type="textarea", length=14)))
    assert cut == "one\ntwo"


def test_an_ellipsis_is_put_only_when_the_options_say_so_and_still_fits() -> None:
    field = a_field(length=10)
    assert repaired(ask(FIXER, "Head of Sales", field)) == "Head of"
    assert repaired(ask(FIXER, "Head of Sales", field, options={"ellipsis": True})) == "Head of…"


@pytest.mark.parametrize("kind", ["email", "phone", "url", "reference", "picklist", "id"])
def test_a_value_whose_part_is_another_value_is_never_cut(kind: str) -> None:
    assert "by hand" in refused(ask(FIXER, "a b c d e f g", a_field(type=kind, length=5)))


@pytest.mark.parametrize(
    "value", ["REF2024000000017", "https://acme.com/a/long/way", "someone@acme.example.com"]
)
def test_a_code_in_a_text_field_is_never_cut(value: str) -> None:
    refused(ask(FIXER, value, a_field(length=12)))


def test_a_state_or_country_is_never_cut() -> None:
    refused(ask(FIXER, "Saint Vincent and the Grenadines", a_field(length=10, role="country")))


def test_losing_most_of_the_room_is_weak() -> None:
    assert sureness(ask(FIXER, "a " + "b" * 40, a_field(length=20))) is Confidence.WEAK


@given(st.text(min_size=1, max_size=80), st.integers(min_value=1, max_value=30))
def test_a_cut_text_always_fits_and_is_a_beginning_of_the_squeezed_text(text: str, limit: int) -> None:
    answer = ask(FIXER, text, a_field(length=limit))
    if isinstance(answer, Proposal) and answer.edits[0].after is not None:
        cut = str(answer.edits[0].after)
        assert salesforce_length(cut) <= limit
        assert cut == cut.strip()
