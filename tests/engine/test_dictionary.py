"""The dictionary reads describes and the store, whole or not at all."""

from __future__ import annotations

import pytest

from remediator.definitions import FieldFacts
from remediator.engine.dictionary import Dictionary, read_dictionary
from remediator.engine.recording import metered_work
from remediator.errors import VendorError
from remediator.hygiene import Finding, Severity
from remediator.model import Category, SystemName
from remediator.sandbox.salesforce.metadata import PickValue
from remediator.settings import isolated_settings
from tests.engine.world import World


def field(dictionary: Dictionary, name: str) -> FieldFacts:
    (facts,) = (facts for facts in dictionary.fields if facts.name == name)
    return facts


def problem(dictionary: Dictionary, name: str, kind: str) -> Finding:
    (finding,) = (
        one for one in dictionary.findings if f"{one.object}.{one.field}" == name and one.kind == kind
    )
    return finding


def values(*pairs: tuple[str, bool]) -> tuple[PickValue, ...]:
    return tuple(PickValue(value=value, label=value, active=active) for value, active in pairs)


def test_the_mismatches_that_the_sandbox_is_seeded_with_are_found(lite: World) -> None:
    made = read_dictionary(lite.engine)
    assert (
        "255 characters, Lead.Referral_Code__c 12"
        in problem(made, "Lead.Referral_Code__c", "too_long").problem
    )
    for name in ("Lead.Country", "Contact.MailingState", "Lead.Segment__c"):
        assert problem(made, name, "free_text_to_picklist").severity is Severity.MEDIUM
    assert {one.object for one in made.findings} == {"Lead", "Contact"}


def test_a_case_is_put_down_to_the_definition_that_its_code_speaks_of(lite: World) -> None:
    lite.lead(leadScore=4000)
    lite.lead(email="no address")
    lite.refuse()
    made = read_dictionary(lite.engine)
    assert problem(made, "Lead.Lead_Score__c", "out_of_range").open_cases == 1
    assert field(made, "Lead.Email").open_cases == 1
    assert problem(made, "Lead.Email", "too_long").open_cases == 0


def test_open_cases_are_counted_for_the_fields_they_name(lite: World) -> None:
    lite.lead(Referral_Code__c="x" * 30)
    lite.contact(Partner_Tier__c="Gold")
    lite.refuse()
    made = read_dictionary(lite.engine)
    assert problem(made, "Lead.Referral_Code__c", "too_long").open_cases == 1
    tier = field(made, "Contact.Partner_Tier__c")
    assert (tier.open_cases, tier.top_category) == (1, Category.PERMISSION)
    refused = problem(made, "Contact.Partner_Tier__c", "no_edit")
    assert refused.advice.startswith("Grant edit on Contact.Partner_Tier__c to the sync user")
    assert field(made, "Lead.Partner_Tier__c").open_cases == 0


def test_a_settled_case_counts_no_more(lite: World) -> None:
    person = lite.lead(country="Deutschland")
    lite.refuse()
    lite.apply(lite.approved_plan())
    lite.pass_time(minutes=20)
    lite.verify()
    assert lite.state_of(person) == "cleared"
    assert field(read_dictionary(lite.engine), "Lead.Country").open_cases == 0


def test_an_inactive_value_that_still_comes_is_named_and_no_other_refused_value_is(lite: World) -> None:
    lite.sandbox.org.redefine("Lead", "Job_Level__c", values=values(("VP", True), ("Director", False)))
    lite.lead(Job_Level__c="Director")
    lite.lead(Job_Level__c="Top secret job")
    lite.refuse()
    made = read_dictionary(lite.engine)
    assert field(made, "Lead.Job_Level__c").refused_inactive == {"Director": 1}
    assert problem(made, "Lead.Job_Level__c", "inactive_value").open_cases == 1
    assert "secret" not in repr(made)


def test_definitions_that_an_admin_changed_are_judged_as_they_are_now(lite: World) -> None:
    org = lite.sandbox.org
    org.redefine("Lead", "Segment__c", values=values(("VP", True), ("vp ", True)))
    org.redefine("Lead", "Budget__c", calculated=True, createable=False, updateable=False)
    org.redefine("Lead", "Referral_Code__c", type="double", length=0, precision=9)
    org.redefine("Lead", "Legacy_Id__c", createable=False, updateable=False)
    org.redefine("Lead", "Internal_Notes__c", label="Rating")
    made = read_dictionary(lite.engine)
    problem(made, "Lead.Segment__c", "alike_values")
    problem(made, "Lead.Budget__c", "formula")
    problem(made, "Lead.Referral_Code__c", "type")
    problem(made, "Lead.Legacy_Id__c", "read_only")
    problem(made, "Lead.Internal_Notes__c", "shared_label")


def test_a_required_field_that_the_settings_leave_unpaired_is_told(lite: World) -> None:
    lite.engine.settings = isolated_settings(
        **{**dict(lite.engine.settings), "field_map": {"Lead.Lead_Type__c": "", "Lead.Gone__c": "leadType"}}
    )
    made = read_dictionary(lite.engine, ["Lead"])
    assert problem(made, "Lead.Lead_Type__c", "required_alone").severity is Severity.HIGH
    assert "Lead.Gone__c" in problem(made, "Lead.Gone__c", "setting").problem


def test_it_costs_four_describes_counts_them_and_writes_nothing(lite: World) -> None:
    before = lite.sandbox.ledger.last
    with metered_work(lite.engine, "fields") as run:
        read_dictionary(lite.engine)
    entries = lite.sandbox.ledger.entries(after=before)
    asked = [entry["path"] for entry in entries if entry["kind"] == "request"]
    calls = [path for path in asked if "oauth" not in path]
    assert len(calls) == 4
    assert all("describe" in path for path in calls)
    assert not [entry for entry in entries if entry["kind"] == "write"]
    counted = lite.engine.store.running.calls(SystemName.SALESFORCE, lite.engine.clock().date())
    assert counted == run.counters["calls_salesforce_ok"] == 3  # the describes; a log-in costs none


@pytest.mark.parametrize(
    ("system", "match", "named"),
    [
        ("marketo", "GET /rest/v1/leads/describe2.json", "Marketo's describe of people"),
        ("salesforce", "GET */sobjects/Contact/describe*", "Salesforce's describe of Contact"),
    ],
)
def test_a_describe_that_fails_ends_it_and_is_named(lite: World, system: str, match: str, named: str) -> None:
    lite.sandbox.faults.add({"name": "server_error", "system": system, "match": match, "times": None})
    with pytest.raises(VendorError, match=named):
        read_dictionary(lite.engine)


def test_one_object_needs_no_describe_of_the_others(lite: World) -> None:
    lite.sandbox.faults.add(
        {"name": "server_error", "system": "salesforce", "match": "GET */Contact/*", "times": None}
    )
    made = read_dictionary(lite.engine, ["Lead"])
    assert {facts.object for facts in made.fields} == {"Lead"}
    assert not [one for one in made.findings if one.kind == "no_partner"]


def test_two_readings_are_equal(lite: World) -> None:
    assert read_dictionary(lite.engine) == read_dictionary(lite.engine)
