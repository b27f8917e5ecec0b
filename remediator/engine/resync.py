"""Push fixed people to Salesforce where the native sync would not do it by itself.

A changed synced field of a linked person re-queues it in the next cycle. A Marketo-only person goes over
only by the flow step Sync Person to SFDC (Marketo fact sheet, section 5.2).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from remediator.engine.batches import cut
from remediator.engine.core import Engine, Step
from remediator.model import ChangeState, StoredChange, SystemName

TRIGGER_SIZE = 100
_LIST_SIZE = 300
_LIST_PAYS_ABOVE = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class ResyncReport:
    """How the written records get across.

    Attributes:
        native: left to the native cycle, because they are linked and really changed.
        requested: pushed by a campaign; ``way`` says by which kind.
        waiting: Marketo-only people that no campaign of the settings can push.
    """

    native: int
    requested: int
    waiting: int
    way: str | None


def resync(engine: Engine, plan: str, *, run: int) -> ResyncReport:
    """Request a push for the Marketo-only people of a plan's applied changes, each once a plan.

    Raises:
        VendorError: the campaign could not be asked; people already requested stay recorded.
    """
    applied = list(engine.store.changes(plan=plan, states={ChangeState.APPLIED}))
    done = engine.store.resynced(plan)
    unlinked: dict[str, list[StoredChange]] = {}
    native: set[str] = set()
    for stored in applied:
        change = stored.change
        if change.system is not SystemName.MARKETO or change.salesforce_id is not None:
            native.add(change.record_id)
        elif change.id not in done:
            unlinked.setdefault(change.record_id, []).append(stored)
    way = _way(engine, len(unlinked))
    if not unlinked or way is None:
        return ResyncReport(native=len(native), requested=0, waiting=len(unlinked), way=way)
    people = list(unlinked)
    for chunk in cut(people, TRIGGER_SIZE if way == "trigger" else _LIST_SIZE):
        changes = [stored.change.id for person in chunk for stored in unlinked[person]]
        _push(engine, way, chunk, changes, run=run)
    if way == "list" and engine.settings.marketo.resync_batch_campaign is not None:
        engine.gate()
        engine.marketo.schedule_campaign(engine.settings.marketo.resync_batch_campaign)
    return ResyncReport(native=len(native), requested=len(people), waiting=0, way=way)


def _way(engine: Engine, people: int) -> str | None:
    settings = engine.settings.marketo
    by_list = settings.resync_list is not None and settings.resync_batch_campaign is not None
    if by_list and (people > _LIST_PAYS_ABOVE or settings.resync_campaign is None):
        return "list"
    return "trigger" if settings.resync_campaign is not None else None


def _push(engine: Engine, way: str, people: Sequence[str], changes: Sequence[str], *, run: int) -> None:
    settings = engine.settings.marketo
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
    if way == "trigger" and settings.resync_campaign is not None:
        engine.marketo.trigger_campaign(settings.resync_campaign, list(people))
    elif settings.resync_list is not None:
        engine.marketo.add_to_list(settings.resync_list, list(people))
    engine.on_step(Step(name="after_resync"))
    engine.store.mark_resynced(list(changes), way=way, run=run, actor=engine.actor, now=engine.clock())
