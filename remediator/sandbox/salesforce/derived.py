"""Objects that hold no rows of their own: definitions of fields and objects, and who may see which row."""

from __future__ import annotations

from typing import Any

from remediator.sandbox.salesforce.ids import full_id
from remediator.sandbox.salesforce.org import Org
from remediator.sandbox.salesforce.soql import Combine, Compare, Query
from remediator.sandbox.salesforce.tables import Row


def derived_rows(org: Org, object_name: str, query: Query) -> list[Row] | None:
    """Return the rows of a derived object, ``None`` when the object has a table."""
    if object_name == "EntityDefinition":
        return [_entity(org, name) for name in org.objects]
    if object_name == "FieldDefinition":
        return _fields(org)
    if object_name == "UserRecordAccess":
        return _record_access(org, query)
    return None


def _entity(org: Org, name: str) -> Row:
    kind = org.objects[name]
    return {"DurableId": name, "QualifiedApiName": name, "Label": kind.label, "KeyPrefix": kind.prefix}


def _fields(org: Org) -> list[Row]:
    """Every field, whatever the asking user may see: that is what tells a missing field from a hidden one."""
    return [
        {
            "DurableId": f"{name}.{field.name}",
            "QualifiedApiName": field.name,
            "Label": field.label,
            "DataType": field.type,
            "EntityDefinitionId": name,
            "EntityDefinition": _entity(org, name),
        }
        for name, kind in org.objects.items()
        for field in kind.fields.values()
    ]


def _record_access(org: Org, query: Query) -> list[Row]:
    users = _asked(query.where, "userid")
    rows: list[Row] = []
    for user_id in users:
        user = org.users.get(full_id(user_id) or "")
        for given in _asked(query.where, "recordid"):
            record_id = full_id(given) or given
            name = org.object_of(record_id)
            if user is None or name is None or not org.exists(name, record_id):
                continue
            rights = org.access.of(user, name)
            edit = rights.edit and (user.modify_all or not org.is_locked(record_id))
            rows.append(
                {
                    "Id": record_id,
                    "UserId": user.id,
                    "RecordId": record_id,
                    "HasReadAccess": rights.read,
                    "HasEditAccess": edit,
                    "HasDeleteAccess": rights.delete,
                    "MaxAccessLevel": "All" if user.modify_all else "Edit" if edit else "Read",
                }
            )
    return rows


def _asked(node: Any, field: str) -> list[str]:
    if isinstance(node, Combine):
        return [value for part in node.parts for value in _asked(part, field)]
    if isinstance(node, Compare) and node.name.path[-1].lower() == field:
        return [str(value) for value in (node.value if isinstance(node.value, tuple) else (node.value,))]
    return []
