from __future__ import annotations

import dataclasses

import pytest

from fixers.country import FIXER
from remediator.api import Confidence, Declined, Edit, FieldDescription, FixRequest, PicklistEntry, Proposal
from tests.fixers.geo.orgs import a_country_field, asked


def proposed(request: FixRequest) -> Proposal:
    answer = FIXER.propose(request)
    assert isinstance(answer, Proposal), answer
    return answer


def declined(request: FixRequest) -> Declined:
    answer = FIXER.propose(request)
    assert isinstance(answer, Declined), answer
    return answer


@pytest.mark.parametrize(
    ("value", "written"),
    [
        ("USA", "United States"),
        ("u.s.a.", "United States"),
        ("Deutschland", "Germany"),
        ("South Korea", "Korea, Republic of"),
        ("Turkey", "Türkiye"),
        ("München, Deutschland", "Germany"),
        ("Scotland", "United Kingdom"),
        ("united states", "United States"),
    ],
)
def test_the_orgs_own_integration_value_is_written(value: str, written: str) -> None:
    assert proposed(asked("Country", value)).edits == (Edit(field="Country", after=written),)


def test_a_value_that_the_org_accepts_is_left_alone() -> None:
    assert declined(asked("Country", "Korea, Republic of")).reason == (
        "the value is already one that the org accepts"
    )


@pytest.mark.parametrize("value", ["EMEA", "n/a", "UK/Ireland", "USSR", "asdf", "NA", "New Mexico street 5"])
def test_what_names_no_one_country_is_declined_with_a_reason(value: str) -> None:
    assert declined(asked("Country", value)).reason


def test_a_country_that_the_org_does_not_have_is_declined_and_named() -> None:
    assert "France" in declined(asked("Country", "Frankreich")).reason


def test_a_country_that_the_org_has_twice_is_not_guessed() -> None:
    field = a_country_field(
        PicklistEntry(value="Germany", label="Germany"),
        PicklistEntry(value="Deutschland", label="Deutschland"),
    )
    request = FixRequest(object="Lead", field=field, record={"Country": "Allemagne"})
    assert "several values" in declined(request).reason


def test_an_inactive_country_is_never_written() -> None:
    field = a_country_field(
        PicklistEntry(value="Germany", label="Germany", code="DE", active=False),
        PicklistEntry(value="France", label="France", code="FR"),
    )
    request = FixRequest(object="Lead", field=field, record={"Country": "Deutschland"})
    assert "no active value" in declined(request).reason


def test_a_state_that_fits_stays_and_one_that_does_not_is_translated_with_the_country() -> None:
    assert proposed(asked("Country", "USA", "California")).edits == (
        Edit(field="Country", after="United States"),
    )
    assert proposed(asked("Country", "USA", "Calif.")).edits == (
        Edit(field="Country", after="United States"),
        Edit(field="State", after="California"),
    )


def test_a_state_without_a_place_in_the_country_is_dropped_only_when_that_is_allowed() -> None:
    assert "drop_state" in declined(asked("Country", "Deutschland", "Bayern")).reason
    assert proposed(asked("Country", "Deutschland", "Bayern", {"drop_state": True})).edits == (
        Edit(field="Country", after="Germany"),
        Edit(field="State", after=None),
    )


def test_a_state_failure_caused_by_the_country_is_solved_on_the_country() -> None:
    assert proposed(asked("State", "U.S.", "NY")).edits == (
        Edit(field="Country", after="United States"),
        Edit(field="State", after="New York"),
    )
    assert isinstance(FIXER.propose(asked("State", "United States", "NY")), Declined)


def test_an_empty_country_is_proposed_from_a_state_only_for_a_person_to_judge() -> None:
    answer = proposed(asked("Country", None, "Ontario"))
    assert answer.edits == (Edit(field="Country", after="Canada"),)
    assert answer.confidence is Confidence.WEAK
    assert isinstance(FIXER.propose(asked("Country", None, "Georgia")), Declined)


def test_the_rest_of_the_record_can_raise_a_weak_answer_but_never_make_one() -> None:
    alone = proposed(asked("Country", "Germny"))
    helped = proposed(asked("Country", "Germny", Phone="+49 89 1234567"))
    assert alone.edits == helped.edits
    assert helped.confidence is Confidence.STRONG
    assert isinstance(FIXER.propose(asked("Country", "somewhere", Phone="+49 89 1234567")), Declined)


def test_a_plain_picklist_of_countries_is_served_and_any_other_is_not() -> None:
    names = ("USA", "Canada", "Germany", "France", "Spain", "Italy")
    entries = tuple(PicklistEntry(value=name, label=name) for name in names)
    field = FieldDescription(name="Region__c", label="Office", type="picklist", picklist=entries)
    request = FixRequest(object="Lead", field=field, record={"Region__c": "United States"})
    assert proposed(request).edits == (Edit(field="Region__c", after="USA"),)
    fruit = dataclasses.replace(field, picklist=(PicklistEntry(value="Apple", label="Apple"),))
    assert isinstance(FIXER.propose(dataclasses.replace(request, field=fruit)), Declined)


def test_without_a_list_the_english_name_is_written() -> None:
    field = FieldDescription(name="Country", label="Country", type="string", role="country")
    request = FixRequest(object="Lead", field=field, record={"Country": "Allemagne"})
    assert proposed(request).edits == (Edit(field="Country", after="Germany"),)
    assert isinstance(FIXER.propose(dataclasses.replace(request, record={"Country": "Germany"})), Declined)
