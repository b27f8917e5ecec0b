"""Is the daemon alive, and can it work: what it says of itself, and the port that says it.

Alive means that its loop has looked around lately; a probe that fails restarts the process. Ready means that
the store answers and the files are valid; a process that waits for another one's lease is ready too.
"""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from http.client import HTTPConnection, HTTPException
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import IPv4Address, ip_address
from pathlib import Path, PurePosixPath
from types import TracebackType
from typing import Self

from loguru import logger

from remediator.errors import ConfigError, RemediatorError
from remediator.settings_daemon import address

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
"""Prometheus' text form."""

SILENT_S = 60.0
"""A loop that has not looked around for so long hangs; its looks are seconds apart."""

MAIN_PROCESS = Path("/proc/1/cmdline")
"""What a container was started with: its first process, arguments parted by NUL (proc_pid_cmdline(5))."""


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """What the daemon says of itself.

    Attributes:
        role: ``starting``, ``working``, ``waiting`` (another process has the lease) or ``draining``.
        halted: why nothing is written, ``None`` when writes may go out.
        store_error: why the store does not answer.
        config_error: why the files as they are now are not in force.
        late_export: that nobody has exported the vendor's failures for too long; says nothing of readiness.
        busy: the work under way, by name.
    """

    role: str = "starting"
    holder: str | None = None
    halted: str | None = None
    store_error: str | None = None
    config_error: str | None = None
    late_export: str | None = None
    busy: tuple[str, ...] = ()


class Pulse:
    """The daemon's state and the time of its last look; safe to read from every thread.

    Args:
        clock: real monotonic seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._state = State()
        self._last = clock()

    @property
    def state(self) -> State:
        """What the daemon last said."""
        with self._lock:
            return self._state

    def beat(self) -> None:
        """Say that the loop goes round."""
        with self._lock:
            self._last = self._clock()

    def say(self, **parts: object) -> None:
        """Change parts of the state."""
        with self._lock:
            self._state = replace(self._state, **parts)  # type: ignore[arg-type]  # the names are checked by replace itself

    def silent_s(self) -> float:
        """Return the seconds since the last look."""
        with self._lock:
            return self._clock() - self._last

    @property
    def alive(self) -> bool:
        """Whether the loop goes round."""
        return self.silent_s() < SILENT_S

    @property
    def ready(self) -> bool:
        """Whether it can work, or could at once if the process that does went away."""
        state = self.state
        return self.alive and state.role in ("working", "waiting") and state.store_error is None


class Port:
    """Answers ``/metrics``, ``/healthz`` and ``/readyz`` while its ``with`` block runs.

    Args:
        listen: ``host:port``; port 0 picks a free one.
        metrics: renders the metrics.

    Attributes:
        address: where it answers.

    Raises:
        ConfigError: the port is taken or not ours to open.
    """

    def __init__(self, listen: str, *, pulse: Pulse, metrics: Callable[[], bytes]) -> None:
        class Asked(_Asked):
            pass

        Asked.pulse, Asked.metrics = pulse, staticmethod(metrics)
        host, port = address(listen)
        server = _ServerOnIPv6 if ":" in host else ThreadingHTTPServer
        try:
            self._server = server((host, port), Asked)
        except OSError as exc:
            raise ConfigError(
                f"cannot listen on {listen}: {exc.strerror}; set daemon.listen to another host:port, or to "
                'nothing ("") to do without metrics'
            ) from exc
        self._server.daemon_threads = True
        shown = f"[{host}]" if ":" in host else host
        self.address = f"{shown}:{self._server.server_address[1]}"
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.1}, name="health", daemon=True
        )

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class _ServerOnIPv6(ThreadingHTTPServer):
    address_family = socket.AF_INET6


class _Asked(BaseHTTPRequestHandler):
    """One request; the class attributes are what it answers from."""

    pulse: Pulse
    metrics: Callable[[], bytes]
    timeout = 10
    server_version = "remediator"
    sys_version = ""

    def do_GET(self) -> None:
        """Answer one of the three paths; http.server calls it so."""
        match self.path.partition("?")[0]:
            case "/healthz":
                self._say(good=self.pulse.alive)
            case "/readyz":
                self._say(good=self.pulse.ready)
            case "/metrics":
                self._metrics()
            case _:
                self._answer(404, b"not here; try /metrics, /healthz or /readyz\n", "text/plain")

    def _metrics(self) -> None:
        try:
            text = self.metrics()
        except RemediatorError as exc:
            # A scrape that fails shows as such; figures that are missing would look like zeroes.
            logger.bind(event="metrics_failed").warning("No metrics: {}", exc)
            self._answer(503, f"{exc}\n".encode(), "text/plain; charset=utf-8")
        else:
            self._answer(200, text, CONTENT_TYPE)

    def _say(self, *, good: bool) -> None:
        said = {**asdict(self.pulse.state), "silent_s": round(self.pulse.silent_s(), 3)}
        self._answer(200 if good else 503, json.dumps(said).encode() + b"\n", "application/json")

    def _answer(self, status: int, body: bytes, kind: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - http.server's own name
        """Keep requests out of stderr, where http.server would put them."""
        logger.bind(event="health_asked").debug(format.replace("%s", "{}").replace("%d", "{}"), *args)


def other_command(main_process: Path = MAIN_PROCESS) -> bool:
    """Whether a container was started for another command of ours than the daemon, such as `run --once`.

    Then nobody answers and nothing is wrong: the container is well for as long as it runs. Anything that is
    not certainly such a command counts as a daemon, a script that starts who knows what included.
    """
    try:
        words = main_process.read_bytes().decode(errors="replace").replace("\0", " ").split()
    except OSError:
        return False
    names = [PurePosixPath(word).name for word in words]
    return "remediator" in names and "daemon" not in names


def ask(listen: str, path: str, *, timeout_s: float = 5) -> tuple[int, dict[str, object]]:
    """Ask a running daemon; returns status and what it said.

    Raises:
        RemediatorError: nobody answers there.
    """
    host, port = address(listen)
    connection = HTTPConnection(_reachable(host), port, timeout=timeout_s)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        said = json.loads(answer.read())
        return answer.status, said if isinstance(said, dict) else {}
    except (OSError, HTTPException, ValueError) as exc:
        raise RemediatorError(
            f"no daemon answers on {listen}: {exc}; start one with: remediator daemon, or set daemon.listen "
            "to where it answers"
        ) from exc
    finally:
        connection.close()


def _reachable(host: str) -> str:
    """Return an address to connect to: who listens on every address answers on loopback."""
    try:
        listens_on = ip_address(host)
    except ValueError:  # a name
        return host
    if not listens_on.is_unspecified:
        return host
    return "127.0.0.1" if isinstance(listens_on, IPv4Address) else "::1"
