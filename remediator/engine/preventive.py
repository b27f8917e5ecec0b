"""Fix what Salesforce would refuse before it is refused: records in place of cases.

A value counts only when the field's own description refuses it, so a fixer is asked about nothing that would
have passed. The changes hang on no case; they are proven by the campaign's next run.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from difflib import get_close_matches
from itertools import islice

from fixers.acceptance import refusal
from remediator.api import FieldDescription
from remediator.campaigns import Campaign
from remediator.changes import Change, ChangeState, StoredChange
from remediator.engine.batches import cut
from remediator.engine.comparing import is_shown
from remediator.engine.core import MARKETO_PERSON, Engine, ObjectFields, Step
from remediator.engine.drafting import SalesforceValues, change_of, marketo_place
from remediator.engine.planning import PlanResult
from remediator.engine.proposing import Answer, Proposer
from remediator.engine.record_types import Scope
from remediator.engine.targets import LINK_FIELDS, Target, target_of
from remediator.errors import ConfigError
from remediator.fixing import FixRequest
from remediator.plan import Throughput, new_plan
from remediator.values import Record, Value, same_value

_PAGE = 2_000
"""People looked at together: as many as one read of Salesforce takes; Marketo's client cuts it by 300."""

_REMEMBERED = 60
"""The campaign's latest plans, in which is looked up what was said or done about a record before."""

_NEW_LEAD = 12
"""Marketo's activity type "New Lead", the same in every subscription."""

_SETTLED = frozenset({ChangeState.REJECTED, ChangeState.FAILED})


@dataclass(frozen=True, slots=True, kw_only=True)
class PreventiveProof:
    """What re-reading showed of preventive changes.

    Attributes:
        proven: both systems show the value.
        reverted: Marketo no longer holds it.
        waiting: Salesforce does not show it (yet), or a side no longer shows us the field.
    """

    proven: int = 0
    reverted: int = 0
    waiting: int = 0


def plan_records(engine: Engine, campaign: Campaign) -> PlanResult:
    """Return a plan, not yet saved, for the records that the campaign selects.

    Raises:
        ConfigError: its objects have none of the fields that the campaign names.
        VendorError: a read failed or was incomplete; then nothing is planned.
    """
    _check_fields(engine, campaign)
    proposer = Proposer.of(engine)
    known = _Known.of(engine, campaign)
    changes: list[Change] = []
    done = 0
    people = iter(_people(engine, campaign))
    while page := list(islice(people, _PAGE)):
        targets = list(_targets(engine, campaign, page))
        salesforce = SalesforceValues(engine, targets)
        for target in targets:
            changes += _changes(engine, campaign, target, proposer, known, salesforce)
        done += len(page)
        engine.on_step(Step(name="planning", done=done))
    plan = new_plan(
        connection=engine.settings.connection,
        campaign=campaign.name,
        created_at=engine.clock(),
        config_hash=engine.config_hash,
        changes=changes,
        declined=(),
        throughput=Throughput(synced_per_hour=engine.settings.verify.records_per_hour),
    )
    return PlanResult(
        plan=plan, fixer_faults=dict(proposer.faults), came_back=tuple(known.came_back.values())
    )


def _check_fields(engine: Engine, campaign: Campaign) -> None:
    """Refuse a campaign of whose fields there is none: it would look at nothing, for good."""
    kinds, wanted = campaign.select.objects or ("Lead", "Contact"), campaign.select.fields
    known = sorted({name for kind in kinds for name in engine.fields(kind).descriptions})
    # One of several that was hidden or removed meanwhile does not stop what is left.
    if not wanted or not set(wanted).isdisjoint(known):
        return
    near = get_close_matches(wanted[0], known, n=1)
    raise ConfigError(
        f"campaign '{campaign.name}': select.fields: no field '{wanted[0]}' on {' or '.join(kinds)}"
        + (f"; did you mean '{near[0]}'?" if near else "; see: remediator fields")
    )


def _people(engine: Engine, campaign: Campaign) -> Iterator[str]:
    """Yield Marketo ids, each once."""
    select, now = campaign.select, engine.clock()
    if select.changed_within_h is not None:
        fields = sorted(_looked_at_in_marketo(engine, campaign))
        since = now - timedelta(hours=select.changed_within_h)
        changed = dict.fromkeys(entry.lead_id for entry in engine.marketo.lead_changes(fields, since))
        # Whoever is new has no change of a value in the log.
        changed |= dict.fromkeys(entry.lead_id for entry in engine.marketo.activities([_NEW_LEAD], since))
        yield from changed
        return
    for criteria in _criteria(campaign, now):
        seen: set[str] = set()
        for row in engine.marketo.extract_leads(["id"], criteria):
            if (person := row.get("id")) is not None and person not in seen:
                seen.add(person)
                yield person


def _criteria(campaign: Campaign, now: datetime) -> Iterator[Mapping[str, object]]:
    select = campaign.select
    if select.static_list is not None:
        yield {"staticListId": select.static_list}
    for name, hours in (("updatedAt", select.updated_within_h), ("createdAt", select.created_within_h)):
        if hours is not None:
            start = now - timedelta(hours=hours)
            yield {name: {"startAt": f"{start:%Y-%m-%dT%H:%M:%SZ}", "endAt": f"{now:%Y-%m-%dT%H:%M:%SZ}"}}


def _targets(engine: Engine, campaign: Campaign, people: Sequence[str]) -> Iterator[Target]:
    names = {name for kind in ("Lead", "Contact") for name in engine.fields(kind).by_marketo_name}
    read = engine.marketo.read(MARKETO_PERSON, people, [*sorted(names), *LINK_FIELDS])
    for person in people:
        # Who was deleted or merged since the extract is nobody's failure.
        if (values := read.records.get(person)) is None:
            continue
        target = target_of(person, values)
        if not campaign.select.objects or target.object in campaign.select.objects:
            yield target


def _looked_at(campaign: Campaign, fields: ObjectFields) -> list[FieldDescription]:
    wanted = set(campaign.select.fields)
    return [
        description
        for name, description in fields.descriptions.items()
        if description.marketo_name is not None
        and description.marketo_updateable
        and (not wanted or name in wanted)
    ]


def _looked_at_in_marketo(engine: Engine, campaign: Campaign) -> set[str]:
    return {
        str(description.marketo_name)
        for kind in campaign.select.objects or ("Lead", "Contact")
        for description in _looked_at(campaign, engine.fields(kind))
    }


def _changes(
    engine: Engine,
    campaign: Campaign,
    target: Target,
    proposer: Proposer,
    known: _Known,
    salesforce: SalesforceValues,
) -> list[Change]:
    """Return the changes that make one person acceptable, as far as they are known and new."""
    fields = engine.fields(target.object)
    record = fields.record(target.values)
    changes: dict[str, Change] = {}
    for description in _looked_at(campaign, fields):
        value = record.get(description.name)
        if value in (None, "") or description.name in changes:
            continue
        scope = proposer.record_types.scope(target, description, salesforce.get)
        if not isinstance(scope, Scope) or not _is_refused(description, value, record, scope):
            continue
        request = FixRequest(
            object=target.object, field=scope.fields[description.name], record=record, fields=scope.fields
        )
        answer = proposer.ask(request, campaign.fixers, scope)
        made = _made(target, fields, record, answer) if isinstance(answer, Answer) else []
        if all(change.salesforce_field not in changes and known.is_new(change) for change in made):
            changes |= {str(change.salesforce_field): change for change in made}
            record |= {str(change.salesforce_field): change.after for change in made}
    return list(changes.values())


def _is_refused(description: FieldDescription, value: Value, record: Record, scope: Scope) -> bool:
    return refusal(scope.fields[description.name], value, record, scope.fields) is not None


def _made(target: Target, fields: ObjectFields, record: Record, answer: Answer) -> list[Change]:
    """Return the proposal's edits as changes; none when one of them cannot be written in Marketo."""
    changes: list[Change] = []
    for edit in answer.proposal.edits:
        description = fields.descriptions[edit.field]
        place = marketo_place(description, target, record)
        if place is None:
            return []
        if not same_value(place.before, edit.after):
            made = change_of(target, description, place, edit.after, answer)
            changes.append(replace(made, reason=f"before Salesforce refuses it: {made.reason}"))
    return changes


@dataclass(slots=True, kw_only=True)
class _Known:
    """What the campaign's latest plans say about places, so that a night does not repeat the last one's.

    Attributes:
        came_back: applied changes whose place needs the same value again, by id.
    """

    places: Mapping[tuple[str, str], Sequence[StoredChange]]
    came_back: dict[str, StoredChange] = field(default_factory=dict)

    @classmethod
    def of(cls, engine: Engine, campaign: Campaign) -> _Known:
        places: dict[tuple[str, str], list[StoredChange]] = {}
        for stored in _latest(engine, campaign):
            places.setdefault((stored.change.record_id, stored.change.field), []).append(stored)
        return cls(places=places)

    def is_new(self, change: Change) -> bool:
        """Say whether nobody is to decide on this place, and nobody refused this very change."""
        for stored in self.places.get((change.record_id, change.field), ()):
            again = same_value(stored.change.after, change.after)
            if stored.state in (ChangeState.PLANNED, ChangeState.APPROVED, ChangeState.INTENDED):
                return False
            if stored.state in _SETTLED and again and same_value(stored.change.before, change.before):
                return False
            if stored.state is ChangeState.APPLIED and again:
                self.came_back[stored.change.id] = stored
        return True


def _latest(engine: Engine, campaign: Campaign) -> Iterator[StoredChange]:
    for plan in engine.store.plans(limit=_REMEMBERED, campaign=campaign.name):
        yield from engine.store.changes(plan=plan.id)


def verify_records(
    engine: Engine, campaign: Campaign, *, since: datetime, until: datetime, run: int
) -> PreventiveProof:
    """Re-read what the campaign wrote before anything failed, each change once when its time has come.

    Args:
        engine: as the campaign sees it.
        campaign: whose changes.
        since: when the last run began; what was due then has been looked at.
        until: when this run began, where the next one's look sets in.
        run: for the audit trail.

    Raises:
        VendorError: a read failed or was incomplete; the next run looks at all of it again.
    """
    now, settle = engine.clock(), timedelta(seconds=engine.settings.verify.settle_s)
    due = [
        stored.change
        for stored in _latest(engine, campaign)
        if stored.state is ChangeState.APPLIED
        and not stored.change.cases
        and stored.settled_at is not None
        and since - settle < stored.settled_at <= until - settle
    ]
    proven: list[str] = []
    reverted: list[str] = []
    # One name that is unknown today would spoil the whole read.
    seen = [change for change in due if _is_described(engine, change)]
    waiting = len(due) - len(seen)
    for page in cut(seen, _PAGE):
        marketo = engine.marketo.read(
            MARKETO_PERSON,
            list(dict.fromkeys(change.record_id for change in page)),
            list(dict.fromkeys([*(change.field for change in page), *LINK_FIELDS])),
        )
        shown = _shown(engine, page)
        for change in page:
            values = marketo.records.get(change.record_id)
            if values is not None and not same_value(values.get(change.field), change.after):
                reverted.append(change.id)
            elif values is not None and _is_shown(engine, change, shown):
                proven.append(change.id)
            else:
                waiting += 1
    if due:
        engine.store.running.mark_reverted(reverted, now=now)
        engine.store.append_audit(
            "preventive_verified",
            actor=engine.actor,
            run=run,
            payload={"proven": len(proven), "reverted": reverted, "waiting": waiting},
            now=now,
        )
    return PreventiveProof(proven=len(proven), reverted=len(reverted), waiting=waiting)


def _is_described(engine: Engine, change: Change) -> bool:
    """Say whether both systems still show us the field."""
    fields = engine.fields(change.salesforce_object or "Lead")
    return fields.by_marketo_name.get(change.field) == change.salesforce_field


def _shown(engine: Engine, changes: Sequence[Change]) -> dict[str, Record]:
    shown: dict[str, Record] = {}
    for kind in ("Lead", "Contact"):
        linked = [change for change in changes if change.salesforce_object == kind and change.salesforce_id]
        ids = list(dict.fromkeys(str(change.salesforce_id) for change in linked))
        names = sorted({str(change.salesforce_field) for change in linked})
        if ids:
            shown |= engine.salesforce.read(kind, ids, names).records
    return shown


def _is_shown(engine: Engine, change: Change, shown: Mapping[str, Record]) -> bool:
    values = shown.get(change.salesforce_id or "", {})
    name = change.salesforce_field or ""
    description = engine.fields(change.salesforce_object or "Lead").descriptions.get(name)
    return name in values and is_shown(change.after, values[name], description)
