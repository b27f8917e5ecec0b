"""The server around both systems: one port, what a client needs to know, cycles in virtual time."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from remediator.errors import ConfigError
from remediator.sandbox.server import CYCLE, Sandbox

START = datetime(2026, 3, 2, 12, tzinfo=UTC)


def test_both_systems_and_the_control_answer_on_one_port_and_stop_with_the_block() -> None:
    with Sandbox(leads=0, start=START, speed=0) as sandbox:
        url = sandbox.url
        assert httpx.get(url + "/services/data").status_code == 200
        assert httpx.get(url + "/rest/v1/leads.json").json()["success"] is False
        assert httpx.get(sandbox.control_url + "/ledger").status_code == 200

    with pytest.raises(httpx.ConnectError):
        httpx.get(url)


def test_the_connection_info_is_the_documented_json_line() -> None:
    with Sandbox(leads=0) as sandbox:
        info = json.loads(json.dumps(sandbox.connection_info()))

    assert set(info) == {"marketo", "salesforce", "control"}
    assert set(info["marketo"]) == {"url", "munchkin_id", "client_id", "client_secret"}
    assert set(info["salesforce"]) == {"url", "client_id", "client_secret", "username"}
    assert info["marketo"]["url"] == info["salesforce"]["url"]
    assert info["control"] == info["marketo"]["url"] + "/control"
    assert all(info["marketo"].values())


def test_a_path_of_nobody_is_answered_in_the_owners_form() -> None:
    with Sandbox(leads=0) as sandbox:
        marketo = httpx.get(sandbox.url + "/rest/v1/nothing.json")
        salesforce = httpx.get(sandbox.url + "/services/nothing")
        nobody = httpx.get(sandbox.url + "/nothing")

    assert marketo.json()["success"] is False
    assert salesforce.json()[0]["errorCode"] == "NOT_FOUND"
    assert nobody.status_code == 404


def test_advancing_the_clock_runs_each_cycle_that_falls_due_at_its_own_time() -> None:
    with Sandbox(leads=0, start=START, speed=0) as sandbox:
        times: list[datetime] = []
        run_cycle = sandbox.sync.run_cycle

        def watched() -> object:
            times.append(sandbox.clock.now())
            return run_cycle()

        sandbox.sync.run_cycle = watched
        sandbox.advance(timedelta(minutes=16))

        assert times == [START + CYCLE, START + 2 * CYCLE, START + 3 * CYCLE]
        assert sandbox.clock.now() == START + timedelta(minutes=16)


def test_faults_given_at_the_start_are_in_force() -> None:
    with Sandbox(leads=0, faults=[{"name": "unavailable", "system": "salesforce"}]) as sandbox:
        assert httpx.get(sandbox.url + "/services/data").status_code == 503


def test_a_taken_port_is_named_with_what_to_do() -> None:
    with Sandbox(leads=0) as sandbox:
        port = int(sandbox.url.rpartition(":")[2])
        with pytest.raises(ConfigError, match=f"cannot listen on 127.0.0.1:{port}: .*; choose another port"):
            Sandbox(leads=0, port=port).start()


def test_the_same_seed_gives_the_same_credentials() -> None:
    def credentials(seed: int) -> str:
        return str(Sandbox(leads=0, seed=seed).connection_info()["salesforce"]["client_id"])

    assert credentials(1) == credentials(1) != credentials(2)
