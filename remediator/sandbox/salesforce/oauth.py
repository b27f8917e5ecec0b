"""Logging in: JWT bearer and client credentials, sessions that expire, revoke, introspect, userinfo."""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from hashlib import sha256
from threading import Lock
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

import jwt
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from remediator.sandbox.clock import VirtualClock
from remediator.sandbox.salesforce.access import User

if TYPE_CHECKING:
    from remediator.sandbox.salesforce.org import Org

AUDIENCES = ("https://login.salesforce.com", "https://test.salesforce.com")
_JWT_BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer"


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """A bearer token's user and when the token stops working."""

    user_id: str
    expires: datetime


class LoginRefused(Exception):
    """The token endpoint says no; ``error`` and ``description`` as OAuth has them."""

    def __init__(self, error: str, description: str, status: int = 400) -> None:
        super().__init__(description)
        self.error = error
        self.description = description
        self.status = status


class Sessions:
    """The org's one connected app and the sessions it has given out.

    Args:
        seed: makes client id and secret repeatable.
        lifetime: of a session, in virtual time.

    Attributes:
        approved: usernames that an admin has approved for the app; others are refused by the JWT flow.
    """

    def __init__(
        self, org: Org, clock: VirtualClock, *, seed: int = 1, lifetime: timedelta = timedelta(hours=2)
    ) -> None:
        self.org = org
        self.lifetime = lifetime
        self.client_id = "3MVG9sandbox" + sha256(f"id {seed}".encode()).hexdigest()[:24]
        self.client_secret = sha256(f"secret {seed}".encode()).hexdigest()
        self.approved = {user.username for user in org.users.values()}
        self._clock = clock
        self._trusted: str | None = None
        self._sessions: dict[str, Session] = {}
        self._issued = 0
        self._lock = Lock()

    @cached_property
    def _key(self) -> RSAPrivateKey:
        return generate_private_key(public_exponent=65537, key_size=2048)

    @property
    def private_key(self) -> str:
        """The PEM key whose certificate the app trusts, made when first asked for."""
        return self._key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()

    def trust(self, public_key: str) -> None:
        """Trust another PEM public key instead of the generated one."""
        self._trusted = public_key

    def user_of(self, token: str) -> User | None:
        """Return whose session a token is; ``None`` when it is unknown, revoked or expired."""
        with self._lock:
            session = self._sessions.get(token)
            if session is None or session.expires <= self._clock.now():
                self._sessions.pop(token, None)
                return None
        return self.org.users.get(session.user_id)

    def end_all(self) -> None:
        """End every session, as an admin can."""
        with self._lock:
            self._sessions.clear()

    def open(self, user: User) -> str:
        """Return a new token for a user."""
        with self._lock:
            self._issued += 1
            secret = sha256(f"{self.client_secret} {self._issued}".encode()).hexdigest()
            token = f"{self.org.organization_id[:15]}!AQ{secret}"
            self._sessions[token] = Session(user_id=user.id, expires=self._clock.now() + self.lifetime)
        self.org.ledger.append("login", system="salesforce", actor=user.username)
        return token

    def close(self, token: str) -> bool:
        """Revoke a token; false when there is no such session."""
        with self._lock:
            return self._sessions.pop(token, None) is not None

    def by_jwt(self, assertion: str) -> User:
        """Return the user that a signed assertion names.

        Raises:
            LoginRefused: for a bad signature, audience, expiry, app or user.
        """
        trusted = self._trusted or self._key.public_key().public_bytes(
            Encoding.PEM, PublicFormat.SubjectPublicKeyInfo
        )
        try:
            # Expiry is checked below, against the virtual and the real clock: callers sign by either.
            claims: dict[str, Any] = jwt.decode(
                assertion,
                trusted,
                algorithms=["RS256"],
                options={"verify_aud": False, "verify_exp": False, "verify_iat": False, "verify_nbf": False},
            )
        except jwt.PyJWTError:
            raise LoginRefused("invalid_grant", "invalid assertion") from None
        if claims.get("iss") != self.client_id:
            raise LoginRefused("invalid_client_id", "client identifier invalid")
        audience = claims.get("aud")
        # The sandbox is its own login host too, whatever name it is reached by.
        is_ours = str(audience).startswith("http://")
        if audience not in AUDIENCES and not is_ours:
            raise LoginRefused("invalid_grant", "audience is invalid")
        self._check_expiry(claims.get("exp"))
        return self._usable(str(claims.get("sub")))

    def by_credentials(self, client_id: str | None, client_secret: str | None) -> User:
        """Return the app's run-as user."""
        if client_id != self.client_id:
            raise LoginRefused("invalid_client_id", "client identifier invalid")
        if client_secret != self.client_secret:
            raise LoginRefused("invalid_client", "invalid client credentials", 401)
        return self._usable(self.org.bot.username)

    def _check_expiry(self, expires: Any) -> None:
        try:
            moment = float(expires)  # a number in a string is taken too
        except (TypeError, ValueError):
            raise LoginRefused("invalid_grant", "invalid assertion") from None
        virtual = moment - self._clock.now().timestamp()
        real = moment - datetime.now(self._clock.now().tzinfo).timestamp()
        if not any(-5 < left <= 305 for left in (virtual, real)):
            raise LoginRefused(
                "invalid_grant", "expired authorization code" if virtual < 0 else "invalid assertion"
            )

    def _usable(self, username: str) -> User:
        user = next((user for user in self.org.users.values() if user.username == username), None)
        if user is None:
            raise LoginRefused("invalid_grant", "authentication failure")
        if not self.org.is_active(user.id):
            raise LoginRefused("invalid_grant", "inactive user")
        if username not in self.approved:
            raise LoginRefused("invalid_grant", "user hasn't approved this consumer")
        return user


def oauth_routes(sessions: Sessions) -> list[BaseRoute]:
    """Return the routes below ``/services/oauth2``."""
    endpoint = _Endpoint(sessions)
    return [
        Route("/services/oauth2/token", endpoint.token, methods=["POST"]),
        Route("/services/oauth2/revoke", endpoint.revoke, methods=["POST", "GET"]),
        Route("/services/oauth2/introspect", endpoint.introspect, methods=["POST"]),
        Route("/services/oauth2/userinfo", endpoint.userinfo, methods=["GET", "POST"]),
    ]


class _Endpoint:
    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions

    async def token(self, request: Request) -> Response:
        form = await _form(request)
        client_id, client_secret = _client(request, form)
        grant = form.get("grant_type")
        try:
            if grant == _JWT_BEARER:
                user = self._sessions.by_jwt(form.get("assertion", ""))
            elif grant == "client_credentials":
                user = self._sessions.by_credentials(client_id, client_secret)
            elif grant == "password":
                raise LoginRefused("invalid_grant", "authentication failure")
            else:
                raise LoginRefused("unsupported_grant_type", "grant type not supported")
        except LoginRefused as refused:
            body = {"error": refused.error, "error_description": refused.description}
            return JSONResponse(body, status_code=refused.status)
        request.state.actor = user.username
        return JSONResponse(self._answer(request, user, with_signature=grant != _JWT_BEARER))

    async def revoke(self, request: Request) -> Response:
        token = (await _form(request)).get("token") or request.query_params.get("token", "")
        if self._sessions.close(token):
            return Response(status_code=200)
        body = {"error": "unsupported_token_type", "error_description": "this token type is not supported"}
        return JSONResponse(body, status_code=400)

    async def introspect(self, request: Request) -> Response:
        user = self._sessions.user_of((await _form(request)).get("token", ""))
        if user is None:
            return JSONResponse({"active": False})
        return JSONResponse(
            {"active": True, "scope": "api", "client_id": self._sessions.client_id, "username": user.username}
        )

    async def userinfo(self, request: Request) -> Response:
        user = self._sessions.user_of(bearer(request))
        if user is None:
            return Response("Bad_OAuth_Token", status_code=403, media_type="text/plain")
        request.state.actor = user.username
        return JSONResponse(
            {
                "sub": self._identity(request, user),
                "user_id": user.id,
                "organization_id": self._sessions.org.organization_id,
                "preferred_username": user.username,
                "name": user.name,
                "email": user.username,
                "active": True,
                "user_type": "STANDARD",
                "language": user.language,
                "locale": user.language,
            }
        )

    def _answer(self, request: Request, user: User, *, with_signature: bool) -> dict[str, str]:
        answer = {
            "access_token": self._sessions.open(user),
            "scope": "api",
            "instance_url": _base(request),
            "id": self._identity(request, user),
            "token_type": "Bearer",
        }
        if with_signature:
            answer["issued_at"] = str(int(self._sessions.org.clock.now().timestamp() * 1000))
            answer["signature"] = base64.b64encode(sha256(answer["id"].encode()).digest()).decode()
        return answer

    def _identity(self, request: Request, user: User) -> str:
        return f"{_base(request)}/id/{self._sessions.org.organization_id}/{user.id}"


def bearer(request: Request) -> str:
    """Return the token of a request's ``Authorization`` header, empty when there is none."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    return token.strip() if scheme.lower() in ("bearer", "oauth") else ""


def _base(request: Request) -> str:
    return f"{request.url.scheme}://{request.url.netloc}"


async def _form(request: Request) -> dict[str, str]:
    # Read by hand: Starlette's own form parser needs a further package even for this plain encoding.
    return dict(parse_qsl((await request.body()).decode("utf-8", "replace"), keep_blank_values=True))


def _client(request: Request, form: dict[str, str]) -> tuple[str | None, str | None]:
    scheme, _, credentials = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "basic":
        try:
            client_id, _, secret = base64.b64decode(credentials).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError):
            return None, None
        return client_id, secret
    return form.get("client_id"), form.get("client_secret")
