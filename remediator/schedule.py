"""When a campaign runs and when it may write: cron and windows on the wall clock of its time zone.

Pure. A schedule is evaluated on the wall clock and only then turned into moments, so that what the change of
the clocks does to it is decided here: a run at 02:30 happens once in the short night (an hour later, because
02:30 does not exist) and once in the long night (the first time), while a schedule for every hour keeps its
distance of an hour.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from functools import lru_cache
from typing import Protocol
from zoneinfo import ZoneInfo

from apscheduler.triggers.cron import CronTrigger

_DAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
"""Weekdays as cron numbers them, from 0; 7 is Sunday too."""

_ALIASES = {
    "@hourly": "0 * * * *",
    "@daily": "0 0 * * *",
    "@weekly": "0 0 * * 0",
    "@monthly": "0 0 1 * *",
}
_MARGIN = timedelta(hours=3)
"""More than any change of the clocks, which the wall clock's own order does not show."""

_FURTHEST = timedelta(days=5 * 366)
"""Every schedule comes within this, also one for 29 February."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """When writing is allowed, on the wall clock.

    Attributes:
        start: from this time of day on.
        end: until this time of day; at or before ``start`` it is that of the next day.
        days: weekdays (``mon`` ...) on which it opens.
    """

    start: time
    end: time
    days: frozenset[str] = frozenset(_DAYS)


class Scheduled(Protocol):
    """What of a campaign the schedule needs."""

    @property
    def schedule(self) -> str | None:
        """Cron expression, ``None`` when it runs only by hand."""

    @property
    def timezone(self) -> str:
        """IANA name."""


def check_cron(expression: str) -> None:
    """Raise ``ValueError`` when this is no cron expression that ever comes."""
    trigger, _ = _parsed(expression)
    now = datetime(2000, 1, 1, tzinfo=UTC)
    soonest = trigger.get_next_fire_time(None, now)
    if soonest is None or soonest - now > _FURTHEST:
        raise ValueError(f"the schedule '{expression}' never comes: no such day exists")


def due_ticks(campaign: Scheduled, after: datetime, now: datetime) -> list[datetime]:
    """Return the tick that is due now, or none: the latest one since ``after``, however many were missed.

    Args:
        campaign: whose schedule it is; without one nothing is ever due.
        after: the last tick that was served, or when watching began; aware.
        now: aware.
    """
    if campaign.schedule is None:
        return []
    span = timedelta(hours=1)
    while True:
        # Looking back in growing steps finds the last of many ticks without listing them all.
        start = max(after, now - span)
        if ticks := list(ticks_between(campaign.schedule, campaign.timezone, start, now)):
            return ticks[-1:]
        if start <= after:
            return []
        span *= 4


def next_tick(campaign: Scheduled, after: datetime) -> datetime | None:
    """Return the first tick later than ``after``, ``None`` without a schedule."""
    if campaign.schedule is None:
        return None
    span = timedelta(hours=2)
    while span < 2 * _FURTHEST:
        for tick in ticks_between(campaign.schedule, campaign.timezone, after, after + span):
            return tick
        span *= 4
    return None


def ticks_between(expression: str, timezone: str, after: datetime, until: datetime) -> Iterator[datetime]:
    """Yield the ticks later than ``after`` up to ``until``, in order, aware UTC."""
    trigger, every_hour = _parsed(expression)
    zone = ZoneInfo(timezone)
    after, until = after.astimezone(UTC), until.astimezone(UTC)
    end = until.astimezone(zone).replace(tzinfo=UTC) + _MARGIN
    wall: datetime | None = after.astimezone(zone).replace(tzinfo=UTC) - _MARGIN
    found: set[datetime] = set()
    while wall is not None and (wall := trigger.get_next_fire_time(None, wall)) is not None and wall <= end:
        for moment in _moments(wall.replace(tzinfo=None), zone, every_hour=every_hour):
            if after < moment <= until:
                found.add(moment)
        wall += timedelta(seconds=1)
    # The hour that comes twice puts the wall clock's order out of step.
    yield from sorted(found)


def _moments(wall: datetime, zone: ZoneInfo, *, every_hour: bool) -> Iterator[datetime]:
    """Yield the moments that a time on the wall clock stands for."""
    first = wall.replace(tzinfo=zone, fold=0).astimezone(UTC)
    exists = first.astimezone(zone).replace(tzinfo=None) == wall
    if exists or not every_hour:
        yield first
    second = wall.replace(tzinfo=zone, fold=1).astimezone(UTC)
    if every_hour and exists and second != first:
        yield second


@lru_cache(maxsize=256)
def _parsed(expression: str) -> tuple[CronTrigger, bool]:
    """Return the trigger on a wall clock without changes, and whether it is meant for every hour."""
    text = _ALIASES.get(expression.strip().lower(), expression)
    parts = text.split()
    if len(parts) != 5:
        raise ValueError(
            f"a schedule has five parts (minute hour day month weekday), such as '30 2 * * *', not "
            f"'{expression}'"
        )
    minute, hour, day, month, weekday = parts
    if day != "*" and weekday != "*":
        raise ValueError(
            f"the schedule '{expression}' names days of the month and of the week: cron would run on either, "
            "which few people mean; name only one of them"
        )
    try:
        trigger = CronTrigger(
            minute=minute, hour=hour, day=day, month=month, day_of_week=_weekdays(weekday), timezone=UTC
        )
    except (ValueError, TypeError) as error:
        raise ValueError(f"the schedule '{expression}' cannot be read: {error}") from error
    return trigger, hour.startswith("*")


def _weekdays(text: str) -> str:
    """Spell weekdays out, because APScheduler counts them from Monday and cron from Sunday."""
    if text == "*":
        return text
    days: dict[str, None] = {}
    for part in text.lower().split(","):
        span, _, step = part.partition("/")
        first, _, last = span.partition("-")
        start = 0 if first == "*" else _weekday(first)
        end = _weekday(last) if last else 6 if first == "*" or step else start
        if end < start:
            end += 7
        for number in range(start, end + 1, int(step or 1)):
            days[_DAYS[number % 7]] = None
    return ",".join(days)


def _weekday(text: str) -> int:
    if text in _DAYS:
        return _DAYS.index(text)
    if text.isdecimal() and int(text) <= 7:
        return int(text)
    raise ValueError(f"'{text}' is no weekday; use 0 (Sunday) to 6, or sun to sat")


def is_open(window: Window, timezone: str, now: datetime) -> bool:
    """Say whether writing is allowed now."""
    return closes_at(window, timezone, now) is not None


def closes_at(window: Window, timezone: str, now: datetime) -> datetime | None:
    """Return when the window that is open now closes, aware UTC; ``None`` when it is closed."""
    for opens, closes in _spans(window, timezone, now, days=(-1, 0)):
        if opens <= now < closes:
            return closes
    return None


def opens_at(window: Window, timezone: str, now: datetime) -> datetime:
    """Return when the window opens next, aware UTC."""
    return next(opens for opens, _ in _spans(window, timezone, now, days=range(9)) if opens > now)


def _spans(
    window: Window, timezone: str, now: datetime, *, days: Iterator[int] | range | tuple[int, ...]
) -> Iterator[tuple[datetime, datetime]]:
    zone = ZoneInfo(timezone)
    today = now.astimezone(zone).date()
    for offset in days:
        day = today + timedelta(days=offset)
        if _DAYS[day.isoweekday() % 7] not in window.days:
            continue
        last = day if window.end > window.start else day + timedelta(days=1)
        yield (
            datetime.combine(day, window.start, zone).astimezone(UTC),
            datetime.combine(last, window.end, zone).astimezone(UTC),
        )


def day_start(timezone: str, now: datetime) -> datetime:
    """Return when the calendar day began there, aware UTC."""
    zone = ZoneInfo(timezone)
    return datetime.combine(now.astimezone(zone).date(), time(), zone).astimezone(UTC)
