"""Questions to Salesforce: queries, counts, who saved a record last, limits, who we are.

Sources: REST API Developer Guide, "Query", "QueryAll" and "Limits".
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from pydantic import ValidationError

from remediator.errors import PermanentError, RecordMissing, TransientError
from remediator.salesforce_ids import folded, full_id
from remediator.systems.base import ReadResult
from remediator.systems.body import Body
from remediator.systems.calls import Call
from remediator.systems.rows import json_value
from remediator.systems.salesforce_api import SalesforceApi
from remediator.values import Record, Value

# 16,384 bytes hold address and headers; 200 quoted ids are some 5,500 bytes once encoded.
IDS_A_QUERY = 200
_STAMPS = ("IsDeleted", "LastModifiedById", "LastModifiedDate", "SystemModstamp")


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """Who we are to Salesforce."""

    user_id: str
    username: str
    organization_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """One of the org's limits; a ``maximum`` of 0 says that the org lacks the feature."""

    maximum: int
    remaining: int


class _Page(Body):
    total_size: int
    done: bool
    records: list[dict[str, Any]]
    next_records_url: str | None = None


class Queries(SalesforceApi):
    """Everything that is asked in SOQL, and the limits."""

    def query(self, soql: str) -> Iterator[Record]:
        """Yield the rows of a query, all pages; parents come as ``Owner.Name``.

        Raises:
            TransientError: after the last page, when the pages do not add up to the promised count.
        """
        return self._query("/query", soql)

    def query_all(self, soql: str) -> Iterator[Record]:
        """Like ``query``, with deleted, merged and archived records."""
        return self._query("/queryAll", soql)

    def _query(self, resource: str, soql: str) -> Iterator[Record]:
        call = self.call("GET", resource, params={"q": soql})
        total: int | None = None
        count = 0
        seen: set[str] = set()
        while True:
            page = self._page(call)
            total = page.total_size if total is None else total
            for row in page.records:
                count += 1
                yield _flat(row)
            if page.done:
                break
            # The address names our own host and version; only its last part is the cursor.
            cursor = urlsplit(page.next_records_url or "").path.rstrip("/").rsplit("/", 1)[-1]
            if not cursor or cursor in seen:
                raise self.incomplete(call, "more is promised where we have been already")
            seen.add(cursor)
            call = self.call("GET", resource + "/{cursor}", cursor=cursor)
        if count != total:
            raise self.incomplete(call, f"{total} records promised, {count} came")

    def _page(self, call: Call) -> _Page:
        def parse(body: Any) -> _Page:
            try:
                page = _Page.model_validate(body)
            except ValidationError as exc:
                raise self.incomplete(call, "no records or no count in a page") from exc
            if not page.done and not page.next_records_url:
                raise self.incomplete(call, "more is promised, but not where")
            return page

        return self.ask(call, parse)

    def count(self, object_name: str, condition: str = "") -> int:
        """Return how many records meet a SOQL condition, all without one."""
        where = f" WHERE {condition}" if condition else ""
        soql = f"SELECT COUNT() FROM {object_name}{where}"  # noqa: S608 - the condition is our own code's, never a value
        call = self.call("GET", "/query", params={"q": soql})
        return self._page(call).total_size

    def updated(self, object_name: str, ids: Sequence[str], fields: Sequence[str] = ()) -> ReadResult:
        """Return who saved the records last and when, for deleted and merged ones too.

        Each record has ``IsDeleted``, ``LastModifiedById``, ``LastModifiedDate``, ``SystemModstamp`` and the
        ``fields`` asked for (``MasterRecordId`` names a merged record's successor).
        """
        given = {item: known for item in ids if (known := full_id(item))}
        names = list(dict.fromkeys(["Id", *_STAMPS, *fields]))
        found = self._by_id(object_name, list(given.values()), names)
        # An answer that lost its rows looks like one about records that never were: ask once more.
        absent = [known for known in given.values() if folded(known) not in found]
        found |= self._by_id(object_name, absent, names)
        records = {item: found[folded(known)] for item, known in given.items() if folded(known) in found}
        return ReadResult(records=records, missing=frozenset(ids) - records.keys())

    def _by_id(self, object_name: str, ids: Sequence[str], names: Sequence[str]) -> dict[str, Record]:
        found: dict[str, Record] = {}
        distinct = list(dict.fromkeys(ids))
        for start in range(0, len(distinct), IDS_A_QUERY):
            quoted = ",".join(f"'{item}'" for item in distinct[start : start + IDS_A_QUERY])
            soql = f"SELECT {', '.join(names)} FROM {object_name} WHERE Id IN ({quoted})"  # noqa: S608 - the ids have passed full_id, letters and digits only; the names are API names in our own code
            for row in self.query_all(soql):
                if any(name not in row for name in names):
                    raise TransientError(
                        f"salesforce: {object_name}: incomplete answer: a row lacks a field",
                        code="INCOMPLETE",
                        system=self.name,
                    )
                found[folded(str(row["Id"]))] = {name: row[name] for name in names if name != "Id"}
        return found

    def limits(self) -> Mapping[str, Limit]:
        """Return the org's limits by name; they may lag minutes behind."""
        call = self.call("GET", "/limits")

        def parse(body: Any) -> Mapping[str, Limit]:
            if not isinstance(body, dict) or not body:
                raise self.incomplete(call, "no limits in it")
            try:
                return {
                    name: Limit(maximum=int(row["Max"]), remaining=int(row["Remaining"]))
                    for name, row in body.items()
                    if isinstance(row, dict) and "Max" in row and "Remaining" in row
                }
            except (TypeError, ValueError) as exc:
                raise self.incomplete(call, "a limit that is no number") from exc

        return self.ask(call, parse)

    def whoami(self) -> Identity:
        """Return the user that the token belongs to."""
        token = self.http.tokens.get()
        parts = urlsplit(token.identity or "").path.rstrip("/").split("/")
        if len(parts) < 2 or full_id(parts[-1]) is None:
            raise PermanentError("salesforce: the token names no user", system=self.name)
        rows = list(self.query(f"SELECT Id, Username FROM User WHERE Id = '{parts[-1]}'"))  # noqa: S608 - full_id lets letters and digits through
        if len(rows) != 1:
            raise RecordMissing(f"salesforce: user {parts[-1]} is not visible to itself", system=self.name)
        return Identity(user_id=parts[-1], username=str(rows[0]["Username"]), organization_id=parts[-2])


def _flat(row: Mapping[str, Any], prefix: str = "") -> dict[str, Value]:
    flat: dict[str, Value] = {}
    for name, value in row.items():
        if name == "attributes":
            continue
        if isinstance(value, dict) and "attributes" in value:
            flat |= _flat(value, f"{prefix}{name}.")
        else:
            flat[prefix + name] = json_value(value)
    return flat
