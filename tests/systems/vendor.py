"""A real HTTP server on a loopback port whose answers the test writes, and a clock that does not wait."""

from __future__ import annotations

import json
import socket
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from random import Random
from threading import Thread
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from pydantic import SecretStr

from remediator.settings import MarketoSettings, SalesforceSettings
from remediator.systems.marketo import Marketo
from remediator.systems.salesforce import Salesforce

TOKEN_PATHS = ("/identity/oauth/token", "/services/oauth2/token")


class FakeClock:
    """Monotonic seconds that pass only by sleeping."""

    def __init__(self) -> None:
        self.now = 1_000.0
        self.sleeps: list[float] = []

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.sleeps.append(seconds)
        self.now += seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """One request as it arrived."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def form(self) -> dict[str, str]:
        return dict(parse_qsl(self.body.decode()))


@dataclass(slots=True, kw_only=True)
class Reply:
    """One answer; ``act`` replaces it and may do anything to the socket."""

    body: bytes = b""
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    act: Callable[[BaseHTTPRequestHandler], None] | None = None


class Vendor:
    """What the server answers, in order; tokens are handed out without being asked for."""

    def __init__(self) -> None:
        self.url = ""
        self.seen: list[Seen] = []
        self.tokens = 0
        self.token_replies: deque[Reply] = deque()
        self.instance_url: str | None = None
        self._replies: deque[Reply] = deque()

    def says(
        self, body: object, *, status: int = 200, headers: Mapping[str, str] | None = None, times: int = 1
    ) -> None:
        """Queue an answer so many times; bytes go as they are, anything else as JSON."""
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        self._replies.extend([Reply(body=content, status=status, headers=headers or {})] * times)

    def result(self, *rows: object, **members: object) -> None:
        """Queue a good Marketo envelope."""
        self.says({"requestId": "1a#2b", "success": True, "result": list(rows), **members})

    def refuses(self, code: str, message: str = "no") -> None:
        """Queue a bad Marketo envelope."""
        self.says({"requestId": "1a#2b", "success": False, "errors": [{"code": code, "message": message}]})

    def acts(self, act: Callable[[BaseHTTPRequestHandler], None]) -> None:
        """Queue a misdeed."""
        self._replies.append(Reply(act=act))

    def drops(self) -> None:
        """Queue a connection that is closed without an answer."""
        self.acts(drop)

    @property
    def unused(self) -> int:
        """Answers that nobody asked for."""
        return len(self._replies)

    def reply_to(self, seen: Seen) -> Reply:
        if seen.path in TOKEN_PATHS:
            self.tokens += 1
            if self.token_replies:
                return self.token_replies.popleft()
            token = {
                "access_token": f"secret-token-{self.tokens}",
                "token_type": "bearer",
                "expires_in": 3599,
            }
            if seen.path == "/services/oauth2/token":
                token |= {"instance_url": self.instance_url or self.url, "id": f"{self.url}/id/{ORG}/{USER}"}
            return Reply(body=json.dumps(token).encode())
        self.seen.append(seen)
        if self._replies:
            return self._replies.popleft()
        return Reply(body=b"the test queued no answer for this request", status=418)


ORG = "00D5e0000000001EAA"
USER = "0055e0000000001AAA"


def drop(handler: BaseHTTPRequestHandler) -> None:
    """Close the connection without an answer."""
    handler.connection.shutdown(socket.SHUT_RDWR)
    handler.close_connection = True


def truncate(body: bytes) -> Callable[[BaseHTTPRequestHandler], None]:
    """Promise the whole body and send half."""

    def act(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body[: len(body) // 2])
        handler.wfile.flush()
        drop(handler)

    return act


@contextmanager
def serving() -> Iterator[Vendor]:
    """Serve a vendor while the block runs."""
    vendor = Vendor()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        # Head and body leave in two writes; waiting for an acknowledgement between them costs 40 ms.
        disable_nagle_algorithm = True

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
            return None

        def serve(self) -> None:
            parts = urlsplit(self.path)
            length = int(self.headers.get("Content-Length") or 0)
            seen = Seen(
                method=self.command,
                path=parts.path,
                query=dict(parse_qsl(parts.query)),
                headers={name.lower(): value for name, value in self.headers.items()},
                body=self.rfile.read(length),
            )
            reply = vendor.reply_to(seen)
            if reply.act:
                reply.act(self)
                return
            self.send_response(reply.status)
            for name, value in reply.headers.items():
                self.send_header(name, value)
            if reply.status != 204:
                self.send_header("Content-Length", str(len(reply.body)))
            self.end_headers()
            self.wfile.write(reply.body)

        do_GET = do_POST = do_PATCH = do_DELETE = serve  # noqa: N815 - the base class's names

    class Server(ThreadingHTTPServer):
        daemon_threads = True

    with Server(("127.0.0.1", 0), Handler) as server:
        vendor.url = f"http://127.0.0.1:{server.server_port}"
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        yield vendor
        server.shutdown()
        thread.join()


def a_marketo(vendor: Vendor, clock: FakeClock | None = None, **settings: Any) -> Marketo:
    """Return a client of the vendor; with a clock of its own it never waits in real time."""
    clock = clock or FakeClock()
    given = {"client_id": "us", "client_secret": SecretStr("marketo-secret"), **settings}
    return Marketo(MarketoSettings(url=vendor.url, **given), clock=clock, sleep=clock.sleep, random=Random(1))


def a_salesforce(vendor: Vendor, clock: FakeClock | None = None, **settings: Any) -> Salesforce:
    """Return a client of the vendor; with a clock of its own it never waits in real time."""
    clock = clock or FakeClock()
    given = {
        "auth": "client_credentials",
        "client_id": "us",
        "client_secret": SecretStr("salesforce-secret"),
        **settings,
    }
    return Salesforce(
        SalesforceSettings(url=vendor.url, **given), clock=clock, sleep=clock.sleep, random=Random(1)
    )
