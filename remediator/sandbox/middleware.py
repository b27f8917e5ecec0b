"""The layer between socket and fake APIs: it writes every request to the ledger and injects faults."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from remediator.sandbox import fault_answers
from remediator.sandbox.faults import Fault, Faults
from remediator.sandbox.ledger import Ledger

_BODILESS = frozenset((204, 304))


def system_of(path: str) -> str | None:
    """Return whose path it is, ``None`` for our own control paths."""
    if path.startswith(("/rest", "/identity", "/bulk")):
        return "marketo"
    return "salesforce" if path.startswith("/services") else None


class FaultsAndLedger:
    """ASGI middleware. One ``request`` entry per call with method, path, status and fault.

    The entry is written before the caller can know that its answer is whole, or that none comes: who asks
    the ledger after a call finds the call there.

    The actor is what the API put into ``request.state.actor`` after it knew who calls, else ``anonymous``;
    ``request.state.note``, a dict, is added to the entry (a Marketo error code, for instance).
    """

    def __init__(self, app: ASGIApp, faults: Faults, ledger: Ledger) -> None:
        self._app = app
        self._faults = faults
        self._ledger = ledger

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        system = system_of(scope["path"]) if scope["type"] == "http" else None
        if system is None:
            await self._app(scope, receive, send)
            return
        state = scope.setdefault("state", {})
        fault = self._faults.pick(system, f"{scope['method']} {scope['path']}")
        if fault is not None:
            self._ledger.append(
                "fault",
                system=system,
                actor="sandbox",
                name=fault.name,
                method=scope["method"],
                path=scope["path"],
            )

        def write(status: int | None) -> None:
            self._ledger.append(
                "request",
                system=system,
                actor=state.get("actor", "anonymous"),
                method=scope["method"],
                path=scope["path"],
                status=status,
                fault=fault.name if fault else None,
                **state.get("note", {}),
            )

        sending = _Sending(send, write, bodiless=scope["method"] == "HEAD")
        try:
            if fault is None:
                await self._app(scope, receive, sending)
            else:
                await _Exchange(self._app, system, scope, receive, sending).serve_badly(fault)
        finally:
            sending.ends()


class _Sending:
    """Passes an answer on to the server and tells of it once, right before its end leaves.

    Args:
        server_send: the server's own.
        ended: gets the status, ``None`` when no answer had begun.
        bodiless: the answer ends with its head, whatever length that names.
    """

    def __init__(self, server_send: Send, ended: Callable[[int | None], None], *, bodiless: bool) -> None:
        self.server_send = server_send
        self._ended: Callable[[int | None], None] | None = ended
        self._bodiless = bodiless
        self._status: int | None = None
        self._left: int | None = None

    async def __call__(self, message: Message) -> None:
        """Send one message of the answer."""
        if message["type"] == "http.response.start":
            self._status = message["status"]
            lengths = [int(text) for name, text in message.get("headers", ()) if name == b"content-length"]
            self._left = 0 if self._bodiless or self._status in _BODILESS else next(iter(lengths), None)
            more = True
        else:
            more = message.get("more_body", False)
            if self._left is not None:
                self._left -= len(message.get("body", b""))
        # A caller who was told the length does not wait for the server's word that this was all.
        if not more or self._left == 0:
            self.ends()
        await self.server_send(message)

    def ends(self) -> None:
        """Tell of the answer, unless that has been done."""
        if self._ended is not None:
            ended, self._ended = self._ended, None
            ended(self._status)


class _Exchange:
    """One request under one fault."""

    def __init__(self, app: ASGIApp, system: str, scope: Scope, receive: Receive, send: _Sending) -> None:
        self._app = app
        self._system = system
        self._scope = scope
        self._receive = receive
        self._send = send

    async def serve_badly(self, fault: Fault) -> None:
        """Serve the request the way the fault wants."""
        name, parameters = fault.name, fault.parameters
        if name in fault_answers.ERROR_ANSWERS:
            if parameters.get("done"):
                await self._run()
            status, kind, body = fault_answers.answer(self._system, name, parameters)
            await self._reply(status, [(b"content-type", kind)], body)
        elif name == "token_worn_out":
            await self._wear_out(float(parameters.get("seconds", 5)))
        elif name == "empty":
            body = fault_answers.empty_body(self._system, self._scope["path"], parameters)
            await self._reply(200, [(b"content-type", b"application/json;charset=UTF-8")], body)
        elif name == "drop_before":
            await self._cut()
        elif name == "drop_after":
            await self._run()
            await self._cut()
        elif name == "slow":
            # Taken in whole first: a caller who does not wait cannot call the work back.
            body = await self._body()
            await asyncio.sleep(float(parameters.get("seconds", 1)))
            await self._reply(*await self._run(body))
        elif name == "partial":
            await self._partial(parameters)
        else:
            await self._bent(name, parameters)

    async def _wear_out(self, seconds: float) -> None:
        if self._system == "marketo":
            self._scope["state"]["worn_out_for_s"] = seconds
            await self._app(self._scope, self._receive, self._send)
        else:
            status, kind, body = fault_answers.answer(self._system, "token_expired", {})
            await self._reply(status, [(b"content-type", kind)], body)

    async def _bent(self, name: str, parameters: dict[str, Any]) -> None:
        status, headers, body = await self._run()
        if name == "lost_page":
            await self._reply(status, headers, fault_answers.without_later_pages(body))
        elif name == "slow_drip":
            pieces = max(1, int(parameters.get("pieces", 10)))
            size = max(1, -(-len(body) // pieces))
            await self._start(status, headers, len(body))
            for begin in range(0, len(body), size):
                await self._send(
                    {"type": "http.response.body", "body": body[begin : begin + size], "more_body": True}
                )
                await asyncio.sleep(float(parameters.get("seconds", 0.2)))
            await self._send({"type": "http.response.body", "body": b""})
        else:  # truncated
            await self._start(status, headers, len(body))
            await self._send(
                {"type": "http.response.body", "body": body[: len(body) // 2], "more_body": True}
            )
            await self._cut(flush=True)

    async def _partial(self, parameters: dict[str, Any]) -> None:
        original = await self._body()
        rest, out, total = fault_answers.split_batch(original, max(1, int(parameters.get("share", 3))))
        if len(out) == total and total:
            status, headers, body = 200, [(b"content-type", b"application/json;charset=UTF-8")], b"[]"
            if self._system == "marketo":
                body = b'{"requestId":"fa17#19c0ffee","success":true,"result":[]}'
        else:
            status, headers, body = await self._run(rest)
        body = fault_answers.join_batch(self._system, body, out, total, parameters.get("error", {}))
        await self._reply(status, headers, body)

    async def _body(self) -> bytes:
        parts: list[bytes] = []
        while True:
            message = await self._receive()
            parts.append(message.get("body", b""))
            if not message.get("more_body"):
                return b"".join(parts)

    async def _run(self, body: bytes | None = None) -> tuple[int, list[tuple[bytes, bytes]], bytes]:
        """Let the API do its work and keep its answer from the caller."""
        kept: list[Message] = []
        given = body

        async def receive() -> Message:
            nonlocal given
            if given is None:
                return await self._receive()
            part, given = given, b""
            return {"type": "http.request", "body": part, "more_body": False}

        async def keep(message: Message) -> None:
            kept.append(message)

        # Uncompressed, or nothing below could find its way in the answer.
        headers = [(name, text) for name, text in self._scope["headers"] if name != b"accept-encoding"]
        await self._app({**self._scope, "headers": headers}, receive, keep)
        return (
            kept[0]["status"],
            list(kept[0].get("headers", [])),
            b"".join(m.get("body", b"") for m in kept[1:]),
        )

    async def _start(self, status: int, headers: list[tuple[bytes, bytes]], length: int) -> None:
        headers = [(key, value) for key, value in headers if key.lower() != b"content-length"]
        headers.append((b"content-length", str(length).encode()))
        await self._send({"type": "http.response.start", "status": status, "headers": headers})

    async def _reply(self, status: int, headers: list[tuple[bytes, bytes]], body: bytes) -> None:
        await self._start(status, headers, len(body))
        await self._send({"type": "http.response.body", "body": body})

    async def _cut(self, *, flush: bool = False) -> None:
        """Close the socket under the caller.

        ASGI has no word for it, so this reaches for the transport that uvicorn's ``send`` is bound to, and
        then waits for the disconnect, without which uvicorn would still try to answer.
        """
        self._send.ends()
        transport = self._send.server_send.__self__.transport  # type: ignore[attr-defined]  # uvicorn's own object
        if flush:
            transport.close()
        else:
            transport.abort()
        while (await self._receive())["type"] != "http.disconnect":
            pass
