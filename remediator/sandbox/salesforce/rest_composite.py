"""``/composite``, ``/composite/batch`` and ``/composite/graph``: several requests in one."""

from __future__ import annotations

import re
from typing import Any

from remediator.sandbox.salesforce.errors import ApiFault
from remediator.sandbox.salesforce.rest import Call, Reply, Rest, body_of

MOST_REQUESTS, MOST_WIDE, MOST_NODES = 25, 5, 500
_REFERENCE = re.compile(r"@\{(\w+)((?:\.\w+|\[\d+\])*)\}")
_STEP = re.compile(r"\.(\w+)|\[(\d+)\]")
_HALTED = [
    {
        "errorCode": "PROCESSING_HALTED",
        "message": "The transaction was rolled back since another operation in the same transaction failed.",
    }
]


def add_composite_paths(rest: Rest) -> None:
    """Serve the paths of this module."""
    composite = Composite(rest)
    rest.add("POST", "composite/?", composite.composite)
    rest.add("POST", "composite/batch/?", composite.batch)
    rest.add("POST", "composite/graph/?", composite.graph)


class _UnknownReference(Exception):
    pass


class Composite:
    """Bundled calls; each counts as one API call."""

    def __init__(self, rest: Rest) -> None:
        self._rest = rest

    def composite(self, call: Call) -> Reply:
        """Run up to 25 sub-requests that may refer to earlier ones."""
        body = body_of(call)
        requests = _requests(body.get("compositeRequest"), MOST_REQUESTS)
        wide = sum(1 for one in requests if "/composite/sobjects" in one["url"] or "/query" in one["url"])
        if wide > MOST_WIDE:
            raise ApiFault(
                400, "LIMIT_EXCEEDED", f"At most {MOST_WIDE} query or collection requests are allowed"
            )
        answers = self._run(call, requests, all_or_none=bool(body.get("allOrNone")))
        return Reply(content={"compositeResponse": answers})

    def graph(self, call: Call) -> Reply:
        """Run graphs, each all or none."""
        graphs = body_of(call).get("graphs") or []
        if sum(len(graph.get("compositeRequest") or []) for graph in graphs) > MOST_NODES:
            raise ApiFault(400, "LIMIT_EXCEEDED", f"At most {MOST_NODES} nodes are allowed")
        answered: list[dict[str, Any]] = []
        for graph in graphs:
            answers = self._run(call, _requests(graph.get("compositeRequest"), MOST_NODES), all_or_none=True)
            answered.append(
                {
                    "graphId": graph.get("graphId"),
                    "graphResponse": {"compositeResponse": answers},
                    "isSuccessful": all(answer["httpStatusCode"] < 300 for answer in answers),
                }
            )
        return Reply(content={"graphs": answered})

    def batch(self, call: Call) -> Reply:
        """Run up to 25 independent sub-requests."""
        body = body_of(call)
        requests = body.get("batchRequests") or []
        if not requests or len(requests) > MOST_REQUESTS:
            raise ApiFault(400, "LIMIT_EXCEEDED", f"The batch must hold 1 to {MOST_REQUESTS} requests")
        results: list[dict[str, Any]] = []
        halted = False
        for request in requests:
            if halted:
                text = "Batch processing halted per request."
                error = {"errorCode": "BATCH_PROCESSING_HALTED", "message": text}
                results.append({"statusCode": 412, "result": [error]})
                continue
            inside = call.inside(request["method"], request["url"], request.get("richInput"), {})
            reply = self._rest.call(inside)
            results.append({"statusCode": reply.status, "result": reply.content})
            halted = bool(body.get("haltOnError")) and reply.status >= 300
        failed = any(result["statusCode"] >= 300 for result in results)
        return Reply(content={"hasErrors": failed, "results": results})

    def _run(self, call: Call, requests: list[dict[str, Any]], *, all_or_none: bool) -> list[dict[str, Any]]:
        if not all_or_none:
            replies: dict[str, Reply] = {}
            for request in requests:
                replies[request["referenceId"]] = self._one(call, request, replies)
            return [_answer(name, reply) for name, reply in replies.items()]
        with self._rest.org.transaction() as transaction:
            done: dict[str, Reply] = {}
            failed = None
            for request in requests:
                name = request["referenceId"]
                done[name] = self._one(call, request, done)
                if done[name].status >= 300:
                    failed = name
                    break
            if failed is None:
                return [_answer(name, reply) for name, reply in done.items()]
            transaction.rollback()
        halted = Reply(status=400, content=_HALTED)
        return [
            _answer(name, done[name] if name == failed else halted)
            for name in (request["referenceId"] for request in requests)
        ]

    def _one(self, call: Call, request: dict[str, Any], done: dict[str, Reply]) -> Reply:
        try:
            url = str(_filled(request["url"], done))
            body = _filled(request.get("body"), done)
        except _UnknownReference as unknown:
            text = f"Invalid reference specified. {unknown}"
            return Reply(status=400, content=[{"errorCode": "PROCESSING_HALTED", "message": text}])
        return self._rest.call(call.inside(request["method"], url, body, request.get("httpHeaders") or {}))


def _requests(given: Any, most: int) -> list[dict[str, Any]]:
    if not isinstance(given, list) or not given:
        raise ApiFault(400, "INVALID_INPUT", "At least one subrequest is required")
    if len(given) > most:
        raise ApiFault(
            400, "LIMIT_EXCEEDED", f"The maximum number of subrequests, {most}, was exceeded by {len(given)}"
        )
    if not all(
        isinstance(request, dict) and request.get("method") and request.get("url") for request in given
    ):
        raise ApiFault(400, "INVALID_INPUT", "Every subrequest needs a method and a url")
    names = [request.get("referenceId") for request in given]
    if not all(names) or len(set(names)) < len(names):
        raise ApiFault(400, "INVALID_INPUT", "Every subrequest needs a referenceId of its own")
    return given


def _answer(name: str, reply: Reply) -> dict[str, Any]:
    return {
        "body": reply.content,
        "httpHeaders": dict(reply.headers),
        "httpStatusCode": reply.status,
        "referenceId": name,
    }


def _filled(value: Any, done: dict[str, Reply]) -> Any:
    """Return the value with each ``@{ref.field}`` replaced by what that sub-request answered."""
    if isinstance(value, dict):
        return {key: _filled(entry, done) for key, entry in value.items()}
    if isinstance(value, list):
        return [_filled(entry, done) for entry in value]
    if isinstance(value, str):
        return _REFERENCE.sub(lambda match: str(_looked_up(match[1], match[2], done)), value)
    return value


def _looked_up(name: str, steps: str, done: dict[str, Reply]) -> Any:
    if name not in done:
        raise _UnknownReference(f"Reference {name} not found")
    current = done[name].content
    for match in _STEP.finditer(steps):
        try:
            current = current[match[1]] if match[1] else current[int(match[2])]
        except (KeyError, IndexError, TypeError):
            raise _UnknownReference(f"No value for {name}{steps} found in {name}") from None
    return current
