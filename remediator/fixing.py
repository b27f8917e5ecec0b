"""The vocabulary of a fix: what a fixer is told of a field, and what it answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from dataclasses import field as default_field
from typing import TypeAlias

from remediator.model import Confidence, Diagnosis
from remediator.values import Record, Value

Options: TypeAlias = Mapping[str, object]
"""A fixer's options, ``{name: scalar, list or mapping}``, checked by the fixer itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PicklistEntry:
    """One value of a picklist.

    Attributes:
        value: what is stored. For a state/country text field this is the integration value.
        label: what people see.
        code: for states and countries the org's own code (need not be ISO's), else ``None``.
        valid_for: positions of controlling values it is allowed with; ``None`` = not dependent.
    """

    value: str
    label: str
    active: bool = True
    default: bool = False
    code: str | None = None
    valid_for: frozenset[int] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldDescription:
    """What both systems say about one field, under its Salesforce API name.

    Attributes:
        name: Salesforce API name.
        type: Salesforce type word (``string``, ``picklist``, ``email``, ``double`` ...).
        length: limit in characters for text, ``None`` where there is none.
        precision: total digits of a number; ``scale`` of them after the point.
        required: Salesforce refuses an empty value on create.
        restricted: values outside ``picklist`` are refused.
        picklist: entries in describe order (positions matter for ``PicklistEntry.valid_for``).
        controller: name of the controlling field of a dependent picklist; for a state, its country.
        role: ``country`` or ``state`` for the text fields of state/country picklists, else ``None``.
        marketo_name: Marketo REST name that is synced to it, ``None`` if unmapped.
        marketo_updateable: Marketo lets the API write it (describe2, and not a company field).
        marketo_length: Marketo's own text limit.
        calculated: Salesforce works it out by itself (a formula, a stamp of its own), so nobody sends it.
        default: value that the settings give for an empty required field.
    """

    name: str
    label: str
    type: str
    length: int | None = None
    precision: int | None = None
    scale: int | None = None
    required: bool = False
    createable: bool = True
    updateable: bool = True
    restricted: bool = False
    picklist: tuple[PicklistEntry, ...] = ()
    controller: str | None = None
    role: str | None = None
    marketo_name: str | None = None
    marketo_updateable: bool = False
    marketo_length: int | None = None
    calculated: bool = False
    default: Value = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FixRequest:
    """Everything a fixer may know; frozen, so a fixer can be pure.

    Attributes:
        object: Salesforce object, e.g. ``Lead``.
        field: the failing field.
        record: ``{Salesforce API name: value}`` as the sync would send it. Restricted to the failing field
            and to the fields whose role or name the fixer lists in ``reads``, when it lists any.
        fields: descriptions of the object's other fields, by API name.
        diagnosis: ``None`` in a preventive campaign, where nothing has failed yet.
        options: the fixer's options from campaign or settings, ``{name: scalar or list or mapping}``.
    """

    object: str
    field: FieldDescription
    record: Record
    fields: Mapping[str, FieldDescription] = default_field(default_factory=dict)
    diagnosis: Diagnosis | None = None
    options: Options = default_field(default_factory=dict)

    @property
    def value(self) -> Value:
        """The failing field's value on the record."""
        return self.record.get(self.field.name)


@dataclass(frozen=True, slots=True, kw_only=True)
class Edit:
    """A field and the value it should get; ``None`` clears it."""

    field: str
    after: Value


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A value that a reviewer may pick, with a score from 0 to 100."""

    value: str
    score: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """Changes that would clear the failure.

    Attributes:
        edits: written together, in this order (country before state).
        reason: one sentence a reviewer can judge by.
        candidates: ranked alternatives, best first, the proposed one among them.
    """

    edits: tuple[Edit, ...]
    confidence: Confidence
    reason: str
    candidates: tuple[Candidate, ...] = ()


@dataclass(frozen=True, slots=True)
class Declined:
    """No safe change is known.

    Attributes:
        reason: a sentence that a person can act on. Never empty.
        candidates: what a person may pick from, best first.
        passing: this fixer has no say here (not its kind of field, nothing wrong that it could see), so
            the reason only counts when no other fixer has a better one.
    """

    reason: str
    candidates: tuple[Candidate, ...] = ()
    passing: bool = False

    def __post_init__(self) -> None:
        if not self.reason.strip():
            raise ValueError("Declined needs a reason that a person can act on")
