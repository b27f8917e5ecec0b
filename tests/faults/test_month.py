"""Some days of the simulated month: a real daemon beside a real sandbox on a fast clock, and a lost reply."""

from __future__ import annotations

import pytest

from benchmarks.month import simulate
from benchmarks.month_days import Day, Month
from benchmarks.month_page import page
from benchmarks.month_processes import DAILY_SHARE, MAX_CHANGES, PER_DAY
from benchmarks.month_promises import promises

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
    assert not [name for name, outcome in days.outcomes if outcome in ("failed", "stopped", "running")]
    assert sum(run.campaign == "hourly-retries" for run in days.runs) >= 72
    assert sum(run.campaign == "nightly-country-state" for run in days.runs) == 3
    assert days.ticks >= 72 + 3
    assert days.missed == []


def test_the_daemon_drains_on_sigterm_with_its_audit_chain_whole(days: Month) -> None:
    assert days.exit_code == 0
    assert days.audit_intact


def test_no_promise_is_broken_and_what_three_days_cannot_tell_is_not_called_kept(days: Month) -> None:
    judged = {promise.name: promise.kept for promise in promises(days)}
    assert False not in judged.values()
    assert [name for name, kept in judged.items() if kept is None] == [
        "open cases stay bounded",
        "memory is flat",
        "the store's files are flat",
        "the store's rows are flat",
    ]
    assert page(days).count("NOT JUDGED") == 4


def a_month(*, memory_mb: float = 0.0, store_mb: float = 0.0, rows: int = 0, open_cases: int = 0) -> Month:
    """Return thirty days of which each is so much more than the one before."""
    month = Month(mistakes_a_day=40, retention_days=7, exit_code=0, audit_intact=True)
    month.days = [
        Day(
            memory_mb=150 + memory_mb * number,
            store_mb=10 + store_mb * number,
            rows={"cases": 1_000 + rows * number, "alembic_version": 1},
            open=100 + open_cases * number,
        )
        for number in range(30)
    ]
    return month


@pytest.mark.parametrize(
    ("name", "grown"),
    [
        ("memory is flat", a_month(memory_mb=0.5)),
        ("the store's files are flat", a_month(store_mb=0.3)),
        ("the store's rows are flat", a_month(rows=20)),
        ("open cases stay bounded", a_month(open_cases=7)),
    ],
)
def test_slow_growth_breaks_the_promise_of_its_name(name: str, grown: Month) -> None:
    even = {promise.name: promise.kept for promise in promises(a_month())}
    assert even[name] is True
    verdicts = {promise.name: promise.kept for promise in promises(grown)}
    assert verdicts[name] is False
    assert {other: kept for other, kept in verdicts.items() if other != name} == {
        other: kept for other, kept in even.items() if other != name
    }
