"""Setup objects that an access check queries: users, permission sets, rights, locks, definitions."""

from __future__ import annotations

from remediator.sandbox.salesforce.metadata import Field, ObjectType
from remediator.sandbox.salesforce.schema import (
    FIXED,
    flag,
    lookup,
    make_object,
    picklist,
    system_fields,
    text,
)

OBJECT_RIGHTS = ("Create", "Read", "Edit", "Delete", "ViewAllRecords", "ModifyAllRecords")


def build_setup_objects() -> dict[str, ObjectType]:
    """Return the setup objects by name."""
    return {entry.name: entry for entry in (*_people(), *_rights(), *_states(), *_definitions())}


def _people() -> list[ObjectType]:
    return [
        make_object(
            "User",
            "User",
            "Users",
            "005",
            [
                *system_fields(owner=False),
                text("Username", "Username", 80, nillable=False),
                text("Name", "Full Name", 121),
                text("Email", "Email", 128, "email"),
                text("Alias", "Alias", 8),
                flag("IsActive", "Active"),
                text("UserType", "User Type", 40),
                text("LanguageLocaleKey", "Language", 40),
                text("TimeZoneSidKey", "Time Zone", 40),
                lookup("ProfileId", "Profile ID", ["Profile"], "Profile"),
            ],
        ),
        make_object(
            "Profile", "Profile", "Profiles", "00e", [*system_fields(owner=False), text("Name", "Name", 255)]
        ),
        make_object(
            "Organization",
            "Organization",
            "Organizations",
            "00D",
            [
                *system_fields(owner=False),
                text("Name", "Name", 80),
                text("OrganizationType", "Edition", 40),
                text("InstanceName", "Instance Name", 5),
                text("LanguageLocaleKey", "Language", 40),
                flag("IsSandbox", "Is Sandbox"),
            ],
        ),
        make_object(
            "RecordType",
            "Record Type",
            "Record Types",
            "012",
            [
                *system_fields(owner=False),
                text("Name", "Name", 80),
                text("DeveloperName", "Record Type Name", 80),
                text("SobjectType", "SObject Type Name", 40),
                flag("IsActive", "Active"),
            ],
        ),
    ]


def _rights() -> list[ObjectType]:
    parent = lookup("ParentId", "Parent ID", ["PermissionSet"], "Parent", nillable=False)
    return [
        make_object(
            "PermissionSet",
            "Permission Set",
            "Permission Sets",
            "0PS",
            [
                *system_fields(owner=False),
                text("Name", "Permission Set Name", 80),
                text("Label", "Permission Set Label", 80),
                text("Type", "Type", 40),
                flag("IsOwnedByProfile", "Is Owned By Profile"),
                lookup("ProfileId", "Profile ID", ["Profile"], "Profile"),
                flag("PermissionsApiEnabled", "API Enabled"),
                flag("PermissionsModifyAllData", "Modify All Data"),
                flag("PermissionsViewSetup", "View Setup"),
            ],
        ),
        make_object(
            "PermissionSetAssignment",
            "Permission Set Assignment",
            "Permission Set Assignments",
            "0Pa",
            [
                *system_fields(owner=False),
                lookup("AssigneeId", "Assignee ID", ["User"], "Assignee", nillable=False),
                lookup(
                    "PermissionSetId", "PermissionSet ID", ["PermissionSet"], "PermissionSet", nillable=False
                ),
                flag("IsActive", "Is Active"),
            ],
        ),
        make_object(
            "FieldPermissions",
            "Field Permissions",
            "Field Permissions",
            "01k",
            [
                *system_fields(owner=False),
                parent,
                text("SobjectType", "SObject Type Name", 40, nillable=False),
                text("Field", "Field Name", 240, nillable=False),
                flag("PermissionsRead", "Read Field"),
                flag("PermissionsEdit", "Edit Field"),
            ],
        ),
        make_object(
            "ObjectPermissions",
            "Object Permissions",
            "Object Permissions",
            "110",
            [
                *system_fields(owner=False),
                parent,
                text("SobjectType", "SObject Type Name", 40, nillable=False),
                *(flag(f"Permissions{right}", right) for right in OBJECT_RIGHTS),
            ],
        ),
    ]


def _states() -> list[ObjectType]:
    return [
        make_object(
            "ProcessInstance",
            "Process Instance",
            "Process Instances",
            "04g",
            [
                *system_fields(owner=False),
                lookup("TargetObjectId", "Target Object ID", ["Lead", "Contact", "Account"], "TargetObject"),
                picklist("Status", "Status", ("Pending", "Approved", "Rejected")),
            ],
        ),
        make_object(
            "UserRecordAccess",
            "User Record Access",
            "User Record Access",
            "0JS",
            [
                Field(name="Id", label="Id", type="id", length=18, **FIXED),
                text("UserId", "User ID", 18, "id"),
                text("RecordId", "Record ID", 18, "id"),
                flag("HasReadAccess", "Has Read Access"),
                flag("HasEditAccess", "Has Edit Access"),
                flag("HasDeleteAccess", "Has Delete Access"),
                text("MaxAccessLevel", "Maximum Access Level", 40),
            ],
            createable=False,
        ),
    ]


def _definitions() -> list[ObjectType]:
    return [
        make_object(
            "EntityDefinition",
            "Entity Definition",
            "Entity Definitions",
            "4ie",
            [
                text("DurableId", "Durable ID", 255),
                text("QualifiedApiName", "Qualified API Name", 70),
                text("Label", "Label", 80),
                text("KeyPrefix", "Key Prefix", 3),
            ],
            createable=False,
        ),
        make_object(
            "FieldDefinition",
            "Field Definition",
            "Field Definitions",
            "4fe",
            [
                text("DurableId", "Durable ID", 255),
                text("QualifiedApiName", "Qualified API Name", 70),
                text("Label", "Label", 80),
                text("DataType", "Data Type", 255),
                text("EntityDefinitionId", "Entity Definition ID", 255),
                lookup("EntityDefinition", "Entity Definition", ["EntityDefinition"], "EntityDefinition"),
            ],
            createable=False,
        ),
    ]
