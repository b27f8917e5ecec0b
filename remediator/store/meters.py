"""Figures for metrics and health, counted in the database: right after a restart and with several workers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, distinct, func, select

from remediator.changes import ChangeState
from remediator.lifecycle import UNSETTLED
from remediator.model import CaseState, Run, SystemName
from remediator.store.carried import COUNTED, RETRIED, read_carried
from remediator.store.database import Database
from remediator.store.rows import run_from
from remediator.store.schema import (
    api_calls,
    cases,
    change_cases,
    changes,
    intakes,
    leases,
    retries,
    runs,
)

_PAGE = 5_000
_SETTLED = (ChangeState.APPLIED, ChangeState.CONFLICTED, ChangeState.FAILED, ChangeState.UNDONE)
_OPEN = [state.value for state in UNSETTLED]


@dataclass(frozen=True, slots=True, kw_only=True)
class RunTimes:
    """How the finished runs of one command went: how many, and how long they took together."""

    count: int
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Readings:
    """What the meters show now.

    Attributes:
        cases_open: ``{(category, object): cases}``; an unknown object is ``""``.
        failures_seen: distinct sightings of all cases.
        changes: ``{(fixer, state): changes}`` of those that are settled.
        retries: ``{what tries came to: how often}``, and ``pushed`` for the tries made.
        api_calls: ``{system: calls}`` over all days kept.
        waiting: ``{Salesforce object: records}`` written and not yet proven to have gone across.
        run_times: ``{command: times}``.
        counters: ``{name: sum}`` over all finished runs, of the counters whose names begin with ``COUNTED``.
        oldest_open: first sighting of the oldest open case.
        last_success: end of the latest run that was not stopped and did not fail.
        working: whether a run is under way, whose counters are still to come.
    """

    cases_open: Mapping[tuple[str, str], int]
    failures_seen: int
    changes: Mapping[tuple[str, str], int]
    reverted: int
    retries: Mapping[str, int]
    api_calls: Mapping[str, int]
    waiting: Mapping[str, int]
    run_times: Mapping[str, RunTimes]
    counters: Mapping[str, int]
    oldest_open: datetime | None
    last_success: datetime | None
    working: bool


class Meters:
    """The store's figures, for one connection; every reading is one transaction.

    Methods raise ``StoreError`` when the database cannot be read.
    """

    def __init__(self, database: Database, *, connection: str) -> None:
        self._database = database
        self._connection = connection

    def read(self) -> Readings:
        """Read all meters."""
        with self._database.reading() as conn:
            times, counters, last_success = self._runs(conn)
            return Readings(
                cases_open=self._cases_open(conn),
                failures_seen=int(
                    conn.execute(
                        select(func.coalesce(func.sum(cases.c.seen_count), 0)).where(
                            cases.c.connection == self._connection
                        )
                    ).scalar_one()
                )
                + sum(self._carried(conn, "failures_seen").values()),
                changes=self._changes(conn),
                reverted=conn.execute(
                    select(func.count())
                    .select_from(changes)
                    .where(changes.c.connection == self._connection, changes.c.reverted_at.is_not(None))
                ).scalar_one()
                + sum(self._carried(conn, "reverted").values()),
                retries=self._retries(conn),
                api_calls=self._api_calls(conn),
                waiting=self._waiting(conn),
                run_times=times,
                counters=counters,
                oldest_open=conn.execute(
                    select(func.min(cases.c.first_seen)).where(
                        cases.c.connection == self._connection, cases.c.state.in_(_OPEN)
                    )
                ).scalar(),
                last_success=last_success,
                working=conn.execute(
                    select(runs.c.id)
                    .where(runs.c.connection == self._connection, runs.c.ended_at.is_(None))
                    .limit(1)
                ).scalar()
                is not None,
            )

    def waiting(self) -> Mapping[str, int]:
        """Return ``{Salesforce object: records}`` that we changed and that have not gone across yet."""
        with self._database.reading() as conn:
            return self._waiting(conn)

    def last_intake(self) -> datetime | None:
        """Return when an export was last taken in whole, which may be long after it was exported."""
        with self._database.reading() as conn:
            return conn.execute(
                select(func.max(intakes.c.taken_at)).where(intakes.c.connection == self._connection)
            ).scalar()

    def holder(self, lease: str) -> tuple[str, datetime] | None:
        """Return who holds a lease and until when, by the database's clock; a past time means nobody."""
        with self._database.reading() as conn:
            row = conn.execute(
                select(leases.c.holder, leases.c.expires_at).where(
                    leases.c.connection == self._connection, leases.c.name == lease
                )
            ).one_or_none()
        return None if row is None or not row.holder else (row.holder, row.expires_at)

    def unfinished(self) -> list[tuple[int, str, str | None]]:
        """Return ``(run, command, campaign)`` of the runs that are on record as running."""
        with self._database.reading() as conn:
            found = conn.execute(
                select(runs.c.id, runs.c.command, runs.c.campaign)
                .where(runs.c.connection == self._connection, runs.c.outcome == "running")
                .order_by(runs.c.id)
            ).all()
        return [(row.id, row.command, row.campaign) for row in found]

    def last_run(self, command: str, campaign: str) -> Run | None:
        """Return the latest run of a command for a campaign, ``None`` before its first."""
        with self._database.reading() as conn:
            row = conn.execute(
                select(runs)
                .where(
                    runs.c.connection == self._connection,
                    runs.c.command == command,
                    runs.c.campaign == campaign,
                )
                .order_by(runs.c.id.desc())
                .limit(1)
            ).one_or_none()
        return None if row is None else run_from(row)

    def _cases_open(self, conn: Connection) -> dict[tuple[str, str], int]:
        rows = conn.execute(
            select(cases.c.category, cases.c.object, func.count().label("n"))
            .where(cases.c.connection == self._connection, cases.c.state.in_(_OPEN))
            .group_by(cases.c.category, cases.c.object)
        )
        return {(row.category, row.object or ""): row.n for row in rows}

    def _changes(self, conn: Connection) -> dict[tuple[str, str], int]:
        rows = conn.execute(
            select(changes.c.fixer, changes.c.state, func.count().label("n"))
            .where(
                changes.c.connection == self._connection,
                changes.c.state.in_([state.value for state in _SETTLED]),
            )
            .group_by(changes.c.fixer, changes.c.state)
        )
        found = Counter({(row.fixer, row.state): row.n for row in rows})
        found.update({(fixer, state): n for (fixer, state), n in self._carried(conn, "changes").items()})
        return dict(found)

    def _carried(self, conn: Connection, kind: str) -> dict[tuple[str, ...], int]:
        """Return what rows that retention took away had counted."""
        return read_carried(conn, self._connection, kind)

    def _retries(self, conn: Connection) -> dict[str, int]:
        found = Counter({"pushed": 0})
        found.update({what: n for (what,), n in self._carried(conn, "retries").items()})
        rows = conn.execute(
            select(cases.c.state, func.count().label("n"), func.sum(retries.c.attempts).label("tries"))
            .join(cases, cases.c.id == retries.c.case_id)
            .where(retries.c.connection == self._connection)
            .group_by(cases.c.state)
        )
        for row in rows:
            found["pushed"] += int(row.tries)
            if row.state in RETRIED:
                found[row.state] += row.n
        return dict(found)

    def _api_calls(self, conn: Connection) -> dict[str, int]:
        rows = conn.execute(
            select(api_calls.c.system, func.sum(api_calls.c.calls).label("n"))
            .where(api_calls.c.connection == self._connection)
            .group_by(api_calls.c.system)
        )
        found = Counter({row.system: int(row.n) for row in rows})
        found.update({system: n for (system,), n in self._carried(conn, "api_calls").items()})
        return dict(found)

    def _waiting(self, conn: Connection) -> dict[str, int]:
        rows = conn.execute(
            select(changes.c.salesforce_object, func.count(distinct(changes.c.record_id)).label("n"))
            .join(change_cases, change_cases.c.change_seq == changes.c.seq)
            .join(cases, cases.c.id == change_cases.c.case_id)
            .where(
                changes.c.connection == self._connection,
                changes.c.state == ChangeState.APPLIED.value,
                changes.c.system == SystemName.MARKETO.value,
                cases.c.state == CaseState.VERIFYING.value,
            )
            .group_by(changes.c.salesforce_object)
        )
        return {row.salesforce_object or "": row.n for row in rows}

    def _runs(self, conn: Connection) -> tuple[dict[str, RunTimes], dict[str, int], datetime | None]:
        """Add up the finished runs, page by page: retention keeps them to what a company can look at."""
        past = self._carried(conn, "runs")
        count = Counter({command: n for (command, what), n in past.items() if what == "count"})
        seconds = {command: n / 1000 for (command, what), n in past.items() if what == "ms"}
        counters = Counter({name: n for (name,), n in self._carried(conn, "counters").items()})
        last: datetime | None = None
        after = 0
        while True:
            page = conn.execute(
                select(runs)
                .where(runs.c.connection == self._connection, runs.c.id > after)
                .order_by(runs.c.id)
                .limit(_PAGE)
            ).all()
            for row in page:
                if row.ended_at is None:
                    continue
                count[row.command] += 1
                took = (row.ended_at - row.started_at).total_seconds()
                seconds[row.command] = seconds.get(row.command, 0.0) + max(0.0, took)
                counters.update({name: n for name, n in row.counters.items() if name.startswith(COUNTED)})
                if row.outcome in ("ok", "partial"):
                    last = row.ended_at if last is None else max(last, row.ended_at)
            if len(page) < _PAGE:
                times = {name: RunTimes(count=n, seconds=seconds[name]) for name, n in count.items()}
                return times, dict(counters), last
            after = page[-1].id
