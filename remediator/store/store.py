"""The store's public face; what it does stands in the modules beside it."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime
from types import TracebackType

from sqlalchemy import update

from remediator.changes import ChangeState, Decision, Plan, Settlement, StoredChange
from remediator.model import Case, CaseState, Cause, Diagnosis, SyncFailure
from remediator.store import (
    cases,
    decisions,
    intake,
    leases,
    moves,
    plans,
    retries,
    runs,
    schema,
    tallies,
    writes,
)
from remediator.store.aliases import AliasBook
from remediator.store.audit_files import AuditExports
from remediator.store.database import Database, parse_url
from remediator.store.history import History
from remediator.store.meters import Meters
from remediator.store.retention import Retention
from remediator.store.retries import RetryQueue
from remediator.store.running import Running
from remediator.store.values import (
    Attempts,
    CaseMove,
    CaseQuery,
    Lease,
    PlanSummary,
    Sighting,
    TakeResult,
    Tally,
)

_STAY = frozenset({CaseState.PROPOSED, CaseState.APPROVED, CaseState.APPLYING, CaseState.VERIFYING})
"""States in which a case keeps the changes that are planned for it."""


class Store(History):
    """Cases, plans, changes, runs and the audit log of one connection.

    Every write is one transaction together with its audit entries; reads come in pages that hold no
    transaction open. One ``Store`` may be used by several threads. Every method raises ``StoreError`` when
    the database cannot be read or written; then nothing of that call was written.

    Attributes:
        connection: the Marketo and Salesforce pair that this store is open for.
        running: what running unattended must remember.
        retry_queue: what may pass unchanged and waits for another try.
        aliases: what reviewers taught.
        meters: figures for metrics and health.
        audit_exports: copies of the audit log outside of the store.
        retention: taking away what has grown old, and what a person asked to have erased.
    """

    def __init__(self, database: Database, *, connection: str) -> None:
        super().__init__(database, connection=connection)
        self.running = Running(database, connection=connection)
        self.retry_queue = RetryQueue(database, connection=connection)
        self.aliases = AliasBook(database, connection=connection)
        self.meters = Meters(database, connection=connection)
        self.audit_exports = AuditExports(database, connection=connection)
        self.retention = Retention(database, connection=connection)

    @classmethod
    def open(cls, url: str, *, connection: str = "main") -> Store:
        """Open a store and bring its tables up to date.

        Args:
            url: ``sqlite:///FILE`` or ``postgresql://user:password@host/database``.

        Raises:
            ConfigError: the address is not one of a database we know.
            StoreError: it cannot be reached, is not a database, or comes from a newer version.
        """
        database = Database(parse_url(url))
        try:
            database.migrate()
            runs.ready_chain(database, connection)
        except BaseException:
            database.close()
            raise
        return cls(database, connection=connection)

    def close(self) -> None:
        """Give back the database connections."""
        self._database.close()

    def __enter__(self) -> Store:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    # Cases

    def take(
        self, items: Sequence[tuple[SyncFailure, Diagnosis]], *, run: int | None, now: datetime
    ) -> TakeResult:
        """Take one batch of failures in (about 1,000 at a time); the same batch again changes nothing.

        A settled case is opened again only by a failure later than the moment it was settled, a snoozed one
        by a failure later than its due time; any other case stays where it is and counts the sighting.
        """
        with self._writing(now=now, run=run) as open_:
            return intake.take(open_, items)

    def cases(self, query: CaseQuery | None = None) -> Iterator[Case]:
        """Yield the cases a query means, by id; without a query, all."""
        return cases.read_cases(self._database, self.connection, query or CaseQuery())

    def count_cases(self, query: CaseQuery | None = None) -> int:
        """Count the cases a query means."""
        with self._database.reading() as conn:
            return cases.count_cases(conn, self.connection, query or CaseQuery())

    def case(self, case: int) -> Case | None:
        """Return one case."""
        return next(self.cases(CaseQuery(ids=(case,))), None)

    def sightings(self, case: int) -> list[Sighting]:
        """Return when and where a case was seen, newest first."""
        with self._database.reading() as conn:
            return cases.read_sightings(conn, self.connection, case)

    def causes(self, *, include_settled: bool = False) -> list[Cause]:
        """Return what the cases share, most open cases first.

        Args:
            include_settled: also causes of which no case is open.
        """
        with self._database.reading() as conn:
            return cases.read_causes(conn, self.connection, include_settled=include_settled)

    def tally(self) -> Tally:
        """Count cases by state and verdict, and changes by state."""
        with self._database.reading() as conn:
            return tallies.tally(conn, self.connection)

    def decline_reasons(self) -> list[tuple[str, int]]:
        """Return why cases are left alone, ``(reason, cases)``, most frequent first."""
        with self._database.reading() as conn:
            return tallies.decline_reasons(conn, self.connection)

    def move(self, moves_: Sequence[CaseMove], *, actor: str, run: int | None, now: datetime) -> list[int]:
        """Move cases, each with its audit entry; return those that moved.

        A case that is no longer in ``before`` is skipped, so two processes never both move it. A case that
        leaves its plan this way takes the changes that are planned or approved for it along.

        Raises:
            IllegalMove: the lifecycle does not allow one of the moves; nothing is moved.
        """
        with self._writing(now=now, actor=actor, run=run) as open_:
            moved = moves.move_cases(open_, moves_)
            now_in = moves.case_states(open_, moved)
            gone = {
                move.case: move.note or f"its case went {move.after}"
                for move in moves_
                if now_in.get(move.case) is move.after and move.after not in _STAY
            }
            moves.leave_plans(open_, gone)
            return moved

    def assign(self, case: int, to: str | None, *, actor: str, now: datetime) -> None:
        """Give a case to somebody, or to nobody."""
        with self._writing(now=now, actor=actor) as open_:
            done = open_.conn.execute(
                update(schema.cases)
                .where(schema.cases.c.connection == self.connection, schema.cases.c.id == case)
                .values(assigned_to=to)
            )
            if done.rowcount:
                open_.audit("case_assigned", case=case, payload={"to": to})

    # Plans and changes

    def save_plan(self, plan: Plan, *, actor: str, run: int | None, now: datetime) -> None:
        """Save a plan with its changes as planned, and move its cases to proposed or declined.

        It replaces what older plans still had undecided for these cases. A change for a case that no plan may
        take now is saved as rejected and says why. An undo plan moves no case.

        Raises:
            PlanRefused: it is of another connection, was saved before, or names a case that is not there.
        """
        with self._writing(now=now, actor=actor, run=run) as open_:
            plans.save_plan(open_, plan)

    def plan(self, plan: str) -> Plan | None:
        """Return a plan as it was saved, with what reviewers picked since."""
        with self._database.reading() as conn:
            return plans.read_plan(conn, self.connection, plan)

    def plans(self, *, limit: int = 50, campaign: str | None = None) -> list[PlanSummary]:
        """Return the latest plans, of one campaign or of all, newest first."""
        with self._database.reading() as conn:
            return plans.read_plans(conn, self.connection, limit, campaign)

    def approved_counts(self) -> list[tuple[str, str | None, int]]:
        """Return plan, campaign and number of the changes that wait to be written, oldest plan first."""
        with self._database.reading() as conn:
            return plans.approved_counts(conn, self.connection)

    def newest_plan(self) -> str | None:
        """Return the id of the newest plan that is no undo."""
        with self._database.reading() as conn:
            return plans.newest_plan(conn, self.connection)

    def changes(
        self,
        *,
        plan: str | None = None,
        campaign: str | None = None,
        run: int | None = None,
        states: Collection[ChangeState] | None = None,
        ids: Collection[str] | None = None,
        case: int | None = None,
    ) -> Iterator[StoredChange]:
        """Yield changes in plan order; every condition that is given must hold."""
        return plans.read_changes(
            self._database,
            self.connection,
            plan=plan,
            campaign=campaign,
            run=run,
            states=states,
            ids=ids,
            case=case,
        )

    def changes_of(self, cases_: Collection[int], states: Collection[ChangeState]) -> list[StoredChange]:
        """Return the changes of these cases (a few hundred at a time), in plan order."""
        with self._database.reading() as conn:
            return plans.changes_of(conn, self.connection, cases_, states)

    def changes_on(self, records: Collection[str], states: Collection[ChangeState]) -> list[StoredChange]:
        """Return the changes of records with these ids (a few hundred at a time), in plan order."""
        with self._database.reading() as conn:
            return plans.changes_on(conn, self.connection, records, states)

    def latest_changes(self, *, limit: int, states: Collection[ChangeState]) -> list[StoredChange]:
        """Return the newest changes in these states, newest first."""
        with self._database.reading() as conn:
            return tallies.latest_changes(conn, self.connection, limit=limit, states=states)

    def decide(self, decisions_: Sequence[Decision], *, now: datetime) -> list[str]:
        """Approve or reject planned changes; return those for which the decision took effect.

        Changes that share a case stand or fall together. A change no longer planned is left alone.
        """
        decided: list[str] = []
        with self._writing(now=now) as open_:
            for by in dict.fromkeys(decision.by for decision in decisions_):
                open_.actor = by
                decided += decisions.decide(open_, [word for word in decisions_ if word.by == by])
        return decided

    def intend(
        self, changes: Sequence[str], *, run: int, actor: str, now: datetime, lease: Lease | None = None
    ) -> list[str]:
        """Put the intent to write these approved changes on durable record; return those that are ours.

        Only these may be written. Two processes never get the same change. When this raises, nothing is on
        record and nothing may be written.

        Args:
            lease: must still be ours at this moment, else ``LeaseLost`` rises.
        """
        with self._writing(now=now, actor=actor, run=run) as open_:
            if lease is not None:
                leases.check(open_.conn, self.connection, lease)
            return writes.intend(open_, changes)

    def settle(
        self,
        settlements: Sequence[Settlement],
        *,
        run: int,
        actor: str,
        now: datetime,
        verify_at: datetime | None,
    ) -> None:
        """Record the outcomes of writes, and move the cases that hang on them.

        Args:
            verify_at: when cases whose changes are all applied are due for verification.
        """
        with self._writing(now=now, actor=actor, run=run) as open_:
            writes.settle(open_, settlements, verify_at=verify_at)

    def mark_resynced(self, changes: Sequence[str], *, way: str, run: int, actor: str, now: datetime) -> None:
        """Record that the records of these changes were pushed to Salesforce again, and how."""
        with self._writing(now=now, actor=actor, run=run) as open_:
            writes.mark_resynced(open_, changes, way)

    def resynced(self, plan: str) -> set[str]:
        """Return the changes of a plan whose record was pushed to Salesforce again."""
        with self._database.reading() as conn:
            return plans.resynced(conn, self.connection, plan)

    # Retries

    def attempts(self, cases_: Collection[int]) -> dict[int, Attempts]:
        """Return how often these cases were tried again; one that never was is absent."""
        with self._database.reading() as conn:
            return retries.read_attempts(conn, self.connection, cases_)

    def record_attempts(
        self, counts: Mapping[int, int], *, actor: str, run: int | None, now: datetime
    ) -> None:
        """Record, before they are pushed, how often these cases will then have been tried."""
        with self._writing(now=now, actor=actor, run=run) as open_:
            retries.record_attempts(open_, counts, now)
