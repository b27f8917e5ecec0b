"""``/composite/sobjects``: up to 200 rows in one call, with or without all-or-none."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from itertools import pairwise
from typing import Any
from urllib.parse import unquote

from remediator.sandbox.salesforce.envelopes import ROLLED_BACK, save_result
from remediator.sandbox.salesforce.errors import ApiFault, SaveError, SaveOutcome
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
    object_called,
    values_of,
)
from remediator.sandbox.salesforce.rest_rows import asked_fields, find_external, upsert_row

MOST_ROWS, MOST_READS, MOST_CHUNKS = 200, 2000, 10
Work = Callable[[], SaveOutcome]


def add_collection_paths(rest: Rest) -> None:
    """Serve the paths of this module."""
    collections = Collections(rest.org)
    rest.add("POST", "composite/sobjects/?", collections.create)
    rest.add("PATCH", "composite/sobjects/?", collections.update)
    rest.add("DELETE", "composite/sobjects/?", collections.delete)
    rest.add("POST", r"composite/sobjects/(?P<name>\w+)/?", collections.read)
    rest.add("GET", r"composite/sobjects/(?P<name>\w+)/?", collections.read)
    rest.add("PATCH", r"composite/sobjects/(?P<name>\w+)/(?P<field>\w+)/?", collections.upsert)


class Collections:
    """Calls on many rows."""

    def __init__(self, org: Org) -> None:
        self._org = org

    def create(self, call: Call) -> Reply:
        """Insert rows."""
        return self._write(call, self._insert)

    def update(self, call: Call) -> Reply:
        """Update rows by id."""
        seen: set[str] = set()

        def work(call: Call, kind: ObjectType, record: dict[str, Any]) -> SaveOutcome:
            values = values_of(record)
            given = next((values.pop(key) for key in ("id", "Id") if key in values), None)
            if not given:
                error = SaveError(code="MISSING_ARGUMENT", message="Id not specified in an update call")
                return SaveOutcome(id=None, success=False, errors=(error,))
            if str(given) in seen:
                error = SaveError(code="DUPLICATE_VALUE", message=f"Duplicate id specified: {given}")
                return SaveOutcome(id=str(given), success=False, errors=(error,))
            seen.add(str(given))
            return self._org.update(kind.name, str(given), values, call.user, call.headers)

        return self._write(call, work)

    def upsert(self, call: Call, name: str, field: str) -> Reply:
        """Insert or update rows by external id."""
        kind = object_called(self._org, call.user, name)
        known = kind.by_lower_name.get(field.lower())
        if known is None or not (kind.fields[known].external_id or known == "Id"):
            raise ApiFault(
                404, "NOT_FOUND", f"Provided external ID field does not exist or is not accessible: {field}"
            )

        def work(call: Call, kind: ObjectType, record: dict[str, Any]) -> SaveOutcome:
            values = values_of(record)
            value = next((values.pop(key) for key in list(values) if key.lower() == known.lower()), None)
            if value is None:
                error = SaveError(code="MISSING_ARGUMENT", message=f"{known} not specified")
                return SaveOutcome(id=None, success=False, errors=(error,))
            if len(find_external(self._org, kind, known, str(value))) > 1:
                error = SaveError(
                    code="DUPLICATE_EXTERNAL_ID", message=f"{known}: more than one record found"
                )
                return SaveOutcome(id=None, success=False, errors=(error,))
            return upsert_row(self._org, call, kind, known, str(value), values)

        return self._write(call, work, upsert=True)

    def delete(self, call: Call) -> Reply:
        """Delete rows of any object by id."""
        ids = [part for part in unquote(call.params.get("ids", "")).split(",") if part]
        _check_count(len(ids), MOST_ROWS)

        def work(record_id: str) -> SaveOutcome:
            known = full_id(record_id)
            name = None if known is None else self._org.object_of(known)
            if name is None:
                error = SaveError(code="MALFORMED_ID", message=f"malformed id {record_id}")
                return SaveOutcome(id=record_id, success=False, errors=(error,))
            return self._org.delete(name, record_id, call.user)

        all_or_none = call.params.get("allOrNone", "").lower() == "true"
        works: list[Work] = [partial(work, record_id) for record_id in ids]
        return self._answer(works, all_or_none=all_or_none, upsert=False)

    def read(self, call: Call, name: str) -> Reply:
        """Return rows by id, ``null`` where there is none."""
        kind = object_called(self._org, call.user, name)
        if call.method == "GET":
            ids = [part for part in call.params.get("ids", "").split(",") if part]
            fields: Any = call.params.get("fields")
        else:
            body = body_of(call)
            ids, fields = body.get("ids") or [], body.get("fields")
        _check_count(len(ids), MOST_READS)
        if not fields:
            raise ApiFault(400, "MISSING_ARGUMENT", "The fields parameter is required")
        with self._org.lock_of_all:
            names = asked_fields(kind, self._org.access.of(call.user, kind.name).readable, fields)
            stored = self._org.tables_of(kind.name).rows
            runner = Runner(self._org, call.user, version=call.version)
            found = [stored.get(full_id(record_id) or "") for record_id in ids]
            names = ["Id", *(name for name in names if name != "Id")]
            return Reply(
                content=[
                    None if row is None or row.get("IsDeleted") else runner.shown(kind.name, row, names)
                    for row in found
                ]
            )

    def _insert(self, call: Call, kind: ObjectType, record: dict[str, Any]) -> SaveOutcome:
        return self._org.insert(kind.name, values_of(record), call.user, call.headers)

    def _write(
        self,
        call: Call,
        work: Callable[[Call, ObjectType, dict[str, Any]], SaveOutcome],
        *,
        upsert: bool = False,
    ) -> Reply:
        body = body_of(call)
        records = body.get("records")
        if not isinstance(records, list):
            raise ApiFault(400, "JSON_PARSER_ERROR", 'Unrecognized or missing field "records"')
        _check_count(len(records), MOST_ROWS)
        kinds = [self._kind(call, record) for record in records]
        chunks = 1 + sum(1 for one, other in pairwise(kinds) if one is not other)
        if chunks > MOST_CHUNKS:
            raise ApiFault(
                400, "INVALID_INPUT", "The request has more than 10 chunks of records of different types"
            )
        for kind, record in zip(kinds, records, strict=True):
            check_json_types(call, kind, values_of(record))
        works: list[Work] = [
            partial(work, call, kind, record) for kind, record in zip(kinds, records, strict=True)
        ]
        return self._answer(works, all_or_none=bool(body.get("allOrNone")), upsert=upsert)

    def _kind(self, call: Call, record: Any) -> ObjectType:
        attributes = record.get("attributes") if isinstance(record, dict) else None
        name = attributes.get("type") if isinstance(attributes, dict) else None
        if not name:
            raise ApiFault(400, "INVALID_INPUT", "Include a type attribute with each record")
        known = self._org.name_of(name)
        if known is None or not self._org.access.of(call.user, known).read:
            raise ApiFault(400, "INVALID_TYPE", f"sObject type '{name}' is not supported.")
        return self._org.objects[known]

    def _answer(self, works: list[Work], *, all_or_none: bool, upsert: bool) -> Reply:
        with self._org.lock_of_all:
            if not all_or_none:
                outcomes = [work() for work in works]
            else:
                with self._org.transaction() as transaction:
                    outcomes = [work() for work in works]
                    if not all(outcome.success for outcome in outcomes):
                        transaction.rollback()
                        outcomes = [_rolled_back(outcome) for outcome in outcomes]
        return Reply(content=[save_result(outcome, upsert=upsert) for outcome in outcomes])


def _rolled_back(outcome: SaveOutcome) -> SaveOutcome:
    if not outcome.success:
        return outcome
    return SaveOutcome(id=None if outcome.created else outcome.id, success=False, errors=(ROLLED_BACK,))


def _check_count(count: int, most: int) -> None:
    if not count:
        raise ApiFault(400, "REQUIRED_FIELD_MISSING", "At least 1 record is required")
    if count > most:
        raise ApiFault(
            400,
            "EXCEEDED_ID_LIMIT",
            f"record limit reached. cannot submit more than {most} records into this call",
        )
