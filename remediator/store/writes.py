"""The line of durable intent before a write, and its outcome after."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from sqlalchemy import Connection, or_, select, update

from remediator.changes import ChangeState, Settlement
from remediator.errors import StoreError
from remediator.lifecycle import MOVES
from remediator.model import CaseState, SystemName
from remediator.store.moves import case_states, leave_plans, move_cases, moved_by, set_changes
from remediator.store.rows import AnyRow, chunks
from remediator.store.schema import cases, change_cases, changes, plans
from remediator.store.values import CaseMove
from remediator.store.writing import Writing

EVENTS: Mapping[ChangeState, str] = {
    ChangeState.APPLIED: "change_applied",
    ChangeState.CONFLICTED: "change_conflicted",
    ChangeState.FAILED: "change_failed",
    ChangeState.APPROVED: "change_not_written",
}
"""What a settlement is called in the audit log."""

UNINTENDED = frozenset({ChangeState.APPLIED, ChangeState.CONFLICTED})
"""Outcomes that the read before the write can already show, with no write begun."""


def intend(writing: Writing, ids: Sequence[str]) -> list[str]:
    """Move approved changes to intended, each with its audit entry; return those that were moved.

    A change is moved once, whoever asks: the transaction is serialised and the update conditional. A change
    whose case is not approved (settled by hand meanwhile, or a neighbour still undecided) is left alone. So
    is an undo while another one of the same change may be under way: of two that read alike, nobody could
    tell afterwards which one was carried out.
    """
    rows = _rows(writing, ids, (ChangeState.APPROVED,))
    states = case_states(writing, {case for row in rows.values() for case in moved_by(row)})
    ready = (CaseState.APPROVED, CaseState.APPLYING)
    ready_rows = [row for row in rows.values() if all(states.get(case) in ready for case in moved_by(row))]
    taken = _first_undos(writing, ready_rows)
    for chunk in chunks(taken):
        moved = writing.conn.execute(
            update(changes)
            .where(
                changes.c.seq.in_([row.seq for row in chunk]), changes.c.state == ChangeState.APPROVED.value
            )
            .values(state=ChangeState.INTENDED.value, run_id=writing.run, intended_at=writing.now, note=None)
        )
        if moved.rowcount != len(chunk):
            raise StoreError(
                "store: changes moved while they were being intended; nothing was written, run again"
            )
    for row in taken:
        writing.audit("change_intended", change=row.id, payload=_payload(row))
    approved = sorted({case for row in taken for case in moved_by(row) if states[case] is CaseState.APPROVED})
    move_cases(
        writing,
        [CaseMove(case=case, before=CaseState.APPROVED, after=CaseState.APPLYING) for case in approved],
    )
    return [row.id for row in taken]


def _first_undos(writing: Writing, rows: Sequence[AnyRow]) -> list[AnyRow]:
    """Return the rows without the undos of changes that another undo is taking back, or has taken back."""
    originals = {row.undoes for row in rows if row.undoes is not None}
    free: set[str] = set()
    for chunk in chunks(sorted(originals)):
        of_connection = changes.c.connection == writing.connection
        applied = select(changes.c.id).where(
            of_connection, changes.c.id.in_(chunk), changes.c.state == ChangeState.APPLIED.value
        )
        under_way = select(changes.c.undoes).where(
            of_connection, changes.c.undoes.in_(chunk), changes.c.state == ChangeState.INTENDED.value
        )
        free |= set(writing.conn.execute(applied).scalars()) - set(writing.conn.execute(under_way).scalars())
    taken: list[AnyRow] = []
    for row in rows:
        if row.undoes is None or row.undoes in free:
            free.discard(row.undoes)
            taken.append(row)
    return taken


def settle(writing: Writing, settlements: Sequence[Settlement], *, verify_at: datetime | None) -> None:
    """Record the outcome of writes and move the cases that hang on them.

    Takes changes that are intended; one that is still approved only to applied or conflicted, when the read
    before the write showed that its value is there already, or has moved. Any other is left alone.

    Raises:
        ValueError: a settlement to a state that is no outcome.
    """
    for settlement in settlements:
        if settlement.state not in EVENTS:
            raise ValueError(f"change {settlement.change}: {settlement.state} is not the outcome of a write")
    rows = _rows(writing, [item.change for item in settlements], (ChangeState.INTENDED, ChangeState.APPROVED))
    touched: dict[int, str] = {}
    undone: list[str] = []
    done: dict[str, Settlement] = {}
    for item in settlements:
        row = rows.get(item.change)
        if row is None or item.change in done:
            continue
        if row.state == ChangeState.APPROVED.value and item.state not in UNINTENDED:
            continue
        done[item.change] = item
        touched.update((case, row.plan_id) for case in moved_by(row))
        if item.state is ChangeState.APPLIED and row.undoes is not None:
            undone.append(row.undoes)
    _record(writing, done, rows)
    _undo_originals(writing, undone)
    _move_cases(writing, touched, verify_at)


def _rows(writing: Writing, ids: Iterable[str], states: Sequence[ChangeState]) -> dict[str, AnyRow]:
    """Return ``{change id: row}`` in the order asked, for changes in one of the states."""
    found: dict[str, AnyRow] = {}
    wanted = list(dict.fromkeys(ids))
    for chunk in chunks(wanted):
        rows = writing.conn.execute(
            select(changes).where(
                changes.c.connection == writing.connection,
                changes.c.id.in_(chunk),
                changes.c.state.in_([state.value for state in states]),
            )
        )
        found.update((row.id, row) for row in rows)
    return {id_: found[id_] for id_ in wanted if id_ in found}


def _payload(row: AnyRow, **more: object) -> dict[str, object]:
    return {
        "plan": row.plan_id,
        "system": row.system,
        "object": row.object,
        "record_id": row.record_id,
        "field": row.field,
        "before": row.before,
        "after": row.after,
        **more,
    }


def _record(writing: Writing, done: Mapping[str, Settlement], rows: Mapping[str, AnyRow]) -> None:
    for state in EVENTS:
        group = [item for item in done.values() if item.state is state]
        set_changes(writing, {rows[item.change].seq: item.note for item in group}, state)
        values = {"run_id": writing.run, "settled_at": writing.now}
        if state is ChangeState.APPROVED:
            # Whoever sets the same value before the next try, it is theirs, and no undo may take it.
            values |= {"settled_at": None, "intended_at": None}
        for chunk in chunks(group):
            seqs = [rows[item.change].seq for item in chunk]
            writing.conn.execute(update(changes).where(changes.c.seq.in_(seqs)).values(**values))
    for item in done.values():
        row = rows[item.change]
        payload = _payload(row, note=item.note)
        if row.state == ChangeState.APPROVED.value:
            payload["written"] = False
        writing.audit(EVENTS[item.state], change=item.change, payload=payload)


def _undo_originals(writing: Writing, ids: Sequence[str]) -> None:
    originals = _rows(writing, ids, (ChangeState.APPLIED,))
    set_changes(writing, {row.seq: row.note for row in originals.values()}, ChangeState.UNDONE)
    for row in originals.values():
        writing.audit("change_undone", change=row.id, payload=_payload(row))
    states = case_states(writing, {case for row in originals.values() for case in moved_by(row)})
    move_cases(
        writing,
        [
            CaseMove(case=case, before=state, after=CaseState.OPEN, note="undone")
            for case, state in sorted(states.items())
            if state in (CaseState.CLEARED, CaseState.VERIFYING)
        ],
    )


def _move_cases(writing: Writing, touched: Mapping[int, str], verify_at: datetime | None) -> None:
    """Lead each case where all its changes of the plan together say.

    A case that ends without its fix takes its unwritten changes down, and those may hang on further cases.
    """
    todo = dict(touched)
    while todo:
        states = case_states(writing, todo)
        moves: list[CaseMove] = []
        ended: dict[int, str] = {}
        for case, rows in sorted(_changes_of(writing, todo).items()):
            to, note = _outcome(rows)
            if to is None or not (steps := _steps(states[case], to)):
                continue
            moves += [_move(case, before, after, note, verify_at) for before, after in steps]
            if to in (CaseState.CONFLICTED, CaseState.DECLINED):
                ended[case] = note or f"case {case} beside it is {to}"
        move_cases(writing, moves)
        todo = leave_plans(writing, ended)


def _move(
    case: int, before: CaseState, after: CaseState, note: str | None, verify_at: datetime | None
) -> CaseMove:
    due_at = verify_at if after is CaseState.VERIFYING else None
    return CaseMove(case=case, before=before, after=after, note=note, due_at=due_at)


def _changes_of(writing: Writing, touched: Mapping[int, str]) -> dict[int, list[AnyRow]]:
    found: dict[int, list[AnyRow]] = {}
    for chunk in chunks(touched):
        rows = writing.conn.execute(
            select(change_cases.c.case_id, changes.c.plan_id, changes.c.state, changes.c.note)
            .join(changes, changes.c.seq == change_cases.c.change_seq)
            .where(change_cases.c.case_id.in_(chunk), changes.c.undo.is_(False))
            .order_by(changes.c.seq)
        )
        for row in rows:
            if row.plan_id == touched[row.case_id]:
                found.setdefault(row.case_id, []).append(row)
    return found


def _outcome(rows: Sequence[AnyRow]) -> tuple[CaseState | None, str | None]:
    """Return where a case belongs and why; ``None`` while a write of it may still be under way."""
    notes: dict[ChangeState, str | None] = {}
    for row in rows:
        notes.setdefault(ChangeState(row.state), row.note)
    states = set(notes)
    if ChangeState.INTENDED in states:
        return None, None
    if ChangeState.CONFLICTED in states:
        return CaseState.CONFLICTED, notes[ChangeState.CONFLICTED]
    if ChangeState.FAILED in states:
        return CaseState.DECLINED, notes[ChangeState.FAILED]
    if ChangeState.REJECTED in states:
        # Its neighbour fell after this one had been written: a person must look at the half that is there.
        return CaseState.CONFLICTED, notes[ChangeState.REJECTED]
    if states <= {ChangeState.APPLIED, ChangeState.UNDONE}:
        return CaseState.VERIFYING, None
    if states == {ChangeState.APPROVED}:
        return CaseState.APPROVED, notes[ChangeState.APPROVED]
    return None, None


def _steps(before: CaseState, to: CaseState) -> list[tuple[CaseState, CaseState]]:
    """Return the moves from one state to another: one, or two over applying, or none if there is no way."""
    if to in MOVES[before]:
        return [(before, to)]
    if before is CaseState.APPROVED and to in MOVES[CaseState.APPLYING]:
        return [(before, CaseState.APPLYING), (CaseState.APPLYING, to)]
    return []


def unpushed_plans(conn: Connection, connection: str, *, due_before: datetime | None) -> list[str]:
    """Return plans with written changes that wait for a push, oldest first (see ``resync``)."""
    wanted = (
        select(plans.c.id, plans.c.seq)
        .distinct()
        .join_from(cases, change_cases, change_cases.c.case_id == cases.c.id)
        .join(changes, changes.c.seq == change_cases.c.change_seq)
        .join(plans, (plans.c.connection == changes.c.connection) & (plans.c.id == changes.c.plan_id))
        .where(
            cases.c.connection == connection,
            cases.c.state == CaseState.VERIFYING.value,
            changes.c.state == ChangeState.APPLIED.value,
            changes.c.undo.is_(False),
            changes.c.resynced_at.is_(None),
            or_(changes.c.system == SystemName.SALESFORCE.value, changes.c.salesforce_id.is_(None)),
        )
        .order_by(plans.c.seq)
    )
    if due_before is not None:
        wanted = wanted.where(cases.c.due_at <= due_before)
    return [row.id for row in conn.execute(wanted)]


def mark_resynced(writing: Writing, ids: Sequence[str], way: str) -> None:
    """Record that the records of these changes were pushed to Salesforce again, and how."""
    states = tuple(ChangeState)
    rows = _rows(writing, ids, states)
    for chunk in chunks(row.seq for row in rows.values()):
        writing.conn.execute(
            update(changes).where(changes.c.seq.in_(chunk)).values(resynced_at=writing.now, resync_way=way)
        )
    for row in rows.values():
        writing.audit("change_resynced", change=row.id, payload={"way": way, "record_id": row.record_id})
