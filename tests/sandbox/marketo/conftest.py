"""A served sandbox whose clock stands still, and a client with a token."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from remediator.sandbox.server import Sandbox

START = datetime(2026, 3, 2, 12, tzinfo=UTC)


class Api:
    """A plain HTTP client with a valid token; it knows nothing of retries or limits."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox = sandbox
        self.http = httpx.Client(base_url=sandbox.url)
        token = self.token().json()["access_token"]
        self.http.headers["authorization"] = f"Bearer {token}"

    def token(self, secret: str | None = None) -> httpx.Response:
        """Ask the identity service for a token."""
        instance = self.sandbox.instance
        return self.http.get(
            "/identity/oauth/token",
            params={
                "grant_type": "client_credentials",
                "client_id": instance.client_id,
                "client_secret": secret or instance.client_secret,
            },
        )

    def get(self, path: str, **params: Any) -> Any:
        """Return the body of a GET."""
        return self.http.get(path, params=params).json()

    def post(self, path: str, body: Any = None, **params: Any) -> Any:
        """Return the body of a POST."""
        return self.http.post(path, json=body, params=params).json()

    def sync(self, *rows: dict[str, Any], **body: Any) -> list[Any]:
        """Call Sync Leads and return its result rows."""
        answer = self.post("/rest/v1/leads.json", {"input": list(rows), **body})
        assert answer["success"], answer
        return list(answer["result"])

    def update(self, *rows: dict[str, Any]) -> list[Any]:
        """Call Sync Leads the way remediator does."""
        return self.sync(*rows, action="updateOnly", lookupField="id")


def code(answer: Any) -> str:
    """Return the error code of a refused call."""
    assert answer["success"] is False, answer
    return str(answer["errors"][0]["code"])


def reason(row: Any) -> str:
    """Return the code of a skipped record."""
    assert row["status"] == "skipped", row
    return str(row["reasons"][0]["code"])


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(leads=0, start=START, speed=0) as running:
        running.instance.settings.limit_per_20s = 100_000
        yield running


@pytest.fixture
def api(sandbox: Sandbox) -> Iterator[Api]:
    client = Api(sandbox)
    yield client
    client.http.close()


@pytest.fixture
def people(sandbox: Sandbox) -> list[int]:
    """Five people: ann@x.example twice, the others once."""
    names = ("ann", "ann", "bob", "cy", "dee")
    return list(
        sandbox.instance.load(
            {
                "firstName": name.title(),
                "lastName": "Lee",
                "email": f"{name}@x.example",
                "country": "Deutschland",
            }
            for name in names
        )
    )
