"""Exports of the audit log: each proves itself, and together with the store they show what was rewritten."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from pydantic import BaseModel, ValidationError
from sqlalchemy import select

from remediator.errors import ConfigError, StoreError
from remediator.store.anchors import read_anchor
from remediator.store.audit import read_links
from remediator.store.chain import EXPIRED, TRIMMED, Link, Walk, expired_through
from remediator.store.database import Database
from remediator.store.schema import audit_entries, audit_heads
from remediator.store.values import ExportCheck
from remediator.store.writing import GENESIS


class _Line(BaseModel):
    """One exported entry; the names are those of ``AuditEntry``, and ``salt``, which its digest needs."""

    connection: str
    seq: int
    at: datetime
    actor: str
    event: str
    run: int | None
    case: int | None
    change: str | None
    payload_digest: str
    previous: str
    hash: str
    salt: str | None = None
    payload: dict[str, object] | None

    def link(self) -> Link:
        """Return it as the store had it."""
        return Link(
            connection=self.connection,
            seq=self.seq,
            at=self.at.astimezone(UTC).isoformat(timespec="microseconds"),
            actor=self.actor,
            event=self.event,
            run_id=self.run,
            case_id=self.case,
            change_id=self.change,
            payload_digest=self.payload_digest,
            previous=self.previous,
            hash=self.hash,
            salt=self.salt,
            # The keys are still in the order of the text that was digested.
            payload=None if self.payload is None else json.dumps(self.payload, separators=(",", ":")),
        )


class AuditExports:
    """Exports of one connection's audit log, and whether they and the store are one chain.

    Methods raise ``StoreError`` when the database cannot be read.
    """

    def __init__(self, database: Database, *, connection: str) -> None:
        self._database = database
        self._connection = connection

    def lines(self, *, event: str | None = None) -> Iterator[str]:
        """Yield the entries as JSON lines; see ``_export_lines``."""
        return _export_lines(self._database, self._connection, event=event)

    def breaks(self, exports: Sequence[ExportCheck]) -> list[str]:
        """Say where exports that hold do not join each other and the store; see ``_breaks``."""
        return _breaks(self._database, self._connection, exports)


def _export_lines(database: Database, connection: str, *, event: str | None) -> Iterator[str]:
    """Yield the entries as JSON lines, oldest first.

    Args:
        event: only these; such an export is no chain, so nothing can prove it.

    Raises:
        StoreError: retention removed entries that were still to be exported.
    """
    last: int | None = None
    for link in read_links(database, connection, after=None, event=event):
        if event is None and last is not None and link.seq > last + 1:
            with database.reading() as conn:
                anchor = read_anchor(conn, connection)
            # Any other gap is evidence, and exported as such.
            if anchor is not None and anchor.seq > last:
                raise StoreError(
                    f"store {database.shown}: retention removed entries up to {anchor.seq} while they were "
                    "exported; export again"
                )
        last = link.seq
        yield json.dumps(_spelled(link)) + "\n"


def _spelled(link: Link) -> dict[str, object]:
    return {
        "seq": link.seq,
        "connection": link.connection,
        "at": link.at,
        "actor": link.actor,
        "event": link.event,
        "run": link.run_id,
        "case": link.case_id,
        "change": link.change_id,
        "payload": None if link.payload is None else json.loads(link.payload),
        "payload_digest": link.payload_digest,
        "previous": link.previous,
        "hash": link.hash,
        "salt": link.salt,
    }


class _Torn(Exception):
    """A line of an export is no entry."""

    def __init__(self, line: int) -> None:
        super().__init__(f"line {line} is not an entry of an audit log")


def check_export(path: Path) -> ExportCheck:
    """Say whether an export holds by itself, without the store it came from.

    Raises:
        ConfigError: the file cannot be read.
    """
    walk, first, connection = Walk(), 1, ""

    def checked(at: int | None, reason: str | None) -> ExportCheck:
        return ExportCheck(
            file=str(path),
            connection=connection,
            first=first,
            last=walk.seen,
            erased=walk.emptied,
            intact=at is None,
            broken_at=at,
            reason=reason,
        )

    try:
        claims = [link for link in _links(path) if link.event in (EXPIRED, TRIMMED)]
        expired = expired_through(next((link for link in reversed(claims) if link.event == EXPIRED), None))
        removed = {(said["through"], said["hash"]) for said in _removals(claims)}
        for link in _links(path):
            if not connection:
                first, connection = link.seq, link.connection
                start = (first - 1, link.previous)
                if start != (0, GENESIS) and start not in removed:
                    return checked(
                        first, "it begins here, and no entry of it says that older ones were removed"
                    )
                walk = Walk(after=first - 1, previous=link.previous, expired=expired)
            if fault := walk.take(link):
                return checked(walk.seen + 1, fault)
    except _Torn as exc:
        return checked(walk.seen + 1, str(exc))
    if not connection:
        return checked(1, "it is empty")
    if (unnamed := walk.unnamed()) is not None:
        return checked(unnamed, "its payload was emptied, and no erasure names it")
    return checked(None, None)


def _removals(claims: Sequence[Link]) -> Iterator[dict[str, object]]:
    for link in claims:
        said = link.said()
        if link.event == TRIMMED and {"through", "hash"} <= said.keys():
            yield dict(said)


def _links(path: Path) -> Iterator[Link]:
    try:
        with path.open("rb") as stream:
            for number, line in enumerate(stream, start=1):
                try:
                    yield _Line.model_validate_json(line).link()
                except ValidationError as exc:
                    raise _Torn(number) from exc
    except OSError as exc:
        raise ConfigError(f"{path}: cannot be read: {exc.strerror}") from exc


# Joining


@dataclass(frozen=True, slots=True, kw_only=True)
class _Part:
    """A stretch of a chain that holds by itself.

    Attributes:
        begins: the hash before its first entry.
        hash_at: returns the hash at one of its positions.
    """

    name: str
    first: int
    last: int
    begins: str
    hash_at: Callable[[int], str]


def _breaks(database: Database, connection: str, exports: Sequence[ExportCheck]) -> list[str]:
    """Say where exports that hold do not belong to one chain with each other and the store's.

    The store must be the last to be looked at: it may only have grown since.
    """
    found = [
        f"{one.file} is of connection {one.connection!r}, the store is open for {connection!r}"
        for one in exports
        if one.connection != connection
    ]
    parts = sorted(
        (_export_part(one) for one in exports if one.connection == connection),
        key=lambda part: (part.first, part.last),
    )
    if not parts:
        return found
    store = _store_part(database, connection)
    longest = parts[0]
    for part in parts[1:]:
        found += _break(longest, part)
        longest = max(longest, part, key=lambda one: one.last)
    found += _break(longest, store)
    if longest.last > store.last:
        found.append(
            f"{longest.name} knows entries up to {longest.last}, the store only up to {store.last}: "
            "it was cut, or restored from an older copy"
        )
    return found


def _break(older: _Part, newer: _Part) -> list[str]:
    if newer.first > older.last + 1:
        return [
            f"{older.name} ends at entry {older.last} and {newer.name} begins at {newer.first}: what lies "
            "between is in neither, so nothing proves that they belong together"
        ]
    # Where one hash is the same, all before it are.
    shared = min(older.last, newer.last)
    if shared >= newer.first:
        same = older.hash_at(shared) == newer.hash_at(shared)
    else:
        same = older.hash_at(shared) == newer.begins
    if same:
        return []
    return [f"{older.name} and {newer.name} differ at or before entry {shared}: one of them was rewritten"]


def _export_part(check: ExportCheck) -> _Part:
    path = Path(check.file)
    start = next(_links(path))

    def hash_at(seq: int) -> str:
        if seq == check.first - 1:
            return start.previous
        return next(link.hash for link in _links(path) if link.seq == seq)

    return _Part(name=check.file, first=check.first, last=check.last, begins=start.previous, hash_at=hash_at)


def _store_part(database: Database, connection: str) -> _Part:
    with database.reading() as conn:
        anchor = read_anchor(conn, connection)
        last = conn.execute(
            select(audit_heads.c.seq).where(audit_heads.c.connection == connection)
        ).scalar_one()
    after, begins = (0, GENESIS) if anchor is None else (anchor.seq, anchor.hash)

    def hash_at(seq: int) -> str:
        if seq == after:
            return begins
        wanted = select(audit_entries.c.hash).where(
            audit_entries.c.connection == connection, audit_entries.c.seq == seq
        )
        with database.reading() as conn:
            found: str | None = conn.execute(wanted).scalar()
        if found is None:
            raise StoreError(
                f"store {database.shown}: entry {seq} went while it was compared; verify once more"
            )
        return found

    return _Part(name="the store", first=after + 1, last=last, begins=begins, hash_at=hash_at)
