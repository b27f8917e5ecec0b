"""Daemons as real processes beside a sandbox in this one, whose clock moves only when a test says so."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from remediator.campaigns import parse_campaign
from remediator.engine.planning import make_plan
from remediator.errors import RemediatorError
from remediator.health import ask
from remediator.model import CaseState, Confidence
from remediator.policy import approve
from remediator.store import CampaignState, CaseQuery
from tests.cli.ground import environment_of
from tests.engine.world import World

ROOT = Path(__file__).parents[1]
PATIENCE_S = 60.0
"""How long a test waits for a process before it calls it hung; it goes on as soon as it need not wait."""

CAMPAIGN = """\
name: country
schedule: "*/10 * * * *"
mode: review
select: {categories: [invalid_picklist]}
limits: {max_percent: 100}
"""


def wait_for(what: str, holds: Callable[[], Any], *, patience_s: float = PATIENCE_S) -> Any:
    """Wait until something holds and return it."""
    until = time.monotonic() + patience_s
    while time.monotonic() < until:
        if found := holds():
            return found
        time.sleep(0.05)
    raise AssertionError(f"waited {patience_s:.0f} s in vain for {what}")


@dataclass(slots=True)
class DaemonProcess:
    """One `remediator daemon`."""

    process: subprocess.Popen[bytes]
    listen: str
    log: Path

    def state(self) -> dict[str, Any]:
        """Return what it says of itself, nothing while it does not answer."""
        try:
            return dict(ask(self.listen, "/healthz")[1])
        except RemediatorError:
            assert self.process.poll() is None, self.said
            return {}

    def wait_until(self, **parts: object) -> dict[str, Any]:
        """Wait until it says so of itself."""

        def says() -> dict[str, Any]:
            state = self.state()
            return state if state and all(state[name] == part for name, part in parts.items()) else {}

        try:
            found: dict[str, Any] = wait_for(f"a daemon that says {parts}", says)
        except AssertionError as exc:
            raise AssertionError(f"{exc}\n{self.said}") from exc
        return found

    @property
    def said(self) -> str:
        """Its log so far."""
        return self.log.read_text(encoding="utf-8")

    def send(self, number: signal.Signals) -> None:
        """Send it a signal."""
        self.process.send_signal(number)

    def ended(self) -> int:
        """Wait for its end and return the exit code."""
        return self.process.wait(PATIENCE_S)


@contextmanager
def daemon(
    made: World,
    store_url: str,
    *,
    name: str = "one",
    command: Sequence[str] = ("daemon",),
    **settings: object,
) -> Iterator[DaemonProcess]:
    """Run a daemon against the world's sandbox and clock until the block ends."""
    listen = f"127.0.0.1:{_free_port()}"
    log = made.folder / f"{name}.log"
    chosen = {"listen": listen, "look_s": 0.1, "settle_s": 0.2, "lease_s": 2, "upkeep_s": 30, **settings}
    with log.open("wb") as stream:
        process = subprocess.Popen(
            [sys.executable, "-m", "remediator.cli.main", *command],
            cwd=made.folder,
            env=environment(made, store_url)
            | {f"REMEDIATOR_DAEMON_{key}".upper(): str(value) for key, value in chosen.items()},
            stdout=stream,
            stderr=stream,
        )
    try:
        yield DaemonProcess(process, listen, log)
    finally:
        process.kill()
        process.wait()


def environment(made: World, store_url: str) -> dict[str, str]:
    """Return the variables for any `remediator` process in this world."""
    return {
        **os.environ,
        **environment_of(made),
        "PYTHONPATH": str(ROOT),
        "REMEDIATOR_STORE": store_url,
        "REMEDIATOR_CLOCK_URL": f"{made.sandbox.control_url}/clock",
        "REMEDIATOR_VERIFY_SETTLE_S": "600",
    }


def remediator(made: World, store_url: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a command beside the daemons."""
    return subprocess.run(
        [sys.executable, "-m", "remediator.cli.main", *arguments],
        cwd=made.folder,
        env=environment(made, store_url),
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )


def add_campaign(made: World, text: str = CAMPAIGN) -> None:
    """Put a campaign file there that has had its first look."""
    folder = made.folder / "campaigns"
    folder.mkdir(exist_ok=True)
    campaign = parse_campaign(text, name="campaign")
    (folder / f"{campaign.name}.yaml").write_text(text, encoding="utf-8")
    now = made.engine.clock()
    for name in (campaign.name, f"{campaign.name}@{campaign.digest}"):
        state = CampaignState(name=name, first_run_at=now, last_run_at=now)
        made.engine.store.running.save_campaign_state(state, actor="tester", now=now)


def approve_all(made: World, *, campaign: str = "country") -> int:
    """Plan everything for a campaign and approve it; return how many changes wait to be written."""
    store, engine = made.engine.store, made.engine
    run = store.start_run("plan", now=engine.clock())
    plan = make_plan(engine, query=CaseQuery(), run=run, campaign=campaign).plan
    return len(store.decide(approve(plan.changes, by="tester", floor=Confidence.WEAK), now=engine.clock()))


def first_tick(made: World, one: DaemonProcess) -> None:
    """Let a daemon see the campaign, and then its tick come."""
    one.wait_until(role="working")
    wait_for("the first sight", lambda: made.engine.store.running.last_tick("country"))
    made.sandbox.clock.advance(timedelta(minutes=11))


def in_state(made: World, *states: CaseState) -> int:
    """Count the cases that stand in one of the states."""
    return made.engine.store.count_cases(CaseQuery(states=frozenset(states)))


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
