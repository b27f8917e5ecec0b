"""A parser for the part of SOQL that integrations use."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from remediator.sandbox.salesforce.errors import ApiFault

_TOKEN = re.compile(
    r"""\s*(?:
      (?P<string>'(?:\\.|[^'\\])*')
    | (?P<moment>\d{4}-\d\d-\d\d(?:T\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:?\d\d))?(?![\w-]))
    | (?P<number>[+-]?\d+(?:\.\d+)?(?![\w.]))
    | (?P<name>[A-Za-z_][\w.]*(?::\d+)?)
    | (?P<sign><=|>=|!=|<>|[=<>(),*])
    )""",
    re.VERBOSE,
)
_ESCAPES = {"n": "\n", "r": "\r", "t": "\t", "b": "\b", "f": "\f"}
_STOP = frozenset({"from", "where", "order", "limit", "offset", "group", "having", "for", "with", "using"})


@dataclass(frozen=True, slots=True)
class Token:
    """One token and where it begins in the query."""

    kind: str
    text: str
    at: int


@dataclass(frozen=True, slots=True)
class Name:
    """A field or a parent path, with its place for error messages."""

    path: tuple[str, ...]
    at: int


@dataclass(frozen=True, slots=True)
class DateLiteral:
    """``TODAY`` or ``LAST_N_DAYS:7``: resolved when the query runs."""

    name: str
    count: int


@dataclass(frozen=True, slots=True)
class Moment:
    """A date or datetime literal."""

    text: str


@dataclass(frozen=True, slots=True)
class Compare:
    """``field operator value``; the value is a tuple or a ``Query`` for ``in`` and ``not in``."""

    name: Name
    operator: str
    value: Any


@dataclass(frozen=True, slots=True)
class Not:
    """A negation."""

    inner: Any


@dataclass(frozen=True, slots=True)
class Combine:
    """``and`` or ``or`` of several conditions."""

    word: str
    parts: tuple[Any, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """A parsed query; ``count`` is set for ``SELECT COUNT()``.

    Attributes:
        every: which ``FIELDS(...)`` was asked for: ``all``, ``standard``, ``custom`` or ``None``.
        alias: the object's short or own name, which field names may begin with; in lower case.
        order: ``(field, descending, nulls last)``.
    """

    text: str
    fields: tuple[Name, ...]
    source: Token
    alias: str
    count: bool = False
    every: str | None = None
    where: Any = None
    order: tuple[tuple[Name, bool, bool], ...] = ()
    limit: int | None = None
    offset: int = 0


def malformed(text: str, at: int, message: str, code: str = "MALFORMED_QUERY") -> ApiFault:
    """Return the error with the excerpt, the caret and the place that Salesforce shows."""
    before = text[:at]
    row = before.count("\n") + 1
    column = at - (before.rfind("\n") + 1)
    begin, end = max(0, at - 40), min(len(text), at + 40)
    excerpt = text[begin:end].replace("\n", " ")
    caret = " " * (at - begin) + "^"
    return ApiFault(400, code, f"\n{excerpt}\n{caret}\nERROR at Row:{row}:Column:{column + 1}\n{message}")


def parse(text: str) -> Query:
    """Return the query.

    Raises:
        ApiFault: ``MALFORMED_QUERY``, with the unexpected token.
    """
    parser = _Parser(text)
    query = parser.query()
    if parser.peek() is not None:
        raise parser.unexpected()
    return query


def _tokens(text: str) -> list[Token]:
    found: list[Token] = []
    at = 0
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None or match.lastgroup is None:
            rest = text[at:].lstrip()
            if not rest:
                break
            raise malformed(text, len(text) - len(rest), f"unexpected token: '{rest.split()[0][:20]}'")
        found.append(Token(match.lastgroup, match.group(match.lastgroup), match.start(match.lastgroup)))
        at = match.end()
    return found


class _Parser:
    def __init__(self, text: str) -> None:
        self._text = text
        self._tokens = _tokens(text)
        self._next = 0

    def peek(self) -> Token | None:
        return self._tokens[self._next] if self._next < len(self._tokens) else None

    def unexpected(self) -> ApiFault:
        token = self.peek()
        if token is None:
            return malformed(self._text, len(self._text), "unexpected token: '<EOF>'")
        return malformed(self._text, token.at, f"unexpected token: '{token.text}'")

    def query(self) -> Query:
        self._expect("select")
        count, every, fields = self._selection()
        self._expect("from")
        source = self._take("name")
        alias = source.text.lower()
        if (token := self.peek()) and token.kind == "name" and token.text.lower() not in _STOP:
            self._next += 1
            alias = token.text.lower()
        where = self._condition() if self._accept("where") else None
        order = self._order() if self._accept("order") else ()
        limit = int(self._take("number").text) if self._accept("limit") else None
        offset = int(self._take("number").text) if self._accept("offset") else 0
        if self._accept("for"):
            self._take("name")
        return Query(
            text=self._text,
            fields=fields,
            source=source,
            alias=alias,
            count=count,
            every=every,
            where=where,
            order=order,
            limit=limit,
            offset=offset,
        )

    def _selection(self) -> tuple[bool, str | None, tuple[Name, ...]]:
        fields: list[Name] = []
        every: str | None = None
        while True:
            token = self._take("name")
            if self._accept("("):
                if token.text.lower() == "count" and self._accept(")"):
                    return True, None, ()
                if token.text.lower() != "fields":
                    self._next -= 1
                    raise self.unexpected()
                every = self._take("name").text.lower()
                self._expect(")")
            else:
                fields.append(Name(tuple(token.text.split(".")), token.at))
            if not self._accept(","):
                return False, every, tuple(fields)

    def _order(self) -> tuple[tuple[Name, bool, bool], ...]:
        self._expect("by")
        order: list[tuple[Name, bool, bool]] = []
        while True:
            token = self._take("name")
            descending = self._accept("desc")
            if not descending:
                self._accept("asc")
            nulls_last = False
            if self._accept("nulls"):
                nulls_last = self._accept("last")
                if not nulls_last:
                    self._expect("first")
            order.append((Name(tuple(token.text.split(".")), token.at), descending, nulls_last))
            if not self._accept(","):
                return tuple(order)

    def _condition(self) -> Any:
        parts = [self._term()]
        word = None
        while (token := self.peek()) and token.text.lower() in ("and", "or"):
            if word not in (None, token.text.lower()):
                raise self.unexpected()  # Salesforce wants parentheses around mixed and/or
            word = token.text.lower()
            self._next += 1
            parts.append(self._term())
        return parts[0] if word is None else Combine(word, tuple(parts))

    def _term(self) -> Any:
        if self._accept("not"):
            return Not(self._term())
        if self._accept("("):
            inner = self._condition()
            self._expect(")")
            return inner
        token = self._take("name")
        name = Name(tuple(token.text.split(".")), token.at)
        return Compare(name, *self._comparison())

    def _comparison(self) -> tuple[str, Any]:
        if self._accept("not"):
            self._expect("in")
            return "not in", self._values()
        for word in ("in", "includes", "excludes"):
            if self._accept(word):
                return word, self._values()
        if self._accept("like"):
            return "like", self._value()
        token = self.peek()
        if token is None or token.text not in ("=", "!=", "<>", "<", ">", "<=", ">="):
            raise self.unexpected()
        self._next += 1
        return ("!=" if token.text == "<>" else token.text), self._value()

    def _values(self) -> Any:
        self._expect("(")
        token = self.peek()
        if token is not None and token.text.lower() == "select":
            inner = self.query()
            self._expect(")")
            return inner
        values = [self._value()]
        while self._accept(","):
            values.append(self._value())
        self._expect(")")
        return tuple(values)

    def _value(self) -> Any:
        token = self.peek()
        if token is None or token.kind == "sign":
            raise self.unexpected()
        self._next += 1
        if token.kind == "string":
            return re.sub(
                r"\\(.)", lambda match: _ESCAPES.get(match[1], match[1]), token.text[1:-1], flags=re.DOTALL
            )
        if token.kind == "number":
            return float(token.text) if "." in token.text else int(token.text)
        if token.kind == "moment":
            return Moment(token.text)
        word, _, count = token.text.partition(":")
        constants = {"true": True, "false": False, "null": None}
        if word.lower() in constants:
            return constants[word.lower()]
        if word.upper() in DATE_LITERALS or (count and word.upper().startswith(("LAST_N_", "NEXT_N_"))):
            return DateLiteral(word.upper(), int(count or 0))
        self._next -= 1
        raise self.unexpected()

    def _take(self, kind: str) -> Token:
        token = self.peek()
        if token is None or token.kind != kind:
            raise self.unexpected()
        self._next += 1
        return token

    def _accept(self, text: str) -> bool:
        token = self.peek()
        if token is None or token.kind == "string" or token.text.lower() != text:
            return False
        self._next += 1
        return True

    def _expect(self, text: str) -> None:
        if not self._accept(text):
            raise self.unexpected()


DATE_LITERALS = frozenset(
    ("TODAY", "YESTERDAY", "TOMORROW", "THIS_WEEK", "LAST_WEEK", "THIS_MONTH", "LAST_MONTH", "THIS_YEAR")
)
