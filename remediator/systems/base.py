"""What the engine needs of a system, so that tests and plugins can bring their own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from remediator.errors import VendorError
from remediator.fixing import PicklistEntry
from remediator.model import SystemName
from remediator.values import Record, Value


@dataclass(frozen=True, slots=True, kw_only=True)
class SystemField:
    """One field as one system describes it.

    Attributes:
        type: the system's own type word.
        required: refused when empty on create.
        restricted: values outside ``picklist`` are refused.
        controller: controlling field of a dependent picklist.
        crm_managed: Marketo only: the field is synced with the CRM.
    """

    name: str
    label: str
    type: str
    length: int | None = None
    precision: int | None = None
    scale: int | None = None
    createable: bool = True
    updateable: bool = True
    required: bool = False
    restricted: bool = False
    calculated: bool = False
    unique: bool = False
    external_id: bool = False
    picklist: tuple[PicklistEntry, ...] = ()
    controller: str | None = None
    crm_managed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectDescription:
    """All fields of one object that our user may see."""

    object: str
    fields: Mapping[str, SystemField]


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordWrite:
    """All changes of one record, in one write."""

    record_id: str
    values: Mapping[str, Value]


@dataclass(frozen=True, slots=True, kw_only=True)
class WriteResult:
    """The vendor's word on one record of a batch; ``error`` is ``None`` when it says it wrote it."""

    record_id: str
    error: VendorError | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadResult:
    """What a batch read proved.

    Attributes:
        records: ``{record id: {field: value}}``.
        missing: ids that the system answered for with "no such record". An id in neither is unknown,
            which is never "no".
    """

    records: Mapping[str, Record] = field(default_factory=dict)
    missing: frozenset[str] = frozenset()


class System(Protocol):
    """One side of the sync.

    Attributes:
        read_size: ids per read call.
        write_size: records per write call.
    """

    name: SystemName
    read_size: int
    write_size: int

    def describe(self, object_name: str) -> ObjectDescription:
        """Return the object's fields, cached; raises ``VendorError`` when it cannot be read whole."""
        ...

    def read(self, object_name: str, ids: Sequence[str], fields: Sequence[str]) -> ReadResult:
        """Read records by id, in batches; raises ``VendorError`` when any batch fails or is incomplete."""
        ...

    def write(self, object_name: str, rows: Sequence[RecordWrite]) -> Sequence[WriteResult]:
        """Update up to ``write_size`` existing records in one call, never creating one.

        Returns one result per row, in order. Raises ``NoAnswer`` when it is not known whether the call was
        carried out, another ``VendorError`` when it certainly was not.
        """
        ...
