"""F11: ten thousand rows with mixed, partial and disordered results, and nothing private said anywhere."""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from remediator.changes import Change, ChangeState, Plan
from remediator.model import Confidence, SystemName
from remediator.plan import Throughput, new_plan
from remediator.policy import approve
from remediator.sandbox.marketo import lead_writes
from remediator.sandbox.marketo.envelope import Reply
from remediator.sandbox.server import Sandbox
from remediator.store import Store
from tests.builders import a_change
from tests.chaos.judge import Judge
from tests.chaos.nursery import Nursery
from tests.cli.ground import environment_of, export_errors
from tests.engine.world import World, with_limits, world

WRITE = "POST /rest/v1/leads.json"
ROWS = 10_000


def a_large_plan(made: World, rows: int) -> Plan:
    """Load people and plan a change for each, approved, without a failure behind it."""
    numbers = made.sandbox.instance.load([{"country": "Deutschland"} for _ in range(rows)])
    changes = [country_change(str(number)) for number in numbers]
    plan = new_plan(
        connection=made.engine.settings.connection,
        campaign=None,
        created_at=made.engine.clock(),
        config_hash=made.engine.config_hash,
        changes=changes,
        declined=[],
        throughput=Throughput(synced_per_hour=10_000),
    )
    store, now = made.engine.store, made.engine.clock()
    store.save_plan(plan, actor="tester", run=store.start_run("plan", now=now), now=now)
    store.decide(approve(plan.changes, by="reviewer", floor=Confidence.WEAK), now=now)
    with_limits(made.engine, max_changes=rows)
    return plan


def country_change(person: str) -> Change:
    """Return a change of a person's country, without a failure behind it."""
    return a_change(
        "",
        cases=(),
        system=SystemName.MARKETO,
        object="Lead",
        record_id=person,
        field="country",
        before="Deutschland",
        after="Germany",
        salesforce_id=None,
    )


def applied(made: World, plan: Plan) -> set[str]:
    """Return the people whose change the store calls applied."""
    changes = made.engine.store.changes(plan=plan.id, states={ChangeState.APPLIED})
    return {stored.change.record_id for stored in changes}


def written(judge: Judge) -> Counter[str]:
    """Return how often the ledger has each person written by us."""
    return Counter(str(entry["id"]) for entry in judge.writes())


@pytest.fixture
def lite(sandbox: Sandbox, sqlite_url: str, tmp_path: Path) -> Iterator[World]:
    """A sandbox and an engine on SQLite."""
    with Store.open(sqlite_url) as store, world(sandbox, store, tmp_path) as made:
        yield made


def test_ten_thousand_rows_with_troubles_in_mid_batch_are_each_written_once(lite: World) -> None:
    judge = Judge(lite.sandbox)
    plan = a_large_plan(lite, ROWS)
    faults: list[dict[str, Any]] = [
        {"name": "token_expired", "after": 3},
        {"name": "drop_after", "after": 7},
        {"name": "partial", "after": 11, "share": 3, "error": {"code": "1004", "message": "Lead not found"}},
        {"name": "truncated", "after": 15},
        {"name": "token_invalid", "after": 19},
        {"name": "timeout_code", "after": 23, "done": True},
    ]
    for fault in faults:
        lite.sandbox.faults.add({"match": WRITE, "times": 1, **fault})
    lite.apply(plan)
    lite.sandbox.faults.clear()
    lite.pass_time(minutes=3)
    lite.apply(plan)
    counted = written(judge)
    assert set(counted.values()) == {1}
    assert applied(lite, plan) == set(counted)
    failed = list(lite.engine.store.changes(plan=plan.id, states={ChangeState.FAILED}))
    assert len(counted) + len(failed) == ROWS
    assert len(failed) == 100
    assert judge.look(lite.engine.store) == []


def test_results_in_another_order_are_not_believed_but_read_back(
    lite: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    judge = Judge(lite.sandbox)
    plan = a_large_plan(lite, 900)
    missing = plan.changes[10].record_id
    disordered: list[int] = []

    def reply(result: Any = ()) -> Reply:
        disordered.append(len(result))
        return Reply(result=list(reversed(result)))

    monkeypatch.setattr(lead_writes, "Reply", reply)
    # Gone between the read and the write would do the same; here it is gone before.
    lite.sandbox.instance.delete(int(missing), actor="somebody")
    report = lite.apply(plan)
    assert disordered == [299, 300, 300]
    assert report.outcomes[ChangeState.APPLIED] == 899
    assert written(judge) == Counter(applied(lite, plan))
    assert missing not in applied(lite, plan)


@pytest.mark.parametrize("share", [1, 2, 3])
@pytest.mark.parametrize("code", ["1029", "1004", "1006", "1013"])
def test_each_row_is_believed_for_itself(lite: World, share: int, code: str) -> None:
    judge = Judge(lite.sandbox)
    plan = a_large_plan(lite, 40)
    error = {"code": code, "message": "refused for canary@person.example"}
    lite.sandbox.faults.add({"name": "partial", "match": WRITE, "times": 1, "share": share, "error": error})
    lite.apply(plan)
    assert applied(lite, plan) == set(written(judge))
    assert len(written(judge)) == 40 - 40 // share


# Nothing private

SECRETS = ("canary-marketo-secret-7f3a", "canary-salesforce-secret-91bc")
CANARY = "canary.person@private.example"
"""An address that no rule repairs: it has no business anywhere but in the store."""


@pytest.fixture(scope="module")
def nursery() -> Iterator[Nursery]:
    """Processes at no cost of starting."""
    with Nursery() as running:
        yield running


@pytest.fixture
def secretive(tmp_path: Path, sqlite_url: str) -> Iterator[World]:
    """A sandbox whose clients have secrets that are found wherever they leak to."""
    start = datetime.now(UTC) - timedelta(hours=1)
    with (
        Sandbox(leads=0, speed=0, start=start) as sandbox,
        Store.open(sqlite_url) as store,
        world(sandbox, store, tmp_path) as made,
    ):
        instance = sandbox.instance
        instance.settings.clients[instance.client_id] = SECRETS[0]
        sandbox.sessions.client_secret = SECRETS[1]
        yield made


def everything_said(
    made: World, nursery: Nursery, store_url: str, faults: list[dict[str, Any]], chain: list[list[str]]
) -> str:
    """Run commands as processes, talkative ones, and return all that they said and wrote."""
    folder = made.folder / "work"
    folder.mkdir()
    environment = {
        **{name: text for name, text in os.environ.items() if not name.startswith("REMEDIATOR_")},
        **environment_of(made),
        "REMEDIATOR_STORE": store_url,
    }
    for fault in faults:
        made.sandbox.faults.add(fault)
    said: list[str] = []
    for arguments in chain:
        child = nursery.command(
            "--verbose", "--json-logs", *arguments, folder=folder, environment=environment
        )
        said.append(f"{arguments}: {child.wait()}\n{child.said}")
    said += [path.read_text(errors="replace") for path in sorted(folder.rglob("*")) if path.is_file()]
    return "\n".join(said)


LOOP = [
    ["plan", "--out", "plan.html"],
    ["review", "--approve-all"],
    ["apply"],
    ["run", "--once", "--metrics-file", "metrics.prom"],
    ["report"],
    ["causes", "--json"],
    ["runs", "list", "--json"],
]
BROKEN = [["doctor"], ["plan"], ["run", "--once", "--metrics-file", "metrics.prom"], ["report"]]


@pytest.mark.parametrize(
    "fault",
    [
        None,
        {"name": "token_invalid", "match": "* /rest/*", "times": None},
        {"name": "server_error", "match": "* /services/data/*", "times": None},
    ],
)
def test_no_secret_and_no_address_is_ever_said(
    secretive: World, nursery: Nursery, sqlite_url: str, fault: dict[str, Any] | None
) -> None:
    person = secretive.lead(country="Deutschland", email=CANARY)
    secretive.pass_time(minutes=6)
    scan = ["scan", str(export_errors(secretive))]
    chain = [scan, *(BROKEN if fault else LOOP)]
    everything = everything_said(secretive, nursery, sqlite_url, [fault] if fault else [], chain)
    leaked = [word for word in (*SECRETS, CANARY, "Bearer ", "access_token=") if word in everything]
    assert leaked == []
    assert "Traceback" not in everything
    if fault is None:
        assert secretive.marketo(person, "country") == "Germany"
    with Store.open(sqlite_url) as store:
        kept = json.dumps([str(entry) for entry in store.audit()])
    assert not any(secret in kept for secret in SECRETS)
    assert not any(secret.encode() in path.read_bytes() for secret in SECRETS for path in _files(secretive))


def _files(made: World) -> list[Path]:
    return [path for path in made.folder.rglob("*") if path.is_file()]
