"""``/query`` and ``/queryAll`` with their pages."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from remediator.sandbox.salesforce.errors import ApiFault
from remediator.sandbox.salesforce.query import Runner
from remediator.sandbox.salesforce.rest import Call, Reply, Rest
from remediator.sandbox.salesforce.soql import parse

DEFAULT_PAGE, SMALLEST_PAGE, CURSOR_LIFE = 2000, 200, timedelta(days=2)
MOST_CURSORS = 50


def add_query_paths(rest: Rest) -> None:
    """Serve the paths of this module."""
    queries = Queries(rest)
    rest.add("GET", "query/?", queries.query)
    rest.add("GET", "queryAll/?", queries.query_all)
    rest.add("GET", r"query(?:All)?/(?P<cursor>01g\w+)-(?P<offset>\d+)/?", queries.more)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Cursor:
    records: list[dict[str, Any]]
    user_id: str
    opened: datetime
    page: int


class Queries:
    """Query calls; an open cursor keeps what the first page saw."""

    def __init__(self, rest: Rest) -> None:
        self._org = rest.org
        self._cursors: dict[str, _Cursor] = {}
        self._opened = 0

    def query(self, call: Call) -> Reply:
        """Return the first page of live rows."""
        return self._run(call, deleted=False)

    def query_all(self, call: Call) -> Reply:
        """Return the first page of all rows, deleted ones too."""
        return self._run(call, deleted=True)

    def more(self, call: Call, cursor: str, offset: str) -> Reply:
        """Return a later page."""
        kept = self._cursors.get(cursor)
        if (
            kept is None
            or kept.user_id != call.user.id
            or self._org.clock.now() - kept.opened > CURSOR_LIFE
            or int(offset) >= len(kept.records)
        ):
            raise ApiFault(400, "INVALID_QUERY_LOCATOR", "invalid query locator")
        return Reply(content=self._page(call, cursor, kept, int(offset)))

    def _run(self, call: Call, *, deleted: bool) -> Reply:
        text = call.params.get("q")
        if not text:
            raise ApiFault(400, "MALFORMED_QUERY", "A query string has to be specified")
        query = parse(text)
        found = Runner(self._org, call.user, deleted=deleted, version=call.version).run(query)
        if query.count or len(found.records) <= (page := _page_size(call)):
            return Reply(content={"totalSize": found.total, "done": True, "records": found.records})
        self._opened += 1
        cursor = f"01g5e{self._opened:010d}"
        while len(self._cursors) >= MOST_CURSORS:
            del self._cursors[next(iter(self._cursors))]
        kept = _Cursor(records=found.records, user_id=call.user.id, opened=self._org.clock.now(), page=page)
        self._cursors[cursor] = kept
        return Reply(content=self._page(call, cursor, kept, 0))

    def _page(self, call: Call, cursor: str, kept: _Cursor, offset: int) -> dict[str, Any]:
        end = offset + kept.page
        content: dict[str, Any] = {
            "totalSize": len(kept.records),
            "done": end >= len(kept.records),
            "records": kept.records[offset:end],
        }
        if not content["done"]:
            content["nextRecordsUrl"] = f"/services/data/v{call.version}/query/{cursor}-{end}"
        return content


def _page_size(call: Call) -> int:
    match = re.search(r"batchSize\s*=\s*(\d+)", call.headers.get("sforce-query-options", ""))
    return DEFAULT_PAGE if match is None else min(DEFAULT_PAGE, max(SMALLEST_PAGE, int(match[1])))
