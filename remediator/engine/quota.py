"""Our share of the vendors' daily calls, over all processes and restarts."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

from loguru import logger

from remediator.engine.core import Engine
from remediator.errors import StoreError, VendorError
from remediator.model import SystemName

_RESERVE = 5
"""Calls kept for what ends a run well: reading back, and asking how much is left."""


def quota_day(system: SystemName, now: datetime) -> date:
    """Return the vendor's own day: Marketo's begins at midnight US Central, Salesforce's rolls."""
    zone = ZoneInfo("America/Chicago" if system is SystemName.MARKETO else "UTC")
    return now.astimezone(zone).date()


@dataclass(slots=True)
class Meter:
    """Counts calls into the store, so that other processes see them."""

    engine: Engine

    def charge(self) -> None:
        """Add the calls made since the last charge, by this engine or others that share its daily share."""
        for client in (self.engine.marketo, self.engine.salesforce):
            new = client.share.unstored()
            if not new:
                continue
            try:
                day = quota_day(client.name, self.engine.clock())
                self.engine.store.running.add_calls(client.name, day, new)
            except StoreError:
                client.share.not_stored(new)
                raise

    def left(self) -> dict[SystemName, int]:
        """Return how many calls our share still has today; a system whose quota is unknown is absent."""
        self.charge()
        engine = self.engine
        shares = {
            SystemName.MARKETO: (engine.marketo.share, engine.settings.marketo.daily_share),
            SystemName.SALESFORCE: (engine.salesforce.share, engine.settings.salesforce.daily_share),
        }
        found: dict[SystemName, int] = {}
        for system, (share, part) in shares.items():
            if share.quota:
                used = engine.store.running.calls(system, quota_day(system, engine.clock()))
                found[system] = max(0, int(share.quota * part) - max(used, share.used()) - _RESERVE)
        return found


@contextmanager
def metered(engine: Engine, *, ask_vendor: bool = False) -> Iterator[Meter]:
    """Count the calls made inside, and begin with what the store knows of today.

    Args:
        engine: whose clients make the calls.
        ask_vendor: let the vendor tell too what everybody used, which costs a call. It is asked without this
            too where what it told before would stop us and is old.
    """
    meter = Meter(engine)
    meter.charge()
    try:
        _learn(engine, ask_vendor=ask_vendor)
        yield meter
    finally:
        meter.charge()


def _learn(engine: Engine, *, ask_vendor: bool) -> None:
    for client in (engine.marketo, engine.salesforce):
        day = quota_day(client.name, engine.clock())
        client.share.told(engine.store.running.calls(client.name, day))
    share = engine.marketo.share
    if not ask_vendor and not share.needs_news():
        return
    try:
        used = engine.marketo.usage().total
    except VendorError as exc:
        # The figure only makes us more careful; without it our own count still holds.
        logger.bind(event="usage_unknown").warning("Marketo's usage could not be read: {}", exc)
        return
    share.observe(used_by_all=used, quota=engine.settings.marketo.daily_calls)
