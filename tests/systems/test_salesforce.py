from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from pydantic import SecretStr

from remediator.errors import (
    AccessDenied,
    ConfigError,
    NoAnswer,
    RateLimited,
    RecordMissing,
    RecordRefused,
    TransientError,
)
from remediator.settings import SalesforceSettings
from remediator.systems.auth import salesforce_form
from remediator.systems.base import RecordWrite, System
from remediator.systems.http import TRIES
from remediator.systems.salesforce_describe import object_description, valid_for
from tests.systems.vendor import ORG, USER, Vendor, a_salesforce

A = "00Q5e0000000001EAA"
B = "00Q5e0000000002EAA"
PICKLIST = {"type": "picklist", "restrictedPicklist": True}


def a_field(name: str, **values: object) -> dict[str, object]:
    return {
        "name": name,
        "label": name,
        "type": "string",
        "length": 80,
        "createable": True,
        "updateable": True,
        "nillable": True,
        **values,
    }


def describes(vendor: Vendor) -> None:
    vendor.says(
        {"name": "Lead", "fields": [a_field("City"), a_field("Name", createable=False, updateable=False)]}
    )


def a_row(record_id: str = A, **values: str) -> RecordWrite:
    return RecordWrite(record_id=record_id, values=values or {"City": "Bonn"})


def saved(record_id: str) -> dict[str, object]:
    return {"id": record_id, "success": True, "errors": []}


def test_the_client_is_a_system(vendor: Vendor) -> None:
    with a_salesforce(vendor) as salesforce:
        system: System = salesforce
        assert (system.name, system.read_size, system.write_size) == ("salesforce", 2000, 200)


# Log-in


def test_calls_go_to_the_instance_that_the_token_names(vendor: Vendor) -> None:
    vendor.instance_url = vendor.url.replace("127.0.0.1", "localhost")
    vendor.says({"DailyApiRequests": {"Max": 1, "Remaining": 1}})
    with a_salesforce(vendor) as salesforce:
        salesforce.limits()
    assert vendor.seen[0].headers["host"].startswith("localhost:")


def test_the_assertion_is_signed_for_the_user_and_the_log_in_host_and_short_lived() -> None:
    key = generate_private_key(public_exponent=65537, key_size=2048)
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    settings = SalesforceSettings(
        url="https://login.salesforce.com/",
        client_id="app",
        username="bot@example.com",
        private_key=SecretStr(pem),
    )
    form = salesforce_form(settings, now_s=2_000_000_000)
    claims = jwt.decode(
        form["assertion"],
        key.public_key(),
        algorithms=["RS256"],
        audience="https://login.salesforce.com",
        options={"verify_exp": False},
    )
    assert form["grant_type"] == "urn:ietf:params:oauth:grant-type:jwt-bearer"
    assert (claims["iss"], claims["sub"]) == ("app", "bot@example.com")
    assert 60 <= claims["exp"] - 2_000_000_000 <= 180


def test_a_key_that_cannot_sign_is_told_without_being_shown() -> None:
    settings = SalesforceSettings(
        url="https://x", client_id="app", username="bot", private_key=SecretStr("not a key")
    )
    with pytest.raises(ConfigError, match=r"salesforce\.private_key") as caught:
        salesforce_form(settings, now_s=0)
    assert "not a key" not in str(caught.value)


@pytest.mark.parametrize("missing", ["client_id", "username", "private_key"])
def test_a_missing_credential_is_named(missing: str) -> None:
    given = {"client_id": "a", "username": "b", "private_key": SecretStr("c")} | {missing: None}
    with pytest.raises(ConfigError, match=f"salesforce.{missing}"):
        salesforce_form(SalesforceSettings.model_validate({"url": "https://x", **given}), now_s=0)


# Describe


@pytest.mark.parametrize(
    ("bitmap", "positions"), [("gAAA", {0}), ("4AAA", {0, 1, 2}), ("AQAA", {7}), ("AACA", {16}), ("", set())]
)
def test_a_dependent_entrys_bitmap_is_read_from_the_most_significant_bit(
    bitmap: str, positions: set[int]
) -> None:
    assert valid_for(bitmap) == frozenset(positions)


def test_an_entry_without_a_bitmap_depends_on_nothing() -> None:
    assert valid_for(None) is None


def test_a_describe_becomes_our_words() -> None:
    entries = [
        {"value": "a", "label": "A", "active": True, "defaultValue": True, "validFor": None},
        {"value": "b", "label": None, "active": False, "validFor": b64encode(bytes([0x40])).decode()},
    ]
    fields = object_description(
        {
            "name": "Lead",
            "fields": [
                a_field("LastName", nillable=False),
                a_field("Status", nillable=False, defaultedOnCreate=True),
                a_field("Flag", type="boolean", nillable=False, length=0),
                a_field("Score", type="double", precision=3, scale=0, length=0),
                a_field("Count", type="int", digits=8, length=0),
                a_field("Sum", calculated=True, createable=False, updateable=False),
                a_field("Free", **PICKLIST, picklistValues=entries),
                a_field(
                    "Bound", **PICKLIST, picklistValues=entries, dependentPicklist=True, controllerName="Free"
                ),
            ],
        }
    ).fields
    assert [name for name, field in fields.items() if field.required] == ["LastName"]
    assert (fields["Score"].precision, fields["Score"].scale, fields["Score"].length) == (3, 0, None)
    assert fields["Count"].precision == 8
    assert fields["Sum"].calculated
    first, second = fields["Bound"].picklist
    assert (first.value, first.label, first.active, first.default) == ("a", "A", True, True)
    assert (second.label, second.active, second.valid_for) == ("b", False, frozenset({1}))
    assert fields["Bound"].controller == "Free"
    assert (fields["Free"].controller, fields["Free"].picklist[1].valid_for) == (None, None)


@pytest.mark.parametrize("body", [{}, {"name": "Lead", "fields": []}, {"name": "Lead", "fields": [{}]}, []])
def test_a_describe_without_fields_is_incomplete(vendor: Vendor, body: object) -> None:
    vendor.says(body, times=TRIES)
    with a_salesforce(vendor) as salesforce, pytest.raises(TransientError, match="incomplete"):
        salesforce.describe("Lead")


# Read


def test_a_read_maps_answers_by_position_and_null_is_missing(vendor: Vendor) -> None:
    vendor.says([{"attributes": {"type": "Lead"}, "Id": A, "City": "Bonn"}, None])
    with a_salesforce(vendor) as salesforce:
        result = salesforce.read("Lead", [A[:15], B, "junk"], ["City"])
    assert result.records == {A[:15]: {"City": "Bonn"}}
    assert result.missing == {B, "junk"}
    assert vendor.seen[0].json == {"ids": [A, B], "fields": ["Id", "City"]}


def test_2001_records_take_two_calls(vendor: Vendor) -> None:
    ids = [f"00Q5e{number:010d}EAA" for number in range(2001)]
    vendor.says([None] * 2000)
    vendor.says([None])
    with a_salesforce(vendor) as salesforce:
        assert len(salesforce.read("Lead", ids, ["City"]).missing) == 2001


@pytest.mark.parametrize(
    "body",
    [
        [],
        [{"Id": A, "City": "x"}],
        {"Id": A},
        [{"Id": B, "City": "x"}, {"Id": A, "City": "x"}],
        [{"Id": A}, None],
        ["text", None],
    ],
)
def test_an_answer_that_does_not_fit_the_ids_is_incomplete(vendor: Vendor, body: object) -> None:
    vendor.says(body, times=TRIES)
    with a_salesforce(vendor) as salesforce, pytest.raises(TransientError, match="incomplete"):
        salesforce.read("Lead", [A, B], ["City"])


# Write


def test_a_write_updates_each_record_for_itself_without_assignment_rules(vendor: Vendor) -> None:
    describes(vendor)
    vendor.says([saved(A), saved(B)])
    with a_salesforce(vendor) as salesforce:
        results = salesforce.write("Lead", [a_row(A), a_row(B)])
    assert [result.error for result in results] == [None, None]
    sent = vendor.seen[1]
    assert (sent.method, sent.headers["sforce-auto-assign"]) == ("PATCH", "FALSE")
    assert sent.json["allOrNone"] is False
    assert sent.json["records"][0] == {"attributes": {"type": "Lead"}, "id": A, "City": "Bonn"}


def test_a_refused_record_has_its_error_and_the_others_are_saved(vendor: Vendor) -> None:
    describes(vendor)
    error = {"statusCode": "STRING_TOO_LONG", "message": "City: too large", "fields": ["City"]}
    vendor.says([{"success": False, "errors": [error]}, saved(B)])
    with a_salesforce(vendor) as salesforce:
        first, second = salesforce.write("Lead", [a_row(A), a_row(B)])
    assert isinstance(first.error, RecordRefused)
    assert first.error.fields == ("City",)
    assert second.error is None


@pytest.mark.parametrize(
    "body", [[], [saved(A)], {}, [saved(B), saved(A)], [{"id": A}, saved(B)], [saved(A), None]]
)
def test_results_that_do_not_fit_the_records_are_no_answer_for_the_whole_batch(
    vendor: Vendor, body: object
) -> None:
    describes(vendor)
    vendor.says(body)
    with a_salesforce(vendor) as salesforce, pytest.raises(NoAnswer):
        salesforce.write("Lead", [a_row(A), a_row(B)])


def test_rows_that_may_not_be_written_are_refused_unsent_and_the_others_go(vendor: Vendor) -> None:
    describes(vendor)
    vendor.says([saved(B)])
    with a_salesforce(vendor) as salesforce:
        results = salesforce.write("Lead", [a_row(A, Name="x"), a_row("junk"), a_row(B)])
    assert [type(result.error) for result in results] == [AccessDenied, RecordMissing, type(None)]
    assert len(vendor.seen[1].json["records"]) == 1


def test_a_server_error_with_a_page_is_no_answer_for_a_write(vendor: Vendor) -> None:
    describes(vendor)
    vendor.says(b"<html>unavailable</html>", status=503)
    with a_salesforce(vendor) as salesforce, pytest.raises(NoAnswer, match="503"):
        salesforce.write("Lead", [a_row()])


# Query


def a_page(*rows: Mapping[str, object], total: int, after: str | None = None) -> dict[str, object]:
    page: dict[str, object] = {"totalSize": total, "done": after is None, "records": list(rows)}
    return page | ({"nextRecordsUrl": after} if after else {})


def test_all_pages_of_a_query_are_read_and_parents_are_flat(vendor: Vendor) -> None:
    owner = {"attributes": {"type": "User"}, "Name": "Ann"}
    vendor.says(
        a_page(
            {"attributes": {}, "Id": A, "Owner": owner}, total=2, after="/services/data/v60.0/query/01g-2000"
        )
    )
    vendor.says(a_page({"attributes": {}, "Id": B, "Owner": None}, total=2))
    with a_salesforce(vendor) as salesforce:
        rows = list(salesforce.query("SELECT Id, Owner.Name FROM Lead"))
    assert rows == [{"Id": A, "Owner.Name": "Ann"}, {"Id": B, "Owner": None}]
    assert vendor.seen[1].path == "/services/data/v60.0/query/01g-2000"


@pytest.mark.parametrize("page", [a_page({"Id": A}, total=2), a_page(total=1)])
def test_pages_that_do_not_add_up_are_incomplete(vendor: Vendor, page: object) -> None:
    vendor.says(page)
    with a_salesforce(vendor) as salesforce, pytest.raises(TransientError, match="promised"):
        list(salesforce.query("SELECT Id FROM Lead"))


@pytest.mark.parametrize(
    "page",
    [
        {"totalSize": 1, "done": True},
        {"done": True, "records": []},
        {"totalSize": 2, "done": False, "records": [{"Id": A}]},
        [],
    ],
)
def test_a_page_that_cannot_be_read_is_asked_for_again_then_incomplete(vendor: Vendor, page: object) -> None:
    vendor.says(page, times=TRIES)
    with a_salesforce(vendor) as salesforce, pytest.raises(TransientError, match="incomplete"):
        list(salesforce.query("SELECT Id FROM Lead"))


def test_a_count_is_a_number_without_rows(vendor: Vendor) -> None:
    vendor.says(a_page(total=41))
    with a_salesforce(vendor) as salesforce:
        assert salesforce.count("Lead", "Country = 'Germany'") == 41
    assert vendor.seen[0].query["q"] == "SELECT COUNT() FROM Lead WHERE Country = 'Germany'"


def test_who_saved_a_record_last_is_told_for_merged_ones_too(vendor: Vendor) -> None:
    stamps = {"IsDeleted": True, "LastModifiedById": USER, "LastModifiedDate": "d", "SystemModstamp": "d"}
    vendor.says(a_page({"Id": A, **stamps, "MasterRecordId": B}, total=1))
    vendor.says(a_page(total=0))
    with a_salesforce(vendor) as salesforce:
        result = salesforce.updated("Lead", [A, B], ["MasterRecordId"])
    assert result.records[A] == {**stamps, "MasterRecordId": B}
    assert result.missing == {B}
    assert vendor.seen[0].path.endswith("/queryAll")


def test_we_are_the_user_that_the_token_names(vendor: Vendor) -> None:
    vendor.says(a_page({"Id": USER, "Username": "bot@example.com"}, total=1))
    with a_salesforce(vendor) as salesforce:
        identity = salesforce.whoami()
    assert (identity.user_id, identity.organization_id) == (USER, ORG)
    assert identity.username == "bot@example.com"


# Limits


def test_what_our_app_used_before_this_process_counts_as_ours(vendor: Vendor) -> None:
    info = {"Sforce-Limit-Info": "api-usage=30/100; per-app-api-usage=20/250(appName=x)"}
    vendor.says({"DailyApiRequests": {"Max": 100, "Remaining": 70}}, headers=info)
    with a_salesforce(vendor) as salesforce:
        salesforce.limits()
        with pytest.raises(RateLimited, match="we made 20 calls"):
            salesforce.limits()


def test_our_share_of_the_orgs_day_is_kept_from_what_the_answers_tell(vendor: Vendor) -> None:
    info = {"Sforce-Limit-Info": "api-usage=9/10; per-app-api-usage=17/250(appName=x)"}
    vendor.says({"DailyApiRequests": {"Max": 10, "Remaining": 1}}, headers=info)
    with a_salesforce(vendor) as salesforce:
        salesforce.limits()
        with pytest.raises(RateLimited) as caught:
            salesforce.limits()
    assert caught.value.daily
    assert len(vendor.seen) == 1
