"""F8: a share of all records needs their number; one that is unknown or cannot be right stops every write."""

from __future__ import annotations

from typing import Any

import pytest

from remediator.campaigns import CampaignLimits
from remediator.changes import ChangeState
from remediator.errors import EXIT_ENVIRONMENT, EXIT_LIMIT, LimitReached, VendorError, exit_code
from tests.engine.cycles import a_campaign, approve_plan, broken, looked, run
from tests.engine.world import World

COUNTS = "GET /services/data/*/query*"


@pytest.fixture
def waiting(a_world: World) -> World:
    """Five of ten people whose approved fix waits for a campaign that may change any share."""
    for _ in range(5):
        a_world.lead(country="United States")
    campaign = looked(a_world, a_campaign())
    broken(a_world, 5)
    approve_plan(a_world, run(a_world, campaign))
    return a_world


@pytest.mark.parametrize("total", [0, 1, 2])
def test_a_count_smaller_than_what_is_to_change_is_unknown_and_nothing_is_written(
    waiting: World, total: int
) -> None:
    answer: dict[str, Any] = {"totalSize": total, "done": True, "records": []}
    waiting.sandbox.faults.add({"name": "empty", "match": COUNTS, "times": None, "body": answer})
    with pytest.raises(VendorError) as caught:
        run(waiting, a_campaign())
    assert exit_code(caught.value) == EXIT_ENVIRONMENT
    assert waiting.our_writes() == []
    waiting.sandbox.faults.clear()
    assert run(waiting, a_campaign()).writes.outcomes == {ChangeState.APPLIED: 5}


@pytest.mark.parametrize(
    "fault",
    [
        {"name": "server_error"},
        {"name": "truncated"},
        {"name": "empty", "body": {"done": True, "records": []}},
        {"name": "empty", "body": {"totalSize": "many", "done": True, "records": []}},
        {"name": "empty", "body": {"totalSize": -3, "done": True, "records": []}},
    ],
    ids=["fails", "truncated", "no number", "words", "negative"],
)
def test_a_count_that_is_no_number_is_unknown_and_nothing_is_written(
    waiting: World, fault: dict[str, Any]
) -> None:
    waiting.sandbox.faults.add({"match": COUNTS, "times": None, **fault})
    with pytest.raises(VendorError):
        run(waiting, a_campaign())
    assert waiting.our_writes() == []


@pytest.mark.parametrize(("percent", "stops"), [(49, True), (50, False)])
def test_the_share_is_taken_of_all_records_and_not_of_those_that_change(
    waiting: World, percent: float, *, stops: bool
) -> None:
    campaign = a_campaign(limits=CampaignLimits(max_percent=percent))
    if not stops:
        assert run(waiting, campaign).writes.outcomes == {ChangeState.APPLIED: 5}
        return
    with pytest.raises(LimitReached) as caught:
        run(waiting, campaign)
    assert (caught.value.limit, exit_code(caught.value)) == ("max_percent", EXIT_LIMIT)
    assert waiting.our_writes() == []
