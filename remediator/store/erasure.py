"""Taking one person out of the store on request, with the audit chain left whole."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import Column, ColumnElement, Table, Text, and_, delete, or_, select, type_coerce, update

from remediator.changes import ChangeState
from remediator.errors import ConfigError, StoreError
from remediator.fingerprint import salesforce_id_18
from remediator.model import CaseState
from remediator.store.aliases import forget_changes
from remediator.store.chain import ERASED
from remediator.store.going import take_rows
from remediator.store.moves import case_states, leave_plans, move_cases
from remediator.store.rows import AnyRow, chunks, diagnosis_from, diagnosis_text
from remediator.store.schema import (
    aliases,
    audit_entries,
    audit_payloads,
    campaign_states,
    cases,
    change_cases,
    changes,
    declined_cases,
    intakes,
    notices,
    pauses,
    sightings,
)
from remediator.store.values import CaseMove, Erased, Person
from remediator.store.writing import Writing

GONE = "(erased)"

_CHANGE_GONE = "its change was erased"

_PEOPLE_PREFIXES = ("00Q", "003")
"""What Salesforce ids of leads and contacts begin with: a record that is a person."""

_PUSHES = ("resync_intended", "resync_list_left")
"""Events whose payload lists Marketo ids under ``people``."""

_CHANGE_COLUMNS = (
    changes.c.seq,
    changes.c.id,
    changes.c.state,
    changes.c.cases,
    changes.c.system,
    changes.c.record_id,
    changes.c.salesforce_id,
)

_CHANGE_TEXTS = tuple(
    changes.c[name] for name in ("before", "after", "reason", "candidates", "note", "record_id")
)
_CASE_TEXTS = tuple(cases.c[name] for name in ("message", "diagnosis", "note", "cause"))


def erase(writing: Writing, person: Person) -> Erased:
    """Erase one person; return what went or lost something.

    The person's cases and changes go altogether, so a new failure of the same record is a new case. A change
    to a record that others share, such as their company, stays for those others. Texts elsewhere that
    mention the e-mail address are replaced.

    Raises:
        ConfigError: nobody is named, or a record that is no person.
        StoreError: a write to this person is under way; its outcome has to be known first.
    """
    ids = _ids(writing, person)
    own = _own_cases(writing, ids)
    found = _changes(writing, own, ids, person.email)
    whole = {row.seq: row for row in found if _goes(row, own, ids, person.email, writing)}
    _refuse_unsettled(found)
    others = {case for row in whole.values() for case in row.cases} - set(own)
    leave_plans(writing, dict.fromkeys(others, _CHANGE_GONE) | dict.fromkeys(own, GONE))
    names = [row.id for row in whole.values()]
    entries = _empty_payloads(writing, own, names, ids, person.email)
    _unlink(writing, [row for row in found if row.seq not in whole], own)
    for chunk in chunks(whole):
        take_rows(writing, changes, chunk)
    for chunk in chunks(own):
        take_rows(writing, cases, chunk)
    _open_again(writing, others)
    mentions = 0 if person.email is None else _replace_mentions(writing, person.email)
    erased = Erased(cases=len(own), changes=len(whole), entries=len(entries), mentions=mentions)
    if any((erased.cases, erased.changes, erased.entries, erased.mentions)):
        counts = {"cases": erased.cases, "changes": erased.changes, "mentions": erased.mentions}
        writing.audit(ERASED, payload={"entries": entries, **counts})
    return erased


# Who


@dataclass(frozen=True, slots=True, kw_only=True)
class _Ids:
    """Under which ids the store knows a person; Salesforce's in their 18-character form."""

    marketo: frozenset[str]
    salesforce: frozenset[str]

    @property
    def salesforce_forms(self) -> list[str]:
        """Both forms of each Salesforce id."""
        return sorted({form for one in self.salesforce for form in (one, one[:15])})


def _ids(writing: Writing, person: Person) -> _Ids:
    marketo = {(person.marketo_id or "").strip()} - {""}
    salesforce = {salesforce_id_18(person.salesforce_id or "")} - {""}
    if not marketo and not salesforce and not (person.email or "").strip():
        raise ConfigError("erase: name the person to erase by Marketo id, Salesforce id or e-mail address")
    if strange := [one for one in salesforce if not one.startswith(_PEOPLE_PREFIXES)]:
        # With a company's id, everybody who ever failed at that company would be gone.
        raise ConfigError(
            f"erase: the Salesforce id '{strange[0]}' is none of a lead or contact, which begin with "
            f"{' or '.join(_PEOPLE_PREFIXES)}; nothing was erased. Name the person by their own id"
        )
    # One step only: whoever shares a record with somebody who shares a record is somebody else.
    both = select(cases.c.marketo_id, cases.c.salesforce_id).where(
        cases.c.connection == writing.connection,
        cases.c.marketo_id.is_not(None),
        cases.c.salesforce_id.is_not(None),
        or_(cases.c.marketo_id.in_(marketo), cases.c.salesforce_id.in_(salesforce)),
    )
    pairs = {(str(row.marketo_id), str(row.salesforce_id)) for row in writing.conn.execute(both)}
    return _Ids(
        marketo=frozenset(marketo | {one for one, other in pairs if other in salesforce}),
        salesforce=frozenset(
            salesforce
            | {other for one, other in pairs if one in marketo and other.startswith(_PEOPLE_PREFIXES)}
        ),
    )


def _own_cases(writing: Writing, ids: _Ids) -> list[int]:
    wanted = select(cases.c.id).where(
        cases.c.connection == writing.connection,
        or_(cases.c.marketo_id.in_(ids.marketo), cases.c.salesforce_id.in_(ids.salesforce)),
    )
    return list(writing.conn.execute(wanted.order_by(cases.c.id)).scalars())


def _changes(writing: Writing, own: Sequence[int], ids: _Ids, email: str | None) -> list[AnyRow]:
    """Return the changes to the person's records, those for their cases, and those that mention them."""
    mine = changes.c.connection == writing.connection
    about = [
        and_(changes.c.system == "marketo", changes.c.record_id.in_(ids.marketo)),
        changes.c.record_id.in_(ids.salesforce_forms),
        changes.c.salesforce_id.in_(ids.salesforce_forms),
        *([_mentions(_CHANGE_TEXTS, email)] if email else []),
    ]
    found = {row.seq: row for row in writing.conn.execute(select(*_CHANGE_COLUMNS).where(mine, or_(*about)))}
    for chunk in chunks(own):
        linked = select(change_cases.c.change_seq).where(change_cases.c.case_id.in_(chunk))
        rows = writing.conn.execute(select(*_CHANGE_COLUMNS).where(mine, changes.c.seq.in_(linked)))
        found.update((row.seq, row) for row in rows)
    return [found[seq] for seq in sorted(found)]


def _goes(row: AnyRow, own: Sequence[int], ids: _Ids, email: str | None, writing: Writing) -> bool:
    """Say whether a change goes altogether; one to a record that others share stays for them."""
    forms = ids.salesforce_forms
    if row.record_id in forms or row.salesforce_id in forms or not set(row.cases) - set(own):
        return True
    if row.system == "marketo" and row.record_id in ids.marketo:
        return True
    if not email:
        return False
    said = select(changes.c.seq).where(changes.c.seq == row.seq, _mentions(_CHANGE_TEXTS, email))
    return writing.conn.execute(said).first() is not None


def _refuse_unsettled(found: Iterable[AnyRow]) -> None:
    if open_ := [row.id for row in found if row.state == ChangeState.INTENDED.value]:
        raise StoreError(
            f"change {open_[0]} of this person is being written; run `apply` until its outcome is known, "
            "then erase again"
        )


# What goes


def _unlink(writing: Writing, shared: Iterable[AnyRow], own: Sequence[int]) -> None:
    for row in shared:
        left = [case for case in row.cases if case not in set(own)]
        writing.conn.execute(update(changes).where(changes.c.seq == row.seq).values(cases=left))


def _open_again(writing: Writing, ids: Collection[int]) -> None:
    """Open the cases of others whose change has gone: nothing can prove them any more."""
    moves = [
        CaseMove(case=case, before=state, after=CaseState.OPEN, note=_CHANGE_GONE)
        for case, state in sorted(case_states(writing, ids).items())
        if state is CaseState.VERIFYING
    ]
    move_cases(writing, moves)


def _empty_payloads(
    writing: Writing, own: Sequence[int], names: Sequence[str], ids: _Ids, email: str | None
) -> list[int]:
    """Empty the payloads about these cases, changes and records; returns their positions."""
    seqs = _payloads_by(writing, audit_entries.c.case_id, own)
    # Also changes that went by age: their entries still name the record.
    records = sorted(ids.marketo) + ids.salesforce_forms
    about = [
        audit_payloads.c.payload.contains(f'"record_id":{json.dumps(one)}', autoescape=True)
        for one in records
    ]
    aged = _payloads(writing, or_(*about)) if about else []
    gone = sorted({*names, *(row.change_id for row in aged if row.change_id is not None)})
    seqs |= {row.seq for row in aged} | _payloads_by(writing, audit_entries.c.change_id, gone)
    forget_changes(writing, gone)
    for row in _payloads(writing, audit_entries.c.event.in_(_PUSHES)):
        if ids.marketo.intersection(json.loads(row.payload).get("people", ())):
            seqs.add(row.seq)
    if email:
        seqs.update(row.seq for row in _payloads(writing, _mentions([audit_payloads.c.payload], email)))
    return _empty(writing, seqs)


def forget_cases(writing: Writing, ids: Sequence[int]) -> None:
    """Empty what audit entries say about cases that go by age: nobody could be found in it afterwards."""
    if emptied := _empty(writing, _payloads_by(writing, audit_entries.c.case_id, ids)):
        writing.audit(ERASED, payload={"entries": emptied, "cases": len(ids), "why": "retention"})


def _empty(writing: Writing, seqs: Collection[int]) -> list[int]:
    """Empty the payloads at these positions; returns them in order."""
    for part in chunks(sorted(seqs)):
        writing.conn.execute(
            update(audit_payloads)
            .where(audit_payloads.c.connection == writing.connection, audit_payloads.c.seq.in_(part))
            .values(salt=None, payload=None)
        )
    return sorted(seqs)


def _payloads(writing: Writing, which: ColumnElement[bool]) -> list[AnyRow]:
    wanted = (
        select(audit_entries.c.seq, audit_entries.c.change_id, audit_payloads.c.payload)
        .join(
            audit_payloads,
            and_(
                audit_payloads.c.connection == audit_entries.c.connection,
                audit_payloads.c.seq == audit_entries.c.seq,
            ),
        )
        .where(audit_entries.c.connection == writing.connection, audit_payloads.c.payload.is_not(None), which)
    )
    return list(writing.conn.execute(wanted).all())


def _payloads_by(writing: Writing, column: Column[Any], values: Iterable[int | str]) -> set[int]:
    found: set[int] = set()
    for chunk in chunks(values):
        found.update(row.seq for row in _payloads(writing, column.in_(chunk)))
    return found


# Mentions


def _mentions(columns: Sequence[Column[Any]], email: str) -> ColumnElement[bool]:
    """Find an address in any case, in plain text and in JSON."""
    wanted = email.strip()
    forms = {wanted, json.dumps(wanted)[1:-1]}
    # Text of any column type: a JSON column would spell the address as JSON again.
    return or_(*(_text(column).icontains(form, autoescape=True) for column in columns for form in forms))


def _text(column: Column[Any]) -> ColumnElement[str]:
    return type_coerce(column, Text())


def _replace_mentions(writing: Writing, email: str) -> int:
    """Replace what mentions an address in rows that are not the person's own; returns how many rows."""
    count = _bare_cases(writing, email)
    declined = _mentions([declined_cases.c.reason, declined_cases.c.candidates], email)
    count += _set(writing, declined_cases, declined, reason=GONE, candidates=[])
    one_text = (campaign_states.c.note, pauses.c.why, intakes.c.name, sightings.c.origin)
    for column in one_text:
        count += _set(writing, column.table, _mentions([column], email), **{column.name: GONE})
    # An undelivered message, and what reviewers taught, are of no use with a hole in them.
    dropped = (notices.c.state, notices.c.key), (aliases.c.before, aliases.c.after)
    for columns in dropped:
        table = columns[0].table
        which = and_(table.c.connection == writing.connection, _mentions(columns, email))
        count += writing.conn.execute(delete(table).where(which)).rowcount
    return count


def _bare_cases(writing: Writing, email: str) -> int:
    mine = and_(cases.c.connection == writing.connection, _mentions(_CASE_TEXTS, email))
    rows = writing.conn.execute(select(cases.c.id, cases.c.diagnosis).where(mine)).all()
    for row in rows:
        bare = replace(diagnosis_from(row.diagnosis), value=None, related_ids=(), reason=GONE)
        writing.conn.execute(
            update(cases)
            .where(cases.c.id == row.id)
            .values(diagnosis=diagnosis_text(bare), message=GONE, note=None)
        )
    return len(rows)


def _set(writing: Writing, table: Table, which: ColumnElement[bool], **values: object) -> int:
    mine = and_(table.c.connection == writing.connection, which)
    return writing.conn.execute(update(table).where(mine).values(**values)).rowcount
