"""Push fixed people to Salesforce where the native sync would not do it by itself.

A changed synced field of a linked person re-queues it in the next cycle. Two kinds of people go over only by
the flow step Sync Person to SFDC (Marketo fact sheet, section 5.2): those whom Salesforce does not have, and
those whose fix was written in Salesforce, because a pull re-queues nobody and whatever else is wrong with
them would stay unseen.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from loguru import logger

from remediator.changes import ChangeState, StoredChange
from remediator.engine.batches import cut
from remediator.engine.core import Engine, Step
from remediator.errors import ConfigError, VendorError
from remediator.model import SystemName
from remediator.store import CaseQuery
from remediator.systems.base import WriteResult

_TRIGGER_SIZE = 100
_LIST_SIZE = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class ResyncReport:
    """How the written records get across.

    Attributes:
        native: left to the native cycle, because they are linked and really changed.
        requested: pushed by a campaign; ``way`` says by which kind.
        waiting: Marketo-only people that no campaign of the settings can push.
        refused: ``{Marketo's reason: people}`` whom it would not take; they are asked for again next time.
    """

    native: int
    requested: int
    waiting: int
    way: str | None
    refused: Mapping[str, int] = field(default_factory=dict)


@dataclass(slots=True, kw_only=True)
class _Due:
    """Who is to be pushed, ``{Marketo id: ids of the changes it is for}``."""

    native: set[str] = field(default_factory=set)
    unlinked: dict[str, list[str]] = field(default_factory=dict)
    pulled: dict[str, list[str]] = field(default_factory=dict)


def resync(engine: Engine, plan: str, *, run: int) -> ResyncReport:
    """Request a push for the people of a plan's applied changes who need one, each once a plan.

    Raises:
        ConfigError: the campaign cannot serve; nobody was pushed.
        VendorError: the campaign could not be asked; people already requested stay recorded.
    """
    due = _due(engine, plan)
    way = way_for(engine, len(due.unlinked.keys() | due.pulled.keys()))
    if way is None:
        native = len(due.native | due.pulled.keys())
        return ResyncReport(native=native, requested=0, waiting=len(due.unlinked), way=None)
    people = {
        person: [*due.unlinked.get(person, ()), *due.pulled.get(person, ())]
        for person in dict.fromkeys([*due.unlinked, *due.pulled])
    }
    taken, refused = _pushed(engine, way, people, run=run) if people else (0, {})
    return ResyncReport(native=len(due.native), requested=taken, waiting=0, way=way, refused=refused)


def push_left(engine: Engine, *, run: int, due_before: datetime | None) -> int:
    """Push whom an earlier process wrote and did not get to push; return how many were taken.

    A process that dies between a write and its push leaves nobody else to ask for it: the native sync never
    takes such a person. Where only the answer was lost they are pushed twice, which changes nothing.

    Args:
        engine: of the connection.
        run: for the audit trail.
        due_before: only where a case is due to be looked at, so that whom Marketo refuses is asked for no
            more often than that; ``None`` is all that wait for their proof.

    Raises:
        ConfigError: the campaign that pushes cannot serve.
        VendorError: it could not be asked; people already requested stay recorded.
    """
    if way_for(engine, 1) is None:
        return 0
    plans = engine.store.running.unpushed_plans(due_before=due_before)
    return sum(resync(engine, plan, run=run).requested for plan in plans)


def leave_list(engine: Engine, people: Sequence[str], *, run: int) -> None:
    """Take people who need no push any more off the list; the next start would push them all again."""
    list_id = engine.settings.marketo.resync_list
    if list_id is None or not people:
        return
    engine.store.append_audit(
        "resync_list_left", actor=engine.actor, run=run, payload={"people": list(people)}, now=engine.clock()
    )
    engine.gate()
    try:
        engine.marketo.remove_from_list(list_id, list(people))
    except VendorError as exc:
        # What is proven stands without it; staying on the list only costs a push that changes nothing.
        logger.bind(event="resync_list_kept").warning("People stay on the resync list: {}", exc)


def _due(engine: Engine, plan: str) -> _Due:
    done = engine.store.resynced(plan)
    due = _Due()
    in_salesforce: list[StoredChange] = []
    for stored in engine.store.changes(plan=plan, states={ChangeState.APPLIED}):
        change = stored.change
        if change.system is SystemName.SALESFORCE:
            in_salesforce.append(stored)
        elif change.salesforce_id is not None:
            due.native.add(change.record_id)
        elif change.id not in done and change.cases:
            # Whom nobody has asked Salesforce to take (prevention) is not made a lead there by us.
            due.unlinked.setdefault(change.record_id, []).append(change.id)
    persons = _persons(engine, in_salesforce)
    for stored in in_salesforce:
        if stored.change.id in done:
            continue
        for case in stored.change.cases:
            if (person := persons.get(case)) is not None:
                due.pulled.setdefault(person, []).append(stored.change.id)
    return due


def _persons(engine: Engine, written: Sequence[StoredChange]) -> dict[int, str]:
    """Return ``{case: Marketo id}`` for the cases of changes written in Salesforce."""
    cases = sorted({case for stored in written for case in stored.change.cases})
    return {
        case.id: case.marketo_id
        for chunk in cut(cases, _LIST_SIZE)
        for case in engine.store.cases(CaseQuery(ids=chunk))
        if case.marketo_id is not None
    }


def has_list(engine: Engine) -> bool:
    """Say whether people can be pushed by a static list and one start of a batch campaign."""
    settings = engine.settings.marketo
    return settings.resync_list is not None and settings.resync_batch_campaign is not None


def way_for(engine: Engine, people: int) -> str | None:
    """Return the way to push so many people that takes the fewest calls, ``None`` where there is none.

    A list takes calls to put everybody on it, one to start the batch campaign, and as many as the first to
    take everybody off it once the push is proven. Looking at the campaign costs the same for both.
    """
    has_trigger = engine.settings.marketo.resync_campaign is not None
    by_trigger, by_list = -(-people // _TRIGGER_SIZE), 2 * -(-people // _LIST_SIZE) + 1
    if has_list(engine) and (by_list < by_trigger or not has_trigger):
        return "list"
    return "trigger" if has_trigger else None


def size_of(way: str | None) -> int:
    """Return how many people one call of a way pushes."""
    return _LIST_SIZE if way == "list" else _TRIGGER_SIZE


def ask(engine: Engine, way: str, people: Sequence[str]) -> Sequence[WriteResult]:
    """Request a push by trigger campaign, or put people on the list; one result a person."""
    settings = engine.settings.marketo
    if way == "trigger" and settings.resync_campaign is not None:
        return engine.marketo.trigger_campaign(settings.resync_campaign, list(people))
    if settings.resync_list is not None:
        return engine.marketo.add_to_list(settings.resync_list, list(people))
    return ()


def _pushed(
    engine: Engine, way: str, people: Mapping[str, Sequence[str]], *, run: int
) -> tuple[int, dict[str, int]]:
    """Push people; return how many were taken, and ``{reason: people}`` of the others."""
    results: list[WriteResult] = []
    if way == "list":
        check_batch_campaign(engine)
    for chunk in cut(list(people), size_of(way)):
        answers = _push(engine, way, chunk, run=run)
        results += answers
        if way == "trigger":
            _mark(engine, way, people, answers, run=run)
    if way == "list":
        start_batch_campaign(engine)
        # Only now: a crash before it must not leave people on the list whom no campaign has been told of.
        _mark(engine, way, people, results, run=run)
    refused: dict[str, int] = {}
    for result in results:
        if result.error is not None:
            refused[str(result.error)] = refused.get(str(result.error), 0) + 1
    if refused:
        logger.bind(event="resync_refused", people=sum(refused.values())).warning(
            "Marketo did not take {} people for a push", sum(refused.values())
        )
    return len(results) - sum(refused.values()), refused


def _push(engine: Engine, way: str, people: Sequence[str], *, run: int) -> Sequence[WriteResult]:
    # Asking twice is harmless (the flow step pushes the same values again), so intent and outcome are two
    # entries and a crash between them repeats the request.
    engine.store.append_audit(
        "resync_intended",
        actor=engine.actor,
        run=run,
        payload={"way": way, "people": list(people)},
        now=engine.clock(),
    )
    engine.on_step(Step(name="before_resync"))
    engine.gate()
    results = ask(engine, way, people)
    engine.on_step(Step(name="after_resync"))
    return results


def _mark(
    engine: Engine,
    way: str,
    people: Mapping[str, Sequence[str]],
    results: Sequence[WriteResult],
    *,
    run: int,
) -> None:
    changes = [change for result in results if result.error is None for change in people[result.record_id]]
    engine.store.mark_resynced(changes, way=way, run=run, actor=engine.actor, now=engine.clock())


def check_batch_campaign(engine: Engine) -> None:
    """Raise ``ConfigError`` when the batch campaign cannot push the members of the list."""
    campaign = engine.settings.marketo.resync_batch_campaign
    if campaign is None:
        return
    found = engine.marketo.campaign(campaign)
    if found.kind != "batch":
        raise ConfigError(
            f"marketo.resync_batch_campaign: campaign {campaign} ({found.name}) is a {found.kind} campaign; "
            "name a batch campaign, or set it as marketo.resync_campaign"
        )
    if found.runs == "once":
        raise ConfigError(
            f"marketo.resync_batch_campaign: campaign {campaign} ({found.name}) runs once per person, so a "
            "second push is dropped in silence; set its qualification rule to 'every time'"
        )


def start_batch_campaign(engine: Engine) -> None:
    """Let the batch campaign push everybody who is on the list."""
    if (campaign := engine.settings.marketo.resync_batch_campaign) is not None:
        engine.gate()
        engine.marketo.schedule_campaign(campaign)
