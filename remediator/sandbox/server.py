"""Both systems behind one loopback port, over real HTTP."""

from __future__ import annotations

import socket
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from importlib import import_module
from importlib.util import find_spec
from threading import Event, RLock, Thread
from typing import Any, Self

import uvicorn

from remediator.errors import ConfigError
from remediator.sandbox.app import build_app
from remediator.sandbox.clock import VirtualClock
from remediator.sandbox.faults import Faults
from remediator.sandbox.ledger import Ledger
from remediator.sandbox.salesforce.oauth import Sessions
from remediator.sandbox.salesforce.org import Org

CYCLE = timedelta(minutes=5)
CONTENTION = 0.01
"""Chance that a write of a contact who shares an account meets a row lock, in a seeded sandbox."""


class Sandbox:
    """A Marketo instance, a Salesforce org and the sync between them; serves while its ``with`` block runs.

    Args:
        leads: people to seed; 0 leaves both systems empty.
        seed: makes the seeded data and every random choice repeatable.
        legacy_auth: Marketo also takes its token as a query parameter.
        faults: faults in force from the start, see ``faults.py``.
        start: what the virtual clock shows at first; ``None`` is now.
        speed: virtual seconds per real second.
        port: 0 picks a free one.
        token_lifetime: how long a Salesforce session lasts, in virtual time.

    Attributes:
        org: Salesforce. instance: Marketo. sync: the native sync between them. truth: the right answers.
    """

    def __init__(
        self,
        leads: int = 5000,
        seed: int = 1,
        legacy_auth: bool = False,
        faults: Iterable[Mapping[str, Any]] = (),
        start: datetime | None = None,
        speed: float = 1.0,
        host: str = "127.0.0.1",
        port: int = 0,
        token_lifetime: timedelta = timedelta(hours=2),
    ) -> None:
        self.leads = leads
        self.seed = seed
        self.legacy_auth = legacy_auth
        self.clock = VirtualClock(start, speed)
        self.ledger = Ledger(self.clock)
        self.faults = Faults()
        for fault in faults:
            self.faults.add(fault)
        self.org = Org(self.clock, self.ledger, seed=seed)
        self.org.contention = CONTENTION if leads else 0.0
        self.sessions = Sessions(self.org, self.clock, seed=seed, lifetime=token_lifetime)
        self.truth: Any = _make("remediator.sandbox.truth", "Truth")
        self.instance: Any = _make(
            "remediator.sandbox.marketo.instance", "Instance", self.clock, self.ledger, self.org
        )
        self.sync: Any = None
        if self.instance is not None:
            # Time that is compressed holds more calls a second; a client that knows the speed paces alike.
            self.instance.settings.limit_per_20s = round(self.instance.settings.limit_per_20s * max(1, speed))
            self.sync = _make(
                "remediator.sandbox.sync", "NativeSync", self.instance, self.org, self.clock, self.ledger
            )
        self._host, self._port = host, port
        self._server: uvicorn.Server | None = None
        self._threads: list[Thread] = []
        self._stopping = Event()
        self._cycles = RLock()
        self._next_cycle = self.clock.now() + CYCLE

    @property
    def url(self) -> str:
        """Where both systems answer."""
        return f"http://{self._host}:{self._port}"

    @property
    def control_url(self) -> str:
        """Where the ledger, the clock and the faults answer."""
        return f"{self.url}/control"

    def connection_info(self) -> dict[str, Any]:
        """Return what a client needs, as ``remediator sandbox`` prints it."""
        marketo = self.instance
        return {
            "marketo": {
                "url": self.url,
                "munchkin_id": getattr(marketo, "munchkin_id", None),
                "client_id": getattr(marketo, "client_id", None),
                "client_secret": getattr(marketo, "client_secret", None),
            },
            "salesforce": {
                "url": self.url,
                "client_id": self.sessions.client_id,
                "client_secret": self.sessions.client_secret,
                "username": self.org.bot.username,
            },
            "control": self.control_url,
        }

    def __enter__(self) -> Self:
        """Seed, then serve."""
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop serving."""
        self.stop()

    def start(self) -> None:
        """Seed both systems, open the port and return when it answers."""
        if self.leads and find_spec("remediator.sandbox.seed") is not None:
            import_module("remediator.sandbox.seed").seed(self, leads=self.leads, seed=self.seed)
        # asyncio switches Nagle's delay off only for sockets that name their protocol.
        listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((self._host, self._port))
        except OSError as error:
            listener.close()
            raise ConfigError(
                f"the sandbox cannot listen on {self._host}:{self._port}: {error.strerror};"
                " choose another port, or 0 for any free one"
            ) from error
        self._port = listener.getsockname()[1]
        config = uvicorn.Config(
            build_app(self),
            http="h11",
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            proxy_headers=False,
            timeout_keep_alive=60,
            timeout_graceful_shutdown=2,
        )
        self._server = uvicorn.Server(config)
        serving = Thread(target=self._serve, args=(self._server, listener), name="sandbox-http", daemon=True)
        serving.start()
        self._threads = [serving]
        while not self._server.started:
            if not serving.is_alive():
                raise RuntimeError(f"the sandbox could not serve on {self.url}")
            self._stopping.wait(0.005)
        if self.sync is not None and self.clock.speed:
            ticking = Thread(target=self._tick, name="sandbox-sync", daemon=True)
            ticking.start()
            self._threads.append(ticking)

    def stop(self) -> None:
        """Close the port and wait for the threads."""
        self._stopping.set()
        if self._server is not None:
            self._server.should_exit = True
        for thread in self._threads:
            thread.join(timeout=10)

    def advance(self, by: timedelta) -> None:
        """Let virtual time pass at once, with the sync cycles that fall due in it."""
        with self._cycles:
            end = self.clock.now() + by
            self._run_due(end)
            left = end - self.clock.now()
            if left > timedelta():
                self.clock.advance(left)

    def now(self) -> datetime:
        """Return the virtual time, never one from the middle of a jump."""
        with self._cycles:
            return self.clock.now()

    @staticmethod
    def _serve(server: uvicorn.Server, listener: socket.socket) -> None:
        with listener:
            server.run(sockets=[listener])

    def _run_due(self, end: datetime) -> None:
        """Run every cycle due up to ``end``, each at its own virtual time."""
        while self._next_cycle <= end:
            wait = self._next_cycle - self.clock.now()
            if wait > timedelta():
                self.clock.advance(wait)
            self._next_cycle = self.clock.now() + CYCLE
            if self.sync is not None:
                self.sync.run_cycle()

    def _tick(self) -> None:
        while not self._stopping.wait(min(1.0, max(0.01, CYCLE.total_seconds() / self.clock.speed / 20))):
            with self._cycles:
                self._run_due(self.clock.now())


def _make(module: str, name: str, *arguments: Any) -> Any:
    """Build a part of the sandbox that may be absent; ``None`` when its module is."""
    if find_spec(module) is None:
        return None
    maker = getattr(import_module(module), name, None)
    return None if maker is None else maker(*arguments)
