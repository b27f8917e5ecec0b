"""What a save refuses, and with which code, message and fields."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from remediator.sandbox.salesforce.access import User
from remediator.sandbox.salesforce.automation import FLOW_COMPANIES, TRIGGER_COMPANIES
from remediator.sandbox.salesforce.errors import SaveError
from remediator.sandbox.salesforce.org import Org
from tests.sandbox.salesforce.conftest import a_lead


def refusal(org: Org, values: dict[str, Any], user: User | None = None, **stored: Any) -> SaveError:
    """Update a loaded lead and return the one error."""
    (record_id,) = org.load("Lead", [a_lead(**stored)])
    outcome = org.update("Lead", record_id, values, user or org.sync_user)
    assert not outcome.success
    (error,) = outcome.errors
    return error


def accepted(org: Org, values: dict[str, Any], user: User | None = None, **stored: Any) -> dict[str, Any]:
    """Update a loaded lead and return the row."""
    (record_id,) = org.load("Lead", [a_lead(**stored)])
    outcome = org.update("Lead", record_id, values, user or org.sync_user)
    assert outcome.success, outcome.errors
    row = org.get("Lead", record_id)
    assert row is not None
    return row


def test_a_create_names_every_missing_required_field_at_once(org: Org) -> None:
    outcome = org.insert("Lead", {"FirstName": "Ada"}, org.sync_user)

    (error,) = outcome.errors
    assert error.code == "REQUIRED_FIELD_MISSING"
    assert set(error.fields) == {"LastName", "Company", "Lead_Type__c"}
    assert error.message.startswith("Required fields are missing: [")


def test_an_update_may_not_blank_a_required_field(org: Org) -> None:
    error = refusal(org, {"Lead_Type__c": None})

    assert (error.code, error.fields) == ("REQUIRED_FIELD_MISSING", ("Lead_Type__c",))


def test_a_required_field_that_nobody_sent_does_not_stop_an_update(org: Org) -> None:
    assert accepted(org, {"City": "Bonn"}, Lead_Type__c=None)["City"] == "Bonn"


@pytest.mark.parametrize(
    ("field", "value", "code", "message"),
    [
        ("City", "x" * 41, "STRING_TOO_LONG", f"City: data value too large: {'x' * 41} (max length=40)"),
        ("Email", "a b@c.de", "INVALID_EMAIL_ADDRESS", "Email: invalid email address: a b@c.de"),
        ("Email", "a@b.c.", "INVALID_EMAIL_ADDRESS", "Email: invalid email address: a@b.c."),
        (
            "Lead_Score__c",
            1000,
            "NUMBER_OUTSIDE_VALID_RANGE",
            "Lead Score: value outside of valid range on numeric field: 1000",
        ),
        (
            "NumberOfEmployees",
            2**31,
            "NUMBER_OUTSIDE_VALID_RANGE",
            "Employees: value outside of valid range on numeric field: 2147483648",
        ),
        (
            "Budget__c",
            "many",
            "INVALID_TYPE_ON_FIELD_IN_RECORD",
            "Budget: value not of required type: many",
        ),
        (
            "Job_Level__c",
            "Boss",
            "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST",
            "Job Level: bad value for restricted picklist field: Boss",
        ),
        (
            "Product_Interest__c",
            "Analytics;Magic",
            "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST",
            "Product Interest: bad value for restricted picklist field: Magic",
        ),
        ("OwnerId", "005bad", "MALFORMED_ID", "Owner ID: id value of incorrect type: 005bad"),
    ],
)
def test_a_bad_value_is_refused_with_salesforces_own_words(
    org: Org, field: str, value: Any, code: str, message: str
) -> None:
    error = refusal(org, {field: value})

    assert (error.code, error.message, error.fields) == (code, message, (field,))


def test_a_picklist_matches_in_any_case_and_stores_the_defined_one(org: Org) -> None:
    row = accepted(org, {"Segment__c": "mid-market", "Product_Interest__c": "security;ANALYTICS"})

    assert (row["Segment__c"], row["Product_Interest__c"]) == ("Mid-Market", "Security;Analytics")


def test_an_unrestricted_picklist_takes_anything(org: Org) -> None:
    assert accepted(org, {"LeadSource": "Carrier pigeon"})["LeadSource"] == "Carrier pigeon"


def test_blanks_around_a_text_are_trimmed_but_wide_and_no_break_spaces_stay(org: Org) -> None:
    assert accepted(org, {"City": " Bonn\t"})["City"] == "Bonn"
    assert accepted(org, {"City": "\u00a0Bonn\u3000"})["City"] == "\u00a0Bonn\u3000"


def test_a_field_that_the_user_may_only_read_is_refused_by_name(org: Org) -> None:
    error = refusal(org, {"Partner_Tier__c": "Gold", "Internal_Notes__c": "x", "City": "Bonn"})

    assert error.code == "INVALID_FIELD_FOR_INSERT_UPDATE"
    assert error.message.startswith("Unable to create/update fields: Partner_Tier__c, Internal_Notes__c. ")


def test_granting_edit_clears_the_refusal(org: Org) -> None:
    org.grant_edit(org.sync_user, "Lead", "Partner_Tier__c")

    assert accepted(org, {"Partner_Tier__c": "Gold"})["Partner_Tier__c"] == "Gold"


def test_a_field_that_does_not_exist_is_no_such_column(org: Org) -> None:
    error = refusal(org, {"Shoe_Size__c": 42})

    assert (error.code, error.message) == (
        "INVALID_FIELD",
        "No such column 'Shoe_Size__c' on sobject of type Lead",
    )


def test_a_user_without_rights_on_the_object_cannot_insert(org: Org) -> None:
    stranger = org.add_user("Sam Stranger", "sam@sandbox.example")

    (error,) = org.insert("Lead", a_lead(), stranger).errors

    assert error.code == "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY"
    assert error.message == "entity type cannot be inserted: Lead"


def test_a_validation_rule_looks_at_the_whole_row_not_only_at_what_was_sent(org: Org) -> None:
    error = refusal(org, {"City": "Bonn"}, Budget__c=2_000_000)

    assert (error.code, error.fields) == ("FIELD_CUSTOM_VALIDATION_EXCEPTION", ("Qualified_Date__c",))


def test_two_broken_validation_rules_come_together(org: Org) -> None:
    (record_id,) = org.load("Lead", [a_lead(Budget__c=2_000_000, Rating="Hot")])

    errors = org.update("Lead", record_id, {"City": "Bonn"}).errors

    assert [error.code for error in errors] == ["FIELD_CUSTOM_VALIDATION_EXCEPTION"] * 2
    assert [error.fields for error in errors] == [("Qualified_Date__c",), ()]


def test_a_second_lead_of_one_address_is_blocked_and_the_first_is_named(org: Org) -> None:
    (first,) = org.load("Lead", [a_lead(Email="ada@example.com")])

    error = refusal(org, {"Email": "ADA@example.com"})

    match = error.extra["duplicateResult"]["matchResults"][0]["matchRecords"][0]
    assert (error.code, match["record"]["Id"]) == ("DUPLICATES_DETECTED", first)


def test_a_converted_or_deleted_lead_does_not_block_its_address(org: Org) -> None:
    org.load(
        "Lead",
        [a_lead(Email="ada@example.com", IsConverted=True), a_lead(Email="ada@example.com", IsDeleted=True)],
    )

    assert accepted(org, {"Email": "ada@example.com"})["Email"] == "ada@example.com"


def test_a_unique_field_names_the_other_record_by_its_short_id(org: Org) -> None:
    (first,) = org.load("Lead", [a_lead(Legacy_Id__c="A-1")])

    error = refusal(org, {"Legacy_Id__c": "a-1"})

    assert error.code == "DUPLICATE_VALUE"
    assert error.message.endswith(f"Legacy_Id__c duplicates value on record with id: {first[:15]}")


def test_a_converted_lead_cannot_be_written(org: Org) -> None:
    assert refusal(org, {"City": "Bonn"}, IsConverted=True).code == "CANNOT_UPDATE_CONVERTED_LEAD"


def test_a_deleted_row_an_unknown_id_and_a_malformed_id_are_told_apart(org: Org) -> None:
    (gone,) = org.load("Lead", [a_lead(IsDeleted=True)])

    codes = [
        org.update("Lead", one, {"City": "Bonn"}).errors[0].code for one in (gone, "00Q5e0000zzzzzz", "x")
    ]

    assert codes == ["ENTITY_IS_DELETED", "INVALID_CROSS_REFERENCE_KEY", "MALFORMED_ID"]


def test_an_approval_lock_stops_all_but_those_who_may_modify_all(org: Org) -> None:
    (record_id,) = org.load("Lead", [a_lead()])
    org.lock(record_id)

    assert org.update("Lead", record_id, {"City": "Bonn"}).errors[0].code == "ENTITY_IS_LOCKED"
    assert org.update("Lead", record_id, {"City": "Bonn"}, org.admin).success
    org.unlock(record_id)
    assert org.update("Lead", record_id, {"City": "Köln"}).success


def test_a_blocked_row_is_free_again_after_so_many_tries(org: Org) -> None:
    (record_id,) = org.load("Lead", [a_lead()])
    org.block_row(record_id, times=2)

    tries = [org.update("Lead", record_id, {"City": "Bonn"}) for _ in range(3)]

    assert [one.success for one in tries] == [False, False, True]
    assert tries[0].errors[0].code == "UNABLE_TO_LOCK_ROW"


def test_contention_hits_only_contacts_who_share_an_account(org: Org) -> None:
    shared, own = org.load("Account", [{"Name": "Shared"}, {"Name": "Own"}])
    people = [
        {"LastName": "A", "Lead_Type__c": "Event", "AccountId": shared},
        {"LastName": "B", "Lead_Type__c": "Event", "AccountId": shared},
        {"LastName": "C", "Lead_Type__c": "Event", "AccountId": own},
    ]
    ids = org.load("Contact", people)
    org.contention = 1.0

    outcomes = [org.update("Contact", record_id, {"Title": "CTO"}) for record_id in ids]

    assert [one.success for one in outcomes] == [False, False, True]


def test_an_owner_who_left_stops_the_sync_but_not_a_change_of_owner(org: Org) -> None:
    gone = org.add_user("Gil Gone", "gil@sandbox.example", active=False).id

    error = refusal(org, {"City": "Bonn"}, OwnerId=gone)

    assert error.code == "INACTIVE_OWNER_OR_USER"
    assert error.message == f"operation performed with inactive user [{gone[:15]}] as owner of lead"
    assert accepted(org, {"OwnerId": org.admin.id}, OwnerId=gone)["OwnerId"] == org.admin.id


def test_a_failing_trigger_wraps_its_cause(org: Org) -> None:
    error = refusal(org, {"City": "Bonn"}, Company=TRIGGER_COMPANIES[0])

    assert error.code == "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY"
    assert "execution of AfterUpdate\n\ncaused by: System.DmlException" in error.message


def test_a_failing_flow_speaks_with_typographic_quotes_for_contacts_of_that_account_too(org: Org) -> None:
    (account,) = org.load("Account", [{"Name": FLOW_COMPANIES[0]}])
    (record_id,) = org.load("Contact", [{"LastName": "A", "Lead_Type__c": "Event", "AccountId": account}])

    (error,) = org.update("Contact", record_id, {"Title": "CTO"}).errors

    assert error.code == "CANNOT_EXECUTE_FLOW_TRIGGER"
    assert "We can’t save this record because the “Account plan seats” process failed." in error.message


def test_a_hook_may_change_fields_that_nobody_sent_and_the_ledger_says_so(org: Org) -> None:
    org.automation.hooks.append(lambda name, new, old, user: {"Title": "Countess"})

    row = accepted(org, {"City": "Bonn"})

    assert row["Title"] == "Countess"
    (entry,) = org.ledger.entries("trigger")
    assert entry["fields"] == {"Title": "Countess"}


def test_codes_stay_and_texts_change_with_the_users_language(org: Org) -> None:
    german = org.speak(org.sync_user, "de_DE")

    error = refusal(org, {"Industry": "Zauberei"}, german)

    assert error.code == "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST"
    assert error.message == "Branche: ungültiger Wert für eingeschränktes Auswahllistenfeld: Zauberei"


def test_changes_since_a_moment_come_once_each_in_the_order_of_writing(org: Org) -> None:
    one, two, three = org.load("Lead", [a_lead(), a_lead(), a_lead()])
    before = org.clock.now()
    org.clock.advance(timedelta(seconds=1))
    for record_id in (two, one, two):
        org.update("Lead", record_id, {"City": "Bonn"})

    assert [row["Id"] for row in org.changed_since("Lead", before)] == [one, two]
    assert three not in {row["Id"] for row in org.changed_since("Lead", before)}


def test_a_rolled_back_transaction_leaves_no_trace_in_rows_changes_or_ledger(org: Org) -> None:
    (record_id,) = org.load("Lead", [a_lead(Email="old@example.com")])
    moment, before = org.clock.now(), org.get("Lead", record_id)
    org.clock.advance(timedelta(seconds=1))

    with org.transaction() as transaction:
        org.update("Lead", record_id, {"Email": "new@example.com"})
        made = org.insert("Lead", a_lead()).id
        transaction.rollback()

    assert org.get("Lead", record_id) == before
    assert made is not None
    assert org.get("Lead", made) is None
    assert org.changed_since("Lead", moment) == []
    assert org.tables_of("Lead").find("Email", "new@example.com") == []
    assert [entry["kind"] for entry in org.ledger.entries()] == ["rollback"]


def test_a_transaction_that_raises_is_rolled_back(org: Org) -> None:
    (record_id,) = org.load("Lead", [a_lead(City="Bonn")])

    def crash() -> None:
        with org.transaction():
            org.update("Lead", record_id, {"City": "Rome"})
            raise RuntimeError("crash")

    with pytest.raises(RuntimeError, match="crash"):
        crash()

    row = org.get("Lead", record_id)
    assert row is not None
    assert row["City"] == "Bonn"


def test_the_ledger_names_who_changed_what_from_what_to_what(org: Org) -> None:
    (record_id,) = org.load("Lead", [a_lead(City="Bonn")])
    org.update("Lead", record_id, {"City": "Rome", "Company": "Analytical Engines"}, org.sync_user)

    (entry,) = org.ledger.entries("write")

    assert entry["actor"] == org.sync_user.username
    assert (entry["id"], entry["changes"]) == (record_id, {"City": ["Bonn", "Rome"]})


def test_a_person_edits_past_every_check_and_the_codes_follow(org: Org) -> None:
    (record_id,) = org.load("Lead", [a_lead(Country="Germany")])
    org.lock(record_id)

    org.edit("Lead", record_id, {"Country": "France"}, by="ada")

    row = org.get("Lead", record_id)
    assert row is not None
    assert (row["Country"], row["CountryCode"]) == ("France", "FR")
    assert [entry["actor"] for entry in org.ledger.entries("person_edit")] == ["ada"]
