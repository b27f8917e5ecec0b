"""What makes links a chain: the same rules for the store's own and for one that was exported. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

from remediator.store.writing import GENESIS, entry_hash, payload_digest

ERASED = "personal_data_erased"
"""The event that names the entries whose payload was erased."""

EXPIRED = "audit_payloads_expired"
"""The event that says up to which entry payloads were emptied by age."""

TRIMMED = "audit_trimmed"
"""The event that says, in the chain itself, up to which entry it was removed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """One entry with its payload, as they stand in the store.

    Attributes:
        at: text, because the hash covers exactly these characters.
        payload: JSON text; ``None`` once emptied, and so is ``salt``.
        whole: whether a payload, emptied or not, is there at all.
    """

    connection: str
    seq: int
    at: str
    actor: str
    event: str
    run_id: int | None
    case_id: int | None
    change_id: str | None
    payload_digest: str
    previous: str
    hash: str
    salt: str | None
    payload: str | None
    whole: bool = True

    def fault(self, *, expected: int, previous: str) -> str | None:
        """Say what is wrong with this link where it stands, ``None`` when it holds."""
        if self.seq != expected:
            return f"entry {expected} is missing; the next one there is {self.seq}"
        if self.previous != previous:
            return "it does not follow the entry before it"
        if entry_hash(self._fixed()) != self.hash:
            return "its content does not match its hash"
        if not self.whole:
            return "its payload is missing"
        if (self.payload is None) != (self.salt is None):
            return "its payload is only half erased"
        if self.payload is not None and payload_digest(self.salt or "", self.payload) != self.payload_digest:
            return "its payload does not match its digest"
        return None

    def said(self) -> Mapping[str, object]:
        """Return the payload's content; nothing when it is not what was written there."""
        try:
            found = json.loads(self.payload or "{}")
        except ValueError:
            return {}
        return found if isinstance(found, dict) else {}

    def _fixed(self) -> dict[str, object]:
        return {
            "connection": self.connection,
            "seq": self.seq,
            "at": self.at,
            "actor": self.actor,
            "event": self.event,
            "run_id": self.run_id,
            "case_id": self.case_id,
            "change_id": self.change_id,
            "payload_digest": self.payload_digest,
            "previous": self.previous,
        }


class Walk:
    """Walking a chain link by link.

    Args:
        after: position that the first link follows.
        previous: the hash at that position.
        expired: position up to which payloads were emptied by age, as far as it is known before; the link
            that says so is walked too.

    Attributes:
        seen: last position that holds.
        last: its hash.
        emptied: links whose payload was emptied.
    """

    def __init__(self, *, after: int = 0, previous: str = GENESIS, expired: int = 0) -> None:
        self.after = after
        self.seen = after
        self.last = previous
        self.emptied = 0
        self._expired = expired
        self._unnamed: set[int] = set()

    def take(self, link: Link) -> str | None:
        """Take the next link; say what is wrong with it, ``None`` when it holds."""
        if fault := link.fault(expected=self.seen + 1, previous=self.last):
            return fault
        self.seen, self.last = link.seq, link.hash
        if link.payload is None:
            self.emptied += 1
            if link.seq > self._expired:
                self._unnamed.add(link.seq)
        elif link.event == ERASED:
            named = link.said().get("entries")
            self._unnamed.difference_update(named if isinstance(named, list) else ())
        elif link.event == EXPIRED:
            # Payloads may have been emptied since ``expired`` was read; this link is proven by now.
            through = expired_through(link)
            self._unnamed = {seq for seq in self._unnamed if seq > through}
        return None

    def unnamed(self) -> int | None:
        """Return the first link that lost its payload without a later one that says so."""
        return min(self._unnamed, default=None)


def expired_through(link: Link | None) -> int:
    """Return the position that the newest ``EXPIRED`` link names."""
    through = link.said().get("through") if link is not None else None
    return through if isinstance(through, int) else 0
