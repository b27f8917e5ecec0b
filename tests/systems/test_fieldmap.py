from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from remediator.fixing import PicklistEntry
from remediator.systems.base import ObjectDescription, SystemField
from remediator.systems.fieldmap import FieldMap, describe_fields, is_company_field


def marketo(**labels: str) -> ObjectDescription:
    fields = {
        name: SystemField(name=name, label=label, type="string", length=255) for name, label in labels.items()
    }
    return ObjectDescription(object="Lead", fields=fields)


def salesforce(*fields: SystemField, object_name: str = "Lead", **labels: str) -> ObjectDescription:
    given = [*fields, *(SystemField(name=name, label=label, type="string") for name, label in labels.items())]
    return ObjectDescription(object=object_name, fields={field.name: field for field in given})


def built(
    ours: ObjectDescription, theirs: ObjectDescription, *, object_name: str = "Lead", **overrides: str
) -> FieldMap:
    return FieldMap.build(
        ours,
        theirs,
        object_name=object_name,
        overrides={name.replace("__dot__", "."): value for name, value in overrides.items()},
    )


def test_standard_fields_are_paired_by_adobes_table() -> None:
    found = built(
        marketo(leadStatus="Lead Status", mktoPersonNotes="Person Notes"),
        salesforce(Status="Status", Description="Description"),
    )
    assert found.to_marketo("Status") == "leadStatus"
    assert found.to_marketo("Description") == "mktoPersonNotes"
    assert "standard mapping" in found.reasons["Status"]


def test_a_contacts_address_is_its_mailing_address() -> None:
    found = built(
        marketo(country="Country", state="State"),
        salesforce(MailingCountry="Mailing Country", OtherCountry="Other Country", object_name="Contact"),
        object_name="Contact",
    )
    assert found.pairs == {"MailingCountry": "country"}


def test_an_account_holds_the_company() -> None:
    found = built(
        marketo(company="Company Name", billingCountry="Billing Country", rating="Account Rating"),
        salesforce(Name="Account Name", BillingCountry="Billing Country", Rating="Account Rating"),
        object_name="Account",
    )
    assert found.pairs == {"Name": "company", "BillingCountry": "billingCountry"}


def test_a_contacts_own_industry_is_not_the_companys() -> None:
    found = built(marketo(industry="Industry"), salesforce(Industry__c="Industry"), object_name="Contact")
    assert found.to_marketo("Industry__c") is None


def test_custom_fields_are_paired_by_equal_name_then_by_equal_label() -> None:
    found = built(
        marketo(Budget__c="Money", segment="Segment"), salesforce(Budget__c="Budget", Segment__c="Segment")
    )
    assert found.pairs == {"Budget__c": "Budget__c", "Segment__c": "segment"}
    assert "label" in found.reasons["Segment__c"]


def test_a_label_that_two_fields_share_pairs_nothing() -> None:
    twice_here = built(
        marketo(segment="Segment"), salesforce(Segment__c="Segment", Old_Segment__c="segment ")
    )
    twice_there = built(marketo(segment="Segment", segment2="Segment"), salesforce(Segment__c="Segment"))
    assert twice_here.pairs == twice_there.pairs == {}


def test_the_settings_win_over_the_table_the_name_and_the_label() -> None:
    found = built(
        marketo(country="Country", custom="Custom"),
        salesforce(Country="Country"),
        Lead__dot__Country="custom",
        Contact__dot__Country="country",
    )
    assert found.to_marketo("Country") == "custom"
    assert "settings" in found.reasons["Country"]


def test_a_setting_without_an_object_counts_for_all_and_one_with_it_counts_more() -> None:
    ours = marketo(a="A", b="B")
    both = {"Field__c": "a", "Lead__dot__Field__c": "b"}
    assert built(ours, salesforce(Field__c="F"), **both).to_marketo("Field__c") == "b"
    assert built(ours, salesforce(Field__c="F"), object_name="Contact", **both).to_marketo("Field__c") == "a"


def test_the_settings_can_leave_a_field_unpaired() -> None:
    found = built(marketo(country="Country"), salesforce(Country="Country"), Country="")
    assert found.to_marketo("Country") is None
    assert "settings" in found.reasons["Country"]


def test_a_setting_that_names_an_unknown_marketo_field_does_not_pair() -> None:
    assert built(marketo(), salesforce(X__c="X"), X__c="nosuch").to_marketo("X__c") is None


NAMES = st.sampled_from(["Country", "country", "Segment__c", "segment", "Title", "title", "X__c", "Email"])


@settings(deadline=None)
@given(
    ours=st.dictionaries(NAMES, NAMES),
    theirs=st.dictionaries(NAMES, NAMES),
    overrides=st.dictionaries(NAMES, NAMES),
)
def test_whatever_the_names_a_field_is_paired_once_and_with_a_reason(
    ours: dict[str, str], theirs: dict[str, str], overrides: dict[str, str]
) -> None:
    found = FieldMap.build(marketo(**ours), salesforce(**theirs), object_name="Lead", overrides=overrides)
    for name in theirs:
        partner = found.to_marketo(name)
        assert partner is None or (partner in ours and found.reasons[name])
    assert len(set(found.pairs.values())) == len(found.pairs)


@pytest.mark.parametrize("name", ["company", "industry", "billingCountry", "annualRevenue", "website"])
def test_company_fields_are_known(name: str) -> None:
    assert is_company_field(name)
    assert not is_company_field("country")


# Both descriptions in one

COUNTRIES = (PicklistEntry(value="US", label="United States"), PicklistEntry(value="DE", label="Germany"))
STATES = (
    PicklistEntry(value="CA", label="California", valid_for=frozenset({0})),
    PicklistEntry(value="BY", label="Bavaria", valid_for=frozenset({1}), active=False),
)


def an_org(prefix: str = "") -> ObjectDescription:
    return salesforce(
        SystemField(name=f"{prefix}Country", label="Country", type="string", length=80),
        SystemField(name=f"{prefix}CountryCode", label="Country Code", type="picklist", picklist=COUNTRIES),
        SystemField(name=f"{prefix}State", label="State", type="string", length=80),
        SystemField(
            name=f"{prefix}StateCode",
            label="State Code",
            type="picklist",
            picklist=STATES,
            controller=f"{prefix}CountryCode",
        ),
        SystemField(name="Type__c", label="Type", type="string", required=True),
    )


@pytest.mark.parametrize(("prefix", "object_name"), [("", "Lead"), ("Mailing", "Contact")])
def test_address_texts_take_the_entries_of_their_code_fields(prefix: str, object_name: str) -> None:
    ours, theirs = marketo(country="Country", state="State"), an_org(prefix)
    fields = describe_fields(ours, theirs, built(ours, theirs, object_name=object_name))
    country, state = fields[f"{prefix}Country"], fields[f"{prefix}State"]
    assert (country.role, state.role, state.controller) == ("country", "state", f"{prefix}Country")
    assert [(entry.value, entry.code) for entry in country.picklist] == [
        ("United States", "US"),
        ("Germany", "DE"),
    ]
    assert [(entry.value, entry.code, entry.valid_for, entry.active) for entry in state.picklist] == [
        ("California", "CA", frozenset({0}), True),
        ("Bavaria", "BY", frozenset({1}), False),
    ]
    assert country.marketo_name == "country"


def test_the_settings_tell_integration_values_that_are_not_the_labels() -> None:
    ours, theirs = marketo(), an_org()
    values = {"DE": "Deutschland", "DE-BY": "Bayern", "US-BY": "wrong country"}
    fields = describe_fields(ours, theirs, built(ours, theirs), integration_values=values)
    assert fields["Country"].picklist[1].value == "Deutschland"
    assert fields["Country"].picklist[1].label == "Germany"
    assert fields["State"].picklist[1].value == "Bayern"
    assert fields["State"].picklist[0].value == "California"


def test_an_org_without_state_and_country_picklists_has_plain_text_fields() -> None:
    ours, theirs = marketo(), salesforce(Country="Country", State="State")
    fields = describe_fields(ours, theirs, built(ours, theirs))
    assert (fields["Country"].role, fields["Country"].picklist) == (None, ())


def test_what_marketo_may_write_is_told_with_its_own_limit() -> None:
    ours = ObjectDescription(
        object="Lead",
        fields={
            "title": SystemField(name="title", label="Title", type="string", length=200),
            "company": SystemField(name="company", label="Company", type="string", length=255),
            "rating": SystemField(name="rating", label="Rating", type="string", updateable=False),
        },
    )
    theirs = salesforce(Title="Title", Company="Company", Rating="Rating", Other__c="Other")
    fields = describe_fields(ours, theirs, built(ours, theirs))
    assert (fields["Title"].marketo_updateable, fields["Title"].marketo_length) == (True, 200)
    assert not fields["Company"].marketo_updateable
    assert not fields["Rating"].marketo_updateable
    assert (fields["Other__c"].marketo_name, fields["Other__c"].marketo_updateable) == (None, False)


def test_a_default_from_the_settings_stands_with_its_field() -> None:
    ours, theirs = marketo(), an_org()
    fields = describe_fields(ours, theirs, built(ours, theirs), defaults={"Type__c": "Inbound"})
    assert (fields["Type__c"].default, fields["Type__c"].required) == ("Inbound", True)
    assert fields["State"].default is None
