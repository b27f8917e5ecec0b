"""Reading the archive: cases, their sightings, and the causes that many of them share."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, and_, case, func, or_, select

from remediator.lifecycle import UNSETTLED
from remediator.model import Case, CaseState, Cause
from remediator.store.database import Database
from remediator.store.rows import CHUNK, PAGE, case_from, chunks, diagnosis_from
from remediator.store.schema import cases, sightings
from remediator.store.values import CaseQuery, Sighting


def _matching(connection: str, query: CaseQuery) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = [cases.c.connection == connection]
    if query.states is not None:
        conditions.append(cases.c.state.in_([state.value for state in query.states]))
    if query.categories is not None:
        conditions.append(cases.c.category.in_([category.value for category in query.categories]))
    if query.cause is not None:
        conditions.append(cases.c.cause == query.cause)
    if query.object is not None:
        conditions.append(cases.c.object == query.object)
    if query.due_before is not None:
        conditions.append(cases.c.due_at <= query.due_before)
    if query.records is not None:
        wanted = list(query.records)
        conditions.append(or_(cases.c.marketo_id.in_(wanted), cases.c.salesforce_id.in_(wanted)))
    if query.text is not None:
        columns = (cases.c.message, cases.c.note, cases.c.marketo_id, cases.c.salesforce_id)
        conditions.append(or_(*(column.icontains(query.text, autoescape=True) for column in columns)))
    return conditions


def _id_groups(query: CaseQuery) -> list[list[int] | None]:
    """Return the asked ids in groups that fit one statement, or one ``None`` when all ids will do."""
    return [None] if query.ids is None else list(chunks(sorted(set(query.ids)), CHUNK))


def _page(conditions: list[ColumnElement[bool]], ids: list[int] | None, after: int) -> Select[Any]:
    wanted = [*conditions, cases.c.id > after]
    if ids is not None:
        wanted.append(cases.c.id.in_(ids))
    return select(cases).where(and_(*wanted)).order_by(cases.c.id).limit(PAGE)


def read_cases(database: Database, connection: str, query: CaseQuery) -> Iterator[Case]:
    """Yield cases by id, a page at a time; no transaction stays open while the caller works on them."""
    conditions = _matching(connection, query)
    left = query.limit
    for ids in _id_groups(query):
        after = 0
        while left is None or left > 0:
            with database.reading() as conn:
                page = [case_from(row) for row in conn.execute(_page(conditions, ids, after))]
            page = page if left is None else page[:left]
            yield from page
            if left is not None:
                left -= len(page)
            if len(page) < PAGE:
                break
            after = page[-1].id


def count_cases(conn: Connection, connection: str, query: CaseQuery) -> int:
    """Count the cases a query means."""
    conditions = _matching(connection, query)
    total = 0
    for ids in _id_groups(query):
        wanted = conditions if ids is None else [*conditions, cases.c.id.in_(ids)]
        total += conn.execute(select(func.count()).select_from(cases).where(and_(*wanted))).scalar_one()
    return total if query.limit is None else min(total, query.limit)


def read_sightings(conn: Connection, connection: str, case_id: int) -> list[Sighting]:
    """Return when and where a case was seen, newest first."""
    found = conn.execute(
        select(sightings)
        .where(sightings.c.connection == connection, sightings.c.case_id == case_id)
        .order_by(sightings.c.failed_at.desc(), sightings.c.id.desc())
    )
    return [
        Sighting(
            case=row.case_id,
            failed_at=row.failed_at,
            source=row.source,
            operation=row.operation,
            origin=row.origin,
            run=row.run_id,
            taken_at=row.taken_at,
        )
        for row in found
    ]


def read_causes(conn: Connection, connection: str, *, include_settled: bool) -> list[Cause]:
    """Return the causes, most open cases first; those without an open case only when asked for."""
    unsettled = [state.value for state in UNSETTLED]
    opened = func.sum(case((cases.c.state.in_(unsettled), 1), else_=0))
    groups = (
        select(
            cases.c.cause,
            opened.label("opened"),
            func.sum(case((cases.c.state == CaseState.CLEARED.value, 1), else_=0)).label("cleared"),
            func.count().label("total"),
            func.min(cases.c.first_seen).label("first_seen"),
            func.max(cases.c.last_seen).label("last_seen"),
        )
        .where(cases.c.connection == connection)
        .group_by(cases.c.cause)
        .order_by(opened.desc(), cases.c.cause)
    )
    rows = conn.execute(groups).all()
    return [_cause(conn, connection, row) for row in rows if include_settled or row.opened]


def _cause(conn: Connection, connection: str, group: Any) -> Cause:
    # One index look-up a cause beats ranking every case: there are few causes and many cases.
    latest = conn.execute(
        select(cases.c.diagnosis, cases.c.object, cases.c.message)
        .where(cases.c.connection == connection, cases.c.cause == group.cause)
        .order_by(cases.c.last_seen.desc(), cases.c.id.desc())
        .limit(1)
    ).one()
    diagnosis = diagnosis_from(latest.diagnosis)
    return Cause(
        key=group.cause,
        category=diagnosis.category,
        code=diagnosis.code,
        object=latest.object,
        field=diagnosis.field,
        rule=diagnosis.rule,
        owner=diagnosis.owner,
        open_cases=group.opened,
        cleared_cases=group.cleared,
        total_cases=group.total,
        first_seen=group.first_seen,
        last_seen=group.last_seen,
        sample=latest.message,
    )
