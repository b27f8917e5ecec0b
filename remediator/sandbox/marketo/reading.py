"""Which columns of a person an answer shows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from remediator.sandbox.marketo.envelope import ApiError, Call
from remediator.sandbox.marketo.fields import DEFAULT_READ, FIELDS
from remediator.values import Value


def requested_fields(call: Call) -> list[str]:
    """Return the asked-for REST names, the default ones when none are; 1006 for an unknown one."""
    names = call.names("fields") or list(DEFAULT_READ)
    for name in names:
        if name not in FIELDS:
            raise ApiError("1006", f"Field '{name}' not found")
    return names if "id" in names else ["id", *names]


def read_columns(lead: Mapping[str, Value], columns: Sequence[str]) -> dict[str, Value]:
    """Return the columns of one person; an empty field is null."""
    return {name: lead.get(name) for name in columns}
