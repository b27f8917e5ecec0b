"""What a field's own description accepts; every fixer asks here before it proposes anything.

Outside facts: Salesforce Object Reference, "Field Types" (32-bit int, dates 1700 to 4000); Salesforce Help
005166849 (a surrogate pair counts as two characters, so lengths are UTF-16 units); Marketo REST API, lead
field types (``string`` up to 255 characters, ``text`` up to 30,000 bytes, ASCII-only e-mail).
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from datetime import date, datetime
from decimal import Decimal

from email_validator import EmailNotValidError, validate_email

from fixers.cleaning import strip_invisible
from remediator.api import (
    Candidate,
    Confidence,
    Declined,
    Edit,
    FieldDescription,
    FixRequest,
    PicklistEntry,
    Proposal,
    Record,
    Value,
)

NUMBER_TYPES = frozenset({"int", "long", "double", "currency", "percent"})
PICKLIST_TYPES = frozenset({"picklist", "multipicklist", "combobox"})
LARGEST_INT = 2_147_483_647
_MARKETO_STRING = 255
_RECORD_ID = re.compile(r"[A-Za-z0-9]{15}(?:[A-Z0-5]{3})?")
_DATETIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,3})?(?:Z|[+-]\d\d:?\d\d)")


def salesforce_length(text: str) -> int:
    """Return the length as Salesforce counts it: UTF-16 units, so an emoji is two."""
    return len(text) + sum(char > "\uffff" for char in text) if not text.isascii() else len(text)


def marketo_length(text: str, limit: int) -> int:
    """Return the length in the unit of a Marketo limit: characters up to 255 (``string``), else bytes."""
    return salesforce_length(text) if limit <= _MARKETO_STRING else len(text.encode("utf-8", "surrogatepass"))


def refusal(
    field: FieldDescription,
    value: Value,
    record: Record | None = None,
    fields: Mapping[str, FieldDescription] | None = None,
) -> str | None:
    """Say why a field would refuse a value, or ``None`` when its description accepts it.

    Args:
        record: other values, where a dependent picklist looks for its controlling value.
        fields: descriptions by API name; without the controller a dependency is not checked.
    """
    if value is None or value == "":
        return f"{field.label} is required" if field.required else None
    wrong_type = type_refusal(field, value)
    if wrong_type:
        return wrong_type
    if isinstance(value, bool):
        return None
    if isinstance(value, int | float):
        return _number_refusal(field, value)
    text = str(value)
    return _text_refusal(field, text) or _entry_refusal(field, text, record or {}, fields or {})


def type_refusal(field: FieldDescription, value: Value) -> str | None:
    """Say why a value is of the wrong type for its field, or ``None``."""
    if value is None:
        return None
    if field.type == "boolean":
        return None if isinstance(value, bool) else f"{field.label} takes true or false"
    if field.type in NUMBER_TYPES:
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        return None if is_number else f"{field.label} takes a number"
    return None if isinstance(value, str) else f"{field.label} takes text"


def _number_refusal(field: FieldDescription, value: int | float) -> str | None:
    if isinstance(value, float) and not math.isfinite(value):
        return f"{field.label} takes a finite number"
    exact = Decimal(repr(value))
    if field.type == "int" and (exact != exact.to_integral_value() or abs(exact) > LARGEST_INT):
        return f"{field.label} takes a whole number up to {LARGEST_INT:,}"
    if field.precision:
        scale = field.scale or 0
        if abs(exact) >= Decimal(10) ** (field.precision - scale):
            return f"{field.label} takes at most {field.precision - scale} digits before the point"
        if field.scale is not None and exact != round(exact, scale):
            return f"{field.label} takes at most {scale} digits after the point"
    return None


def _text_refusal(field: FieldDescription, text: str) -> str | None:
    if any("\ud800" <= char <= "\udfff" for char in text) or "\x00" in text:
        return f"{field.label} takes no broken characters"
    if field.length and salesforce_length(text) > field.length:
        return f"{field.label} takes at most {field.length} characters, this has {salesforce_length(text)}"
    if field.marketo_length and marketo_length(text, field.marketo_length) > field.marketo_length:
        unit = "characters" if field.marketo_length <= _MARKETO_STRING else "bytes"
        return f"{field.label} takes at most {field.marketo_length} {unit} in Marketo"
    match field.type:
        case "email":
            return email_refusal(text, ascii_only=bool(field.marketo_name))
        case "date" if not _is_date(text):
            return f"{field.label} takes a date as YYYY-MM-DD between 1700 and 4000"
        case "datetime" if not _is_datetime(text):
            return f"{field.label} takes a moment as YYYY-MM-DDThh:mm:ss with its zone, between 1700 and 4000"
        case "reference" | "id" if not _RECORD_ID.fullmatch(text):
            return f"{field.label} takes a record id of 15 or 18 characters"
    return None


def email_refusal(text: str, *, ascii_only: bool) -> str | None:
    """Say what is wrong with an e-mail address, or ``None``; no name server is asked."""
    if len(text) > 254:
        return "an e-mail address has at most 254 characters"
    try:
        validate_email(
            text, check_deliverability=False, allow_smtputf8=not ascii_only, allow_quoted_local=False
        )
    except (EmailNotValidError, UnicodeError) as problem:
        return str(problem) or "it is not an e-mail address"
    return "Marketo takes ASCII addresses only" if ascii_only and not text.isascii() else None


def _is_date(text: str) -> bool:
    if not re.fullmatch(r"\d{4}-\d\d-\d\d", text, re.ASCII):
        return False
    try:
        return 1700 <= date.fromisoformat(text).year <= 4000
    except ValueError:
        return False


def _is_datetime(text: str) -> bool:
    if not _DATETIME.fullmatch(text):
        return False
    try:
        return 1700 <= datetime.fromisoformat(text).year <= 4000
    except ValueError:
        return False


def active_entries(
    field: FieldDescription, record: Record, fields: Mapping[str, FieldDescription]
) -> tuple[PicklistEntry, ...]:
    """Return the entries that may be written: active, and allowed by the controlling value if it is known."""
    entries = tuple(entry for entry in field.picklist if entry.active)
    position = controlling_position(field, record, fields)
    if position is None:
        return entries
    return tuple(entry for entry in entries if entry.valid_for is None or position in entry.valid_for)


def controlling_position(
    field: FieldDescription, record: Record, fields: Mapping[str, FieldDescription]
) -> int | None:
    """Return where the controlling value stands in its picklist; ``None`` = no controller, or unknown.

    An empty or unlisted controlling value that was read gives -1: nothing depends on it.
    """
    controller = fields.get(field.controller or "")
    if controller is None or controller.name not in record:
        return None
    value = record[controller.name]
    if controller.type == "boolean":
        return int(bool(value))
    if not controller.picklist:
        return None
    for position, entry in enumerate(controller.picklist):
        if entry.value == value:
            return position
    return -1


def _entry_refusal(
    field: FieldDescription, text: str, record: Record, fields: Mapping[str, FieldDescription]
) -> str | None:
    if not field.picklist or not (field.restricted or field.role):
        return None
    allowed = {entry.value for entry in active_entries(field, record, fields)}
    wrong = [part for part in elements(field, text) if part not in allowed]
    return f'"{wrong[0][:80]}" is not an active value of {field.label}' if wrong else None


def elements(field: FieldDescription, text: str) -> Iterator[str]:
    """Yield the values that a picklist's text holds: one, or those between ``;`` of a multi-select."""
    yield from text.split(";") if field.type == "multipicklist" else (text,)


def propose(
    request: FixRequest,
    after: Value,
    confidence: Confidence,
    reason: str,
    candidates: tuple[Candidate, ...] = (),
) -> Proposal | Declined:
    """Return a proposal for the failing field, or decline when its own description forbids the value."""
    field = request.field
    if after == request.value and type(after) is type(request.value):
        return Declined(
            f"{field.label} already has the value that would be proposed", candidates, passing=True
        )
    refused = refusal(field, after, request.record, request.fields)
    if refused:
        return Declined(f"{reason}, but {refused}; correct it by hand", candidates)
    if isinstance(after, str) and strip_invisible(after) != after and not _is_entry(field, after):
        return Declined(f"{reason}, but invisible characters remain; correct it by hand", candidates)
    return Proposal(
        edits=(Edit(field=field.name, after=after),),
        confidence=confidence,
        reason=reason,
        candidates=candidates,
    )


def _is_entry(field: FieldDescription, text: str) -> bool:
    values = {entry.value for entry in field.picklist}
    return all(part in values for part in elements(field, text))
