"""Runs, whole files taken in, and the store's own key."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import Connection, insert, select, update

from remediator.errors import StoreError
from remediator.model import Run
from remediator.store.database import Database
from remediator.store.once import insert_once
from remediator.store.rows import run_from
from remediator.store.schema import audit_heads, intakes, runs, store_keys
from remediator.store.writing import GENESIS, Writing

SIGNING = "plan-signing"


def ready_chain(database: Database, connection: str) -> None:
    """Make sure the connection has an audit chain; two first starts make one."""
    wanted = select(audit_heads.c.seq).where(audit_heads.c.connection == connection)
    with database.reading() as conn:
        if conn.execute(wanted).first() is not None:
            return
    with database.writing() as conn:
        values = {"connection": connection, "seq": 0, "hash": GENESIS}
        insert_once(conn, audit_heads, values)


def signing_key(database: Database, connection: str) -> bytes:
    """Return the key that signs plans, made on first use; every process of one database gets the same."""
    wanted = select(store_keys.c.secret).where(store_keys.c.name == SIGNING)
    with database.reading() as conn:
        found = conn.execute(wanted).scalar()
    if found is None:
        with database.writing() as conn:
            values = {"name": SIGNING, "connection": connection, "secret": secrets.token_bytes(32)}
            insert_once(conn, store_keys, values)
            # Read again: another process may have been first.
            found = conn.execute(wanted).scalar_one()
    return bytes(found)


def start_run(writing: Writing, command: str, campaign: str | None) -> int:
    """Open a run and return its number."""
    made = writing.conn.execute(
        insert(runs)
        .values(
            connection=writing.connection,
            command=command,
            campaign=campaign,
            started_at=writing.now,
            outcome="running",
            counters={},
        )
        .returning(runs.c.id)
    )
    writing.run = int(made.scalar_one())
    writing.audit("run_started", payload={"command": command, "campaign": campaign})
    return writing.run


def finish_run(writing: Writing, outcome: str, counters: Mapping[str, int]) -> None:
    """Close the run of this transaction.

    Raises:
        StoreError: there is no such run.
    """
    done = writing.conn.execute(
        update(runs)
        .where(runs.c.connection == writing.connection, runs.c.id == writing.run)
        .values(ended_at=writing.now, outcome=outcome, counters=dict(counters))
    )
    if done.rowcount != 1:
        raise StoreError(
            f"run {writing.run} cannot be finished: connection {writing.connection!r} has no such run"
        )
    writing.audit("run_finished", payload={"outcome": outcome, "counters": dict(counters)})


def read_runs(conn: Connection, connection: str, limit: int) -> list[Run]:
    """Return the latest runs, newest first."""
    found = conn.execute(
        select(runs).where(runs.c.connection == connection).order_by(runs.c.id.desc()).limit(limit)
    )
    return [run_from(row) for row in found]


def read_run(conn: Connection, connection: str, run: int) -> Run | None:
    """Return one run."""
    row = conn.execute(select(runs).where(runs.c.connection == connection, runs.c.id == run)).one_or_none()
    return None if row is None else run_from(row)


def known_intake(conn: Connection, connection: str, digest: str) -> datetime | None:
    """Return when a file of this content was taken in, ``None`` if it was not."""
    return conn.execute(
        select(intakes.c.taken_at).where(intakes.c.connection == connection, intakes.c.digest == digest)
    ).scalar()


def record_intake(
    writing: Writing, *, digest: str, name: str, source: str, taken: int, rejected: int
) -> None:
    """Record that a whole file was taken in; the first record of its content stays."""
    if known_intake(writing.conn, writing.connection, digest) is not None:
        return
    writing.conn.execute(
        insert(intakes).values(
            connection=writing.connection,
            digest=digest,
            name=name,
            source=source,
            taken=taken,
            rejected=rejected,
            run_id=writing.run,
            taken_at=writing.now,
        )
    )
    writing.audit(
        "intake_recorded", payload={"name": name, "source": source, "taken": taken, "rejected": rejected}
    )
