"""From permission failures to precise requests for the Salesforce admin.

Permissions are never changed by us: a request says what to grant and what it would clear.
Which grant a code stands for: salesforce fact sheet, section 4.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from remediator.model import AccessRequest, Case, Category


def access_requests(cases: Iterable[Case]) -> list[AccessRequest]:
    """Return one request a grant, those that clear most cases first; other categories are passed over."""
    groups: dict[tuple[str, str | None, tuple[str, ...]], list[Case]] = defaultdict(list)
    for case in cases:
        if case.diagnosis.category is Category.PERMISSION:
            named = case.object or case.diagnosis.object
            fields = case.diagnosis.fields
            # Several fields named at once are one grant each: an admin gives them one by one.
            for field in fields or (None,):
                groups[_kind(case), named, (field,) if field else ()].append(case)
    requests = [
        AccessRequest(
            grant=_sentence(kind, named, fields),
            kind=kind,
            object=named,
            fields=fields,
            cases=len(members),
            sample=members[-1].message,
        )
        for (kind, named, fields), members in groups.items()
    ]
    return sorted(requests, key=lambda request: (-request.cases, request.grant))


def _kind(case: Case) -> str:
    text = case.message.lower()
    match case.diagnosis.root_code or case.diagnosis.code:
        case "INVALID_FIELD_FOR_INSERT_UPDATE" | "FIELD_NOT_UPDATABLE":
            return "field_edit"
        case "INVALID_FIELD":
            return "field_read"
        case "INVALID_TYPE":
            return "object_read"
        case "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY":
            return "object_create" if "inserted" in text else "object_edit"
        case "INSUFFICIENT_ACCESS_ON_CROSS_REFERENCE_ENTITY":
            return "related_record"
        case "INSUFFICIENT_ACCESS_OR_READONLY":
            return "record_edit"
        case "TRANSFER_REQUIRES_READ":
            return "owner_read"
        case _:
            return "other"


def _sentence(kind: str, named: str | None, fields: tuple[str, ...]) -> str:
    thing = named or "the object"
    target = ".".join((named, fields[0])) if named and fields else (fields[0] if fields else thing)
    match kind:
        case "field_edit":
            return f"Grant edit on {target} to the sync user"
        case "field_read":
            return f"Grant read on {target} to the sync user, or drop the field from the sync"
        case "object_read":
            return f"Grant read on the object {fields[0] if fields else thing} to the sync user"
        case "object_create":
            return f"Grant create on {thing} to the sync user"
        case "object_edit":
            return f"Grant edit on {thing} to the sync user"
        case "related_record":
            return (
                f"Give the sync user access to the records that {thing} points at (owner, account, campaign)"
            )
        case "record_edit":
            return f"Give the sync user edit access to these {thing} records (sharing, role or Modify All)"
        case "owner_read":
            return f"Give the new owner read access to {thing}"
        case _:
            return f"Check the sync user's rights on {target}"
