"""Reading the audit chain, and checking that nobody has touched it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select

from remediator.errors import StoreError
from remediator.model import AuditEntry
from remediator.store.anchors import Anchor, anchor_fault, read_anchor
from remediator.store.database import Database
from remediator.store.rows import PAGE, AnyRow
from remediator.store.schema import audit_entries, audit_heads, audit_payloads
from remediator.store.values import AuditCheck
from remediator.store.writing import GENESIS, entry_hash, payload_digest

ERASED = "personal_data_erased"
"""The event that names the entries whose payload was erased."""

EXPIRED = "audit_payloads_expired"
"""The event that says up to which entry payloads were emptied by age."""

_FIXED = tuple(column.name for column in audit_entries.columns if column.name != "hash")


def _select() -> Any:
    return select(
        audit_entries,
        audit_payloads.c.seq.label("payload_seq"),
        audit_payloads.c.salt,
        audit_payloads.c.payload,
    ).join_from(
        audit_entries,
        audit_payloads,
        (audit_payloads.c.connection == audit_entries.c.connection)
        & (audit_payloads.c.seq == audit_entries.c.seq),
        isouter=True,
    )


def _pages(database: Database, wanted: Any, after: int) -> Iterator[AnyRow]:
    while True:
        with database.reading() as conn:
            page = conn.execute(
                wanted.where(audit_entries.c.seq > after).order_by(audit_entries.c.seq).limit(PAGE)
            ).all()
        yield from page
        if len(page) < PAGE:
            return
        after = page[-1].seq


def read_audit(
    database: Database,
    connection: str,
    *,
    after_seq: int,
    event: str | None,
    case: int | None,
    run: int | None,
) -> Iterator[AuditEntry]:
    """Yield entries in the chain's order, a page at a time."""
    wanted = _select().where(audit_entries.c.connection == connection)
    if event is not None:
        wanted = wanted.where(audit_entries.c.event == event)
    if case is not None:
        wanted = wanted.where(audit_entries.c.case_id == case)
    if run is not None:
        wanted = wanted.where(audit_entries.c.run_id == run)
    for row in _pages(database, wanted, after_seq):
        yield AuditEntry(
            seq=row.seq,
            connection=row.connection,
            at=datetime.fromisoformat(row.at),
            actor=row.actor,
            event=row.event,
            run=row.run_id,
            case=row.case_id,
            change=row.change_id,
            payload=None if row.payload is None else json.loads(row.payload),
            payload_digest=row.payload_digest,
            previous=row.previous,
            hash=row.hash,
        )


def verify_audit(database: Database, connection: str, *, key: bytes) -> AuditCheck:
    """Walk the chain from its first entry, or its anchor, and compare every hash, payload, and the head.

    Entries that are added while it walks are walked too; the head is read last.

    Args:
        key: the store's own, which signs anchors.
    """
    while True:
        with database.reading() as conn:
            anchor = read_anchor(conn, connection)
        check = _walk(database, connection, anchor, key)
        with database.reading() as conn:
            if check.intact or read_anchor(conn, connection) == anchor:
                return check
        # Entries were removed by age under our feet.


def _walk(database: Database, connection: str, anchor: Anchor | None, key: bytes) -> AuditCheck:
    before = anchor.seq if anchor is not None else 0
    seen, previous = before, anchor.hash if anchor is not None else GENESIS
    erased = 0
    unnamed: set[int] = set()

    def checked(at: int | None, reason: str | None) -> AuditCheck:
        return AuditCheck(
            entries=seen - before,
            erased=erased,
            intact=at is None,
            removed=before,
            broken_at=at,
            reason=reason,
        )

    with database.reading() as conn:
        if anchor is not None and (fault := anchor_fault(conn, anchor, key)):
            return checked(before, fault)
    wanted = _select().where(audit_entries.c.connection == connection)
    try:
        with database.reading() as conn:
            expired = expired_through(conn, connection)
        for row in _pages(database, wanted, before if anchor is not None else -(2**62)):
            if fault := _fault(row, seen + 1, previous):
                return checked(seen + 1, fault)
            seen, previous = row.seq, row.hash
            if row.payload is None:
                erased += 1
                if row.seq > expired:
                    unnamed.add(row.seq)
            elif row.event == ERASED:
                unnamed.difference_update(json.loads(row.payload)["entries"])
    except StoreError as exc:
        if "decode" not in str(exc):
            raise
        return checked(seen + 1, f"it or one soon after it is not text any more ({exc})")
    if unnamed:
        return checked(min(unnamed), "its payload was emptied, and no erasure names it")
    with database.reading() as conn:
        fault = _head_fault(conn, connection, seen, previous)
    return checked(seen + 1 if fault else None, fault)


def expired_through(conn: Connection, connection: str) -> int:
    """Return the entry up to which payloads were emptied by age; the walk proves the entry that says so."""
    found = conn.execute(
        _select()
        .where(audit_entries.c.connection == connection, audit_entries.c.event == EXPIRED)
        .order_by(audit_entries.c.seq.desc())
        .limit(1)
    ).first()
    if found is None or found.payload is None:
        return 0
    try:
        return int(json.loads(found.payload)["through"])
    except (ValueError, KeyError, TypeError):
        return 0  # not what was written there, which the walk will say


def _fault(row: AnyRow, expected: int, previous: str) -> str | None:
    if row.seq != expected:
        return f"entry {expected} is missing; the next one there is {row.seq}"
    if row.previous != previous:
        return "it does not follow the entry before it"
    fixed: Mapping[str, object] = {name: row._mapping[name] for name in _FIXED}
    if entry_hash(fixed) != row.hash:
        return "its content does not match its hash"
    if row.payload_seq is None:
        return "its payload is missing"
    if (row.payload is None) != (row.salt is None):
        return "its payload is only half erased"
    if row.payload is not None and payload_digest(row.salt, row.payload) != row.payload_digest:
        return "its payload does not match its digest"
    return None


def _head_fault(conn: Connection, connection: str, seq: int, last: str) -> str | None:
    head = conn.execute(select(audit_heads).where(audit_heads.c.connection == connection)).one_or_none()
    if head is None:
        return "the chain has lost its head"
    added = conn.execute(
        select(audit_entries.c.seq).where(
            audit_entries.c.connection == connection, audit_entries.c.seq == seq + 1
        )
    ).first()
    if added is None and (head.seq, head.hash) != (seq, last):
        return f"the chain ends at entry {seq}, its head says {head.seq}"
    return None
