"""Signed anchors: they prove the rest of an audit chain whose oldest entries were removed by age."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import Connection, delete, select

from remediator.store.chain import TRIMMED
from remediator.store.columns import canonical
from remediator.store.once import put
from remediator.store.schema import audit_anchors, audit_entries, audit_payloads
from remediator.store.writing import Writing


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


def trim(writing: Writing, key: bytes, *, through: int, before: datetime) -> int:
    """Remove the chain's entries up to one, behind a signed anchor; return how many.

    Anchor, removal and the entry that tells of it are one transaction.

    Args:
        before: the policy's moment, which all of them are older than.
    """
    mine = audit_entries.c.connection == writing.connection
    last = writing.conn.execute(
        select(audit_entries.c.hash, audit_entries.c.at).where(mine, audit_entries.c.seq == through)
    ).one()
    at = _text(writing.now)
    values = {
        "connection": writing.connection,
        "seq": through,
        "hash": last.hash,
        "at": at,
        "signature": _signature(key, writing.connection, through, last.hash, at),
    }
    put(writing.conn, audit_anchors, values)
    writing.conn.execute(
        delete(audit_payloads).where(
            audit_payloads.c.connection == writing.connection, audit_payloads.c.seq <= through
        )
    )
    gone = writing.conn.execute(delete(audit_entries).where(mine, audit_entries.c.seq <= through))
    claim = {"hash": last.hash, "last_at": last.at, "before": _text(before), "entries": gone.rowcount}
    writing.audit(TRIMMED, payload={"through": through, **claim})
    return gone.rowcount


def read_anchor(conn: Connection, connection: str) -> Anchor | None:
    """Return a connection's anchor, ``None`` while its chain is whole."""
    row = conn.execute(select(audit_anchors).where(audit_anchors.c.connection == connection)).one_or_none()
    return None if row is None else Anchor(**row._mapping)


def trim_claim(conn: Connection, connection: str) -> Mapping[str, object]:
    """Return what the newest entry about a removal says; nothing when there is none that can be read.

    Keys: ``through``, ``hash`` and ``last_at`` of the last entry removed; ``before``, the policy's moment;
    ``entries``, how many went then.
    """
    told = conn.execute(
        select(audit_payloads.c.payload)
        .join(
            audit_entries,
            (audit_entries.c.connection == audit_payloads.c.connection)
            & (audit_entries.c.seq == audit_payloads.c.seq),
        )
        .where(audit_entries.c.connection == connection, audit_entries.c.event == TRIMMED)
        .order_by(audit_entries.c.seq.desc())
        .limit(1)
    ).scalar()
    try:
        said = json.loads(told or "{}")
    except ValueError:
        return {}
    return said if isinstance(said, dict) else {}


def anchor_fault(conn: Connection, anchor: Anchor, key: bytes, claim: Mapping[str, object]) -> str | None:
    """Say what is wrong with an anchor, ``None`` when it holds.

    Args:
        claim: what ``trim_claim`` found; the walk proves the entry that it stands in.
    """
    signed = _signature(key, anchor.connection, anchor.seq, anchor.hash, anchor.at)
    if not hmac.compare_digest(signed, anchor.signature):
        return "the anchor behind which older entries were removed is not signed by this store"
    mine = audit_entries.c.connection == anchor.connection
    if conn.execute(select(audit_entries.c.seq).where(mine, audit_entries.c.seq <= anchor.seq)).first():
        return "entries stand before the anchor that says they were removed"
    if (claim.get("through"), claim.get("hash")) != (anchor.seq, anchor.hash):
        return "no entry of the chain tells of the anchor behind which older ones were removed"
    if not str(claim.get("last_at")) < str(claim.get("before")) <= anchor.at:
        return "more was removed than the retention in force then allowed"
    return None


def _text(moment: datetime) -> str:
    # In this one spelling texts compare like times.
    return moment.astimezone(UTC).isoformat(timespec="microseconds")


def _signature(key: bytes, connection: str, seq: int, last: str, at: str) -> str:
    # Named apart from plans, which the same key signs.
    text = canonical({"what": "audit-anchor", "connection": connection, "seq": seq, "hash": last, "at": at})
    return hmac.new(key, text.encode(), hashlib.sha256).hexdigest()
