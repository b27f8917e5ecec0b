"""Checks of one sent value against its field: type, length, number, e-mail address, picklist."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from typing import Any

from remediator.sandbox.salesforce.errors import Refused, refuse
from remediator.sandbox.salesforce.ids import full_id
from remediator.sandbox.salesforce.messages import label_of, say
from remediator.sandbox.salesforce.metadata import Field

_EMAIL = re.compile(
    r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*"
    r"@([A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?\.)+[A-Za-z]{2,}"
)
_BLANKS = "".join(map(chr, range(0x21)))
_TEXTS = frozenset(("string", "textarea", "phone", "url", "email", "picklist", "multipicklist"))
_INT_MAX = 2**31 - 1


def stamp(moment: datetime) -> str:
    """Return a moment the way Salesforce writes it in JSON."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.000+0000")


def checked(field: Field, value: Any, language: str) -> Any:
    """Return the value as it would be stored; ``None`` for what clears the field.

    Raises:
        Refused: with the error that Salesforce gives.
    """
    if value is None:
        return None
    if field.type in _TEXTS:
        if not isinstance(value, str):
            value = _as_text(value)
        # Java's trim, which is what Salesforce does: blanks up to U+0020 go, no-break and wide spaces stay.
        value = value.strip(_BLANKS)
        if not value:
            return None
        if len(value) > field.length and field.type not in ("picklist", "multipicklist"):
            raise _refusal(field, "STRING_TOO_LONG", "too_long", value, language)
        if field.type == "email" and not _EMAIL.fullmatch(value):
            raise _refusal(field, "INVALID_EMAIL_ADDRESS", "email", value, language)
        return value
    return _OTHERS[field.type](field, value, language)


def checked_picklist(field: Field, value: str, language: str) -> str:
    """Return the value in its defined casing; any value passes an unrestricted picklist."""
    offered = {entry.value.lower(): entry for entry in field.values if entry.active}
    if field.type == "multipicklist":
        parts = [part.strip() for part in value.split(";") if part.strip()]
    else:
        parts = [value]
    kept: list[str] = []
    for part in parts:
        entry = offered.get(part.lower())
        if entry is None and field.restricted:
            raise _refusal(field, "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST", "picklist", part, language)
        if field.length and len(part) > 255:
            raise _refusal(field, "STRING_TOO_LONG", "too_long", part, language)
        kept.append(part if entry is None else entry.value)
    return ";".join(kept)


def has_json_type(field: Field, value: Any) -> bool:
    """Say whether JSON parsing takes the value at all; if not, the whole REST request is refused."""
    if value is None:
        return True
    if field.type == "boolean":
        return isinstance(value, bool) or (isinstance(value, str) and value.lower() in ("true", "false"))
    if field.type in ("int", "double", "currency", "percent", "date", "datetime"):
        try:
            _OTHERS[field.type](field, value, "en")
        except Refused as refused:
            return refused.errors[0].code != "INVALID_TYPE_ON_FIELD_IN_RECORD"
        return True
    return not isinstance(value, dict | list)


def _as_text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def _refusal(field: Field, code: str, message: str, value: Any, language: str) -> Refused:
    text = say(language, message, label=label_of(language, field), value=value, length=field.length)
    return refuse(code, text, field.name)


def _wrong_type(field: Field, value: Any, language: str) -> Refused:
    return _refusal(field, "INVALID_TYPE_ON_FIELD_IN_RECORD", "type", value, language)


def _boolean(field: Field, value: Any, language: str) -> bool:
    if isinstance(value, bool):
        return value
    if isinstance(value, str) and value.lower() in ("true", "false", "1", "0"):
        return value.lower() in ("true", "1")
    raise _wrong_type(field, value, language)


def _number(field: Field, value: Any, language: str) -> float | int:
    if isinstance(value, bool):
        raise _wrong_type(field, value, language)
    try:
        number = Decimal(str(value).strip())
    except InvalidOperation:
        raise _wrong_type(field, value, language) from None
    if not number.is_finite():
        raise _wrong_type(field, value, language)
    rounded = number.quantize(Decimal(1).scaleb(-field.scale), rounding=ROUND_HALF_UP)
    if abs(rounded) >= Decimal(10) ** (field.precision - field.scale):
        raise _refusal(field, "NUMBER_OUTSIDE_VALID_RANGE", "number", value, language)
    return float(rounded)


def _int(field: Field, value: Any, language: str) -> int:
    if isinstance(value, bool):
        raise _wrong_type(field, value, language)
    try:
        number = Decimal(str(value).strip())
    except InvalidOperation:
        raise _wrong_type(field, value, language) from None
    if not number.is_finite() or number != number.to_integral_value():
        raise _wrong_type(field, value, language)
    if abs(number) > _INT_MAX or (field.digits and abs(number) >= Decimal(10) ** field.digits):
        raise _refusal(field, "NUMBER_OUTSIDE_VALID_RANGE", "number", value, language)
    return int(number)


def _date(field: Field, value: Any, language: str) -> str:
    if isinstance(value, datetime):
        return value.date().isoformat()
    if isinstance(value, date):
        return value.isoformat()
    try:
        return date.fromisoformat(str(value)[:10]).isoformat()
    except ValueError:
        raise _wrong_type(field, value, language) from None


def _datetime(field: Field, value: Any, language: str) -> str:
    try:
        moment = value if isinstance(value, datetime) else datetime.fromisoformat(str(value))
    except ValueError:
        raise _wrong_type(field, value, language) from None
    return stamp(moment if moment.tzinfo else moment.replace(tzinfo=UTC))


def _reference(field: Field, value: Any, language: str) -> str:
    known = full_id(value)
    if known is None:
        raise _refusal(field, "MALFORMED_ID", "id_type", value, language)
    return known


_OTHERS: dict[str, Callable[[Field, Any, str], Any]] = {
    "boolean": _boolean,
    "double": _number,
    "currency": _number,
    "percent": _number,
    "int": _int,
    "date": _date,
    "datetime": _datetime,
    "reference": _reference,
    "id": _reference,
}
