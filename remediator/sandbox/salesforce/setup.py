"""The users of a new org and their rights."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from remediator.sandbox.salesforce.access import READ_ONLY_FOR_SYNC, User, grants_for

if TYPE_CHECKING:
    from remediator.sandbox.salesforce.org import Org

BOT_USERNAME = "remediator@sandbox.example"


@dataclass(frozen=True, slots=True, kw_only=True)
class Created:
    """The users of a new org; ``router`` owns what the lead assignment rule assigns."""

    admin: User
    sync_user: User
    bot: User
    router: User
    organization_id: str


def create_users(org: Org) -> Created:
    """Create users, profiles and permission sets in an empty org."""
    table = org.tables_of("User")
    users: dict[str, User] = {}
    admin_id = table.new_id()
    # ``load`` stamps rows as the admin's, who therefore has to exist before the first row does.
    org.admin = User(id=admin_id, username="admin@sandbox.example", name="Ada Admin", modify_all=True)
    people = (
        ("admin", admin_id, "admin@sandbox.example", "Ada Admin", "System Administrator"),
        ("sync_user", table.new_id(), "marketo.sync@sandbox.example", "Marketo Sync", "Marketo Sync"),
        ("bot", table.new_id(), BOT_USERNAME, "Remediator", "Integration"),
        ("router", table.new_id(), "inbound.queue@sandbox.example", "Inbound Queue", "Standard User"),
    )
    for key, user_id, username, name, profile in people:
        (profile_id,) = org.load("Profile", [{"Name": profile}])
        org.load(
            "User",
            [
                {
                    "Id": user_id,
                    "Username": username,
                    "Name": name,
                    "Email": username,
                    "Alias": key[:8],
                    "IsActive": True,
                    "UserType": "Standard",
                    "LanguageLocaleKey": "en_US",
                    "TimeZoneSidKey": "UTC",
                    "ProfileId": profile_id,
                }
            ],
        )
        users[key] = User(
            id=user_id, username=username, name=name, language="en_US", modify_all=key == "admin"
        )
        _grant(org, users[key], key, profile, profile_id)
    org.users.update({user.id: user for user in users.values()})
    (organization_id,) = org.load(
        "Organization",
        [
            {
                "Name": "Remediator Sandbox",
                "OrganizationType": "Enterprise Edition",
                "InstanceName": "SBX1",
                "LanguageLocaleKey": "en_US",
                "IsSandbox": True,
            }
        ],
    )
    return Created(organization_id=organization_id, **users)


def _grant(org: Org, user: User, key: str, profile: str, profile_id: str) -> None:
    (set_id,) = org.load(
        "PermissionSet",
        [
            {
                "Name": f"X{profile_id[:15]}",
                "Label": profile,
                "Type": "Profile",
                "IsOwnedByProfile": True,
                "ProfileId": profile_id,
                "PermissionsApiEnabled": True,
                "PermissionsModifyAllData": user.modify_all,
                "PermissionsViewSetup": key != "router",
            }
        ],
    )
    org.load(
        "PermissionSetAssignment", [{"AssigneeId": user.id, "PermissionSetId": set_id, "IsActive": True}]
    )
    if key == "router":
        return
    read_only = READ_ONLY_FOR_SYNC if key == "sync_user" else frozenset()
    objects, fields = grants_for(set_id, org.objects, read_only=read_only, all_rows=user.modify_all)
    org.load("ObjectPermissions", objects)
    org.load("FieldPermissions", fields)
