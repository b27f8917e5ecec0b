"""Serve the failures that need no change, only another try: row locks, time-outs, approval locks.

Each visit looks first: a record that is in step by now needs no push, and its case is cleared by that proof.
Otherwise the person is pushed by the flow step, on a clock of its category's own, until the tries run out.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from random import Random
from types import MappingProxyType

from remediator.engine import load
from remediator.engine.batches import cut
from remediator.engine.core import Engine, Step
from remediator.engine.in_step import is_in_step, salesforce_records
from remediator.engine.resync import (
    ask,
    check_batch_campaign,
    has_list,
    leave_list,
    size_of,
    start_batch_campaign,
    way_for,
)
from remediator.engine.targets import Target, find_targets
from remediator.engine.writing import writing_turn
from remediator.errors import ConfigError, LeaseLost, LimitReached, VendorError
from remediator.fixing import Declined
from remediator.model import Case, CaseState, Category, Verdict
from remediator.retry import RetryPolicy
from remediator.store import Attempts, CaseMove, CaseQuery
from remediator.systems.base import WriteResult

POLICIES: Mapping[Category, RetryPolicy] = MappingProxyType(
    {
        Category.TRANSIENT: RetryPolicy(),
        Category.LIMIT_OR_QUOTA: RetryPolicy(base=timedelta(minutes=30), cap=timedelta(hours=12)),
        # An approval may take days; asking every hour at first costs little.
        Category.RECORD_LOCKED: RetryPolicy(
            base=timedelta(hours=1), cap=timedelta(hours=24), max_attempts=14
        ),
    }
)
"""Categories that may pass unchanged, and how patient to be with each (Salesforce fact sheet, section 9)."""

_PAGE, _LIST_PAGE = 300, 3_000
"""Cases looked at and pushed together; of those whom a list takes more, since it is started once a page."""

_NO_WAY = (
    ", all left to the native sync, which may not come back to a person who did not change; set "
    "marketo.resync_campaign to push them"
)
"""Reports differ on that (Marketo fact sheet, section 10)."""

_OVER = frozenset({CaseState.CLEARED, CaseState.DEAD})

_FAILED = re.compile(r"(.*? failed) \((\w+)\): ")


def without_answer(note: str) -> tuple[str, str | None]:
    """Return a waiting case's note without the vendor's words, and the class of the error it tells of."""
    found = _FAILED.match(note)
    return (found[1], found[2]) if found else (note.partition(" failed: ")[0], None)


@dataclass(slots=True, kw_only=True)
class RetryReport:
    """What one visit of the queue did.

    Attributes:
        cleared: found in step.
        pushed: tried again, by campaign or (when none is set) left to the native sync.
        failed: could not be pushed; they come back after the wait of their try.
        held: due, but the native sync has enough to do because of us; they are next when it has taken some.
        dead: given up after the last try; ``declined``: there is no record to push, which counts as a try.
    """

    queued: int = 0
    cleared: int = 0
    pushed: int = 0
    failed: int = 0
    held: int = 0
    dead: int = 0
    declined: int = 0


def serve_retries(engine: Engine, *, run: int, random: Random, max_backlog: int | None = None) -> RetryReport:
    """Queue what may pass unchanged, and serve what is due, longest due first.

    However many come due at once (after an outage, say), only so many are pushed as the native sync may have
    waiting because of us; what is beyond that stays due.

    Args:
        engine: of the connection.
        run: for the audit trail.
        random: for the jitter of the waits.
        max_backlog: records that may wait for the native sync, if tighter than the settings' bound.

    Raises:
        VendorError: a read or push failed; what came before it stands. Whom the push was tried for count one
            try more and wait as after any other; those behind them wait too, so that a broken campaign is
            neither asked forever nor every minute.
        ConfigError: the campaign cannot serve; the same.
        LimitReached: writes are stopped; those who were not pushed yet stay due, with no try counted.
        LeaseLost: another process took over; the same.
    """
    report = RetryReport()
    _queue(engine, report, run=run)
    now = engine.clock()
    due = list(engine.store.cases(CaseQuery(states=frozenset({CaseState.RETRYING}), due_before=now)))
    _let_go(engine, [case for case in due if not may_pass(case)], run=run)
    cases = sorted(filter(may_pass, due), key=lambda case: (case.due_at or now, case.id))
    if not cases:
        return report
    most = load.bound(engine.settings, max_backlog)
    pace = load.sync_pace(engine.settings)
    size = _LIST_PAGE if has_list(engine) else _PAGE
    served = 0
    while served < len(cases):
        # A campaign that writes in another thread must not take the same room.
        with writing_turn(engine.store):
            # Asked anew for each page: what it pushed has joined the queue, and other workers push too.
            room = load.room(engine, most=most, per_hour=pace)
            if room == 0:
                report.held = len(cases) - served
                break
            page = cases[served : served + min(size, room)]
            _serve(engine, page, report, run=run, random=random)
        served += len(page)
        engine.on_step(Step(name="retrying", done=served, total=len(cases)))
    return report


def may_pass(case: Case) -> bool:
    """Say whether a case may pass with nothing changed, and so has a place in the queue."""
    return case.diagnosis.retryable and case.diagnosis.category in POLICIES


def _queue(engine: Engine, report: RetryReport, *, run: int) -> None:
    now = engine.clock()
    states = frozenset({CaseState.OPEN, CaseState.DECLINED})
    found = [
        case
        for case in engine.store.cases(CaseQuery(states=states, categories=frozenset(POLICIES)))
        if may_pass(case)
    ]
    # Over OPEN, because the table knows no way from declined to retrying.
    back = [
        CaseMove(case=case.id, before=CaseState.DECLINED, after=CaseState.OPEN)
        for case in found
        if case.state is CaseState.DECLINED
    ]
    engine.store.move(back, actor=engine.actor, run=run, now=now)
    moves = [
        CaseMove(case=case.id, before=CaseState.OPEN, after=CaseState.RETRYING, note="queued", due_at=now)
        for case in found
    ]
    report.queued = len(engine.store.move(moves, actor=engine.actor, run=run, now=now))


def _let_go(engine: Engine, cases: Sequence[Case], *, run: int) -> None:
    """Open the cases that better rules or a newer failure have shown to be of another kind: a plan's work."""
    moves = [
        _move(case, CaseState.OPEN, f"not tried again: {case.diagnosis.category} does not pass by itself")
        for case in cases
    ]
    engine.store.move(moves, actor=engine.actor, run=run, now=engine.clock())


def _serve(engine: Engine, page: Sequence[Case], report: RetryReport, *, run: int, random: Random) -> None:
    names = {name for kind in ("Lead", "Contact") for name in engine.fields(kind).by_marketo_name}
    targets = find_targets(engine, page, sorted(names))
    shown = salesforce_records(engine, [t for t in targets.values() if isinstance(t, Target)])
    attempts = engine.store.attempts([case.id for case in page])
    moves: list[CaseMove] = []
    push: dict[int, tuple[Case, str]] = {}
    absent: dict[int, tuple[Case, str]] = {}
    way = way_for(engine, 1)
    for case in page:
        target = targets[case.id]
        made = attempts[case.id].count if case.id in attempts else 0
        last_at = attempts[case.id].last_at if case.id in attempts else case.last_seen
        if isinstance(target, Declined) and made < POLICIES[case.diagnosis.category].max_attempts:
            report.declined += 1
            absent[case.id] = (case, target.reason)
        elif isinstance(target, Declined):
            report.dead += 1
            moves.append(_move(case, CaseState.DEAD, f"given up after {made} tries: {target.reason}"))
        elif case.last_seen <= last_at and is_in_step(engine, case, target, shown):
            report.cleared += 1
            moves.append(
                _move(case, CaseState.CLEARED, "both systems show the same values", verdict=Verdict.CLEARED)
            )
        elif made >= POLICIES[case.diagnosis.category].max_attempts:
            report.dead += 1
            moves.append(
                _move(case, CaseState.DEAD, f"given up after {made} tries{_NO_WAY if way is None else ''}")
            )
        else:
            push[case.id] = (case, target.marketo_id)
    tries = _push(engine, push, {case: attempts[case].count for case in push if case in attempts}, run=run)
    moves += [_after(engine, case, tries, random) for case, _ in push.values() if case.id not in tries.left]
    moves += _without_record(engine, absent, attempts, random, run=run)
    report.pushed += len(push) - len(tries.left) - len(tries.errors)
    report.failed += len(tries.errors)
    engine.store.move(moves, actor=engine.actor, run=run, now=engine.clock())
    over = {move.case for move in moves if move.after in _OVER and move.case in attempts}
    leave_list(engine, sorted({_person(targets[case]) for case in over} - {""}), run=run)
    if tries.trouble is not None:
        raise tries.trouble


def _person(target: Target | Declined) -> str:
    return target.marketo_id if isinstance(target, Target) else ""


def _without_record(
    engine: Engine,
    absent: Mapping[int, tuple[Case, str]],
    attempts: Mapping[int, Attempts],
    random: Random,
    *,
    run: int,
) -> list[CaseMove]:
    """Count a look for somebody who was not there as a try, so that it comes less often and ends."""
    now = engine.clock()
    made = {case: (attempts[case].count if case in attempts else 0) + 1 for case in absent}
    if made:
        engine.store.record_attempts(made, actor=engine.actor, run=run, now=now)
    moves = []
    for case, reason in absent.values():
        policy = POLICIES[case.diagnosis.category]
        due = policy.next_try(attempts=made[case.id], error=None, now=now, random=random)
        moves.append(
            CaseMove(
                case=case.id,
                before=CaseState.RETRYING,
                after=CaseState.RETRYING,
                note=reason,
                due_at=due or now + policy.cap,
            )
        )
    return moves


def _after(engine: Engine, case: Case, tries: _Tries, random: Random) -> CaseMove:
    """Return the move of a case that was to be pushed: it waits, however the push ended."""
    now = engine.clock()
    policy = POLICIES[case.diagnosis.category]
    made, error = tries.made.get(case.id, 0), tries.errors.get(case.id)
    note = f"try {made} of {policy.max_attempts}" if case.id in tries.tried else "not tried"
    waited = error if isinstance(error, VendorError) else None
    due = policy.next_try(attempts=max(made, 1), error=waited, now=now, random=random) or now + policy.cap
    return CaseMove(
        case=case.id,
        before=CaseState.RETRYING,
        after=CaseState.RETRYING,
        note=note + (f" failed ({type(error).__name__}): {error}" if error is not None else ""),
        due_at=due,
    )


def _move(case: Case, after: CaseState, note: str, *, verdict: Verdict | None = None) -> CaseMove:
    return CaseMove(case=case.id, before=CaseState.RETRYING, after=after, note=note, verdict=verdict)


@dataclass(slots=True, kw_only=True)
class _Tries:
    """What became of the pushes of a page.

    Attributes:
        made: ``{case: tries made by now}``.
        tried: cases for which a push was asked, or may have been.
        left: cases for which nothing was asked: a person took them out of the queue meanwhile, or writes are
            stopped. They stay as they are.
        errors: ``{case: why it was not pushed}``.
        trouble: what ended the asking.
    """

    made: dict[int, int]
    tried: set[int] = field(default_factory=set)
    left: set[int] = field(default_factory=set)
    errors: dict[int, VendorError | ConfigError | LimitReached | LeaseLost] = field(default_factory=dict)
    trouble: VendorError | ConfigError | LimitReached | LeaseLost | None = None


def _push(
    engine: Engine, push: Mapping[int, tuple[Case, str]], made: Mapping[int, int], *, run: int
) -> _Tries:
    """Count the tries durably, then ask a campaign; without one the native sync must do.

    Each person has a result of their own. When the campaign cannot be asked, those who were not tried yet
    keep their count.
    """
    tries = _Tries(made=dict(made))
    cases: dict[str, list[int]] = {}
    for case, person in push.values():
        cases.setdefault(person, []).append(case.id)
    way = way_for(engine, len(cases))
    if way == "list" and cases:
        _look_at_batch_campaign(engine, tries)
    for chunk in cut(list(cases), size_of(way)):
        mine = [case for person in chunk for case in cases[person]]
        if tries.trouble is None:
            tries.trouble = None if way is None else _stop(engine)
        match tries.trouble:
            case LimitReached() | LeaseLost():
                tries.left |= set(mine)
                continue
            case VendorError() | ConfigError() as trouble:
                tries.errors |= dict.fromkeys(mine, trouble)
                continue
        counts = {case: tries.made.get(case, 0) + 1 for case in mine}
        begun = engine.store.retry_queue.begin(counts, actor=engine.actor, run=run, now=engine.clock())
        tries.made |= {case: counts[case] for case in begun}
        tries.tried |= begun
        tries.left |= set(mine) - begun
        people = [person for person in chunk if not begun.isdisjoint(cases[person])]
        if not people:
            continue
        try:
            results = () if way is None else _ask(engine, way, people)
        except (VendorError, ConfigError) as exc:
            tries.trouble = exc
            tries.errors |= dict.fromkeys(begun, exc)
            continue
        for result in results:
            if result.error is not None:
                tries.errors |= dict.fromkeys(begun.intersection(cases[result.record_id]), result.error)
    if way == "list":
        _start(engine, tries)
    return tries


def _look_at_batch_campaign(engine: Engine, tries: _Tries) -> None:
    try:
        check_batch_campaign(engine)
    except (VendorError, ConfigError) as exc:
        tries.trouble = exc


def _start(engine: Engine, tries: _Tries) -> None:
    """Let the batch campaign push those who are on the list now, also when others could not be put on it."""
    on_list = tries.tried - tries.errors.keys()
    if not on_list or isinstance(tries.trouble, LimitReached | LeaseLost):
        return
    try:
        start_batch_campaign(engine)
    except (VendorError, ConfigError, LimitReached, LeaseLost) as exc:
        tries.trouble = exc
        tries.errors |= dict.fromkeys(on_list, exc)


def _stop(engine: Engine) -> LimitReached | LeaseLost | None:
    """Return what keeps the campaign from being asked: what may not be sent is no try."""
    try:
        engine.gate()
    except (LimitReached, LeaseLost) as exc:
        return exc
    return None


def _ask(engine: Engine, way: str, people: Sequence[str]) -> Sequence[WriteResult]:
    engine.gate()
    results = ask(engine, way, people)
    engine.on_step(Step(name="after_push"))
    return results
