"""SOQL over HTTP: what it finds, how it pages, and how it complains."""

from __future__ import annotations

from typing import Any

import pytest

from tests.sandbox.salesforce.conftest import Client, a_lead


@pytest.fixture
def rows(client: Client) -> dict[str, str]:
    """Five leads of one company no other test uses, ``{last name: id}``."""
    people: list[dict[str, Any]] = [
        {"LastName": "Ada", "City": "London", "Lead_Score__c": 10, "Qualified_Date__c": "2026-02-28"},
        {"LastName": "Bea", "City": "Bonn", "Lead_Score__c": 20, "HasOptedOutOfEmail": True},
        {"LastName": "Cyd", "Lead_Score__c": 30, "Product_Interest__c": "Analytics;Security"},
        {"LastName": "O'Dea", "City": "bonn", "Qualified_Date__c": "2026-03-02"},
        {"LastName": "Eve", "City": "Rome", "IsDeleted": True},
    ]
    company = f"Query {client.sandbox.ledger.last}"
    ids = client.load(*({**person, "Company": company} for person in people))
    return {"company": company, **dict(zip((str(p["LastName"]) for p in people), ids, strict=True))}


@pytest.mark.parametrize(
    ("where", "names"),
    [
        ("City = 'BONN'", "Bea O'Dea"),
        ("City != 'Bonn'", "Ada Cyd"),
        ("City = null", "Cyd"),
        ("Lead.City = null", "Cyd"),
        ("LastName = 'O\\'Dea'", "O'Dea"),
        ("City IN ('London', 'Bonn') AND Lead_Score__c > 10", "Bea"),
        ("(City = 'London' OR Lead_Score__c >= 30) AND HasOptedOutOfEmail = false", "Ada Cyd"),
        ("NOT City LIKE '%on%'", "Cyd"),
        ("LastName NOT IN ('Ada', 'Bea')", "Cyd O'Dea"),
        ("Qualified_Date__c = TODAY", "O'Dea"),
        ("Qualified_Date__c = LAST_N_DAYS:7", "Ada O'Dea"),
        ("Qualified_Date__c < 2026-03-01", "Ada"),
        ("CreatedDate >= 2026-03-02T12:00:00Z AND City = 'London'", "Ada"),
        ("Product_Interest__c INCLUDES ('Security')", "Cyd"),
        ("Owner.Username = 'admin@sandbox.example' AND City = 'London'", "Ada"),
        ("OwnerId IN (SELECT Id FROM User WHERE Alias = 'admin') AND City = 'London'", "Ada"),
    ],
)
def test_a_condition_finds_what_it_says(client: Client, rows: dict[str, str], where: str, names: str) -> None:
    found = client.query(
        f"SELECT LastName FROM Lead WHERE Company = '{rows['company']}' AND ({where}) ORDER BY LastName"
    )

    assert " ".join(row["LastName"] for row in found) == names


def test_a_parent_path_nests_and_a_count_has_no_rows(client: Client, rows: dict[str, str]) -> None:
    (row,) = client.query(f"SELECT Id, Owner.Name FROM Lead WHERE Id = '{rows['Ada'][:15]}'")
    count = client.get("/query", q=f"SELECT COUNT() FROM Lead WHERE Company = '{rows['company']}'").json()

    assert row["Owner"]["Name"] == "Ada Admin"
    assert row["attributes"]["url"] == f"/services/data/v60.0/sobjects/Lead/{rows['Ada']}"
    assert count == {"totalSize": 4, "done": True, "records": []}


def test_an_alias_may_stand_before_field_names(client: Client, rows: dict[str, str]) -> None:
    (row,) = client.query(f"SELECT l.Id, l.Owner.Name FROM Lead l WHERE l.Id = '{rows['Bea']}'")

    assert (row["Id"], row["Owner"]["Name"]) == (rows["Bea"], "Ada Admin")


def test_order_limit_and_offset(client: Client, rows: dict[str, str]) -> None:
    order = "ORDER BY City NULLS LAST, LastName DESC"
    soql = f"SELECT LastName FROM Lead WHERE Company = '{rows['company']}' {order}"

    assert [row["LastName"] for row in client.query(soql)] == ["O'Dea", "Bea", "Ada", "Cyd"]
    assert [row["LastName"] for row in client.query(soql + " LIMIT 2 OFFSET 1")] == ["Bea", "Ada"]


def test_query_all_finds_deleted_rows_too(client: Client, rows: dict[str, str]) -> None:
    soql = f"SELECT Id FROM Lead WHERE Company = '{rows['company']}' AND IsDeleted = true"

    assert client.query(soql) == []
    assert client.get("/queryAll", q=soql).json()["totalSize"] == 1


def test_pages_are_followed_to_the_end(client: Client) -> None:
    client.org.load("Campaign", [{"Name": f"Page {number:03}"} for number in range(450)])
    soql = "SELECT Name FROM Campaign WHERE Name LIKE 'Page %' ORDER BY Name"

    page = client.http.get(
        "/services/data/v60.0/query", params={"q": soql}, headers={"Sforce-Query-Options": "batchSize=200"}
    ).json()
    seen, sizes = page["records"], [len(page["records"])]
    while not page["done"]:
        page = client.http.get(page["nextRecordsUrl"]).json()
        seen, sizes = seen + page["records"], [*sizes, len(page["records"])]

    assert sizes == [200, 200, 50]
    assert page["totalSize"] == 450
    assert [row["Name"] for row in seen] == [f"Page {number:03}" for number in range(450)]


@pytest.mark.parametrize(
    ("soql", "code", "text"),
    [
        ("SELECT Id FORM Lead", "MALFORMED_QUERY", "ERROR at Row:1:Column:11\nunexpected token: 'FORM'"),
        ("SELECT Id FROM Lead WHERE", "MALFORMED_QUERY", "unexpected token: '<EOF>'"),
        ("SELECT Id FROM Lead WHERE City = Bonn", "MALFORMED_QUERY", "unexpected token: 'Bonn'"),
        ("SELECT Shoe FROM Lead", "INVALID_FIELD", "No such column 'Shoe' on entity 'Lead'."),
        ("SELECT Boss.Name FROM Lead", "INVALID_FIELD", "Didn't understand relationship 'Boss'"),
        (
            "SELECT Id FROM Lead WHERE CreatedDate > 'now'",
            "INVALID_FIELD",
            "should not be enclosed in quotes",
        ),
        ("SELECT Id FROM Leads", "INVALID_TYPE", "sObject type 'Leads' is not supported."),
        ("SELECT FIELDS(ALL) FROM Lead", "MALFORMED_QUERY", "LIMIT"),
    ],
)
def test_a_bad_query_says_what_is_wrong_and_where(client: Client, soql: str, code: str, text: str) -> None:
    answer = client.get("/query", q=soql)

    assert answer.status_code == 400
    assert answer.json()[0]["errorCode"] == code
    assert text in answer.json()[0]["message"]


def test_what_a_user_may_not_read_does_not_exist_for_its_queries(client: Client) -> None:
    stranger = client.org.add_user("Sam Stranger", "sam2@sandbox.example")
    client.http.headers["authorization"] = "Bearer " + client.sandbox.sessions.open(stranger)

    assert client.get("/query", q="SELECT Id FROM Lead").json()[0]["errorCode"] == "INVALID_TYPE"


def test_the_rights_of_the_sync_user_can_be_queried(client: Client) -> None:
    sync = client.org.sync_user.id
    found = client.query(
        "SELECT Field FROM FieldPermissions WHERE SobjectType = 'Lead' AND PermissionsEdit = false"
        f" AND ParentId IN (SELECT PermissionSetId FROM PermissionSetAssignment WHERE AssigneeId = '{sync}')"
    )

    assert {row["Field"] for row in found} == {"Lead.Partner_Tier__c", "Lead.Internal_Notes__c"}


def test_a_definition_tells_a_hidden_field_from_a_missing_one(client: Client) -> None:
    soql = "SELECT QualifiedApiName FROM FieldDefinition WHERE EntityDefinition.QualifiedApiName = 'Lead'"

    assert len(client.query(soql + " AND QualifiedApiName = 'Partner_Tier__c'")) == 1
    assert client.query(soql + " AND QualifiedApiName = 'Shoe_Size__c'") == []


def test_record_access_and_locks_can_be_queried(client: Client) -> None:
    (record_id,) = client.org.load("Lead", [a_lead()])
    client.org.lock(record_id)
    bot = client.org.bot.id

    (access,) = client.query(
        "SELECT RecordId, HasReadAccess, HasEditAccess FROM UserRecordAccess"
        f" WHERE UserId = '{bot}' AND RecordId = '{record_id}'"
    )
    (lock,) = client.query(f"SELECT Status FROM ProcessInstance WHERE TargetObjectId = '{record_id}'")

    assert (access["HasReadAccess"], access["HasEditAccess"], lock["Status"]) == (True, False, "Pending")
