"""The HTTP door of the org: sessions, versions, quota and JSON around the REST calls."""

from __future__ import annotations

import json
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import BaseRoute, Route

from remediator.sandbox.salesforce.bulk import add_bulk_paths
from remediator.sandbox.salesforce.envelopes import fault_body
from remediator.sandbox.salesforce.errors import ApiFault
from remediator.sandbox.salesforce.oauth import Sessions, bearer, oauth_routes
from remediator.sandbox.salesforce.org import Org
from remediator.sandbox.salesforce.rest import NEWEST_VERSION, OLDEST_VERSION, Call, Reply, Rest
from remediator.sandbox.salesforce.rest_collections import add_collection_paths
from remediator.sandbox.salesforce.rest_composite import add_composite_paths
from remediator.sandbox.salesforce.rest_info import add_info_paths
from remediator.sandbox.salesforce.rest_query import add_query_paths
from remediator.sandbox.salesforce.rest_rows import add_row_paths

LONGEST_URL, LARGEST_BODY = 16_384, 50 * 1024 * 1024
_SEASONS = ("Winter", "Spring", "Summer")


def routes(org: Org, sessions: Sessions) -> list[BaseRoute]:
    """Return everything below ``/services``."""
    door = Door(org, sessions)
    return [
        *oauth_routes(sessions),
        Route("/services/data", door.versions, methods=["GET"]),
        Route("/services/data/", door.versions, methods=["GET"]),
        Route(
            "/services/data/v{version}/{path:path}",
            door.serve,
            methods=["GET", "POST", "PATCH", "PUT", "DELETE", "HEAD"],
        ),
        Route("/services/data/v{version}", door.serve, methods=["GET"]),
    ]


class Door:
    """Turns HTTP requests into calls, and replies into responses."""

    def __init__(self, org: Org, sessions: Sessions) -> None:
        self._org = org
        self._sessions = sessions
        self.usage = org.usage
        self._rest = Rest(org)
        add_row_paths(self._rest)
        add_query_paths(self._rest)
        add_collection_paths(self._rest)
        add_composite_paths(self._rest)
        add_info_paths(self._rest, org.usage)
        add_bulk_paths(self._rest)

    async def versions(self, _: Request) -> Response:
        """List the API versions, without a login."""
        listed = [
            {"label": _label(number), "url": f"/services/data/v{number}.0", "version": f"{number}.0"}
            for number in range(OLDEST_VERSION, NEWEST_VERSION + 1)
        ]
        return _response(Reply(content=listed))

    async def serve(self, request: Request) -> Response:
        """Serve one REST call."""
        if len(request.url.path) + len(request.url.query) > LONGEST_URL:
            return HTMLResponse("<html><body><h1>URI Too Long</h1></body></html>", status_code=414)
        try:
            call = await self._call(request)
            # Counted for every call, but the limits themselves are free to ask for.
            if not call.path.startswith("limits") and not self.usage.take():
                raise ApiFault(403, "REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded.")
        except ApiFault as fault:
            return _response(Reply(status=fault.status, content=fault_body(fault)))
        # In a thread, so that a caller who waits for the org's lock does not stop everybody else's calls.
        reply = await run_in_threadpool(self._rest.call, call)
        response = _response(reply)
        response.headers["Sforce-Limit-Info"] = self.usage.header()
        return response

    async def _call(self, request: Request) -> Call:
        user = self._sessions.user_of(bearer(request))
        if user is None:
            raise ApiFault(401, "INVALID_SESSION_ID", "Session expired or invalid")
        request.state.actor = user.username
        raw = await request.body()
        if len(raw) > LARGEST_BODY:
            raise ApiFault(413, "EXCEEDED_MAX_SIZE_REQUEST", "The request is larger than 50 MB")
        version = request.path_params["version"]
        if not version.replace(".", "", 1).isdigit():
            raise ApiFault(404, "NOT_FOUND", "The requested resource does not exist")
        return Call(
            user=user,
            method="GET" if request.method == "HEAD" else request.method,
            path=request.path_params.get("path", ""),
            version=version,
            params=dict(request.query_params),
            headers={name.lower(): value for name, value in request.headers.items()},
            body=_parsed(raw, request.headers.get("content-type", "")),
            raw=raw.decode("utf-8", "replace"),
        )


def _parsed(raw: bytes, content_type: str) -> Any:
    if not raw:
        return None
    if content_type.startswith("text/csv"):
        return raw.decode("utf-8-sig", "replace")
    if not content_type.startswith("application/json"):
        raise ApiFault(
            415, "UNSUPPORTED_MEDIA_TYPE", f"Content type {content_type or 'missing'} is not supported"
        )
    try:
        return json.loads(raw)
    except ValueError as error:
        place = (getattr(error, "lineno", 1), getattr(error, "colno", 1))
        raise ApiFault(
            400, "JSON_PARSER_ERROR", f"Unexpected character at [line:{place[0]}, column:{place[1]}]"
        ) from None


def _response(reply: Reply) -> Response:
    if reply.content is None:
        return Response(status_code=reply.status, headers=dict(reply.headers))
    if isinstance(reply.content, str):
        return Response(
            reply.content, status_code=reply.status, media_type=reply.kind, headers=dict(reply.headers)
        )
    body = json.dumps(reply.content, ensure_ascii=False)
    return Response(body, status_code=reply.status, media_type=reply.kind, headers=dict(reply.headers))


def _label(number: int) -> str:
    """Return a release's name: 68 is Winter '27, 67 Summer '26, 66 Spring '26."""
    season = _SEASONS[(number - 65) % 3]
    year = 26 + (number - 65) // 3
    return f"{season} '{year:02d}"
