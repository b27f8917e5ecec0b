from __future__ import annotations

import pytest

from fixers.kinds import FIXER_OF_KIND, field_of_kind, repair_value
from remediator.api import Value
from remediator.plugins import load_fixers
from tests.fixers.asking import refused, repaired

FIXERS = load_fixers(entry_points=False)


def test_every_kind_of_column_has_its_fixer() -> None:
    assert set(FIXER_OF_KIND.values()) <= set(FIXERS)


@pytest.mark.parametrize(
    ("kind", "value", "country", "after"),
    [
        ("country", "Deutschland", None, "Germany"),
        ("state", "Kalifornien", "USA", "California"),
        ("email", "mailto:jo@acme.com", None, "jo@acme.com"),
        ("phone", "030 901820", "Germany", "+4930901820"),
        ("number", "1.234,5", None, 1234.5),
        ("date", "15/03/2024", None, "2024-03-15"),
        ("url", "http//acme.com", None, "http://acme.com"),
        ("boolean", "oui", None, True),
        ("whitespace", "Ja\u200bne", None, "Jane"),
        ("currency", "€", None, "EUR"),
        ("text", "word " * 60, None, ("word " * 51).strip()),
    ],
)
def test_a_bare_value_is_repaired_by_the_word_for_its_kind(
    kind: str, value: str, country: str | None, after: Value
) -> None:
    fixer = FIXERS[FIXER_OF_KIND[kind]]
    assert repaired(repair_value(fixer, value, field_of_kind(kind), country=country)) == after


def test_choices_make_a_picklist_column() -> None:
    field = field_of_kind("picklist", choices=["Web", "Event"], multiple=True)
    assert repaired(repair_value(FIXERS["picklist"], "event; web", field)) == "Event;Web"


def test_a_length_of_one_s_own_is_kept_to() -> None:
    answer = repair_value(FIXERS["text-length"], "Head of Sales", field_of_kind("text", length=8))
    assert repaired(answer) == "Head of"


def test_options_reach_the_fixer() -> None:
    field = field_of_kind("date")
    refused(repair_value(FIXERS["date"], "05/03/2024", field))
    assert (
        repaired(repair_value(FIXERS["date"], "05/03/2024", field, options={"order": "dmy"})) == "2024-03-05"
    )


def test_an_unknown_kind_names_the_known_ones() -> None:
    with pytest.raises(ValueError, match=r"choose one of band, boolean, country"):
        field_of_kind("colour")
