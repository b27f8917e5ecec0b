"""The control API: the truth about the sandbox and the hand on its clock, faults and sync.

| call under /control | does |
| --- | --- |
| GET ledger ``?kind= &system= &actor= &after= &limit=`` | what happened, oldest first |
| GET clock, POST clock ``{"advance_s": n}`` | virtual time; advancing runs the sync cycles that fall due |
| POST sync ``{"cycles": n}`` | sync cycles at once, without time passing |
| GET sync-errors.csv ``?from= &to= &type=record or job`` | the export of the Sync Errors tab |
| GET sync-status.csv | the export of the Sync Status tab |
| GET, POST, DELETE faults ``?id=`` | faults in force; see ``faults.py`` |
| POST edit ``{"system", "object", "id", "values", "by"}`` | a person edits a record |
| POST mistakes ``{"count": n, "seed": n}`` | people in step get fresh bad values, as seeded ones have |
| POST mend ``{"ids": [...]}`` | a person takes back by hand what Salesforce refuses |
| GET truth ``?ids=`` | the right answers |
| GET wrong-changes ``?actor=`` | what an API user wrote that is not a right answer |
| GET refused | who is out of step now, and why |
| GET summary | counts, calls by path, refusals by code |
| GET records ``?system= &object= &ids=`` | whole records |

Both exports take ``delimiter=`` comma, semicolon, tab or pipe, ``encoding=`` utf-8, utf-16 or cp1252,
``bom=true``, ``date_format=`` (strftime), and the first one ``language=`` en, de, fr, es, pt or ja.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from remediator.sandbox.exports import (
    ENCODINGS,
    ERROR_HEADERS,
    Dialect,
    Selection,
    sync_errors_csv,
    sync_status_csv,
)
from remediator.sandbox.marketo.fields import FIELDS
from remediator.sandbox.mistakes import make_mistakes, mend
from remediator.sandbox.wrong_changes import wrong_changes

if TYPE_CHECKING:
    from remediator.sandbox.server import Sandbox

Body = dict[str, Any]
_LEVELS = {
    "record": "Record Level",
    "job": "Job Level",
    "record level": "Record Level",
    "job level": "Job Level",
}
_ID_IN_PATH = re.compile(r"/(?:\d+|\d\w{14}(?:\w{3})?|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})(?=[./]|$)")
_DELIMITERS = {"comma": ",", "semicolon": ";", "tab": "\t", "pipe": "|"}


class BadRequest(Exception):
    """The caller asked for something that makes no sense; answered with 400."""


def routes(sandbox: Sandbox) -> list[BaseRoute]:
    """Return the routes under ``/control``."""
    control = _Control(sandbox)
    table: list[tuple[str, str, Callable[[Request, Body], Any]]] = [
        ("GET", "ledger", control.ledger),
        ("GET", "clock", control.clock),
        ("POST", "clock", control.advance),
        ("POST", "sync", control.sync),
        ("GET", "sync-errors.csv", control.sync_errors),
        ("GET", "sync-status.csv", control.sync_status),
        ("GET", "faults", control.faults),
        ("POST", "faults", control.add_fault),
        ("DELETE", "faults", control.clear_faults),
        ("POST", "edit", control.edit),
        ("POST", "mistakes", control.mistakes),
        ("POST", "mend", control.mend),
        ("GET", "truth", control.truth),
        ("GET", "wrong-changes", control.wrong_changes),
        ("GET", "refused", control.refused),
        ("GET", "summary", control.summary),
        ("GET", "records", control.records),
    ]
    return [
        Route(f"/control/{path}", _endpoint(sandbox, answer), methods=[verb]) for verb, path, answer in table
    ]


def _endpoint(
    sandbox: Sandbox, answer: Callable[[Request, Body], Any]
) -> Callable[[Request], Awaitable[Response]]:
    def up_to_date(request: Request, body: Body) -> Any:
        # Work that has fallen due (a scheduled campaign, a bulk job) shows in the answer.
        sandbox.instance.tick()
        return answer(request, body)

    async def respond(request: Request) -> Response:
        try:
            raw = await request.body()
            body = json.loads(raw) if raw else {}
            if not isinstance(body, dict):
                raise BadRequest("the body must be a JSON object")
            found = await run_in_threadpool(up_to_date, request, body)
        except (BadRequest, ValueError) as error:
            return JSONResponse({"error": str(error)}, 400)
        if isinstance(found, Response):
            return found
        content = json.dumps(found, ensure_ascii=False, default=_plain)
        return Response(content, media_type="application/json")

    return respond


class _Control:
    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox

    def ledger(self, request: Request, _: Body) -> Any:
        wanted = request.query_params
        limit = wanted.get("limit")
        # Read first, and nothing later told: who goes on from it must not skip what comes in meanwhile.
        last = self._sandbox.ledger.last
        entries = self._sandbox.ledger.entries(
            kind=wanted.get("kind"),
            system=wanted.get("system"),
            actor=wanted.get("actor"),
            after=int(wanted.get("after", 0)),
            limit=int(limit) if limit else None,
        )
        return {"last": last, "entries": [entry for entry in entries if entry["seq"] <= last]}

    def clock(self, _: Request, __: Body) -> Any:
        clock = self._sandbox.clock
        return {"now": self._sandbox.now(), "start": clock.start, "speed": clock.speed}

    def advance(self, request: Request, body: Body) -> Any:
        seconds = body.get("advance_s")
        if not isinstance(seconds, (int, float)) or seconds < 0:
            raise BadRequest("advance_s must be a number of seconds, 0 or more")
        self._sandbox.advance(timedelta(seconds=seconds))
        self._sandbox.instance.tick()
        return self.clock(request, body)

    def sync(self, _: Request, body: Body) -> Any:
        cycles = int(body.get("cycles", 1))
        if not 1 <= cycles <= 1000:
            raise BadRequest("cycles must be between 1 and 1000")
        reports = [self._sandbox.sync.run_cycle() for _ in range(cycles)]
        return {
            "cycles": cycles,
            "pushed": sum(report.pushed for report in reports),
            "refused": sum(report.refused for report in reports),
            "pulled": sum(report.pulled for report in reports),
            "waiting": reports[-1].waiting,
        }

    def sync_errors(self, request: Request, _: Body) -> Any:
        wanted = request.query_params
        level = wanted.get("type")
        if level and level.lower() not in _LEVELS:
            raise BadRequest(f"unknown error type {level!r}; known: record, job")
        selection = Selection(
            start=_moment(wanted.get("from")),
            end=_moment(wanted.get("to")),
            level=_LEVELS[level.lower()] if level else None,
        )
        with self._sandbox.instance.lock:
            rows = list(self._sandbox.sync.errors)
        content = sync_errors_csv(rows, self._sandbox.clock.now(), selection, _dialect(request))
        return Response(content, media_type="text/csv")

    def sync_status(self, request: Request, _: Body) -> Any:
        with self._sandbox.instance.lock:
            rows = list(self._sandbox.sync.statuses)
        return Response(
            sync_status_csv(rows, self._sandbox.clock.now(), _dialect(request)), media_type="text/csv"
        )

    def faults(self, _: Request, __: Body) -> Any:
        return {"faults": self._sandbox.faults.list()}

    def add_fault(self, _: Request, body: Body) -> Any:
        return {"id": self._sandbox.faults.add(body)}

    def clear_faults(self, request: Request, _: Body) -> Any:
        wanted = request.query_params.get("id")
        if wanted is None:
            self._sandbox.faults.clear()
        elif not self._sandbox.faults.remove(int(wanted)):
            raise BadRequest(f"no fault of id {wanted}")
        return {"faults": self._sandbox.faults.list()}

    def edit(self, _: Request, body: Body) -> Any:
        try:
            system, record_id, values = body["system"], body["id"], body["values"]
        except KeyError as exc:
            raise BadRequest(f"{exc.args[0]} is missing; give system, object, id, values and by") from exc
        by = body.get("by", "person")
        if system == "marketo":
            if self._sandbox.instance.get(int(record_id)) is None:
                raise BadRequest(f"no Marketo person {record_id}")
            unknown = sorted(set(values) - set(FIELDS))
            if unknown:
                raise BadRequest(f"no Marketo field {', '.join(unknown)}")
            return {"changes": self._sandbox.instance.edit(int(record_id), values, by=by)}
        if system != "salesforce":
            raise BadRequest(f"unknown system {system!r}; known: marketo, salesforce")
        org = self._sandbox.org
        name = body.get("object", "Lead")
        before = org.get(name, record_id)
        if before is None:
            raise BadRequest(f"no Salesforce {name} {record_id}")
        org.edit(name, record_id, values, by=by)
        after = org.get(name, record_id)
        changes = {field: [before.get(field), (after or {}).get(field)] for field in values}
        return {"changes": changes}

    def mistakes(self, _: Request, body: Body) -> Any:
        made = make_mistakes(self._sandbox, int(body.get("count", 1)), seed=int(body.get("seed", 1)))
        return {"mistakes": [asdict(mistake) for mistake in made]}

    def mend(self, _: Request, body: Body) -> Any:
        return {"mended": mend(self._sandbox, [int(lead_id) for lead_id in body.get("ids", ())])}

    def truth(self, request: Request, _: Body) -> Any:
        truth = self._sandbox.truth
        ids = _ids(request) or truth.ids()
        return {
            "truth": [
                {
                    "id": lead_id,
                    "field": field,
                    "acceptable": None if answer.acceptable is None else sorted(map(str, answer.acceptable)),
                    "fixable": answer.fixable,
                    "why": answer.why,
                }
                for lead_id in ids
                for field, answer in truth.fields(lead_id).items()
            ]
        }

    def wrong_changes(self, request: Request, _: Body) -> Any:
        sandbox = self._sandbox
        actor = request.query_params.get("actor")
        actors = {actor} if actor else {*sandbox.instance.settings.clients, sandbox.org.bot.username}
        with sandbox.instance.lock:
            return wrong_changes(sandbox.ledger, sandbox.instance, sandbox.truth, frozenset(actors))

    def refused(self, _: Request, __: Body) -> Any:
        sandbox = self._sandbox
        with sandbox.instance.lock:
            refusals = [
                row for row in sandbox.sync.refused.values() if row.marketo_id in sandbox.instance.leads
            ]
        return {
            "refused": [
                {**asdict(refusal), "truth_fixable": sandbox.truth.fixable(refusal.marketo_id)}
                for refusal in refusals
            ]
        }

    def summary(self, _: Request, __: Body) -> Any:
        sandbox = self._sandbox
        calls: dict[str, Counter[str]] = {}
        kinds: Counter[str] = Counter()
        for entry in sandbox.ledger.entries():
            kinds[entry["kind"]] += 1
            if entry["kind"] == "request":
                calls.setdefault(entry["system"], Counter())[
                    f"{entry['method']} {_template(entry['path'])}"
                ] += 1
        with sandbox.instance.lock:
            codes = Counter(row.code for row in sandbox.sync.refused.values())
            return {
                "now": sandbox.clock.now(),
                "leads": len(sandbox.instance.leads),
                "ledger": kinds,
                "calls": calls,
                "pushes": kinds["sync_push"],
                "refusals": kinds["sync_refused"],
                "refused_now": codes.total(),
                "refused_by_code": codes,
                "backlog": sandbox.sync.backlog(),
                "most_in_flight": sandbox.instance.limits.most_in_flight,
                "most_in_20s": sandbox.instance.limits.most_in_window,
            }

    def records(self, request: Request, _: Body) -> Any:
        system = request.query_params.get("system", "marketo")
        if system == "marketo":
            instance = self._sandbox.instance
            found = {lead_id: instance.get(lead_id) for lead_id in _ids(request) or list(instance.leads)}
            return {"records": [row for row in found.values() if row is not None]}
        if system != "salesforce":
            raise BadRequest(f"unknown system {system!r}; known: marketo, salesforce")
        name = request.query_params.get("object", "Lead")
        ids = [text for text in request.query_params.get("ids", "").split(",") if text]
        rows = [self._sandbox.org.get(name, record_id) for record_id in ids]
        return {"records": [row for row in rows if row is not None]}


def _template(path: str) -> str:
    """Return a path with its record, list, campaign and job ids taken out."""
    return _ID_IN_PATH.sub("/{id}", path)


def _ids(request: Request) -> list[int]:
    return [int(text) for text in request.query_params.get("ids", "").split(",") if text]


def _dialect(request: Request) -> Dialect:
    wanted = request.query_params
    delimiter = wanted.get("delimiter", "comma")
    language, encoding = wanted.get("language", "en"), wanted.get("encoding", "utf-8").lower()
    if delimiter not in _DELIMITERS:
        raise BadRequest(f"unknown delimiter {delimiter!r}; known: {', '.join(_DELIMITERS)}")
    if language not in ERROR_HEADERS:
        raise BadRequest(f"unknown language {language!r}; known: {', '.join(ERROR_HEADERS)}")
    if encoding not in ENCODINGS:
        raise BadRequest(f"unknown encoding {encoding!r}; known: {', '.join(ENCODINGS)}")
    return Dialect(
        delimiter=_DELIMITERS[delimiter],
        encoding=encoding,
        bom=wanted.get("bom", "").lower() in ("1", "true", "yes"),
        language=language,
        date_format=wanted.get("date_format", Dialect().date_format),
    )


def _moment(text: str | None) -> datetime | None:
    if not text:
        return None
    moment = datetime.fromisoformat(text.replace(" ", "+") if "T" in text else text)
    if moment.tzinfo is None:
        raise BadRequest(f"{text!r} has no time zone")
    return moment


def _plain(value: object) -> Any:
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, (set, frozenset, tuple)):
        return sorted(value, key=str)
    raise TypeError(f"cannot write {type(value).__name__} as JSON")
