from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from remediator.earned import (
    Judged,
    Standing,
    decide,
    lost,
    persons_only,
    rule_of,
    standings,
    why_not_earned,
)
from remediator.model import Confidence
from tests.builders import a_change


def judged(*good: bool, rule: str = "bad-country") -> list[Judged]:
    return [Judged(rule=rule, good=each) for each in good]


def test_a_standing_counts_proven_and_reopened_and_the_best_row() -> None:
    found = standings([*judged(True, True, False, True), *judged(True, rule="other")])
    assert found["bad-country"] == Standing(proven=3, reopened=1, streak=2)
    assert found["other"] == Standing(proven=1, reopened=0, streak=1)


def test_a_rule_needs_its_row_of_proven_changes() -> None:
    terms = {"approved": 3, "max_reopened_percent": 10.0}
    assert "2 of 3" in str(why_not_earned("r", Standing(proven=5, reopened=1, streak=2), **terms))  # type: ignore[arg-type]  # a mapping of both
    assert why_not_earned("r", Standing(proven=3, streak=3), **terms) is None  # type: ignore[arg-type]  # as above


def test_a_rule_that_earned_it_loses_it_only_above_its_bound() -> None:
    at_bound = {"r": Standing(proven=98, reopened=2, streak=60)}
    above = {"r": Standing(proven=97, reopened=3, streak=60)}
    assert lost(at_bound, approved=50, max_reopened_percent=2) is None
    assert "3 of 100" in str(lost(above, approved=50, max_reopened_percent=2))


def test_a_rule_that_never_earned_it_has_nothing_to_lose() -> None:
    assert lost({"r": Standing(reopened=9)}, approved=50, max_reopened_percent=2) is None


@given(st.lists(st.booleans(), max_size=60), st.integers(1, 20), st.floats(0, 50))
def test_what_is_lost_is_not_earned(row: list[bool], approved: int, percent: float) -> None:
    standing = standings(judged(*row)).get("bad-country", Standing())
    if lost({"r": standing}, approved=approved, max_reopened_percent=percent) is not None:
        assert why_not_earned("r", standing, approved=approved, max_reopened_percent=percent) is not None


@pytest.mark.parametrize(
    "change",
    [
        a_change(fixer="owner", field="leadOwner", salesforce_field="OwnerId"),
        a_change(fixer="anything", field="ownerId", salesforce_field="OwnerId"),
        a_change(fixer="anything", field="x", salesforce_field="Partner_OwnerId"),
        a_change(fixer="junk-flag"),
        a_change(fixer="stale-reference"),
        a_change(fixer="anything", salesforce_field="RecordTypeId"),
        a_change(fixer="anything", salesforce_field="Sync__c"),
    ],
    ids=lambda change: f"{change.fixer} {change.salesforce_field}",
)
def test_owners_merges_deletes_and_junk_flags_are_never_automatic(change: object) -> None:
    assert persons_only(change, flag_fields=frozenset({"Sync__c"})) is not None  # type: ignore[arg-type]  # a change


def test_a_plain_value_may_become_automatic() -> None:
    assert persons_only(a_change()) is None


def test_a_preventive_change_stands_on_its_fixers_record() -> None:
    assert rule_of(a_change(rule="bad-country")) == "bad-country"
    assert rule_of(a_change(rule=None, fixer="country")) == "fixer country"


def approved(*changes: object, floor: Confidence = Confidence.STRONG, **needs: str) -> set[str]:
    decisions = decide(changes, needs_person=needs, by="c", floor=floor)  # type: ignore[arg-type]  # changes
    return {decision.change for decision in decisions}


def test_a_weak_change_is_never_decided_without_a_person_whatever_the_floor() -> None:
    assert approved(a_change("a", confidence=Confidence.WEAK), floor=Confidence.WEAK) == set()


def test_what_needs_a_person_holds_back_what_stands_beside_it() -> None:
    country = a_change("a", cases=(1,))
    state = a_change("b", cases=(1,), field="state")
    other = a_change("c", cases=(2,), record_id="1002")
    assert approved(country, state, other, b="a person decides") == {"c"}


def test_changes_of_one_record_go_together_even_without_a_case() -> None:
    country = a_change("a")
    state = a_change("b", field="state", confidence=Confidence.WEAK)
    assert approved(country, state, a_change("c", record_id="1002")) == {"c"}
