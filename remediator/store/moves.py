"""Moving cases, and taking back what a plan still had in hand for them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import bindparam, select, update

from remediator.changes import ChangeState
from remediator.lifecycle import check_move
from remediator.model import CaseState
from remediator.store.carried import RETRIED, carry_retried
from remediator.store.rows import AnyRow, chunks
from remediator.store.schema import cases, change_cases, changes
from remediator.store.values import CaseMove
from remediator.store.writing import Writing

SETTLED = frozenset({CaseState.CLEARED, CaseState.RESOLVED})

MOVED = ("state", "note", "due_at", "verdict", "settled_at")
"""Columns of a case that a move sets."""

REPLACED = "replaced by plan "
"""What the note of a rejected change begins with when a newer plan took its place."""

PENDING = (ChangeState.PLANNED.value, ChangeState.APPROVED.value)
"""States of a change that nobody has begun to write."""


def case_states(writing: Writing, ids: Iterable[int]) -> dict[int, CaseState]:
    """Return ``{case: state}`` for those of the ids that exist."""
    states: dict[int, CaseState] = {}
    for chunk in chunks(set(ids)):
        found = writing.conn.execute(
            select(cases.c.id, cases.c.state).where(
                cases.c.connection == writing.connection, cases.c.id.in_(chunk)
            )
        )
        states.update((id_, CaseState(state)) for id_, state in found)
    return states


def move_cases(writing: Writing, moves: Sequence[CaseMove]) -> list[int]:
    """Carry out the moves, in order, with one audit entry each; return the cases that really moved.

    A move whose ``before`` no longer holds is skipped. One case may take several steps in one call.

    Raises:
        IllegalMove: the lifecycle does not allow one of them; nothing is moved.
    """
    for move in moves:
        check_move(move.before, move.after)
    rows: dict[int, dict[str, Any]] = {}
    for chunk in chunks({move.case for move in moves}):
        found = writing.conn.execute(
            select(cases.c.id, cases.c.state, cases.c.verdict, cases.c.settled_at).where(
                cases.c.connection == writing.connection, cases.c.id.in_(chunk)
            )
        )
        rows.update((row.id, dict(row._mapping)) for row in found)
    moved: dict[int, dict[str, Any]] = {}
    back: list[CaseMove] = []
    for move in moves:
        row = rows.get(move.case)
        if row is None or row["state"] != move.before.value:
            continue
        if move.before in RETRIED:
            back.append(move)
        row["state"] = move.after.value
        row["note"] = move.note
        row["due_at"] = move.due_at
        row["verdict"] = row["verdict"] if move.verdict is None else move.verdict.value
        row["settled_at"] = writing.now if move.after in SETTLED else None
        moved[move.case] = row
        payload = {"before": move.before, "after": move.after, "note": move.note, "verdict": move.verdict}
        writing.audit("case_moved", case=move.case, payload=payload)
    if moved:
        writing.conn.execute(
            update(cases).where(cases.c.id == bindparam("case")),
            [{"case": case, **{name: row[name] for name in MOVED}} for case, row in moved.items()],
        )
    carry_retried(writing, {move.case: move.before for move in back})
    return list(moved)


def moved_by(row: AnyRow) -> tuple[int, ...]:
    """Return the cases that move with a change; an undo moves none."""
    return () if row.undo else tuple(row.cases)


def leave_plans(writing: Writing, notes: Mapping[int, str]) -> dict[int, str]:
    """Reject what is still planned or approved for cases that have gone another way.

    Without this, a change approved for a case that was settled by hand would be written all the same.

    Args:
        notes: ``{case: why}``.

    Returns:
        ``{case: plan}`` of the other cases that lost a change by it.
    """
    hanging = {case for change in pending_changes(writing, notes).values() for case in change.cases}
    groups: dict[str, set[int]] = {}
    for case, note in notes.items():
        if case in hanging:
            groups.setdefault(note, set()).add(case)
    others: dict[int, str] = {}
    for note, group in groups.items():
        fallen = pending_changes(writing, group)
        reject_pending(writing, fallen, note)
        others |= {case: change.plan for change in fallen.values() for case in change.cases}
    return {case: plan for case, plan in others.items() if case not in notes}


@dataclass(frozen=True, slots=True, kw_only=True)
class Pending:
    """A change that nobody has begun to write, with the cases that hang on it."""

    seq: int
    id: str
    plan: str
    cases: tuple[int, ...]


def pending_changes(
    writing: Writing, case_ids: Iterable[int], *, not_plan: str | None = None
) -> dict[int, Pending]:
    """Return the changes that fall when those cases leave: ``{seq: change}``.

    Changes that share a case stand or fall together, so the cases of one fallen change bring down their other
    changes in the same plan, and so on. Undo changes move no case and are never among them.
    """
    fallen: dict[int, Pending] = {}
    todo: list[tuple[int, str | None]] = [(case, None) for case in set(case_ids)]
    seen = set(todo)
    while todo:
        for row in _pending_of(writing, {case for case, _ in todo}, not_plan):
            wanted = any((case, None) in seen or (case, row.plan_id) in seen for case in row.cases)
            if row.seq not in fallen and wanted:
                fallen[row.seq] = Pending(seq=row.seq, id=row.id, plan=row.plan_id, cases=tuple(row.cases))
        todo = [
            (case, change.plan)
            for change in fallen.values()
            for case in change.cases
            if (case, change.plan) not in seen and (case, None) not in seen
        ]
        seen.update(todo)
    return fallen


def _pending_of(writing: Writing, case_ids: Iterable[int], not_plan: str | None) -> list[AnyRow]:
    rows: list[AnyRow] = []
    for chunk in chunks(case_ids):
        wanted = (
            select(changes.c.seq, changes.c.id, changes.c.plan_id, changes.c.cases)
            .join(change_cases, change_cases.c.change_seq == changes.c.seq)
            .where(
                change_cases.c.case_id.in_(chunk),
                changes.c.connection == writing.connection,
                changes.c.state.in_(PENDING),
                changes.c.undo.is_(False),
            )
            .order_by(changes.c.seq)
        )
        if not_plan is not None:
            wanted = wanted.where(changes.c.plan_id != not_plan)
        rows.extend(writing.conn.execute(wanted))
    return rows


def reject_pending(
    writing: Writing, fallen: Mapping[int, Pending], note: str, *, stay: Collection[int] = ()
) -> None:
    """Reject the changes, and open again the other cases that lose theirs.

    Args:
        stay: cases that the caller moves itself.
    """
    reject_changes(writing, {seq: (change.id, note) for seq, change in fallen.items()})
    states = case_states(writing, {case for change in fallen.values() for case in change.cases} - set(stay))
    move_cases(
        writing,
        [
            CaseMove(case=case, before=state, after=CaseState.OPEN, note=note)
            for case, state in states.items()
            if state in (CaseState.PROPOSED, CaseState.APPROVED)
        ],
    )


def reject_changes(writing: Writing, fallen: Mapping[int, tuple[str, str]]) -> None:
    """Reject changes, given as ``{seq: (id, note)}``, with one audit entry each."""
    set_changes(writing, {seq: note for seq, (_, note) in fallen.items()}, ChangeState.REJECTED)
    for name, note in fallen.values():
        writing.audit("change_rejected", change=name, payload={"note": note})


def set_changes(writing: Writing, notes: Mapping[int, str | None], state: ChangeState) -> None:
    """Put changes into a state, each with its note: ``{seq: note}``."""
    if notes:
        writing.conn.execute(
            update(changes).where(changes.c.seq == bindparam("change_seq")),
            [{"change_seq": seq, "state": state.value, "note": note} for seq, note in notes.items()],
        )
