"""Which picklist values a record type allows; describe does not tell.

Source: User Interface API Developer Guide, "Get Values for All Picklist Fields of a Record Type".
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import Field, ValidationError

from remediator.errors import RecordMissing
from remediator.fixing import PicklistEntry
from remediator.salesforce_ids import full_id
from remediator.systems.body import Body
from remediator.systems.salesforce_api import SalesforceApi


class _Entry(Body):
    value: str
    label: str | None = None
    valid_for: list[int] = Field(default_factory=list)


class _List(Body):
    controller_values: dict[str, int] = Field(default_factory=dict)
    values: list[_Entry]


class _Lists(Body):
    picklist_field_values: dict[str, _List]


class RecordTypePicklists(SalesforceApi):
    """Picklists as the rows of one record type have them."""

    def picklist_values(
        self, object_name: str, record_type_id: str
    ) -> Mapping[str, tuple[PicklistEntry, ...]]:
        """Return ``{field: entries}`` of every picklist that our user may read; one call.

        Only active values come. ``valid_for`` counts in this answer's own controlling values, which need
        not be the positions that describe gives: match entries by their value.

        Raises:
            RecordMissing: no such record type of this object.
            VendorError: the answer did not come or is not whole, so nothing is known.
        """
        record_type = full_id(record_type_id)
        if record_type is None:
            raise RecordMissing(
                f"salesforce: {record_type_id!r} is not the id of a record type", system=self.name
            )
        call = self.call(
            "GET",
            "/ui-api/object-info/{object}/picklist-values/{record_type}",
            object=object_name,
            record_type=record_type,
        )

        def parse(body: Any) -> Mapping[str, tuple[PicklistEntry, ...]]:
            try:
                read = _Lists.model_validate(body)
            except ValidationError as exc:
                raise self.incomplete(call, "no picklist values in it") from exc
            return {name: _entries(listed) for name, listed in read.picklist_field_values.items()}

        return self.ask(call, parse)


def _entries(listed: _List) -> tuple[PicklistEntry, ...]:
    return tuple(
        PicklistEntry(
            value=entry.value,
            label=entry.label or entry.value,
            valid_for=frozenset(entry.valid_for) if listed.controller_values else None,
        )
        for entry in listed.values
    )
