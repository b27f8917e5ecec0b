"""What the field definitions of both systems promise about refusals, before a record runs into them.

Only definitions and the open cases are judged; nobody's values are read. Where neither vendor documents a
consequence, the text says so. Facts: Adobe Experience League, "SFDC Sync: Field Sync"; Salesforce, REST API
Developer Guide, "sObject Describe".
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from remediator.definitions import FieldFacts, MarketoFacts, folded
from remediator.model import AccessRequest, Category

_NUMBERS = frozenset({"int", "long", "double", "currency", "percent", "integer", "float", "score"})
_TEXTS = frozenset({"string", "text", "textarea", "email", "phone", "url", "encryptedstring", "combobox"})
_FAMILIES: Mapping[str, str] = (
    dict.fromkeys(_NUMBERS, "number")
    | dict.fromkeys(_TEXTS, "text")
    | {name: name for name in ("date", "datetime", "boolean")}
)
_FREE_TEXT = frozenset({"string", "text"})
_UNREADABLE = ("JSON_PARSER_ERROR", "INVALID_TYPE_ON_FIELD_IN_RECORD")
"""Codes of a value that is no value of the field's type."""
_GRANTS = frozenset({"field_edit", "field_read"})
_PULLED_ONLY = "Account"
"""Accounts go from Salesforce to Marketo only, so nothing of theirs is refused on the way."""


class Severity(StrEnum):
    """How much a problem costs."""

    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One problem of a field's definition.

    Attributes:
        kind: stable snake_case word.
        problem: what, which and why, in a sentence.
        advice: what to do about it.
        open_cases: open cases that it explains, as far as they tell.
    """

    severity: Severity
    kind: str
    problem: str
    advice: str
    object: str | None = None
    field: str | None = None
    marketo_field: str | None = None
    open_cases: int = 0


def find_problems(
    fields: Sequence[FieldFacts], marketo: Sequence[MarketoFacts], requests: Iterable[AccessRequest] = ()
) -> list[Finding]:
    """Return what is wrong with the fields, the worst first, always in the same order.

    Args:
        fields: all fields of the objects that were looked at, the unpaired ones among them.
        marketo: all Marketo fields if all synced objects were looked at, else none: a field without a
            partner on one object may have one on another.
        requests: what the sync user was refused, with the fields' API names.
    """
    found: list[Finding] = []
    for facts in fields:
        if facts.marketo_field is not None:
            found += _of_pair(facts)
        elif facts.required and facts.object != _PULLED_ONLY:
            found.append(_required_alone(facts))
    found += _shared_labels(fields)
    found += _without_partner(fields, marketo)
    found += _refused_rights(fields, requests)
    return in_order(found)


def in_order(findings: Iterable[Finding]) -> list[Finding]:
    """Return findings the worst first; equal ones by object, field and kind."""
    ranks = list(Severity)
    return sorted(
        findings,
        key=lambda one: (
            ranks.index(one.severity),
            -one.open_cases,
            one.object or "",
            one.field or "",
            one.kind,
            one.marketo_field or "",
        ),
    )


def setting_problems(
    field_map: Mapping[str, str], fields: Sequence[FieldFacts], marketo: Collection[str]
) -> list[Finding]:
    """Return what the ``field_map`` of the settings names in vain.

    Args:
        field_map: ``{Salesforce field, with or without its object: Marketo field or ""}``.
        fields: all fields of the objects that were looked at.
        marketo: names of all Marketo fields.
    """
    by_name: dict[str, list[FieldFacts]] = defaultdict(list)
    for facts in fields:
        by_name[facts.name].append(facts)
        by_name[facts.field].append(facts)
    objects = {facts.object for facts in fields}
    found = []
    for key, target in sorted(field_map.items()):
        named = key.rpartition(".")[0]
        if named and named not in objects:
            continue
        if target and target not in marketo:
            problem = f"pairs {key} with {target}, which is no Marketo field, so {key} is not paired that way"
            advice = "write the field's REST name, as the column marketo of remediator fields has it"
            found.append(_setting(key, target, Severity.HIGH, problem, advice))
        elif key not in by_name:
            problem = f"names {key}, which remediator's Salesforce user does not see"
            advice = "correct the API name, or give that user read on the field"
            found.append(_setting(key, target, Severity.HIGH, problem, advice))
        elif target and all(facts.marketo_field != target for facts in by_name[key]):
            problem = f"pairs {key} with {target}, which another field of the object has; {key} is left out"
            advice = "pair a Marketo field with one field of an object, and take the other line out"
            found.append(_setting(key, target, Severity.MEDIUM, problem, advice))
    return found


def _setting(key: str, target: str, severity: Severity, problem: str, advice: str) -> Finding:
    named, _, bare = key.rpartition(".")
    return Finding(
        severity=severity,
        kind="setting",
        problem=f"field_map {problem}",
        advice=advice,
        object=named or None,
        field=bare,
        marketo_field=target or None,
    )


def _finding(
    facts: FieldFacts,
    kind: str,
    problem: str,
    advice: str,
    *,
    severity: Severity = Severity.MEDIUM,
    cases: int = 0,
) -> Finding:
    """Return a finding on a field; open cases that show it at work make it a high one."""
    return Finding(
        severity=Severity.HIGH if cases else severity,
        kind=kind,
        problem=problem,
        advice=advice,
        object=facts.object,
        field=facts.field,
        marketo_field=facts.marketo_field,
        open_cases=cases,
    )


def _of_pair(facts: FieldFacts) -> Iterator[Finding]:
    if facts.object != _PULLED_ONLY:
        yield from _of_pushed_pair(facts)
    if facts.formula:
        yield _finding(
            facts,
            "formula",
            f"{facts.name} is a formula synced to {facts.marketo_field}: Marketo takes its value only when "
            "the record's SystemModstamp moves (Adobe, field sync). A new result alone saves no record, so "
            "Marketo may hold an older one; Salesforce does not list what moves the stamp",
            "do not trust its age in smart lists; where it must be "
            "current, let a flow copy it into a plain field",
            severity=Severity.LOW,
        )
    if facts.role is None:
        yield from _twins(facts)
    for entry, cases in sorted(facts.refused_inactive.items()):
        yield _finding(
            facts,
            "inactive_value",
            f'"{entry}" is an inactive value of {facts.name}, and still refused: {_cases(cases)}',
            "make it active again, or teach its successor: remediator "
            "review --pick, or remediator aliases add",
            cases=cases,
        )


def _of_pushed_pair(facts: FieldFacts) -> Iterator[Finding]:
    ours, theirs = f"Marketo's {facts.marketo_field}", facts.name
    closed = facts.restricted and bool(facts.picklist)
    if closed and facts.marketo_type in _FREE_TEXT:
        listed = sum(entry.active for entry in facts.picklist)
        what = "of the org's countries or states" if facts.role else "of its picklist"
        yield _finding(
            facts,
            "free_text_to_picklist",
            f"{ours} takes any text, {theirs} only the {listed} values {what}, so whatever else is typed is "
            "refused",
            "let Marketo's forms offer exactly these values, and keep the fixer of this field on",
            cases=facts.cases.get(Category.INVALID_PICKLIST, 0),
        )
    elif facts.marketo_length and facts.length and facts.marketo_length > facts.length:
        # A standard field's length is Salesforce's own; there the form is the only place to act.
        custom = facts.field.endswith("__c")
        longer = "lengthen the Salesforce field, or " if custom else ""
        yield _finding(
            facts,
            "too_long",
            f"{ours} takes {facts.marketo_length:,} characters, {theirs} {facts.length:,}, so a longer value "
            "is refused",
            f"{longer}limit forms and imports to {facts.length:,} characters",
            severity=Severity.MEDIUM if custom else Severity.LOW,
            cases=facts.codes.get("STRING_TOO_LONG", 0),
        )
    mine, other = _FAMILIES.get(facts.marketo_type or ""), _FAMILIES.get(facts.type)
    if mine and other and mine != other != "text":
        yield _finding(
            facts,
            "type",
            f"{ours} is a {facts.marketo_type}, {theirs} a {facts.type}, so a value that cannot be read as "
            "one is refused",
            f"sync a Marketo {other} field instead (a new one: changing a field's type may wipe its values), "
            "or limit what forms let in",
            cases=sum(facts.codes.get(code, 0) for code in _UNREADABLE),
        )
    if facts.precision and (cases := facts.codes.get("NUMBER_OUTSIDE_VALID_RANGE", 0)):
        digits = facts.precision - (facts.scale or 0)
        yield _finding(
            facts,
            "out_of_range",
            f"{theirs} holds {digits} digits before the point, and Marketo sent larger numbers: "
            f"{_cases(cases)}",
            "give the Salesforce field more digits, or cap the value in Marketo",
            cases=cases,
        )
    if facts.read_only and not facts.formula:
        yield _finding(
            facts,
            "read_only",
            f"{theirs} is synced to {facts.marketo_field}, but remediator's Salesforce user may not write "
            "it: nobody may, or this user lacks edit. What the sync user may do, describe does not tell us",
            "if the sync user may not either, block updates to it in Marketo (Field Management) or grant "
            "edit; remediator access lists what it was refused",
        )
    if facts.required and (cases := facts.cases.get(Category.MISSING_REQUIRED, 0)):
        yield _finding(
            facts,
            "required_empty",
            f"{theirs} is required, and Marketo sent records without it: {_cases(cases)}",
            f"make {facts.marketo_field} required in forms and imports, or set fixers.defaults: {theirs}",
            cases=cases,
        )


def _required_alone(facts: FieldFacts) -> Finding:
    return _finding(
        facts,
        "required_alone",
        f"{facts.name} is required and has no default, and no Marketo field is known to be synced to it, so "
        f"a new {facts.object} of Marketo's is refused unless something in Salesforce fills it first",
        "give it a default in Salesforce, sync a Marketo field to it, or name its partner in field_map",
        severity=Severity.HIGH,
        cases=facts.cases.get(Category.MISSING_REQUIRED, 0),
    )


def _twins(facts: FieldFacts) -> Iterator[Finding]:
    alike: dict[str, list[str]] = defaultdict(list)
    for entry in facts.picklist:
        if entry.active and entry.value not in alike[folded(entry.value)]:
            alike[folded(entry.value)].append(entry.value)
    for values in alike.values():
        if len(values) > 1:
            named = " and ".join(f'"{value}"' for value in sorted(values))
            yield _finding(
                facts,
                "alike_values",
                f"{facts.name} has the values {named}, which differ in case or blanks only, so which of them "
                "a text means cannot be told, and reports count them apart",
                "keep one and replace the others in Salesforce (Setup, Replace)",
            )


def _shared_labels(fields: Sequence[FieldFacts]) -> Iterator[Finding]:
    alike: dict[tuple[str, str], list[FieldFacts]] = defaultdict(list)
    for facts in fields:
        alike[facts.object, folded(facts.label)].append(facts)
    for members in alike.values():
        first = next((facts for facts in members if facts.marketo_field), None)
        if first is not None and len(members) > 1:
            named = " and ".join(sorted(facts.name for facts in members))
            yield _finding(
                first,
                "shared_label",
                f'{named} share the label "{first.label}"; many refusals name the label alone, and then '
                "nobody can tell which field is meant",
                "rename all labels but one; Marketo's mapping does not follow the label (Adobe, field sync)",
            )


def _without_partner(fields: Sequence[FieldFacts], marketo: Sequence[MarketoFacts]) -> Iterator[Finding]:
    paired = {facts.marketo_field for facts in fields}
    for ours in marketo:
        # Ids and flags of the link itself have no field to be paired with.
        if not ours.synced or ours.field in paired or ours.field.startswith("sfdc"):
            continue
        rivals = [
            facts
            for facts in fields
            if facts.marketo_field
            and (facts.field == ours.field or folded(facts.label) == folded(ours.label))
        ]
        if rivals:
            one = rivals[0]
            yield _finding(
                one,
                "two_partners",
                f"{one.marketo_field} and {ours.field} both look like Marketo's field for {one.name}; "
                f"remediator takes {one.marketo_field}, because {one.paired_because}",
                "hide the one in Marketo that is not synced, or say which it is in field_map",
            )
        else:
            yield Finding(
                severity=Severity.LOW,
                kind="no_partner",
                problem=f"Marketo calls {ours.field} synced, but no Salesforce field is known for it: it is "
                "mapped under another name, was deleted in Salesforce, or remediator's user may not read it",
                advice="name its partner in field_map, give that user read, or hide the field in Marketo",
                marketo_field=ours.field,
            )


def _refused_rights(fields: Sequence[FieldFacts], requests: Iterable[AccessRequest]) -> Iterator[Finding]:
    objects = {facts.object for facts in fields}
    partners = {facts.name: facts.marketo_field for facts in fields}
    for request in requests:
        if request.kind in _GRANTS and request.object in objects and request.fields:
            name = f"{request.object}.{request.fields[0]}"
            right = "edit" if request.kind == "field_edit" else "read"
            yield Finding(
                severity=Severity.HIGH,
                kind=f"no_{right}",
                problem=f"the sync user was refused {right} on {name}: {_cases(request.cases)}",
                advice=f"{request.grant}; see: remediator access",
                object=request.object,
                field=request.fields[0],
                marketo_field=partners.get(name),
                open_cases=request.cases,
            )


def _cases(count: int) -> str:
    return "1 open case" if count == 1 else f"{count:,} open cases"
