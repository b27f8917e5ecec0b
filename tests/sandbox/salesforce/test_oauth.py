"""Logging in: both flows, what they refuse, and how sessions end."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key

from remediator.sandbox.server import Sandbox
from tests.sandbox.salesforce.conftest import DATA, START


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(leads=0, start=START, speed=0, token_lifetime=timedelta(minutes=15)) as made:
        yield made


def ask(sandbox: Sandbox, **form: str) -> httpx.Response:
    return httpx.post(sandbox.url + "/services/oauth2/token", data=form)


def by_jwt(sandbox: Sandbox, key: Any = None, **changes: Any) -> httpx.Response:
    claims = {
        "iss": sandbox.sessions.client_id,
        "sub": sandbox.org.bot.username,
        "aud": "https://login.salesforce.com",
        "exp": sandbox.clock.now() + timedelta(minutes=3),
        **changes,
    }
    assertion = jwt.encode(claims, key or sandbox.sessions.private_key, algorithm="RS256")
    return ask(sandbox, grant_type="urn:ietf:params:oauth:grant-type:jwt-bearer", assertion=assertion)


def by_secret(sandbox: Sandbox, **changes: str) -> httpx.Response:
    info = sandbox.connection_info()["salesforce"]
    form = {"client_id": info["client_id"], "client_secret": info["client_secret"], **changes}
    return ask(sandbox, grant_type="client_credentials", **form)


def limits(sandbox: Sandbox, token: str) -> int:
    headers = {"authorization": f"Bearer {token}"}
    return httpx.get(f"{sandbox.url}{DATA}/limits", headers=headers).status_code


def test_a_signed_assertion_opens_a_session_without_telling_when_it_ends(sandbox: Sandbox) -> None:
    answer = by_jwt(sandbox)

    body = answer.json()
    assert (answer.status_code, body["token_type"], body["instance_url"]) == (200, "Bearer", sandbox.url)
    assert "expires_in" not in body
    assert body["id"].endswith(f"/{sandbox.org.organization_id}/{sandbox.org.bot.id}")
    assert limits(sandbox, body["access_token"]) == 200


def test_client_credentials_work_in_the_body_and_as_basic(sandbox: Sandbox) -> None:
    info = sandbox.connection_info()["salesforce"]
    basic = httpx.post(
        sandbox.url + "/services/oauth2/token",
        data={"grant_type": "client_credentials"},
        auth=(info["client_id"], info["client_secret"]),
    )

    assert by_secret(sandbox).json()["issued_at"]
    assert basic.status_code == 200


@pytest.mark.parametrize(
    ("changes", "description"),
    [
        ({"aud": "https://login.salesforce.com/services"}, "audience is invalid"),
        ({"sub": "nobody@sandbox.example"}, "authentication failure"),
        ({"exp": datetime(2020, 1, 1, tzinfo=START.tzinfo)}, "expired authorization code"),
        ({"exp": START + timedelta(hours=1)}, "invalid assertion"),
        ({"iss": "someone else"}, "client identifier invalid"),
    ],
)
def test_an_assertion_is_refused_for_a_reason(
    sandbox: Sandbox, changes: dict[str, Any], description: str
) -> None:
    answer = by_jwt(sandbox, **changes)

    assert (answer.status_code, answer.json()["error_description"]) == (400, description)


def test_another_key_does_not_sign_for_us(sandbox: Sandbox) -> None:
    stranger = generate_private_key(public_exponent=65537, key_size=2048)

    assert by_jwt(sandbox, stranger).json() == {
        "error": "invalid_grant",
        "error_description": "invalid assertion",
    }


def test_a_user_whom_nobody_approved_or_who_left_is_refused(sandbox: Sandbox) -> None:
    sandbox.org.add_user("New", "new@sandbox.example")
    sandbox.org.add_user("Gone", "gone@sandbox.example", active=False)

    new, gone = (by_jwt(sandbox, sub=f"{name}@sandbox.example") for name in ("new", "gone"))

    assert new.json()["error_description"] == "user hasn't approved this consumer"
    assert gone.json()["error_description"] == "inactive user"


def test_a_wrong_secret_is_401(sandbox: Sandbox) -> None:
    answer = by_secret(sandbox, client_secret="wrong")

    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")


def test_a_session_ends_after_its_virtual_lifetime(sandbox: Sandbox) -> None:
    token = by_secret(sandbox).json()["access_token"]

    sandbox.clock.advance(timedelta(minutes=16))

    assert limits(sandbox, token) == 401


def test_a_revoked_token_stops_and_introspection_knows(sandbox: Sandbox) -> None:
    token = by_secret(sandbox).json()["access_token"]

    def active() -> bool:
        answer = httpx.post(sandbox.url + "/services/oauth2/introspect", data={"token": token})
        return bool(answer.json()["active"])

    assert active()
    assert httpx.post(sandbox.url + "/services/oauth2/revoke", data={"token": token}).status_code == 200
    assert not active()
    assert limits(sandbox, token) == 401


def test_userinfo_names_the_user_and_the_org(sandbox: Sandbox) -> None:
    token = by_secret(sandbox).json()["access_token"]

    body = httpx.get(
        sandbox.url + "/services/oauth2/userinfo", headers={"authorization": f"Bearer {token}"}
    ).json()

    assert (body["preferred_username"], body["organization_id"]) == (
        sandbox.org.bot.username,
        sandbox.org.organization_id,
    )
