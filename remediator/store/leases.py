"""Leases with fencing tokens: who may write for a connection now.

Times are the database's own, so that hosts whose clocks disagree still agree on who holds a lease. A token
grows with every change of hands; the write gate compares it in the transaction that records the intent, so
a process that slept through its lease cannot write on.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from sqlalchemy import Connection, select, text, update

from remediator.errors import LeaseHeld, LeaseLost
from remediator.store.once import insert_once
from remediator.store.schema import leases
from remediator.store.values import Lease


def database_now(conn: Connection) -> datetime:
    """Return the database's clock."""
    if conn.dialect.name == "postgresql":
        moment: datetime = conn.execute(text("SELECT clock_timestamp()")).scalar_one()
        return moment.astimezone(UTC)
    shown: str = conn.execute(text("SELECT strftime('%Y-%m-%dT%H:%M:%f', 'now')")).scalar_one()
    return datetime.fromisoformat(shown).replace(tzinfo=UTC)


def take(conn: Connection, connection: str, name: str, holder: str, ttl: timedelta) -> Lease:
    """Take a lease that is free, expired or already ours.

    Raises:
        LeaseHeld: somebody else holds it.
    """
    now = database_now(conn)
    free = {"holder": "", "token": 0, "taken_at": now, "expires_at": now}
    # Only a row that is there can be locked: of two who take a lease for the first time, one has to wait.
    insert_once(conn, leases, {"connection": connection, "name": name, **free})
    mine = (leases.c.connection == connection) & (leases.c.name == name)
    row = conn.execute(select(leases).where(mine).with_for_update()).one()
    now = database_now(conn)  # it may have waited
    if row.holder != holder and row.expires_at > now:
        left = (row.expires_at - now).total_seconds()
        raise LeaseHeld(
            f"the lease '{name}' is held by {row.holder} for {left:.0f} s more",
            holder=row.holder,
            until=row.expires_at,
        )
    # Also when it was ours: another process of the same name on this host is not this one.
    token = row.token + 1
    conn.execute(
        update(leases).where(mine).values(holder=holder, token=token, taken_at=now, expires_at=now + ttl)
    )
    return Lease(name=name, holder=holder, token=token, ttl_s=ttl.total_seconds())


def renew(conn: Connection, connection: str, lease: Lease) -> None:
    """Hold a lease for its time again.

    Raises:
        LeaseLost: it expired and went to somebody else, or was given back.
    """
    renewed = conn.execute(
        update(leases)
        .where(leases.c.connection == connection, leases.c.name == lease.name, leases.c.token == lease.token)
        .values(expires_at=database_now(conn) + timedelta(seconds=lease.ttl_s))
    )
    if renewed.rowcount != 1:
        raise _lost(lease)


def check(conn: Connection, connection: str, lease: Lease) -> None:
    """Raise ``LeaseLost`` unless the lease is still ours and has not run out."""
    row = conn.execute(
        select(leases).where(leases.c.connection == connection, leases.c.name == lease.name)
    ).one_or_none()
    if row is None or row.token != lease.token or row.expires_at <= database_now(conn):
        raise _lost(lease)


def release(conn: Connection, connection: str, lease: Lease) -> None:
    """Give a lease back; one that is lost already stays with whoever has it.

    The row stays, so that tokens keep growing.
    """
    conn.execute(
        update(leases)
        .where(leases.c.connection == connection, leases.c.name == lease.name, leases.c.token == lease.token)
        .values(expires_at=database_now(conn), holder="")
    )


def _lost(lease: Lease) -> LeaseLost:
    return LeaseLost(
        f"the lease '{lease.name}' (token {lease.token}) is no longer ours: another process took over; "
        "nothing more is written by this one"
    )
