"""Taking one person out of the store on request, with the audit chain left whole."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import ColumnElement, and_, delete, or_, select, update

from remediator.errors import ConfigError, StoreError
from remediator.fingerprint import salesforce_id_18
from remediator.model import ChangeState
from remediator.store.aliases import forget_changes
from remediator.store.carried import carry
from remediator.store.chain import ERASED
from remediator.store.moves import leave_plans
from remediator.store.rows import chunks, diagnosis_from, diagnosis_text
from remediator.store.schema import (
    audit_entries,
    audit_payloads,
    cases,
    change_cases,
    changes,
    declined_cases,
)
from remediator.store.values import Erased
from remediator.store.writing import Writing

GONE = "(erased)"


def erase(writing: Writing, *, marketo_id: str | None, salesforce_id: str | None) -> Erased:
    """Erase one person's messages, values and audit payloads; return what lost something.

    The cases stay, under their record ids, without text. The changes go altogether: with their values gone,
    an undo of one would write an empty field.

    Raises:
        StoreError: a write to this person is under way; its outcome has to be known first.
    """
    case_ids = _case_ids(writing, marketo_id, salesforce_id)
    found = _changes(writing, case_ids, marketo_id, salesforce_id)
    if open_ := [row.id for row in found if row.state == ChangeState.INTENDED.value]:
        raise StoreError(
            f"change {open_[0]} of this person is being written; run `apply` until its outcome is known, "
            "then erase again"
        )
    leave_plans(writing, dict.fromkeys(case_ids, GONE))
    _erase_cases(writing, case_ids)
    entries = _erase_payloads(writing, case_ids, [row.id for row in found])
    forget_changes(writing, [row.id for row in found])
    for chunk in chunks([row.seq for row in found]):
        writing.conn.execute(delete(change_cases).where(change_cases.c.change_seq.in_(chunk)))
        carry(writing, changes, changes.c.seq.in_(chunk))
        writing.conn.execute(delete(changes).where(changes.c.seq.in_(chunk)))
    writing.audit(ERASED, payload={"entries": entries, "cases": len(case_ids), "changes": len(found)})
    return Erased(cases=len(case_ids), changes=len(found), entries=len(entries))


def _case_ids(writing: Writing, marketo_id: str | None, salesforce_id: str | None) -> list[int]:
    names: list[ColumnElement[bool]] = []
    if marketo_id is not None:
        names.append(cases.c.marketo_id == marketo_id.strip())
    if salesforce_id is not None:
        names.append(cases.c.salesforce_id == salesforce_id_18(salesforce_id))
    if not names:
        raise ConfigError("erase: name the person to erase by Marketo id, Salesforce id, or both")
    wanted = select(cases.c.id).where(cases.c.connection == writing.connection, or_(*names))
    return list(writing.conn.execute(wanted.order_by(cases.c.id)).scalars())


def _changes(
    writing: Writing, case_ids: Sequence[int], marketo_id: str | None, salesforce_id: str | None
) -> list[Any]:
    names: list[ColumnElement[bool]] = []
    if marketo_id is not None:
        names.append(and_(changes.c.system == "marketo", changes.c.record_id == marketo_id.strip()))
    if salesforce_id is not None:
        forms = {salesforce_id.strip(), salesforce_id_18(salesforce_id), salesforce_id_18(salesforce_id)[:15]}
        names += [changes.c.record_id.in_(forms), changes.c.salesforce_id.in_(forms)]
    columns = (changes.c.seq, changes.c.id, changes.c.state)
    mine = changes.c.connection == writing.connection
    found = {row.seq: row for row in writing.conn.execute(select(*columns).where(mine, or_(*names)))}
    for chunk in chunks(case_ids):
        linked = select(change_cases.c.change_seq).where(change_cases.c.case_id.in_(chunk))
        rows = writing.conn.execute(select(*columns).where(mine, changes.c.seq.in_(linked)))
        found.update((row.seq, row) for row in rows)
    return [found[seq] for seq in sorted(found)]


def _erase_cases(writing: Writing, case_ids: Sequence[int]) -> None:
    for chunk in chunks(case_ids):
        rows = writing.conn.execute(select(cases.c.id, cases.c.diagnosis).where(cases.c.id.in_(chunk))).all()
        for row in rows:
            bare = replace(diagnosis_from(row.diagnosis), value=None, related_ids=(), reason=GONE)
            writing.conn.execute(
                update(cases)
                .where(cases.c.id == row.id)
                .values(diagnosis=diagnosis_text(bare), message=GONE, note=None)
            )
        writing.conn.execute(
            update(declined_cases)
            .where(declined_cases.c.case_id.in_(chunk))
            .values(reason=GONE, candidates=[])
        )


def _erase_payloads(writing: Writing, case_ids: Sequence[int], change_ids: Sequence[str]) -> list[int]:
    seqs: set[int] = set()
    named: tuple[tuple[ColumnElement[Any], Sequence[int | str]], ...] = (
        (audit_entries.c.case_id, case_ids),
        (audit_entries.c.change_id, change_ids),
    )
    for column, values in named:
        for chunk in chunks(values):
            found = writing.conn.execute(
                select(audit_entries.c.seq)
                .join(
                    audit_payloads,
                    and_(
                        audit_payloads.c.connection == audit_entries.c.connection,
                        audit_payloads.c.seq == audit_entries.c.seq,
                    ),
                )
                .where(
                    audit_entries.c.connection == writing.connection,
                    column.in_(chunk),
                    audit_payloads.c.payload.is_not(None),
                )
            )
            seqs.update(found.scalars())
    for part in chunks(sorted(seqs)):
        writing.conn.execute(
            update(audit_payloads)
            .where(audit_payloads.c.connection == writing.connection, audit_payloads.c.seq.in_(part))
            .values(salt=None, payload=None)
        )
    return sorted(seqs)
