"""Campaigns, their members, and tasks."""

from __future__ import annotations

from remediator.sandbox.salesforce.metadata import Field, ObjectType
from remediator.sandbox.salesforce.schema import flag, lookup, make_object, picklist, system_fields, text


def build_activity_objects() -> dict[str, ObjectType]:
    """Return the activity objects by name."""
    return {entry.name: entry for entry in _activities()}


def _activities() -> list[ObjectType]:
    return [
        make_object(
            "Campaign",
            "Campaign",
            "Campaigns",
            "701",
            [
                *system_fields(),
                text("Name", "Campaign Name", 80, nillable=False, permissionable=False),
                flag("IsActive", "Active"),
                picklist("Status", "Status", ("Planned", "In Progress", "Completed", "Aborted")),
                picklist("Type", "Type", ("Conference", "Webinar", "Email", "Other")),
            ],
        ),
        make_object(
            "CampaignMember",
            "Campaign Member",
            "Campaign Members",
            "00v",
            [
                *system_fields(owner=False),
                lookup(
                    "CampaignId",
                    "Campaign ID",
                    ["Campaign"],
                    "Campaign",
                    nillable=False,
                    permissionable=False,
                ),
                lookup("LeadId", "Lead ID", ["Lead"], "Lead"),
                lookup("ContactId", "Contact ID", ["Contact"], "Contact"),
                picklist("Status", "Status", ("Sent", "Responded"), defaulted=True, default="Sent"),
            ],
        ),
        make_object(
            "Task",
            "Task",
            "Tasks",
            "00T",
            [
                *system_fields(),
                lookup("WhoId", "Name ID", ["Contact", "Lead"], "Who"),
                lookup("WhatId", "Related To ID", ["Account", "Campaign"], "What"),
                text("Subject", "Subject", 255),
                Field(name="ActivityDate", label="Due Date Only", type="date"),
                picklist(
                    "Status",
                    "Status",
                    ("Not Started", "In Progress", "Completed"),
                    nillable=False,
                    defaulted=True,
                    default="Not Started",
                ),
                picklist(
                    "Priority",
                    "Priority",
                    ("High", "Normal", "Low"),
                    nillable=False,
                    defaulted=True,
                    default="Normal",
                ),
                text("Description", "Comments", 32000, "textarea", filterable=False),
            ],
        ),
    ]
