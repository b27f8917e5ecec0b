"""Tokens: fetched once, shared by all threads, renewed before they expire, dropped when refused."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Annotated

import jwt
from pydantic import Field, SecretStr

from remediator.errors import ConfigError
from remediator.settings import MarketoSettings, SalesforceSettings

TokenText = Annotated[str, Field(pattern=r"^[\x21-\x7e]+$")]
"""A token as it can stand in a header."""

MARKETO_TOKEN_PATH = "/identity/oauth/token"  # noqa: S105 - a path, not a password
SALESFORCE_TOKEN_PATH = "/services/oauth2/token"  # noqa: S105 - a path, not a password
RENEW_BEFORE_S = 60.0
# Marketo's identity service hands out the same token up to its last moment, which hosts whose clock is a
# little ahead hold to be over. So a token that is refused soon after another one is given time to end.
SOON_S = 60.0
SHORT_WAIT_S = 2.0
LONGEST_END_S = 15.0
# Salesforce takes an assertion that expires at most about three minutes ahead.
ASSERTION_S = 170


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """An access token.

    Attributes:
        expires_in_s: seconds left when it was handed out; ``None`` when the vendor does not say.
        instance_url: host that the calls go to, where the vendor names one.
        identity: Salesforce's identity URL; its last two parts are organisation and user id.
    """

    value: str = field(repr=False)
    expires_in_s: float | None = None
    instance_url: str | None = None
    identity: str | None = None


class TokenCache:
    """Hands out one token to every thread.

    Args:
        fetch: gets a new token.
        clock: monotonic seconds.
        sleep: waits before a token that may be the refused one again is fetched; may raise to stop a run.
    """

    def __init__(
        self,
        fetch: Callable[[], Token],
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._fetch = fetch
        self._clock = clock
        self._sleep = sleep
        self._lock = threading.Lock()
        self._token: Token | None = None
        self._renew_at: float | None = None
        self._ends_at: float | None = None
        self._refused_at: float | None = None
        self._pause_s = 0.0

    def get(self) -> Token:
        """Return a token that should still be good; at most one thread waits for it and fetches it."""
        with self._lock:
            due = self._renew_at is not None and self._clock() >= self._renew_at
            if self._token is None or due:
                if self._pause_s:
                    self._sleep(self._pause_s)
                    self._pause_s = 0.0
                self._token = self._fetch()
                left_s = self._token.expires_in_s
                self._renew_at = self._renewal(left_s)
                self._ends_at = None if left_s is None else self._clock() + left_s
            return self._token

    def drop(self, token: Token) -> None:
        """Forget a token that was refused, unless another thread has renewed it already."""
        with self._lock:
            if self._token is not token:
                return
            now = self._clock()
            if self._refused_at is not None and now - self._refused_at < SOON_S:
                self._pause_s = self._time_to_end_s(now)
            self._refused_at = now
            self._token = None

    def _time_to_end_s(self, now: float) -> float:
        left_s = -1.0 if self._ends_at is None else self._ends_at - now
        # Seconds left come rounded down.
        return max(SHORT_WAIT_S, left_s + 1) if left_s <= LONGEST_END_S else SHORT_WAIT_S

    def _renewal(self, expires_in_s: float | None) -> float | None:
        if expires_in_s is None:
            return None
        # Marketo hands out the same token until it expires: asking again within its last minute would
        # mean asking before every single call, so a token that short is used up to its end.
        early = RENEW_BEFORE_S if expires_in_s > 2 * RENEW_BEFORE_S else 0.0
        return self._clock() + expires_in_s - early


def marketo_form(settings: MarketoSettings) -> Mapping[str, str]:
    """Return the form that buys a Marketo token; raises ``ConfigError`` naming a missing setting."""
    return {
        "grant_type": "client_credentials",
        "client_id": _given(settings.client_id, "marketo.client_id"),
        "client_secret": _secret(settings.client_secret, "marketo.client_secret"),
    }


def salesforce_form(settings: SalesforceSettings, *, now_s: float) -> Mapping[str, str]:
    """Return the form that buys a Salesforce token.

    Args:
        settings: which flow and whose credentials.
        now_s: epoch seconds, for the assertion's expiry.

    Raises:
        ConfigError: naming a missing setting, or a private key that cannot be used.
    """
    client_id = _given(settings.client_id, "salesforce.client_id")
    if settings.auth == "client_credentials":
        return {
            "grant_type": "client_credentials",
            "client_id": client_id,
            "client_secret": _secret(settings.client_secret, "salesforce.client_secret"),
        }
    claims = {
        "iss": client_id,
        "sub": _given(settings.username, "salesforce.username"),
        "aud": settings.audience or settings.base_url,
        "exp": int(now_s) + ASSERTION_S,
    }
    key = _secret(settings.private_key, "salesforce.private_key")
    try:
        assertion = jwt.encode(claims, key, algorithm="RS256")
    except (jwt.PyJWTError, ValueError, TypeError) as exc:
        raise ConfigError(
            "salesforce.private_key cannot sign: give the PEM text of the RSA private key whose "
            "certificate is uploaded to the app"
        ) from exc
    return {"grant_type": "urn:ietf:params:oauth:grant-type:jwt-bearer", "assertion": assertion}


def _given(value: str | None, name: str) -> str:
    if not value:
        raise ConfigError(f"{name} is not set: give it in the settings or as {_variable(name)}")
    return value


def _secret(value: SecretStr | None, name: str) -> str:
    text = value.get_secret_value() if value is not None else ""
    if not text:
        raise ConfigError(f"{name} is not set: give it as {_variable(name)} or {_variable(name)}_FILE")
    return text


def _variable(name: str) -> str:
    return "REMEDIATOR_" + name.replace(".", "_").upper()
