"""State and country picklists, as the help pages describe them."""

from __future__ import annotations

from typing import Any

import pytest

from remediator.sandbox.salesforce.address import codes_for
from remediator.sandbox.salesforce.geography import COUNTRIES, STATES
from remediator.sandbox.salesforce.org import Org
from remediator.sandbox.salesforce.schema import LEAD
from tests.sandbox.salesforce.conftest import a_lead

FIELDS = ("Country", "CountryCode", "State", "StateCode")


def written(org: Org, values: dict[str, Any], **stored: Any) -> tuple[Any, ...]:
    """Update a lead; the four address fields, or the one error's (message, fields)."""
    (record_id,) = org.load("Lead", [a_lead(**stored)])
    outcome = org.update("Lead", record_id, values)
    if not outcome.success:
        (error,) = outcome.errors
        assert error.code == "FIELD_INTEGRITY_EXCEPTION"
        return error.message, error.fields
    row = org.get("Lead", record_id)
    assert row is not None
    return tuple(row[name] for name in FIELDS)


def created(org: Org, **values: Any) -> tuple[Any, ...]:
    """Create a lead and return the four address fields."""
    outcome = org.insert("Lead", a_lead(**values))
    assert outcome.success, outcome.errors
    row = org.get("Lead", str(outcome.id))
    assert row is not None
    return tuple(row[name] for name in FIELDS)


def test_a_code_brings_its_text_and_a_text_its_code(org: Org) -> None:
    assert written(org, {"CountryCode": "de"}) == ("Germany", "DE", None, None)
    assert written(org, {"Country": "united states", "State": "california"}) == (
        "United States",
        "US",
        "California",
        "CA",
    )


def test_a_country_that_is_no_integration_value_is_a_problem(org: Org) -> None:
    message, fields = written(org, {"Country": "Deutschland"})

    assert message.startswith("There's a problem with this country, even though it may appear correct.")
    assert message.endswith(": Country")
    assert fields == ("Country",)


def test_an_iso_code_is_no_integration_value(org: Org) -> None:
    assert written(org, {"Country": "US"})[1] == ("Country",)


def test_a_bad_code_names_field_and_value(org: Org) -> None:
    assert written(org, {"CountryCode": "XX"})[0] == (
        "The CountryCode field contains XX, which isn't an available country/territory. Your administrator"
        " can add it for you."
    )


def test_a_state_needs_a_country(org: Org) -> None:
    assert written(org, {"State": "California"}) == (
        "A country/territory must be specified before specifying a state value for field: State/Province",
        ("State",),
    )


def test_a_state_of_a_country_without_states_is_refused_even_when_it_is_real(org: Org) -> None:
    message, fields = written(org, {"Country": "Germany", "State": "Bayern"})

    assert message.startswith("There's a problem with this state,")
    assert fields == ("State",)


def test_a_state_of_another_country_clashes_with_the_stored_country(org: Org) -> None:
    assert written(org, {"State": "California"}, Country="Canada") == (
        "The existing country/territory doesn't recognize the state value for field: State/Province",
        ("State",),
    )


def test_a_new_country_clashes_with_the_stored_state(org: Org) -> None:
    message, _ = written(org, {"Country": "Canada"}, Country="United States", State="California")

    assert message.startswith("The existing country/territory doesn't recognize the state value")


def test_country_and_state_may_change_together(org: Org) -> None:
    stored = {"Country": "United States", "State": "California"}

    assert written(org, {"Country": "Canada", "State": "Ontario"}, **stored) == (
        "Canada",
        "CA",
        "Ontario",
        "ON",
    )
    assert written(org, {"Country": "Germany", "State": None}, **stored) == ("Germany", "DE", None, None)


def test_clearing_the_country_code_clears_the_whole_pair(org: Org) -> None:
    assert written(org, {"CountryCode": None}, Country="United States", State="Ohio") == (None,) * 4


def test_an_old_country_from_before_the_picklists_stays_until_it_is_touched(org: Org) -> None:
    assert written(org, {"City": "Bonn"}, Country="Old Prussia")[0] == "Old Prussia"
    assert "existing country" in written(org, {"State": "Ohio"}, Country="Old Prussia")[0]


def test_text_and_code_that_disagree_are_refused_on_update_and_the_code_wins_on_create(org: Org) -> None:
    both = {"Country": "Germany", "CountryCode": "FR"}

    assert written(org, both) == (
        "Mismatched integration value and ISO code for field: Country",
        ("Country",),
    )
    assert created(org, **both) == ("France", "FR", None, None)


def test_contacts_have_the_same_rules_under_their_own_labels(org: Org) -> None:
    (record_id,) = org.load("Contact", [{"LastName": "A", "Lead_Type__c": "Event"}])

    (error,) = org.update("Contact", record_id, {"MailingState": "Ohio"}).errors

    assert error.message.endswith("for field: Mailing State/Province")
    assert error.fields == ("MailingState",)


@pytest.mark.parametrize(("country", "count"), [("CN", 34), ("MX", 32), ("JP", 47), ("IE", 26), ("AU", 8)])
def test_states_are_shipped_for_ten_countries_only(country: str, count: int) -> None:
    assert len(STATES[country]) == count
    assert len(STATES) == 10
    assert "HK" not in COUNTRIES


def test_every_shipped_pair_is_accepted_by_its_texts(org: Org) -> None:
    pairs = [(country, "", name, "") for country, name in COUNTRIES.items()]
    pairs += [
        (country, code, COUNTRIES[country], state)
        for country, states in STATES.items()
        for code, state in states.items()
    ]
    for country, code, name, state in pairs:
        accepted = written(org, {"Country": name, "State": state or None})
        assert accepted == (name, country, state or None, code or None)


def test_loaded_rows_get_the_codes_of_their_texts(org: Org) -> None:
    row = {"Country": "Japan", "State": "Tokyo"}

    assert codes_for(LEAD, row) == {"CountryCode": "JP", "StateCode": "13"}
    assert codes_for(LEAD, {"Country": "Nippon", "State": "Tokyo"}) == {}
