"""What every stage works with: store, both systems, fixers, settings, and one clock."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from remediator.api import Fixer
from remediator.classify import Classifier
from remediator.fixing import FieldDescription
from remediator.model import SystemName
from remediator.settings import Settings
from remediator.store import Lease, Store
from remediator.systems.base import System
from remediator.systems.fieldmap import FieldMap, describe_fields
from remediator.systems.marketo import Marketo
from remediator.systems.salesforce import Salesforce
from remediator.values import Record, Value

MARKETO_PERSON = "Lead"
"""What Marketo's API calls a person, whether Salesforce knows a lead or a contact."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectFields:
    """One Salesforce object as both systems describe it.

    Attributes:
        descriptions: ``{Salesforce API name: description}``.
        by_marketo_name: ``{Marketo REST name: Salesforce API name}`` of the mapped fields.
    """

    object: str
    map: FieldMap
    descriptions: Mapping[str, FieldDescription]
    by_marketo_name: Mapping[str, str]

    def record(self, values: Record) -> dict[str, Value]:
        """Return a person's Marketo values by Salesforce field, without those of no mapped field."""
        return {
            self.by_marketo_name[name]: value
            for name, value in values.items()
            if name in self.by_marketo_name
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """A point between two effects, told to whoever watches a run.

    Attributes:
        name: stable snake_case name of what comes next or has just been done.
        done: how far a long stage is, ``None`` where that means nothing.
    """

    name: str
    done: int | None = None
    total: int | None = None


def _nobody(_: Step) -> None:
    return None


def _open_gate() -> None:
    return None


@dataclass(slots=True, kw_only=True)
class Engine:
    """One connection's store and systems, and how to work on them.

    Attributes:
        actor: who is written into the audit trail.
        clock: returns the current time, aware UTC.
        on_step: called between any two effects; a progress bar, or a test that kills the process there.
        gate: called right before every write to a vendor; raises to stop it (kill switch, lost lease).
        lease: the right to write, checked in the transaction that records an intent; ``None`` where a
            person works by hand, whose changes the store gives out once all the same.
    """

    store: Store
    marketo: Marketo
    salesforce: Salesforce
    classifier: Classifier
    fixers: Mapping[str, Fixer]
    settings: Settings
    config_hash: str
    clock: Callable[[], datetime]
    actor: str
    on_step: Callable[[Step], None] = _nobody
    gate: Callable[[], None] = _open_gate
    lease: Lease | None = None
    _objects: dict[str, ObjectFields] = field(default_factory=dict)

    def system(self, name: SystemName) -> System:
        """Return the client of one side."""
        match name:
            case SystemName.MARKETO:
                return self.marketo
            case SystemName.SALESFORCE:
                return self.salesforce

    def fields(self, object_name: str) -> ObjectFields:
        """Return an object's merged description, read once a run.

        Raises:
            VendorError: either describe failed or was incomplete: nothing may be planned or written then.
        """
        if object_name not in self._objects:
            self._objects[object_name] = self._describe(object_name)
        return self._objects[object_name]

    def _describe(self, object_name: str) -> ObjectFields:
        marketo = self.marketo.describe(MARKETO_PERSON)
        salesforce = self.salesforce.describe(object_name)
        prefix = f"{object_name}."
        overrides = {
            name.removeprefix(prefix): target
            for name, target in self.settings.field_map.items()
            if name.startswith(prefix) or "." not in name
        }
        defaults = {
            name.removeprefix(prefix): value
            for name, value in self.settings.fixers.defaults.items()
            if name.startswith(prefix)
        }
        field_map = FieldMap.build(marketo, salesforce, object_name=object_name, overrides=overrides)
        descriptions = describe_fields(
            marketo,
            salesforce,
            field_map,
            defaults=defaults,
            integration_values=self.settings.salesforce.integration_values,
        )
        return ObjectFields(
            object=object_name,
            map=field_map,
            descriptions=descriptions,
            by_marketo_name={
                description.marketo_name: name
                for name, description in descriptions.items()
                if description.marketo_name is not None
            },
        )
