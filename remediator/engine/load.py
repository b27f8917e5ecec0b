"""How much of the native sync's time we may take now: what we wrote and what we pushed again count alike."""

from __future__ import annotations

from datetime import datetime, timedelta

from remediator.engine.core import Engine
from remediator.pacing import LOOK_BACK, backlog
from remediator.settings import Settings
from remediator.sources.sync_status_csv import learned_pace, pace_of_people
from remediator.store import Running


def waiting(engine: Engine, *, per_hour: int) -> int:
    """Estimate how many records wait for the native sync because of us.

    Args:
        engine: of the connection.
        per_hour: people that the sync takes in an hour.
    """
    return waiting_at(engine.store.running, now=engine.clock(), per_hour=per_hour)


def waiting_at(running: Running, *, now: datetime, per_hour: int) -> int:
    """Estimate the same from the store alone, without the vendors' clients."""
    joined: dict[timedelta, int] = {
        span: running.sent_since(now - span) + running.tried_since(now - span) for span in LOOK_BACK
    }
    return backlog(joined, per_hour=per_hour)


def room(engine: Engine, *, most: int, per_hour: int) -> int:
    """Return how many records more may join those that wait.

    Args:
        engine: of the connection.
        most: records that may wait at once.
        per_hour: people that the sync takes in an hour.
    """
    return max(0, most - waiting(engine, per_hour=per_hour))


def bound(settings: Settings, own: int | None) -> int:
    """Return how many records may wait: the settings' bound, or a campaign's own where that is tighter."""
    most = settings.sync_load.max_backlog
    return most if own is None else min(own, most)


def sync_pace(settings: Settings) -> int:
    """Return how many people the native sync takes in an hour: learned if it can be, else as set.

    Raises:
        ConfigError: the Sync Status export that the settings name is not one.
    """
    file = settings.sync_load.status_export
    if file is None or not file.is_file():
        return settings.verify.records_per_hour
    pace = learned_pace(file, timezone=settings.sync_errors.timezone)
    return pace_of_people(pace) or settings.verify.records_per_hour
