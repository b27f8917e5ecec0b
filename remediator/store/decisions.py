"""What people (or an earned automatic) say about planned changes."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import bindparam, select, update

from remediator.model import CaseState, ChangeState, Decision
from remediator.store.moves import (
    Pending,
    case_states,
    move_cases,
    pending_changes,
    reject_pending,
    set_changes,
)
from remediator.store.rows import AnyRow, chunks
from remediator.store.schema import change_cases, changes
from remediator.store.values import CaseMove
from remediator.store.writing import Writing


def decide(writing: Writing, decisions: Sequence[Decision]) -> list[str]:
    """Approve or reject planned changes; return those for which the decision took effect.

    A change that is no longer planned is left alone. Changes that share a case stand or fall together, so a
    rejection wins over an approval of its neighbour.
    """
    planned = _planned(writing, [decision.change for decision in decisions])
    # The last word on a change counts.
    words = {decision.change: decision for decision in decisions if decision.change in planned}
    fallen: set[str] = set()
    for word in words.values():
        if not word.approved and word.change not in fallen:
            fallen.add(word.change)
            fallen |= _reject(writing, planned[word.change], word, words)
    approved = [word for word in words.values() if word.approved and word.change not in fallen]
    _approve(writing, approved, planned)
    _approve_cases(
        writing, {case for word in approved for case in _cases(planned[word.change])}, approved, planned
    )
    return [name for name, word in words.items() if not word.approved or name not in fallen]


def _planned(writing: Writing, ids: Sequence[str]) -> dict[str, AnyRow]:
    rows: dict[str, AnyRow] = {}
    for chunk in chunks(dict.fromkeys(ids)):
        found = writing.conn.execute(
            select(changes).where(
                changes.c.connection == writing.connection,
                changes.c.id.in_(chunk),
                changes.c.state == ChangeState.PLANNED.value,
            )
        )
        rows.update((row.id, row) for row in found)
    return rows


def _cases(row: AnyRow) -> tuple[int, ...]:
    """Return the cases that move with a change; an undo moves none."""
    return () if row.undo else tuple(row.cases)


def _sentence(word: Decision) -> str:
    return f"rejected by {word.by}" + (f": {word.note}" if word.note else "")


def _reject(writing: Writing, row: AnyRow, word: Decision, words: dict[str, Decision]) -> set[str]:
    """Reject one change and what shares a case with it; return the ids of the others."""
    own = Pending(seq=row.seq, id=row.id, plan=row.plan_id, cases=_cases(row))
    others = {seq: change for seq, change in pending_changes(writing, own.cases).items() if seq != own.seq}
    note = _sentence(word)
    cases = {case for change in (own, *others.values()) for case in change.cases}
    reject_pending(writing, {own.seq: own}, note, stay=cases)
    # A neighbour that was rejected in its own right keeps its own reason.
    siblings = {
        seq: change for seq, change in others.items() if change.id not in words or words[change.id].approved
    }
    reject_pending(writing, siblings, f"falls with {row.id}, {note}", stay=cases)
    moves = []
    for case, state in sorted(case_states(writing, cases).items()):
        if state is CaseState.APPROVED:
            moves.append(CaseMove(case=case, before=state, after=CaseState.OPEN, note=note))
            state = CaseState.OPEN
            moves.append(CaseMove(case=case, before=state, after=CaseState.DECLINED, note=note))
        elif state is CaseState.PROPOSED:
            moves.append(CaseMove(case=case, before=state, after=CaseState.DECLINED, note=note))
    move_cases(writing, moves)
    return {change.id for change in others.values()}


def _approve(writing: Writing, words: Sequence[Decision], planned: dict[str, AnyRow]) -> None:
    set_changes(
        writing, {planned[word.change].seq: word.note or None for word in words}, ChangeState.APPROVED
    )
    picks = []
    for word in words:
        row = planned[word.change]
        payload: dict[str, object] = {"by": word.by, "note": word.note}
        if word.picked:
            payload |= {"proposed": row.after, "picked": word.after}
            picks.append(
                {"change_seq": row.seq, "after": word.after, "reason": f"{row.reason} (picked by {word.by})"}
            )
        writing.audit("change_approved", change=word.change, payload=payload)
    if picks:
        writing.conn.execute(update(changes).where(changes.c.seq == bindparam("change_seq")), picks)


def _approve_cases(
    writing: Writing, case_ids: set[int], words: Sequence[Decision], planned: dict[str, AnyRow]
) -> None:
    """Move the cases all of whose changes in the plan are approved now."""
    plans = {planned[word.change].plan_id for word in words}
    waiting: set[int] = set()
    for chunk in chunks(case_ids):
        found = writing.conn.execute(
            select(change_cases.c.case_id)
            .join(changes, changes.c.seq == change_cases.c.change_seq)
            .where(
                change_cases.c.case_id.in_(chunk),
                changes.c.plan_id.in_(plans),
                changes.c.undo.is_(False),
                changes.c.state == ChangeState.PLANNED.value,
            )
        )
        waiting.update(found.scalars())
    by = {case: word.by for word in words for case in _cases(planned[word.change])}
    move_cases(
        writing,
        [
            CaseMove(
                case=case, before=CaseState.PROPOSED, after=CaseState.APPROVED, note=f"approved by {by[case]}"
            )
            for case in sorted(case_ids - waiting)
        ],
    )
