"""Descriptions of fields by a plain word, for repairing columns that no system describes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType

from remediator.api import Declined, FieldDescription, Fixer, FixRequest, PicklistEntry, Proposal, Value

FIXER_OF_KIND: Mapping[str, str] = MappingProxyType(
    {
        "country": "country",
        "state": "state",
        "picklist": "picklist",
        "email": "email",
        "phone": "phone",
        "number": "number",
        "currency": "currency",
        "date": "date",
        "datetime": "date",
        "url": "url",
        "boolean": "boolean",
        "whitespace": "whitespace",
        "text": "text-length",
        "band": "score-band",
    }
)
"""Name of the fixer that repairs each kind of column."""

_TYPES = {
    "email": "email",
    "phone": "phone",
    "number": "double",
    "date": "date",
    "datetime": "datetime",
    "url": "url",
    "boolean": "boolean",
    "picklist": "picklist",
    "band": "picklist",
    "currency": "picklist",
}
_LENGTHS = {"email": 254, "phone": 40, "text": 255}


def field_of_kind(
    kind: str, *, choices: Sequence[str] = (), length: int | None = None, multiple: bool = False
) -> FieldDescription:
    """Describe a column of one kind.

    Args:
        kind: a key of ``FIXER_OF_KIND``.
        choices: what a picklist or band column may hold.
        length: characters that fit, where the kind's own limit is not meant.
        multiple: a picklist column holds several values between ``;``.

    Raises:
        ValueError: no such kind; the message lists them.
    """
    if kind not in FIXER_OF_KIND:
        raise ValueError(f'"{kind}" is no kind of column; choose one of {", ".join(sorted(FIXER_OF_KIND))}')
    name = "CurrencyIsoCode" if kind == "currency" else kind
    return FieldDescription(
        name=name,
        label=kind,
        type="multipicklist" if multiple and kind == "picklist" else _TYPES.get(kind, "string"),
        length=length or _LENGTHS.get(kind),
        restricted=bool(choices),
        picklist=tuple(PicklistEntry(value=choice, label=choice) for choice in choices),
        role=kind if kind in {"country", "state"} else None,
        controller="country" if kind == "state" else None,
    )


def repair_value(
    fixer: Fixer,
    value: Value,
    field: FieldDescription,
    *,
    country: str | None = None,
    options: Mapping[str, object] | None = None,
) -> Proposal | Declined:
    """Ask a fixer about one value that belongs to no record.

    Args:
        field: from ``field_of_kind``, made once for a whole column.
        country: the row's country as written, which phone numbers and states are read with.
        options: the fixer's options.
    """
    fields: dict[str, FieldDescription] = {}
    record: dict[str, Value] = {}
    if field.role != "country":
        fields["country"] = field_of_kind("country")
        record["country"] = country
    record[field.name] = value
    return fixer.propose(
        FixRequest(object="Lead", field=field, record=record, fields=fields, options=options or {})
    )
