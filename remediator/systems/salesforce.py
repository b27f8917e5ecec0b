"""Salesforce records: describe, read and write. Queries and composite calls come along.

Sources: REST API Developer Guide, "sObject Collections" and "sObject Rows".
"""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from typing import Any

from remediator.errors import (
    AccessDenied,
    RecordMissing,
    RecordRefused,
    VendorError,
)
from remediator.model import SystemName
from remediator.salesforce_ids import full_id, same_id
from remediator.settings import SalesforceSettings
from remediator.systems.base import ObjectDescription, ReadResult, RecordWrite, SystemField, WriteResult
from remediator.systems.calls import Call
from remediator.systems.rows import check_rows, json_value
from remediator.systems.salesforce_describe import object_description
from remediator.systems.salesforce_errors import record_error
from remediator.systems.salesforce_picklists import RecordTypePicklists
from remediator.systems.salesforce_query import Queries
from remediator.values import Record

DESCRIBE_FOR_S = 900.0
NO_ASSIGNMENT: Mapping[str, str] = {"Sforce-Auto-Assign": "FALSE"}


class Salesforce(Queries, RecordTypePicklists):
    """Implements ``remediator.systems.base.System`` for Salesforce objects.

    Ids are taken in either form; results carry them as they were given.
    """

    read_size = 2000
    write_size = 200

    def __init__(self, settings: SalesforceSettings, **clockwork: Any) -> None:
        super().__init__(settings, **clockwork)
        self._described: dict[str, tuple[float, ObjectDescription]] = {}
        self._describing = threading.Lock()

    def describe(self, object_name: str) -> ObjectDescription:
        """Return the fields that our user may see, cached for a quarter of an hour."""
        with self._describing:
            known = self._described.get(object_name)
            if known is None or self._clock() - known[0] > DESCRIBE_FOR_S:
                known = (self._clock(), self._describe(object_name))
                self._described[object_name] = known
            return known[1]

    def _describe(self, object_name: str) -> ObjectDescription:
        call = self.call("GET", "/sobjects/{object}/describe", object=object_name)

        def parse(body: Any) -> ObjectDescription:
            try:
                described = object_description(body)
            except (ValueError, TypeError) as exc:
                raise self.incomplete(call, f"{object_name}'s describe cannot be read") from exc
            if described.object.casefold() != object_name.casefold():
                raise self.incomplete(call, f"it describes {described.object}, not {object_name}")
            return described

        return self.ask(call, parse)

    def read(self, object_name: str, ids: Sequence[str], fields: Sequence[str]) -> ReadResult:
        """Read records by id, 2,000 a call. Text that is no Salesforce id is ``missing``."""
        given = {item: known for item in ids if (known := full_id(item))}
        records: dict[str, Record] = {}
        distinct = list(dict.fromkeys(given.values()))
        found: dict[str, Record] = {}
        for start in range(0, len(distinct), self.read_size):
            found |= self._read_batch(object_name, distinct[start : start + self.read_size], fields)
        records = {item: found[known] for item, known in given.items() if known in found}
        return ReadResult(records=records, missing=frozenset(ids) - records.keys())

    def _read_batch(self, object_name: str, ids: list[str], fields: Sequence[str]) -> dict[str, Record]:
        call = self.call(
            "POST",
            "/composite/sobjects/{object}",
            object=object_name,
            body={"ids": ids, "fields": list(dict.fromkeys(["Id", *fields]))},
        )
        return self.ask(call, lambda rows: self._found(call, ids, fields, rows))

    def _found(self, call: Call, ids: list[str], fields: Sequence[str], rows: Any) -> dict[str, Record]:
        """Return ``{id: record}`` of a batch whose answers fit its ids."""
        if not isinstance(rows, list) or len(rows) != len(ids):
            count = len(rows) if isinstance(rows, list) else "no"
            raise self.incomplete(call, f"{len(ids)} records asked for, {count} answers came")
        found: dict[str, Record] = {}
        for known, row in zip(ids, rows, strict=True):
            if row is None:
                continue
            if not isinstance(row, dict) or not same_id(str(row.get("Id")), known):
                raise self.incomplete(call, f"the answer for {known} is about another record")
            absent = [name for name in fields if name not in row]
            if absent:
                raise self.incomplete(call, f"the answer for {known} lacks {', '.join(absent)}")
            found[known] = {name: json_value(row[name]) for name in fields}
        return found

    def write(self, object_name: str, rows: Sequence[RecordWrite]) -> Sequence[WriteResult]:
        """Update records, 200 a call, each for itself; one result per row, in order.

        Assignment rules are kept out. A row with a field that our user may not update is refused here and
        not sent.
        """
        check_rows(rows, self.write_size)
        writable = self.describe(object_name).fields
        results: dict[str, WriteResult] = {}
        for row in rows:
            if error := _refusal(object_name, row, writable):
                results[row.record_id] = WriteResult(record_id=row.record_id, error=error)
        sent = [row for row in rows if row.record_id not in results]
        if sent:
            for result in self._save(object_name, sent):
                results[result.record_id] = result
        return [results[row.record_id] for row in rows]

    def _save(self, object_name: str, rows: Sequence[RecordWrite]) -> list[WriteResult]:
        call = self.call(
            "PATCH",
            "/composite/sobjects",
            body={
                "allOrNone": False,
                "records": [
                    {"attributes": {"type": object_name}, "id": row.record_id, **row.values} for row in rows
                ],
            },
            headers=NO_ASSIGNMENT,
            writes=True,
        )
        return self.ask(call, lambda answers: self._saved(call, rows, answers))

    def _saved(self, call: Call, rows: Sequence[RecordWrite], answers: Any) -> list[WriteResult]:
        """Return the results of a batch whose answers fit its records."""
        if not isinstance(answers, list) or len(answers) != len(rows):
            count = len(answers) if isinstance(answers, list) else "no"
            raise self.incomplete(call, f"{len(rows)} records sent, {count} results came")
        results = []
        for row, answer in zip(rows, answers, strict=True):
            if not isinstance(answer, dict) or not isinstance(answer.get("success"), bool):
                raise self.incomplete(call, f"no result for {row.record_id}")
            told = answer.get("id")
            if (told or answer["success"]) and not same_id(str(told), row.record_id):
                raise self.incomplete(
                    call, f"the results are not in the order of the records ({row.record_id})"
                )
            if answer["success"] and answer.get("errors"):
                raise self.incomplete(call, f"{row.record_id} was saved and not saved")
            error = None if answer["success"] else record_error(call, answer.get("errors"))
            results.append(WriteResult(record_id=row.record_id, error=error))
        return results


def _refusal(object_name: str, row: RecordWrite, writable: Mapping[str, SystemField]) -> VendorError | None:
    """Return why a row may not be sent, ``None`` if it may."""
    system = SystemName.SALESFORCE
    if full_id(row.record_id) is None:
        return RecordMissing(f"salesforce: {row.record_id!r} is not a Salesforce id", system=system)
    unknown = [name for name in row.values if name not in writable]
    if unknown:
        return RecordRefused(
            f"salesforce: {object_name} has no field {', '.join(unknown)} that our user can see",
            code="INVALID_FIELD",
            system=system,
            fields=tuple(unknown),
        )
    fixed = [name for name in row.values if not writable[name].updateable]
    if fixed:
        return AccessDenied(
            f"salesforce: our user may not update {', '.join(f'{object_name}.{name}' for name in fixed)}",
            code="INVALID_FIELD_FOR_INSERT_UPDATE",
            system=system,
        )
    return None
