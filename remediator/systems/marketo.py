"""Marketo people: describe, read, find, write. Campaigns, lists, activities and extracts come along.

Sources: Adobe Experience League, "Leads" of the Marketo REST API, and the mapi specification.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from pydantic import ValidationError

from remediator.errors import (
    AccessDenied,
    PermanentError,
    RecordMissing,
    RecordRefused,
    VendorError,
)
from remediator.model import SystemName
from remediator.salesforce_ids import folded, full_id
from remediator.settings import MarketoSettings
from remediator.systems.base import ObjectDescription, ReadResult, RecordWrite, SystemField, WriteResult
from remediator.systems.body import Body
from remediator.systems.calls import Call
from remediator.systems.marketo_activities import Activities
from remediator.systems.marketo_api import id_batches, incomplete
from remediator.systems.marketo_bulk import BulkExtracts
from remediator.systems.marketo_campaigns import Campaigns
from remediator.systems.rows import check_rows, json_value
from remediator.values import Record

DESCRIBE_FOR_S = 900.0
# How often more people may turn up among those who did not come before the answers are given up on.
ABSENCE_ROUNDS = 2
_LEAD = "Lead"
_TEXT_TYPES = frozenset({"string", "text", "email", "phone", "url"})


class _LeadField(Body):
    name: str
    display_name: str = ""
    data_type: str = "string"
    length: int | None = None
    updateable: bool = False
    crm_managed: bool = False


class Marketo(Campaigns, Activities, BulkExtracts):
    """Implements ``remediator.systems.base.System`` for Marketo people (object ``Lead``).

    A read proves its answer: ids that do not come back are asked for once more, because an answer that lost
    rows looks just like one about people who do not exist.
    """

    read_size = 300
    write_size = 300

    def __init__(self, settings: MarketoSettings, **clockwork: Any) -> None:
        super().__init__(settings, **clockwork)
        self._described: tuple[float, ObjectDescription] | None = None
        self._describing = threading.Lock()
        self._witnesses: dict[str, str] = {}

    def describe(self, object_name: str) -> ObjectDescription:
        """Return the lead fields as describe2 tells them, cached for a quarter of an hour."""
        _lead_only(object_name)
        with self._describing:
            if self._described is None or self._clock() - self._described[0] > DESCRIBE_FOR_S:
                self._described = (self._clock(), self._describe())
            return self._described[1]

    def _describe(self) -> ObjectDescription:
        call = Call(method="GET", template="/rest/v1/leads/describe2.json")
        rows = self.rows(call)
        try:
            fields = [_LeadField.model_validate(row) for row in rows[0]["fields"]]
        except (IndexError, KeyError, TypeError, ValidationError) as exc:
            raise incomplete(call, "describe2 holds no readable field list") from exc
        if not fields:
            raise incomplete(call, "describe2 holds no field")
        return ObjectDescription(object=_LEAD, fields={field.name: _system_field(field) for field in fields})

    def read(self, object_name: str, ids: Sequence[str], fields: Sequence[str]) -> ReadResult:
        """Read people by id; ``fields`` are REST names. Text that is no Marketo id is ``missing``."""
        _lead_only(object_name)
        records: dict[str, Record] = {}
        for batch in id_batches([item for item in ids if _is_id(item)], self.read_size):
            for row in self._people("id", {item: item for item in batch}, fields):
                key = _id_of(row)
                if key in records:
                    raise incomplete(_FILTER, f"person {key} came twice")
                records[key] = _record(row, fields)
        return ReadResult(records=records, missing=frozenset(ids) - records.keys())

    def find(
        self, filter_type: str, values: Sequence[str], fields: Sequence[str]
    ) -> Mapping[str, Sequence[tuple[str, Record]]]:
        """Look people up by a searchable field.

        Args:
            filter_type: ``email``, ``sfdcLeadId``, ``sfdcContactId`` or another searchable field.
            values: looked up as given, compared without case.
            fields: REST names to return.

        Returns:
            ``{value: [(id, record)]}`` with an entry for every value; several people may share one.

        Raises:
            PermanentError: a value holds a comma, which the filter cannot carry.
        """
        if any("," in value for value in values):
            raise PermanentError(
                f"marketo: a value for {filter_type} holds a comma, and Marketo's filter splits at commas; "
                "look this person up by id",
                system=self.name,
            )
        found: dict[str, list[tuple[str, Record]]] = {value: [] for value in values}
        spellings: dict[str, list[str]] = {}
        for value in found:
            spellings.setdefault(_folded(filter_type, value), []).append(value)
        for batch in id_batches(list(spellings), self.read_size):
            wanted = {key: _sent(filter_type, spellings[key][0]) for key in batch}
            for row in self._people(filter_type, wanted, fields):
                for value in spellings[_folded(filter_type, row[filter_type])]:
                    found[value].append((_id_of(row), _record(row, fields)))
        return found

    def write(self, object_name: str, rows: Sequence[RecordWrite]) -> Sequence[WriteResult]:
        """Update people by id with Sync Leads, ``updateOnly``; one result per row, in order.

        A row with a field that describe2 does not call updateable is refused here and not sent.
        """
        _lead_only(object_name)
        check_rows(rows, self.write_size)
        writable = self.describe(_LEAD).fields
        results: dict[str, WriteResult] = {}
        for row in rows:
            if error := _refusal(row, writable):
                results[row.record_id] = WriteResult(record_id=row.record_id, error=error)
        sent = [row for row in rows if row.record_id not in results]
        if sent:
            for result in self._sync_leads(sent):
                results[result.record_id] = result
        return [results[row.record_id] for row in rows]

    def _sync_leads(self, rows: Sequence[RecordWrite]) -> list[WriteResult]:
        call = Call(
            method="POST",
            template="/rest/v1/leads.json",
            body={
                "action": "updateOnly",
                "lookupField": "id",
                "input": [{**row.values, "id": int(row.record_id)} for row in rows],
            },
            writes=True,
        )
        answers = self.rows(call)
        return self.results(call, [row.record_id for row in rows], answers, good="updated")

    def _people(
        self, filter_type: str, wanted: Mapping[str, str], fields: Sequence[str]
    ) -> list[Mapping[str, Any]]:
        """Return the rows of people who match, and prove the absence of the others.

        Who does not come is asked for again beside a witness, somebody who did come: an answer without the
        witness has lost people.

        Args:
            filter_type: the searchable field.
            wanted: ``{compared form: value to send}``, up to 300.
            fields: REST names to ask for beside the id and the filter's field.
        """
        names = list(dict.fromkeys(["id", filter_type, *fields]))
        rows = self._asked(filter_type, wanted, names)
        for _ in range(ABSENCE_ROUNDS):
            present = {_folded(filter_type, row.get(filter_type)): row for row in rows}
            absent = {key: value for key, value in wanted.items() if key not in present}
            if present:
                self._witnesses[filter_type] = wanted[next(iter(present))]
            if not absent:
                return rows
            again = self._absentees(filter_type, absent, names)
            if not again:
                if filter_type == "id":
                    self._confirm_absence(next(reversed(absent)))
                return rows
            rows += again
        raise incomplete(_FILTER, f"each answer about the same {filter_type}s held other people")

    def _absentees(
        self, filter_type: str, absent: Mapping[str, str], names: Sequence[str]
    ) -> list[Mapping[str, Any]]:
        """Ask again for people who did not come; return those who come now."""
        witness = self._witnesses.get(filter_type)
        beside = {} if witness is None else {_folded(filter_type, witness): witness}
        found: list[Mapping[str, Any]] = []
        for keys in id_batches(list(absent), self.read_size - len(beside)):
            rows = self._asked(filter_type, {key: absent[key] for key in keys} | beside, names)
            came = {_folded(filter_type, row.get(filter_type)) for row in rows}
            if not beside.keys() <= came:
                # The witness may have been deleted since; the next read takes another one.
                self._witnesses.pop(filter_type, None)
                raise incomplete(_FILTER, f"a {filter_type} that was there before did not come")
            found += [row for row in rows if _folded(filter_type, row.get(filter_type)) in absent]
        return found

    def _confirm_absence(self, person: str) -> None:
        """Ask for one absentee by another path, because lists may come short again and again."""
        call = Call(
            method="GET", template="/rest/v1/lead/{id}.json", parts={"id": person}, params={"fields": "id"}
        )
        try:
            rows = self.rows(call)
        except RecordMissing:
            return
        if rows:
            raise incomplete(_FILTER, f"person {person} is there and did not come")

    def _asked(
        self, filter_type: str, wanted: Mapping[str, str], names: Sequence[str]
    ) -> list[Mapping[str, Any]]:
        rows = self._filtered(filter_type, list(wanted.values()), names)
        if any(_folded(filter_type, row.get(filter_type)) not in wanted for row in rows):
            raise incomplete(_FILTER, f"it holds a person whose {filter_type} was not asked for")
        return rows

    def _filtered(
        self, filter_type: str, values: Sequence[str], fields: Sequence[str]
    ) -> list[Mapping[str, Any]]:
        call = replace(
            _FILTER,
            params={
                "filterType": filter_type,
                "filterValues": ",".join(values),
                "fields": ",".join(fields),
                "batchSize": self.read_size,
            },
        )
        try:
            return [row for page in self.pages(call) for row in page]
        except VendorError as exc:
            # 1003 is also "more than 1000 people match": fewer values match fewer.
            if exc.code != "1003" or len(values) == 1:
                raise
        half = len(values) // 2
        return [
            *self._filtered(filter_type, values[:half], fields),
            *self._filtered(filter_type, values[half:], fields),
        ]


_FILTER = Call(method="GET", template="/rest/v1/leads.json")


def _lead_only(object_name: str) -> None:
    if object_name != _LEAD:
        raise PermanentError(
            f"marketo: object {object_name} is not served; a person of any kind is a {_LEAD} here",
            system=SystemName.MARKETO,
        )


def _is_id(text: str) -> bool:
    # As many digits as 64 bits hold; of longer text, Python itself may refuse to make a number.
    return text.isascii() and text.isdigit() and len(text) <= 19 and (text == "0" or text[0] != "0")


def _id_of(row: Mapping[str, Any]) -> str:
    number = row.get("id")
    if not isinstance(number, int) or isinstance(number, bool):
        raise incomplete(_FILTER, "a person came without an id")
    return str(number)


def _folded(filter_type: str, value: object) -> str:
    text = str(value)
    return folded(text) if filter_type.startswith("sfdc") else text.casefold()


def _sent(filter_type: str, value: str) -> str:
    """Return a value as it is asked for: Marketo holds Salesforce ids in their long form."""
    long = full_id(value) if filter_type.startswith("sfdc") else None
    return long or value


def _record(row: Mapping[str, Any], fields: Sequence[str]) -> Record:
    """Take the fields that were asked for; one that the row lacks is empty."""
    return {name: json_value(row.get(name)) for name in fields}


def _system_field(field: _LeadField) -> SystemField:
    return SystemField(
        name=field.name,
        label=field.display_name or field.name,
        type=field.data_type,
        length=field.length if field.data_type in _TEXT_TYPES else None,
        createable=field.updateable,
        updateable=field.updateable,
        crm_managed=field.crm_managed,
    )


def _refusal(row: RecordWrite, writable: Mapping[str, SystemField]) -> VendorError | None:
    """Return why a row may not be sent, ``None`` if it may."""
    if not _is_id(row.record_id):
        return RecordMissing(f"marketo: {row.record_id!r} is not a Marketo id", system=SystemName.MARKETO)
    unknown = [name for name in row.values if name not in writable]
    if unknown:
        return RecordRefused(
            f"marketo: describe2 knows no field {', '.join(unknown)}; check field_map",
            code="1006",
            system=SystemName.MARKETO,
            fields=tuple(unknown),
        )
    fixed = [name for name in row.values if not writable[name].updateable]
    if fixed:
        return AccessDenied(
            f"marketo: describe2 says that {', '.join(fixed)} cannot be written; change it in Salesforce",
            system=SystemName.MARKETO,
        )
    return None
