"""The table of case states and moves."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from remediator.lifecycle import MOVES, UNSETTLED, IllegalMove, check_move
from remediator.model import CaseState


@given(st.data())
def test_no_path_from_open_reaches_applying_without_passing_approved(data: st.DataObject) -> None:
    state = CaseState.OPEN
    path = [state]
    for _ in range(data.draw(st.integers(1, 30))):
        state = data.draw(st.sampled_from(sorted(MOVES[state])))
        path.append(state)
        if state is CaseState.APPLYING:
            assert path[-2] is CaseState.APPROVED


def test_only_approved_leads_to_applying_and_only_proposed_or_applying_lead_to_approved() -> None:
    def sources(target: CaseState) -> set[CaseState]:
        return {state for state, targets in MOVES.items() if target in targets}

    assert sources(CaseState.APPLYING) == {CaseState.APPROVED}
    assert sources(CaseState.APPROVED) == {CaseState.PROPOSED, CaseState.APPLYING}


def test_every_state_has_a_way_out_and_can_be_reached() -> None:
    assert set(MOVES) == set(CaseState)
    assert all(MOVES.values())
    reached = {CaseState.OPEN}
    while more := {after for state in reached for after in MOVES[state]} - reached:
        reached |= more
    assert reached == set(CaseState)


def test_from_every_state_a_case_can_still_be_cleared() -> None:
    for start in CaseState:
        reached = {start}
        while more := {after for state in reached for after in MOVES[state]} - reached:
            reached |= more
        assert CaseState.CLEARED in reached


def test_settled_cases_are_not_open_work() -> None:
    assert frozenset(CaseState) - UNSETTLED == {CaseState.CLEARED, CaseState.RESOLVED}


@pytest.mark.parametrize("before", list(CaseState))
@pytest.mark.parametrize("after", list(CaseState))
def test_check_move_refuses_exactly_what_the_table_lacks(before: CaseState, after: CaseState) -> None:
    if after in MOVES[before]:
        check_move(before, after)
    else:
        with pytest.raises(IllegalMove, match=f"from {before} to {after}"):
            check_move(before, after)
