"""Make the dry run: for every case the exact change that would clear it, or why there is none."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice

from remediator.engine.core import MARKETO_PERSON, Engine, ObjectFields, Step
from remediator.engine.proposing import Answer, Proposer, failing_fields
from remediator.engine.record_types import RecordTypes
from remediator.engine.targets import Target, find_targets
from remediator.engine.teaching import Teaching
from remediator.model import (
    Candidate,
    Case,
    CaseState,
    Category,
    Change,
    Confidence,
    Declined,
    DeclinedCase,
    Diagnosis,
    FailureLevel,
    FieldDescription,
    FixRequest,
    Owner,
    Plan,
    Record,
    SystemName,
    Value,
    same_value,
)
from remediator.plan import Throughput, new_plan
from remediator.store import CaseQuery
from remediator.systems.base import ReadResult
from remediator.systems.fieldmap import is_company_field

PLANNABLE = frozenset({CaseState.OPEN, CaseState.PROPOSED, CaseState.DECLINED, CaseState.CONFLICTED})
"""States whose cases a new plan may take up; it replaces what an older, undecided plan said of them."""

FIXABLE = frozenset({Category.INVALID_PICKLIST, Category.BAD_DATA, Category.MISSING_REQUIRED})
"""Categories in which a changed value can clear the failure."""

_PAGE = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class _Draft:
    """A change before the plan numbers it, with the order of its edit within the proposal."""

    change: Change
    order: int


@dataclass(slots=True, kw_only=True)
class _Drafts:
    """Changes so far, at most one a field of a record."""

    by_place: dict[tuple[SystemName, str, str, str], _Draft] = field(default_factory=dict)
    declined: list[DeclinedCase] = field(default_factory=list)

    def add(self, case: Case, drafts: Sequence[_Draft]) -> None:
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
        self.declined.append(DeclinedCase(case=case, reason=declined.reason, candidates=declined.candidates))

    def changes(self) -> list[Change]:
        """Records in the order they came, within a record in the order of the proposal's edits."""
        records: dict[tuple[SystemName, str, str], list[_Draft]] = {}
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


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanResult:
    """A plan, and which fixers broke their contract while it was made."""

    plan: Plan
    fixer_faults: Mapping[str, int]


def make_plan(
    engine: Engine, *, query: CaseQuery, run: int, campaign: str | None = None, save: bool = True
) -> PlanResult:
    """Plan all cases that the query selects; writes to no vendor.

    Args:
        query: which cases; its states are narrowed to those that may be planned.
        save: keep the plan, so that it can be decided on and applied; else it is only looked at.

    Raises:
        VendorError: a describe or read failed; nothing was stored, since an incomplete plan would look like
            a complete one.
    """
    proposer = Proposer(
        fixers=engine.fixers,
        teaching=Teaching.of(engine.settings.fixers.options, engine.store.aliases.all()),
        record_types=RecordTypes(engine),
        timeout_s=engine.settings.fixers.timeout_s,
    )
    drafts = _Drafts()
    states = (frozenset(query.states) & PLANNABLE) if query.states else PLANNABLE
    selected = replace(query, states=states)
    total = engine.store.count_cases(selected)
    done = 0
    for page in _pages(engine.store.cases(selected)):
        _plan_page(engine, page, proposer, drafts)
        done += len(page)
        engine.on_step(Step(name="planning", done=done, total=total))
    now = engine.clock()
    plan = new_plan(
        connection=engine.settings.connection,
        campaign=campaign,
        created_at=now,
        config_hash=engine.config_hash,
        changes=drafts.changes(),
        declined=drafts.declined,
        throughput=Throughput(synced_per_hour=engine.settings.verify.records_per_hour),
    )
    if save:
        engine.store.save_plan(plan, actor=engine.actor, run=run, now=now)
    return PlanResult(plan=plan, fixer_faults=dict(proposer.faults))


def _pages(cases: Iterable[Case]) -> Iterator[list[Case]]:
    # The store streams by keyset, and planning moves no case before the end, so a page is stable.
    iterator = iter(cases)
    while page := list(islice(iterator, _PAGE)):
        yield page


def _plan_page(engine: Engine, page: Sequence[Case], proposer: Proposer, drafts: _Drafts) -> None:
    workable: list[Case] = []
    for case in page:
        if case.diagnosis.retryable and case.diagnosis.category not in FIXABLE:
            # Not for a plan: the retry queue serves it, and no person need look at it.
            continue
        if (why_not := _not_ours(case)) is not None:
            drafts.decline(case.id, why_not)
        else:
            workable.append(case)
    if not workable:
        return
    targets = find_targets(engine, workable, _fields_to_read(engine))
    salesforce = SalesforceValues(
        engine, [target for target in targets.values() if isinstance(target, Target)]
    )
    for case in workable:
        match targets[case.id]:
            case Declined() as declined:
                drafts.decline(case.id, declined)
            case Target() as target:
                match _propose(engine, case, target, proposer, salesforce):
                    case Declined() as declined:
                        drafts.decline(case.id, declined)
                    case found:
                        drafts.add(case, found)


def _not_ours(case: Case) -> Declined | None:
    """Say why no value change can help, or ``None`` when one may."""
    diagnosis = case.diagnosis
    if case.level is FailureLevel.JOB:
        return Declined(f"the whole sync job failed, no single record: {diagnosis.reason}")
    if diagnosis.category in FIXABLE:
        return None
    if diagnosis.fixers:
        return None
    return _who_must_act(diagnosis)


def _who_must_act(diagnosis: Diagnosis) -> Declined:
    who = {
        Owner.SALESFORCE_ADMIN: "the Salesforce admin must act; see: remediator access",
        Owner.MARKETING_OPS: "marketing operations must decide",
        Owner.VENDOR: "the vendor must act",
        Owner.REMEDIATOR: "nothing is wrong with the data; it is tried again, see: remediator retry",
    }[diagnosis.owner]
    return Declined(f"{diagnosis.category.value.replace('_', ' ')}: {who}")


def _fields_to_read(engine: Engine) -> list[str]:
    names: dict[str, None] = {}
    for object_name in ("Lead", "Contact"):
        names.update(dict.fromkeys(engine.fields(object_name).by_marketo_name))
    return list(names)


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


def _propose(
    engine: Engine, case: Case, target: Target, proposer: Proposer, salesforce: SalesforceValues
) -> list[_Draft] | Declined:
    fields = engine.fields(target.object)
    record = {
        fields.by_marketo_name[name]: value
        for name, value in target.values.items()
        if name in fields.by_marketo_name
    }
    failing = failing_fields(_as_named_on(engine, case, fields), fields.descriptions, record)
    if isinstance(failing, Declined):
        # Outside the data categories nobody expects the text to name a value, so that is no reason.
        return failing if case.diagnosis.category in FIXABLE else _who_must_act(case.diagnosis)
    drafts: list[_Draft] = []
    for description in failing:
        scope = proposer.record_types.scope(target, description, salesforce.get)
        if isinstance(scope, Declined):
            return scope
        request = FixRequest(
            object=target.object,
            field=scope.fields[description.name],
            record=record,
            fields=scope.fields,
            diagnosis=case.diagnosis,
        )
        answer = proposer.ask(request, proposer.names_for(case.diagnosis), scope)
        if isinstance(answer, Declined):
            return Declined(f"{description.name}: {answer.reason}", answer.candidates)
        written = _drafts_of(case, target, fields, record, answer, salesforce, first=len(drafts))
        if isinstance(written, Declined):
            return written
        drafts.extend(written)
    return drafts or Declined("the fields named are already as they should be; the next sync should pass")


def _as_named_on(engine: Engine, case: Case, fields: ObjectFields) -> Diagnosis:
    """Return the diagnosis with its fields as the person's object calls them now.

    A lead that was converted after the failure is a contact: its ``Country`` is a ``MailingCountry``.
    """
    diagnosis = case.diagnosis
    reported = diagnosis.object or case.object
    if reported not in ("Lead", "Contact") or reported == fields.object:
        return diagnosis
    before = engine.fields(reported).descriptions

    def now(name: str) -> str:
        marketo_name = before[name].marketo_name if name in before else None
        return fields.by_marketo_name.get(marketo_name or "", name)

    return replace(diagnosis, fields=tuple(now(name) for name in diagnosis.fields))


def _drafts_of(
    case: Case,
    target: Target,
    fields: ObjectFields,
    record: Record,
    answer: Answer,
    salesforce: SalesforceValues,
    *,
    first: int,
) -> list[_Draft] | Declined:
    drafts: list[_Draft] = []
    for position, edit in enumerate(answer.proposal.edits):
        description = fields.descriptions[edit.field]
        place = _where_to_write(description, target, salesforce)
        if isinstance(place, Declined):
            return place
        before = record.get(edit.field) if place.system is SystemName.MARKETO else place.before
        if same_value(before, edit.after):
            continue
        drafts.append(
            _Draft(
                change=_change(case, target, description, place, before, edit.after, answer),
                order=first + position,
            )
        )
    return drafts or Declined(f"{target.object} already has the proposed value; the next sync should pass")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Place:
    """Where a field can be written: system, object, record, field, and the value Salesforce holds now."""

    system: SystemName
    object: str
    record_id: str
    field: str
    before: Value = None


def _where_to_write(
    description: FieldDescription, target: Target, salesforce: SalesforceValues
) -> _Place | Declined:
    name = description.name
    if description.marketo_name is None:
        return Declined(
            f"{name} is synced with no Marketo field that we know; name it in field_map: "
            f"{{{target.object}.{name}: marketoName}}"
        )
    if description.marketo_updateable:
        return _Place(
            system=SystemName.MARKETO,
            object=MARKETO_PERSON,
            record_id=target.marketo_id,
            field=description.marketo_name,
        )
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
    return _Place(
        system=SystemName.SALESFORCE,
        object=target.object,
        record_id=target.salesforce_id,
        field=name,
        before=before,
    )


def _change(
    case: Case,
    target: Target,
    description: FieldDescription,
    place: _Place,
    before: Value,
    after: Value,
    answer: Answer,
) -> Change:
    proposal = answer.proposal
    return Change(
        id="",
        cases=(case.id,),
        system=place.system,
        object=place.object,
        record_id=place.record_id,
        field=place.field,
        before=before,
        after=after,
        fixer=answer.fixer,
        rule=case.diagnosis.rule,
        confidence=_confidence(proposal.confidence),
        reason=proposal.reason,
        salesforce_field=description.name,
        salesforce_object=target.object,
        salesforce_id=target.salesforce_id,
        candidates=_top(proposal.candidates),
    )


def _confidence(confidence: Confidence) -> Confidence:
    # A plug-in may hand over the bare word.
    return Confidence(confidence)


def _top(candidates: Sequence[Candidate]) -> tuple[Candidate, ...]:
    return tuple(candidates[:5])
