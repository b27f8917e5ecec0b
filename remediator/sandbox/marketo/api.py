"""Marketo's REST, bulk and identity endpoints as routes over one instance."""

from __future__ import annotations

import asyncio
import gzip
import json
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import BaseRoute, Route

from remediator.sandbox.marketo import (
    activity_calls,
    bulk_extract,
    bulk_import,
    campaign_calls,
    lead_calls,
    list_calls,
)
from remediator.sandbox.marketo.envelope import ApiError, Call, HttpError, Reply, refusal
from remediator.sandbox.marketo.instance import Instance
from remediator.sandbox.marketo.limits import FREE

URI_BYTES, BODY_BYTES, IMPORT_BYTES, GZIP_BYTES = 8192, 1_048_576, 10_485_760, 1024
Handler = Callable[[Call], Reply | Response]


def routes(instance: Instance, *, legacy_auth: bool = False) -> list[BaseRoute]:
    """Return the routes of one instance; ``legacy_auth`` also takes the token as a query parameter."""
    instance.settings.legacy_auth = instance.settings.legacy_auth or legacy_auth
    return MarketoApi(instance).routes()


class MarketoApi:
    """Everything between a socket and the instance: tokens, quotas, sizes, the envelope."""

    def __init__(self, instance: Instance) -> None:
        self.instance = instance
        self.tokens = instance.tokens
        self.limits = instance.limits
        self._handlers: dict[str, dict[str, Handler]] = {}
        for verb, path, handler in (
            *lead_calls.handlers(instance),
            *activity_calls.handlers(instance),
            *list_calls.handlers(instance),
            *campaign_calls.handlers(instance),
            *bulk_extract.handlers(instance),
            *bulk_import.handlers(instance),
            *self._statistics(),
        ):
            self._handlers.setdefault(path, {})[verb] = handler

    def routes(self) -> list[BaseRoute]:
        """Return the routes, the identity service and a 610 for everything unknown."""
        every = ["GET", "POST", "DELETE", "PUT", "PATCH"]
        found: list[BaseRoute] = [Route("/identity/oauth/token", self.grant, methods=["GET", "POST"])]
        found += [Route(path, self._endpoint(path), methods=every) for path in self._handlers]
        found += [Route(f"/{base}/{{rest:path}}", self._unknown, methods=every) for base in ("rest", "bulk")]
        return found

    async def grant(self, request: Request) -> Response:
        """Answer the token endpoint; costs no quota."""
        form = parse_qs((await request.body()).decode("utf-8", "replace"))
        given = {name: values[0] for name, values in form.items()} | dict(request.query_params)
        settings = self.instance.settings
        if given.get("grant_type") != "client_credentials":
            return JSONResponse(
                {"error": "unsupported_grant_type", "error_description": "Unsupported grant type"}, 400
            )
        client = given.get("client_id", "")
        if not client or settings.clients.get(client) != given.get("client_secret"):
            return JSONResponse(
                {"error": "invalid_client", "error_description": "No client with requested id or bad secret"},
                401,
            )
        token, left_s = self.tokens.grant(client)
        return JSONResponse(
            {"access_token": token, "token_type": "bearer", "expires_in": left_s, "scope": settings.api_user}
        )

    def _statistics(self) -> list[tuple[str, str, Handler]]:
        base = "/rest/v1/stats"
        return [
            ("GET", f"{base}/usage.json", lambda _: Reply(result=self.limits.usage(1))),
            ("GET", f"{base}/usage/last7days.json", lambda _: Reply(result=self.limits.usage(7))),
            ("GET", f"{base}/errors.json", lambda _: Reply(result=self.limits.errors(1))),
            ("GET", f"{base}/errors/last7days.json", lambda _: Reply(result=self.limits.errors(7))),
        ]

    def _endpoint(self, path: str) -> Callable[[Request], Awaitable[Response]]:
        async def respond(request: Request) -> Response:
            return await self._answer(request, self._handlers[path])

        return respond

    async def _unknown(self, request: Request) -> Response:
        return await self._answer(request, {})

    async def _answer(self, request: Request, handlers: dict[str, Handler]) -> Response:
        raw = await request.body()
        if len(request.url.path) + len(request.url.query) > URI_BYTES:
            return PlainTextResponse("Request-URI Too Long", 414)
        limit = IMPORT_BYTES if request.url.path == bulk_import.CREATE_PATH else BODY_BYTES
        if len(raw) > limit:
            return PlainTextResponse("Request Entity Too Large", 413)
        try:
            with self.limits.in_flight():
                if self.instance.settings.latency_s:
                    await asyncio.sleep(self.instance.settings.latency_s)
                answer = await run_in_threadpool(self._carry_out, request, raw, handlers)
        except ApiError as error:
            self.limits.note_error(error.code)
            request.state.note = {"code": error.code}
            return _json(request, refusal(error))
        except HttpError as error:
            return PlainTextResponse(str(error), error.status)
        return answer if isinstance(answer, Response) else _json(request, answer.members())

    def _carry_out(self, request: Request, raw: bytes, handlers: dict[str, Handler]) -> Reply | Response:
        client = self._authorise(request)
        request.state.actor = client
        call, verb = _read_call(request, raw, client)
        handler = handlers.get(verb)
        refused = None if handler else ApiError("605" if handlers else "610")
        # A refusal with a free code must not cost quota; a missing resource does.
        if refused is None or refused.code not in FREE:
            self.limits.spend(client)
        if refused or handler is None:
            raise refused or ApiError("610")
        self.instance.tick()
        with self.instance.lock:
            return handler(call)

    def _authorise(self, request: Request) -> str:
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer":
            token = request.query_params.get("access_token", "") if self.instance.settings.legacy_auth else ""
        left_s = getattr(request.state, "worn_out_for_s", None)
        if left_s is not None:
            self.tokens.wear_out(token, timedelta(seconds=left_s))
        return self.tokens.client_of(token)


def _read_call(request: Request, raw: bytes, client: str) -> tuple[Call, str]:
    params: dict[str, list[str]] = {}
    for name, value in request.query_params.multi_items():
        params.setdefault(name, []).append(value)
    content_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    body: Any = None
    if content_type == "application/x-www-form-urlencoded":
        for name, values in parse_qs(raw.decode("utf-8", "replace"), keep_blank_values=True).items():
            params.setdefault(name, []).extend(values)
    elif raw and content_type == "application/json":
        try:
            body = json.loads(raw)
        except ValueError as exc:
            raise ApiError("609") from exc
    elif raw and not content_type.startswith("multipart/"):
        raise ApiError("612")
    verb = request.method
    override = params.pop("_method", None)
    if verb == "POST" and override:
        verb = override[0].upper()
    call = Call(
        path=request.path_params,
        params=params,
        body=body,
        raw=raw,
        headers=dict(request.headers),
        client=client,
    )
    return call, verb


def _json(request: Request, members: dict[str, Any]) -> Response:
    content = json.dumps(members, ensure_ascii=False, separators=(",", ":")).encode()
    headers = {"content-type": "application/json;charset=UTF-8"}
    if len(content) >= GZIP_BYTES and "gzip" in request.headers.get("accept-encoding", ""):
        content = gzip.compress(content, compresslevel=1)
        headers["content-encoding"] = "gzip"
    return Response(content, headers=headers)
