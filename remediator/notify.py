"""Telling people: what happens is put on record first, then told in groups, under an hourly cap.

A channel that fails, or hangs, never holds up a run: messages leave from a thread of their own, and what a
channel did not take stays on record and is tried again, by the next process too.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from secrets import token_hex
from typing import Self

from loguru import logger

from remediator.channels import Channel, Message, Tone, channels_of
from remediator.digests import Digest, told
from remediator.errors import LeaseHeld, StoreError
from remediator.settings_sections import NotifySettings
from remediator.store import Notice
from remediator.store.running import Running, held

OK = "ok"
"""The state in which nothing is the matter; coming back to it is told as a recovery."""

RETRY_S = 60.0
"""Seconds until a channel that failed is tried again."""

_PATIENCE_S = 10.0
"""Seconds that a channel which hangs may hold up the end of the process."""

KEPT = timedelta(days=1)
"""A digest that no channel took for so long is dropped; a state stays until it is told or over."""

_OUTBOX, _SENT, _HELD = "outbox:", "sent:", "held:"
_LEASE = "notify"
_LEASE_TTL = timedelta(minutes=5)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Item:
    """Something to tell.

    Attributes:
        key: of the state, ``None`` for a digest.
        state: the state that it tells.
        to: ids of the channels that have not taken it yet.
    """

    name: str
    at: datetime
    title: str
    lines: tuple[str, ...]
    tone: Tone
    to: tuple[str, ...]
    key: str | None = None
    state: str = ""

    @property
    def notice(self) -> Notice:
        """The item as it is put on record."""
        kept = {
            "title": self.title,
            "lines": self.lines,
            "tone": self.tone,
            "to": self.to,
            "key": self.key,
            "state": self.state,
        }
        return Notice(key=_OUTBOX + self.name, state=json.dumps(kept), sent_at=self.at)

    @classmethod
    def of(cls, notice: Notice) -> Self:
        """Return the item that was put on record."""
        kept = json.loads(notice.state)
        return cls(
            name=notice.key.removeprefix(_OUTBOX),
            at=notice.sent_at,
            title=kept["title"],
            lines=tuple(kept["lines"]),
            tone=Tone(kept["tone"]),
            to=tuple(kept["to"]),
            key=kept["key"],
            state=kept["state"],
        )


class Notifier:
    """Tells digests of runs and changes of state to the channels of the settings.

    Safe to call from several threads; no call raises, and none waits for a channel.

    Args:
        running: keeps what was told and what is still to tell.
        clock: for the hourly cap; virtual in a simulation.
        threaded: send from a thread of its own; without it only ``flush`` and ``close`` send.

    Raises:
        ConfigError: an address of the settings cannot be used.
    """

    def __init__(
        self,
        running: Running,
        settings: NotifySettings,
        *,
        clock: Callable[[], datetime],
        connection: str,
        threaded: bool = True,
    ) -> None:
        urls = settings.urls.get_secret_value() if settings.urls is not None else ""
        self.channels: Sequence[Channel] = channels_of(urls)
        self._running = running
        self._settings = settings
        self._clock = clock
        self._connection = connection
        self._flushing = threading.Lock()
        self._unstored: dict[str, _Item] = {}
        self._told: dict[str, str] = {}
        # What the last process could not send is sent first.
        self._dirty = threading.Event()
        self._dirty.set()
        self._closing = threading.Event()
        self._thread: threading.Thread | None = None
        if threaded and self.channels:
            self._thread = threading.Thread(target=self._send_in_groups, name="notify", daemon=True)
            self._thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # What happens

    def state(
        self, key: str, state: str, text: str | BaseException = "", *, to: Collection[str] = ()
    ) -> None:
        """Tell that something is in a state now; said again only when the state changes.

        Args:
            key: what it is: ``campaign:NAME``, ``store``, ``marketo``, ``salesforce``, ``config`` ...
            state: one word; ``ok`` is a recovery, told only if the trouble was.
            text: why; values, e-mails and ids are taken out unless ``notify.details`` is on.
            to: names of channels; none is all.
        """
        if not self.channels:
            return
        name = f"state:{key}"
        if state == self._last_told(key):
            # It went back to what everybody knows before anybody was told.
            self._drop(name)
            return
        waiting = self._waiting(name)
        if waiting is not None and waiting.state == state:
            return
        over = state == OK
        self._put(
            _Item(
                name=name,
                at=self._clock(),
                title=f"{key.replace(':', ' ')} is {'well again' if over else state}",
                lines=(line,) if (line := self._worded(text)) else (),
                tone=Tone.SUCCESS if over else Tone.FAILURE,
                to=self._ids(to),
                key=key,
                state=state,
            )
        )

    def digest(self, digest: Digest, *, to: Collection[str] = ()) -> None:
        """Tell what a run came to, as far as ``notify.digest`` asks for it."""
        wanted = self._settings.digest
        if not self.channels or wanted == "never" or (wanted == "work" and digest.idle):
            return
        clean = replace(digest, note=self._worded(digest.note))
        self._put(
            _Item(
                name=f"digest:{digest.run}",
                at=self._clock(),
                title=clean.title,
                lines=tuple(clean.lines),
                tone=clean.tone,
                to=self._ids(to),
            )
        )

    def standing(self) -> list[str]:
        """Return the keys of the troubles that were told and of which no recovery has been told."""
        try:
            found = self._running.notices(prefix="")
        except StoreError:
            return []
        inner = (_OUTBOX, _SENT, _HELD)
        return [one.key for one in found if one.state != OK and not one.key.startswith(inner)]

    # Sending

    def flush(self) -> bool:
        """Send what is due now; returns ``False`` when something is left for later."""
        if not self.channels:
            return True
        with self._flushing:
            self._dirty.clear()
            try:
                lease = self._running.take_lease(_LEASE, holder=f"notifier {id(self):x}", ttl=_LEASE_TTL)
                with held(self._running, lease):
                    return self._flush()
            except LeaseHeld:
                return False  # another process is sending just now
            except StoreError:
                return self._flush_unstored()

    def close(self) -> None:
        """Send what is left, once, and end."""
        self._closing.set()
        if self._thread is not None:
            self._thread.join(_PATIENCE_S)
        if (self._thread is not None and self._thread.is_alive()) or not self.flush():
            logger.bind(event="notify_left").warning("Some notifications could not be sent; they are kept")

    def _send_in_groups(self) -> None:
        retry_at: float | None = None
        while not self._closing.wait(max(self._settings.group_s, 0.05)):
            if self._dirty.is_set() or (retry_at is not None and time.monotonic() >= retry_at):
                retry_at = None if self.flush() else time.monotonic() + RETRY_S

    def _flush(self) -> bool:
        for item in list(self._unstored.values()):
            self._running.save_notice(item.notice)
            self._unstored.pop(item.name, None)
        items = [_Item.of(notice) for notice in self._running.notices(prefix=_OUTBOX)]
        known = {channel.id for channel in self.channels}
        taken = {channel.id: self._deliver(channel, items) for channel in self.channels}
        left = False
        for item in items:
            to = tuple(one for one in item.to if one in known and item.name not in taken[one])
            if item.key is not None and any(item.name in taken.get(one, ()) for one in item.to):
                self._running.save_notice(Notice(key=item.key, state=item.state, sent_at=self._clock()))
            stale = item.key is None and self._clock() - item.at > KEPT
            if to and not stale:
                left = True
                if to != item.to and self._running.notice(_OUTBOX + item.name) == item.notice:
                    self._running.save_notice(replace(item, to=to).notice)
            elif self._running.notice(_OUTBOX + item.name) == item.notice:
                # Unless it was replaced by newer news meanwhile.
                self._running.forget_notice(_OUTBOX + item.name)
        return not left

    def _deliver(self, channel: Channel, items: Sequence[_Item]) -> set[str]:
        """Send what a channel is owed in one message; return the names of the items that are off its list."""
        owed = [item for item in items if channel.id in item.to]
        if not owed:
            return set()
        now = self._clock()
        held_key = f"{_HELD}{channel.id}"
        before = self._running.notice(held_key)
        held_back = int(before.state) if before is not None else 0
        sent = f"{_SENT}{channel.id}:"
        if self._running.notices_since(now - timedelta(hours=1), prefix=sent) >= self._settings.per_hour:
            digests = {item.name for item in owed if item.key is None}
            if digests:
                total = str(held_back + len(digests))
                self._running.save_notice(Notice(key=held_key, state=total, sent_at=now))
            return digests
        if not channel.send(self._message(owed, held_back)):
            return set()
        self._running.save_notice(
            Notice(key=f"{sent}{now.isoformat()} {token_hex(4)}", state="sent", sent_at=now)
        )
        if held_back:
            self._running.forget_notice(held_key)
        logger.bind(event="notified", channel=channel.name).info("Told {} about {}", channel.name, len(owed))
        return {item.name for item in owed}

    def _flush_unstored(self) -> bool:
        """The store is down, which is just what has to be told."""
        items = list(self._unstored.values())
        for channel in self.channels:
            owed = [item for item in items if channel.id in item.to]
            if owed and channel.send(self._message(owed, 0)):
                for item in owed:
                    kept = self._unstored.pop(item.name, item)
                    to = tuple(one for one in kept.to if one != channel.id)
                    if to:
                        self._unstored[item.name] = replace(kept, to=to)
                    elif item.key is not None:
                        self._told[item.key] = item.state
        return not self._unstored

    def _message(self, items: Sequence[_Item], held_back: int) -> Message:
        """Put what happened into one message: states first, then digests."""
        ordered = sorted(items, key=lambda item: (item.key is None, item.at))
        blocks = ["\n".join((item.title, *item.lines)) for item in ordered]
        if held_back:
            blocks.append(
                f"{held_back} digests were held back: at most {self._settings.per_hour} messages an hour"
            )
        if self._settings.link:
            blocks.append(self._settings.link)
        more = f" and {len(ordered) - 1} more" if len(ordered) > 1 else ""
        order = list(Tone)
        return Message(
            title=f"remediator {self._connection}: {ordered[0].title}{more}",
            body="\n\n".join(blocks),
            tone=max((item.tone for item in items), key=order.index),
        )

    # What is on record

    def _worded(self, text: str | BaseException) -> str:
        return str(text) if self._settings.details else (told(text) if text else "")

    def _ids(self, names: Collection[str]) -> tuple[str, ...]:
        chosen = tuple(channel.id for channel in self.channels if channel.name in names)
        if names and not chosen:
            logger.bind(event="notify_unknown").warning(
                "No channel is called {}; all of them are told", " or ".join(sorted(names))
            )
        return chosen or tuple(channel.id for channel in self.channels)

    def _last_told(self, key: str) -> str:
        try:
            notice = self._running.notice(key)
        except StoreError:
            return self._told.get(key, OK)
        return self._told.pop(key, None) or (notice.state if notice is not None else OK)

    def _waiting(self, name: str) -> _Item | None:
        try:
            notice = self._running.notice(_OUTBOX + name)
        except StoreError:
            notice = None
        return self._unstored.get(name) or (None if notice is None else _Item.of(notice))

    def _put(self, item: _Item) -> None:
        try:
            self._running.save_notice(item.notice)
        except StoreError:
            self._unstored[item.name] = item
        self._dirty.set()

    def _drop(self, name: str) -> None:
        self._unstored.pop(name, None)
        try:
            self._running.forget_notice(_OUTBOX + name)
        except StoreError:
            logger.bind(event="notify_unstored").debug("The store is down; {} stays on its list", name)
