from __future__ import annotations

import pytest

from fixers.acceptance import propose, refusal, salesforce_length
from remediator.api import Confidence, Declined, FixRequest, PicklistEntry, Proposal, Value
from tests.fixers.asking import a_field, entries


def test_a_surrogate_pair_counts_as_two_characters() -> None:
    assert salesforce_length("a\U00020b9f") == 3
    assert refusal(a_field(length=2), "\U00020b9f\U00020b9f") is not None
    assert refusal(a_field(length=4), "\U00020b9f\U00020b9f") is None


def test_marketo_text_is_limited_in_bytes_and_marketo_string_in_characters() -> None:
    text = "é" * 200
    assert refusal(a_field(marketo_length=255), text) is None
    assert "bytes" in str(refusal(a_field(type="textarea", marketo_length=300), text))


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("int", 2**31),
        ("int", 1.5),
        ("int", True),
        ("int", "5"),
        ("double", float("nan")),
        ("double", float("inf")),
        ("boolean", 1),
        ("boolean", "true"),
        ("string", 5),
        ("string", "a\x00b"),
        ("string", "\ud800"),
        ("email", "jo@acme"),
        ("date", "2024-02-30"),
        ("date", "1699-12-31"),
        ("date", "20240305"),
        ("datetime", "2024-03-05T10:00:00"),
        ("datetime", "2024-03-05"),
        ("reference", "005"),
    ],
)
def test_a_value_that_its_type_forbids_is_refused(kind: str, value: Value) -> None:
    assert refusal(a_field(type=kind), value)


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("int", 2**31 - 1),
        ("double", 0.1),
        ("boolean", False),
        ("email", "jo@acme.com"),
        ("date", "2024-02-29"),
        ("datetime", "2024-03-05T10:00:00.000+0100"),
        ("reference", "005000000000001AAA"),
        ("string", ""),
        ("picklist", "anything, when there is no list"),
    ],
)
def test_a_value_that_its_type_allows_is_accepted(kind: str, value: Value) -> None:
    assert refusal(a_field(type=kind), value) is None


def test_precision_and_scale_hold() -> None:
    amount = a_field(type="currency", precision=5, scale=2)
    assert refusal(amount, 999.99) is None
    assert "before the point" in str(refusal(amount, 1000))
    assert "after the point" in str(refusal(amount, 0.001))


def test_an_empty_value_is_refused_by_a_required_field_only() -> None:
    assert refusal(a_field(required=True), None) == "Field is required"
    assert refusal(a_field(), "") is None


def test_letters_outside_ascii_are_refused_in_an_address_that_marketo_holds() -> None:
    assert refusal(a_field(type="email"), "josé@acme.com") is None
    assert refusal(a_field(type="email", marketo_name="email"), "josé@acme.com")


def test_an_inactive_or_unknown_entry_is_refused_and_a_multi_select_by_element() -> None:
    old = PicklistEntry(value="Old", label="Old", active=False)
    one = a_field(type="picklist", restricted=True, picklist=(*entries("New"), old))
    several = a_field(type="multipicklist", restricted=True, picklist=(*entries("A", "B"), old))
    assert refusal(one, "New") is None
    assert refusal(one, "Old")
    assert refusal(several, "A;B") is None
    assert refusal(several, "A;Old")


def test_a_dependent_entry_is_refused_under_another_controlling_value() -> None:
    industry = a_field(type="picklist", name="Industry", picklist=entries("Software", "Retail"))
    dependent = a_field(
        type="picklist",
        restricted=True,
        controller="Industry",
        picklist=(PicklistEntry(value="SaaS", label="SaaS", valid_for=frozenset({0})),),
    )
    fields = {"Industry": industry}
    assert refusal(dependent, "SaaS", {"Industry": "Software"}, fields) is None
    assert refusal(dependent, "SaaS", {"Industry": "Retail"}, fields)
    assert refusal(dependent, "SaaS", {"Industry": None}, fields)
    assert refusal(dependent, "SaaS", {}, fields) is None


def test_a_checkbox_controls_by_false_and_true() -> None:
    flag = a_field(type="boolean", name="Flag")
    dependent = a_field(
        type="picklist",
        restricted=True,
        controller="Flag",
        picklist=(PicklistEntry(value="Yes", label="Yes", valid_for=frozenset({1})),),
    )
    assert refusal(dependent, "Yes", {"Flag": True}, {"Flag": flag}) is None
    assert refusal(dependent, "Yes", {"Flag": False}, {"Flag": flag})


def test_a_forbidden_value_is_never_proposed() -> None:
    request = FixRequest(object="Lead", field=a_field(length=3), record={"Field__c": "x"})
    assert isinstance(propose(request, "four", Confidence.EXACT, "made longer"), Declined)
    assert isinstance(propose(request, "a\u200b", Confidence.EXACT, "spoilt"), Declined)
    assert isinstance(propose(request, "x", Confidence.EXACT, "same"), Declined)
    assert isinstance(propose(request, "two", Confidence.EXACT, "changed"), Proposal)
