"""Puts the fake APIs, the control API and the fault layer together into one ASGI application."""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import BaseRoute
from starlette.types import ASGIApp

from remediator.sandbox.middleware import FaultsAndLedger
from remediator.sandbox.salesforce.api import routes as salesforce_routes

if TYPE_CHECKING:
    from remediator.sandbox.server import Sandbox


def build_app(sandbox: Sandbox) -> ASGIApp:
    """Return the application that serves ``sandbox``."""
    routes: list[BaseRoute] = [*salesforce_routes(sandbox.org, sandbox.sessions)]
    if sandbox.instance is not None:
        marketo = import_module("remediator.sandbox.marketo.api")
        routes += marketo.routes(sandbox.instance, legacy_auth=sandbox.legacy_auth)
    if find_spec("remediator.sandbox.control") is not None:
        routes += import_module("remediator.sandbox.control").routes(sandbox)
    app = Starlette(routes=routes, exception_handlers={404: _not_found, 500: _broken})
    # Outermost, not as Starlette's middleware: only there is ``send`` the server's own, which cutting needs.
    return FaultsAndLedger(app, sandbox.faults, sandbox.ledger)


async def _not_found(request: Request, _: Exception) -> JSONResponse:
    if request.url.path.startswith("/services"):
        return JSONResponse(
            [{"errorCode": "NOT_FOUND", "message": "The requested resource does not exist"}], status_code=404
        )
    if request.url.path.startswith(("/rest", "/bulk")):
        error = {"code": "610", "message": "Requested resource not found"}
        return JSONResponse({"requestId": "fa17#19c0ffee", "success": False, "errors": [error]})
    return JSONResponse({"error": f"no such path: {request.url.path}"}, status_code=404)


async def _broken(_: Request, exc: Exception) -> JSONResponse:
    """Say what broke in the sandbox itself, so that a test fails with the reason and not with a bare 500."""
    return JSONResponse({"error": "the sandbox broke", "reason": repr(exc)}, status_code=500)
