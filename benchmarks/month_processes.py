"""The two processes of the simulated month: a sandbox on a fast clock, and the daemon beside it."""

from __future__ import annotations

import json
import math
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import yaml

from remediator.errors import RemediatorError
from remediator.health import ask
from remediator.sandbox.seed_values import FIXER_OPTIONS, REQUIRED_DEFAULT

ROOT = Path(__file__).parents[1]
COMMAND = (sys.executable, "-m", "remediator.cli.main")
PATIENCE_S = 120.0
LOOK_S = 0.03
PER_DAY, MAX_CHANGES = 600, 500
"""The month's limits, so low that a busy day comes near them."""
DAILY_SHARE = 10_000
"""A fifth of Marketo's 50,000 calls a day, the settings' default."""
RETENTION_DAYS = 7
"""The shortest that the settings allow, so that a month sees it at work."""
_KEPT = (
    "cases",
    "sightings",
    "runs",
    "intakes",
    "ticks",
    "notices",
    "api_calls",
    "audit_payloads",
    "audit_entries",
)

VALUES_CAMPAIGN = """\
name: nightly-values
description: Everything else that a fixer can answer, by a team's own file
schedule: "15 3 * * *"
mode: auto
select:
  categories: [bad_data, missing_required]
  min_age_h: 1
fixers: [email, text-length, number, required, whitespace]
earned: {approved: 20}
limits: {max_percent: 10}
"""
TERMS: Mapping[str, Mapping[str, Any]] = {
    "nightly-country-state": {"mode": "auto", "earned": {"approved": 20, "max_reopened_percent": 5}},
}
"""What this team changed in the templates that `init` wrote."""


@dataclass(slots=True, kw_only=True)
class Pair:
    """Both processes, and what is outside of them.

    Attributes:
        control: speaks to the sandbox's control API.
        folder: the daemon's own: settings, campaigns, inbox, store, log.
        store_url: the daemon's store.
        actors: our API users in the ledger.
    """

    control: httpx.Client
    daemon: subprocess.Popen[bytes]
    folder: Path
    store_url: str
    listen: str
    actors: frozenset[str]

    def now(self) -> datetime:
        """Return the virtual time."""
        return datetime.fromisoformat(self.get("/clock")["now"])

    def get(self, path: str, **query: Any) -> Any:
        """Ask the control API."""
        return self.control.get(path, params=query).raise_for_status().json()

    def post(self, path: str, **body: Any) -> Any:
        """Tell the control API."""
        return self.control.post(path, json=body).raise_for_status().json()

    def pass_time(self, by: timedelta) -> None:
        """Let virtual time pass, and wait until the daemon has done what has fallen due."""
        if by > timedelta():
            self.post("/clock", advance_s=by.total_seconds())
        self.settle()

    def settle(self) -> None:
        """Wait until a look that began after this moment has ended and left nothing under way."""
        called, first = time.monotonic(), math.inf
        while time.monotonic() - called < PATIENCE_S:
            asked = time.monotonic()
            state = self.state()
            began = asked - float(state.get("silent_s", math.inf))
            if began > called:
                # What it says stands since the end of the look before the one that began last.
                if began > first + LOOK_S / 2 and state["role"] == "working" and not state["busy"]:
                    return
                first = min(first, began)
            # What runs for long is not slowed down by asking after it.
            time.sleep(LOOK_S * (3 if state.get("busy") else 1))
        raise RuntimeError(f"the daemon did not come to rest in {PATIENCE_S:.0f} s: {self.state()}")

    def state(self) -> Mapping[str, Any]:
        """Return what the daemon says of itself, nothing while it does not answer."""
        if self.daemon.poll() is not None:
            raise RuntimeError(f"the daemon ended with {self.daemon.returncode}:\n{self.log_tail()}")
        try:
            return ask(self.listen, "/healthz")[1]
        except RemediatorError:
            return {}

    def memory_mb(self) -> float:
        """Return the daemon's resident memory."""
        for line in Path(f"/proc/{self.daemon.pid}/status").read_text(encoding="ascii").splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) / 1024
        return 0.0

    def end(self) -> int:
        """Ask the daemon to leave, and return its exit code."""
        self.daemon.send_signal(signal.SIGTERM)
        return self.daemon.wait(PATIENCE_S)

    def log_tail(self) -> str:
        """Return the end of the daemon's log."""
        return (self.folder / "daemon.log").read_text(encoding="utf-8")[-4_000:]


@contextmanager
def running(folder: Path, *, people: int, seed: int, speed: float, store_url: str) -> Iterator[Pair]:
    """Start both processes, and end them with the block."""
    with ExitStack() as stack:
        told = stack.enter_context(running_sandbox(folder, people=people, seed=seed, speed=speed))
        listen = f"127.0.0.1:{_free_port()}"
        environment = _daemon_environment(told, store_url, listen, folder)
        subprocess.run([*COMMAND, "init", str(folder)], env=environment, check=True, capture_output=True)
        _write_campaigns(folder / "campaigns")
        daemon = stack.enter_context(_process(("-v", "daemon"), folder, environment, "daemon.log"))
        control = stack.enter_context(httpx.Client(base_url=told["control"], timeout=60, trust_env=False))
        pair = Pair(
            control=control,
            daemon=daemon,
            folder=folder,
            store_url=store_url,
            listen=listen,
            actors=frozenset({told["marketo"]["client_id"], told["salesforce"]["username"]}),
        )
        pair.settle()
        yield pair


@contextmanager
def running_sandbox(folder: Path, *, people: int, seed: int, speed: float) -> Iterator[dict[str, Any]]:
    """Start a sandbox as a process of its own; yields what it tells of itself."""
    arguments = ("sandbox", "--leads", str(people), "--seed", str(seed), "--speed", f"{speed:g}")
    with _process(arguments, folder, dict(os.environ), "sandbox.log") as sandbox:
        assert sandbox.stdout is not None
        told: dict[str, Any] = json.loads(sandbox.stdout.readline())
        yield told


@contextmanager
def _process(
    arguments: tuple[str, ...], folder: Path, environment: dict[str, str], log: str
) -> Iterator[subprocess.Popen[bytes]]:
    with (folder / log).open("wb") as stream:
        process = subprocess.Popen(
            [*COMMAND, *arguments],
            cwd=folder,
            env={**environment, "PYTHONPATH": str(ROOT)},
            stdout=subprocess.PIPE if arguments[0] == "sandbox" else stream,
            stderr=stream,
        )
        try:
            yield process
        finally:
            process.kill()
            process.wait()
            if process.stdout is not None:
                process.stdout.close()


def settings_environment(told: Mapping[str, Any], store_url: str) -> dict[str, str]:
    """Return the variables that point a `remediator` process at a sandbox, as a team would have set them."""
    marketo, salesforce = told["marketo"], told["salesforce"]
    return {
        **{name: value for name, value in os.environ.items() if not name.startswith("REMEDIATOR_")},
        "PYTHONPATH": str(ROOT),
        "REMEDIATOR_STORE": store_url,
        "REMEDIATOR_MARKETO_URL": marketo["url"],
        "REMEDIATOR_MARKETO_CLIENT_ID": marketo["client_id"],
        "REMEDIATOR_MARKETO_CLIENT_SECRET": marketo["client_secret"],
        "REMEDIATOR_MARKETO_RESYNC_CAMPAIGN": "2001",
        "REMEDIATOR_SALESFORCE_URL": salesforce["url"],
        "REMEDIATOR_SALESFORCE_AUTH": "client_credentials",
        "REMEDIATOR_SALESFORCE_CLIENT_ID": salesforce["client_id"],
        "REMEDIATOR_SALESFORCE_CLIENT_SECRET": salesforce["client_secret"],
        "REMEDIATOR_FIXERS_OPTIONS": json.dumps(FIXER_OPTIONS),
        "REMEDIATOR_FIXERS_DEFAULTS": json.dumps(
            {f"{name}.Lead_Type__c": REQUIRED_DEFAULT for name in ("Lead", "Contact")}
        ),
    }


def _daemon_environment(told: Mapping[str, Any], store_url: str, listen: str, folder: Path) -> dict[str, str]:
    return {
        **settings_environment(told, store_url),
        "REMEDIATOR_CLOCK_URL": f"{told['control']}/clock",
        "REMEDIATOR_CAMPAIGNS": str(folder / "campaigns"),
        "REMEDIATOR_LIMITS_PER_DAY": str(PER_DAY),
        "REMEDIATOR_LIMITS_MAX_CHANGES": str(MAX_CHANGES),
        "REMEDIATOR_DAEMON_INBOX": str(folder / "inbox"),
        "REMEDIATOR_DAEMON_LISTEN": listen,
        "REMEDIATOR_DAEMON_LOOK_S": str(LOOK_S),
        "REMEDIATOR_DAEMON_SETTLE_S": str(LOOK_S),
        "REMEDIATOR_DAEMON_UPKEEP_S": "900",
        **{f"REMEDIATOR_RETENTION_{name.upper()}_DAYS": str(RETENTION_DAYS) for name in _KEPT},
    }


def _write_campaigns(folder: Path) -> None:
    for path in folder.glob("*.yaml"):
        campaign = yaml.safe_load(path.read_text(encoding="utf-8"))
        if terms := TERMS.get(campaign["name"]):
            path.write_text(yaml.safe_dump({**campaign, **terms}, sort_keys=False), encoding="utf-8")
    (folder / "nightly-values.yaml").write_text(VALUES_CAMPAIGN, encoding="utf-8")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
