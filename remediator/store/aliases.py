"""What reviewers taught: a value they picked for a list field answers the same value next time."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, delete, insert, select

from remediator.changes import Decision
from remediator.model import Category, SystemName
from remediator.store.database import Database
from remediator.store.rows import AnyRow, chunks
from remediator.store.schema import aliases, cases
from remediator.store.writing import Writing, writing

LONGEST = 255
"""Characters of either side: Salesforce's limit for a picklist value, and short enough for an index."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AliasKey:
    """What an alias is for; aliases of one field never answer for another.

    Attributes:
        object: Salesforce object API name.
        field: Salesforce field API name.
        before: the exact text that was refused.
    """

    object: str
    field: str
    before: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Alias:
    """One lesson.

    Attributes:
        after: the value meant; ``None`` when reviewers of one plan picked different values for the same
            text, which then answers nothing.
        by: who picked or imported it.
        change: the change it was picked for, ``None`` for an imported one.
    """

    key: AliasKey
    after: str | None
    by: str
    at: datetime
    change: str | None = None


class AliasBook:
    """The aliases of one connection; every method is one transaction and raises ``StoreError``."""

    def __init__(self, database: Database, *, connection: str) -> None:
        self._database = database
        self._connection = connection

    def all(self) -> list[Alias]:
        """Return every alias, by object, field and text."""
        wanted = select(aliases).where(aliases.c.connection == self._connection)
        with self._database.reading() as conn:
            found = [_alias(row) for row in conn.execute(wanted)]
        # Sorted here, because the two databases order letters differently.
        return sorted(found, key=lambda alias: (alias.key.object, alias.key.field, alias.key.before))

    def take(self, lessons: Iterable[tuple[AliasKey, str]], *, by: str, now: datetime) -> int:
        """Teach from outside, over whatever was known; return how many lessons were new or different."""
        with writing(self._database, self._connection, now=now, actor=by) as open_:
            taken = [
                (key, after)
                for key, after in lessons
                if (known := _known(open_, key)) is None or known.after != after
            ]
            for key, after in taken:
                _put(open_, Alias(key=key, after=after, by=by, at=now), "alias_imported")
        return len(taken)

    def forget(self, keys: Collection[AliasKey], *, by: str, now: datetime) -> int:
        """Forget aliases; return how many there were."""
        gone = 0
        with writing(self._database, self._connection, now=now, actor=by) as open_:
            for key in keys:
                if (known := _known(open_, key)) is None:
                    continue
                open_.conn.execute(delete(aliases).where(_is(open_, key)))
                open_.audit("alias_forgotten", change=known.change, payload=_payload(known))
                gone += 1
        return gone


def learn(writing_: Writing, picks: Sequence[tuple[Decision, AnyRow]]) -> None:
    """Remember what reviewers picked for values that a list refused.

    Only a picklist, a country or a state can be taught: anywhere else a value belongs to one person, and
    must not become another's. A change that is written to Salesforce shows Salesforce's value and not the
    refused one, so nothing is learned from it. Two values for one text within a plan show that the text alone
    does not decide: it then answers nothing, until a later pick or an import settles it.

    Args:
        picks: decisions that took effect, each with its row of ``changes``.
    """
    listed = _about_lists(writing_, {case for _, row in picks for case in row.cases})
    for word, row in picks:
        key = _key(row, word)
        if key is None or not listed.intersection(row.cases):
            continue
        known = _known(writing_, key)
        contested = known is not None and known.after != word.after and _of_plan(known, row.plan_id)
        after = None if contested else str(word.after)
        taught = Alias(key=key, after=after, by=word.by, at=writing_.now, change=row.id)
        _put(writing_, taught, "alias_contested" if contested else "alias_learned")


def forget_changes(writing_: Writing, changes: Collection[str]) -> None:
    """Forget what was learned from these changes: the text may be a person's."""
    for chunk in chunks(changes):
        mine = and_(aliases.c.connection == writing_.connection, aliases.c.change_id.in_(chunk))
        writing_.conn.execute(delete(aliases).where(mine))


def _about_lists(writing_: Writing, ids: Collection[int]) -> set[int]:
    found: set[int] = set()
    for chunk in chunks(ids):
        rows = writing_.conn.execute(
            select(cases.c.id).where(
                cases.c.id.in_(chunk), cases.c.category == Category.INVALID_PICKLIST.value
            )
        )
        found.update(rows.scalars())
    return found


def _key(row: AnyRow, word: Decision) -> AliasKey | None:
    before, after = row.before, word.after
    if row.undo or row.system != SystemName.MARKETO.value:
        return None
    if row.salesforce_object is None or row.salesforce_field is None:
        return None
    if not isinstance(before, str) or not isinstance(after, str) or before == after:
        return None
    if not before.strip() or not after.strip() or max(len(before), len(after)) > LONGEST:
        return None
    return AliasKey(object=row.salesforce_object, field=row.salesforce_field, before=before)


def _of_plan(alias: Alias, plan: str) -> bool:
    # A change's id is its plan's with its position behind.
    return alias.change is not None and alias.change.rpartition("-")[0] == plan


def _is(writing_: Writing, key: AliasKey) -> ColumnElement[bool]:
    return and_(
        aliases.c.connection == writing_.connection,
        aliases.c.object == key.object,
        aliases.c.field == key.field,
        aliases.c.before == key.before,
    )


def _known(writing_: Writing, key: AliasKey) -> Alias | None:
    row = writing_.conn.execute(select(aliases).where(_is(writing_, key))).one_or_none()
    return None if row is None else _alias(row)


def _put(writing_: Writing, alias: Alias, event: str) -> None:
    writing_.conn.execute(delete(aliases).where(_is(writing_, alias.key)))
    writing_.conn.execute(
        insert(aliases).values(
            connection=writing_.connection,
            object=alias.key.object,
            field=alias.key.field,
            before=alias.key.before,
            after=alias.after,
            taught_by=alias.by,
            taught_at=alias.at,
            change_id=alias.change,
        )
    )
    writing_.audit(event, change=alias.change, payload=_payload(alias))


def _payload(alias: Alias) -> dict[str, object]:
    return {
        "object": alias.key.object,
        "field": alias.key.field,
        "before": alias.key.before,
        "after": alias.after,
        "by": alias.by,
    }


def _alias(row: Any) -> Alias:
    return Alias(
        key=AliasKey(object=row.object, field=row.field, before=row.before),
        after=row.after,
        by=row.taught_by,
        at=row.taught_at,
        change=row.change_id,
    )
