"""Access tokens: one per custom service, the same one until its hour is over (marketo.md, section 1)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from threading import Lock
from uuid import uuid4

from remediator.sandbox.clock import VirtualClock
from remediator.sandbox.marketo.envelope import ApiError

LIFETIME = timedelta(seconds=3600)


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """A token and the moment it ends."""

    text: str
    client: str
    ends: datetime


class Tokens:
    """Hands out tokens and recognises them."""

    def __init__(self, clock: VirtualClock) -> None:
        self._clock = clock
        self._current: dict[str, Token] = {}
        self._known: dict[str, Token] = {}
        self._worn_out: set[str] = set()
        self._lock = Lock()

    def grant(self, client: str) -> tuple[str, int]:
        """Return the client's token and the seconds it has left; a new one only when the old ended."""
        with self._lock:
            now = self._clock.now()
            token = self._current.get(client)
            if token is None or token.ends <= now:
                token = Token(text=f"{uuid4()}:sj", client=client, ends=now + LIFETIME)
                self._current[client] = self._known[token.text] = token
            return token.text, int((token.ends - now).total_seconds())

    def wear_out(self, text: str, left: timedelta) -> None:
        """Refuse a token from now on, but grant it again until so much time has passed."""
        with self._lock:
            token = self._known.get(text)
            if token is None:
                return
            self._worn_out.add(text)
            ends = min(token.ends, self._clock.now() + left)
            self._known[text] = replace(token, ends=ends)
            if self._current[token.client] is token:
                self._current[token.client] = self._known[text]

    def client_of(self, text: str | None) -> str:
        """Return whose token it is.

        Raises:
            ApiError: 600 without a token, 601 for an unknown one, 602 for one that has ended.
        """
        if not text:
            raise ApiError("600")
        with self._lock:
            token = self._known.get(text)
            worn_out = text in self._worn_out
        if token is None:
            raise ApiError("601")
        if worn_out or token.ends <= self._clock.now():
            raise ApiError("602")
        return token.client
