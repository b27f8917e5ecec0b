"""What an org knows about its objects and fields, and how ``describe`` tells it."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

MASTER_RECORD_TYPE = "012000000000000AAA"

_SOAP = {
    "id": "tns:ID",
    "reference": "tns:ID",
    "boolean": "xsd:boolean",
    "int": "xsd:int",
    "double": "xsd:double",
    "currency": "xsd:double",
    "percent": "xsd:double",
    "date": "xsd:date",
    "datetime": "xsd:dateTime",
    "address": "urn:address",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class PickValue:
    """One entry of a picklist.

    Attributes:
        valid_for: indexes of the controlling entries that allow it; ``None`` when it does not depend.
    """

    value: str
    label: str
    active: bool = True
    default: bool = False
    valid_for: frozenset[int] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """One field of one object.

    Attributes:
        nillable: false and no default and createable means required.
        defaulted: the server supplies a value on create.
        controller: the field that a dependent picklist depends on.
        permissionable: field-level security applies; else the field is always visible.
        refers: objects that a lookup may point at; ``relationship`` is its name in queries.
    """

    name: str
    label: str
    type: str
    length: int = 0
    precision: int = 0
    scale: int = 0
    digits: int = 0
    createable: bool = True
    updateable: bool = True
    nillable: bool = True
    defaulted: bool = False
    default: Any = None
    restricted: bool = False
    values: tuple[PickValue, ...] = ()
    controller: str | None = None
    custom: bool = False
    external_id: bool = False
    unique: bool = False
    calculated: bool = False
    permissionable: bool = True
    filterable: bool = True
    refers: tuple[str, ...] = ()
    relationship: str | None = None

    @property
    def required(self) -> bool:
        """Whether a create without a value is refused."""
        return self.createable and not self.nillable and not self.defaulted and self.type != "boolean"

    def describe(self, *, editable: bool, label: str) -> dict[str, Any]:
        """Return the field as ``describe`` shows it to a user."""
        return {
            "aggregatable": self.filterable,
            "aiPredictionField": False,
            "autoNumber": False,
            "byteLength": self.length * 3,
            "calculated": self.calculated,
            "calculatedFormula": None,
            "cascadeDelete": False,
            "caseSensitive": False,
            "compoundFieldName": None,
            "controllerName": self.controller,
            "createable": self.createable and editable,
            "custom": self.custom,
            "defaultValue": self.default if self.type != "boolean" else bool(self.default),
            "defaultValueFormula": None,
            "defaultedOnCreate": self.defaulted,
            "dependentPicklist": self.controller is not None,
            "deprecatedAndHidden": False,
            "digits": self.digits,
            "displayLocationInDecimal": False,
            "encrypted": False,
            "externalId": self.external_id,
            "extraTypeInfo": None,
            "filterable": self.filterable,
            "filteredLookupInfo": None,
            "formulaTreatNullNumberAsZero": False,
            "groupable": self.filterable and self.type not in ("currency", "double", "datetime"),
            "highScaleNumber": False,
            "htmlFormatted": False,
            "idLookup": self.external_id or self.name in ("Id", "Email"),
            "inlineHelpText": None,
            "label": label,
            "length": self.length,
            "mask": None,
            "maskType": None,
            "name": self.name,
            "nameField": self.name == "Name",
            "namePointing": len(self.refers) > 1,
            "nillable": self.nillable,
            "permissionable": self.permissionable,
            "picklistValues": _describe_values(self.values),
            "polymorphicForeignKey": len(self.refers) > 1,
            "precision": self.precision,
            "queryByDistance": False,
            "referenceTargetField": None,
            "referenceTo": list(self.refers),
            "relationshipName": self.relationship,
            "relationshipOrder": None,
            "restrictedDelete": False,
            "restrictedPicklist": self.restricted,
            "scale": self.scale,
            "searchPrefilterable": False,
            "soapType": _SOAP.get(self.type, "xsd:string"),
            "sortable": self.filterable,
            "type": self.type,
            "unique": self.unique,
            "updateable": self.updateable and editable,
            "writeRequiresMasterRead": False,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class AddressFields:
    """The four fields of one state and country picklist pair."""

    country: str
    country_code: str
    state: str
    state_code: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordType:
    """A record type; ``id`` is 18 characters.

    Attributes:
        picklists: ``{field: values that its rows may have}``; a picklist that is absent offers all.
    """

    id: str
    name: str
    developer_name: str
    default: bool = False
    master: bool = False
    picklists: Mapping[str, frozenset[str]] = field(default_factory=dict)


_MASTER = RecordType(id=MASTER_RECORD_TYPE, name="Master", developer_name="Master", default=True, master=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectType:
    """One object: its fields by name, its id prefix and its addresses."""

    name: str
    label: str
    plural: str
    prefix: str
    fields: Mapping[str, Field]
    addresses: tuple[AddressFields, ...] = ()
    record_types: tuple[RecordType, ...] = ()
    createable: bool = True
    by_lower_name: Mapping[str, str] = field(default_factory=dict)

    def with_field(self, changed: Field) -> ObjectType:
        """Return the object with one field replaced or added."""
        fields = {**self.fields, changed.name: changed}
        return replace(self, fields=fields, by_lower_name={name.lower(): name for name in fields})

    @property
    def default_record_type(self) -> str | None:
        """The record type that a new row gets, ``None`` when the object has none."""
        return next((entry.id for entry in self.record_types if entry.default), None)

    def as_typed(self, name: str, record_type: str | None) -> Field:
        """Return a field as rows of a record type have it: with fewer picklist values."""
        found = self.fields[name]
        allowed = next(
            (entry.picklists.get(name) for entry in self.record_types if entry.id == record_type), None
        )
        if allowed is None:
            return found
        return replace(found, values=tuple(entry for entry in found.values if entry.value in allowed))

    def describe(self, *, fields: list[dict[str, Any]], rights: Mapping[str, bool]) -> dict[str, Any]:
        """Return the full describe; ``fields`` are those that the user may see."""
        has_default = self.default_record_type is not None
        shown = (*self.record_types, replace(_MASTER, default=not has_default))
        return {
            **self.summary(rights),
            "actionOverrides": [],
            "childRelationships": [],
            "compactLayoutable": True,
            "fields": fields,
            "namedLayoutInfos": [],
            "recordTypeInfos": [
                {
                    "active": True,
                    "available": True,
                    "defaultRecordTypeMapping": entry.default,
                    "developerName": entry.developer_name,
                    "master": entry.master,
                    "name": entry.name,
                    "recordTypeId": entry.id,
                    "urls": {},
                }
                for entry in shown
            ],
            "supportedScopes": [{"label": f"All {self.plural.lower()}", "name": "everything"}],
        }

    def summary(self, rights: Mapping[str, bool]) -> dict[str, Any]:
        """Return the object's line in the global describe."""
        base = "/services/data/v60.0/sobjects/" + self.name
        return {
            "activateable": False,
            "createable": self.createable and rights["create"],
            "custom": False,
            "customSetting": False,
            "deletable": self.createable and rights["delete"],
            "deprecatedAndHidden": False,
            "feedEnabled": False,
            "hasSubtypes": False,
            "isSubtype": False,
            "keyPrefix": self.prefix,
            "label": self.label,
            "labelPlural": self.plural,
            "layoutable": True,
            "mergeable": self.name in ("Lead", "Contact", "Account"),
            "mruEnabled": True,
            "name": self.name,
            "queryable": True,
            "replicateable": True,
            "retrieveable": True,
            "searchable": True,
            "triggerable": True,
            "undeletable": True,
            "updateable": self.createable and rights["edit"],
            "urls": {
                "sobject": base,
                "describe": base + "/describe",
                "rowTemplate": base + "/{ID}",
            },
        }


def valid_for_bitmap(indexes: Iterable[int]) -> str:
    """Return a dependent entry's base64 bitmap: most significant bit first, in groups of three bytes."""
    wanted = sorted(indexes)
    size = 0 if not wanted else (wanted[-1] >> 3) + 1
    bits = bytearray(-(-size // 3) * 3)
    for index in wanted:
        bits[index >> 3] |= 0x80 >> (index & 7)
    return b64encode(bytes(bits)).decode()


def _describe_values(values: tuple[PickValue, ...]) -> list[dict[str, Any]]:
    return [
        {
            "active": entry.active,
            "defaultValue": entry.default,
            "label": entry.label,
            "validFor": None if entry.valid_for is None else valid_for_bitmap(entry.valid_for),
            "value": entry.value,
        }
        for entry in values
    ]
