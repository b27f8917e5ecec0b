"""What a bot that runs by itself must remember: leases, ticks, pauses, campaigns, quotas, notices, gaps."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from datetime import date, datetime, timedelta

from sqlalchemy import Connection, Table, delete, func, select, update

from remediator.changes import ChangeState
from remediator.model import SystemName
from remediator.store import call_windows, decisions, leases, retries, writes
from remediator.store.database import Database
from remediator.store.once import insert_once, put
from remediator.store.schema import api_calls, campaign_states, changes, gaps, notices, pauses, ticks
from remediator.store.values import CampaignState, DayCount, Gap, Lease, Notice, Pause
from remediator.store.writing import writing

_WRITTEN = (ChangeState.INTENDED, ChangeState.APPLIED, ChangeState.UNDONE, ChangeState.FAILED)
"""States of changes that count against a day's limit: each was, or may have been, sent."""


class Running:
    """The store's side of running unattended, for one connection; every method is one transaction.

    Methods raise ``StoreError`` when the database cannot be read or written.
    """

    def __init__(self, database: Database, *, connection: str) -> None:
        self._database = database
        self._connection = connection

    # Leases

    def take_lease(self, name: str, *, holder: str, ttl: timedelta) -> Lease:
        """Take a lease; raises ``LeaseHeld`` when another holder has it."""
        with self._database.writing() as conn:
            return leases.take(conn, self._connection, name, holder, ttl)

    def renew(self, lease: Lease) -> None:
        """Hold a lease on; raises ``LeaseLost``."""
        with self._database.writing() as conn:
            leases.renew(conn, self._connection, lease)

    def check(self, lease: Lease) -> None:
        """Raise ``LeaseLost`` unless the lease is still ours."""
        with self._database.reading() as conn:
            leases.check(conn, self._connection, lease)

    def release(self, lease: Lease) -> None:
        """Give a lease back."""
        with self._database.writing() as conn:
            leases.release(conn, self._connection, lease)

    # Ticks

    def claim_tick(self, campaign: str, at: datetime, *, now: datetime) -> bool:
        """Say whether this caller is the one that runs a campaign's tick; only one ever is."""
        with self._database.writing() as conn:
            return self._insert_once(conn, ticks, {"campaign": campaign, "at": at, "claimed_at": now})

    def last_tick(self, campaign: str) -> datetime | None:
        """Return the latest tick that was claimed for a campaign."""
        with self._database.reading() as conn:
            moment: datetime | None = conn.execute(
                select(ticks.c.at)
                .where(ticks.c.connection == self._connection, ticks.c.campaign == campaign)
                .order_by(ticks.c.at.desc())
                .limit(1)
            ).scalar_one_or_none()
        return moment

    # Pause

    def pause(self, why: str, *, by: str, now: datetime) -> None:
        """Stop all writes of the connection until ``resume``; audited."""
        with writing(self._database, self._connection, now=now, actor=by) as open_:
            self._put(open_.conn, pauses, {"why": why, "by": by, "at": now})
            open_.audit("paused", payload={"why": why})

    def resume(self, *, by: str, now: datetime) -> bool:
        """Let writes go on; returns whether they were paused."""
        with writing(self._database, self._connection, now=now, actor=by) as open_:
            gone = open_.conn.execute(delete(pauses).where(pauses.c.connection == self._connection))
            if gone.rowcount:
                open_.audit("resumed")
            return bool(gone.rowcount)

    def paused(self) -> Pause | None:
        """Return why writes are paused, ``None`` when they are not."""
        with self._database.reading() as conn:
            row = conn.execute(select(pauses).where(pauses.c.connection == self._connection)).one_or_none()
        return None if row is None else Pause(why=row.why, by=row.by, at=row.at)

    # Campaigns

    def campaign_state(self, name: str) -> CampaignState | None:
        """Return what is remembered of a campaign, ``None`` before its first run."""
        with self._database.reading() as conn:
            row = conn.execute(
                select(campaign_states).where(
                    campaign_states.c.connection == self._connection, campaign_states.c.name == name
                )
            ).one_or_none()
        if row is None:
            return None
        return CampaignState(
            name=row.name,
            first_run_at=row.first_run_at,
            last_run_at=row.last_run_at,
            demoted=row.demoted,
            note=row.note,
        )

    def save_campaign_state(self, state: CampaignState, *, actor: str, now: datetime) -> None:
        """Remember a campaign's state; a change of ``demoted`` is audited."""
        values = {
            "name": state.name,
            "first_run_at": state.first_run_at,
            "last_run_at": state.last_run_at,
            "demoted": state.demoted,
            "note": state.note,
        }
        with writing(self._database, self._connection, now=now, actor=actor) as open_:
            before = open_.conn.execute(
                select(campaign_states.c.demoted).where(
                    campaign_states.c.connection == self._connection, campaign_states.c.name == state.name
                )
            ).scalar_one_or_none()
            self._put(open_.conn, campaign_states, values)
            if bool(before) != state.demoted:
                event = "campaign_demoted" if state.demoted else "campaign_restored"
                open_.audit(event, payload={"campaign": state.name, "why": state.note})

    # Limits and quotas

    def written_since(self, moment: datetime) -> DayCount:
        """Count the changes sent since a moment, over all campaigns, also by field and record."""
        with self._database.reading() as conn:
            rows = conn.execute(
                select(changes.c.system, changes.c.field, changes.c.record_id).where(
                    changes.c.connection == self._connection,
                    changes.c.intended_at >= moment,
                    changes.c.state.in_([state.value for state in _WRITTEN]),
                    changes.c.undoes.is_(None),
                )
            ).all()
        by_field = Counter(f"{row.system}.{row.field}" for row in rows)
        records: dict[SystemName, set[str]] = {}
        for row in rows:
            records.setdefault(SystemName(row.system), set()).add(row.record_id)
        return DayCount(
            total=len(rows),
            by_field=by_field,
            records={system: frozenset(found) for system, found in records.items()},
        )

    def sent_since(self, moment: datetime) -> int:
        """Count the records that were written since a moment, undos included: the native sync takes both."""
        with self._database.reading() as conn:
            records = (
                select(changes.c.system, changes.c.record_id)
                .where(
                    changes.c.connection == self._connection,
                    changes.c.intended_at >= moment,
                    changes.c.state.in_([state.value for state in _WRITTEN]),
                )
                .distinct()
                .subquery()
            )
            found: int = conn.execute(select(func.count()).select_from(records)).scalar_one()
        return found

    def approved_at(self, ids: Collection[str]) -> dict[str, datetime]:
        """Return when these changes were approved; one whose approval left the audit log is absent."""
        with self._database.reading() as conn:
            return decisions.approved_at(conn, self._connection, ids)

    def unpushed_plans(self, *, due_before: datetime | None) -> list[str]:
        """Return plans that wrote what only a push takes across and no push is on record for, oldest first.

        Args:
            due_before: only where the proof of a case is due by then; ``None`` is all that wait for theirs.
        """
        with self._database.reading() as conn:
            return writes.unpushed_plans(conn, self._connection, due_before=due_before)

    def tried_since(self, moment: datetime) -> int:
        """Count the cases that were last tried again since a moment."""
        with self._database.reading() as conn:
            return retries.tried_since(conn, self._connection, moment)

    def add_calls(self, system: SystemName, day: date, calls: int) -> int:
        """Add to the calls we made on a day, over all processes; returns the day's sum."""
        with self._database.writing() as conn:
            where = (
                (api_calls.c.connection == self._connection)
                & (api_calls.c.system == system.value)
                & (api_calls.c.day == day.isoformat())
            )
            values = {"system": system.value, "day": day.isoformat(), "calls": calls}
            if not self._insert_once(conn, api_calls, values):
                conn.execute(update(api_calls).where(where).values(calls=api_calls.c.calls + calls))
            total: int = conn.execute(select(api_calls.c.calls).where(where)).scalar_one()
            return total

    def calls(self, system: SystemName, day: date) -> int:
        """Return the calls we made on a day, over all processes."""
        with self._database.reading() as conn:
            found: int | None = conn.execute(
                select(api_calls.c.calls).where(
                    api_calls.c.connection == self._connection,
                    api_calls.c.system == system.value,
                    api_calls.c.day == day.isoformat(),
                )
            ).scalar_one_or_none()
        return found or 0

    def take_place(
        self, system: SystemName, *, limit: int, window: timedelta, now: datetime | None = None
    ) -> float:
        """Take a place for one call among those of all processes; returns 0, or the seconds to wait for one.

        Args:
            limit: calls in any window.
            now: a simulation's time; by default the database's own.
        """
        with self._database.writing() as conn:
            return call_windows.take_place(
                conn, self._connection, system.value, limit=limit, window=window, now=now
            )

    def reverts(
        self, system: SystemName, record_id: str, field: str, *, besides: Collection[str] = ()
    ) -> int:
        """Return how often a value of ours in this place was changed back by something else.

        Args:
            besides: changes to count too, whether that is remembered of them or not.
        """
        with self._database.reading() as conn:
            found: int = conn.execute(
                select(func.count())
                .select_from(changes)
                .where(
                    changes.c.connection == self._connection,
                    changes.c.system == system.value,
                    changes.c.record_id == record_id,
                    changes.c.field == field,
                    changes.c.reverted_at.is_not(None) | changes.c.id.in_(besides),
                )
            ).scalar_one()
        return found

    def mark_reverted(self, ids: list[str], *, now: datetime) -> None:
        """Remember that what these changes wrote was changed back."""
        with self._database.writing() as conn:
            conn.execute(
                update(changes)
                .where(changes.c.connection == self._connection, changes.c.id.in_(ids))
                .values(reverted_at=now)
            )

    # Notices and gaps

    def notice(self, key: str) -> Notice | None:
        """Return what was last said under a key."""
        with self._database.reading() as conn:
            row = conn.execute(
                select(notices).where(notices.c.connection == self._connection, notices.c.key == key)
            ).one_or_none()
        return None if row is None else Notice(key=row.key, state=row.state, sent_at=row.sent_at)

    def save_notice(self, notice: Notice) -> None:
        """Remember what was said."""
        with self._database.writing() as conn:
            self._put(conn, notices, {"key": notice.key, "state": notice.state, "sent_at": notice.sent_at})

    def notices_since(self, moment: datetime, *, prefix: str = "") -> int:
        """Count the notices sent since a moment, of the keys that begin so, for the hourly cap."""
        with self._database.reading() as conn:
            found: int = conn.execute(
                select(func.count())
                .select_from(notices)
                .where(
                    notices.c.connection == self._connection,
                    notices.c.sent_at >= moment,
                    notices.c.key.startswith(prefix, autoescape=True),
                )
            ).scalar_one()
        return found

    def notices(self, *, prefix: str) -> list[Notice]:
        """Return the notices whose keys begin so, oldest first."""
        with self._database.reading() as conn:
            rows = conn.execute(
                select(notices)
                .where(
                    notices.c.connection == self._connection,
                    notices.c.key.startswith(prefix, autoescape=True),
                )
                .order_by(notices.c.sent_at, notices.c.key)
            ).all()
        return [Notice(key=row.key, state=row.state, sent_at=row.sent_at) for row in rows]

    def forget_notice(self, key: str) -> None:
        """Forget what was said under a key."""
        with self._database.writing() as conn:
            conn.execute(
                delete(notices).where(notices.c.connection == self._connection, notices.c.key == key)
            )

    def declare_gap(self, gap: Gap, *, actor: str, now: datetime) -> bool:
        """Record, once, a stretch of time whose failures were never seen; audited."""
        with writing(self._database, self._connection, now=now, actor=actor) as open_:
            values = {"from_at": gap.from_at, "to_at": gap.to_at, "declared_at": now}
            if not self._insert_once(open_.conn, gaps, values):
                return False
            open_.audit(
                "gap_declared", payload={"from": gap.from_at.isoformat(), "to": gap.to_at.isoformat()}
            )
            return True

    def gaps(self) -> list[Gap]:
        """Return the gaps, newest first."""
        with self._database.reading() as conn:
            rows = conn.execute(
                select(gaps).where(gaps.c.connection == self._connection).order_by(gaps.c.from_at.desc())
            ).all()
        return [Gap(from_at=row.from_at, to_at=row.to_at) for row in rows]

    def _insert_once(self, conn: Connection, table: Table, values: Mapping[str, object]) -> bool:
        """Insert a row unless its key is there; returns whether it was inserted."""
        return insert_once(conn, table, {"connection": self._connection, **values})

    def _put(self, conn: Connection, table: Table, values: Mapping[str, object]) -> None:
        """Insert a row, or set its values where its key is there."""
        put(conn, table, {"connection": self._connection, **values})


@contextmanager
def held(running: Running, lease: Lease) -> Iterator[Lease]:
    """Give a lease back at the end, however the work ends."""
    try:
        yield lease
    finally:
        running.release(lease)
