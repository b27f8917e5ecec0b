"""What the values themselves promise."""

from __future__ import annotations

from dataclasses import FrozenInstanceError

import pytest
from hypothesis import given
from hypothesis import strategies as st

from remediator.fixing import Candidate, Declined, FieldDescription, FixRequest
from remediator.model import Confidence
from remediator.values import Value, same_value
from tests.builders import a_change, a_diagnosis

CONFIDENCES = st.sampled_from(list(Confidence))
VALUES = st.one_of(
    st.text(), st.integers(), st.floats(allow_nan=False, allow_infinity=False), st.booleans(), st.none()
)
COUNTRY = FieldDescription(name="Country", label="Country", type="picklist")


@given(CONFIDENCES, CONFIDENCES, CONFIDENCES)
def test_confidence_is_an_order(low: Confidence, middle: Confidence, high: Confidence) -> None:
    assert low.at_least(low)
    assert low.at_least(middle) or middle.at_least(low)
    if high.at_least(middle) and middle.at_least(low):
        assert high.at_least(low)


def test_exact_is_surer_than_strong_and_strong_than_weak() -> None:
    assert Confidence.EXACT.at_least(Confidence.STRONG)
    assert Confidence.STRONG.at_least(Confidence.WEAK)
    assert not Confidence.WEAK.at_least(Confidence.STRONG)
    assert not Confidence.STRONG.at_least(Confidence.EXACT)


@pytest.mark.parametrize("reason", ["", "  ", "\n\t"])
def test_declining_needs_a_reason(reason: str) -> None:
    with pytest.raises(ValueError, match="a person can act on"):
        Declined(reason)


def test_declining_may_name_candidates() -> None:
    candidates = (Candidate(value="France", score=71),)
    assert Declined("two are as near", candidates).candidates == candidates
    assert Declined("two are as near").candidates == ()


@pytest.mark.parametrize(("names", "joined"), [((), None), (("Email",), "Email"), (("A", "B"), "A;B")])
def test_a_diagnosis_joins_its_fields(names: tuple[str, ...], joined: str | None) -> None:
    assert a_diagnosis(fields=names).field == joined


def test_a_request_knows_the_failing_fields_value() -> None:
    assert FixRequest(object="Lead", field=COUNTRY, record={"Country": "Frnace"}).value == "Frnace"
    assert FixRequest(object="Lead", field=COUNTRY, record={"State": "x"}).value is None


def test_values_cannot_be_edited_in_place() -> None:
    with pytest.raises(FrozenInstanceError):
        a_change().after = "other"  # type: ignore[misc]  # the very thing that must fail


@given(VALUES, VALUES)
def test_sameness_of_values_goes_both_ways(left: Value, right: Value) -> None:
    assert same_value(left, left)
    assert same_value(left, right) is same_value(right, left)


@pytest.mark.parametrize(
    ("left", "right"),
    [
        (None, ""),
        ("", None),
        (5, 5.0),
        (5, "5"),
        ("5.0", 5),
        (True, "true"),
        ("FALSE", False),
        ("a", "a"),
        ("2026-03-02T10:00:00Z", "2026-03-02T11:00:00.000+0100"),
    ],
    ids=repr,
)
def test_one_value_may_come_back_in_two_forms(left: Value, right: Value) -> None:
    assert same_value(left, right)


@pytest.mark.parametrize(
    ("left", "right"),
    [
        (None, 0),
        (None, False),
        ("", " "),
        ("a", "a\u200b"),
        ("France", "france"),
        ("é", "e\u0301"),
        (5, 5.1),
        (5, "five"),
        (True, "yes"),
        (True, None),
        (True, False),
        ("2026-13-40T10:00:00Z", "2026-13-40T10:00:00.0Z"),
        ("2026-03-02T10:00:00Z", "2026-03-02T10:00:01Z"),
        ("2026-03-02T10:00:00Z", "noon"),
    ],
    ids=ascii,
)
def test_what_may_be_the_very_thing_that_was_fixed_is_not_the_same(left: Value, right: Value) -> None:
    assert not same_value(left, right)
