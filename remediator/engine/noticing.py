"""Notice what people repaired by themselves, among the cases that nobody else looks at any more."""

from __future__ import annotations

from datetime import timedelta

from remediator.engine.batches import cut
from remediator.engine.core import Engine, Step
from remediator.engine.in_step import is_in_step, salesforce_records
from remediator.engine.targets import Target, find_targets
from remediator.model import CaseState, FailureLevel
from remediator.store import CaseMove, CaseQuery

LEFT_ALONE = frozenset({CaseState.DECLINED, CaseState.CONFLICTED, CaseState.DEAD})
"""States that only a person leads out of."""

NOTE = "cleared by someone else: both systems show the same values, and it has not failed since"

_PAGE = 2_000


def notice_repaired(engine: Engine, *, run: int) -> int:
    """Clear the cases whose person is in step by now and has not failed for a while; return how many.

    The failure must be older than the sync needs to report it again, and the two systems must show the same
    in every synced field, empty ones included: a refused record differs in at least one. A failure that names
    a field which cannot be compared stays. It is no verdict on a fix of ours, so an earlier one stays with
    the case.

    Raises:
        VendorError: a read failed or was incomplete; cases of earlier pages keep what became of them.
    """
    quiet_since = engine.clock() - timedelta(seconds=engine.settings.verify.settle_s)
    cases = [
        case
        for case in engine.store.cases(CaseQuery(states=LEFT_ALONE))
        if case.level is FailureLevel.RECORD and case.last_seen <= quiet_since
    ]
    names = sorted({name for kind in ("Lead", "Contact") for name in engine.fields(kind).by_marketo_name})
    repaired = 0
    for number, page in enumerate(cut(cases, _PAGE)):
        targets = find_targets(engine, page, names)
        known = {case: target for case, target in targets.items() if isinstance(target, Target)}
        shown = salesforce_records(engine, list(known.values()))
        moves = [
            CaseMove(case=case.id, before=case.state, after=CaseState.CLEARED, note=NOTE)
            for case in page
            if case.id in known and is_in_step(engine, case, known[case.id], shown, empty_too=True)
        ]
        repaired += len(engine.store.move(moves, actor=engine.actor, run=run, now=engine.clock()))
        engine.on_step(Step(name="noticing", done=min((number + 1) * _PAGE, len(cases)), total=len(cases)))
    return repaired
