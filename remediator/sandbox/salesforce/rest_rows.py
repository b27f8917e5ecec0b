"""``/sobjects``: describe, and single rows by id or external id."""

from __future__ import annotations

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import unquote

from remediator.sandbox.salesforce.envelopes import rest_errors, save_result
from remediator.sandbox.salesforce.errors import ApiFault, SaveOutcome
from remediator.sandbox.salesforce.ids import full_id
from remediator.sandbox.salesforce.metadata import ObjectType
from remediator.sandbox.salesforce.org import Org
from remediator.sandbox.salesforce.query import Runner
from remediator.sandbox.salesforce.rest import (
    Call,
    Reply,
    Rest,
    body_of,
    check_json_types,
    not_found,
    object_called,
    values_of,
)
from remediator.sandbox.salesforce.tables import Row, live

_NAME = r"sobjects/(?P<name>\w+)"


def add_row_paths(rest: Rest) -> None:
    """Serve the paths of this module."""
    rows = Rows(rest.org)
    rest.add("GET", "sobjects/?", rows.list_objects)
    rest.add("GET", _NAME + "/?", rows.basic)
    rest.add("POST", _NAME + "/?", rows.create)
    rest.add("GET", _NAME + "/describe/?", rows.describe)
    rest.add("GET", _NAME + r"/(?P<record_id>\w+)/?", rows.read)
    rest.add("PATCH", _NAME + r"/(?P<record_id>\w+)/?", rows.update)
    rest.add("DELETE", _NAME + r"/(?P<record_id>\w+)/?", rows.delete)
    rest.add("GET", _NAME + r"/(?P<field>\w+)/(?P<value>[^/]+)/?", rows.read_external)
    rest.add("PATCH", _NAME + r"/(?P<field>\w+)/(?P<value>[^/]+)/?", rows.upsert)
    rest.add("DELETE", _NAME + r"/(?P<field>\w+)/(?P<value>[^/]+)/?", rows.delete_external)


class Rows:
    """Calls on objects and single rows."""

    def __init__(self, org: Org) -> None:
        self._org = org

    def list_objects(self, call: Call) -> Reply:
        """Answer the global describe."""
        rights = {name: self._org.access.of(call.user, name) for name in self._org.objects}
        shown = [
            kind.summary(rights[name].as_dict())
            for name, kind in self._org.objects.items()
            if rights[name].read
        ]
        return Reply(content={"encoding": "UTF-8", "maxBatchSize": 200, "sobjects": shown})

    def basic(self, call: Call, name: str) -> Reply:
        """Answer the short form of describe."""
        kind = object_called(self._org, call.user, name)
        summary = kind.summary(self._org.access.of(call.user, kind.name).as_dict())
        return Reply(content={"objectDescribe": summary, "recentItems": []})

    def describe(self, call: Call, name: str) -> Reply:
        """Answer describe, or 304 when the caller's copy is as new as the metadata."""
        kind = object_called(self._org, call.user, name)
        since = _http_date(call.headers.get("if-modified-since"))
        if since is not None and since >= self._org.described_at.replace(microsecond=0):
            return Reply(status=304)
        stamp = self._org.described_at.strftime("%a, %d %b %Y %H:%M:%S GMT")
        return Reply(content=self._org.describe(kind.name, call.user), headers={"Last-Modified": stamp})

    def create(self, call: Call, name: str) -> Reply:
        """Create a row."""
        kind = object_called(self._org, call.user, name)
        values = values_of(body_of(call))
        check_json_types(call, kind, values)
        outcome = self._org.insert(kind.name, values, call.user, call.headers)
        if not outcome.success:
            return Reply(status=400, content=rest_errors(outcome.errors))
        return Reply(status=201, content={"id": outcome.id, "success": True, "errors": []})

    def read(self, call: Call, name: str, record_id: str) -> Reply:
        """Return a row."""
        kind = object_called(self._org, call.user, name)
        row = self._row(kind, record_id)
        since = _http_date(call.headers.get("if-modified-since"))
        if since is not None and _modified(row) <= since:
            return Reply(status=304)
        return Reply(content=self._shown(call, kind, row))

    def update(self, call: Call, name: str, record_id: str) -> Reply:
        """Change a row; 412 when it moved after ``If-Unmodified-Since``."""
        kind = object_called(self._org, call.user, name)
        values = values_of(body_of(call))
        check_json_types(call, kind, values)
        with self._org.lock_of_all:
            row = self._row(kind, record_id, deleted=True)
            if _has_moved(call, row):
                return Reply(status=412)
            outcome = self._org.update(kind.name, record_id, values, call.user, call.headers)
        return _written(outcome)

    def delete(self, call: Call, name: str, record_id: str) -> Reply:
        """Delete a row; 412 as for ``update``."""
        kind = object_called(self._org, call.user, name)
        with self._org.lock_of_all:
            if _has_moved(call, self._row(kind, record_id, deleted=True)):
                return Reply(status=412)
            return _written(self._org.delete(kind.name, record_id, call.user))

    def read_external(self, call: Call, name: str, field: str, value: str) -> Reply:
        """Return the row that an external id names."""
        kind = object_called(self._org, call.user, name)
        found = self._matches(kind, field, value)
        if len(found) != 1:
            return _not_one(call, kind, found)
        return Reply(content=self._shown(call, kind, found[0]))

    def upsert(self, call: Call, name: str, field: str, value: str) -> Reply:
        """Change the row that an external id names, or create it."""
        kind = object_called(self._org, call.user, name)
        values = values_of(body_of(call))
        check_json_types(call, kind, values)
        found = self._matches(kind, field, value)
        if len(found) > 1 or (not found and call.params.get("updateOnly", "").lower() == "true"):
            return _not_one(call, kind, found)
        outcome = upsert_row(self._org, call, kind, field, unquote(value), values)
        if not outcome.success:
            return Reply(status=400, content=rest_errors(outcome.errors))
        return Reply(status=201 if outcome.created else 200, content=save_result(outcome, upsert=True))

    def delete_external(self, call: Call, name: str, field: str, value: str) -> Reply:
        """Delete the row that an external id names."""
        kind = object_called(self._org, call.user, name)
        found = self._matches(kind, field, value)
        if len(found) != 1:
            return _not_one(call, kind, found)
        return _written(self._org.delete(kind.name, found[0]["Id"], call.user))

    def _row(self, kind: ObjectType, record_id: str, *, deleted: bool = False) -> Row:
        known = full_id(record_id)
        row = None if known is None else self._org.tables_of(kind.name).rows.get(known)
        if row is None or (row.get("IsDeleted") and not deleted):
            raise ApiFault(
                404,
                "NOT_FOUND",
                f"Provided external ID field does not exist or is not accessible: {record_id}",
            )
        return row

    def _matches(self, kind: ObjectType, field: str, value: str) -> list[Row]:
        known = kind.by_lower_name.get(field.lower())
        if known is None or not (kind.fields[known].external_id or known == "Id"):
            raise ApiFault(
                404, "NOT_FOUND", f"Provided external ID field does not exist or is not accessible: {field}"
            )
        return find_external(self._org, kind, known, unquote(value))

    def _shown(self, call: Call, kind: ObjectType, row: Row) -> dict[str, Any]:
        readable = self._org.access.of(call.user, kind.name).readable
        return Runner(self._org, call.user, version=call.version).shown(
            kind.name, row, asked_fields(kind, readable, call.params.get("fields"))
        )


def asked_fields(kind: ObjectType, readable: frozenset[str], asked: str | list[str] | None) -> list[str]:
    """Return the fields to show, all readable ones unless some are named.

    Raises:
        ApiFault: ``INVALID_FIELD`` for one that does not exist or is hidden.
    """
    if not asked:
        return [name for name in kind.fields if name in readable]
    names = [name.strip() for name in asked.split(",")] if isinstance(asked, str) else asked
    found: list[str] = []
    for name in names:
        known = kind.by_lower_name.get(str(name).lower())
        if known is None or known not in readable:
            raise ApiFault(
                400,
                "INVALID_FIELD",
                f"No such column '{name}' on entity '{kind.name}'. If you are attempting to use a custom"
                f" field, be"
                " sure to append the '__c' after the custom field name. Please reference your WSDL or the"
                " describe"
                " call for the appropriate names.",
            )
        found.append(known)
    return found


def find_external(org: Org, kind: ObjectType, field: str, value: str) -> list[Row]:
    """Return the live rows that hold ``value`` in an external id field."""
    table = org.tables_of(kind.name)
    if field == "Id":
        known = full_id(value)
        return list(live([table.rows[known]])) if known in table.rows and known else []
    return list(live(table.rows[found] for found in table.find(field, value)))


def upsert_row(
    org: Org, call: Call, kind: ObjectType, field: str, value: str, values: dict[str, Any]
) -> SaveOutcome:
    """Update the row with this external id, or insert it; for when at most one matches."""
    known = kind.by_lower_name[field.lower()]
    with org.lock_of_all:
        found = find_external(org, kind, known, value)
        if found:
            return org.update(kind.name, found[0]["Id"], values, call.user, call.headers)
        return org.insert(kind.name, {**values, known: value}, call.user, call.headers)


def _not_one(call: Call, kind: ObjectType, found: list[Row]) -> Reply:
    """Answer for an external id that no row or several rows hold."""
    if not found:
        raise not_found()
    base = f"/services/data/v{call.version}/sobjects/{kind.name}/"
    return Reply(status=300, content=[base + row["Id"] for row in found])


def _written(outcome: SaveOutcome) -> Reply:
    if outcome.success:
        return Reply(status=204)
    gone = outcome.errors[0].code == "ENTITY_IS_DELETED"
    return Reply(status=404 if gone else 400, content=rest_errors(outcome.errors))


def _http_date(value: str | None) -> datetime | None:
    if not value:
        return None
    try:
        moment = parsedate_to_datetime(value)
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _has_moved(call: Call, row: Row) -> bool:
    unchanged = _http_date(call.headers.get("if-unmodified-since"))
    return unchanged is not None and _modified(row) > unchanged


def _modified(row: Row) -> datetime:
    return datetime.strptime(row["LastModifiedDate"], "%Y-%m-%dT%H:%M:%S.%f%z")
