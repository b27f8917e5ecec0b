"""Serve the failures that need no change, only another try: row locks, time-outs, approval locks.

Each visit looks first: a record that is in step by now needs no push, and its case is cleared by that proof.
Otherwise the person is pushed by the flow step, on a clock of its category's own, until the tries run out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from random import Random
from types import MappingProxyType

from remediator.engine.batches import cut
from remediator.engine.comparing import is_shown
from remediator.engine.core import Engine, Step
from remediator.engine.resync import TRIGGER_SIZE
from remediator.engine.targets import Target, find_targets
from remediator.errors import ConfigError, VendorError
from remediator.model import Case, CaseState, Category, Declined, Record, Value, Verdict
from remediator.retry import RetryPolicy
from remediator.store import CaseMove, CaseQuery

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

_PAGE = 300


@dataclass(slots=True, kw_only=True)
class RetryReport:
    """What one visit of the queue did.

    Attributes:
        cleared: found in step.
        pushed: tried again, by campaign or (when none is set) left to the native sync.
        dead: given up after the last try; ``declined``: there is no record to push.
    """

    queued: int = 0
    cleared: int = 0
    pushed: int = 0
    dead: int = 0
    declined: int = 0


def serve_retries(engine: Engine, *, run: int, random: Random) -> RetryReport:
    """Queue what may pass unchanged, and serve what is due.

    Raises:
        VendorError: a read or push failed; cases of earlier pages keep what became of them. After a push
            those of this page count one try more and wait as after any other, so that a broken campaign is
            neither asked forever nor every minute.
        ConfigError: the campaign cannot serve; the same.
    """
    report = RetryReport()
    _queue(engine, report, run=run)
    due = CaseQuery(states=frozenset({CaseState.RETRYING}), due_before=engine.clock())
    cases = list(engine.store.cases(due))
    for number, page in enumerate(cut(cases, _PAGE)):
        _serve(engine, page, report, run=run, random=random)
        engine.on_step(Step(name="retrying", done=min((number + 1) * _PAGE, len(cases)), total=len(cases)))
    return report


def _queue(engine: Engine, report: RetryReport, *, run: int) -> None:
    now = engine.clock()
    states = frozenset({CaseState.OPEN, CaseState.DECLINED})
    found = [
        case
        for case in engine.store.cases(CaseQuery(states=states, categories=frozenset(POLICIES)))
        if case.diagnosis.retryable
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


def _serve(engine: Engine, page: Sequence[Case], report: RetryReport, *, run: int, random: Random) -> None:
    names = {name for kind in ("Lead", "Contact") for name in engine.fields(kind).by_marketo_name}
    targets = find_targets(engine, page, sorted(names))
    shown = _salesforce_records(engine, [t for t in targets.values() if isinstance(t, Target)])
    attempts = engine.store.attempts([case.id for case in page])
    moves: list[CaseMove] = []
    push: dict[int, tuple[Case, str]] = {}
    for case in page:
        target = targets[case.id]
        made = attempts[case.id].count if case.id in attempts else 0
        last_at = attempts[case.id].last_at if case.id in attempts else case.last_seen
        if isinstance(target, Declined):
            report.declined += 1
            moves.append(_move(case, CaseState.OPEN, target.reason))
        elif case.last_seen <= last_at and _in_step(engine, target, shown):
            report.cleared += 1
            moves.append(
                _move(case, CaseState.CLEARED, "both systems show the same values", verdict=Verdict.CLEARED)
            )
        elif made >= POLICIES[case.diagnosis.category].max_attempts:
            report.dead += 1
            moves.append(_move(case, CaseState.DEAD, f"given up after {made} tries"))
        else:
            push[case.id] = (case, target.marketo_id)
    counts = {case: attempts[case].count + 1 if case in attempts else 1 for case in push}
    trouble: VendorError | ConfigError | None = None
    try:
        _push(engine, push, counts, run=run)
    except (VendorError, ConfigError) as exc:
        trouble = exc
    now = engine.clock()
    for case, _ in push.values():
        made = counts[case.id]
        policy = POLICIES[case.diagnosis.category]
        error = trouble if isinstance(trouble, VendorError) else None
        due = policy.next_try(attempts=made, error=error, now=now, random=random) or now + policy.cap
        report.pushed += trouble is None
        moves.append(
            CaseMove(
                case=case.id,
                before=CaseState.RETRYING,
                after=CaseState.RETRYING,
                note=f"try {made} of {policy.max_attempts}" + (f" failed: {trouble}" if trouble else ""),
                due_at=due,
            )
        )
    engine.store.move(moves, actor=engine.actor, run=run, now=now)
    if trouble is not None:
        raise trouble


def _move(case: Case, after: CaseState, note: str, *, verdict: Verdict | None = None) -> CaseMove:
    return CaseMove(case=case.id, before=CaseState.RETRYING, after=after, note=note, verdict=verdict)


def _push(
    engine: Engine, push: Mapping[int, tuple[Case, str]], counts: Mapping[int, int], *, run: int
) -> None:
    """Count the tries durably, then ask the campaign; without a campaign the native sync must do."""
    if not push:
        return
    engine.store.record_attempts(counts, actor=engine.actor, run=run, now=engine.clock())
    campaign = engine.settings.marketo.resync_campaign
    if campaign is None:
        return
    people = list(dict.fromkeys(person for _, person in push.values()))
    for chunk in cut(people, TRIGGER_SIZE):
        engine.gate()
        engine.marketo.trigger_campaign(campaign, list(chunk))
        engine.on_step(Step(name="after_push"))


def _salesforce_records(engine: Engine, targets: Sequence[Target]) -> dict[str, Record]:
    shown: dict[str, Record] = {}
    for kind in ("Lead", "Contact"):
        ids = [t.salesforce_id for t in targets if t.object == kind and t.salesforce_id is not None]
        if ids:
            names = sorted(set(engine.fields(kind).by_marketo_name.values()))
            shown.update(engine.salesforce.read(kind, list(dict.fromkeys(ids)), names).records)
    return shown


def _in_step(engine: Engine, target: Target, shown: Mapping[str, Record]) -> bool:
    """Say whether Salesforce shows everything that Marketo would send."""
    record = shown.get(target.salesforce_id or "")
    if record is None:
        return False
    fields = engine.fields(target.object)
    sent: dict[str, Value] = {
        fields.by_marketo_name[name]: value
        for name, value in target.values.items()
        if name in fields.by_marketo_name and value not in (None, "")
    }
    return all(
        is_shown(value, record.get(name), fields.descriptions[name])
        for name, value in sent.items()
        if fields.descriptions[name].updateable and name in record
    )
