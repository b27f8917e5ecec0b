"""Reading the audit chain, and checking that nobody has touched it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select

from remediator.errors import StoreError
from remediator.model import AuditEntry
from remediator.store.anchors import Anchor, anchor_fault, read_anchor, trim_claim
from remediator.store.chain import EXPIRED, Link, Walk, expired_through
from remediator.store.database import Database
from remediator.store.rows import PAGE, AnyRow
from remediator.store.schema import audit_entries, audit_heads, audit_payloads
from remediator.store.values import AuditCheck

_COLUMNS = tuple(column.name for column in audit_entries.columns)


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
    walk = Walk()
    if anchor is not None:
        walk = Walk(after=anchor.seq, previous=anchor.hash)
    claim: Mapping[str, object] = {}

    def checked(at: int | None, reason: str | None) -> AuditCheck:
        before = claim.get("before")
        return AuditCheck(
            entries=walk.seen - walk.after,
            erased=walk.emptied,
            intact=at is None,
            removed=walk.after,
            removed_before=before if isinstance(before, str) else None,
            broken_at=at,
            reason=reason,
        )

    with database.reading() as conn:
        expired = expired_entry(conn, connection)
        if anchor is not None:
            claim = trim_claim(conn, connection)
            if fault := anchor_fault(conn, anchor, key, claim):
                return checked(anchor.seq, fault)
    walk = Walk(after=walk.after, previous=walk.last, expired=expired)
    try:
        for link in read_links(database, connection, after=None if anchor is None else anchor.seq):
            if fault := walk.take(link):
                return checked(walk.seen + 1, fault)
    except StoreError as exc:
        if "decode" not in str(exc):
            raise
        return checked(walk.seen + 1, f"it or one soon after it is not text any more ({exc})")
    if (unnamed := walk.unnamed()) is not None:
        return checked(unnamed, "its payload was emptied, and no erasure names it")
    with database.reading() as conn:
        fault = _head_fault(conn, connection, walk.seen, walk.last)
    return checked(walk.seen + 1 if fault else None, fault)


def read_links(
    database: Database, connection: str, *, after: int | None, event: str | None = None
) -> Iterator[Link]:
    """Yield links in order, a page at a time; ``after=None`` also those at positions no chain has."""
    wanted = _select().where(audit_entries.c.connection == connection)
    if event is not None:
        wanted = wanted.where(audit_entries.c.event == event)
    for row in _pages(database, wanted, -(2**62) if after is None else after):
        yield _link(row)


def _link(row: AnyRow) -> Link:
    columns = {name: row._mapping[name] for name in (*_COLUMNS, "salt", "payload")}
    return Link(**columns, whole=row.payload_seq is not None)


def expired_entry(conn: Connection, connection: str) -> int:
    """Return the entry up to which payloads were emptied by age; the walk proves the entry that says so."""
    found = conn.execute(
        _select()
        .where(audit_entries.c.connection == connection, audit_entries.c.event == EXPIRED)
        .order_by(audit_entries.c.seq.desc())
        .limit(1)
    ).first()
    return expired_through(None if found is None else _link(found))


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
