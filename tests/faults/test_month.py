"""Some days of the simulated month: a real daemon beside a real sandbox on a fast clock, and a lost reply."""

from __future__ import annotations

import pytest

from benchmarks.month import DAILY_SHARE, Month, simulate
from benchmarks.month_processes import MAX_CHANGES, PER_DAY

LOST_REPLY = {(2, 2): ({"name": "drop_after", "match": "POST /rest/v1/leads.json"},)}
"""On the third day, right before the first night in which something approved is written."""


@pytest.fixture(scope="module")
def days(tmp_path_factory: pytest.TempPathFactory) -> Month:
    """Three days with sixty refused people at the start and ten more a day."""
    folder = tmp_path_factory.mktemp("month")
    return simulate(folder, days=3, leads=220, mistakes_a_day=10, seed=4, faults=LOST_REPLY)


def test_campaigns_write_at_night_and_what_they_wrote_is_proven(days: Month) -> None:
    assert [day.written > 0 for day in days.days] == [False, False, True]
    assert days.days[-1].cleared >= days.written // 2


def test_nothing_wrong_is_written_and_nothing_twice_although_a_reply_was_lost(days: Month) -> None:
    assert days.days[-1].struck == 1
    assert days.wrong == []
    assert sum(day.written for day in days.days) == days.written


def test_no_limit_is_passed(days: Month) -> None:
    assert days.largest_run <= MAX_CHANGES
    assert all(day.written <= PER_DAY and day.marketo_calls <= DAILY_SHARE for day in days.days)


def test_every_scheduled_run_takes_place_and_none_fails(days: Month) -> None:
    assert not [name for name, outcome in days.runs if outcome in ("failed", "stopped", "running")]
    assert sum(count for (name, _), count in days.runs.items() if name == "hourly-retries") >= 72
    assert sum(count for (name, _), count in days.runs.items() if name == "nightly-country-state") == 3


def test_the_daemon_drains_on_sigterm_with_its_audit_chain_whole(days: Month) -> None:
    assert days.exit_code == 0
    assert days.audit_intact
