"""F11: what a vendor, a plug-in or a bug says about a person or a secret is repeated nowhere."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer
from loguru import logger

from remediator.cli import wiring
from remediator.cli.main import app, main
from remediator.errors import EXIT_CONFIG
from remediator.logs import set_up
from remediator.plugins import load_fixers
from remediator.store import Store
from tests.chaos.nursery import Nursery
from tests.daemons import add_campaign, approve_all, environment
from tests.engine.world import World

SECRET = "canary-secret-7f3a91bc"
ADDRESS = "canary.person@private.example"
COMMANDS = [
    ["scan", "x.csv"],
    ["plan"],
    ["review", "--approve-all"],
    ["apply"],
    ["undo", "1"],
    ["retry"],
    ["verify"],
    ["report"],
    ["run", "--once"],
    ["daemon"],
    ["pause"],
    ["resume"],
    ["backlog"],
    ["causes"],
    ["cases", "list"],
    ["cases", "show", "1"],
    ["runs", "list"],
    ["access"],
    ["fields"],
    ["audit", "verify"],
    ["audit", "export"],
    ["explain", "1"],
    ["doctor"],
    ["retention"],
    ["erase", "--marketo-id", "1"],
    ["aliases", "list"],
]


@pytest.fixture(autouse=True)
def _quiet_afterwards() -> Iterator[None]:
    yield
    logger.remove()


@pytest.mark.parametrize("talk", [[], ["-v", "--json-logs"]])
@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_a_bug_in_any_command_is_told_by_its_place_and_never_by_its_words(
    command: list[str],
    talk: list[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("x.csv").write_text("message\nx\n")

    def breaks(*_: Any, **__: Any) -> Any:
        try:
            raise KeyError(ADDRESS)
        except KeyError as exc:
            raise RuntimeError(f"{SECRET} of {ADDRESS}") from exc

    # Every command that is more than a pure function begins with its settings.
    monkeypatch.setattr(wiring, "load_settings", breaks)
    monkeypatch.setattr(sys, "argv", ["remediator", *talk, *command])
    with pytest.raises(SystemExit) as left:
        main()
    out, err = capsys.readouterr()
    assert left.value.code == EXIT_CONFIG
    assert "RuntimeError at " in err, (out, err)
    assert not [word for word in (SECRET, ADDRESS) if word in out + err]
    assert ("in breaks" in err) == bool(talk)


def test_every_command_that_reads_the_settings_is_in_the_list() -> None:
    pure = {"demo", "sandbox", "init", "validate", "schema", "classify", "repair", "version", "health"}
    teams = {"fixers", "rules", "kill"}
    names = set(typer.main.get_group(app).commands)
    assert names - pure - teams == {command[0] for command in COMMANDS}


@pytest.fixture(scope="module")
def nursery() -> Iterator[Nursery]:
    """Processes at no cost of starting."""
    with Nursery() as running:
        yield running


DROP_IN = """
from remediator.api import Category, Confidence, Declined, Edit, Proposal

class Leaky:
    name = "leaky"
    categories = frozenset({{Category.INVALID_PICKLIST}})

    def propose(self, request):
        {line}

FIXER = Leaky()
"""


@pytest.mark.parametrize(
    "line",
    [
        "return int(request.record['Country'])",
        "return Proposal(edits=(Edit(field='Country', after=request.record['Country']),), "
        "confidence=Confidence.EXACT, reason='r')",
    ],
    ids=["raises", "proposes-what-is-refused"],
)
def test_of_a_fixer_that_fails_the_log_tells_the_place_and_never_the_value(
    lite: World, line: str, capsys: pytest.CaptureFixture[str]
) -> None:
    value = "Canary Gardens 7"
    drop_ins = lite.folder / "drop-ins"
    drop_ins.mkdir()
    (drop_ins / "leaky.py").write_text(DROP_IN.format(line=line))
    lite.engine.fixers = {"leaky": load_fixers([drop_ins], entry_points=False)["leaky"]}
    person = lite.lead(country=value)
    lite.refuse()
    set_up(level="INFO")
    lite.plan()
    said = capsys.readouterr().err
    assert "The fixer leaky failed: " in said
    assert value not in said
    assert "the fixer leaky failed (" in (lite.case_of(person).note or ""), "the store has the rest"


@pytest.mark.parametrize("json_logs", [False, True])
@pytest.mark.parametrize("where", ["GET /rest/v1/leads.json", "POST /rest/v1/leads.json"])
def test_what_a_vendor_quotes_is_not_repeated_in_logs_or_metrics(
    lite: World, sqlite_url: str, nursery: Nursery, where: str, *, json_logs: bool
) -> None:
    lite.lead(country="Deutschland", email=ADDRESS)
    lite.refuse()
    add_campaign(lite)
    assert approve_all(lite) == 1
    refusal = {
        "requestId": "1",
        "success": False,
        "errors": [{"code": "1003", "message": f"Invalid value '{ADDRESS}' for access_token={SECRET}"}],
    }
    lite.sandbox.faults.add({"name": "empty", "match": where, "times": None, "body": refusal})
    child = nursery.command(
        "-v",
        *(["--json-logs"] if json_logs else []),
        "run",
        "--once",
        "--metrics-file",
        "metrics.prom",
        folder=lite.folder,
        environment=environment(lite, sqlite_url),
    )
    child.wait()
    said = child.said + (lite.folder / "metrics.prom").read_text()
    assert "1003" in said, "the trouble itself is told"
    assert not [word for word in (SECRET, ADDRESS) if word in said], said
    if json_logs:
        lines = [line for line in child.said.splitlines() if line.startswith("{")]
        assert all(json.loads(line)["record"]["message"] for line in lines)
    with Store.open(sqlite_url) as store:
        assert not re.search(SECRET, repr(list(store.audit())))
