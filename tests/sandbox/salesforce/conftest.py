"""An org in memory, and one behind a socket with a logged-in client."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from remediator.sandbox.clock import VirtualClock
from remediator.sandbox.ledger import Ledger
from remediator.sandbox.salesforce.org import Org
from remediator.sandbox.server import Sandbox

START = datetime(2026, 3, 2, 12, tzinfo=UTC)
DATA = "/services/data/v60.0"


def a_lead(**values: Any) -> dict[str, Any]:
    """A lead that Salesforce takes."""
    return {"LastName": "Lovelace", "Company": "Analytical Engines", "Lead_Type__c": "Inbound", **values}


class Client:
    """An HTTP client with a session of the bot."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox = sandbox
        self.org = sandbox.org
        self.http = httpx.Client(base_url=sandbox.url)
        self.http.headers["authorization"] = "Bearer " + sandbox.sessions.open(sandbox.org.bot)

    def get(self, path: str, **params: Any) -> httpx.Response:
        return self.http.get(DATA + path, params=params)

    def post(self, path: str, body: Any, **headers: str) -> httpx.Response:
        return self.http.post(DATA + path, json=body, headers=headers)

    def patch(self, path: str, body: Any, headers: dict[str, str] | None = None) -> httpx.Response:
        return self.http.patch(DATA + path, json=body, headers=headers)

    def query(self, soql: str) -> list[dict[str, Any]]:
        answer = self.get("/query", q=soql)
        assert answer.status_code == 200, answer.text
        found: list[dict[str, Any]] = answer.json()["records"]
        return found

    def load(self, *rows: dict[str, Any]) -> list[str]:
        return self.org.load("Lead", [a_lead(**row) for row in rows])


@pytest.fixture
def org() -> Org:
    clock = VirtualClock(START, speed=0)
    return Org(clock, Ledger(clock))


@pytest.fixture(scope="package")
def served() -> Iterator[Sandbox]:
    with Sandbox(leads=0, start=START, speed=0, token_lifetime=timedelta(days=1000)) as sandbox:
        yield sandbox


@pytest.fixture
def client(served: Sandbox) -> Iterator[Client]:
    made = Client(served)
    yield made
    made.http.close()
