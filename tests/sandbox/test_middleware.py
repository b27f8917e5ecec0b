"""When a request is told of: before its caller can know that the answer is whole, or that none comes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from starlette.responses import Response, StreamingResponse
from starlette.types import ASGIApp, Message

from remediator.sandbox.clock import VirtualClock
from remediator.sandbox.faults import Faults
from remediator.sandbox.ledger import Ledger
from remediator.sandbox.middleware import FaultsAndLedger

BODY = b'{"result": [1, 2, 3]}'
PATH = "/rest/v1/leads.json"


class Server:
    """A server that notes what the ledger held each time something left for the caller.

    Attributes:
        left: ``(what, statuses of the ledger's requests)``, in order.
    """

    def __init__(self, ledger: Ledger) -> None:
        self.left: list[tuple[str, list[int | None]]] = []
        self._ledger = ledger
        self.transport = self

    def _note(self, what: str) -> None:
        self.left.append((what, [entry["status"] for entry in self._ledger.entries(kind="request")]))

    async def send(self, message: Message) -> None:
        self._note(message.get("body", b"").decode() or message["type"].removeprefix("http.response."))

    def abort(self) -> None:
        self._note("cut")

    def close(self) -> None:
        self._note("cut")


def a_ledger() -> Ledger:
    return Ledger(VirtualClock(datetime(2026, 3, 2, tzinfo=UTC), 0))


def serve(app: ASGIApp, *faults: dict[str, Any], method: str = "GET", ledger: Ledger | None = None) -> Server:
    """Serve one request to Marketo under these faults."""
    ledger = ledger or a_ledger()
    troubles = Faults()
    for fault in faults:
        troubles.add(fault)
    server = Server(ledger)
    messages = iter([{"type": "http.request", "body": b"{}", "more_body": False}])

    async def receive() -> Message:
        return next(messages, {"type": "http.disconnect"})

    scope = {"type": "http", "method": method, "path": PATH, "headers": [], "query_string": b""}
    asyncio.run(FaultsAndLedger(app, troubles, ledger)(scope, receive, server.send))
    assert len(ledger.entries(kind="request")) == 1
    return server


def streamed(*, told: bool) -> StreamingResponse:
    async def parts() -> Any:
        yield BODY[:9]
        yield BODY[9:]

    return StreamingResponse(parts(), headers={"content-length": str(len(BODY))} if told else None)


@pytest.mark.parametrize(
    ("answer", "left"),
    [
        (lambda: Response(BODY), [("start", []), (BODY.decode(), [200])]),
        (lambda: Response(BODY, 404), [("start", []), (BODY.decode(), [404])]),
        (lambda: Response(status_code=204), [("start", [204]), ("body", [204])]),
        (lambda: Response(b""), [("start", [200]), ("body", [200])]),
        (
            lambda: streamed(told=True),
            [("start", []), (BODY[:9].decode(), []), (BODY[9:].decode(), [200]), ("body", [200])],
        ),
        (
            lambda: streamed(told=False),
            [("start", []), (BODY[:9].decode(), []), (BODY[9:].decode(), []), ("body", [200])],
        ),
    ],
    ids=["whole", "refused", "no content", "empty", "streamed with a length", "streamed without"],
)
def test_a_request_is_told_of_before_the_end_of_its_answer_leaves(
    answer: Callable[[], Response], left: list[tuple[str, list[int | None]]]
) -> None:
    assert serve(answer()).left == left


def test_an_answer_to_a_head_is_over_with_its_head() -> None:
    assert serve(Response(BODY), method="HEAD").left[0] == ("start", [200])


def test_a_dripping_answer_is_told_of_with_its_last_drop() -> None:
    *drops, last, _ = serve(Response(BODY), {"name": "slow_drip", "pieces": 3, "seconds": 0}).left
    assert [told for _, told in drops] == [[], [], []]
    assert last == (BODY[14:].decode(), [200])


@pytest.mark.parametrize(
    ("fault", "statuses"), [("drop_before", [None]), ("drop_after", [None]), ("truncated", [200])]
)
def test_a_request_whose_connection_is_cut_is_told_of_before_the_cut(
    fault: str, statuses: list[int | None]
) -> None:
    assert serve(Response(BODY), {"name": fault}).left[-1] == ("cut", statuses)


@pytest.mark.parametrize("fault", ["rate_limit", "empty", "lost_page", "partial", "server_error", "slow"])
def test_a_bent_answer_is_told_of_as_it_was_sent(fault: str) -> None:
    sent = serve(Response(BODY), {"name": fault, "seconds": 0}).left
    assert sent[-1][1] == [500 if fault == "server_error" else 200]


def test_an_api_that_breaks_without_an_answer_is_told_of_too() -> None:
    async def broken(*_: Any) -> None:
        raise RuntimeError("no answer")

    ledger = a_ledger()
    with pytest.raises(RuntimeError, match="no answer"):
        serve(broken, ledger=ledger)
    assert [entry["status"] for entry in ledger.entries(kind="request")] == [None]
