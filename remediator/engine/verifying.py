"""Prove that a fix worked, by reading both systems again.

A case is cleared only when the Marketo value is still ours, the Salesforce record shows it, and no newer
failure has come. What could not be read proves nothing and changes nothing. A value that was written in
Salesforce must have come back to Marketo too, or the next push would carry the old one over again.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import Enum

from loguru import logger

from remediator.changes import Change, ChangeState, StoredChange
from remediator.engine.batches import cut
from remediator.engine.comparing import is_shown
from remediator.engine.core import MARKETO_PERSON, Engine, Step
from remediator.engine.resync import leave_list, push_left
from remediator.engine.targets import LINK_FIELDS, target_of
from remediator.errors import ConfigError, VendorError
from remediator.model import Case, CaseState, SystemName, Verdict
from remediator.store import CaseMove, CaseQuery, Store
from remediator.systems.base import ReadResult
from remediator.values import Record, same_value

_PAGE = 2_000
"""Cases judged together: as many as one read of Salesforce takes records (SObject Collections, Retrieve)."""

_ASKED = 900
"""Cases, or records, that one question to the store names."""

_LOOK_AGAIN = timedelta(minutes=5)
"""The native sync runs about every five minutes, so looking sooner proves nothing new."""

_LOOK_AT_LEAST = timedelta(hours=6)
"""A case that waits for another problem of its record waits as long as that lasts, at this rate at last."""


@dataclass(slots=True, kw_only=True)
class VerifyReport:
    """What re-reading showed.

    Attributes:
        verdicts: ``{verdict: cases}``.
        waiting: not there yet; looked at again later.
        unknown: could not be read.
        pushed: people whose push was not on record, and who were pushed now.
    """

    verdicts: Counter[str] = field(default_factory=Counter)
    waiting: int = 0
    unknown: int = 0
    pushed: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class _Evidence:
    """What one page of cases needs to be judged.

    Attributes:
        marketo: persons read, with their link fields.
        salesforce: ``{object: records read}``.
    """

    marketo: ReadResult
    salesforce: Mapping[str, ReadResult]


def verify_due(engine: Engine, *, run: int, due_only: bool = True) -> VerifyReport:
    """Judge the cases whose fix has had time to go across.

    Args:
        due_only: ``False`` judges all that were written, also those whose time has not come.

    Raises:
        VendorError: a read failed or was incomplete; cases of earlier pages keep their verdicts.
    """
    report = VerifyReport()
    now = engine.clock()
    due_before = now if due_only else None
    _push_left(engine, report, run=run, due_before=due_before)
    query = CaseQuery(states=frozenset({CaseState.VERIFYING}), due_before=due_before)
    cases = list(engine.store.cases(query))
    for number, page in enumerate(cut(cases, _PAGE)):
        _verify_page(engine, page, report, run=run, now=now)
        engine.on_step(Step(name="verifying", done=min((number + 1) * _PAGE, len(cases)), total=len(cases)))
    return report


def _push_left(engine: Engine, report: VerifyReport, *, run: int, due_before: datetime | None) -> None:
    """Push first whom a process that died did not get to push, or no look would ever prove anything."""
    try:
        report.pushed = push_left(engine, run=run, due_before=due_before)
    except (VendorError, ConfigError) as exc:
        # What has gone across by itself can be proven all the same; the next look asks again.
        logger.bind(event="push_failed").warning("People written before could not be pushed: {}", exc)


def _verify_page(
    engine: Engine, page: Sequence[Case], report: VerifyReport, *, run: int, now: datetime
) -> None:
    written = _latest_writes(engine, page)
    evidence = _gather(engine, page, written)
    newer = _newer_failures(engine, page, written)
    moves: list[CaseMove] = []
    for case in page:
        move = _judge(engine, case, written[case.id], evidence, newer.get(case.id, ()), now=now)
        if move is None:
            report.unknown += 1
            continue
        moves.append(move)
        if move.after is CaseState.VERIFYING and move.verdict is None:
            report.waiting += 1
        elif move.verdict is not None:
            report.verdicts[move.verdict] += 1
    engine.store.move(moves, actor=engine.actor, run=run, now=now)
    cleared = {move.case for move in moves if move.after is CaseState.CLEARED}
    _leave_list(engine, [case for case in page if case.id in cleared], written, run=run)


def _leave_list(
    engine: Engine, cleared: Sequence[Case], written: Mapping[int, Sequence[StoredChange]], *, run: int
) -> None:
    people = {
        person
        for case in cleared
        for change in (stored.change for stored in written[case.id])
        if (person := _pushed_for(change, case)) is not None
    }
    leave_list(engine, sorted(people), run=run)


def _pushed_for(change: Change, case: Case) -> str | None:
    """Return the person who was pushed for a change; ``None`` where the native sync does it by itself."""
    if change.system is SystemName.SALESFORCE:
        return case.marketo_id
    return change.record_id if change.salesforce_id is None else None


def _latest_writes(engine: Engine, page: Sequence[Case]) -> dict[int, list[StoredChange]]:
    """For each case the applied changes of the last plan that wrote for it."""
    applied: dict[int, list[StoredChange]] = {case.id: [] for case in page}
    # A change of several cases may come with more than one question.
    found = {
        stored.change.id: stored
        for chunk in cut(list(applied), _ASKED)
        for stored in engine.store.changes_of(list(chunk), {ChangeState.APPLIED})
    }
    for stored in found.values():
        if stored.change.undoes is None:
            for case in stored.change.cases:
                if case in applied:
                    applied[case].append(stored)
    return {case: _of_last_plan(changes) for case, changes in applied.items()}


def _of_last_plan(applied: list[StoredChange]) -> list[StoredChange]:
    latest = max((stored.settled_at for stored in applied if stored.settled_at), default=None)
    plans = {stored.plan for stored in applied if stored.settled_at == latest}
    return [stored for stored in applied if stored.plan in plans]


def _gather(engine: Engine, page: Sequence[Case], written: Mapping[int, Sequence[StoredChange]]) -> _Evidence:
    # Only what both still describe: one field that is gone would fail the read of everybody.
    known = engine.marketo.describe(MARKETO_PERSON).fields
    people: dict[str, None] = {}
    names: dict[str, None] = {}
    shown: dict[str, dict[str, None]] = defaultdict(dict)
    linked: dict[str, dict[str, None]] = defaultdict(dict)
    listed = [stored.change for changes in written.values() for stored in changes]
    for case in page:
        for change in (stored.change for stored in written[case.id]):
            person = change.record_id if change.system is SystemName.MARKETO else case.marketo_id
            name = _marketo_field(change, engine)
            if person is not None and name is not None:
                people[person] = None
                if name in known:
                    names[name] = None
    marketo = (
        engine.marketo.read(MARKETO_PERSON, list(people), [*names, *LINK_FIELDS]) if people else ReadResult()
    )
    for change in listed:
        place = _salesforce_place(change, marketo)
        if place is not None and change.salesforce_field is not None:
            linked[place[0]][place[1]] = None
            if (name := _field_on(place[0], change, engine)) in engine.fields(place[0]).descriptions:
                shown[place[0]][name] = None
    salesforce = {
        name: engine.salesforce.read(name, list(ids), list(shown[name])) for name, ids in linked.items()
    }
    return _Evidence(marketo=marketo, salesforce=salesforce)


def _marketo_field(change: Change, engine: Engine) -> str | None:
    """What Marketo calls the changed field; ``None`` when it is not synced."""
    if change.system is SystemName.MARKETO:
        return change.field
    description = engine.fields(change.object).descriptions.get(change.field)
    return None if description is None else description.marketo_name


def _salesforce_place(change: Change, marketo: ReadResult) -> tuple[str, str] | None:
    """Object and id of the Salesforce record that should show the change, as linked now."""
    if change.system is SystemName.SALESFORCE:
        return change.object, change.record_id
    target = target_of(change.record_id, marketo.records.get(change.record_id, {}))
    return None if target.salesforce_id is None else (target.object, target.salesforce_id)


def _field_on(object_name: str, change: Change, engine: Engine) -> str:
    """The Salesforce field that shows a change; a lead that became a contact since has other names."""
    planned = change.salesforce_field or change.field
    if object_name == change.salesforce_object or change.system is SystemName.SALESFORCE:
        return planned
    return engine.fields(object_name).by_marketo_name.get(change.field, planned)


def _newer_failures(
    engine: Engine, page: Sequence[Case], written: Mapping[int, Sequence[StoredChange]]
) -> dict[int, list[Case]]:
    """Other open cases of the same records that were seen after the write: the next problem surfaced."""
    records = {case.marketo_id for case in page if case.marketo_id} | {
        case.salesforce_id for case in page if case.salesforce_id
    }
    others: dict[str, list[Case]] = defaultdict(list)
    known_others = {
        other.id: other
        for chunk in cut(sorted(records), _ASKED)
        for other in engine.store.cases(CaseQuery(records=frozenset(chunk)))
    }
    for other in known_others.values():
        for record in (other.marketo_id, other.salesforce_id):
            if record is not None and other.state not in (CaseState.CLEARED, CaseState.RESOLVED):
                others[record].append(other)
    newer: dict[int, list[Case]] = {}
    for case in page:
        since = _written_at(written[case.id])
        if since is None:
            continue
        known = {
            other.id: other
            for record in (case.marketo_id, case.salesforce_id)
            if record is not None
            for other in others[record]
        }
        newer[case.id] = [
            other
            for other in known.values()
            if other.id != case.id and failed_since(engine.store, other, since)
        ]
    return newer


def failed_since(store: Store, case: Case, moment: datetime) -> bool:
    """Say whether a case failed after a moment, as far as reports that came after it can tell.

    A report that was there before cannot speak of what was written since, however late its clock, which may
    be in another zone than ours or ahead of it, says that it failed.
    """
    if case.last_seen <= moment:
        return False
    return any(seen.failed_at > moment and seen.taken_at > moment for seen in store.sightings(case.id))


def _written_at(writes: Sequence[StoredChange]) -> datetime | None:
    return max((stored.settled_at for stored in writes if stored.settled_at), default=None)


def _judge(
    engine: Engine,
    case: Case,
    writes: Sequence[StoredChange],
    evidence: _Evidence,
    newer: Sequence[Case],
    *,
    now: datetime,
) -> CaseMove | None:
    """Return the move that the evidence supports; ``None`` when something could not be read."""
    written_at = _written_at(writes)
    if written_at is None:
        return _to(case, CaseState.OPEN, "its changes were taken back", None)
    for stored in writes:
        match _still_ours(stored.change, evidence.marketo):
            case None:
                return _unseen(engine, case, writes, evidence)
            case _Held.GONE:
                return _to(case, CaseState.OPEN, "Marketo has no such person any more", None)
            case _Held.OTHER:
                why = "no longer holds what we wrote: something changed it back or further"
                return _to(case, CaseState.OPEN, f"{stored.change.field} {why}", Verdict.REVERTED)
    if failed_since(engine.store, case, written_at):
        return _to(
            case, CaseState.OPEN, "refused again for the same reason after the fix", Verdict.SAME_ERROR
        )
    shows = [_shows(engine, stored.change, evidence) for stored in writes]
    shows += [_came_back(engine, case, stored.change, evidence.marketo) for stored in writes]
    if any(shown is None for shown in shows):
        return _unseen(engine, case, writes, evidence)
    if all(shows):
        return _to(case, CaseState.CLEARED, "both systems show the value", Verdict.CLEARED)
    pushed = [stored.pushed_at for stored in writes if stored.pushed_at is not None]
    return _not_yet(engine, case, newer, since=max([written_at, *pushed]), now=now)


def _unseen(
    engine: Engine, case: Case, writes: Sequence[StoredChange], evidence: _Evidence
) -> CaseMove | None:
    """End the wait for a proof that cannot come, since a field is gone or hidden; ``None`` if none is."""
    known = engine.marketo.describe(MARKETO_PERSON).fields
    unseen = [
        stored.change.field
        for stored in writes
        if stored.change.system is SystemName.MARKETO and stored.change.field not in known
    ]
    for stored in writes:
        if (place := _salesforce_place(stored.change, evidence.marketo)) is not None:
            name = _field_on(place[0], stored.change, engine)
            unseen += [] if name in engine.fields(place[0]).descriptions else [name]
    if not unseen:
        return None
    return _to(case, CaseState.OPEN, f"{unseen[0]} can no longer be seen, so nothing proves the fix", None)


def _not_yet(
    engine: Engine, case: Case, newer: Sequence[Case], *, since: datetime, now: datetime
) -> CaseMove:
    waited = now - since
    later = now + min(max(_LOOK_AGAIN, waited / 4), _LOOK_AT_LEAST)
    if newer:
        codes = ", ".join(dict.fromkeys(other.diagnosis.code or other.diagnosis.category for other in newer))
        return _to(
            case, CaseState.VERIFYING, f"the next problem surfaced: {codes}", Verdict.NEW_ERROR, due_at=later
        )
    if waited > timedelta(seconds=engine.settings.verify.give_up_s):
        return _to(case, CaseState.OPEN, "Salesforce never showed the value, and no failure came", None)
    return _to(case, CaseState.VERIFYING, "Salesforce does not show it yet", None, due_at=later)


def _to(
    case: Case, after: CaseState, note: str, verdict: Verdict | None, *, due_at: datetime | None = None
) -> CaseMove:
    return CaseMove(case=case.id, before=case.state, after=after, note=note, verdict=verdict, due_at=due_at)


class _Held(Enum):
    """What Marketo holds where we wrote."""

    OURS = "ours"
    OTHER = "other"
    GONE = "gone"


def _still_ours(change: Change, marketo: ReadResult) -> _Held | None:
    """Say whether Marketo still holds what we wrote there; ``None`` is unknown."""
    if change.system is SystemName.SALESFORCE:
        return _Held.OURS
    values = marketo.records.get(change.record_id)
    if values is None:
        return _Held.GONE if change.record_id in marketo.missing else None
    if change.field not in values:
        return None
    return _Held.OURS if same_value(values[change.field], change.after) else _Held.OTHER


def _came_back(engine: Engine, case: Case, change: Change, marketo: ReadResult) -> bool | None:
    """Say whether Marketo has taken over what we wrote in Salesforce; ``None`` is unknown."""
    name = _marketo_field(change, engine)
    if change.system is SystemName.MARKETO or case.marketo_id is None or name is None:
        return True
    values = marketo.records.get(case.marketo_id)
    if values is None:
        return False if case.marketo_id in marketo.missing else None
    field = engine.fields(change.object).descriptions.get(change.field)
    return is_shown(change.after, values.get(name), field) if name in values else None


def _shows(engine: Engine, change: Change, evidence: _Evidence) -> bool | None:
    place = _salesforce_place(change, evidence.marketo)
    if place is None:
        return False
    read = evidence.salesforce.get(place[0], ReadResult())
    values: Record | None = read.records.get(place[1])
    if values is None:
        return False if place[1] in read.missing else None
    name = _field_on(place[0], change, engine)
    if name not in values:
        return None
    return is_shown(change.after, values[name], engine.fields(place[0]).descriptions.get(name))
