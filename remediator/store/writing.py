"""One write transaction: what is written in it and its audit entries stand or fall together."""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, insert, select, update

from remediator.errors import StoreError
from remediator.store.columns import storable
from remediator.store.database import Database
from remediator.store.schema import audit_entries, audit_heads, audit_payloads

GENESIS = "0" * 64
"""What the first entry of a chain has for a previous hash."""


def payload_digest(salt: str, payload: str) -> str:
    """Return the digest that stays in the chain; without the salt it tells nothing about the payload."""
    return hashlib.sha256((salt + payload).encode()).hexdigest()


def entry_hash(fixed: Mapping[str, object]) -> str:
    """Return the hash of one entry: SHA-256 over the previous hash and the canonical JSON of the rest.

    Args:
        fixed: the row of ``audit_entries`` without its ``hash``.
    """
    rest = {name: value for name, value in fixed.items() if name != "previous"}
    spelled = json.dumps(rest, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(f"{fixed['previous']}{spelled}".encode()).hexdigest()


@dataclass(slots=True, kw_only=True)
class Writing:
    """An open write transaction of one connection; audit entries are gathered and written at its end.

    Attributes:
        conn: the database transaction. It holds the chain head's lock, so on PostgreSQL as on SQLite one
            writer of a connection works at a time: chains cannot fork, and what was read stays true.
        connection: the Marketo and Salesforce pair.
    """

    conn: Connection
    connection: str
    now: datetime
    actor: str
    run: int | None = None
    _seq: int
    _previous: str
    _entries: list[dict[str, Any]] = field(default_factory=list)
    _payloads: list[dict[str, Any]] = field(default_factory=list)

    def audit(
        self,
        event: str,
        *,
        case: int | None = None,
        change: str | None = None,
        payload: Mapping[str, object] | None = None,
    ) -> int:
        """Add one link to the chain and return its position; it is written when the transaction ends."""
        text = json.dumps(payload or {}, sort_keys=True, separators=(",", ":"), default=str)
        salt = secrets.token_hex(16)
        self._seq += 1
        entry: dict[str, Any] = {
            "connection": self.connection,
            "seq": self._seq,
            "at": self.now.astimezone(UTC).isoformat(timespec="microseconds"),
            "actor": storable(self.actor),
            "event": storable(event),
            "run_id": self.run,
            "case_id": case,
            "change_id": None if change is None else storable(change),
            "payload_digest": payload_digest(salt, text),
            "previous": self._previous,
        }
        self._previous = entry["hash"] = entry_hash(entry)
        self._entries.append(entry)
        self._payloads.append(
            {"connection": self.connection, "seq": self._seq, "salt": salt, "payload": text}
        )
        return self._seq

    def flush(self) -> None:
        """Write the gathered entries and move the head."""
        if not self._entries:
            return
        self.conn.execute(insert(audit_entries), self._entries)
        self.conn.execute(insert(audit_payloads), self._payloads)
        self.conn.execute(
            update(audit_heads)
            .where(audit_heads.c.connection == self.connection)
            .values(seq=self._seq, hash=self._previous)
        )
        self._entries, self._payloads = [], []


@contextmanager
def writing(
    database: Database, connection: str, *, now: datetime, actor: str, run: int | None = None
) -> Iterator[Writing]:
    """Open a write transaction that holds the connection's chain; its audit entries go in at its end.

    Raises:
        StoreError: the database refused; nothing of the transaction was written.
    """
    if now.tzinfo is None:
        raise ValueError(f"the store takes aware times only, got {now.isoformat()}")
    with database.writing() as conn:
        head = conn.execute(
            select(audit_heads).where(audit_heads.c.connection == connection).with_for_update()
        ).one_or_none()
        if head is None:
            raise StoreError(
                f"store {database.shown}: the audit chain of connection {connection!r} has lost its head; "
                "nothing is written without it. Restore the store from a backup"
            )
        open_writing = Writing(
            conn=conn,
            connection=connection,
            now=now,
            actor=actor,
            run=run,
            _seq=head.seq,
            _previous=head.hash,
        )
        yield open_writing
        open_writing.flush()
