"""From a fixer's answer to changes: where each field can be written, and at most one change a field."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from remediator.changes import Change, DeclinedCase
from remediator.engine.core import MARKETO_PERSON, Engine, ObjectFields
from remediator.engine.proposing import Answer
from remediator.engine.targets import Target
from remediator.fixing import Declined, FieldDescription
from remediator.model import Case, Confidence, SystemName
from remediator.systems.base import ReadResult
from remediator.systems.fieldmap import is_company_field
from remediator.values import Record, Value, same_value


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A change before the plan numbers it, with the order of its edit within the proposal."""

    change: Change
    order: int


@dataclass(slots=True, kw_only=True)
class Drafts:
    """Changes so far, at most one a field of a record."""

    by_place: dict[tuple[SystemName, str, str, str], Draft] = field(default_factory=dict)
    declined: list[DeclinedCase] = field(default_factory=list)

    def add(self, case: Case, drafts: Sequence[Draft]) -> None:
        """Take all drafts of a case, or none if one contradicts what another case asked for."""
        for draft in drafts:
            held = self.by_place.get(_place(draft.change))
            if held is not None and not same_value(held.change.after, draft.change.after):
                self.decline(
                    case.id,
                    Declined(
                        f"case {held.change.cases[0]} wants {draft.change.field} to become something else; "
                        "plan again when that one is settled"
                    ),
                )
                return
        for draft in drafts:
            held = self.by_place.get(_place(draft.change))
            kept = held or draft
            cases = (*held.change.cases, case.id) if held else draft.change.cases
            self.by_place[_place(draft.change)] = replace(kept, change=replace(kept.change, cases=cases))

    def decline(self, case: int, declined: Declined) -> None:
        """Note why a case is left alone."""
        self.declined.append(DeclinedCase(case=case, reason=declined.reason, candidates=declined.candidates))

    def changes(self) -> list[Change]:
        """Records in the order they came, within a record in the order of the proposal's edits."""
        records: dict[tuple[SystemName, str, str], list[Draft]] = {}
        for draft in self.by_place.values():
            change = draft.change
            records.setdefault((change.system, change.object, change.record_id), []).append(draft)
        return [
            draft.change
            for drafts in records.values()
            for draft in sorted(drafts, key=lambda draft: draft.order)
        ]


def _place(change: Change) -> tuple[SystemName, str, str, str]:
    return change.system, change.object, change.record_id, change.field


@dataclass(slots=True)
class SalesforceValues:
    """Current values of Salesforce fields that are to be written there; one call a field and page."""

    engine: Engine
    targets: Sequence[Target]
    _known: dict[tuple[str, str], ReadResult] = field(default_factory=dict)

    def get(self, object_name: str, record_id: str, name: str) -> Value | Declined:
        """Return one field's value, or why it is not known."""
        read = self._known.get((object_name, name))
        if read is None:
            ids = [
                target.salesforce_id
                for target in self.targets
                if target.object == object_name and target.salesforce_id is not None
            ]
            read = self.engine.salesforce.read(object_name, list(dict.fromkeys(ids)), [name])
            self._known[object_name, name] = read
        if record_id not in read.records:
            return Declined(f"Salesforce does not show {object_name} {record_id} to us")
        return read.records[record_id].get(name)


def drafts_of(
    case: Case,
    target: Target,
    fields: ObjectFields,
    record: Record,
    answer: Answer,
    salesforce: SalesforceValues,
    *,
    first: int,
) -> list[Draft] | Declined:
    """Return the changes that an answer asks for, or why one of them cannot be written.

    Args:
        record: the person's values by Salesforce field.
        salesforce: for the value that Salesforce holds now, where the change goes there.
        first: the order of the first of them within the case.
    """
    drafts: list[Draft] = []
    for position, edit in enumerate(answer.proposal.edits):
        description = fields.descriptions[edit.field]
        place = _where_to_write(description, target, record, salesforce)
        if isinstance(place, Declined):
            return place
        if same_value(place.before, edit.after):
            continue
        change = change_of(target, description, place, edit.after, answer)
        drafts.append(
            Draft(
                change=replace(change, cases=(case.id,), rule=case.diagnosis.rule),
                order=first + position,
            )
        )
    return drafts or Declined(f"{target.object} already has the proposed value; the next sync should pass")


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a field can be written, and the value that stands there now."""

    system: SystemName
    object: str
    record_id: str
    field: str
    before: Value


def marketo_place(description: FieldDescription, target: Target, record: Record) -> Place | None:
    """Return where a person's field is written in Marketo, ``None`` if its API may not write it.

    Args:
        record: the person's values by Salesforce field.
    """
    if description.marketo_name is None or not description.marketo_updateable:
        return None
    return Place(
        system=SystemName.MARKETO,
        object=MARKETO_PERSON,
        record_id=target.marketo_id,
        field=description.marketo_name,
        before=record.get(description.name),
    )


def _where_to_write(
    description: FieldDescription, target: Target, record: Record, salesforce: SalesforceValues
) -> Place | Declined:
    name = description.name
    if description.marketo_name is None:
        return Declined(
            f"{name} is synced with no Marketo field that we know; name it in field_map: "
            f"{{{target.object}.{name}: marketoName}}"
        )
    if (place := marketo_place(description, target, record)) is not None:
        return place
    if not is_company_field(description.marketo_name):
        return Declined(f"Marketo does not let its API write {description.marketo_name}")
    if target.salesforce_id is None or target.object != "Lead" or not description.updateable:
        return Declined(
            f"{description.marketo_name} is a company field: while the Salesforce sync is on, Marketo's API "
            "cannot write it, and there is no Salesforce lead to write instead; change it in Marketo"
        )
    before = salesforce.get(target.object, target.salesforce_id, name)
    if isinstance(before, Declined):
        return before
    return Place(
        system=SystemName.SALESFORCE,
        object=target.object,
        record_id=target.salesforce_id,
        field=name,
        before=before,
    )


def change_of(
    target: Target, description: FieldDescription, place: Place, after: Value, answer: Answer
) -> Change:
    """Return the change, not yet numbered, that hangs on no case and follows from no rule."""
    proposal = answer.proposal
    return Change(
        id="",
        cases=(),
        system=place.system,
        object=place.object,
        record_id=place.record_id,
        field=place.field,
        before=place.before,
        after=after,
        fixer=answer.fixer,
        rule=None,
        # A plug-in may hand over the bare word.
        confidence=Confidence(proposal.confidence),
        reason=proposal.reason,
        salesforce_field=description.name,
        salesforce_object=target.object,
        salesforce_id=target.salesforce_id,
        candidates=tuple(proposal.candidates[:5]),
    )
