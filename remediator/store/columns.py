"""Column types that behave alike on SQLite and PostgreSQL."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import BigInteger, DateTime, Dialect, Integer, Text
from sqlalchemy.types import TypeDecorator

Id = BigInteger().with_variant(Integer, "sqlite")
"""A number the database gives out: SQLite counts only plain INTEGER keys by itself."""


def storable(text: str) -> str:
    """Return text that both databases can hold.

    PostgreSQL refuses U+0000 and no database takes half a surrogate pair; both come in with broken exports.
    They become their visible stand-ins, and everything else stays as it is.
    """
    if text.isascii():
        return text.replace("\0", "\u2400") if "\0" in text else text
    return text.replace("\0", "\u2400").encode("utf-8", "replace").decode("utf-8")


def canonical(value: object) -> str:
    """Return JSON in its one spelling: sorted keys, no spaces, ASCII only."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True)


class UtcTime(TypeDecorator[datetime]):
    """An aware UTC moment; a naive one is refused, because nobody can say which hour it means."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Return the moment as the database keeps it; SQLite keeps no zone."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"the store takes aware times only, got {value.isoformat()}")
        moment = value.astimezone(UTC)
        return moment if dialect.name == "postgresql" else moment.replace(tzinfo=None)

    def process_result_value(self, value: datetime | None, _dialect: Dialect) -> datetime | None:
        """Return the moment in UTC."""
        if value is None:
            return None
        return value.astimezone(UTC) if value.tzinfo else value.replace(tzinfo=UTC)


class Words(TypeDecorator[str]):
    """Text from outside, made storable."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: str | None, _dialect: Dialect) -> str | None:
        """Return what both databases can hold."""
        return None if value is None else storable(value)


class Json(TypeDecorator[Any]):
    """A JSON value as text, so that ``5``, ``"5"`` and ``null`` come back as what they were."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: Any, _dialect: Dialect) -> str:
        """Return the JSON text; ``None`` is JSON's null, not the database's."""
        return canonical(value)

    def process_result_value(self, value: str | None, _dialect: Dialect) -> Any:
        """Return the value the text stands for."""
        return None if value is None else json.loads(value)
