"""Narrow picklists to what the linked record's record type allows, which describe does not show."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from fixers.acceptance import elements
from remediator.engine.core import Engine
from remediator.engine.targets import Target
from remediator.errors import VendorError
from remediator.fixing import Candidate, Declined, FieldDescription
from remediator.values import Value

RECORD_TYPE = "RecordTypeId"

_SHOWN = 5

ReadValue = Callable[[str, str, str], Value | Declined]
"""Reads one field of one Salesforce record: ``(object, record id, field)``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """What the fields of one record accept.

    Attributes:
        record_type: its id, empty where nothing is narrowed.
        whole: descriptions by Salesforce API name, as for a record without a type.
        fields: the same for this record. What the record type does not allow is inactive and
            keeps its place, because dependent entries name places.
        told: fields of which Salesforce told the record type's values.
    """

    record_type: str
    whole: Mapping[str, FieldDescription]
    fields: Mapping[str, FieldDescription]
    told: frozenset[str] = frozenset()

    def refuses(self, name: str, value: Value) -> Declined | None:
        """Return why a value that the field as such accepts is refused here, ``None`` if it is not that.

        Such a value is no misspelling of another one, so no fixer may look for a near one.
        """
        if not self.record_type or not isinstance(value, str) or name not in self.whole:
            return None
        described = self.whole[name]
        allowed = [entry.value for entry in self.fields[name].picklist if entry.active]
        known = {entry.value.casefold(): entry.value for entry in described.picklist if entry.active}
        for part in elements(described, value):
            entry = known.get(part.strip().casefold())
            if entry is not None and entry not in allowed:
                return Declined(
                    f'"{entry}" is a value of {described.label}, but not for the record type of this record '
                    f"({self.record_type}); have it added there, or pick one of the record type's values",
                    tuple(Candidate(value=other, score=0.0) for other in allowed[:_SHOWN]),
                )
        return None


@dataclass(slots=True)
class RecordTypes:
    """Picklists by record type, each read once a run; a failed read is remembered as unknown."""

    engine: Engine
    _known: dict[tuple[str, str], Scope | Declined] = field(default_factory=dict)

    def scope(self, target: Target, described: FieldDescription, read: ReadValue) -> Scope | Declined:
        """Return what the record's fields accept, or why that is not known.

        Only a restricted picklist of a linked record is narrowed: countries and states have the same values
        in every record type, and a person that Salesforce does not have yet has no record type.
        """
        fields = self.engine.fields(target.object).descriptions
        whole = Scope(record_type="", whole=fields, fields=fields)
        narrowed = described.restricted and described.picklist and described.role is None
        if not narrowed or target.salesforce_id is None or RECORD_TYPE not in fields:
            return whole
        try:
            record_type = read(target.object, target.salesforce_id, RECORD_TYPE)
        except VendorError as exc:
            return Declined(f"the record's type is not known, so its values are not either: {exc}")
        if isinstance(record_type, Declined):
            return record_type
        if not record_type:
            return whole
        key = (target.object, str(record_type))
        if key not in self._known:
            self._known[key] = self._narrow(*key, fields)
        scope = self._known[key]
        if isinstance(scope, Scope) and described.name not in scope.told:
            return Declined(
                f"Salesforce does not tell which values of {described.label} record type {record_type} "
                "allows; plan again when our user may read the field"
            )
        return scope

    def _narrow(
        self, object_name: str, record_type: str, fields: Mapping[str, FieldDescription]
    ) -> Scope | Declined:
        try:
            lists = self.engine.salesforce.picklist_values(object_name, record_type)
        except VendorError as exc:
            return Declined(
                f"the values that record type {record_type} allows are not known ({exc}); plan again later"
            )
        narrowed = dict(fields)
        for name, entries in lists.items():
            described = fields.get(name)
            if described is None or not described.restricted or described.role is not None:
                continue
            allowed = {entry.value for entry in entries}
            narrowed[name] = replace(
                described,
                picklist=tuple(
                    replace(entry, active=entry.active and entry.value in allowed)
                    for entry in described.picklist
                ),
            )
        return Scope(record_type=record_type, whole=fields, fields=narrowed, told=frozenset(lists))
