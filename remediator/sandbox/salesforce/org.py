"""A Salesforce org in memory. Every door (REST, Bulk, the native sync) saves through it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from remediator.sandbox.clock import VirtualClock
from remediator.sandbox.ledger import Ledger
from remediator.sandbox.salesforce.access import User
from remediator.sandbox.salesforce.ids import full_id
from remediator.sandbox.salesforce.metadata import RecordType
from remediator.sandbox.salesforce.org_writing import OrgWriting
from remediator.sandbox.salesforce.schema import lookup
from remediator.sandbox.salesforce.setup import create_users


class Org(OrgWriting):
    """One org. All methods may be called from any thread.

    Attributes:
        sync_user: the Marketo sync user. admin: may do all. bot: the user that remediator logs in as.
        automation: validation rules, failing triggers and flows, hooks.
        described_at: when metadata or rights last changed.
        contention: chance that a write of a contact who shares an account meets a row lock.
        block_duplicates: the Block rule on lead e-mail addresses is on.
        usage: the count of API calls and its daily limit.
        assignment_owner: whom the lead assignment rule gives leads to, unless a REST write switches it off.
    """

    def __init__(self, clock: VirtualClock, ledger: Ledger, *, seed: int = 1) -> None:
        super().__init__(clock, ledger, seed=seed)
        created = create_users(self)
        self.admin, self.sync_user, self.bot = created.admin, created.sync_user, created.bot
        self.organization_id = created.organization_id
        self.assignment_owner = created.router.id

    def lock(self, record_id: str) -> None:
        """Lock a row for approval: only a user with Modify All may edit it until ``unlock``."""
        known = full_id(record_id) or record_id
        if known not in self._locked:
            self._locked.add(known)
            self.load("ProcessInstance", [{"TargetObjectId": known, "Status": "Pending"}])

    def unlock(self, record_id: str) -> None:
        """Decide the approval, which frees the row."""
        known = full_id(record_id) or record_id
        self._locked.discard(known)
        for row in self.rows("ProcessInstance"):
            if row["TargetObjectId"] == known:
                row["Status"] = "Approved"

    def block_row(self, record_id: str, times: int = 1) -> None:
        """Make the next ``times`` writes to a row meet another transaction's row lock."""
        self._blocked[full_id(record_id) or record_id] = times

    def add_user(self, name: str, username: str, *, active: bool = True, language: str = "en") -> User:
        """Create a user without any rights on objects."""
        (user_id,) = self.load(
            "User",
            [
                {
                    "Name": name,
                    "Username": username,
                    "Email": username,
                    "IsActive": active,
                    "UserType": "Standard",
                    "LanguageLocaleKey": language,
                }
            ],
        )
        user = User(id=user_id, username=username, name=name, language=language, active=active)
        self.users[user_id] = user
        return user

    def speak(self, user: User, language: str) -> User:
        """Give a user another language (``de``, ``fr_FR``, ...) and return the user as it is now."""
        spoken = replace(user, language=language)
        self.users[user.id] = spoken
        self._tables["User"].rows[user.id]["LanguageLocaleKey"] = language
        for name in ("admin", "sync_user", "bot"):
            if getattr(self, name).id == user.id:
                setattr(self, name, spoken)
        return spoken

    def grant_edit(self, user: User, object_name: str, field: str) -> None:
        """Give a user edit on a field, as an admin does in Setup."""
        self._change_right(user, object_name, field, edit=True)

    def take_edit(self, user: User, object_name: str, field: str) -> None:
        """Take a user's edit on a field, as an admin does in Setup; the user may still read it."""
        self._change_right(user, object_name, field, edit=False)

    def hide(self, user: User, object_name: str, field: str) -> None:
        """Keep a field from a user, as field-level security does."""
        self._change_right(user, object_name, field, edit=False, read=False)

    def redefine(self, object_name: str, field: str, **changes: Any) -> None:
        """Change a field's definition, as an admin does in Setup (``values=``, ``length=`` ...)."""
        kind = self.objects[object_name]
        self.objects[object_name] = kind.with_field(replace(kind.fields[field], **changes))
        self._metadata_changed()

    def add_record_type(
        self,
        object_name: str,
        name: str,
        *,
        picklists: Mapping[str, Iterable[str]],
        default: bool = False,
    ) -> str:
        """Give an object a record type, as an admin does in Setup, and return its id.

        Rows that are there stay without one, and offer all values.

        Args:
            picklists: ``{field: values that its rows may have}``; a picklist that is absent offers all.
            default: new rows get it.
        """
        developer_name = name.replace(" ", "_")
        (record_type,) = self.load(
            "RecordType",
            [
                {
                    "Name": name,
                    "DeveloperName": developer_name,
                    "SobjectType": object_name,
                    "IsActive": True,
                }
            ],
        )
        kind = self.objects[object_name]
        added = RecordType(
            id=record_type,
            name=name,
            developer_name=developer_name,
            default=default,
            picklists={field: frozenset(values) for field, values in picklists.items()},
        )
        field = lookup("RecordTypeId", "Record Type ID", ["RecordType"], "RecordType", permissionable=False)
        self.objects[object_name] = replace(kind.with_field(field), record_types=(*kind.record_types, added))
        self._metadata_changed()
        return record_type

    def _metadata_changed(self) -> None:
        self.access.forget()
        self.described_at = self.clock.now()

    def _change_right(
        self, user: User, object_name: str, field: str, *, edit: bool, read: bool = True
    ) -> None:
        sets = {
            row["PermissionSetId"]
            for row in self.rows("PermissionSetAssignment")
            if row["AssigneeId"] == user.id
        }
        for row in self.rows("FieldPermissions"):
            if row["ParentId"] in sets and row["Field"] == f"{object_name}.{field}":
                row["PermissionsEdit"], row["PermissionsRead"] = edit, read
                self._metadata_changed()
                return
        self.load(
            "FieldPermissions",
            [
                {
                    "ParentId": min(sets),
                    "SobjectType": object_name,
                    "Field": f"{object_name}.{field}",
                    "PermissionsRead": read,
                    "PermissionsEdit": edit,
                }
            ],
        )
