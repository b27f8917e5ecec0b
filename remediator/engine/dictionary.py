"""The data dictionary: every synced field pair as both systems describe it, and what is wrong with it.

Reads describes and the store only; no record is read and nothing is written.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from remediator.access import access_requests
from remediator.classify import resolve_fields
from remediator.definitions import FieldFacts, MarketoFacts, folded
from remediator.engine.core import MARKETO_PERSON, Engine
from remediator.errors import RateLimited, VendorError
from remediator.hygiene import Finding, find_problems, in_order, setting_problems
from remediator.lifecycle import UNSETTLED
from remediator.model import Case, Category, Diagnosis
from remediator.store import CaseQuery
from remediator.systems.base import ObjectDescription

SYNCED_OBJECTS = ("Lead", "Contact", "Account")


@dataclass(frozen=True, slots=True, kw_only=True)
class Dictionary:
    """What both systems say about the fields of the objects that were looked at.

    Attributes:
        fields: all Salesforce fields, by object and name; those with a ``marketo_field`` are synced.
    """

    fields: tuple[FieldFacts, ...]
    findings: tuple[Finding, ...]

    @property
    def pairs(self) -> tuple[FieldFacts, ...]:
        """The synced fields."""
        return tuple(facts for facts in self.fields if facts.marketo_field is not None)


@dataclass(slots=True)
class _Named:
    """What the open cases say about one field."""

    cases: Counter[Category] = field(default_factory=Counter)
    codes: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)


def read_dictionary(engine: Engine, objects: Sequence[str] = SYNCED_OBJECTS) -> Dictionary:
    """Describe the fields of some objects and judge them.

    Raises:
        VendorError: a describe failed; the message says which. Half a dictionary would show fields as
            unpaired that are not, so there is none.
    """
    described = {name: _described(engine, name) for name in objects}
    people = engine.marketo.describe(MARKETO_PERSON)
    labels = {
        name: {found.name: found.label for found in salesforce.fields.values()}
        for name, salesforce in described.items()
    }
    named = _named_by_cases(engine.store.cases(CaseQuery(states=UNSETTLED)), labels)
    fields = tuple(
        facts for name in objects for facts in _facts(engine, name, described[name], people, named)
    )
    whole = set(SYNCED_OBJECTS) <= set(objects)
    marketo = [
        MarketoFacts(field=one.name, label=one.label, synced=one.crm_managed)
        for one in sorted(people.fields.values(), key=lambda one: one.name)
    ]
    refused = CaseQuery(states=UNSETTLED, categories=frozenset({Category.PERMISSION}))
    requests = access_requests(_resolved(engine.store.cases(refused), labels))
    findings = find_problems(fields, marketo if whole else (), requests)
    # A bare name in field_map means every object, so one object alone cannot prove it wrong.
    chosen = {key: target for key, target in engine.settings.field_map.items() if whole or "." in key}
    findings += setting_problems(chosen, fields, people.fields.keys())
    return Dictionary(fields=fields, findings=tuple(in_order(findings)))


def _described(engine: Engine, name: str) -> ObjectDescription:
    """Return Salesforce's describe of an object once Marketo's is there too."""
    what = "Marketo's describe of people"
    try:
        engine.marketo.describe(MARKETO_PERSON)
        what = f"Salesforce's describe of {name}"
        return engine.salesforce.describe(name)
    except RateLimited:
        # Its wait and its quota are the caller's to see, and the message names the system.
        raise
    except VendorError as exc:
        raise VendorError(
            f"{what} could not be read, so there is no dictionary: {exc}", code=exc.code, system=exc.system
        ) from exc


def _facts(
    engine: Engine,
    name: str,
    salesforce: ObjectDescription,
    people: ObjectDescription,
    named: Mapping[tuple[str, str], _Named],
) -> Iterator[FieldFacts]:
    merged = engine.fields(name)
    for api_name in sorted(salesforce.fields):
        theirs, both = salesforce.fields[api_name], merged.descriptions[api_name]
        ours = people.fields.get(both.marketo_name or "")
        said = named.get((name, api_name), _Named())
        inactive = {folded(entry.value): entry.value for entry in both.picklist if not entry.active}
        yield FieldFacts(
            object=name,
            field=api_name,
            label=theirs.label,
            type=theirs.type,
            length=theirs.length,
            precision=theirs.precision,
            scale=theirs.scale,
            required=theirs.required,
            restricted=both.restricted,
            picklist=both.picklist,
            depends_on=both.controller,
            unique=theirs.unique,
            external_id=theirs.external_id,
            formula=theirs.calculated,
            createable=theirs.createable,
            updateable=theirs.updateable,
            role=both.role,
            marketo_field=both.marketo_name,
            marketo_label=ours.label if ours else None,
            marketo_type=ours.type if ours else None,
            marketo_length=ours.length if ours else None,
            paired_because=merged.map.reasons.get(api_name) if ours else None,
            cases=dict(said.cases),
            codes=dict(said.codes),
            # Only what stands in the picklist is shown; any other refused text is a person's data.
            refused_inactive=_counts(said.refused, inactive),
        )


def _counts(refused: Mapping[str, int], inactive: Mapping[str, str]) -> dict[str, int]:
    counts: Counter[str] = Counter()
    for value, cases in refused.items():
        if (entry := inactive.get(folded(value))) is not None:
            counts[entry] += cases
    return dict(counts)


def _named_by_cases(
    cases: Iterable[Case], labels: Mapping[str, Mapping[str, str]]
) -> dict[tuple[str, str], _Named]:
    """Return ``{(object, API name): what the cases say}``; a case that names two fields counts for both."""
    named: dict[tuple[str, str], _Named] = defaultdict(_Named)
    for case in _resolved(cases, labels):
        diagnosis = case.diagnosis
        for api_name in diagnosis.fields:
            said = named[case.object or "", api_name]
            said.cases[diagnosis.category] += 1
            said.codes[diagnosis.root_code or diagnosis.code or ""] += 1
            if diagnosis.category is Category.INVALID_PICKLIST and diagnosis.value:
                said.refused[diagnosis.value] += 1
    return named


def _resolved(cases: Iterable[Case], labels: Mapping[str, Mapping[str, str]]) -> Iterator[Case]:
    """Yield the cases of these objects with their object told and labels replaced by API names."""
    known: dict[tuple[str, tuple[str, ...]], tuple[str, ...]] = {}
    for case in cases:
        name = case.object or case.diagnosis.object or ""
        if name not in labels:
            continue
        key = (name, case.diagnosis.fields)
        if key not in known:
            known[key] = _api_names(case.diagnosis, labels[name])
        yield replace(case, object=name, diagnosis=replace(case.diagnosis, fields=known[key]))


def _api_names(diagnosis: Diagnosis, labels: Mapping[str, str]) -> tuple[str, ...]:
    return resolve_fields(diagnosis, labels).fields
