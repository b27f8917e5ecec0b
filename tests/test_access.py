"""One precise request for every grant that the sync user lacks."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from remediator.access import access_requests
from remediator.model import Case, CaseState, Category, FailureLevel
from tests.builders import NOON, a_diagnosis


def a_case(
    number: int = 1, *, message: str = "refused", reported: str | None = "Lead", **diagnosis: Any
) -> Case:
    """A permission case; keywords beyond the case's own describe its diagnosis."""
    words = {"category": Category.PERMISSION, "code": None, "root_code": None, "fields": (), "object": None}
    return Case(
        id=number,
        connection="main",
        fingerprint=f"f{number}",
        state=CaseState.OPEN,
        diagnosis=a_diagnosis(**(words | diagnosis)),
        message=message,
        level=FailureLevel.RECORD,
        object=reported,
        marketo_id=str(number),
        salesforce_id=None,
        first_seen=NOON,
        last_seen=NOON,
        seen_count=1,
    )


@pytest.mark.parametrize(
    ("code", "fields", "message", "kind", "grant"),
    [
        (
            "INVALID_FIELD_FOR_INSERT_UPDATE",
            ("Score__c",),
            "",
            "field_edit",
            "Grant edit on Lead.Score__c to the sync user",
        ),
        (
            "FIELD_NOT_UPDATABLE",
            ("Score__c",),
            "",
            "field_edit",
            "Grant edit on Lead.Score__c to the sync user",
        ),
        (
            "INVALID_FIELD",
            ("Score__c",),
            "",
            "field_read",
            "Grant read on Lead.Score__c to the sync user, or drop the field from the sync",
        ),
        ("INVALID_TYPE", ("Quote",), "", "object_read", "Grant read on the object Quote to the sync user"),
        ("INVALID_TYPE", (), "", "object_read", "Grant read on the object Lead to the sync user"),
        (
            "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY",
            (),
            "entity type cannot be Inserted: Lead",
            "object_create",
            "Grant create on Lead to the sync user",
        ),
        (
            "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY",
            (),
            "entity type cannot be updated: Lead",
            "object_edit",
            "Grant edit on Lead to the sync user",
        ),
        (
            "INSUFFICIENT_ACCESS_ON_CROSS_REFERENCE_ENTITY",
            (),
            "",
            "related_record",
            "Give the sync user access to the records that Lead points at (owner, account, campaign)",
        ),
        (
            "INSUFFICIENT_ACCESS_OR_READONLY",
            (),
            "",
            "record_edit",
            "Give the sync user edit access to these Lead records (sharing, role or Modify All)",
        ),
        ("TRANSFER_REQUIRES_READ", (), "", "owner_read", "Give the new owner read access to Lead"),
        ("610", (), "", "other", "Check the sync user's rights on Lead"),
    ],
)
def test_a_code_becomes_the_grant_it_stands_for(
    code: str, fields: tuple[str, ...], message: str, kind: str, grant: str
) -> None:
    (request,) = access_requests([a_case(code=code, fields=fields, message=message)])
    assert (request.kind, request.grant, request.cases) == (kind, grant, 1)


def test_the_innermost_code_decides() -> None:
    (request,) = access_requests(
        [a_case(code="CANNOT_EXECUTE_FLOW_TRIGGER", root_code="TRANSFER_REQUIRES_READ")]
    )
    assert request.kind == "owner_read"


def test_a_field_without_an_object_is_still_named() -> None:
    (request,) = access_requests([a_case(reported=None, code="FIELD_NOT_UPDATABLE", fields=("Score__c",))])
    assert request.grant == "Grant edit on Score__c to the sync user"


def test_without_object_and_field_the_request_says_so_in_words() -> None:
    (request,) = access_requests([a_case(reported=None, code="TRANSFER_REQUIRES_READ")])
    assert request.grant == "Give the new owner read access to the object"


def test_the_object_that_the_text_names_stands_in_for_an_unreported_one() -> None:
    case = a_case(reported=None, code="TRANSFER_REQUIRES_READ")
    named = replace(case, diagnosis=replace(case.diagnosis, object="Contact"))
    (request,) = access_requests([named])
    assert request.grant == "Give the new owner read access to Contact"


def test_many_cases_of_one_grant_are_one_request_and_the_largest_comes_first() -> None:
    edit = {"code": "FIELD_NOT_UPDATABLE"}
    cases = [
        a_case(1, fields=("A__c",), message="first", **edit),
        a_case(2, fields=("B__c",), **edit),
        a_case(3, fields=("B__c",), message="last", **edit),
    ]
    requests = access_requests(cases)
    assert [(request.fields, request.cases, request.sample) for request in requests] == [
        (("B__c",), 2, "last"),
        (("A__c",), 1, "first"),
    ]


def test_fields_that_one_refusal_names_together_are_one_grant_each() -> None:
    requests = access_requests([a_case(code="FIELD_NOT_UPDATABLE", fields=("A__c", "B__c"))])
    assert [request.grant for request in requests] == [
        "Grant edit on Lead.A__c to the sync user",
        "Grant edit on Lead.B__c to the sync user",
    ]


@pytest.mark.parametrize("category", sorted(set(Category) - {Category.PERMISSION}))
def test_other_categories_ask_for_no_grant(category: Category) -> None:
    assert access_requests([a_case(category=category)]) == []
