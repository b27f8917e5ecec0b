"""What the native sync does with changes on either side (marketo.md, section 7)."""

from __future__ import annotations

import pytest

from remediator.sandbox.marketo.activities import SYNC_TO_SFDC, SYNC_UPDATES
from remediator.sandbox.marketo.fields import ACCOUNT_SYNC, CONTACT_SYNC, LEAD_SYNC
from tests.sandbox.pairs import Pair


@pytest.fixture
def pair() -> Pair:
    return Pair()


def test_a_changed_synced_field_of_a_linked_person_reaches_salesforce_in_the_next_cycle(pair: Pair) -> None:
    lead_id, record_id = pair.lead()
    pair.marketo.edit(lead_id, {"title": "Head of Data"})
    assert pair.row("Lead", record_id)["Title"] is None
    pair.cycle()
    assert pair.row("Lead", record_id)["Title"] == "Head of Data"
    (push,) = pair.ledger.entries(kind="sync_push")
    assert push["marketo_id"] == lead_id
    assert push["fields"] == ["Title"]


def test_a_field_that_is_not_synced_makes_nothing_due(pair: Pair) -> None:
    lead_id, _ = pair.lead()
    pair.marketo.edit(lead_id, {"favoriteColor": "blue"})
    assert not pair.marketo.due


def test_a_loaded_person_who_differs_from_salesforce_is_pushed(pair: Pair) -> None:
    _, record_id = pair.lead(city="Graz")
    pair.cycle()
    assert pair.row("Lead", record_id)["City"] == "Graz"


def test_a_marketo_only_person_never_goes_over_in_a_cycle(pair: Pair) -> None:
    lead_id = pair.marketo_only()
    pair.marketo.edit(lead_id, {"title": "CEO"})
    pair.cycle()
    assert pair.value(lead_id, "sfdcId") is None


def test_a_refused_person_is_not_tried_again_until_it_changes(pair: Pair) -> None:
    lead_id, record_id = pair.lead(country="Deutschland")
    pair.cycle()
    pair.cycle()
    pair.cycle()
    assert len(pair.ledger.entries(kind="sync_refused")) == 1
    assert list(pair.sync.refused) == [lead_id]
    pair.marketo.edit(lead_id, {"country": "Germany"})
    pair.cycle()
    assert pair.row("Lead", record_id)["CountryCode"] == "DE"
    assert not pair.sync.refused


def test_a_refused_person_is_tried_in_every_cycle_when_the_setting_says_so() -> None:
    pair = Pair(retry_every_cycle=True)
    pair.lead(country="Deutschland")
    pair.cycle()
    pair.cycle()
    assert len(pair.ledger.entries(kind="sync_refused")) == 2


def test_the_next_push_after_a_refusal_carries_all_that_salesforce_still_lacks(pair: Pair) -> None:
    lead_id, record_id = pair.lead(country="Deutschland", title="Buyer")
    pair.cycle()
    assert pair.row("Lead", record_id)["Title"] is None
    pair.marketo.edit(lead_id, {"country": "Germany"})
    pair.cycle()
    assert pair.row("Lead", record_id)["Title"] == "Buyer"


def test_a_refusal_shows_in_the_tab_the_ledger_and_the_activity_log(pair: Pair) -> None:
    lead_id, record_id = pair.lead(country="Deutschland")
    pair.cycle()
    (row,) = pair.sync.errors
    assert row.details.startswith("FIELD_INTEGRITY_EXCEPTION: There's a problem with this country")
    assert (row.marketo_id, row.salesforce_id, row.object) == (lead_id, record_id, "Lead")
    (entry,) = pair.ledger.entries(kind="sync_refused")
    assert entry["fields"] == ["Country"]
    (activity,) = [row for row in pair.marketo.log.rows if row.type_id == SYNC_UPDATES]
    assert (activity.lead_id, activity.result) == (lead_id, "failed")


def test_a_change_in_salesforce_reaches_marketo_with_the_sync_as_its_source(pair: Pair) -> None:
    lead_id, record_id = pair.lead()
    pair.org.edit("Lead", record_id, {"Title": "Chair"})
    pair.cycle()
    assert pair.value(lead_id, "title") == "Chair"
    assert pair.marketo.log.rows[-1].attributes["Source"] == "SFDC Sync"
    assert not pair.marketo.due


def test_marketo_wins_when_a_lead_changed_on_both_sides_in_one_cycle(pair: Pair) -> None:
    lead_id, record_id = pair.lead()
    pair.cycle()
    pair.later(minutes=1)
    pair.org.edit("Lead", record_id, {"Title": "Theirs"})
    pair.marketo.edit(lead_id, {"title": "Ours"})
    pair.cycle()
    assert pair.value(lead_id, "title") == pair.row("Lead", record_id)["Title"] == "Ours"


def test_salesforce_wins_when_a_contact_changed_on_both_sides_in_one_cycle(pair: Pair) -> None:
    lead_id, record_id = pair.contact()
    pair.cycle()
    pair.later(minutes=1)
    pair.marketo.edit(lead_id, {"title": "Ours"})
    pair.org.edit("Contact", record_id, {"Title": "Theirs"})
    pair.cycle()
    assert pair.value(lead_id, "title") == pair.row("Contact", record_id)["Title"] == "Theirs"


def test_salesforce_wins_over_a_marketo_value_refused_in_an_earlier_cycle(pair: Pair) -> None:
    lead_id, record_id = pair.lead(country="Deutschland")
    pair.cycle()
    pair.org.edit("Lead", record_id, {"Country": "Austria"})
    pair.cycle()
    assert pair.value(lead_id, "country") == "Austria"
    assert not pair.sync.refused


def test_only_the_field_that_changed_on_both_sides_is_a_conflict(pair: Pair) -> None:
    lead_id, record_id = pair.lead()
    pair.cycle()
    pair.later(minutes=1)
    pair.org.edit("Lead", record_id, {"City": "Linz"})
    pair.marketo.edit(lead_id, {"title": "Ours"})
    pair.cycle()
    assert pair.value(lead_id, "city") == "Linz"
    assert pair.row("Lead", record_id)["Title"] == "Ours"


def test_company_fields_travel_with_a_lead_and_never_with_a_contact(pair: Pair) -> None:
    lead, lead_row = pair.lead()
    contact, contact_row = pair.contact()
    for person in (lead, contact):
        pair.marketo.edit(person, {"company": "Renamed Ltd"})
    pair.cycle()
    assert pair.row("Lead", lead_row)["Company"] == "Renamed Ltd"
    assert pair.row("Account", pair.row("Contact", contact_row)["AccountId"])["Name"] == "Acme"


def test_an_account_change_overwrites_the_company_fields_of_its_contacts(pair: Pair) -> None:
    person, record_id = pair.contact()
    pair.org.edit("Account", pair.row("Contact", record_id)["AccountId"], {"Name": "Acme Global"})
    pair.cycle()
    assert pair.value(person, "company") == "Acme Global"


def test_a_contact_is_pushed_to_its_mailing_address(pair: Pair) -> None:
    _, record_id = pair.contact(country="Austria", city="Graz")
    pair.cycle()
    row = pair.row("Contact", record_id)
    assert (row["MailingCountryCode"], row["MailingCity"]) == ("AT", "Graz")


def test_the_casing_that_salesforce_stores_comes_back(pair: Pair) -> None:
    lead_id, record_id = pair.lead(segment="enterprise")
    pair.cycle()
    assert pair.row("Lead", record_id)["Segment__c"] == "Enterprise"
    assert pair.value(lead_id, "segment") == "Enterprise"


def test_a_record_deleted_in_salesforce_is_marked_and_not_pushed(pair: Pair) -> None:
    lead_id, record_id = pair.lead()
    pair.org.delete("Lead", record_id, user=pair.org.admin)
    pair.cycle()
    assert pair.value(lead_id, "sfdcIsDeleted") is True
    pair.marketo.edit(lead_id, {"title": "Ghost"})
    pair.cycle()
    assert not pair.ledger.entries(kind="sync_refused")


def test_the_flow_step_makes_a_new_lead_for_one_deleted_in_salesforce(pair: Pair) -> None:
    lead_id, record_id = pair.lead()
    pair.org.delete("Lead", record_id, user=pair.org.admin)
    pair.cycle()
    pair.sync.sync_person([lead_id])
    assert pair.value(lead_id, "sfdcId") not in (None, record_id)
    assert pair.value(lead_id, "sfdcIsDeleted") is False


def test_a_converted_lead_becomes_a_contact_in_marketo(pair: Pair) -> None:
    lead_id, record_id = pair.lead()
    (account_id,) = pair.org.load("Account", [{"Name": "Acme"}])
    (contact_id,) = pair.org.load("Contact", [{"LastName": "Lee", "AccountId": account_id}])
    pair.org.edit(
        "Lead",
        record_id,
        {"IsConverted": True, "ConvertedContactId": contact_id, "ConvertedAccountId": account_id},
    )
    pair.cycle()
    person = pair.marketo.get(lead_id)
    assert person is not None
    assert (person["sfdcType"], person["sfdcId"], person["sfdcAccountId"]) == (
        "Contact",
        contact_id,
        account_id,
    )


def test_a_merge_in_salesforce_merges_the_two_people_in_marketo(pair: Pair) -> None:
    winner, winner_row = pair.lead()
    loser, loser_row = pair.lead(favoriteColor="green")
    pair.org.edit("Lead", loser_row, {"IsDeleted": True, "MasterRecordId": winner_row})
    pair.cycle()
    assert pair.marketo.get(loser) is None
    assert pair.value(winner, "favoriteColor") == "green"


def test_a_lead_born_in_salesforce_appears_in_marketo(pair: Pair) -> None:
    outcome = pair.org.insert(
        "Lead",
        {"LastName": "New", "Company": "Acme", "Email": "new@acme.example", "Lead_Type__c": "Event"},
        user=pair.org.admin,
    )
    assert outcome.success
    pair.cycle()
    (lead_id,) = pair.marketo.find("email", ["new@acme.example"])
    assert pair.value(lead_id, "sfdcId") == outcome.id


def test_the_flow_step_creates_a_lead_and_links_the_person(pair: Pair) -> None:
    lead_id = pair.marketo_only(country="Austria")
    pair.sync.sync_person([lead_id], 2001)
    record_id = str(pair.value(lead_id, "sfdcId"))
    assert pair.row("Lead", record_id)["CountryCode"] == "AT"
    assert pair.value(lead_id, "sfdcType") == "Lead"
    (activity,) = [row for row in pair.marketo.log.rows if row.type_id == SYNC_TO_SFDC]
    assert (activity.lead_id, activity.campaign_id, activity.result) == (lead_id, 2001, "succeeded")


def test_a_refused_creation_is_out_of_step_until_the_flow_step_runs_again(pair: Pair) -> None:
    lead_id = pair.marketo_only(leadType=None)
    pair.sync.sync_person([lead_id], 2001)
    refusal = pair.sync.refused[lead_id]
    assert (refusal.code, refusal.salesforce_id) == ("REQUIRED_FIELD_MISSING", None)
    assert pair.sync.errors[-1].details.startswith("Failed to create SFDC {REQUIRED_FIELD_MISSING: ")
    pair.marketo.edit(lead_id, {"leadType": "Inbound"})
    pair.cycle()
    assert lead_id in pair.sync.refused
    pair.sync.sync_person([lead_id], 2001)
    assert lead_id not in pair.sync.refused


def test_the_flow_step_pushes_a_refused_record_after_the_right_was_granted(pair: Pair) -> None:
    lead_id, record_id = pair.lead(Partner_Tier__c="Gold")
    pair.cycle()
    assert pair.sync.refused[lead_id].code == "INVALID_FIELD_FOR_INSERT_UPDATE"
    pair.org.grant_edit(pair.org.sync_user, "Lead", "Partner_Tier__c")
    pair.sync.sync_person([lead_id])
    assert pair.row("Lead", record_id)["Partner_Tier__c"] == "Gold"
    assert not pair.sync.refused


def test_a_row_lock_passes_on_a_later_try(pair: Pair) -> None:
    lead_id, record_id = pair.lead(title="Buyer")
    pair.org.block_row(record_id, times=1)
    pair.cycle()
    assert pair.sync.refused[lead_id].code == "UNABLE_TO_LOCK_ROW"
    pair.sync.sync_person([lead_id])
    assert pair.row("Lead", record_id)["Title"] == "Buyer"


def test_the_hourly_throughput_leaves_the_surplus_for_later_cycles() -> None:
    pair = Pair(records_per_hour=3)
    for number in range(5):
        pair.lead(title=f"Title {number}")
    report = pair.sync.run_cycle()
    assert (report.pushed, report.waiting) == (3, 2)
    assert pair.sync.run_cycle().pushed == 0
    pair.later(hours=1)
    assert pair.sync.run_cycle().pushed == 2


def test_a_disabled_sync_still_runs_the_flow_step(pair: Pair) -> None:
    pair.sync.settings.disabled = True
    lead_id, record_id = pair.lead(title="Buyer")
    pair.cycle()
    assert pair.row("Lead", record_id)["Title"] is None
    pair.sync.sync_person([lead_id])
    assert pair.row("Lead", record_id)["Title"] == "Buyer"


def test_rows_older_than_five_days_are_forgotten(pair: Pair) -> None:
    pair.lead(country="Deutschland")
    pair.cycle()
    pair.later(days=5, minutes=1)
    pair.cycle()
    assert not pair.sync.errors
    assert pair.sync.refused


def test_every_synced_field_exists_in_salesforce(pair: Pair) -> None:
    for kind, synced in (("Lead", LEAD_SYNC), ("Contact", CONTACT_SYNC), ("Account", ACCOUNT_SYNC)):
        assert set(synced.values()) <= set(pair.org.objects[kind].fields)


def test_the_flow_step_passes_over_a_person_whom_a_merge_took_away(pair: Pair) -> None:
    winner, winner_row = pair.lead()
    loser, loser_row = pair.lead(title="Buyer")
    pair.org.edit("Lead", loser_row, {"IsDeleted": True, "MasterRecordId": winner_row})
    pair.sync.sync_person([loser, winner])
    assert pair.marketo.get(loser) is None
    assert pair.value(winner, "title") == "Buyer"


def test_a_loaded_person_is_in_step_where_its_row_says_nothing(pair: Pair) -> None:
    (record_id,) = pair.org.load("Lead", [{"LastName": "Lee", "Company": "Acme", "Email": "lee@x.example"}])
    (lead_id,) = pair.marketo.load([{"sfdcId": record_id, "title": None}])
    assert pair.value(lead_id, "lastName") == "Lee"
    assert pair.marketo.find("email", ["lee@x.example"]) == [lead_id]
    assert not pair.marketo.due
