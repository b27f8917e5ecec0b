"""The ways out: addresses as Apprise takes them, each a channel that takes a message or fails by itself."""

from __future__ import annotations

import hashlib
import re
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from loguru import logger

from remediator.errors import ConfigError

_ENTRY = re.compile(r"(?:(?P<name>[A-Za-z0-9_-]+)=)?(?P<url>(?P<scheme>[A-Za-z0-9]+)://\S*)")


class Tone(StrEnum):
    """How bad a message is; Apprise colours it by this."""

    INFO = "info"
    SUCCESS = "success"
    WARNING = "warning"
    FAILURE = "failure"


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """Plain text for people."""

    title: str
    body: str
    tone: Tone = Tone.INFO


@dataclass(frozen=True, slots=True, kw_only=True)
class Channel:
    """One address.

    Attributes:
        id: tells two addresses of one name apart, and says nothing about them.
        name: what campaigns call it; without one in the settings, the kind of address (``slack``).
        send: says whether the message was taken; never raises.
    """

    id: str
    name: str
    send: Callable[[Message], bool]


def channels_of(urls: str) -> tuple[Channel, ...]:
    """Return the channels of a list of addresses, divided by line ends or blanks.

    Raises:
        ConfigError: one is not an address that Apprise knows. It is named by its place, never quoted:
            addresses carry tokens.
    """
    lines = (line for line in urls.splitlines() if not line.lstrip().startswith("#"))
    found: list[Channel] = []
    for place, entry in enumerate((entry for line in lines for entry in line.split()), start=1):
        match = _ENTRY.fullmatch(entry)
        if match is None:
            raise ConfigError(
                f"notify.urls: address {place} does not look like slack://... or ops=mailto://...; addresses "
                "stand one a line, in REMEDIATOR_NOTIFY_URLS or the file of REMEDIATOR_NOTIFY_URLS_FILE"
            )
        found.append(_channel(place, match["name"] or match["scheme"].lower(), match["scheme"], match["url"]))
    return tuple(found)


def _channel(place: int, name: str, scheme: str, url: str) -> Channel:
    # Loaded late: Apprise costs a quarter of a second that only those who are notified should pay.
    import apprise

    asset = apprise.AppriseAsset(
        app_id="remediator",
        app_desc="remediator",
        app_url="",
        async_mode=False,
        # Nothing on disk: a container's root is read-only, and nothing here is worth keeping.
        storage_mode=apprise.PersistentStoreMode.MEMORY,
    )
    try:
        # Its plugins are loaded here, some of which import what Python has deprecated.
        with warnings.catch_warnings(action="ignore"):
            service = apprise.Apprise.instantiate(url, asset=asset, suppress_exceptions=False)
    except Exception:  # noqa: BLE001 - plugins raise what they like, and their words may quote the token
        service = None
    if not service:
        raise ConfigError(
            f"notify.urls: address {place} ({scheme}://...) is not complete, or of no service that Apprise "
            "knows; see https://appriseit.com/services/ for how it is written"
        )
    # Ours is the hourly cap; Apprise's own pause would sleep between two messages.
    service.request_rate_per_sec = 0
    digest = hashlib.sha256(url.encode()).hexdigest()[:8]
    return Channel(id=f"{name}-{digest}", name=name, send=lambda message: _send(service, name, message))


def _send(service: Any, name: str, message: Message) -> bool:
    import apprise

    try:
        taken = bool(
            service.notify(
                title=message.title,
                body=message.body,
                notify_type=apprise.NotifyType(message.tone.value),
                body_format=apprise.NotifyFormat.TEXT,
            )
        )
    except Exception as exc:  # noqa: BLE001 - a channel that breaks must not break a run
        # Only its kind: the text may quote the address, which carries a token.
        logger.bind(event="notify_broke", channel=name).warning(
            "Channel {} broke: {}", name, type(exc).__name__
        )
        return False
    if not taken:
        logger.bind(event="notify_failed", channel=name).warning(
            "Channel {} did not take the message; it is tried again", name
        )
    return taken
