"""Tokens, as marketo.md section 1 has them."""

from __future__ import annotations

from datetime import timedelta

import httpx

from remediator.sandbox.server import Sandbox
from tests.sandbox.marketo.conftest import Api, code


def test_asking_early_returns_the_same_token_with_less_time_left(api: Api, sandbox: Sandbox) -> None:
    first = api.token().json()
    sandbox.clock.advance(timedelta(seconds=600))
    second = api.token().json()
    assert second["access_token"] == first["access_token"]
    assert (first["expires_in"], second["expires_in"]) == (3600, 3000)


def test_an_hour_later_the_token_has_expired_and_a_new_one_is_given(api: Api, sandbox: Sandbox) -> None:
    old = api.token().json()["access_token"]
    sandbox.clock.advance(timedelta(seconds=3600))
    assert code(api.get("/rest/v1/leads/describe2.json")) == "602"
    assert api.token().json()["access_token"] != old


def test_a_bad_secret_is_a_401(api: Api) -> None:
    answer = api.token(secret="wrong")
    assert answer.status_code == 401
    assert answer.json()["error"] == "invalid_client"


def test_an_unknown_token_is_601_and_none_at_all_is_600(sandbox: Sandbox) -> None:
    path = f"{sandbox.url}/rest/v1/leads/describe2.json"
    assert code(httpx.get(path, headers={"authorization": "Bearer nonsense"}).json()) == "601"
    assert code(httpx.get(path).json()) == "600"


def test_a_token_in_the_query_counts_only_with_legacy_auth(api: Api, sandbox: Sandbox) -> None:
    path = f"{sandbox.url}/rest/v1/leads/describe2.json"
    params = {"access_token": api.token().json()["access_token"]}
    assert code(httpx.get(path, params=params).json()) == "600"
    sandbox.instance.settings.legacy_auth = True
    assert httpx.get(path, params=params).json()["success"]


def test_the_token_may_be_asked_for_by_post(api: Api, sandbox: Sandbox) -> None:
    form = {
        "grant_type": "client_credentials",
        "client_id": sandbox.instance.client_id,
        "client_secret": sandbox.instance.client_secret,
    }
    answer = httpx.post(f"{sandbox.url}/identity/oauth/token", data=form)
    assert answer.json()["access_token"] == api.token().json()["access_token"]
