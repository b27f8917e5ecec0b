"""People and companies of the sandbox's org: the standard fields that matter, and a few custom ones."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from remediator.sandbox.salesforce.geography import COUNTRIES, STATES
from remediator.sandbox.salesforce.metadata import AddressFields, Field, ObjectType, PickValue

INDUSTRIES = (
    "Agriculture",
    "Banking",
    "Biotechnology",
    "Chemicals",
    "Communications",
    "Construction",
    "Consulting",
    "Education",
    "Electronics",
    "Energy",
    "Engineering",
    "Finance",
    "Government",
    "Healthcare",
    "Hospitality",
    "Insurance",
    "Machinery",
    "Manufacturing",
    "Media",
    "Not For Profit",
    "Retail",
    "Technology",
    "Telecommunications",
    "Transportation",
    "Utilities",
    "Other",
)
_SUB_INDUSTRIES = {
    "Software": ("Technology",),
    "Hardware": ("Technology", "Electronics"),
    "Semiconductors": ("Technology", "Electronics"),
    "Retail Banking": ("Banking", "Finance"),
    "Asset Management": ("Banking", "Finance"),
    "Pharmaceuticals": ("Biotechnology", "Healthcare"),
    "Hospitals": ("Healthcare",),
    "Higher Education": ("Education",),
    "E-Commerce": ("Retail", "Technology"),
    "Grocery": ("Retail",),
    "Logistics": ("Transportation",),
    "Renewables": ("Energy", "Utilities"),
}
LEAD = AddressFields(country="Country", country_code="CountryCode", state="State", state_code="StateCode")
MAILING = AddressFields(
    country="MailingCountry",
    country_code="MailingCountryCode",
    state="MailingState",
    state_code="MailingStateCode",
)
BILLING = AddressFields(
    country="BillingCountry",
    country_code="BillingCountryCode",
    state="BillingState",
    state_code="BillingStateCode",
)


def text(name: str, label: str, length: int, type: str = "string", **more: Any) -> Field:  # noqa: A002 - describe's word
    """Return a text-like field."""
    return Field(name=name, label=label, type=type, length=length, custom=name.endswith("__c"), **more)


def picklist(name: str, label: str, values: Iterable[str], *, type: str = "picklist", **more: Any) -> Field:  # noqa: A002 - describe's word
    """Return a picklist whose labels are its values."""
    entries = tuple(PickValue(value=value, label=value) for value in values)
    return Field(
        name=name,
        label=label,
        type=type,
        length=4099 if type == "multipicklist" else 255,
        values=entries,
        custom=name.endswith("__c"),
        **more,
    )


def lookup(name: str, label: str, refers: Sequence[str], relationship: str, **more: Any) -> Field:
    """Return a reference to rows of other objects."""
    return Field(
        name=name,
        label=label,
        type="reference",
        length=18,
        refers=tuple(refers),
        relationship=relationship,
        **more,
    )


def flag(name: str, label: str, **more: Any) -> Field:
    """Return a checkbox."""
    return Field(
        name=name, label=label, type="boolean", nillable=False, defaulted=True, default=False, **more
    )


FIXED: dict[str, Any] = {"createable": False, "updateable": False, "permissionable": False}


def system_fields(*, owner: bool = True) -> list[Field]:
    """Return the fields that every object has."""
    fields = [
        Field(name="Id", label="Record ID", type="id", length=18, nillable=False, defaulted=True, **FIXED),
        flag("IsDeleted", "Deleted", **FIXED),
        *(
            Field(name=name, label=label, type="datetime", nillable=False, defaulted=True, **FIXED)
            for name, label in (
                ("CreatedDate", "Created Date"),
                ("LastModifiedDate", "Last Modified Date"),
                ("SystemModstamp", "System Modstamp"),
            )
        ),
        lookup(
            "CreatedById", "Created By ID", ["User"], "CreatedBy", nillable=False, defaulted=True, **FIXED
        ),
        lookup(
            "LastModifiedById",
            "Last Modified By ID",
            ["User"],
            "LastModifiedBy",
            nillable=False,
            defaulted=True,
            **FIXED,
        ),
    ]
    if owner:
        fields.append(
            lookup(
                "OwnerId", "Owner ID", ["User"], "Owner", nillable=False, defaulted=True, permissionable=False
            )
        )
    return fields


def _address(fields: AddressFields, prefix: str, label: str) -> list[Field]:
    codes = list(COUNTRIES)
    offered: dict[str, dict[str, set[int]]] = {}
    for country, states in STATES.items():
        for code, name in states.items():
            offered.setdefault(code, {}).setdefault(name, set()).add(codes.index(country))
    states_entries = tuple(
        PickValue(value=code, label=name, valid_for=frozenset(where))
        for code in sorted(offered)
        for name, where in sorted(offered[code].items())
    )
    return [
        text(f"{prefix}Street", f"{label}Street", 255, "textarea"),
        text(f"{prefix}City", f"{label}City", 40),
        text(fields.state, f"{label}State/Province", 80),
        text(f"{prefix}PostalCode", f"{label}Zip/Postal Code", 20),
        text(fields.country, f"{label}Country", 80),
        Field(
            name=fields.country_code,
            label=f"{label}Country Code",
            type="picklist",
            length=10,
            restricted=True,
            values=tuple(PickValue(value=code, label=name) for code, name in COUNTRIES.items()),
        ),
        Field(
            name=fields.state_code,
            label=f"{label}State/Province Code",
            type="picklist",
            length=10,
            restricted=True,
            controller=fields.country_code,
            values=states_entries,
        ),
    ]


def _person() -> list[Field]:
    return [
        text("FirstName", "First Name", 40),
        text("LastName", "Last Name", 80, nillable=False, permissionable=False),
        text("Name", "Full Name", 121, nillable=False, **FIXED),
        picklist("Salutation", "Salutation", ("Mr.", "Ms.", "Mrs.", "Dr.", "Prof.", "Mx.")),
        text("Title", "Title", 128),
        text("Email", "Email", 80, "email"),
        text("Phone", "Phone", 40, "phone"),
        text("MobilePhone", "Mobile Phone", 40, "phone"),
        text("Fax", "Fax", 40, "phone"),
        picklist(
            "LeadSource",
            "Lead Source",
            ("Web", "Phone Inquiry", "Partner Referral", "Purchased List", "Event", "Other"),
        ),
        text("Description", "Description", 32000, "textarea", filterable=False),
        flag("HasOptedOutOfEmail", "Email Opt Out"),
        *_custom(),
    ]


def _custom() -> list[Field]:
    return [
        picklist(
            "Segment__c",
            "Segment",
            ("Enterprise", "Mid-Market", "Small Business", "Public Sector"),
            restricted=True,
        ),
        picklist(
            "Job_Level__c",
            "Job Level",
            ("C-Level", "VP", "Director", "Manager", "Individual Contributor", "Student"),
            restricted=True,
        ),
        picklist(
            "Product_Interest__c",
            "Product Interest",
            ("Analytics", "Automation", "Integration", "Security"),
            type="multipicklist",
            restricted=True,
        ),
        picklist(
            "Lead_Type__c",
            "Lead Type",
            ("Inbound", "Outbound", "Partner", "Event"),
            restricted=True,
            nillable=False,
            permissionable=False,
        ),
        Field(name="Lead_Score__c", label="Lead Score", type="double", precision=3, custom=True),
        Field(name="Budget__c", label="Budget", type="currency", precision=12, scale=2, custom=True),
        Field(name="Qualified_Date__c", label="Qualified Date", type="date", custom=True),
        text("Referral_Code__c", "Referral Code", 12),
        text("Partner_Tier__c", "Partner Tier", 40),
        text("Internal_Notes__c", "Internal Notes", 255),
        text("Legacy_Id__c", "Legacy Id", 20, external_id=True, unique=True),
    ]


def _company() -> list[Field]:
    return [
        Field(name="AnnualRevenue", label="Annual Revenue", type="currency", precision=18),
        Field(name="NumberOfEmployees", label="Employees", type="int", digits=8),
        picklist("Industry", "Industry", INDUSTRIES, restricted=True),
        text("Website", "Website", 255, "url"),
    ]


def _lead() -> ObjectType:
    statuses = ("Open - Not Contacted", "Working - Contacted", "Qualified", "Unqualified")
    entries = tuple(PickValue(value=value, label=value, default=value == statuses[0]) for value in statuses)
    sub_industry = Field(
        name="Sub_Industry__c",
        label="Sub Industry",
        type="picklist",
        length=255,
        restricted=True,
        controller="Industry",
        custom=True,
        values=tuple(
            PickValue(
                value=name, label=name, valid_for=frozenset(INDUSTRIES.index(parent) for parent in parents)
            )
            for name, parents in _SUB_INDUSTRIES.items()
        ),
    )
    return make_object(
        "Lead",
        "Lead",
        "Leads",
        "00Q",
        [
            *system_fields(),
            lookup("MasterRecordId", "Master Record ID", ["Lead"], "MasterRecord", **FIXED),
            *_person(),
            text("Company", "Company", 255, nillable=False, permissionable=False),
            *_company(),
            Field(
                name="Status",
                label="Lead Status",
                type="picklist",
                length=255,
                nillable=False,
                defaulted=True,
                default=statuses[0],
                values=entries,
                permissionable=False,
            ),
            picklist("Rating", "Rating", ("Hot", "Warm", "Cold"), restricted=True),
            sub_industry,
            *_address(LEAD, "", ""),
            flag("IsConverted", "Converted", **FIXED),
            Field(name="ConvertedDate", label="Converted Date", type="date", **FIXED),
            lookup("ConvertedContactId", "Converted Contact ID", ["Contact"], "ConvertedContact", **FIXED),
            lookup("ConvertedAccountId", "Converted Account ID", ["Account"], "ConvertedAccount", **FIXED),
            lookup(
                "ConvertedOpportunityId",
                "Converted Opportunity ID",
                ["Opportunity"],
                "ConvertedOpportunity",
                **FIXED,
            ),
        ],
        addresses=(LEAD,),
    )


def make_object(
    name: str, label: str, plural: str, prefix: str, fields: list[Field], **more: Any
) -> ObjectType:
    """Return an object with its fields indexed by name."""
    named = {field.name: field for field in fields}
    return ObjectType(
        name=name,
        label=label,
        plural=plural,
        prefix=prefix,
        fields=named,
        by_lower_name={field.lower(): field for field in named},
        **more,
    )


def _people_and_companies() -> list[ObjectType]:
    return [
        _lead(),
        make_object(
            "Contact",
            "Contact",
            "Contacts",
            "003",
            [
                *system_fields(),
                lookup("MasterRecordId", "Master Record ID", ["Contact"], "MasterRecord", **FIXED),
                lookup("AccountId", "Account ID", ["Account"], "Account"),
                *_person(),
                *_address(MAILING, "Mailing", "Mailing "),
            ],
            addresses=(MAILING,),
        ),
        make_object(
            "Account",
            "Account",
            "Accounts",
            "001",
            [
                *system_fields(),
                lookup("MasterRecordId", "Master Record ID", ["Account"], "MasterRecord", **FIXED),
                text("Name", "Account Name", 255, nillable=False, permissionable=False),
                text("Phone", "Account Phone", 40, "phone"),
                text("Description", "Account Description", 32000, "textarea", filterable=False),
                *_company(),
                *_address(BILLING, "Billing", "Billing "),
            ],
            addresses=(BILLING,),
        ),
    ]


def build_objects() -> dict[str, ObjectType]:
    """Return the org's objects by name, those of people and companies."""
    return {entry.name: entry for entry in _people_and_companies()}
