"""What acme-product promises."""

from __future__ import annotations

import pytest
from remediator.api import Declined, Edit, FieldDescription, FixRequest, PicklistEntry, Proposal
from remediator.testing import check_fixer

from acme_fixers.product import FIXER

INTEREST = FieldDescription(
    name="Product_Interest__c",
    label="Product Interest",
    type="multipicklist",
    restricted=True,
    picklist=tuple(
        PicklistEntry(value=value, label=value) for value in ("Analytics", "Automation", "Integration")
    ),
)


def ask(value: str, **options: str) -> Proposal | Declined:
    """Ask about a lead with this value."""
    request = FixRequest(object="Lead", field=INTEREST, record={INTEREST.name: value}, options=options)
    return FIXER.propose(request)


@pytest.mark.parametrize(
    ("value", "after"),
    [
        ("AN-200", "Analytics"),
        ("an 200, au200", "Analytics;Automation"),
        ("AN-100", "Analytics"),
        ("Integration; AN-200", "Integration;Analytics"),
        ("AN-100; AN-200", "Analytics"),
    ],
)
def test_codes_become_the_products_that_they_mean(value: str, after: str) -> None:
    answer = ask(value)
    assert isinstance(answer, Proposal)
    assert answer.edits == (Edit(field="Product_Interest__c", after=after),)


@pytest.mark.parametrize(
    ("value", "why"),
    [
        ("AN-999", "no product that Acme sells"),
        ("SE-050; AN-200", "no product that Acme sells"),
        ("SE-100", "does not list"),
        ("analytics!", "does not hold Acme product codes"),
    ],
)
def test_what_is_not_certain_is_left_to_a_person_with_a_reason(value: str, why: str) -> None:
    answer = ask(value)
    assert isinstance(answer, Declined)
    assert why in answer.reason


def test_a_retired_code_is_dropped_only_when_the_settings_say_so() -> None:
    answer = ask("SE-050; AN-200", retired="drop")
    assert isinstance(answer, Proposal)
    assert answer.edits[0].after == "Analytics"


def test_it_keeps_the_contract_on_hostile_values() -> None:
    values = ("AN-200", "an 100;SE-050", "Integration, AU-200", "AN-200;;;", "SE-100")
    for options in ({}, {"retired": "drop"}):
        assert check_fixer(FIXER, samples=2_000, fields=[INTEREST], values=values, options=options) == []
