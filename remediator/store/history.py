"""The store's record of what happened, in the order it happened: runs, whole files, the audit log."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager
from datetime import datetime

from remediator.model import AuditEntry, Run
from remediator.store import audit, runs
from remediator.store.database import Database
from remediator.store.values import AuditCheck
from remediator.store.writing import Writing, writing

SYSTEM = "remediator"
"""The actor of what nobody in particular asked for."""


class History:
    """Runs, intakes and the audit log of one connection; the ``Store`` is more of the same.

    Attributes:
        connection: the Marketo and Salesforce pair.
    """

    def __init__(self, database: Database, *, connection: str) -> None:
        self.connection = connection
        self._database = database

    def signing_key(self) -> bytes:
        """Return the 32 random bytes that sign this database's plans."""
        return runs.signing_key(self._database, self.connection)

    def _writing(
        self, *, now: datetime, actor: str = SYSTEM, run: int | None = None
    ) -> AbstractContextManager[Writing]:
        return writing(self._database, self.connection, now=now, actor=actor, run=run)

    # Runs and whole files

    def start_run(self, command: str, *, campaign: str | None = None, now: datetime) -> int:
        """Open a run and return its number."""
        with self._writing(now=now) as open_:
            return runs.start_run(open_, command, campaign)

    def finish_run(self, run: int, *, outcome: str, counters: Mapping[str, int], now: datetime) -> None:
        """Close a run with its outcome (see ``Run``) and what it did."""
        with self._writing(now=now, run=run) as open_:
            runs.finish_run(open_, outcome, counters)

    def runs(self, *, limit: int = 50) -> list[Run]:
        """Return the latest runs, newest first."""
        with self._database.reading() as conn:
            return runs.read_runs(conn, self.connection, limit)

    def run(self, run: int) -> Run | None:
        """Return one run."""
        with self._database.reading() as conn:
            return runs.read_run(conn, self.connection, run)

    def known_intake(self, digest: str) -> datetime | None:
        """Return when a file of this content was taken in, ``None`` if it was not."""
        with self._database.reading() as conn:
            return runs.known_intake(conn, self.connection, digest)

    def record_intake(
        self,
        *,
        digest: str,
        name: str,
        source: str,
        taken: int,
        rejected: int,
        run: int | None,
        now: datetime,
    ) -> None:
        """Record that a whole file was taken in; the first record of its content stays."""
        with self._writing(now=now, run=run) as open_:
            runs.record_intake(open_, digest=digest, name=name, source=source, taken=taken, rejected=rejected)

    # Audit

    def append_audit(
        self,
        event: str,
        *,
        actor: str,
        run: int | None = None,
        case: int | None = None,
        change: str | None = None,
        payload: Mapping[str, object] | None = None,
        now: datetime,
    ) -> int:
        """Add one entry to the chain and return its position."""
        with self._writing(now=now, actor=actor, run=run) as open_:
            return open_.audit(event, case=case, change=change, payload=payload)

    def audit(
        self,
        *,
        after_seq: int = 0,
        event: str | None = None,
        case: int | None = None,
        run: int | None = None,
    ) -> Iterator[AuditEntry]:
        """Yield entries in the chain's order; every condition that is given must hold."""
        return audit.read_audit(
            self._database, self.connection, after_seq=after_seq, event=event, case=case, run=run
        )

    def verify_audit(self) -> AuditCheck:
        """Walk the whole chain and say whether every link, payload and the head hold."""
        return audit.verify_audit(self._database, self.connection, key=self.signing_key())
