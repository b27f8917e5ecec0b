"""The command as a process of its own: what a shell, cron and a container see."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from remediator.demo import run_demo
from tests.cli.ground import Remediator, environment_of, export_errors
from tests.engine.world import World

COMMAND = (sys.executable, "-m", "remediator.cli.main")


def run(*arguments: str, **options: str) -> subprocess.CompletedProcess[str]:
    """Run the command as a process."""
    return subprocess.run(
        [*COMMAND, *arguments], capture_output=True, text=True, env={**os.environ, **options}, check=False
    )


@pytest.mark.parametrize("arguments", [("--help",), ("plan", "--help"), ("version",)])
def test_help_loads_nothing_heavy(arguments: tuple[str, ...]) -> None:
    program = (
        "import sys; from remediator.cli.main import app; app(sys.argv[1:], standalone_mode=False); "
        "print(*sys.modules, file=sys.stderr)"
    )
    result = subprocess.run(
        [sys.executable, "-c", program, *arguments], capture_output=True, text=True, check=True
    )
    loaded = set(result.stderr.split())
    assert not loaded & {"rich.console", "sqlalchemy", "httpx", "yaml", "jinja2", "alembic"}
    assert result.stdout


def test_every_command_is_in_a_section_of_the_help() -> None:
    page = run("--help").stdout
    assert "Repair it:" in page
    assert "More:" not in page


def test_the_loop_runs_as_separate_processes(
    connected: World, remediator: Remediator, sqlite_url: str
) -> None:
    person = connected.lead(country="Deutschland")
    connected.pass_time(minutes=6)
    export = export_errors(connected)
    environment = {**environment_of(connected), "REMEDIATOR_STORE": sqlite_url}
    for arguments in (["scan", str(export)], ["plan"], ["review", "--approve-all"], ["apply"]):
        result = run(*arguments, **environment)
        assert (result.returncode, "Traceback" in result.stderr) == (0, False), result.stderr
    assert connected.marketo(person, "country") == "Germany"
    connected.pass_time(minutes=20)
    assert json.loads(run("verify", "--all", "--json", **environment).stdout)["verdicts"] == {"cleared": 1}


def test_a_host_that_cannot_be_reached_exits_with_4_and_names_it(
    connected: World, remediator: Remediator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REMEDIATOR_MARKETO_URL", "http://127.0.0.1:9")
    failed = {
        check["name"]: check["result"]
        for check in remediator("doctor", "--json", code=4).json["checks"]
        if not check["passed"]
    }
    assert set(failed) == {"marketo describe", "marketo quota", "resync campaign"}
    assert "Connection refused" in failed["marketo describe"]
    assert "Check marketo.url" in failed["marketo describe"]


def test_wrong_credentials_exit_with_4_and_say_so(
    connected: World, remediator: Remediator, monkeypatch: pytest.MonkeyPatch
) -> None:
    connected.lead(country="Deutschland")
    connected.pass_time(minutes=6)
    remediator("scan", export_errors(connected))
    monkeypatch.setenv("REMEDIATOR_MARKETO_CLIENT_SECRET", "wrong-secret")
    refused = remediator("plan", code=4)
    assert "client" in refused.err.lower()
    assert "wrong-secret" not in refused.err
    assert remediator("runs", "list", "--json").json[0]["outcome"] == "failed"


def test_a_missing_credential_is_named_with_its_variable(
    connected: World, remediator: Remediator, monkeypatch: pytest.MonkeyPatch
) -> None:
    connected.lead(country="Deutschland")
    connected.pass_time(minutes=6)
    remediator("scan", export_errors(connected))
    monkeypatch.delenv("REMEDIATOR_MARKETO_CLIENT_SECRET")
    assert "REMEDIATOR_MARKETO_CLIENT_SECRET" in remediator("plan", code=1).err
    # A setting is wrong, and nothing is down.
    checks = remediator("doctor", "--json", code=1).json["checks"]
    failed = [check for check in checks if not check["passed"]]
    assert failed
    assert all("REMEDIATOR_MARKETO_CLIENT_SECRET" in check["result"] for check in failed)


def test_doctor_passes_against_systems_that_work(connected: World, remediator: Remediator) -> None:
    checks = remediator("doctor", "--json").json["checks"]
    assert {"store", "marketo describe", "salesforce Lead"} <= {check["name"] for check in checks}
    assert all(check["passed"] for check in checks)


def test_a_reader_that_has_seen_enough_is_no_failure(remediator: Remediator) -> None:
    lines = remediator.write("lines.txt", "###\n" * 20_000)
    process = subprocess.Popen(
        [*COMMAND, "classify", str(lines), "--json"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.readline()
    process.stdout.close()
    talk = process.stderr.read()
    process.stderr.close()
    assert (process.wait(), talk) == (0, "")


def test_the_sandbox_says_in_one_json_line_where_it_is_and_leaves_when_told(tmp_path: Path) -> None:
    process = subprocess.Popen(
        [*COMMAND, "sandbox", "--leads", "5", "--port", "0"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stderr is not None
    info = json.loads(process.stdout.readline())
    assert set(info) == {"marketo", "salesforce", "control"}
    assert set(info["marketo"]) == {"url", "munchkin_id", "client_id", "client_secret"}
    assert set(info["salesforce"]) == {"url", "client_id", "client_secret", "username"}
    assert httpx.get(f"{info['control']}/ledger").status_code == 200
    process.send_signal(signal.SIGTERM)
    process.communicate()
    assert process.returncode == 0


def test_a_wrong_faults_file_is_refused_by_name(remediator: Remediator) -> None:
    remediator.write("faults.yaml", "rate_limit: 3\n")
    assert "expected a list of faults" in remediator("sandbox", "--faults", "faults.yaml", code=1).err
    remediator.write("faults.yaml", "- name: rate_limt\n")
    assert "rate_limit" in remediator("sandbox", "--leads", "1", "--faults", "faults.yaml", code=1).err
    remediator.write("faults.yaml", "- name: rate_limit\n- {name: rate_limit, times: often}\n")
    told = remediator("sandbox", "--leads", "1", "--faults", "faults.yaml", code=1).err
    assert "fault 2: times is 'often'; it must be a whole number" in told


def test_the_demo_prints_the_promised_keys_and_changed_nothing_wrongly(remediator: Remediator) -> None:
    result = json.loads(run("demo", "--json", "--leads", "60").stdout)
    promised = {
        "leads",
        "failures_before",
        "failures_after",
        "causes",
        "changes_applied",
        "wrong_changes",
        "declined",
        "retries",
        "verdicts",
        "access_requests",
        "undo_checked",
        "seconds",
    }
    assert promised <= set(result)
    assert result["leads"] == 60
    assert result["wrong_changes"] == 0
    assert result["failures_after"] < result["failures_before"]
    assert list(remediator.folder.glob("*.html")) == []


def test_the_demo_tells_its_story_and_keeps_the_pages(remediator: Remediator) -> None:
    result = run("demo", "--leads", "60", "--keep", "kept")
    assert result.returncode == 0, result.stderr
    assert "of them wrong" in result.stdout
    assert "round 1" in result.stderr
    assert {path.name for path in Path("kept").iterdir()} >= {
        "plan.html",
        "report.html",
        "remediator-demo.db",
    }


def test_a_demo_starts_anew_and_leaves_a_teams_own_store_and_exports_alone(remediator: Remediator) -> None:
    remediator("--store", "sqlite:///remediator.db", "cases", "list")
    remediator.write("sync-errors.csv", "theirs")
    own = Path("remediator.db").read_bytes()
    numbers = [
        {**run_demo(leads=20, seed=1, keep=Path()).as_json(), "seconds": None, "pages": None}
        for _ in range(2)
    ]
    assert numbers[0] == numbers[1]
    assert (Path("remediator.db").read_bytes(), Path("sync-errors.csv").read_text()) == (own, "theirs")
