"""Saving plans, and reading them and their changes back."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, exists, func, insert, select

from remediator.changes import Change, ChangeState, DeclinedCase, Plan, StoredChange
from remediator.errors import PlanRefused
from remediator.lifecycle import PLANNABLE
from remediator.model import CaseState
from remediator.store.database import Database
from remediator.store.moves import REPLACED, case_states, move_cases, pending_changes, reject_pending
from remediator.store.rows import (
    PAGE,
    candidates_from,
    candidates_json,
    change_from,
    chunks,
    stored_change_from,
)
from remediator.store.schema import cases, change_cases, changes, declined_cases, plans
from remediator.store.seals import seal
from remediator.store.values import CaseMove, PlanSummary
from remediator.store.writing import Writing


def save_plan(writing: Writing, plan: Plan) -> None:
    """Save a plan with its changes and move its cases, all or nothing.

    A change for a case that is elsewhere by now (approved in another plan, settled, snoozed ...) is saved as
    rejected and says why.

    Raises:
        PlanRefused: it is of another connection, was saved before, or names a case that is not there.
    """
    states = _check(writing, plan)
    if plan.undo_of is None:
        blocked = _blocked(plan.changes, states)
        declined = [item for item in plan.declined if states[item.case] in PLANNABLE]
        proposed = {case for change in plan.changes if change.id not in blocked for case in change.cases}
        turned = proposed | {item.case for item in declined}
        older = pending_changes(writing, turned)
        reject_pending(writing, older, REPLACED + plan.id, stay=turned)
    else:
        blocked, declined, proposed = {}, [], set()
    _insert(writing, plan, blocked)
    writing.audit(
        "plan_saved",
        payload={
            "plan": plan.id,
            "changes": len(plan.changes),
            "declined": len(plan.declined),
            "undo_of": plan.undo_of,
        },
    )
    reasons = {item.case: item.reason for item in declined if item.case not in proposed}
    _turn(writing, states, dict.fromkeys(sorted(proposed)), CaseState.PROPOSED)
    _turn(writing, states, reasons, CaseState.DECLINED)


def _check(writing: Writing, plan: Plan) -> dict[int, CaseState]:
    if plan.connection != writing.connection:
        raise PlanRefused(
            f"plan {plan.id} is for connection {plan.connection!r}, this store is open for "
            f"{writing.connection!r}; name the plan's connection"
        )
    if writing.conn.execute(_header(writing.connection, plan.id)).one_or_none() is not None:
        raise PlanRefused(f"plan {plan.id} is saved already; make a new plan instead")
    named = {case for change in plan.changes for case in change.cases} | {item.case for item in plan.declined}
    states = case_states(writing, named)
    if missing := sorted(named - set(states)):
        raise PlanRefused(
            f"plan {plan.id} names case {missing[0]}, which this store does not have; "
            "make the plan from this store's own cases"
        )
    return states


def _header(connection: str, plan: str) -> Any:
    return select(plans).where(plans.c.connection == connection, plans.c.id == plan)


def _blocked(items: Sequence[Change], states: dict[int, CaseState]) -> dict[str, str]:
    """Return ``{change id: why}`` for changes whose case may not be taken, and for what hangs on them."""
    why = {
        case: f"case {case} is {state}, so no new plan may take it"
        for case, state in states.items()
        if state not in PLANNABLE
    }
    blocked: dict[str, str] = {}
    grew = bool(why)
    while grew:
        grew = False
        for change in items:
            reason = next((why[case] for case in change.cases if case in why), None)
            if reason is not None and change.id not in blocked:
                blocked[change.id] = reason
                why.update((case, reason) for case in change.cases if case not in why)
                grew = True
    return blocked


def _insert(writing: Writing, plan: Plan, blocked: dict[str, str]) -> None:
    writing.conn.execute(
        insert(plans).values(
            connection=writing.connection,
            id=plan.id,
            campaign=plan.campaign,
            created_at=plan.created_at,
            config_hash=plan.config_hash,
            predicted_api_calls=dict(plan.predicted_api_calls),
            predicted_resyncs=plan.predicted_resyncs,
            predicted_sync_s=plan.predicted_sync_s,
            undo_of=plan.undo_of,
        )
    )
    for chunk in chunks(plan.declined):
        writing.conn.execute(
            insert(declined_cases),
            [
                {
                    "connection": writing.connection,
                    "plan_id": plan.id,
                    "case_id": item.case,
                    "reason": item.reason,
                    "candidates": candidates_json(item.candidates),
                }
                for item in chunk
            ],
        )
    for part in chunks(plan.changes):
        writing.conn.execute(
            insert(changes), [_row(writing.connection, plan, item, blocked) for item in part]
        )
        seqs = _seqs(writing.conn, writing.connection, [item.id for item in part])
        links = [
            {"connection": writing.connection, "change_seq": seqs[item.id], "case_id": case}
            for item in part
            for case in dict.fromkeys(item.cases)
        ]
        if links:
            writing.conn.execute(insert(change_cases), links)


def _row(connection: str, plan: Plan, change: Change, blocked: dict[str, str]) -> dict[str, Any]:
    state = ChangeState.REJECTED if change.id in blocked else ChangeState.PLANNED
    row = {
        "connection": connection,
        "id": change.id,
        "plan_id": plan.id,
        "cases": change.cases,
        "system": change.system.value,
        "object": change.object,
        "record_id": change.record_id,
        "field": change.field,
        "before": change.before,
        "after": change.after,
        "fixer": change.fixer,
        "rule": change.rule,
        "confidence": change.confidence.value,
        "reason": change.reason,
        "salesforce_field": change.salesforce_field,
        "salesforce_object": change.salesforce_object,
        "salesforce_id": change.salesforce_id,
        "candidates": candidates_json(change.candidates),
        "undoes": change.undoes,
        "undo": plan.undo_of is not None,
        "state": state.value,
        "note": blocked.get(change.id),
    }
    return row | {"seal": seal(row)}


def _seqs(conn: Connection, connection: str, ids: Sequence[str]) -> dict[str, int]:
    found = conn.execute(
        select(changes.c.id, changes.c.seq).where(changes.c.connection == connection, changes.c.id.in_(ids))
    )
    return {row.id: row.seq for row in found}


def _turn(
    writing: Writing,
    states: dict[int, CaseState],
    notes: dict[int, str | None] | dict[int, str],
    to: CaseState,
) -> None:
    """Lead cases to a state over the steps the lifecycle has; those in it already only get the note."""
    moves: list[CaseMove] = []
    for case, note in notes.items():
        before = states[case]
        if before is CaseState.CONFLICTED:
            moves.append(CaseMove(case=case, before=before, after=CaseState.OPEN, note="planned again"))
            before = CaseState.OPEN
        if before is to:
            writing.conn.execute(cases.update().where(cases.c.id == case).values(note=note))
        else:
            moves.append(CaseMove(case=case, before=before, after=to, note=note))
    move_cases(writing, moves)


def read_plan(conn: Connection, connection: str, plan: str) -> Plan | None:
    """Return a plan as it was saved, with what reviewers picked since."""
    header = conn.execute(_header(connection, plan)).one_or_none()
    if header is None:
        return None
    items = conn.execute(
        select(changes)
        .where(changes.c.connection == connection, changes.c.plan_id == plan)
        .order_by(changes.c.seq)
    )
    refused = conn.execute(
        select(declined_cases)
        .where(declined_cases.c.connection == connection, declined_cases.c.plan_id == plan)
        .order_by(declined_cases.c.seq)
    )
    return Plan(
        id=header.id,
        connection=header.connection,
        campaign=header.campaign,
        created_at=header.created_at,
        config_hash=header.config_hash,
        changes=tuple(change_from(row) for row in items),
        declined=tuple(
            DeclinedCase(case=row.case_id, reason=row.reason, candidates=candidates_from(row.candidates))
            for row in refused
        ),
        predicted_api_calls=header.predicted_api_calls,
        predicted_resyncs=header.predicted_resyncs,
        predicted_sync_s=header.predicted_sync_s,
        undo_of=header.undo_of,
    )


def read_plans(
    conn: Connection, connection: str, limit: int, campaign: str | None = None
) -> list[PlanSummary]:
    """Return the latest plans with the number of their changes by state, newest first."""
    wanted = select(plans).where(plans.c.connection == connection)
    if campaign is not None:
        wanted = wanted.where(plans.c.campaign == campaign)
    headers = conn.execute(wanted.order_by(plans.c.seq.desc()).limit(limit)).all()
    ids = [header.id for header in headers]
    states: dict[str, dict[ChangeState, int]] = {plan: {} for plan in ids}
    counted = conn.execute(
        select(changes.c.plan_id, changes.c.state, func.count())
        .where(changes.c.connection == connection, changes.c.plan_id.in_(ids))
        .group_by(changes.c.plan_id, changes.c.state)
    )
    for plan, state, count in counted:
        states[plan][ChangeState(state)] = count
    refused = conn.execute(
        select(declined_cases.c.plan_id, func.count().label("cases"))
        .where(declined_cases.c.connection == connection, declined_cases.c.plan_id.in_(ids))
        .group_by(declined_cases.c.plan_id)
    )
    declined = {row.plan_id: int(row.cases) for row in refused}
    return [
        PlanSummary(
            id=header.id,
            created_at=header.created_at,
            campaign=header.campaign,
            undo_of=header.undo_of,
            states=states[header.id],
            declined=declined.get(header.id, 0),
        )
        for header in headers
    ]


def approved_counts(conn: Connection, connection: str) -> list[tuple[str, str | None, int]]:
    """Return plan, campaign and number of the changes that wait to be written, oldest plan first."""
    found = conn.execute(
        select(plans.c.id, plans.c.campaign, func.count().label("n"))
        .join(changes, (changes.c.connection == plans.c.connection) & (changes.c.plan_id == plans.c.id))
        .where(changes.c.connection == connection, changes.c.state == ChangeState.APPROVED.value)
        .group_by(plans.c.seq, plans.c.id, plans.c.campaign)
        .order_by(plans.c.seq)
    )
    return [(row.id, row.campaign, int(row.n)) for row in found]


def newest_plan(conn: Connection, connection: str) -> str | None:
    """Return the id of the newest plan that takes nothing back."""
    found: str | None = conn.execute(
        select(plans.c.id)
        .where(plans.c.connection == connection, plans.c.undo_of.is_(None))
        .order_by(plans.c.seq.desc())
        .limit(1)
    ).scalar_one_or_none()
    return found


def read_changes(
    database: Database,
    connection: str,
    *,
    plan: str | None,
    campaign: str | None,
    run: int | None,
    states: Collection[ChangeState] | None,
    ids: Collection[str] | None,
    case: int | None,
) -> Iterator[StoredChange]:
    """Yield changes in plan order, a page at a time; every condition that is given must hold."""
    wanted = select(changes).where(changes.c.connection == connection)
    if plan is not None:
        wanted = wanted.where(changes.c.plan_id == plan)
    if campaign is not None:
        # As a test of each change, so that the index on their state leads; plans only ever grow in number.
        of_campaign = exists().where(
            plans.c.connection == changes.c.connection,
            plans.c.id == changes.c.plan_id,
            plans.c.campaign == campaign,
        )
        wanted = wanted.where(of_campaign)
    if run is not None:
        wanted = wanted.where(changes.c.run_id == run)
    if states is not None:
        wanted = wanted.where(changes.c.state.in_([state.value for state in states]))
    if case is not None:
        linked = select(change_cases.c.change_seq).where(change_cases.c.case_id == case)
        wanted = wanted.where(changes.c.seq.in_(linked))
    groups = [wanted]
    if ids is not None:
        groups = [wanted.where(changes.c.seq.in_(part)) for part in _parts(database, connection, ids)]
    for group in groups:
        after = 0
        while True:
            with database.reading() as conn:
                page = conn.execute(
                    group.where(changes.c.seq > after).order_by(changes.c.seq).limit(PAGE)
                ).all()
            yield from map(stored_change_from, page)
            if len(page) < PAGE:
                break
            after = page[-1].seq


def changes_of(
    conn: Connection, connection: str, cases_: Collection[int], states: Collection[ChangeState]
) -> list[StoredChange]:
    """Return the changes of these cases in these states, in plan order, each once."""
    linked = select(change_cases.c.change_seq).where(change_cases.c.case_id.in_(cases_))
    return _in_states(conn, connection, changes.c.seq.in_(linked), states)


def changes_on(
    conn: Connection, connection: str, records: Collection[str], states: Collection[ChangeState]
) -> list[StoredChange]:
    """Return the changes of these records in these states, in plan order."""
    return _in_states(conn, connection, changes.c.record_id.in_(records), states)


def _in_states(
    conn: Connection, connection: str, which: ColumnElement[bool], states: Collection[ChangeState]
) -> list[StoredChange]:
    rows = conn.execute(
        select(changes)
        .where(
            changes.c.connection == connection,
            which,
            changes.c.state.in_([state.value for state in states]),
        )
        .order_by(changes.c.seq)
    )
    return [stored_change_from(row) for row in rows]


def _parts(database: Database, connection: str, ids: Collection[str]) -> list[list[int]]:
    """Return the asked changes' positions in plan order, in groups that fit one statement."""
    seqs: list[int] = []
    with database.reading() as conn:
        for chunk in chunks(ids):
            seqs.extend(_seqs(conn, connection, chunk).values())
    return list(chunks(sorted(seqs)))


def resynced(conn: Connection, connection: str, plan: str) -> set[str]:
    """Return the changes of a plan whose record was pushed to Salesforce again."""
    found = conn.execute(
        select(changes.c.id).where(
            changes.c.connection == connection, changes.c.plan_id == plan, changes.c.resynced_at.is_not(None)
        )
    )
    return set(found.scalars())
