from __future__ import annotations

import pytest

from remediator.engine.comparing import is_shown
from remediator.fixing import FieldDescription
from remediator.values import Value, same_value


@pytest.mark.parametrize(
    ("left", "right"),
    [
        (5, 5.0),
        ("5", 5.0),
        ("5.0", 5),
        (True, "true"),
        (None, ""),
        ("2026-03-02T10:00:00Z", "2026-03-02T10:00:00.000+0000"),
        ("2026-03-02T10:00:00Z", "2026-03-02T11:00:00+01:00"),
    ],
)
def test_both_systems_forms_of_one_value_are_the_same(left: Value, right: Value) -> None:
    assert same_value(left, right)
    assert same_value(right, left)


@pytest.mark.parametrize(
    ("left", "right"),
    [
        (1000, "1_000"),
        (float("nan"), "nan"),
        (12345678901234567, 12345678901234568),
        ("5", "5.0"),
        (0, None),
        (False, None),
        (1, True),
        ("Germany", "Germany\u200b"),
        ("Germany", "germany"),
        ("A;B", "B;A"),
        ("2026-03-02", "2026-03-02T00:00:00Z"),
        ("2026-03-02T10:00:00Z", "2026-03-02T10:00:01Z"),
        ("2026-13-02T10:00:00Z", "2026-13-02T10:00:00.000Z"),
    ],
)
def test_values_that_differ_are_never_the_same(left: Value, right: Value) -> None:
    assert not same_value(left, right)
    assert not same_value(right, left)


def a_field(kind: str, role: str | None = None) -> FieldDescription:
    """Return a field of a type."""
    return FieldDescription(name="F", label="F", type=kind, role=role)


@pytest.mark.parametrize(
    ("kind", "ours", "shown"),
    [
        ("multipicklist", "A;B", "B;A"),
        ("multipicklist", "a; B", "A;B"),
        ("picklist", "gold", "Gold"),
        ("boolean", None, False),
        ("string", "Head of IT ", "Head of IT"),
        ("datetime", "2026-03-02T10:00:00Z", "2026-03-02T10:00:00.000+0000"),
    ],
)
def test_what_salesforce_makes_of_a_value_is_recognised(kind: str, ours: Value, shown: Value) -> None:
    assert is_shown(ours, shown, a_field(kind))


@pytest.mark.parametrize(
    ("kind", "ours", "shown"),
    [
        ("multipicklist", "A;B", "A"),
        ("picklist", "Gold", "Silver"),
        ("picklist", "Gold", None),
        ("boolean", True, None),
        ("string", "gold", "Gold"),
        ("string", "Gold\u200b", "Gold"),
        ("double", 5, "five"),
    ],
)
def test_another_value_is_no_proof(kind: str, ours: Value, shown: Value) -> None:
    assert not is_shown(ours, shown, a_field(kind))


def test_nothing_is_assumed_of_an_unknown_field() -> None:
    assert not is_shown("gold", "Gold", None)
    assert is_shown("gold", "GOLD", a_field("string", role="country"))
