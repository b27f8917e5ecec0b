"""`remediator fields` against the sandbox, whose fields differ as those of real pairs do."""

from __future__ import annotations

import csv
from typing import Any

import pytest

from remediator.sandbox.salesforce.metadata import PickValue
from tests.cli.ground import Remediator, export_errors
from tests.engine.world import World


def pair(rows: list[dict[str, Any]], name: str) -> dict[str, Any]:
    """Return the row of ``Object.Field``."""
    (row,) = (row for row in rows if f"{row['object']}.{row['field']}" == name)
    return row


@pytest.fixture
def refused(connected: World, remediator: Remediator) -> World:
    """A code that is too long, an edit right that is missing and an inactive picklist value."""
    levels = (PickValue(value="Director", label="Director", active=False), PickValue(value="VP", label="VP"))
    connected.sandbox.org.redefine("Lead", "Job_Level__c", values=levels)
    connected.lead(Referral_Code__c="private " * 4)
    connected.lead(Partner_Tier__c="Gold")
    connected.lead(Job_Level__c="Director")
    connected.pass_time(minutes=6)
    remediator("scan", export_errors(connected))
    return connected


def test_the_dictionary_shows_both_sides_of_every_synced_pair(
    connected: World, remediator: Remediator
) -> None:
    result = remediator("fields", "--json")
    rows = result.json
    code = pair(rows, "Lead.Referral_Code__c")
    assert (code["length"], code["marketo_length"], code["problems"]) == (12, 255, 1)
    legacy = pair(rows, "Contact.Legacy_Id__c")
    assert (legacy["unique"], legacy["external_id"]) == (True, True)
    kind = pair(rows, "Lead.Lead_Type__c")
    assert (kind["required"], kind["marketo_field"], kind["marketo_label"]) == (True, "leadType", "Lead Type")
    segment = pair(rows, "Lead.Segment__c")
    assert (segment["type"], segment["restricted"], segment["values"]) == ("picklist", True, 4)
    assert pair(rows, "Lead.Sub_Industry__c")["depends_on"] == "Industry"
    assert pair(rows, "Account.Name")["marketo_field"] == "company"
    assert all(row["marketo_field"] and row["paired_because"] for row in rows)
    assert "remediator fields --problems" in result.err


def test_the_problems_come_with_what_to_do_and_the_worst_first(
    refused: World, remediator: Remediator
) -> None:
    found = remediator("fields", "--problems", "--json").json
    high = {(one["field"], one["kind"]) for one in found if one["severity"] == "high"}
    assert high == {
        ("Referral_Code__c", "too_long"),
        ("Partner_Tier__c", "no_edit"),
        ("Job_Level__c", "inactive_value"),
        ("Job_Level__c", "free_text_to_picklist"),
    }
    assert [one["severity"] for one in found[:4]] == ["high"] * 4
    assert all(one["problem"] and one["advice"] for one in found)


def test_no_value_of_a_record_is_shown(refused: World, remediator: Remediator) -> None:
    shown = [remediator("fields", *more).out for more in ((), ("--json",), ("--problems",))]
    assert not [text for text in shown if "private" in text or "Gold" in text or "Acme" in text]


def test_one_object_and_one_field_are_shown_alone(connected: World, remediator: Remediator) -> None:
    rows = remediator("fields", "--object", "contact", "--json").json
    assert {row["object"] for row in rows} == {"Contact"}
    for name in ("referral_code__c", "Lead.Referral_Code__c", "Referral Code"):
        (row,) = remediator("fields", "--object", "Lead", "--field", name, "--json").json
        assert row["field"] == "Referral_Code__c"
    (problem,) = remediator("fields", "--object", "Lead", "--field", "leadType", "--problems", "--json").json
    assert problem["field"] == "Lead_Type__c"


def test_a_field_that_is_not_there_or_not_synced_says_so(connected: World, remediator: Remediator) -> None:
    assert "did you mean 'Referral Code'?" in remediator("fields", "--field", "Referal_Code", code=1).err
    assert "field_map: Lead.OwnerId" in remediator("fields", "--field", "Lead.OwnerId", code=1).err


def test_the_csv_has_the_rows_of_the_listing(refused: World, remediator: Remediator) -> None:
    remediator("fields", "--out", "fields.csv")
    remediator("fields", "--problems", "--out", "problems.csv")
    for name, more in (("fields.csv", ()), ("problems.csv", ("--problems",))):
        with (remediator.folder / name).open(encoding="utf-8-sig", newline="") as stream:
            written = list(csv.DictReader(stream))
        listed = remediator("fields", *more, "--json").json
        assert [row["field"] for row in written] == [row["field"] for row in listed]
        assert set(written[0]) == set(listed[0])
    assert "end the name in .csv" in remediator("fields", "--out", "fields.xlsx", code=1).err
    assert "cannot be written" in remediator("fields", "--out", "nowhere/fields.csv", code=1).err


@pytest.mark.parametrize("system", ["MARKETO", "SALESFORCE"])
def test_a_system_that_lets_us_not_in_is_named_and_ends_with_exit_code_4(
    connected: World, remediator: Remediator, monkeypatch: pytest.MonkeyPatch, system: str
) -> None:
    monkeypatch.setenv(f"REMEDIATOR_{system}_CLIENT_SECRET", "wrong")
    result = remediator("fields", "--json", code=4)
    assert result.out == ""
    assert f"{system.capitalize()}'s describe of" in result.err
