"""A value that the field has and the record's record type has not: refused with the same code."""

from __future__ import annotations

from typing import Any

import pytest

from remediator.errors import PermanentError, RecordMissing
from remediator.model import CaseState, Category, Verdict
from remediator.sandbox.salesforce.metadata import MASTER_RECORD_TYPE
from remediator.store import AliasKey
from tests.engine.world import World, the_only

SOME = ("Mid-Market", "Public Sector")


def partner_type(world: World, *, segments: tuple[str, ...] = SOME, default: bool = False) -> str:
    """Give leads a record type with fewer segments."""
    return world.sandbox.org.add_record_type(
        "Lead", "Partner", picklists={"Segment__c": segments}, default=default
    )


def typed(world: World, record_type: str, **values: str) -> str:
    """Add a person whose lead is of a record type; then let the sync run into its values."""
    person = world.lead(**values)
    found = world.sandbox.instance.get(int(person))
    assert found is not None
    world.sandbox.org.edit("Lead", found["sfdcId"], {"RecordTypeId": record_type})
    return person


def picklist_calls(world: World) -> int:
    entries = world.sandbox.ledger.entries(kind="request", system="salesforce")
    return sum("picklist-values" in entry["path"] for entry in entries)


def test_a_value_that_the_record_type_lacks_is_refused_and_needs_a_person(a_world: World) -> None:
    record_type = partner_type(a_world)
    person = typed(a_world, record_type, segment="Enterprise")
    a_world.refuse()
    case = a_world.case_of(person)
    assert (case.diagnosis.category, case.diagnosis.value) == (Category.INVALID_PICKLIST, "Enterprise")

    plan = a_world.plan()
    assert plan.changes == ()
    (declined,) = plan.declined
    assert (
        f'"Enterprise" is a value of Segment, but not for the record type of this record ({record_type})'
        in (declined.reason)
    )
    assert [candidate.value for candidate in declined.candidates] == list(SOME)


def test_a_typo_is_mapped_to_what_the_record_type_allows_and_clears(a_world: World) -> None:
    person = typed(a_world, partner_type(a_world), segment="public  SECTOR")
    a_world.refuse()
    plan = a_world.approved_plan()
    assert the_only(plan).after == "Public Sector"
    a_world.apply(plan)
    a_world.pass_time(minutes=20)
    a_world.scan()
    assert a_world.verify().verdicts == {Verdict.CLEARED: 1}
    assert a_world.state_of(person) is CaseState.CLEARED


def test_a_typo_of_a_value_that_the_record_type_lacks_is_never_written(lite: World) -> None:
    typed(lite, partner_type(lite), segment="small business.")
    lite.refuse()
    assert [change.after for change in lite.plan().changes if change.after == "Small Business"] == []


def test_one_text_gets_the_answer_of_each_records_own_type(lite: World) -> None:
    narrow = partner_type(lite)
    person, other = typed(lite, narrow, segment="enterprise!"), lite.lead(segment="enterprise!")
    lite.refuse()
    changes = {change.record_id: change.after for change in lite.plan().changes}
    assert changes.get(other) == "Enterprise"
    assert changes.get(person) != "Enterprise"


def test_a_record_type_is_read_once_a_run_however_many_records_have_it(lite: World) -> None:
    record_type = partner_type(lite)
    for _ in range(3):
        typed(lite, record_type, segment="public  SECTOR")
    lite.refuse()
    before = picklist_calls(lite)
    assert len(lite.plan().changes) == 3
    assert picklist_calls(lite) == before + 1


def test_an_org_without_record_types_is_not_asked_for_them(lite: World) -> None:
    lite.lead(segment="public  SECTOR")
    lite.refuse()
    assert len(lite.plan().changes) == 1
    assert picklist_calls(lite) == 0


@pytest.mark.parametrize(
    "fault", [{"name": "server_error"}, {"name": "truncated"}, {"name": "empty", "body": {}}], ids=str
)
def test_what_a_record_type_allows_is_unknown_when_it_cannot_be_read_and_nothing_is_proposed(
    fault: dict[str, Any], lite: World
) -> None:
    typed(lite, partner_type(lite), segment="public  SECTOR")
    lite.refuse()
    lite.sandbox.faults.add({**fault, "system": "salesforce", "match": "*picklist-values*", "times": None})
    plan = lite.plan()
    assert plan.changes == ()
    assert "are not known" in plan.declined[0].reason
    lite.sandbox.faults.clear()
    lite.pass_time(minutes=1)
    assert the_only(lite.plan()).after == "Public Sector"


def test_a_picked_value_is_used_only_for_record_types_that_allow_it(lite: World) -> None:
    key = AliasKey(object="Lead", field="Segment__c", before="Gov")
    lite.engine.store.aliases.take([(key, "Enterprise")], by="ann", now=lite.engine.clock())
    narrow, whole = typed(lite, partner_type(lite), segment="Gov"), lite.lead(segment="Gov")
    lite.refuse()
    plan = lite.plan()
    assert {change.record_id: change.after for change in plan.changes} == {whole: "Enterprise"}
    assert "does not accept it now" in plan.declined[0].reason
    assert plan.declined[0].case == lite.case_of(narrow).id


# The client and the sandbox


def test_the_values_of_a_record_type_come_by_field(lite: World) -> None:
    record_type = partner_type(lite)
    salesforce = lite.engine.salesforce
    values = salesforce.picklist_values("Lead", record_type[:15])
    assert tuple(entry.value for entry in values["Segment__c"]) == SOME
    assert len(salesforce.picklist_values("Lead", MASTER_RECORD_TYPE)["Segment__c"]) == 4
    dependent = values["Sub_Industry__c"]
    assert all(entry.valid_for for entry in dependent)
    assert values["Segment__c"][0].valid_for is None


def test_a_record_type_that_is_not_the_objects_is_an_error_and_not_an_empty_list(lite: World) -> None:
    with pytest.raises(RecordMissing, match="is not the id of a record type"):
        lite.engine.salesforce.picklist_values("Lead", "partner")
    with pytest.raises(PermanentError, match="not valid for"):
        lite.engine.salesforce.picklist_values("Contact", partner_type(lite))


def test_a_new_lead_gets_the_default_record_type_and_its_values(lite: World) -> None:
    partner_type(lite, default=True)
    person = lite.marketo_only(segment="Enterprise")
    lite.scan()
    assert lite.case_of(person).diagnosis.code == "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST"
