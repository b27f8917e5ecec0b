"""The lead fields of the sandbox's instance, their Salesforce counterparts and the value types."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime

from remediator.values import Value


@dataclass(frozen=True, slots=True, kw_only=True)
class LeadField:
    """One field of a Marketo person.

    Attributes:
        type: Marketo's ``dataType`` word.
        lead: Salesforce field of Lead that it syncs with, ``None`` when it does not.
        contact: the same for Contact.
        company: the field belongs to the company; Sync Leads refuses it and contacts never push it.
        account: Salesforce field of Account that a contact's company fields are pulled from.
        searchable: usable as ``filterType`` and ``lookupField``.
    """

    id: int
    name: str
    label: str
    type: str
    length: int | None = None
    lead: str | None = None
    contact: str | None = None
    account: str | None = None
    company: bool = False
    updateable: bool = True
    searchable: bool = False

    @property
    def is_synced(self) -> bool:
        """Whether a change of this field makes a linked record due for the sync."""
        return self.lead is not None or self.contact is not None


class BadValue(ValueError):
    """A value that Marketo refuses for a field; ``code`` is the record-level error."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


# name | label | type | length | Salesforce Lead | Salesforce Contact (empty: the Lead's, "-": none)
_PERSON = """
firstName|First Name|string|255|FirstName|
lastName|Last Name|string|255|LastName|
title|Job Title|string|255|Title|
email|Email Address|email|255|Email|
phone|Phone Number|phone|255|Phone|
mobilePhone|Mobile Phone Number|phone|255|MobilePhone|
fax|Fax Number|phone|255|Fax|
address|Address|text|2000|Street|MailingStreet
city|City|string|255|City|MailingCity
state|State|string|255|State|MailingState
postalCode|Postal Code|string|255|PostalCode|MailingPostalCode
country|Country|string|255|Country|MailingCountry
leadSource|Person Source|string|255|LeadSource|
leadStatus|Person Status|string|255|Status|-
rating|Person Rating|string|255|Rating|-
mktoPersonNotes|Person Notes|text|32000|Description|
unsubscribed|Unsubscribed|boolean||HasOptedOutOfEmail|
salutation|Salutation|string|255|Salutation|
segment|Segment|string|255|Segment__c|
Job_Level__c|Job Level|string|255|Job_Level__c|
Product_Interest__c|Product Interest|string|255|Product_Interest__c|
Sub_Industry__c|Sub Industry|string|255|Sub_Industry__c|-
leadType|Lead Type|string|255|Lead_Type__c|
leadScore|Lead Score|score||Lead_Score__c|
Budget__c|Budget|currency||Budget__c|
Qualified_Date__c|Qualified Date|date||Qualified_Date__c|
Referral_Code__c|Referral Code|string|255|Referral_Code__c|
Partner_Tier__c|Partner Tier|string|255|Partner_Tier__c|
Internal_Notes__c|Internal Notes|string|255|Internal_Notes__c|
Legacy_Id__c|Legacy Id|string|255|Legacy_Id__c|
"""
# name | label | type | length | Salesforce Lead | Salesforce Account
_COMPANY = """
company|Company Name|string|255|Company|Name
website|Website|url|255|Website|Website
industry|Industry|string|255|Industry|Industry
annualRevenue|Annual Revenue|currency||AnnualRevenue|AnnualRevenue
numberOfEmployees|Num Employees|integer||NumberOfEmployees|NumberOfEmployees
"""
# name | label | type | length | read-only
_SYSTEM = """
id|Id|integer||y
sfdcId|SFDC Id|string|18|y
sfdcType|SFDC Type|string|255|y
sfdcLeadId|SFDC Lead Id|string|18|y
sfdcContactId|SFDC Contact Id|string|18|y
sfdcAccountId|SFDC Account Id|string|18|y
sfdcLeadOwnerId|SFDC Lead Owner Id|string|18|y
sfdcIsDeleted|SFDC is Deleted|boolean||y
createdAt|Created At|datetime||y
updatedAt|Updated At|datetime||y
leadPartitionId|Person Partition Id|integer||y
emailInvalid|Email Invalid|boolean||
emailInvalidCause|Email Invalid Cause|string|255|
unsubscribedReason|Unsubscribed Reason|text|2000|
favoriteColor|Favorite Color|string|255|
"""
_SEARCHABLE = ("id", "email", "sfdcLeadId", "sfdcContactId", "sfdcAccountId", "sfdcLeadOwnerId")
_CUSTOM_SEARCHABLE = ("string", "email", "integer")


def _rows(table: str) -> list[list[str]]:
    return [line.split("|") for line in table.strip().splitlines()]


def _fields() -> dict[str, LeadField]:
    fields: list[LeadField] = []

    def number() -> int:
        return 2 + 3 * len(fields)

    for name, label, kind, length, read_only in _rows(_SYSTEM):
        fields.append(
            LeadField(
                id=number(),
                name=name,
                label=label,
                type=kind,
                length=int(length) if length else None,
                updateable=not read_only,
                searchable=name in _SEARCHABLE,
            )
        )
    for name, label, kind, length, lead, contact in _rows(_PERSON):
        is_custom = name.endswith("__c") or name in {"segment", "leadType"}
        fields.append(
            LeadField(
                id=number(),
                name=name,
                label=label,
                type=kind,
                length=int(length) if length else None,
                lead=lead,
                contact=None if contact == "-" else contact or lead,
                searchable=name in _SEARCHABLE or (is_custom and kind in _CUSTOM_SEARCHABLE),
            )
        )
    for name, label, kind, length, lead, account in _rows(_COMPANY):
        fields.append(
            LeadField(
                id=number(),
                name=name,
                label=label,
                type=kind,
                length=int(length) if length else None,
                lead=lead,
                account=account,
                company=True,
                updateable=False,
            )
        )
    return {field.name: field for field in fields}


FIELDS: Mapping[str, LeadField] = _fields()
LEAD_SYNC: Mapping[str, str] = {f.name: f.lead for f in FIELDS.values() if f.lead}
"""Marketo field to Salesforce Lead field, company fields included."""
CONTACT_SYNC: Mapping[str, str] = {f.name: f.contact for f in FIELDS.values() if f.contact}
ACCOUNT_SYNC: Mapping[str, str] = {f.name: f.account for f in FIELDS.values() if f.account}
DEFAULT_READ = ("id", "email", "updatedAt", "createdAt", "lastName", "firstName")

_TRUE, _FALSE = {"true", "1", "yes"}, {"false", "0", "no"}
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
_INT64 = 2**63


def synced_with(sfdc_type: Value) -> Mapping[str, str]:
    """Return ``{Marketo field: Salesforce field}`` for a person of that SFDC type."""
    return CONTACT_SYNC if sfdc_type == "Contact" else LEAD_SYNC


def checked(field: LeadField, value: object) -> Value:
    """Return ``value`` as Marketo stores it in ``field``; empty text is stored as null.

    Raises:
        BadValue: 1001 for a wrong type, 1003 for a value that is too long or an e-mail that is not ASCII.
    """
    if value is None or value == "":
        return None
    if isinstance(value, (dict, list)):
        raise _wrong_type(field, value)
    match field.type:
        case "boolean":
            return _boolean(field, value)
        case "integer" | "score":
            return _integer(field, value)
        case "float" | "currency" | "percent":
            return _number(field, value)
        case "date" | "datetime":
            return _moment(field, value)
        case _:
            return _text(field, value)


def _wrong_type(field: LeadField, value: object) -> BadValue:
    return BadValue(
        "1001", f"Invalid value '{value}'. Required of type '{field.type}' for field '{field.name}'"
    )


def _boolean(field: LeadField, value: object) -> bool:
    if isinstance(value, bool):
        return value
    word = str(value).strip().lower()
    if word in _TRUE or word in _FALSE:
        return word in _TRUE
    raise _wrong_type(field, value)


def _integer(field: LeadField, value: object) -> int:
    if isinstance(value, bool) or (isinstance(value, float) and not value.is_integer()):
        raise _wrong_type(field, value)
    try:
        whole = int(value) if isinstance(value, (int, float)) else int(str(value).strip())
    except ValueError as exc:
        raise _wrong_type(field, value) from exc
    if not -_INT64 <= whole < _INT64:
        raise _wrong_type(field, value)
    return whole


def _number(field: LeadField, value: object) -> float | int:
    if isinstance(value, bool):
        raise _wrong_type(field, value)
    if isinstance(value, (int, float)):
        return value
    try:
        return float(str(value).strip())
    except ValueError as exc:
        raise _wrong_type(field, value) from exc


def _moment(field: LeadField, value: object) -> str:
    text = str(value).strip()
    try:
        if field.type == "date":
            if not _DATE.match(text):
                raise ValueError(text)
            return date.fromisoformat(text[:10]).isoformat()
        return datetime.fromisoformat(text).isoformat()
    except ValueError as exc:
        raise _wrong_type(field, value) from exc


def _text(field: LeadField, value: object) -> str:
    text = str(value).lower() if isinstance(value, bool) else str(value)
    if field.type == "email" and not text.isascii():
        raise BadValue("1003", f"Value '{text}' for field '{field.name}' must contain ASCII characters only")
    if field.length is not None and len(text) > field.length:
        raise BadValue("1003", f"Value for field '{field.name}' is longer than {field.length} characters")
    return text


def stamp(moment: datetime) -> str:
    """Return a moment as Marketo shows it on a person."""
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def same(one: Value, other: Value) -> bool:
    """Say whether two values are equal to the sync: empty text is null, an unset flag is false."""
    return _plain(one) == _plain(other)


def _plain(value: Value) -> Value:
    # Identity, not equality: a zero is a value, and False and 0 compare equal.
    return None if value is None or value is False or value == "" else value
