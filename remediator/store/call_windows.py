"""The calls of the last seconds, of all processes of a connection: together they keep to a vendor's rate."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import Connection, select, update

from remediator.store.leases import database_now
from remediator.store.once import insert_once
from remediator.store.schema import call_windows


def take_place(
    conn: Connection,
    connection: str,
    system: str,
    *,
    limit: int,
    window: timedelta,
    now: datetime | None = None,
) -> float:
    """Take a place for one call and return 0, or return the seconds until one is free.

    Args:
        limit: calls in any window, at least 1.
        now: a simulation's time; by default the database's own, which hosts with wrong clocks share.
    """
    insert_once(conn, call_windows, {"connection": connection, "system": system, "calls_at": []})
    mine = (call_windows.c.connection == connection) & (call_windows.c.system == system)
    calls_at: list[int] = conn.execute(
        select(call_windows.c.calls_at).where(mine).with_for_update()
    ).scalar_one()
    at = _ms((now or database_now(conn)).timestamp())  # read after the wait for the row
    length = _ms(window.total_seconds())
    # One that lies ahead was made before the clock was set back: perhaps just now.
    recent = sorted(min(call, at) for call in calls_at if call > at - length)
    wait_ms = recent[-limit] + length - at if len(recent) >= limit else 0
    conn.execute(update(call_windows).where(mine).values(calls_at=recent if wait_ms else [*recent, at]))
    return wait_ms / 1000


def _ms(seconds: float) -> int:
    return round(seconds * 1000)
