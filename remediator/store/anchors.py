"""Signed anchors: they prove the rest of an audit chain whose oldest entries were removed by age."""

from __future__ import annotations

import hashlib
import hmac
import json
from dataclasses import dataclass
from datetime import UTC

from sqlalchemy import Connection, delete, select, update

from remediator.store.columns import canonical
from remediator.store.once import insert_once
from remediator.store.schema import audit_anchors, audit_entries, audit_payloads
from remediator.store.writing import Writing

TRIMMED = "audit_trimmed"
"""The event that says, in the chain itself, up to which entry it was removed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Anchor:
    """The last entry that was removed.

    Attributes:
        at: when it was signed, as text, like an entry's own time.
    """

    connection: str
    seq: int
    hash: str
    at: str
    signature: str


def trim(writing: Writing, key: bytes, *, through: int) -> int:
    """Remove the chain's entries up to one, behind a signed anchor; return how many.

    Anchor, removal and the entry that tells of it are one transaction.
    """
    mine = audit_entries.c.connection == writing.connection
    last = writing.conn.execute(
        select(audit_entries.c.hash).where(mine, audit_entries.c.seq == through)
    ).scalar_one()
    at = writing.now.astimezone(UTC).isoformat(timespec="microseconds")
    values = {
        "seq": through,
        "hash": last,
        "at": at,
        "signature": _signature(key, writing.connection, through, last, at),
    }
    if not insert_once(writing.conn, audit_anchors, {"connection": writing.connection, **values}):
        writing.conn.execute(
            update(audit_anchors).where(audit_anchors.c.connection == writing.connection).values(**values)
        )
    writing.conn.execute(
        delete(audit_payloads).where(
            audit_payloads.c.connection == writing.connection, audit_payloads.c.seq <= through
        )
    )
    gone = writing.conn.execute(delete(audit_entries).where(mine, audit_entries.c.seq <= through))
    writing.audit(TRIMMED, payload={"through": through, "hash": last, "entries": gone.rowcount})
    return gone.rowcount


def read_anchor(conn: Connection, connection: str) -> Anchor | None:
    """Return a connection's anchor, ``None`` while its chain is whole."""
    row = conn.execute(select(audit_anchors).where(audit_anchors.c.connection == connection)).one_or_none()
    return None if row is None else Anchor(**row._mapping)


def anchor_fault(conn: Connection, anchor: Anchor, key: bytes) -> str | None:
    """Say what is wrong with an anchor, ``None`` when it holds."""
    signed = _signature(key, anchor.connection, anchor.seq, anchor.hash, anchor.at)
    if not hmac.compare_digest(signed, anchor.signature):
        return "the anchor behind which older entries were removed is not signed by this store"
    mine = audit_entries.c.connection == anchor.connection
    if conn.execute(select(audit_entries.c.seq).where(mine, audit_entries.c.seq <= anchor.seq)).first():
        return "entries stand before the anchor that says they were removed"
    told = conn.execute(
        select(audit_payloads.c.payload)
        .join(
            audit_entries,
            (audit_entries.c.connection == audit_payloads.c.connection)
            & (audit_entries.c.seq == audit_payloads.c.seq),
        )
        .where(mine, audit_entries.c.event == TRIMMED)
        .order_by(audit_entries.c.seq.desc())
        .limit(1)
    ).scalar()
    try:
        said = json.loads(told or "{}")
    except ValueError:
        said = {}
    if (said.get("through"), said.get("hash")) != (anchor.seq, anchor.hash):
        return "no entry of the chain tells of the anchor behind which older ones were removed"
    return None


def _signature(key: bytes, connection: str, seq: int, last: str, at: str) -> str:
    # Named apart from plans, which the same key signs.
    text = canonical({"what": "audit-anchor", "connection": connection, "seq": seq, "hash": last, "at": at})
    return hmac.new(key, text.encode(), hashlib.sha256).hexdigest()
