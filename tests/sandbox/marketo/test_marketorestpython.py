"""A client that others wrote and use against Marketo works against the sandbox unchanged."""

from __future__ import annotations

import time
from types import SimpleNamespace
from typing import Any

import pytest
from marketorestpython.client import MarketoClient
from marketorestpython.helper import http_lib

from remediator.sandbox.server import Sandbox


@pytest.fixture
def client(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> Any:
    # Their client spaces its calls by sleeping; nothing here needs that.
    monkeypatch.setattr(http_lib, "time", SimpleNamespace(time=time.time, sleep=lambda _: None))
    instance = sandbox.instance
    instance.settings.legacy_auth = True
    made = MarketoClient(
        instance.munchkin_id, instance.client_id, instance.client_secret, None, 5, requests_timeout=10
    )
    made.host = sandbox.url
    return made


def test_it_reads_and_writes_people(client: Any, people: list[int], sandbox: Sandbox) -> None:
    written = client.execute(
        method="create_update_leads",
        leads=[{"id": people[0], "country": "Germany"}],
        action="updateOnly",
        lookupField="id",
    )
    assert written == [{"id": people[0], "status": "updated"}]
    found = client.execute(
        method="get_multiple_leads_by_filter_type",
        filterType="id",
        filterValues=[str(lead_id) for lead_id in people],
        fields=["country"],
    )
    assert [row["country"] for row in found] == ["Germany", *["Deutschland"] * 4]
    described = client.execute(method="describe2")
    assert described[0]["name"] == "API Lead"


def test_it_follows_the_activity_log(client: Any, people: list[int], sandbox: Sandbox) -> None:
    for number in range(310):
        sandbox.instance.edit(people[0], {"city": f"City {number}"})
    changes = client.execute(
        method="get_lead_changes", fields=["city"], sinceDatetime="2026-03-01", batchSize=None
    )
    assert len(changes) == 310
    types = client.execute(method="get_activity_types")
    assert 13 in {row["id"] for row in types}


def test_it_manages_lists_and_requests_campaigns(client: Any, people: list[int], sandbox: Sandbox) -> None:
    client.execute(method="add_leads_to_list", listId=3001, id=people[:2])
    members = client.execute(method="get_multiple_leads_by_list_id", listId="3001", fields=["email"])
    assert [row["id"] for row in members] == people[:2]
    asked = client.execute(method="member_of_list", listId=3001, id=[people[0], people[3]])
    assert [row["status"] for row in asked] == ["memberof", "notmemberof"]
    assert client.execute(method="get_list_by_name", name="remediator resync")[0]["id"] == 3001
    names = [row["name"] for row in client.execute(method="get_multiple_campaigns", id=[2001])]
    assert names == ["Sync Person to SFDC"]
    assert client.execute(method="request_campaign", id=2001, leads=people[:1]) is True
    (trigger,) = sandbox.ledger.entries(kind="trigger")
    assert trigger["ids"] == people[:1]
    assert client.execute(method="schedule_campaign", id=2002) is True
