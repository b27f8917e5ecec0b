from __future__ import annotations

import dataclasses

import pytest

from fixers.state import FIXER
from remediator.api import Declined, Edit, FieldDescription, FixRequest, PicklistEntry, Proposal
from tests.fixers.geo.orgs import a_country_field, a_state_field, asked


def proposed(request: FixRequest) -> Proposal:
    answer = FIXER.propose(request)
    assert isinstance(answer, Proposal), answer
    return answer


def declined(request: FixRequest) -> Declined:
    answer = FIXER.propose(request)
    assert isinstance(answer, Declined), answer
    return answer


@pytest.mark.parametrize(
    ("country", "value", "written"),
    [
        ("United States", "CA", "California"),
        ("United States", "Calif.", "California"),
        ("United States", "Buffalo, NY", "New York"),
        ("United States", "georgia", "Georgia"),
        ("Canada", "Quebec", "Québec"),
        ("Canada", "PQ", "Québec"),
        ("China", "Peking", "Beijing"),
        ("China", "广东", "Guangdong"),
        ("Mexico", "CDMX", "Distrito Federal"),
        ("Mexico", "Jal.", "Jalisco"),
    ],
)
def test_the_orgs_own_integration_value_is_written(country: str, value: str, written: str) -> None:
    assert proposed(asked("State", country, value)).edits == (Edit(field="State", after=written),)


def test_the_orgs_own_code_counts_even_where_it_is_not_isos() -> None:
    assert proposed(asked("State", "China", "44")).edits == (Edit(field="State", after="Guangdong"),)
    assert proposed(asked("State", "Mexico", "CM")).edits == (Edit(field="State", after="Campeche"),)


def test_a_code_that_means_one_state_here_and_another_in_iso_is_left_to_a_person() -> None:
    country = a_country_field(PicklistEntry(value="China", label="China", code="CN"))
    entries = (
        PicklistEntry(value="Hainan", label="Hainan", code="GD", valid_for=frozenset({0})),
        PicklistEntry(value="Guangdong", label="Guangdong", code="44", valid_for=frozenset({0})),
    )
    state = dataclasses.replace(a_state_field(), picklist=entries)
    request = FixRequest(
        object="Lead",
        field=state,
        record={"Country": "China", "State": "GD"},
        fields={"Country": country, "State": state},
    )
    assert {candidate.value for candidate in declined(request).candidates} == {"Hainan", "Guangdong"}


@pytest.mark.parametrize(
    ("country", "value"),
    [
        ("United States", "Ontario"),
        ("Canada", "California"),
        ("United States", "Canada"),
        ("United States", "n/a"),
        ("United States", "Kent County Council"),
        ("Canada", "Alberta"),
    ],
)
def test_what_the_country_does_not_have_is_declined(country: str, value: str) -> None:
    assert declined(asked("State", country, value)).reason


def test_a_country_without_states_in_the_org_gets_none() -> None:
    assert "drop_state" in declined(asked("State", "Germany", "Bayern")).reason
    assert proposed(asked("State", "Germany", "Bayern", {"drop_state": True})).edits == (
        Edit(field="State", after=None),
    )


def test_a_required_state_is_never_dropped() -> None:
    request = asked("State", "Germany", "Bayern", {"drop_state": True})
    assert isinstance(
        FIXER.propose(dataclasses.replace(request, field=a_state_field(required=True))), Declined
    )


def test_country_and_state_are_written_together_country_first() -> None:
    assert proposed(asked("State", "Kanada", "Ont.")).edits == (
        Edit(field="Country", after="Canada"),
        Edit(field="State", after="Ontario"),
    )


def test_a_state_without_a_country_is_not_written() -> None:
    assert "country" in declined(asked("State", None, "Ontario")).reason


def test_a_state_that_the_org_accepts_is_left_alone() -> None:
    assert declined(asked("State", "Canada", "Ontario")).reason == (
        "the value is already one that the org accepts"
    )


def test_without_a_list_the_english_name_is_written() -> None:
    country = FieldDescription(name="Country", label="Country", type="string", role="country")
    state = FieldDescription(name="State", label="State", type="string", role="state", controller="Country")
    request = FixRequest(
        object="Lead",
        field=state,
        record={"Country": "DE", "State": "Baviera"},
        fields={"Country": country, "State": state},
    )
    assert proposed(request).edits == (Edit(field="State", after="Bavaria"),)
