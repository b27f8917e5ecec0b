"""Taking away what has grown old, in small transactions, and what a person asked to have erased.

What metrics had counted in rows that go is carried over, so that their counters never fall.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import ColumnElement, Table, and_, delete, func, select, update

from remediator.errors import StoreError
from remediator.store import anchors, erasure, room
from remediator.store.ageing import (
    APPLIED,
    kept_for_its_event,
    old_cases,
    old_changes,
    old_gaps,
    old_notices,
    old_plans,
    old_runs,
    old_sightings,
    old_ticks,
)
from remediator.store.audit import expired_entry
from remediator.store.carried import carry
from remediator.store.chain import EXPIRED
from remediator.store.database import Database
from remediator.store.going import row_key, take_rows
from remediator.store.runs import signing_key
from remediator.store.schema import (
    api_calls,
    audit_anchors,
    audit_entries,
    audit_heads,
    audit_payloads,
    cases,
    changes,
    gaps,
    intakes,
    notices,
    plans,
    runs,
    sightings,
    ticks,
)
from remediator.store.values import Cutoffs, Erased, Person
from remediator.store.writing import writing

BATCH = 500
"""Rows of a transaction: others wait for it no longer than for any other write."""


class _Undo(Exception):
    """Takes back a transaction that was only a try."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Old:
    """Rows that may go.

    Attributes:
        key: numbers the rows, so that they go batch by batch; ``None``: few enough to go at once.
    """

    table: Table
    which: ColumnElement[bool]
    key: ColumnElement[Any] | None


class Retention:
    """The store's side of retention and erasure, for one connection.

    Methods raise ``StoreError`` when the database cannot be read or written; what was taken before stays so.
    """

    def __init__(self, database: Database, *, connection: str) -> None:
        self._database = database
        self._connection = connection

    def outlook(self, cutoffs: Cutoffs) -> dict[str, int]:
        """Return ``{table: rows}`` that would go, without those that go along with a case."""
        found: dict[str, int] = {}
        with self._database.reading() as conn:
            for old in self._olds(cutoffs):
                rows = select(func.count()).select_from(old.table).where(old.which)
                found[old.table.name] = conn.execute(rows).scalar_one()
        if cutoffs.audit_payloads is not None:
            start, end = self._expiring(cutoffs.audit_payloads)
            with self._database.reading() as conn:
                rows = select(func.count()).select_from(audit_payloads).where(self._expirable(start, end))
                found["audit_payloads"] = conn.execute(rows).scalar_one()
        if cutoffs.audit_entries is not None:
            start, end = self._trimming(cutoffs.audit_entries)
            found["audit_entries"] = max(0, end - start)
        return {name: count for name, count in found.items() if count}

    def apply(self, cutoffs: Cutoffs, *, actor: str, now: datetime) -> dict[str, int]:
        """Take away what is older; returns ``{table: rows}``, and records it when there were any."""
        gone: Counter[str] = Counter()

        def open_writing() -> Any:
            return writing(self._database, self._connection, now=now, actor=actor)

        for old in self._olds(cutoffs):
            self._take(old, gone, open_writing)
        if cutoffs.audit_payloads is not None:
            self._expire(cutoffs.audit_payloads, gone, open_writing)
        if cutoffs.audit_entries is not None:
            self._trim(cutoffs.audit_entries, gone, open_writing)
        counts = {name: count for name, count in gone.items() if count}
        if counts:
            with open_writing() as open_:
                open_.audit(APPLIED, payload={"rows": counts, "before": _shown(cutoffs)})
            # Somebody else at work: the room is given back another day, the rows have gone.
            with suppress(StoreError):
                room.give_back(self._database)
        return counts

    def erase(self, person: Person, *, actor: str, now: datetime, dry_run: bool = False) -> Erased:
        """Take one person out of the store; a dry run does the same and takes it back.

        Raises:
            ConfigError: nobody is named, or a record that is no person.
            StoreError: a write to this person is under way; its outcome has to be known first.
        """
        erased = Erased(cases=0, changes=0, entries=0)
        with suppress(_Undo), writing(self._database, self._connection, now=now, actor=actor) as open_:
            erased = erasure.erase(open_, person)
            if dry_run:
                raise _Undo
        return erased

    def compact(self) -> bool:
        """Rewrite the store without its free room; see ``room.compact``."""
        return room.compact(self._database)

    # Rows

    def _olds(self, cutoffs: Cutoffs) -> list[_Old]:
        """Return what has a cutoff, in this order: a case can go when its changes are gone, so can a plan."""
        # The newest intake tells from when on failures may have been missed.
        newest = select(func.max(intakes.c.id)).where(intakes.c.connection == self._connection)
        conditions: tuple[tuple[Table, datetime | None, Callable[[datetime], ColumnElement[bool]]], ...] = (
            (changes, cutoffs.cases, old_changes),
            (cases, cutoffs.cases, old_cases),
            (plans, cutoffs.cases, old_plans),
            (sightings, cutoffs.sightings, old_sightings),
            (runs, cutoffs.runs, old_runs),
            (
                intakes,
                cutoffs.intakes,
                lambda before: and_(intakes.c.taken_at < before, intakes.c.id < newest.scalar_subquery()),
            ),
            (gaps, cutoffs.intakes, old_gaps),
            (ticks, cutoffs.ticks, old_ticks),
            (notices, cutoffs.notices, old_notices),
            (api_calls, cutoffs.api_calls, lambda before: api_calls.c.day < before.date().isoformat()),
        )
        return [
            _Old(
                table=table,
                which=and_(table.c.connection == self._connection, old(before)),
                key=row_key(table),
            )
            for table, before, old in conditions
            if before is not None
        ]

    def _take(self, old: _Old, gone: Counter[str], open_writing: Callable[[], Any]) -> None:
        table, key = old.table, old.key
        with self._database.reading() as conn:
            # Nobody is kept waiting for a transaction that would find nothing.
            if conn.execute(select(table.c.connection).where(old.which).limit(1)).first() is None:
                return
        if key is None:
            with open_writing() as open_:
                carry(open_, table, old.which)
                gone[table.name] += open_.conn.execute(delete(table).where(old.which)).rowcount
            return
        after = 0
        while True:
            with open_writing() as open_:
                batch = select(key).where(old.which, key > after).order_by(key).limit(BATCH)
                keys = list(open_.conn.execute(batch).scalars())
                if keys:
                    if table is cases:
                        erasure.forget_cases(open_, keys)
                    take_rows(open_, table, keys)
            gone[table.name] += len(keys)
            if len(keys) < BATCH:
                return
            after = keys[-1]

    # Audit

    def _expire(self, before: datetime, gone: Counter[str], open_writing: Callable[[], Any]) -> None:
        start, end = self._expiring(before)
        while start < end:
            through = min(start + BATCH, end)
            with open_writing() as open_:
                emptied = open_.conn.execute(
                    update(audit_payloads)
                    .where(self._expirable(start, through))
                    .values(salt=None, payload=None)
                ).rowcount
                if emptied:
                    open_.audit(EXPIRED, payload={"through": through, "entries": emptied})
            gone["audit_payloads"] += emptied
            start = through

    def _expiring(self, before: datetime) -> tuple[int, int]:
        """Return after which entry and up to which one payloads are to be emptied."""
        with self._database.reading() as conn:
            done = expired_entry(conn, self._connection)
        return done, self._older_through(before, after=done)

    def _expirable(self, start: int, end: int) -> ColumnElement[bool]:
        return and_(
            audit_payloads.c.connection == self._connection,
            audit_payloads.c.seq > start,
            audit_payloads.c.seq <= end,
            audit_payloads.c.payload.is_not(None),
            ~kept_for_its_event(),
        )

    def _trim(self, before: datetime, gone: Counter[str], open_writing: Callable[[], Any]) -> None:
        key = signing_key(self._database, self._connection)
        start, end = self._trimming(before)
        while start < end:
            start = min(start + BATCH, end)
            with open_writing() as open_:
                gone["audit_entries"] += anchors.trim(open_, key, through=start, before=before)

    def _trimming(self, before: datetime) -> tuple[int, int]:
        """Return after which entry and up to which one the chain is to be removed."""
        with self._database.reading() as conn:
            anchored = conn.execute(
                select(audit_anchors.c.seq).where(audit_anchors.c.connection == self._connection)
            ).scalar()
        return anchored or 0, self._older_through(before, after=anchored or 0)

    def _older_through(self, before: datetime, *, after: int) -> int:
        """Return the last entry with none as young as ``before`` up to it; the newest one never is."""
        moment = before.astimezone(UTC).isoformat(timespec="microseconds")
        mine = audit_entries.c.connection == self._connection
        with self._database.reading() as conn:
            young = conn.execute(
                select(audit_entries.c.seq)
                .where(mine, audit_entries.c.seq > after, audit_entries.c.at >= moment)
                .order_by(audit_entries.c.seq)
                .limit(1)
            ).scalar()
            if young is None:
                young = conn.execute(
                    select(audit_heads.c.seq).where(audit_heads.c.connection == self._connection)
                ).scalar_one()
        return int(young) - 1


def _shown(cutoffs: Cutoffs) -> dict[str, str]:
    moments = ((one.name, getattr(cutoffs, one.name)) for one in fields(cutoffs))
    return {name: moment.isoformat() for name, moment in moments if moment is not None}
