from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from remediator.schedule import (
    Window,
    check_cron,
    closes_at,
    day_start,
    due_ticks,
    is_open,
    next_tick,
    opens_at,
    ticks_between,
)


@dataclass(frozen=True)
class Nightly:
    schedule: str | None = "30 2 * * *"
    timezone: str = "Europe/Berlin"


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def berlin_ticks(expression: str, start: str, end: str) -> list[str]:
    ticks = ticks_between(expression, "Europe/Berlin", utc(start), utc(end))
    return [f"{tick:%m-%d %H:%M}" for tick in ticks]


def test_a_run_at_half_past_two_happens_once_in_the_short_night() -> None:
    # On 29 March 2026 the clocks go from 02:00 to 03:00 in Berlin.
    assert berlin_ticks("30 2 * * *", "2026-03-28T12:00", "2026-03-30T12:00") == [
        "03-29 01:30",
        "03-30 00:30",
    ]


def test_a_run_at_half_past_two_happens_once_in_the_long_night() -> None:
    # On 25 October 2026 the clocks go from 03:00 back to 02:00 in Berlin.
    assert berlin_ticks("30 2 * * *", "2026-10-24T12:00", "2026-10-26T12:00") == [
        "10-25 00:30",
        "10-26 01:30",
    ]


@pytest.mark.parametrize("night", ["2026-03-28T22:00", "2026-10-24T22:00"])
def test_an_hourly_run_keeps_its_hour_while_the_clocks_change(night: str) -> None:
    ticks = list(ticks_between("0 * * * *", "Europe/Berlin", utc(night), utc(night) + timedelta(hours=8)))
    assert ticks == [utc(night) + timedelta(hours=n) for n in range(1, 9)]


@given(
    minute=st.integers(0, 59),
    hour=st.integers(0, 23),
    zone=st.sampled_from(
        [
            "Europe/Berlin",
            "America/New_York",
            "Australia/Lord_Howe",
            "Asia/Kolkata",
            "America/Santiago",
            "UTC",
        ]
    ),
    day=st.integers(0, 720),
)
def test_a_daily_run_happens_once_on_every_day(minute: int, hour: int, zone: str, day: int) -> None:
    start = day_start(zone, utc("2025-01-01T12:00") + timedelta(days=day))
    end = day_start(zone, start + timedelta(hours=30))
    ticks = list(
        ticks_between(
            f"{minute} {hour} * * *", zone, start - timedelta(seconds=1), end - timedelta(seconds=1)
        )
    )
    assert len(ticks) == 1


def test_missed_ticks_come_to_the_last_one() -> None:
    assert due_ticks(Nightly(), utc("2026-05-01T12:00"), utc("2026-05-11T12:00")) == [utc("2026-05-11T00:30")]


def test_years_of_missed_minutes_are_not_counted_one_by_one() -> None:
    minutely = Nightly(schedule="* * * * *")
    assert due_ticks(minutely, utc("2010-01-01T00:00"), utc("2026-05-01T12:00:30")) == [
        utc("2026-05-01T12:00")
    ]


def test_a_tick_that_was_served_is_not_due_again() -> None:
    served = utc("2026-05-11T00:30")
    assert due_ticks(Nightly(), served, served + timedelta(hours=23)) == []
    assert due_ticks(Nightly(), served, served + timedelta(hours=24)) == [served + timedelta(hours=24)]


def test_without_a_schedule_nothing_is_due() -> None:
    by_hand = Nightly(schedule=None)
    assert due_ticks(by_hand, utc("2020-01-01T00:00"), utc("2026-01-01T00:00")) == []
    assert next_tick(by_hand, utc("2020-01-01T00:00")) is None


def test_the_next_tick_is_found_however_far_it_is() -> None:
    assert next_tick(Nightly(schedule="0 0 29 2 *", timezone="UTC"), utc("2026-01-01T00:00")) == utc(
        "2028-02-29T00:00"
    )


@pytest.mark.parametrize(
    ("weekday", "days"),
    [
        ("0", ["Sun"]),
        ("7", ["Sun"]),
        ("1-5", ["Mon", "Tue", "Wed", "Thu", "Fri"]),
        ("fri-mon", ["Mon", "Fri", "Sat", "Sun"]),
        ("*/2", ["Tue", "Thu", "Sat", "Sun"]),
        ("sat,sun", ["Sat", "Sun"]),
    ],
)
def test_weekdays_are_numbered_as_cron_numbers_them(weekday: str, days: list[str]) -> None:
    # The week of Monday 4 May 2026.
    ticks = ticks_between(f"0 12 * * {weekday}", "UTC", utc("2026-05-04T00:00"), utc("2026-05-11T00:00"))
    assert [f"{tick:%a}" for tick in ticks] == days


@pytest.mark.parametrize(
    ("expression", "why"),
    [
        ("30 2 * *", "five parts"),
        ("61 2 * * *", "cannot be read"),
        ("0 2 * * 8", "no weekday"),
        ("0 2 1 * mon", "name only one"),
        ("0 0 30 2 *", "never comes"),
        ("hello", "five parts"),
    ],
)
def test_a_wrong_schedule_says_what_is_wrong(expression: str, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        check_cron(expression)


def test_a_shorthand_is_a_schedule() -> None:
    check_cron("@daily")
    assert berlin_ticks("@weekly", "2026-05-04T00:00", "2026-05-11T00:00") == ["05-09 22:00"]


NIGHT = Window(start=time(22), end=time(5), days=frozenset({"fri"}))


def test_a_window_over_midnight_belongs_to_the_day_on_which_it_opens() -> None:
    # Friday 8 May 2026, 22:00 in Berlin is 20:00 UTC.
    assert not is_open(NIGHT, "Europe/Berlin", utc("2026-05-08T19:59"))
    assert is_open(NIGHT, "Europe/Berlin", utc("2026-05-08T20:00"))
    assert is_open(NIGHT, "Europe/Berlin", utc("2026-05-09T02:59"))
    assert not is_open(NIGHT, "Europe/Berlin", utc("2026-05-09T03:00"))
    assert not is_open(NIGHT, "Europe/Berlin", utc("2026-05-09T20:30"))


def test_a_window_tells_when_it_closes_and_when_it_opens() -> None:
    assert closes_at(NIGHT, "Europe/Berlin", utc("2026-05-08T21:00")) == utc("2026-05-09T03:00")
    assert closes_at(NIGHT, "Europe/Berlin", utc("2026-05-09T21:00")) is None
    assert opens_at(NIGHT, "Europe/Berlin", utc("2026-05-08T21:00")) == utc("2026-05-15T20:00")


def test_a_day_begins_at_the_local_midnight() -> None:
    assert day_start("Asia/Tokyo", utc("2026-05-08T16:00")) == utc("2026-05-08T15:00")
