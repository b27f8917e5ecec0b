"""What people (or an earned automatic) say about planned changes."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime

from sqlalchemy import Connection, bindparam, select, update

from remediator.changes import ChangeState, Decision
from remediator.model import CaseState
from remediator.store.aliases import learn
from remediator.store.moves import (
    case_states,
    move_cases,
    moved_by,
    pending_changes,
    reject_changes,
    set_changes,
)
from remediator.store.rows import AnyRow, chunks
from remediator.store.schema import audit_entries, change_cases, changes
from remediator.store.seals import seal
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
    rejected = [word for word in words.values() if not word.approved]
    fallen = _reject(writing, rejected, planned)
    approved = [word for word in words.values() if word.approved and word.change not in fallen]
    _approve(writing, approved, planned)
    return [name for name, word in words.items() if not word.approved or name not in fallen]


def approved_at(conn: Connection, connection: str, ids: Collection[str]) -> dict[str, datetime]:
    """Return ``{change: when it was last approved}``, as the audit log has it."""
    found: dict[str, datetime] = {}
    for chunk in chunks(ids):
        rows = conn.execute(
            select(audit_entries.c.change_id, audit_entries.c.at)
            .where(
                audit_entries.c.connection == connection,
                audit_entries.c.change_id.in_(chunk),
                audit_entries.c.event == "change_approved",
            )
            .order_by(audit_entries.c.seq)
        )
        found.update((row.change_id, datetime.fromisoformat(row.at)) for row in rows)
    return found


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


def _sentence(word: Decision) -> str:
    return f"rejected by {word.by}" + (f": {word.note}" if word.note else "")


def _reject(writing: Writing, words: Sequence[Decision], planned: dict[str, AnyRow]) -> set[str]:
    """Reject changes and what shares a case with them; return the ids of the latter."""
    own = {planned[word.change].seq for word in words}
    # The word that brings each case down, to say so beside it.
    blame = {case: word for word in reversed(words) for case in moved_by(planned[word.change])}
    others = {seq: change for seq, change in pending_changes(writing, blame).items() if seq not in own}
    waiting = dict(others)
    notes: dict[int, str] = {}
    while reached := {
        seq: change for seq, change in waiting.items() if not blame.keys().isdisjoint(change.cases)
    }:
        for seq, change in reached.items():
            word = next(blame[case] for case in change.cases if case in blame)
            notes[seq] = f"falls with {word.change}, {_sentence(word)}"
            blame |= {case: word for case in change.cases if case not in blame}
            del waiting[seq]
    reject_changes(writing, {planned[word.change].seq: (word.change, _sentence(word)) for word in words})
    reject_changes(writing, {seq: (others[seq].id, note) for seq, note in notes.items()})
    _decline_cases(writing, {case: _sentence(word) for case, word in blame.items()})
    return {change.id for change in others.values()}


def _decline_cases(writing: Writing, notes: dict[int, str]) -> None:
    moves = []
    for case, state in sorted(case_states(writing, notes).items()):
        note = notes[case]
        if state is CaseState.APPROVED:
            moves.append(CaseMove(case=case, before=state, after=CaseState.OPEN, note=note))
        if state in (CaseState.APPROVED, CaseState.PROPOSED):
            before = CaseState.OPEN if state is CaseState.APPROVED else state
            moves.append(CaseMove(case=case, before=before, after=CaseState.DECLINED, note=note))
    move_cases(writing, moves)


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
                {
                    "change_seq": row.seq,
                    "after": word.after,
                    "reason": f"{row.reason} (picked by {word.by})",
                    "seal": seal({**row._asdict(), "after": word.after}),
                }
            )
        writing.audit("change_approved", change=word.change, payload=payload)
    if picks:
        writing.conn.execute(update(changes).where(changes.c.seq == bindparam("change_seq")), picks)
        learn(writing, [(word, planned[word.change]) for word in words if word.picked])
    _approve_cases(writing, words, planned)


def _approve_cases(writing: Writing, words: Sequence[Decision], planned: dict[str, AnyRow]) -> None:
    """Move the cases all of whose changes in the plan are approved now."""
    case_ids = {case for word in words for case in moved_by(planned[word.change])}
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
    by = {case: word.by for word in words for case in moved_by(planned[word.change])}
    move_cases(
        writing,
        [
            CaseMove(
                case=case, before=CaseState.PROPOSED, after=CaseState.APPROVED, note=f"approved by {by[case]}"
            )
            for case in sorted(case_ids - waiting)
        ],
    )
