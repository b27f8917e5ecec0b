"""Make the dry run: for every case the exact change that would clear it, or why there is none."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice

from loguru import logger

from remediator.changes import Plan, StoredChange
from remediator.crashes import place
from remediator.engine.core import Engine, ObjectFields, Step
from remediator.engine.drafting import Draft, Drafts, SalesforceValues, drafts_of
from remediator.engine.load import sync_pace
from remediator.engine.proposing import Proposer, failing_fields
from remediator.engine.targets import Target, find_targets
from remediator.errors import RemediatorError
from remediator.fixing import Declined, FixRequest
from remediator.lifecycle import PLANNABLE
from remediator.model import Case, Category, Diagnosis, FailureLevel, Owner
from remediator.plan import Throughput, new_plan
from remediator.store import CaseQuery

FIXABLE = frozenset({Category.INVALID_PICKLIST, Category.BAD_DATA, Category.MISSING_REQUIRED})
"""Categories in which a changed value can clear the failure."""

_PAGE = 2_000
"""Cases planned together: as many as one read of Salesforce takes; Marketo's client cuts it by 300."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanResult:
    """A plan, and what came to light while it was made.

    Attributes:
        fixer_faults: ``{fixer name: times it broke its contract}``.
        came_back: applied changes that no case tells of, whose places need the same values again.
    """

    plan: Plan
    fixer_faults: Mapping[str, int]
    came_back: tuple[StoredChange, ...] = ()


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
    proposer = Proposer.of(engine)
    drafts = Drafts()
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
        throughput=Throughput(synced_per_hour=sync_pace(engine.settings)),
    )
    if save:
        engine.store.save_plan(plan, actor=engine.actor, run=run, now=now)
    return PlanResult(plan=plan, fixer_faults=dict(proposer.faults))


def _pages(cases: Iterable[Case]) -> Iterator[list[Case]]:
    # The store streams by keyset, and planning moves no case before the end, so a page is stable.
    iterator = iter(cases)
    while page := list(islice(iterator, _PAGE)):
        yield page


def _plan_page(engine: Engine, page: Sequence[Case], proposer: Proposer, drafts: Drafts) -> None:
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
                match _propose_alone(engine, case, target, proposer, salesforce):
                    case Declined() as declined:
                        drafts.decline(case.id, declined)
                    case found:
                        drafts.add(case, found)


def _propose_alone(
    engine: Engine, case: Case, target: Target, proposer: Proposer, salesforce: SalesforceValues
) -> list[Draft] | Declined:
    """Propose for a case; one that breaks us is declined, so that it does not stop all the others."""
    try:
        with logger.contextualize(case_id=case.id, rule=case.diagnosis.rule):
            return _propose(engine, case, target, proposer, salesforce)
    except RemediatorError:
        raise
    except Exception as exc:  # noqa: BLE001 - the case boundary: a bug that one record brings out stays with it
        logger.bind(event="planning_broke", case_id=case.id, rule=case.diagnosis.rule).error(
            "Case {} could not be planned; this is a bug: {}", case.id, place(exc)
        )
        return Declined(
            f"planning this case broke off ({place(exc)}), which is a bug; the others were planned. Report "
            "it, and repair the record by hand"
        )


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


def _propose(
    engine: Engine, case: Case, target: Target, proposer: Proposer, salesforce: SalesforceValues
) -> list[Draft] | Declined:
    fields = engine.fields(target.object)
    record = fields.record(target.values)
    failing = failing_fields(_as_named_on(engine, case, fields), fields.descriptions, record)
    if isinstance(failing, Declined):
        # Outside the data categories nobody expects the text to name a value, so that is no reason.
        return failing if case.diagnosis.category in FIXABLE else _who_must_act(case.diagnosis)
    drafts: list[Draft] = []
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
        written = drafts_of(case, target, fields, record, answer, salesforce, first=len(drafts))
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
