"""Runs parsed SOQL over the org's tables as one user."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from operator import ge, gt, le, lt
from typing import Any

from remediator.sandbox.salesforce.access import User
from remediator.sandbox.salesforce.derived import derived_rows
from remediator.sandbox.salesforce.errors import ApiFault
from remediator.sandbox.salesforce.ids import full_id
from remediator.sandbox.salesforce.metadata import Field
from remediator.sandbox.salesforce.org import Org
from remediator.sandbox.salesforce.soql import (
    Combine,
    Compare,
    DateLiteral,
    Moment,
    Name,
    Not,
    Query,
    malformed,
)
from remediator.sandbox.salesforce.tables import Row, live
from remediator.sandbox.salesforce.values import stamp

_NO_COLUMN = (
    "No such column '{field}' on entity '{object}'. If you are attempting to use a custom field, be sure"
    " to append"
    " the '__c' after the custom field name. Please reference your WSDL or the describe call for the"
    " appropriate"
    " names."
)
_NO_TYPE = (
    "sObject type '{object}' is not supported. If you are attempting to use a custom object, be sure to"
    " append"
    " the '__c' after the entity name. Please reference your WSDL or the describe call for the"
    " appropriate names."
)
_ORDERED = {"<": lt, ">": gt, "<=": le, ">=": ge}
_UNQUOTED = frozenset(("int", "double", "currency", "boolean", "date", "datetime"))
Test = Callable[[Row], bool]


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """The answer to a query: rows as the API shows them."""

    total: int
    records: list[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class _Path:
    """A resolved name: how to get its value, and the field that it ends in."""

    get: Callable[[Row], Any]
    field: Field
    names: tuple[str, ...]


class Runner:
    """Runs queries for one user.

    Args:
        deleted: ``queryAll``: deleted rows too.
        version: of the API, for the URLs in the answer.
    """

    def __init__(self, org: Org, user: User, *, deleted: bool = False, version: str = "60.0") -> None:
        self._org = org
        self._user = user
        self._deleted = deleted
        self._version = version

    def run(self, query: Query) -> Found:
        """Return all the rows that match.

        Raises:
            ApiFault: ``INVALID_TYPE``, ``INVALID_FIELD`` or ``MALFORMED_QUERY``.
        """
        with self._org.lock_of_all:
            object_name = self._object(query)
            rows = self._matching(query, object_name)
            if query.count:
                return Found(total=len(rows), records=[])
            names = [self._path(query, object_name, name) for name in self._selected(query, object_name)]
            for name, descending, nulls_last in reversed(query.order):
                path = self._path(query, object_name, name)
                rows.sort(key=_order_by(path), reverse=descending)
                if nulls_last != descending:
                    rows.sort(key=_nulls_at(path, last=nulls_last))
            end = None if query.limit is None else query.offset + query.limit
            rows = rows[query.offset : end]
            return Found(total=len(rows), records=[self._shown(object_name, row, names) for row in rows])

    def shown(self, object_name: str, row: Row, fields: Iterable[str]) -> dict[str, Any]:
        """Return one row the way the API shows it."""
        kind = self._org.objects[object_name].fields
        return self._shown(
            object_name, row, [_Path(_getter(name, kind[name]), kind[name], (name,)) for name in fields]
        )

    def _object(self, query: Query) -> str:
        name = self._org.name_of(query.source.text)
        if name is None or not self._org.access.of(self._user, name).read:
            message = _NO_TYPE.format(object=query.source.text)
            raise malformed(query.text, query.source.at, message, "INVALID_TYPE")
        return name

    def _selected(self, query: Query, object_name: str) -> list[Name]:
        names = list(query.fields)
        if query.every is not None:
            if query.every != "standard" and (query.limit is None or query.limit > 200):
                raise ApiFault(
                    400, "MALFORMED_QUERY", "The SOQL FIELDS function must have a LIMIT of at most 200"
                )
            fields = self._org.objects[object_name].fields
            readable = self._org.access.of(self._user, object_name).readable
            names += [
                Name((name,), query.source.at)
                for name, field in fields.items()
                if name in readable and query.every in ("all", "custom" if field.custom else "standard")
            ]
        return names

    def _matching(self, query: Query, object_name: str) -> list[Row]:
        test = None if query.where is None else self._test(query, object_name, query.where)
        rows = self._candidates(query, object_name)
        return [row for row in rows if test is None or test(row)]

    def _candidates(self, query: Query, object_name: str) -> list[Row]:
        derived = derived_rows(self._org, object_name, query)
        if derived is not None:
            return derived
        ids = _ids_asked_for(query.where)
        if ids is None:
            return self._org.rows(object_name, deleted=self._deleted)
        stored = self._org.tables_of(object_name).rows
        found = [stored[known] for known in ids if known in stored]
        return found if self._deleted else list(live(found))

    def _path(self, query: Query, object_name: str, name: Name) -> _Path:
        """Resolve a field or a parent path such as ``Owner.Name``."""
        parts = name.path
        if len(parts) > 1 and parts[0].lower() in (query.alias, object_name.lower()):
            parts = parts[1:]
        steps: list[tuple[str, tuple[str, ...]]] = []
        current = object_name
        names: list[str] = []
        for part in parts[:-1]:
            field = next(
                (
                    entry
                    for entry in self._org.objects[current].fields.values()
                    if entry.relationship and entry.relationship.lower() == part.lower()
                ),
                None,
            )
            if field is None:
                message = (
                    f"Didn't understand relationship '{part}' in field path. If you are attempting to use"
                    f" a custom"
                    " relationship, be sure to append the '__r' after the custom relationship name."
                )
                raise malformed(query.text, name.at, message, "INVALID_FIELD")
            steps.append((field.name, field.refers))
            names.append(str(field.relationship))
            current = next((target for target in field.refers if target in self._org.objects), current)
        kind = self._org.objects[current]
        known = kind.by_lower_name.get(parts[-1].lower())
        if known is None or known not in self._org.access.of(self._user, current).readable:
            message = _NO_COLUMN.format(field=parts[-1], object=current)
            raise malformed(query.text, name.at, message, "INVALID_FIELD")
        last = _getter(known, kind.fields[known])
        return _Path(self._follow(steps, last), kind.fields[known], (*names, known))

    def _follow(
        self, steps: list[tuple[str, tuple[str, ...]]], last: Callable[[Row], Any]
    ) -> Callable[[Row], Any]:
        if not steps:
            return last

        def get(row: Row) -> Any:
            current = row
            for field, targets in steps:
                wanted = current.get(field)
                parent = wanted if isinstance(wanted, dict) else self._parent(targets, wanted)
                if parent is None:
                    return None
                current = parent
            return last(current)

        return get

    def _parent(self, targets: tuple[str, ...], record_id: Any) -> Row | None:
        for target in targets:
            if target in self._org.objects and record_id in self._org.tables_of(target).rows:
                return self._org.tables_of(target).rows[record_id]
        return None

    def _test(self, query: Query, object_name: str, node: Any) -> Test:
        if isinstance(node, Not):
            inner = self._test(query, object_name, node.inner)
            return lambda row: not inner(row)
        if isinstance(node, Combine):
            parts = [self._test(query, object_name, part) for part in node.parts]
            if node.word == "and":
                return lambda row: all(part(row) for part in parts)
            return lambda row: any(part(row) for part in parts)
        return self._compare(query, object_name, node)

    def _compare(self, query: Query, object_name: str, node: Compare) -> Test:
        path = self._path(query, object_name, node.name)
        if not path.field.filterable:
            message = f"field '{node.name.path[-1]}' can not be filtered in a query call"
            raise malformed(query.text, node.name.at, message, "INVALID_FIELD")
        get = path.get
        if isinstance(node.value, Query):
            return self._semi_join(get, node)
        if node.operator in ("in", "not in"):
            wanted = {_comparable(path.field, value) for value in node.value}
            inside = node.operator == "in"
            return lambda row: (_comparable(path.field, get(row)) in wanted) is inside
        if node.operator in ("includes", "excludes"):
            return _includes(get, node)
        if node.operator == "like":
            pattern = _like(str(node.value))
            return lambda row: pattern.fullmatch(str(get(row) or "")) is not None
        return self._simple(query, path, node)

    def _simple(self, query: Query, path: _Path, node: Compare) -> Test:
        get, field, value = path.get, path.field, node.value
        if isinstance(value, DateLiteral):
            begin, end = self._span(value)
            whole_days = field.type == "date"
            return _within(
                get, begin[:10] if whole_days else begin, end[:10] if whole_days else end, node.operator
            )
        if isinstance(value, str) and field.type in _UNQUOTED:
            message = f"value of filter criterion for field '{field.name}' must be of type {field.type}"
            message += " and should not be enclosed in quotes"
            raise malformed(query.text, node.name.at, message, "INVALID_FIELD")
        wanted = _comparable(field, value)
        if node.operator in ("=", "!="):
            same = node.operator == "="
            return lambda row: (_comparable(field, get(row)) == wanted) is same
        compare = _ORDERED[node.operator]
        return lambda row: (found := _comparable(field, get(row))) is not None and compare(found, wanted)

    def _semi_join(self, get: Callable[[Row], Any], node: Compare) -> Test:
        inner = node.value
        object_name = self._object(inner)
        path = self._path(inner, object_name, inner.fields[0])
        wanted = {path.get(row) for row in self._matching(inner, object_name)}
        inside = node.operator == "in"
        return lambda row: (get(row) in wanted) is inside

    def _span(self, literal: DateLiteral) -> tuple[str, str]:
        """Return begin (inside) and end (outside) of a date literal, in UTC."""
        today = self._org.clock.now().date()
        begin, end = _DAYS[literal.name](today, literal.count)
        return _midnight(begin), _midnight(end)

    def _shown(self, object_name: str, row: Row, paths: list[_Path]) -> dict[str, Any]:
        url = f"/services/data/v{self._version}/sobjects/{object_name}/{row.get('Id')}"
        shown: dict[str, Any] = {"attributes": {"type": object_name, "url": url}}
        for path in paths:
            if len(path.names) == 1:
                shown[path.names[0]] = path.get(row)
            else:
                self._nest(shown, object_name, row, path)
        return shown

    def _nest(self, shown: dict[str, Any], object_name: str, row: Row, path: _Path) -> None:
        place, current, kind = shown, row, object_name
        for relationship in path.names[:-1]:
            field = next(f for f in self._org.objects[kind].fields.values() if f.relationship == relationship)
            parent = current.get(field.name)
            target = parent if isinstance(parent, dict) else self._parent(field.refers, parent)
            if target is None:
                place.setdefault(relationship, None)
                return
            kind = next(name for name in field.refers if name in self._org.objects)
            url = f"/services/data/v{self._version}/sobjects/{kind}/{target.get('Id')}"
            place = place.setdefault(relationship, {"attributes": {"type": kind, "url": url}})
            current = target
        place[path.names[-1]] = current.get(path.names[-1])


def _midnight(day: date) -> str:
    return stamp(datetime(day.year, day.month, day.day, tzinfo=UTC))


def _getter(name: str, field: Field) -> Callable[[Row], Any]:
    if field.type == "boolean":
        return lambda row: bool(row.get(name))
    return lambda row: row.get(name)


def _comparable(field: Field, value: Any) -> Any:
    if value is None:
        return None
    if isinstance(value, Moment):
        if field.type == "date":
            return value.text[:10]
        text = value.text.replace("Z", "+00:00")
        moment = datetime.fromisoformat(text)
        return stamp(moment if moment.tzinfo else moment.replace(tzinfo=UTC))
    if field.type in ("id", "reference") and isinstance(value, str):
        return full_id(value) or value
    return value.lower() if isinstance(value, str) else value


def _order_by(path: _Path) -> Callable[[Row], tuple[int, Any]]:
    return lambda row: _sort_key(path.get(row))


def _nulls_at(path: _Path, *, last: bool) -> Callable[[Row], bool]:
    return lambda row: (path.get(row) is None) is last


def _sort_key(value: Any) -> tuple[int, Any]:
    if value is None:
        return (0, 0)
    return (1, value.lower() if isinstance(value, str) else value)


def _like(pattern: str) -> re.Pattern[str]:
    parts = (".*" if sign == "%" else "." if sign == "_" else re.escape(sign) for sign in pattern)
    return re.compile("".join(parts), re.IGNORECASE | re.DOTALL)


def _includes(get: Callable[[Row], Any], node: Compare) -> Test:
    wanted = [set(str(value).split(";")) for value in node.value]
    inside = node.operator == "includes"
    return lambda row: any(group <= set(str(get(row) or "").split(";")) for group in wanted) is inside


def _within(get: Callable[[Row], Any], begin: str, end: str, operator: str) -> Test:
    tests: Mapping[str, Callable[[str], bool]] = {
        "=": lambda value: begin <= value < end,
        "!=": lambda value: not begin <= value < end,
        "<": lambda value: value < begin,
        ">=": lambda value: value >= begin,
        ">": lambda value: value >= end,
        "<=": lambda value: value < end,
    }
    test = tests[operator]
    return lambda row: (value := get(row)) is not None and test(value)


def _ids_asked_for(node: Any) -> list[str] | None:
    """Return the ids that a query limits itself to, so that it need not look at every row."""
    if isinstance(node, Combine) and node.word == "and":
        return next((ids for part in node.parts if (ids := _ids_asked_for(part)) is not None), None)
    if isinstance(node, Compare) and tuple(part.lower() for part in node.name.path) == ("id",):
        values = (node.value,) if node.operator == "=" else node.value if node.operator == "in" else None
        if isinstance(values, tuple):
            return list(dict.fromkeys(known for value in values if (known := full_id(value))))
    return None


def _month(day: date, shift: int) -> date:
    months = day.year * 12 + day.month - 1 + shift
    return date(months // 12, months % 12 + 1, 1)


def _days(count: int) -> timedelta:
    return timedelta(days=count)


_DAYS: Mapping[str, Callable[[date, int], tuple[date, date]]] = {
    "TODAY": lambda day, _: (day, day + _days(1)),
    "YESTERDAY": lambda day, _: (day - _days(1), day),
    "TOMORROW": lambda day, _: (day + _days(1), day + _days(2)),
    "THIS_WEEK": lambda day, _: (
        day - _days((day.weekday() + 1) % 7),
        day + _days(7 - (day.weekday() + 1) % 7),
    ),
    "LAST_WEEK": lambda day, _: (
        day - _days((day.weekday() + 1) % 7 + 7),
        day - _days((day.weekday() + 1) % 7),
    ),
    "THIS_MONTH": lambda day, _: (_month(day, 0), _month(day, 1)),
    "LAST_MONTH": lambda day, _: (_month(day, -1), _month(day, 0)),
    "THIS_YEAR": lambda day, _: (date(day.year, 1, 1), date(day.year + 1, 1, 1)),
    "LAST_N_DAYS": lambda day, count: (day - _days(count), day + _days(1)),
    "NEXT_N_DAYS": lambda day, count: (day, day + _days(count + 1)),
}
