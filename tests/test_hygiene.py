"""What is wrong with a field's definition, told from the definitions and the open cases alone."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from remediator.definitions import FieldFacts, MarketoFacts
from remediator.fixing import PicklistEntry
from remediator.hygiene import Finding, Severity, find_problems, in_order, setting_problems
from remediator.model import AccessRequest, Category

GOOD = FieldFacts(
    object="Lead",
    field="Tier__c",
    label="Tier",
    type="string",
    length=255,
    marketo_field="tier",
    marketo_label="Tier",
    marketo_type="string",
    marketo_length=255,
    paired_because="the settings pair it with tier",
)


def a_field(**facts: Any) -> FieldFacts:
    """A synced text field with which everything is in order, but for what is named."""
    return replace(GOOD, **facts)


def entries(*values: str, active: bool = True) -> tuple[PicklistEntry, ...]:
    return tuple(PicklistEntry(value=value, label=value, active=active) for value in values)


def kinds(*fields: FieldFacts) -> list[str]:
    return [finding.kind for finding in find_problems(fields, ())]


def the_one(*fields: FieldFacts) -> Finding:
    (finding,) = find_problems(fields, ())
    return finding


def test_a_pair_with_equal_definitions_has_no_problem() -> None:
    assert find_problems([GOOD], ()) == []


def test_a_marketo_field_that_takes_more_than_salesforce_is_told_with_both_lengths() -> None:
    finding = the_one(a_field(length=12))
    assert (finding.kind, finding.severity) == ("too_long", Severity.MEDIUM)
    assert "255 characters, Lead.Tier__c 12" in finding.problem
    assert "lengthen" in finding.advice


def test_a_standard_field_is_not_to_be_lengthened() -> None:
    finding = the_one(a_field(field="FirstName", length=40))
    assert finding.severity is Severity.LOW
    assert "lengthen" not in finding.advice


def test_a_longer_salesforce_field_is_no_problem() -> None:
    assert kinds(a_field(length=4000)) == []


def test_open_cases_that_a_problem_explains_make_it_a_high_one() -> None:
    finding = the_one(a_field(length=12, codes={"STRING_TOO_LONG": 3, "INVALID_EMAIL_ADDRESS": 9}))
    assert (finding.severity, finding.open_cases) == (Severity.HIGH, 3)
    other = the_one(a_field(length=12, codes={"INVALID_EMAIL_ADDRESS": 9}, cases={Category.BAD_DATA: 9}))
    assert (other.severity, other.open_cases) == (Severity.MEDIUM, 0)
    unreadable = {"JSON_PARSER_ERROR": 1, "INVALID_TYPE_ON_FIELD_IN_RECORD": 2}
    assert the_one(a_field(type="date", length=None, codes=unreadable)).open_cases == 3


def test_a_number_range_is_told_only_where_a_case_says_so() -> None:
    score = a_field(type="double", marketo_type="score", length=None, precision=5, scale=2)
    assert kinds(score) == []
    finding = the_one(replace(score, codes={"NUMBER_OUTSIDE_VALID_RANGE": 7}))
    assert (finding.kind, finding.severity, finding.open_cases) == ("out_of_range", Severity.HIGH, 7)
    assert "3 digits before the point" in finding.problem


def test_free_text_into_a_restricted_picklist_is_told_and_into_an_open_one_is_not() -> None:
    picklist = entries("A", "B") + entries("C", active=False)
    finding = the_one(a_field(type="picklist", restricted=True, picklist=picklist))
    assert finding.kind == "free_text_to_picklist"
    assert "the 2 values" in finding.problem
    assert kinds(a_field(type="picklist", restricted=False, picklist=picklist)) == []


@pytest.mark.parametrize(
    ("marketo", "salesforce", "told"),
    [
        ("string", "double", True),
        ("string", "date", True),
        ("string", "boolean", True),
        ("date", "datetime", True),
        ("float", "boolean", True),
        ("score", "double", False),
        ("currency", "int", False),
        ("date", "string", False),
        ("boolean", "boolean", False),
        ("string", "reference", False),
        ("a new type", "double", False),
        ("string", "a new type", False),
    ],
)
def test_a_type_differs_where_a_value_may_be_unreadable_on_the_other_side(
    marketo: str, salesforce: str, told: bool
) -> None:
    found = kinds(a_field(marketo_type=marketo, type=salesforce, length=None, marketo_length=None))
    assert found == (["type"] if told else [])


def test_a_field_that_our_user_may_only_read_is_told_without_claiming_it_of_the_sync_user() -> None:
    finding = the_one(a_field(createable=False, updateable=False))
    assert finding.kind == "read_only"
    assert "describe does not tell us" in finding.problem
    assert "remediator access" in finding.advice


def test_a_formula_is_told_for_its_age_and_not_for_being_read_only() -> None:
    finding = the_one(a_field(formula=True, createable=False, updateable=False))
    assert (finding.kind, finding.severity) == ("formula", Severity.LOW)
    assert "SystemModstamp" in finding.problem


def test_a_required_field_without_a_partner_is_told() -> None:
    finding = the_one(a_field(marketo_field=None, required=True))
    assert (finding.kind, finding.severity) == ("required_alone", Severity.HIGH)
    assert kinds(a_field(marketo_field=None)) == []


def test_a_required_field_is_called_empty_only_where_a_case_says_so() -> None:
    assert kinds(a_field(required=True)) == []
    finding = the_one(a_field(required=True, cases={Category.MISSING_REQUIRED: 1}))
    assert (finding.kind, finding.open_cases) == ("required_empty", 1)
    assert "1 open case" in finding.problem


def test_nothing_of_an_account_is_refused_because_accounts_only_come_from_salesforce() -> None:
    account = a_field(object="Account", length=12, createable=False, updateable=False)
    assert kinds(account, a_field(object="Account", field="X__c", label="X", marketo_field=None)) == []
    assert kinds(a_field(object="Account", required=True, marketo_field=None)) == []


def test_active_values_that_differ_in_case_or_blanks_are_told_once_and_quoted() -> None:
    picklist = entries("VP", " vp", "Director")
    finding = the_one(a_field(object="Account", picklist=picklist))
    assert finding.kind == "alike_values"
    assert '" vp" and "VP"' in finding.problem


@pytest.mark.parametrize(
    "picklist",
    [
        pytest.param(entries("VP") + entries("vp", active=False), id="one of them inactive"),
        pytest.param(entries("VP", "VP"), id="the same value under two controlling values"),
    ],
)
def test_values_that_nobody_can_mix_up_are_left_alone(picklist: tuple[PicklistEntry, ...]) -> None:
    assert kinds(a_field(object="Account", picklist=picklist)) == []


def test_states_of_two_countries_may_look_alike() -> None:
    assert kinds(a_field(object="Account", role="state", picklist=entries("Misiones", "misiones"))) == []


def test_an_inactive_value_that_open_cases_were_refused_for_is_told_with_its_count() -> None:
    finding = the_one(a_field(refused_inactive={"Gold": 4}))
    assert (finding.kind, finding.severity, finding.open_cases) == ("inactive_value", Severity.HIGH, 4)
    assert '"Gold"' in finding.problem


def test_a_label_that_two_fields_share_is_told_if_one_of_them_is_synced() -> None:
    other = a_field(field="Old_Tier__c", label="tier ", marketo_field=None)
    finding = the_one(other, GOOD)
    assert (finding.kind, finding.field) == ("shared_label", "Tier__c")
    assert "Lead.Old_Tier__c and Lead.Tier__c" in finding.problem
    unsynced = replace(GOOD, marketo_field=None)
    assert kinds(other, unsynced) == []
    assert kinds(GOOD, replace(GOOD, object="Contact")) == []


def test_a_second_marketo_field_that_fits_a_salesforce_field_is_told_with_the_one_taken() -> None:
    ours = [
        MarketoFacts(field="tier", label="Tier", synced=True),
        MarketoFacts(field="Tier__c", label="Tier (old)", synced=True),
    ]
    (finding,) = find_problems([GOOD], ours)
    assert finding.kind == "two_partners"
    assert "remediator takes tier, because the settings pair it" in finding.problem


def test_a_synced_marketo_field_that_no_salesforce_field_is_known_for_is_told() -> None:
    ours = [
        MarketoFacts(field="tier", label="Tier", synced=True),
        MarketoFacts(field="lost", label="Lost", synced=True),
        MarketoFacts(field="own", label="Own", synced=False),
        MarketoFacts(field="sfdcLeadId", label="SFDC Lead Id", synced=True),
    ]
    (finding,) = find_problems([GOOD], ours)
    assert (finding.kind, finding.marketo_field) == ("no_partner", "lost")


@pytest.mark.parametrize(
    ("kind", "told"), [("field_edit", "no_edit"), ("field_read", "no_read"), ("record_edit", None)]
)
def test_a_right_on_a_field_that_the_sync_user_was_refused_points_to_access(
    kind: str, told: str | None
) -> None:
    request = AccessRequest(
        grant="Grant it", kind=kind, object="Lead", fields=("Tier__c",), cases=2, sample="secret@example.com"
    )
    found = find_problems([GOOD], (), [request, replace(request, object="Case")])
    assert [one.kind for one in found] == ([told] if told else [])
    for one in found:
        assert (one.severity, one.marketo_field, one.open_cases) == (Severity.HIGH, "tier", 2)
        assert one.advice == "Grant it; see: remediator access"
        assert "secret" not in one.problem


@pytest.mark.parametrize(
    ("field_map", "told"),
    [
        ({"Lead.Tier__c": "tier", "Tier__c": "tier"}, None),
        ({"Lead.Tier__c": ""}, None),
        ({"Contact.Anything": "nothing"}, None),
        ({"Lead.Tier__c": "teir"}, "teir, which is no Marketo field"),
        ({"Lead.Teir__c": "tier"}, "does not see"),
        ({"Lead.Other__c": "tier"}, "Lead.Other__c is left out"),
    ],
)
def test_a_line_of_field_map_that_does_nothing_is_told(field_map: dict[str, str], told: str | None) -> None:
    fields = [GOOD, a_field(field="Other__c", label="Other", marketo_field=None)]
    found = setting_problems(field_map, fields, {"tier"})
    assert len(found) == (told is not None)
    assert all(told in finding.problem for finding in found if told)


def test_the_worst_come_first_and_the_order_does_not_depend_on_the_input() -> None:
    fields = [
        a_field(field="B__c", label="B", length=1),
        a_field(field="A__c", label="A", length=1),
        a_field(field="C__c", label="C", formula=True),
        a_field(field="D__c", label="D", length=1, codes={"STRING_TOO_LONG": 1}),
        a_field(field="E__c", label="E", length=1, codes={"STRING_TOO_LONG": 2}),
    ]
    found = find_problems(fields, ())
    assert [one.field for one in found] == ["E__c", "D__c", "A__c", "B__c", "C__c"]
    assert in_order(reversed(found)) == found == find_problems(fields[::-1], ())


def test_the_top_category_is_that_of_most_cases() -> None:
    facts = a_field(cases={Category.PERMISSION: 2, Category.BAD_DATA: 2, Category.UNKNOWN: 1})
    assert (facts.top_category, facts.open_cases, facts.name) == (Category.BAD_DATA, 5, "Lead.Tier__c")
    assert a_field().top_category is None
