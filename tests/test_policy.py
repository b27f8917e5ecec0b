"""Limits on the whole plan, and approvals that leave no case half done."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from remediator.changes import Change
from remediator.errors import LimitReached
from remediator.model import Confidence, SystemName
from remediator.policy import Limits, approve, check_limits
from tests.builders import a_change

CONFIDENCES = st.sampled_from(list(Confidence))
SYSTEMS = st.sampled_from(list(SystemName))


@st.composite
def change_lists(draw: st.DrawFn) -> list[Change]:
    """Changes over few records and cases, so that they often meet."""
    drawn = draw(
        st.lists(
            st.tuples(CONFIDENCES, st.frozensets(st.integers(1, 8), max_size=3), SYSTEMS, st.integers(1, 6)),
            max_size=15,
        )
    )
    return [
        a_change(f"p1-{n}", confidence=confidence, cases=tuple(cases), system=system, record_id=str(record))
        for n, (confidence, cases, system, record) in enumerate(drawn, start=1)
    ]


@given(changes=change_lists(), floor=CONFIDENCES)
def test_nothing_below_the_floor_is_approved(changes: list[Change], floor: Confidence) -> None:
    approved = {decision.change for decision in approve(changes, by="ana", floor=floor)}
    assert all(change.confidence.at_least(floor) for change in changes if change.id in approved)


@given(changes=change_lists(), floor=CONFIDENCES)
def test_no_case_is_approved_by_half(changes: list[Change], floor: Confidence) -> None:
    approved = {decision.change for decision in approve(changes, by="ana", floor=floor)}
    for case in {case for change in changes for case in change.cases}:
        assert len({change.id in approved for change in changes if case in change.cases}) == 1


@given(changes=change_lists(), floor=CONFIDENCES)
def test_what_no_unsure_change_touches_is_approved(changes: list[Change], floor: Confidence) -> None:
    approved = {decision.change for decision in approve(changes, by="ana", floor=floor)}
    unsure = {case for change in changes if not change.confidence.at_least(floor) for case in change.cases}
    if not unsure:
        assert approved == {change.id for change in changes if change.confidence.at_least(floor)}


def test_an_unsure_change_holds_back_a_case_that_it_reaches_over_another_one() -> None:
    changes = [
        a_change("p1-1", cases=(1,)),
        a_change("p1-2", cases=(1, 2)),
        a_change("p1-3", cases=(2,), confidence=Confidence.WEAK),
        a_change("p1-4", cases=(3,)),
    ]
    assert [decision.change for decision in approve(changes, by="ana")] == ["p1-4"]


def test_an_approval_says_who_and_why_and_picks_nothing() -> None:
    (decision,) = approve([a_change()], by="ana", note="checked by hand")
    assert (decision.change, decision.approved, decision.by, decision.note) == (
        "p1-1",
        True,
        "ana",
        "checked by hand",
    )
    assert not decision.picked


@given(changes=change_lists(), most=st.integers(0, 15))
def test_more_changes_than_the_limit_never_pass(changes: list[Change], most: int) -> None:
    limits = Limits(max_changes=most)
    if len(changes) <= most:
        check_limits(changes, limits)
    else:
        with pytest.raises(LimitReached, match="nothing was written") as caught:
            check_limits(changes, limits)
        assert caught.value.limit == "max_changes"


@given(
    changes=change_lists(),
    percent=st.floats(0, 100),
    population=st.dictionaries(SYSTEMS, st.integers(0, 40)),
)
def test_a_larger_share_of_the_records_than_the_limit_never_passes(
    changes: list[Change], percent: float, population: dict[SystemName, int]
) -> None:
    touched = {
        system: len({change.record_id for change in changes if change.system is system})
        for system in SystemName
    }
    within = all(touched[system] * 100 <= percent * total for system, total in population.items())
    limits = Limits(max_changes=100, max_percent=percent)
    if within:
        check_limits(changes, limits, population=population)
    else:
        with pytest.raises(LimitReached, match=r"limits\.max_percent") as caught:
            check_limits(changes, limits, population=population)
        assert caught.value.limit == "max_percent"


def test_two_changes_of_one_record_count_once_in_the_share() -> None:
    changes = [a_change("p1-1", field="country"), a_change("p1-2", field="state")]
    check_limits(changes, Limits(max_changes=2, max_percent=10), population={SystemName.MARKETO: 10})


def test_a_system_that_counts_no_records_has_none_to_change() -> None:
    with pytest.raises(LimitReached):
        check_limits([a_change()], Limits(max_changes=9), population={SystemName.MARKETO: 0})


def test_a_share_that_is_no_number_lets_nothing_through() -> None:
    limits = Limits(max_changes=9, max_percent=float("nan"))
    with pytest.raises(LimitReached):
        check_limits([a_change()], limits, population={SystemName.MARKETO: 1000})
