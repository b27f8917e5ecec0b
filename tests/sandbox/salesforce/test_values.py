"""One value against one field."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pytest

from remediator.sandbox.salesforce.errors import Refused
from remediator.sandbox.salesforce.ids import full_id, make_id, with_checksum
from remediator.sandbox.salesforce.metadata import Field
from remediator.sandbox.salesforce.values import checked, has_json_type


def a_field(kind: str, **more: Any) -> Field:
    return Field(name="Some__c", label="Some", type=kind, **{"length": 20, **more})


@pytest.mark.parametrize(
    ("kind", "more", "value", "stored"),
    [
        ("string", {}, 12, "12"),
        ("string", {}, True, "true"),
        ("string", {}, "  ", None),
        ("email", {"length": 80}, "o'neil+x@sub.example.co", "o'neil+x@sub.example.co"),
        ("boolean", {}, "TRUE", True),
        ("boolean", {}, False, False),
        ("double", {"precision": 5, "scale": 2}, "1.005", 1.01),
        ("currency", {"precision": 12, "scale": 2}, 9_999_999_999.99, 9_999_999_999.99),
        ("int", {"digits": 8}, "42", 42),
        ("date", {}, "2026-02-28T10:00:00Z", "2026-02-28"),
        ("date", {}, datetime(2026, 2, 28, tzinfo=UTC), "2026-02-28"),
        ("date", {}, date(2026, 2, 28), "2026-02-28"),
        ("datetime", {}, "2026-02-28T10:00:00+02:00", "2026-02-28T08:00:00.000+0000"),
        ("datetime", {}, "2026-02-28T10:00:00", "2026-02-28T10:00:00.000+0000"),
        ("reference", {}, "00Q5e0000000002", "00Q5e0000000002EAA"),
        ("string", {}, None, None),
    ],
)
def test_a_good_value_is_stored_in_its_own_form(
    kind: str, more: dict[str, Any], value: Any, stored: Any
) -> None:
    assert checked(a_field(kind, **more), value, "en") == stored


@pytest.mark.parametrize(
    ("kind", "more", "value", "code"),
    [
        ("boolean", {}, "yes", "INVALID_TYPE_ON_FIELD_IN_RECORD"),
        ("double", {"precision": 5, "scale": 2}, "NaN", "INVALID_TYPE_ON_FIELD_IN_RECORD"),
        ("double", {"precision": 5, "scale": 2}, True, "INVALID_TYPE_ON_FIELD_IN_RECORD"),
        ("double", {"precision": 5, "scale": 2}, "999.995", "NUMBER_OUTSIDE_VALID_RANGE"),
        ("int", {"digits": 2}, 100, "NUMBER_OUTSIDE_VALID_RANGE"),
        ("int", {}, 1.5, "INVALID_TYPE_ON_FIELD_IN_RECORD"),
        ("int", {}, "1,000", "INVALID_TYPE_ON_FIELD_IN_RECORD"),
        ("date", {}, "02/28/2026", "INVALID_TYPE_ON_FIELD_IN_RECORD"),
        ("datetime", {}, "yesterday", "INVALID_TYPE_ON_FIELD_IN_RECORD"),
        ("reference", {}, "00Q5e0000000002AAA", "MALFORMED_ID"),
        ("email", {}, "a..b@c.de", "INVALID_EMAIL_ADDRESS"),
        ("email", {}, "a@b", "INVALID_EMAIL_ADDRESS"),
        ("email", {}, "a@b.c, d@e.f", "INVALID_EMAIL_ADDRESS"),
        ("string", {}, "x" * 21, "STRING_TOO_LONG"),
    ],
)
def test_a_bad_value_is_refused(kind: str, more: dict[str, Any], value: Any, code: str) -> None:
    with pytest.raises(Refused) as refused:
        checked(a_field(kind, **more), value, "en")

    assert refused.value.errors[0].code == code


@pytest.mark.parametrize(
    ("kind", "value", "taken"),
    [
        ("date", "", False),
        ("date", None, True),
        ("boolean", "yes", False),
        ("boolean", "true", True),
        ("int", 99_999_999_999, True),
        ("string", ["a"], False),
        ("string", 5, True),
    ],
)
def test_json_parsing_knows_types_and_not_ranges(kind: str, value: Any, taken: bool) -> None:
    assert has_json_type(a_field(kind), value) is taken


def test_ids_have_a_checksum_over_their_capitals() -> None:
    assert with_checksum("001A0000006Vm9r") == "001A0000006Vm9rIAC"
    assert full_id(make_id("00Q", 62**2)[:15]) == make_id("00Q", 62**2)
    assert full_id("00q") is None
    assert full_id("001A0000006Vm9rIAD") is None
