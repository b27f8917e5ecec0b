"""Who may do what: users, and the rights that permission set rows add up to."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from remediator.sandbox.salesforce.metadata import ObjectType
from remediator.sandbox.salesforce.schema_setup import OBJECT_RIGHTS

Rows = Mapping[str, Mapping[str, Any]]
RIGHTS_OBJECTS = frozenset(
    ("PermissionSet", "PermissionSetAssignment", "FieldPermissions", "ObjectPermissions")
)
SETUP_OBJECTS = RIGHTS_OBJECTS | {
    "User",
    "Profile",
    "Organization",
    "RecordType",
    "ProcessInstance",
    "UserRecordAccess",
    "EntityDefinition",
    "FieldDefinition",
}
READ_ONLY_FOR_SYNC = frozenset(("Partner_Tier__c", "Internal_Notes__c"))


@dataclass(frozen=True, slots=True, kw_only=True)
class User:
    """Someone who can log in.

    Attributes:
        language: decides labels and message texts.
        modify_all: may edit any row, locked ones too.
    """

    id: str
    username: str
    name: str
    language: str = "en"
    modify_all: bool = False
    active: bool = True


@dataclass(frozen=True, slots=True)
class ObjectRights:
    """What one user may do with one object; ``create`` to ``delete`` for rows, the sets for fields."""

    create: bool = False
    read: bool = False
    edit: bool = False
    delete: bool = False
    readable: frozenset[str] = frozenset()
    editable: frozenset[str] = frozenset()

    def as_dict(self) -> dict[str, bool]:
        """Return the row rights by name."""
        return {"create": self.create, "read": self.read, "edit": self.edit, "delete": self.delete}


@dataclass(slots=True)
class Access:
    """Effective rights, worked out from the rows of the setup tables and kept until one of them changes."""

    tables: Mapping[str, Rows]
    objects: Mapping[str, ObjectType]
    _known: dict[tuple[str, str], ObjectRights] = field(default_factory=dict)

    def forget(self) -> None:
        """Work everything out anew: a right was granted or taken."""
        self._known.clear()

    def of(self, user: User, object_name: str) -> ObjectRights:
        """Return what ``user`` may do with an object."""
        key = (user.id, object_name)
        if key not in self._known:
            self._known[key] = self._work_out(user, object_name)
        return self._known[key]

    def _work_out(self, user: User, object_name: str) -> ObjectRights:
        fields = self.objects[object_name].fields
        if object_name in SETUP_OBJECTS:
            write = user.modify_all
            every = frozenset(fields)
            writable = frozenset(name for name, entry in fields.items() if entry.createable)
            return ObjectRights(write, True, write, write, every, writable if write else frozenset())
        sets = {
            row["PermissionSetId"]
            for row in self.tables["PermissionSetAssignment"].values()
            if row["AssigneeId"] == user.id and not row.get("IsDeleted")
        }
        granted = {
            right
            for row in _granted(self.tables["ObjectPermissions"], sets, object_name)
            for right in OBJECT_RIGHTS
            if row.get(f"Permissions{right}")
        }
        readable = {name for name, entry in fields.items() if not entry.permissionable}
        editable = {name for name in readable if fields[name].createable or fields[name].updateable}
        for row in _granted(self.tables["FieldPermissions"], sets, object_name):
            name = str(row["Field"]).partition(".")[2]
            if row.get("PermissionsRead") or row.get("PermissionsEdit"):
                readable.add(name)
            if row.get("PermissionsEdit"):
                editable.add(name)
        return ObjectRights(
            "Create" in granted,
            "Read" in granted,
            "Edit" in granted,
            "Delete" in granted,
            frozenset(readable),
            frozenset(name for name in editable if name in fields),
        )


def _granted(rows: Rows, sets: set[Any], object_name: str) -> Iterable[Mapping[str, Any]]:
    return (
        row
        for row in rows.values()
        if row["ParentId"] in sets and row["SobjectType"] == object_name and not row.get("IsDeleted")
    )


def grants_for(
    parent_id: str,
    objects: Mapping[str, ObjectType],
    *,
    read_only: frozenset[str] = frozenset(),
    all_rows: bool,
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Return the ``ObjectPermissions`` and ``FieldPermissions`` rows of one permission set.

    Args:
        read_only: fields that may be read but not edited.
        all_rows: with View All and Modify All.
    """
    object_rows: list[dict[str, Any]] = []
    field_rows: list[dict[str, Any]] = []
    for name, entry in objects.items():
        if name in SETUP_OBJECTS:
            continue
        rights = {f"Permissions{right}": True for right in OBJECT_RIGHTS[:4]}
        rights.update({f"Permissions{right}": all_rows for right in OBJECT_RIGHTS[4:]})
        object_rows.append({"ParentId": parent_id, "SobjectType": name, **rights})
        field_rows += [
            {
                "ParentId": parent_id,
                "SobjectType": name,
                "Field": f"{name}.{field_name}",
                "PermissionsRead": True,
                "PermissionsEdit": field_name not in read_only,
            }
            for field_name, described in entry.fields.items()
            if described.permissionable
        ]
    return object_rows, field_rows
