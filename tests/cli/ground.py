"""The command line as a person uses it: arguments in; exit code, data on stdout and talk on stderr out."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from remediator.cli.main import main
from remediator.sandbox.exports import sync_errors_csv
from tests.engine.world import World


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """How one command ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """Return stdout as the one JSON document that it must be."""
        return json.loads(self.out)

    @property
    def lines(self) -> list[Any]:
        """Return stdout as JSON, one object a line."""
        return [json.loads(line) for line in self.out.splitlines()]


@dataclass(frozen=True, slots=True)
class Remediator:
    """Runs `remediator` in this process, in a folder of its own."""

    folder: Path
    monkeypatch: pytest.MonkeyPatch
    capsys: pytest.CaptureFixture[str]

    def __call__(self, *arguments: str | Path, code: int | None = 0) -> Result:
        """Run a command and check its exit code; ``None`` takes any."""
        self.monkeypatch.setattr(sys, "argv", ["remediator", *map(str, arguments)])
        self.capsys.readouterr()
        with pytest.raises(SystemExit) as left:
            main()
        out, err = self.capsys.readouterr()
        result = Result(code=left.value.code if isinstance(left.value.code, int) else 0, out=out, err=err)
        assert "Traceback" not in result.err, result.err
        if code is not None:
            assert result.code == code, f"exit code {result.code}\n{out}\n{err}"
        return result

    def write(self, name: str, content: str | bytes) -> Path:
        """Write a file into the folder."""
        path = self.folder / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path


def environment_of(world: World) -> dict[str, str]:
    """Return the variables that point the command at a sandbox."""
    info = world.sandbox.connection_info()
    return {
        "REMEDIATOR_MARKETO_URL": info["marketo"]["url"],
        "REMEDIATOR_MARKETO_CLIENT_ID": info["marketo"]["client_id"],
        "REMEDIATOR_MARKETO_CLIENT_SECRET": info["marketo"]["client_secret"],
        "REMEDIATOR_MARKETO_RESYNC_CAMPAIGN": "2001",
        "REMEDIATOR_MARKETO_DAILY_SHARE": "1",
        "REMEDIATOR_SALESFORCE_URL": info["salesforce"]["url"],
        "REMEDIATOR_SALESFORCE_AUTH": "client_credentials",
        "REMEDIATOR_SALESFORCE_CLIENT_ID": info["salesforce"]["client_id"],
        "REMEDIATOR_SALESFORCE_CLIENT_SECRET": info["salesforce"]["client_secret"],
        "REMEDIATOR_FIXERS_DEFAULTS": '{"Lead.Lead_Type__c": "Inbound"}',
    }


def export_errors(world: World, name: str = "errors.csv") -> Path:
    """Export the sandbox's Sync Errors tab the way an admin does."""
    path = world.folder / name
    path.write_bytes(sync_errors_csv(world.sandbox.sync.errors, now=world.sandbox.clock.now()))
    return path
