"""Write what was approved, record what became of it, and find out what an interrupted run left.

The order of effects within a batch is the promise: read, compare, durable intent, write, durable outcome.
Whatever kills the process between two of them leaves a change that the next run can settle by reading.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from loguru import logger

from remediator.changes import Change, ChangeState, Settlement, StoredChange
from remediator.engine.batches import Batch, batches
from remediator.engine.core import Engine, Step
from remediator.engine.undoing import DECAYED, why_not_undo
from remediator.errors import (
    AccessDenied,
    NoAnswer,
    PermanentError,
    PlanRefused,
    RateLimited,
    TransientError,
    VendorError,
)
from remediator.model import SystemName
from remediator.pacing import groups
from remediator.policy import Limits, check_limits
from remediator.systems.base import ReadResult, RecordWrite, WriteResult
from remediator.values import Record, same_value

_STOP_AFTER = 3
"""Batches in a row that fail before the run stops: the system is down, not the batch."""

_STALE_INTENT = timedelta(seconds=30)
"""An intent older than this is not sent any more: another run may soon take it for lost, and what was read
before it may have moved."""

_SPOILERS = 3
"""Records that may spoil one batch; when more do, it is not them, and nothing more of the batch is sent."""

_Row = tuple[RecordWrite, list[Change]]

_Place = tuple[SystemName, str, str]
"""System, object and field."""


@dataclass(slots=True, kw_only=True)
class ApplyReport:
    """What became of a plan's approved changes.

    Attributes:
        outcomes: ``{state: changes}``; ``unknown`` counts those that could not be read and were left alone,
            ``unsettled`` those whose write may still be under way, ``held`` those that the store did not
            give out.
        stopped: why the run ended early, ``None`` if it did not.
        notes: ``{note: changes}`` of everything that was not applied.
    """

    plan: str
    outcomes: Counter[str] = field(default_factory=Counter)
    notes: Counter[str] = field(default_factory=Counter)
    stopped: str | None = None

    @property
    def clean(self) -> bool:
        """Everything approved was applied."""
        return self.stopped is None and set(self.outcomes) <= {ChangeState.APPLIED}


def apply_plan(engine: Engine, plan: str, *, run: int, only: Collection[str] | None = None) -> ApplyReport:
    """Write a stored plan's approved changes; what was written before is not written again.

    Args:
        engine: whose store holds the plan.
        plan: its id.
        run: the run that writes.
        only: ids of the changes to take now; the others stay approved. ``None`` is all.

    Raises:
        PlanRefused: no such plan, or nothing in it is approved.
        LimitReached: the approved changes are over a limit; nothing was written.
        AccessDenied: credentials or rights are missing.
        StoreError: the intent could not be recorded; nothing was written.
    """
    if engine.store.plan(plan) is None:
        raise PlanRefused(f"no plan {plan} in this store; see: remediator plan, or remediator runs list")
    report = ApplyReport(plan=plan)
    settle_interrupted(engine, run=run, report=report, plan=plan)
    stored_changes = [
        stored
        for stored in engine.store.changes(plan=plan, states={ChangeState.APPROVED})
        if only is None or stored.change.id in only
    ]
    decayed = [stored.change for stored in stored_changes if not stored.intact]
    _settle(engine, _all(decayed, ChangeState.CONFLICTED, DECAYED), run=run, report=report)
    approved = [stored.change for stored in stored_changes if stored.intact]
    if not approved and not report.outcomes:
        _refuse_undecided(engine, plan)
        return report
    check_limits(approved, Limits(max_changes=engine.settings.limits.max_changes))
    approved = _still_writable(engine, approved, run=run, report=report)
    approved = _still_undoable(engine, approved, run=run, report=report)
    failures = 0
    done = 0
    for batch in batches(approved, _sizes(engine)):
        try:
            _apply_batch(engine, batch, run=run, report=report)
            failures = 0
        except AccessDenied:
            raise
        except RateLimited as exc:
            report.stopped = str(exc)
            break
        except VendorError as exc:
            failures += 1
            report.notes[str(exc)] += len(batch.changes)
            logger.bind(event="batch_failed", plan=plan).warning("A batch was not written: {}", exc)
            if failures >= _STOP_AFTER:
                report.stopped = f"{failures} batches in a row failed; the last one: {exc}"
                break
        done += len(batch.changes)
        engine.on_step(Step(name="applying", done=done, total=len(approved)))
    return report


def _refuse_undecided(engine: Engine, plan: str) -> None:
    """Say why there is nothing to do, unless it is because all has been done."""
    rejected: StoredChange | None = None
    for stored in engine.store.changes(plan=plan):
        if stored.state is ChangeState.PLANNED:
            raise PlanRefused(
                f"plan {plan}: nothing in it is approved; decide first: remediator review {plan}"
            )
        if stored.state is not ChangeState.REJECTED:
            return
        rejected = rejected or stored
    if rejected is not None:
        raise PlanRefused(f"plan {plan}: nothing in it may be written: {rejected.note or 'all was rejected'}")


def _still_undoable(engine: Engine, approved: list[Change], *, run: int, report: ApplyReport) -> list[Change]:
    """Settle undos that came too late as conflicts, and return the rest.

    The value alone does not tell: it may equal what the undo expects because somebody set it so since.
    """
    late = why_not_undo(engine, [change for change in approved if change.undoes is not None])
    _settle(
        engine,
        [Settlement(change=id_, state=ChangeState.CONFLICTED, note=why) for id_, why in late.items()],
        run=run,
        report=report,
    )
    return [change for change in approved if change.id not in late]


def _sizes(engine: Engine) -> dict[SystemName, int]:
    return {
        SystemName.MARKETO: engine.marketo.write_size,
        SystemName.SALESFORCE: engine.salesforce.write_size,
    }


def _still_writable(engine: Engine, approved: list[Change], *, run: int, report: ApplyReport) -> list[Change]:
    """Settle changes of fields that may not be written any more as conflicts, and return the rest.

    What both systems allow is as they described it within the last quarter of an hour. Changes that share a
    record or a case fall together.
    """
    closed: dict[_Place, str] = {}
    for system, object_name, name in sorted({_place(change) for change in approved}):
        described = engine.system(system).describe(object_name).fields.get(name)
        if described is None or not described.updateable:
            closed[system, object_name, name] = (
                f"{system} no longer lets us write {object_name}.{name}; plan again"
            )
    if not closed:
        return approved
    left: list[Settlement] = []
    for group in groups(approved):
        reasons = [closed[_place(change)] for change in group if _place(change) in closed]
        if reasons:
            left += _all(group, ChangeState.CONFLICTED, reasons[0])
    _settle(engine, left, run=run, report=report)
    gone = {settlement.change for settlement in left}
    return [change for change in approved if change.id not in gone]


def _place(change: Change) -> _Place:
    return change.system, change.object, change.field


def _apply_batch(engine: Engine, batch: Batch, *, run: int, report: ApplyReport) -> None:
    system = engine.system(batch.system)
    engine.on_step(Step(name="before_read"))
    try:
        read = system.read(batch.object, list(batch.records), batch.fields)
    except VendorError:
        report.outcomes["unknown"] += len(batch.changes)
        raise
    settlements, writable = _compare(batch, read, report)
    engine.on_step(Step(name="before_intent"))
    _settle(engine, settlements, run=run, report=report)
    if not writable:
        return
    intended = set(
        engine.store.intend(
            [change.id for change in writable],
            run=run,
            actor=engine.actor,
            now=engine.clock(),
            lease=engine.lease,
        )
    )
    if held := len(writable) - len(intended):
        report.outcomes["held"] += held
        report.notes["another run took it, or a change beside it is undecided"] += held
    engine.on_step(Step(name="before_write"))
    _write(engine, batch, intended, run=run, report=report)
    engine.on_step(Step(name="after_batch"))


def _compare(batch: Batch, read: ReadResult, report: ApplyReport) -> tuple[list[Settlement], list[Change]]:
    """Part a batch into what is settled by the read alone and what may be written."""
    settlements: list[Settlement] = []
    writable: list[Change] = []
    for record_id, changes in batch.records.items():
        values = read.records.get(record_id)
        if values is None:
            if record_id in read.missing:
                note = f"{batch.system} has no {batch.object} {record_id} any more"
                settlements.extend(_all(changes, ChangeState.CONFLICTED, note))
            else:
                report.outcomes["unknown"] += len(changes)
            continue
        moved = [change for change in changes if not _as_planned(change, values)]
        if moved or not all(change.field in values for change in changes):
            # The changes of a record belong together: a country that moved makes the state's fix a guess.
            names = ", ".join(change.field for change in moved) or "a field that was not returned"
            note = f"{names} changed since the plan was made; left alone"
            settlements.extend(_all(changes, ChangeState.CONFLICTED, note))
            continue
        for change in changes:
            if same_value(values[change.field], change.after):
                settlements.append(
                    Settlement(change=change.id, state=ChangeState.APPLIED, note="was already there")
                )
            else:
                writable.append(change)
    return settlements, writable


def _as_planned(change: Change, values: Record) -> bool:
    current = values.get(change.field)
    return same_value(current, change.before) or same_value(current, change.after)


def _all(changes: Iterable[Change], state: ChangeState, note: str) -> list[Settlement]:
    return [Settlement(change=change.id, state=state, note=note) for change in changes]


def _write(engine: Engine, batch: Batch, intended: set[str], *, run: int, report: ApplyReport) -> None:
    """Send a batch; one that is refused as a whole is halved until the records that spoil it are alone."""
    rows: list[_Row] = []
    for record_id, changes in batch.records.items():
        mine = [change for change in changes if change.id in intended]
        if mine:
            rows.append((RecordWrite(record_id=record_id, values={c.field: c.after for c in mine}), mine))
    intended_at = engine.clock()
    unsent, spoilers = ([rows] if rows else []), 0
    while unsent:
        part = unsent.pop()
        try:
            results = _send(engine, batch, part, intended_at=intended_at)
        except NoAnswer as exc:
            logger.bind(event="write_unknown", changes=len(part)).warning("No answer to a write: {}", exc)
            _settle_by_reading(engine, _changes(part), since=None, run=run, report=report)
            continue
        except VendorError as exc:
            if isinstance(exc, PermanentError) and not isinstance(exc, AccessDenied) and spoilers < _SPOILERS:
                if len(part) > 1:
                    unsent += [part[len(part) // 2 :], part[: len(part) // 2]]
                    continue
                spoilers += 1
                _settle(engine, _all(_changes(part), ChangeState.FAILED, str(exc)), run=run, report=report)
                continue
            # Certainly not carried out, so these may be tried again by the next run.
            left = _changes([row for rest in (part, *unsent) for row in rest])
            _settle(engine, _all(left, ChangeState.APPROVED, f"not written: {exc}"), run=run, report=report)
            raise
        engine.on_step(Step(name="after_write"))
        settlements: list[Settlement] = []
        unclear: list[Change] = []
        for (_, mine), result in zip(part, results, strict=True):
            if isinstance(result.error, NoAnswer):
                unclear += mine
            else:
                settlements += _outcome(mine, result.error)
        _settle(engine, settlements, run=run, report=report)
        _settle_by_reading(engine, unclear, since=None, run=run, report=report)


def _send(
    engine: Engine, batch: Batch, part: Sequence[_Row], *, intended_at: datetime
) -> Sequence[WriteResult]:
    engine.gate()
    if engine.clock() - intended_at > _STALE_INTENT:
        raise TransientError("the write was held back too long and was not sent; run again")
    return engine.system(batch.system).write(batch.object, [write for write, _ in part])


def _changes(part: Iterable[_Row]) -> list[Change]:
    return [change for _, mine in part for change in mine]


def _outcome(changes: Sequence[Change], error: VendorError | None) -> list[Settlement]:
    match error:
        case None:
            return [Settlement(change=change.id, state=ChangeState.APPLIED) for change in changes]
        case TransientError():
            return _all(changes, ChangeState.APPROVED, f"not written: {error}")
        case _:
            return _all(changes, ChangeState.FAILED, str(error))


def _settle(engine: Engine, settlements: Sequence[Settlement], *, run: int, report: ApplyReport) -> None:
    if not settlements:
        return
    now = engine.clock()
    verify_at = now + timedelta(seconds=engine.settings.verify.settle_s)
    engine.store.settle(settlements, run=run, actor=engine.actor, now=now, verify_at=verify_at)
    for settlement in settlements:
        report.outcomes[settlement.state] += 1
        if settlement.state is not ChangeState.APPLIED and settlement.note:
            report.notes[settlement.note] += 1


def settle_interrupted(engine: Engine, *, run: int, report: ApplyReport, plan: str | None = None) -> None:
    """Find out by reading what became of writes whose outcome was never recorded.

    A value that reads as ``after`` was applied, as ``before`` was not written (once the vendor can no longer
    be working on it), and anything else was changed by somebody and is left alone.
    """
    open_changes: list[StoredChange] = list(engine.store.changes(plan=plan, states={ChangeState.INTENDED}))
    since = {stored.change.id: stored.intended_at for stored in open_changes}
    _settle_by_reading(
        engine, [stored.change for stored in open_changes], since=since, run=run, report=report
    )


def _settle_by_reading(
    engine: Engine,
    changes: Sequence[Change],
    *,
    since: dict[str, datetime | None] | None,
    run: int,
    report: ApplyReport,
) -> None:
    """Settle intended changes by what the system shows now; ``since`` is when each was intended."""
    still_possible = engine.clock() - timedelta(seconds=engine.settings.verify.late_write_s)
    for batch in batches(changes, _sizes(engine)):
        try:
            read = engine.system(batch.system).read(batch.object, list(batch.records), batch.fields)
        except VendorError as exc:
            report.outcomes["unsettled"] += len(batch.changes)
            report.notes[f"could not be read back: {exc}"] += len(batch.changes)
            continue
        settlements: list[Settlement] = []
        for change in batch.changes:
            values = read.records.get(change.record_id)
            intended_at = since.get(change.id) if since is not None else engine.clock()
            late = intended_at is not None and intended_at > still_possible
            settlement = _read_back(change, values, missing=change.record_id in read.missing, late=late)
            if settlement is None:
                report.outcomes["unsettled"] += 1
                report.notes["the vendor may still carry the write out; run again later"] += 1
            else:
                settlements.append(settlement)
        engine.on_step(Step(name="before_settle"))
        _settle(engine, settlements, run=run, report=report)


def _read_back(change: Change, values: Record | None, *, missing: bool, late: bool) -> Settlement | None:
    if values is None or change.field not in values:
        if missing:
            return Settlement(change=change.id, state=ChangeState.FAILED, note="the record is gone")
        return None
    current = values[change.field]
    if same_value(current, change.after):
        return Settlement(change=change.id, state=ChangeState.APPLIED, note="found applied when read back")
    if same_value(current, change.before):
        if late:
            return None
        return Settlement(change=change.id, state=ChangeState.APPROVED, note="read back: was not written")
    return Settlement(
        change=change.id, state=ChangeState.CONFLICTED, note=f"{change.field} was changed by somebody else"
    )
