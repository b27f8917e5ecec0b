"""An object's describe, turned into our words.

Source: REST API Developer Guide, "sObject Describe"; SOAP API Developer Guide, "DescribeSObjectResult".
"""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from remediator.fixing import PicklistEntry
from remediator.systems.base import ObjectDescription, SystemField
from remediator.systems.body import Body

_PICKLISTS = frozenset({"picklist", "multipicklist", "combobox"})


class _Entry(Body):
    value: str
    label: str | None = None
    active: bool = True
    default_value: bool = False
    valid_for: str | None = None


class _Field(Body):
    name: str
    label: str
    type: str
    length: int = 0
    precision: int = 0
    scale: int = 0
    digits: int = 0
    createable: bool
    updateable: bool
    nillable: bool
    defaulted_on_create: bool = False
    calculated: bool = False
    unique: bool = False
    external_id: bool = False
    restricted_picklist: bool = False
    dependent_picklist: bool = False
    controller_name: str | None = None
    picklist_values: list[_Entry] = Field(default_factory=list)


class _Describe(BaseModel):
    model_config = ConfigDict(extra="ignore")

    name: str
    fields: list[_Field]


def object_description(body: Mapping[str, Any]) -> ObjectDescription:
    """Return the description in a describe answer; raises ``ValueError`` if it is not a whole one."""
    read = _Describe.model_validate(body)
    if not read.fields:
        raise ValueError("no field in it")
    return ObjectDescription(object=read.name, fields={field.name: _field(field) for field in read.fields})


def valid_for(bitmap: str | None) -> frozenset[int] | None:
    """Decode a dependent entry's bitmap into positions of controlling values, most significant bit first.

    ``None`` = the entry depends on nothing. Missing bytes stand for zeros.
    """
    if bitmap is None:
        return None
    return frozenset(_bits(b64decode(bitmap, validate=True)))


def _bits(mask: bytes) -> Iterator[int]:
    for place, byte in enumerate(mask):
        for bit in range(8):
            if byte & (0x80 >> bit):
                yield place * 8 + bit


def _field(field: _Field) -> SystemField:
    numeric = field.type in ("double", "currency", "percent")
    return SystemField(
        name=field.name,
        label=field.label,
        type=field.type,
        length=field.length or None,
        precision=(field.precision if numeric else field.digits) or None,
        scale=field.scale if numeric else None,
        createable=field.createable,
        updateable=field.updateable,
        required=(
            field.createable
            and not field.nillable
            and not field.defaulted_on_create
            and field.type != "boolean"
        ),
        restricted=field.restricted_picklist,
        calculated=field.calculated,
        unique=field.unique,
        external_id=field.external_id,
        picklist=tuple(
            PicklistEntry(
                value=entry.value,
                label=entry.label or entry.value,
                active=entry.active,
                default=entry.default_value,
                valid_for=valid_for(entry.valid_for) if field.dependent_picklist else None,
            )
            for entry in (field.picklist_values if field.type in _PICKLISTS else ())
        ),
        controller=(field.controller_name if field.dependent_picklist else None),
    )
