"""Keep store and exports to their size: what the settings call old goes once a day, and that is on record."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

from loguru import logger

from remediator.leftovers import take_away_exports
from remediator.settings_sections import RetentionSettings
from remediator.store import Cutoffs, Notice, Store

EVERY = timedelta(days=1)
_KEY = "tidied"
"""The notice of when it was last done; ``retention`` is the trouble of it."""


def cutoffs(settings: RetentionSettings, *, now: datetime) -> Cutoffs:
    """Return the moments before which things are old."""

    def before(days: int | None) -> datetime | None:
        return None if days is None else now - timedelta(days=days)

    return Cutoffs(
        cases=before(settings.cases_days),
        sightings=before(settings.sightings_days),
        runs=before(settings.runs_days),
        intakes=before(settings.intakes_days),
        ticks=before(settings.ticks_days),
        notices=before(settings.notices_days),
        api_calls=before(settings.api_calls_days),
        audit_payloads=before(settings.audit_payloads_days),
        audit_entries=before(settings.audit_entries_days),
    )


def keep_to(
    store: Store,
    settings: RetentionSettings,
    *,
    actor: str,
    now: datetime,
    inbox: Path | None = None,
    dry_run: bool = False,
) -> dict[str, int]:
    """Take away what is old; returns ``{table: rows}`` that went, or in a dry run would go.

    Open cases and whatever belongs to them are never among it. What hangs on a case that goes is not counted.

    Args:
        inbox: the watched folder, beside which old exports go too.

    Raises:
        StoreError: the store failed; what went before stays gone, the next call goes on.
    """
    old = cutoffs(settings, now=now)
    days = settings.exports_days
    before = None if days is None else now - timedelta(days=days)
    gone = store.retention.outlook(old) if dry_run else store.retention.apply(old, actor=actor, now=now)
    if exports := take_away_exports(inbox, before=before, dry_run=dry_run):
        gone = {**gone, "exports": exports}
    if dry_run:
        return gone
    store.running.save_notice(Notice(key=_KEY, state="ok", sent_at=now))
    if gone:
        logger.bind(event="retention_applied").info(
            "Taken away: {}", ", ".join(f"{count} {name}" for name, count in gone.items())
        )
    return gone


def keep_daily(
    store: Store, settings: RetentionSettings, *, actor: str, now: datetime, inbox: Path | None = None
) -> dict[str, int] | None:
    """Do so once a day, however often it is called; ``None``: it is not due yet."""
    last = store.running.notice(_KEY)
    if last is not None and last.sent_at <= now < last.sent_at + EVERY:
        return None
    return keep_to(store, settings, actor=actor, now=now, inbox=inbox)
