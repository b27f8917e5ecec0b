"""Which Marketo field is which Salesforce field, and what both systems say about it.

The standard pairs are Adobe's ("Default Salesforce Field Mapping", Experience League). Neither API tells
the real mapping of a subscription, so the settings may overrule everything here.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

from remediator.fixing import FieldDescription, PicklistEntry
from remediator.systems.base import ObjectDescription, SystemField

_PERSON: Mapping[str, str] = MappingProxyType(
    {
        "FirstName": "firstName",
        "LastName": "lastName",
        "Salutation": "salutation",
        "Title": "title",
        "Email": "email",
        "Phone": "phone",
        "MobilePhone": "mobilePhone",
        "Fax": "fax",
        "LeadSource": "leadSource",
        "Description": "mktoPersonNotes",
        "HasOptedOutOfEmail": "unsubscribed",
        "Lead_Score__c": "leadScore",
        "mkto71_Lead_Score__c": "leadScore",
    }
)
_ADDRESS: Mapping[str, str] = MappingProxyType(
    {
        "Street": "address",
        "City": "city",
        "State": "state",
        "PostalCode": "postalCode",
        "Country": "country",
    }
)
STANDARD: Mapping[str, Mapping[str, str]] = MappingProxyType(
    {
        "Lead": {
            **_PERSON,
            **_ADDRESS,
            "Company": "company",
            "Website": "website",
            "Status": "leadStatus",
            "Rating": "rating",
            "Industry": "industry",
            "AnnualRevenue": "annualRevenue",
            "NumberOfEmployees": "numberOfEmployees",
        },
        "Contact": {
            **_PERSON,
            **{f"Mailing{name}": field for name, field in _ADDRESS.items()},
            "Birthdate": "dateOfBirth",
        },
        "Account": {
            "Name": "company",
            "Website": "website",
            "Industry": "industry",
            "AnnualRevenue": "annualRevenue",
            "NumberOfEmployees": "numberOfEmployees",
            "Phone": "mainPhone",
            "Site": "site",
            "Sic": "sicCode",
            "SicCode": "sicCode",
            "Description": "mktoCompanyNotes",
            **{f"Billing{name}": f"billing{name}" for name in _ADDRESS},
        },
    }
)
COMPANY_FIELDS = frozenset(STANDARD["Account"].values()) | {"externalCompanyId"}
"""Marketo fields that belong to the company: Sync Leads refuses them (1021), Salesforce holds them."""

_SYSTEM_FIELDS = frozenset({"id", "createdAt", "updatedAt"})

# Salesforce Object Reference, "System Fields", and the dates of last use that move without an edit.
_STAMPS = frozenset(
    {
        "Id",
        "IsDeleted",
        "CreatedById",
        "CreatedDate",
        "LastModifiedById",
        "LastModifiedDate",
        "SystemModstamp",
        "LastActivityDate",
        "LastViewedDate",
        "LastReferencedDate",
    }
)


def is_company_field(marketo_field: str) -> bool:
    """Say whether a Marketo field belongs to the company, not to the person."""
    return marketo_field in COMPANY_FIELDS


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldMap:
    """Pairs of one Salesforce object's fields with Marketo's.

    Attributes:
        object: Salesforce object API name.
        pairs: ``{Salesforce API name: Marketo REST name}``; no Marketo field stands twice.
        reasons: ``{Salesforce API name: why}``.
    """

    object: str
    pairs: Mapping[str, str]
    reasons: Mapping[str, str]

    @classmethod
    def build(
        cls,
        marketo: ObjectDescription,
        salesforce: ObjectDescription,
        *,
        object_name: str,
        overrides: Mapping[str, str],
    ) -> FieldMap:
        """Pair the fields that both systems describe.

        The settings win, then Adobe's standard pairs, then an equal API name, then an equal label where it
        is unique on both sides. A field is paired once.

        Args:
            marketo: describe2 of people.
            salesforce: describe of the object.
            object_name: ``Lead``, ``Contact`` or ``Account``.
            overrides: ``{Salesforce field: Marketo field}`` from the settings, the Salesforce field with its
                object in front (``Lead.Segment__c``) or without (then for every object). A Marketo field of
                ``""`` leaves the Salesforce field unpaired.
        """
        pairs: dict[str, str] = {}
        reasons: dict[str, str] = {}
        settled: set[str] = set()
        for name, field, why in _candidates(marketo, salesforce, object_name, overrides):
            if name in settled or name not in salesforce.fields:
                continue
            if not field:
                settled.add(name)
                reasons[name] = why
            elif field in marketo.fields and field not in pairs.values():
                settled.add(name)
                pairs[name], reasons[name] = field, why
        return cls(object=object_name, pairs=MappingProxyType(pairs), reasons=MappingProxyType(reasons))

    def to_marketo(self, salesforce_field: str) -> str | None:
        """Return the Marketo REST name, ``None`` if the field has no partner."""
        return self.pairs.get(salesforce_field)


def _candidates(
    marketo: ObjectDescription,
    salesforce: ObjectDescription,
    object_name: str,
    overrides: Mapping[str, str],
) -> Iterator[tuple[str, str, str]]:
    """Yield ``(Salesforce field, Marketo field, why)``, the strongest first."""
    own = {
        key.partition(".")[2]: value for key, value in overrides.items() if key.startswith(f"{object_name}.")
    }
    for name, field in ({key: value for key, value in overrides.items() if "." not in key} | own).items():
        yield name, field, f"the settings pair it with {field}" if field else "the settings leave it unpaired"
    for name, field in STANDARD.get(object_name, {}).items():
        yield name, field, f"Marketo's standard mapping pairs it with {field}"
    for name in salesforce.fields:
        if _belongs(object_name, name):
            yield name, name, "both systems know it under the same API name"
    for name, field in _by_label(marketo, salesforce):
        label = salesforce.fields[name].label
        if _belongs(object_name, field):
            yield name, field, f"both systems label it {label!r}, and nothing else"


def _belongs(object_name: str, marketo_field: str) -> bool:
    """Say whether a Marketo field can live on this object: a contact's company is its account."""
    if marketo_field in _SYSTEM_FIELDS:
        return False
    match object_name:
        case "Contact":
            return not is_company_field(marketo_field)
        case "Account":
            return is_company_field(marketo_field)
        case _:
            return True


def _by_label(marketo: ObjectDescription, salesforce: ObjectDescription) -> Iterator[tuple[str, str]]:
    ours = _unique_labels(salesforce)
    theirs = _unique_labels(marketo)
    for label, name in ours.items():
        if label in theirs:
            yield name, theirs[label]


def _unique_labels(described: ObjectDescription) -> dict[str, str]:
    labels = {name: field.label.casefold().strip() for name, field in described.fields.items()}
    counts = Counter(labels.values())
    return {label: name for name, label in labels.items() if counts[label] == 1}


def describe_fields(
    marketo: ObjectDescription,
    salesforce: ObjectDescription,
    field_map: FieldMap,
    *,
    integration_values: Mapping[str, str] | None = None,
    defaults: Mapping[str, str] | None = None,
) -> Mapping[str, FieldDescription]:
    """Return what both systems say about each field, by Salesforce API name.

    Args:
        marketo: describe2 of people.
        salesforce: describe of the map's object.
        field_map: the pairs.
        integration_values: ``{country code or "country-state" codes: integration value}`` where the org's
            values are not its labels. Describe does not tell them.
        defaults: ``{Salesforce API name: value for an empty required field}``.
    """
    described = {
        name: _merged(field, marketo, field_map, defaults or {}) for name, field in salesforce.fields.items()
    }
    return MappingProxyType(described | _address_texts(described, integration_values or {}))


def _merged(
    field: SystemField, marketo: ObjectDescription, field_map: FieldMap, defaults: Mapping[str, str]
) -> FieldDescription:
    partner_name = field_map.to_marketo(field.name)
    partner = marketo.fields.get(partner_name) if partner_name else None
    return FieldDescription(
        name=field.name,
        label=field.label,
        type=field.type,
        length=field.length,
        precision=field.precision,
        scale=field.scale,
        required=field.required,
        createable=field.createable,
        updateable=field.updateable,
        restricted=field.restricted,
        picklist=field.picklist,
        controller=field.controller,
        marketo_name=partner_name,
        marketo_updateable=partner is not None and partner.updateable and not is_company_field(partner.name),
        marketo_length=partner.length if partner else None,
        calculated=field.calculated or field.name in _STAMPS,
        default=defaults.get(field.name),
    )


def _address_texts(
    described: Mapping[str, FieldDescription], values: Mapping[str, str]
) -> dict[str, FieldDescription]:
    """Give the country and state text fields of state/country picklists the entries of their code fields."""
    found: dict[str, FieldDescription] = {}
    for name, codes in described.items():
        prefix = name.removesuffix("CountryCode")
        country, state = described.get(f"{prefix}Country"), described.get(f"{prefix}State")
        if prefix == name or country is None or not codes.picklist:
            continue
        found[country.name] = replace(
            country,
            role="country",
            restricted=True,
            picklist=tuple(_entry(entry, values.get(entry.value.upper())) for entry in codes.picklist),
        )
        state_codes = described.get(f"{prefix}StateCode")
        if state is not None and state_codes is not None:
            countries = [entry.value.upper() for entry in codes.picklist]
            found[state.name] = replace(
                state,
                role="state",
                restricted=True,
                controller=country.name,
                picklist=tuple(
                    _entry(entry, _state_value(entry, countries, values)) for entry in state_codes.picklist
                ),
            )
    return found


def _state_value(entry: PicklistEntry, countries: list[str], values: Mapping[str, str]) -> str | None:
    """Return the integration value that the settings give for a state, under any country it is valid for."""
    for place in sorted(entry.valid_for or ()):
        if place < len(countries):
            value = values.get(f"{countries[place]}-{entry.value.upper()}")
            if value is not None:
                return value
    return None


def _entry(entry: PicklistEntry, value: str | None) -> PicklistEntry:
    return replace(entry, value=value or entry.label, code=entry.value)
