from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from hashlib import sha256

import pytest

from remediator.errors import (
    AccessDenied,
    ConfigError,
    NoAnswer,
    PermanentError,
    RateLimited,
    RecordMissing,
    RecordRefused,
    TransientError,
)
from remediator.systems.base import RecordWrite, System
from remediator.systems.http import TRIES
from remediator.systems.marketo import Marketo
from tests.systems.vendor import FakeClock, Vendor, a_marketo

SINCE = datetime(2026, 11, 1, 12, 0, tzinfo=UTC)
ROW = {"marketoGUID": "1", "leadId": 7, "activityTypeId": 13}


def describes(vendor: Vendor, **fields: bool) -> None:
    """Queue a describe2 answer: ``{name: updateable}``."""
    vendor.result(
        {
            "name": "API Lead",
            "searchableFields": [["id"]],
            "fields": [
                {
                    "name": name,
                    "displayName": name.title(),
                    "dataType": "string",
                    "length": 255,
                    "updateable": can,
                }
                for name, can in fields.items()
            ],
        }
    )


def a_row(record_id: str = "1", **values: str) -> RecordWrite:
    return RecordWrite(record_id=record_id, values=values or {"country": "Germany"})


def test_the_client_is_a_system(vendor: Vendor) -> None:
    with a_marketo(vendor) as marketo:
        system: System = marketo
        assert (system.name, system.read_size, system.write_size) == ("marketo", 300, 300)


# Describe


def test_describe_tells_what_may_be_written_and_is_asked_for_once(vendor: Vendor) -> None:
    describes(vendor, country=True, company=False)
    with a_marketo(vendor) as marketo:
        fields = marketo.describe("Lead").fields
        assert marketo.describe("Lead").fields is fields
    assert (fields["country"].updateable, fields["company"].updateable) == (True, False)
    assert (fields["country"].label, fields["country"].length) == ("Country", 255)


def test_a_description_is_read_anew_after_a_quarter_of_an_hour(vendor: Vendor, clock: FakeClock) -> None:
    describes(vendor, country=True)
    describes(vendor, country=False)
    with a_marketo(vendor, clock) as marketo:
        marketo.describe("Lead")
        clock.now += 1_000
        assert not marketo.describe("Lead").fields["country"].updateable


@pytest.mark.parametrize("rows", [[], [{}], [{"fields": []}], [{"fields": [{"label": "no name"}]}]])
def test_a_describe_without_fields_is_incomplete(vendor: Vendor, rows: list[Mapping[str, object]]) -> None:
    vendor.result(*rows)
    with a_marketo(vendor) as marketo, pytest.raises(TransientError, match="incomplete"):
        marketo.describe("Lead")


def test_another_object_than_the_lead_is_refused(vendor: Vendor) -> None:
    with a_marketo(vendor) as marketo, pytest.raises(PermanentError, match="Account is not served"):
        marketo.describe("Account")


# Read


def test_a_read_asks_for_300_at_a_time_and_each_id_once(vendor: Vendor) -> None:
    ids = [str(number) for number in range(1, 452)]
    vendor.result(*({"id": number, "country": "x"} for number in range(1, 301)))
    vendor.result(*({"id": number, "country": "x"} for number in range(301, 452)))
    with a_marketo(vendor) as marketo:
        result = marketo.read("Lead", [*ids, "1"], ["country"])
    assert list(result.records) == ids
    assert [len(seen.query["filterValues"].split(",")) for seen in vendor.seen] == [300, 151]


def test_a_field_that_a_person_lacks_is_empty_and_no_other_field_is_told(vendor: Vendor) -> None:
    vendor.result({"id": 1, "country": "x", "updatedAt": "2026"})
    with a_marketo(vendor) as marketo:
        assert marketo.read("Lead", ["1"], ["country", "state"]).records == {
            "1": {"country": "x", "state": None}
        }


def test_a_person_is_missing_only_when_a_second_answer_shows_a_witness_and_not_the_person(
    vendor: Vendor,
) -> None:
    vendor.result({"id": 1})
    vendor.result({"id": 1})
    vendor.result()
    with a_marketo(vendor) as marketo:
        result = marketo.read("Lead", ["1", "2"], ["id"])
    assert result.missing == {"2"}
    assert vendor.seen[1].query["filterValues"] == "2,1"
    assert vendor.seen[2].path == "/rest/v1/lead/2.json"


def test_a_person_who_comes_alone_but_in_no_list_is_not_missing(vendor: Vendor) -> None:
    vendor.result()
    vendor.result()
    vendor.result({"id": 2})
    with a_marketo(vendor) as marketo, pytest.raises(TransientError, match="person 2 is there"):
        marketo.read("Lead", ["2"], ["id"])


def test_a_person_whom_marketo_says_it_does_not_know_is_missing(vendor: Vendor) -> None:
    vendor.result()
    vendor.result()
    vendor.refuses("1004", "Lead not found")
    with a_marketo(vendor) as marketo:
        assert marketo.read("Lead", ["2"], ["id"]).missing == {"2"}


def test_a_second_answer_without_the_witness_is_incomplete_never_nobody(vendor: Vendor) -> None:
    vendor.result({"id": 1})
    vendor.result()
    with a_marketo(vendor) as marketo, pytest.raises(TransientError, match="was there before"):
        marketo.read("Lead", ["1", "2"], ["id"])


def test_a_witness_of_an_earlier_read_catches_answers_that_are_empty_again_and_again(vendor: Vendor) -> None:
    vendor.result({"id": 1})
    vendor.result()
    vendor.result()
    with a_marketo(vendor) as marketo:
        marketo.read("Lead", ["1"], ["id"])
        with pytest.raises(TransientError, match="incomplete"):
            marketo.read("Lead", ["2", "3"], ["id"])


def test_an_answer_that_lost_rows_is_completed_by_the_second_question(vendor: Vendor) -> None:
    vendor.result()
    vendor.result({"id": 1}, {"id": 2})
    with a_marketo(vendor) as marketo:
        result = marketo.read("Lead", ["1", "2"], ["id"])
    assert set(result.records) == {"1", "2"}
    assert result.missing == frozenset()


def test_answers_that_keep_losing_rows_are_incomplete(vendor: Vendor) -> None:
    vendor.result({"id": 1})
    vendor.result({"id": 1}, {"id": 2})
    vendor.result({"id": 1}, {"id": 3})
    with a_marketo(vendor) as marketo, pytest.raises(TransientError, match="incomplete"):
        marketo.read("Lead", ["1", "2", "3", "4"], ["id"])


def test_300_absentees_and_their_witness_still_go_300_at_a_time(vendor: Vendor) -> None:
    vendor.result({"id": 1})
    vendor.result()
    vendor.result({"id": 1})
    vendor.result({"id": 1})
    vendor.result()
    with a_marketo(vendor) as marketo:
        marketo.read("Lead", ["1"], ["id"])
        assert len(marketo.read("Lead", [str(n) for n in range(1001, 1301)], ["id"]).missing) == 300
    *lists, alone = vendor.seen
    assert [len(seen.query["filterValues"].split(",")) for seen in lists] == [1, 300, 300, 2]
    assert alone.path == "/rest/v1/lead/1300.json"


def test_text_that_is_no_id_is_missing_without_a_call(vendor: Vendor) -> None:
    with a_marketo(vendor) as marketo:
        assert marketo.read("Lead", ["abc", "01", "", "²"], ["id"]).missing == {"abc", "01", "", "²"}
    assert vendor.seen == []


def test_an_answer_without_a_result_is_incomplete_never_nobody(vendor: Vendor) -> None:
    vendor.says({"requestId": "1", "success": True}, times=TRIES)
    with a_marketo(vendor) as marketo, pytest.raises(TransientError, match="no result"):
        marketo.read("Lead", ["1"], ["id"])


def test_a_person_who_was_not_asked_for_makes_the_answer_incomplete(vendor: Vendor) -> None:
    vendor.result({"id": 2})
    with a_marketo(vendor) as marketo, pytest.raises(TransientError, match="was not asked for"):
        marketo.read("Lead", ["1"], ["id"])


def test_a_person_who_comes_twice_makes_the_answer_incomplete(vendor: Vendor) -> None:
    vendor.result({"id": 1}, {"id": 1})
    with a_marketo(vendor) as marketo, pytest.raises(TransientError, match="twice"):
        marketo.read("Lead", ["1"], ["id"])


def test_a_second_page_that_is_promised_is_read(vendor: Vendor) -> None:
    vendor.result({"id": 1}, nextPageToken="next", moreResult=True)
    vendor.result({"id": 2})
    with a_marketo(vendor) as marketo:
        assert set(marketo.read("Lead", ["1", "2"], ["id"]).records) == {"1", "2"}
    assert vendor.seen[1].query["nextPageToken"] == "next"


def test_a_page_that_is_promised_but_cannot_be_asked_for_is_incomplete(vendor: Vendor) -> None:
    vendor.result({"id": 1}, moreResult=True)
    with a_marketo(vendor) as marketo, pytest.raises(TransientError, match="incomplete"):
        marketo.read("Lead", ["1", "2"], ["id"])


def test_paging_that_runs_in_a_circle_ends(vendor: Vendor) -> None:
    for _ in range(2):
        vendor.result({"id": 1}, nextPageToken="same", moreResult=True)
    with a_marketo(vendor) as marketo, pytest.raises(TransientError, match="one we had"):
        marketo.read("Lead", ["1", "2"], ["id"])


# Find


def test_people_are_found_by_value_whatever_its_case_and_several_may_share_it(vendor: Vendor) -> None:
    for _ in range(2):
        vendor.result({"id": 1, "email": "ann@example.com"}, {"id": 2, "email": "Ann@Example.com"})
    with a_marketo(vendor) as marketo:
        found = marketo.find("email", ["ANN@example.com", "bob@example.com"], ["email"])
    assert [lead for lead, _ in found["ANN@example.com"]] == ["1", "2"]
    assert found["bob@example.com"] == []


def test_a_short_salesforce_id_finds_the_person_who_has_the_long_one(vendor: Vendor) -> None:
    vendor.result({"id": 1, "sfdcLeadId": "00Q5e0000000002EAA"})
    with a_marketo(vendor) as marketo:
        found = marketo.find("sfdcLeadId", ["00Q5e0000000002"], [])
    assert found == {"00Q5e0000000002": [("1", {})]}
    assert vendor.seen[0].query["filterValues"] == "00Q5e0000000002EAA"


def test_a_salesforce_id_in_capitals_finds_its_person_beside_others(vendor: Vendor) -> None:
    vendor.result(
        {"id": 1, "sfdcLeadId": "00Q5e000000abcdEAA"}, {"id": 2, "sfdcLeadId": "00Q5e0000000002EAA"}
    )
    with a_marketo(vendor) as marketo:
        found = marketo.find("sfdcLeadId", ["00Q5E000000ABCDEAA", "00Q5e0000000002"], [])
    assert found == {"00Q5E000000ABCDEAA": [("1", {})], "00Q5e0000000002": [("2", {})]}


def test_text_of_any_length_that_is_no_id_is_missing_and_not_asked_for(vendor: Vendor) -> None:
    texts = ["9" * 5_000, "9" * 20, "01", "", "one", "١"]
    with a_marketo(vendor) as marketo:
        read = marketo.read("Lead", texts, [])
    assert (read.missing, vendor.seen) == (frozenset(texts), [])


def test_a_value_with_a_comma_is_refused_because_the_filter_would_split_it(vendor: Vendor) -> None:
    with a_marketo(vendor) as marketo, pytest.raises(PermanentError, match="comma") as caught:
        marketo.find("email", ["a,b@example.com"], [])
    assert "a,b@example.com" not in str(caught.value)


def test_a_filter_that_matches_too_many_is_split_until_it_does_not(vendor: Vendor) -> None:
    vendor.refuses("1003", "Too many results match the filter")
    vendor.result({"id": 1, "email": "a"})
    vendor.result({"id": 2, "email": "b"})
    with a_marketo(vendor) as marketo:
        found = marketo.find("email", ["a", "b"], [])
    assert {value: len(people) for value, people in found.items()} == {"a": 1, "b": 1}


# Write


def test_a_write_updates_by_id_and_never_creates(vendor: Vendor) -> None:
    describes(vendor, country=True)
    vendor.result({"id": 1, "status": "updated"})
    with a_marketo(vendor) as marketo:
        (result,) = marketo.write("Lead", [a_row()])
    assert result.error is None
    assert vendor.seen[1].json == {
        "action": "updateOnly",
        "lookupField": "id",
        "input": [{"id": 1, "country": "Germany"}],
    }


@pytest.mark.parametrize(
    "told",
    [
        {"reasons": [{"code": "1004", "message": "Lead not found"}]},
        {"reason": {"code": 1004, "message": "Lead not found"}},
        {"errors": [{"code": "1004", "message": "Lead not found"}]},
    ],
)
def test_a_skipped_record_has_its_reason_in_any_of_the_three_shapes(
    vendor: Vendor, told: Mapping[str, object]
) -> None:
    describes(vendor, country=True)
    vendor.result({"id": 1, "status": "updated"}, {"status": "skipped", **told})
    with a_marketo(vendor) as marketo:
        first, second = marketo.write("Lead", [a_row("1"), a_row("2")])
    assert first.error is None
    assert isinstance(second.error, RecordMissing)


@pytest.mark.parametrize(
    "rows",
    [
        [{"id": 2, "status": "updated"}, {"id": 1, "status": "updated"}],
        [{"id": 1, "status": "updated"}],
        [],
    ],
)
def test_results_that_do_not_fit_the_records_are_no_answer_for_the_whole_batch(
    vendor: Vendor, rows: list[Mapping[str, object]]
) -> None:
    describes(vendor, country=True)
    vendor.result(*rows)
    with a_marketo(vendor) as marketo, pytest.raises(NoAnswer):
        marketo.write("Lead", [a_row("1"), a_row("2")])


def test_success_without_results_is_no_answer(vendor: Vendor) -> None:
    describes(vendor, country=True)
    vendor.says({"requestId": "1", "success": True})
    with a_marketo(vendor) as marketo, pytest.raises(NoAnswer, match="no result"):
        marketo.write("Lead", [a_row()])


@pytest.mark.parametrize("status", ["created", "surprising", None])
def test_a_status_that_an_update_cannot_have_is_no_answer_for_that_record(
    vendor: Vendor, status: str | None
) -> None:
    describes(vendor, country=True)
    vendor.result({"id": 1, "status": status})
    with a_marketo(vendor) as marketo:
        (result,) = marketo.write("Lead", [a_row()])
    assert isinstance(result.error, NoAnswer)


def test_rows_that_may_not_be_written_are_refused_unsent_and_the_others_go(vendor: Vendor) -> None:
    describes(vendor, country=True, company=False)
    vendor.result({"id": 4, "status": "updated"})
    with a_marketo(vendor) as marketo:
        results = marketo.write(
            "Lead", [a_row("1", company="x"), a_row("2", nosuch="x"), a_row("x"), a_row("4")]
        )
    assert [type(result.error) for result in results] == [
        AccessDenied,
        RecordRefused,
        RecordMissing,
        type(None),
    ]
    assert [row["id"] for row in vendor.seen[1].json["input"]] == [4]


@pytest.mark.parametrize("people", [1, 2])
def test_a_body_that_is_too_big_is_refused_as_a_whole(vendor: Vendor, people: int) -> None:
    describes(vendor, country=True)
    vendor.says(b"too large", status=413)
    with a_marketo(vendor) as marketo, pytest.raises(PermanentError, match="413"):
        marketo.write("Lead", [a_row(str(number)) for number in range(1, people + 1)])
    assert [seen.path for seen in vendor.seen].count("/rest/v1/leads.json") == 1


def test_text_that_cannot_be_encoded_does_not_break_the_call(vendor: Vendor) -> None:
    describes(vendor, country=True)
    vendor.result({"id": 1, "status": "updated"})
    with a_marketo(vendor) as marketo:
        marketo.write("Lead", [a_row("1", country="half a pair \ud83d, Zürich")])
    assert vendor.seen[1].json["input"][0]["country"] == "half a pair \ud83d, Zürich"


def test_nothing_is_written_when_describe_cannot_be_read(vendor: Vendor) -> None:
    for _ in range(4):
        vendor.refuses("611")
    with a_marketo(vendor) as marketo, pytest.raises(TransientError):
        marketo.write("Lead", [a_row()])
    assert {seen.path for seen in vendor.seen} == {"/rest/v1/leads/describe2.json"}


@pytest.mark.parametrize(
    "rows",
    [
        [a_row(str(n)) for n in range(301)],
        [a_row(), a_row()],
        [RecordWrite(record_id="1", values={})],
    ],
)
def test_a_batch_that_is_too_big_or_names_a_record_twice_is_not_sent(
    vendor: Vendor, rows: list[RecordWrite]
) -> None:
    with a_marketo(vendor) as marketo, pytest.raises(ValueError, match=r"at most 300|twice|without values"):
        marketo.write("Lead", rows)
    assert vendor.seen == []


# Campaigns and lists


def shows_campaign(vendor: Vendor, **changes: object) -> None:
    vendor.result({"id": 9, "name": "Sync", "type": "trigger", "active": True})
    vendor.result(
        {"id": 9, "isActive": True, "isRequestable": True, "qualificationRuleType": "any", **changes}
    )


def test_a_campaign_is_requested_100_people_at_a_time_and_looked_at_once(vendor: Vendor) -> None:
    shows_campaign(vendor)
    for _ in range(4):
        vendor.result({"id": 9})
    people = [str(number) for number in range(1, 151)]
    with a_marketo(vendor) as marketo:
        results = marketo.trigger_campaign(9, people)
        marketo.trigger_campaign(9, people)
    assert [result.record_id for result in results] == people
    assert all(result.error is None for result in results)
    asked = [len(seen.json["input"]["leads"]) for seen in vendor.seen if "trigger" in seen.path]
    assert asked == [100, 50, 100, 50]


def test_an_unknown_person_is_singled_out_and_the_others_are_requested(vendor: Vendor) -> None:
    shows_campaign(vendor)
    vendor.refuses("1004", "Lead not found")
    vendor.refuses("1004", "Lead not found")
    vendor.result({"id": 9})
    with a_marketo(vendor) as marketo:
        first, second = marketo.trigger_campaign(9, ["1", "2"])
    assert isinstance(first.error, RecordMissing)
    assert second.error is None


def test_a_request_without_an_answer_is_told_and_the_rest_is_not_sent(vendor: Vendor) -> None:
    shows_campaign(vendor)
    vendor.drops()
    with a_marketo(vendor) as marketo, pytest.raises(NoAnswer):
        marketo.trigger_campaign(9, [str(number) for number in range(1, 151)])


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"isRequestable": False}, "cannot be requested"),
        ({"isActive": False}, "cannot be requested"),
        ({"qualificationRuleType": "once"}, "once per person"),
    ],
)
def test_a_campaign_that_cannot_serve_is_a_configuration_error_before_anything_is_sent(
    vendor: Vendor, changes: Mapping[str, object], why: str
) -> None:
    shows_campaign(vendor, **changes)
    with a_marketo(vendor) as marketo, pytest.raises(ConfigError, match=why):
        marketo.trigger_campaign(9, ["1"])
    assert not any("trigger" in seen.path for seen in vendor.seen)


def test_a_campaign_whose_asset_is_hidden_is_judged_by_what_is_visible(vendor: Vendor) -> None:
    vendor.result({"id": 9, "name": "Sync", "type": "trigger", "active": True})
    vendor.refuses("603", "Access denied")
    vendor.result({"id": 9})
    with a_marketo(vendor) as marketo:
        (result,) = marketo.trigger_campaign(9, ["1"])
    assert result.error is None


def test_a_campaign_that_is_not_there_is_missing(vendor: Vendor) -> None:
    vendor.result()
    with a_marketo(vendor) as marketo, pytest.raises(RecordMissing, match="no campaign 9"):
        marketo.campaign(9)


def test_list_members_are_told_one_by_one(vendor: Vendor) -> None:
    vendor.result({"id": 1, "status": "added"}, {"id": 2, "status": "skipped", "reasons": [{"code": "1004"}]})
    with a_marketo(vendor) as marketo:
        first, second = marketo.add_to_list(5, ["1", "2"])
    assert first.error is None
    assert isinstance(second.error, RecordMissing)


def test_list_results_that_do_not_fit_the_people_are_no_answer(vendor: Vendor) -> None:
    vendor.result({"id": 1, "status": "removed"})
    with a_marketo(vendor) as marketo, pytest.raises(NoAnswer):
        marketo.remove_from_list(5, ["1", "2"])


def test_a_campaign_that_cannot_be_read_makes_the_answer_incomplete(vendor: Vendor) -> None:
    vendor.result({"id": 9, "name": "no type"})
    with a_marketo(vendor) as marketo, pytest.raises(TransientError, match="incomplete"):
        list(marketo.campaigns())


# Activities and usage


def test_all_pages_of_the_log_are_read_though_one_is_empty(vendor: Vendor) -> None:
    vendor.says({"requestId": "1", "success": True, "nextPageToken": "t0"})
    vendor.result(
        {**ROW, "activityDate": "2026-11-02T10:00:00Z", "attributes": [{"name": "Source", "value": "Form"}]},
        nextPageToken="t1",
        moreResult=True,
    )
    vendor.says({"requestId": "1", "success": True, "nextPageToken": "t2", "moreResult": True})
    vendor.result(
        {**ROW, "marketoGUID": "2", "activityDate": "2026-11-02T11:00:00+0000"},
        nextPageToken="t3",
        moreResult=False,
    )
    with a_marketo(vendor) as marketo:
        first, second = marketo.activities([13], SINCE)
    assert vendor.seen[0].query["sinceDatetime"] == "2026-11-01T12:00:00Z"
    assert [seen.query["nextPageToken"] for seen in vendor.seen[1:]] == ["t0", "t1", "t2"]
    assert first.attributes == {"Source": "Form"}
    assert second.at == datetime(2026, 11, 2, 11, 0, tzinfo=UTC)


def test_eleven_types_and_thirty_one_people_take_four_calls(vendor: Vendor) -> None:
    for _ in range(2):
        for _ in range(3):
            vendor.says({"requestId": "1", "success": True, "nextPageToken": "t0"})
    with a_marketo(vendor) as marketo:
        assert list(marketo.activities(range(1, 12), SINCE, [str(n) for n in range(1, 32)])) == []
    asked = [seen.query for seen in vendor.seen if seen.path == "/rest/v1/activities.json"]
    assert [(len(q["activityTypeIds"].split(",")), len(q["leadIds"].split(","))) for q in asked] == [
        (10, 30),
        (10, 1),
        (1, 30),
        (1, 1),
    ]


def test_a_field_change_names_who_made_it(vendor: Vendor) -> None:
    vendor.says({"requestId": "1", "success": True, "nextPageToken": "t0"})
    vendor.result(
        {
            **ROW,
            "activityDate": "2026-11-02T10:00:00Z",
            "fields": [{"id": 5, "name": "country", "oldValue": "D", "newValue": "Germany"}],
            "attributes": [{"name": "Source", "value": "Web service API"}],
        },
        nextPageToken="t1",
    )
    with a_marketo(vendor) as marketo:
        (change,) = marketo.lead_changes(["country"], SINCE)
    assert (change.lead_id, change.field, change.old, change.new) == ("7", "country", "D", "Germany")
    assert change.source == "Web service API"


def test_a_page_of_the_log_without_its_token_is_incomplete_though_it_says_that_it_is_the_last(
    vendor: Vendor,
) -> None:
    vendor.says({"requestId": "1", "success": True, "nextPageToken": "t0"})
    vendor.says({"requestId": "1", "success": True, "moreResult": False})
    with a_marketo(vendor) as marketo, pytest.raises(TransientError, match="without its paging token"):
        list(marketo.activities([13], SINCE))


def test_an_activity_that_cannot_be_read_makes_the_log_incomplete(vendor: Vendor) -> None:
    vendor.says({"requestId": "1", "success": True, "nextPageToken": "t0"})
    vendor.result({"leadId": 7})
    with a_marketo(vendor) as marketo, pytest.raises(TransientError, match="incomplete"):
        list(marketo.activities([13], SINCE))


def test_usage_is_told_in_total_and_by_user(vendor: Vendor) -> None:
    vendor.result({"date": "2026-11-23", "total": 30, "users": [{"userId": "a", "count": 30}]})
    with a_marketo(vendor) as marketo:
        used = marketo.usage()
    assert (used.total, used.by_user) == (30, {"a": 30})


def test_our_share_of_the_day_is_kept_before_the_call(vendor: Vendor) -> None:
    vendor.result()
    with a_marketo(vendor, daily_calls=10, daily_share=0.1) as marketo:
        marketo.read("Lead", [], ["id"])
        list(marketo.campaigns())
        with pytest.raises(RateLimited, match="our share of 10 is 1"):
            list(marketo.campaigns())
    assert len(vendor.seen) == 1


# Bulk extract


def runs_export(
    vendor: Vendor, content: bytes, *, checksum: str | None = None, rows: int | None = None
) -> None:
    vendor.result({"exportId": "e1", "status": "Created"})
    vendor.result({"exportId": "e1", "status": "Queued"})
    vendor.result({"exportId": "e1", "status": "Processing"})
    done = {"exportId": "e1", "status": "Completed", "numberOfRecords": rows}
    vendor.result({**done, "fileChecksum": checksum or f"sha256:{sha256(content).hexdigest()}"})
    vendor.says(content, headers={"Content-Type": "text/csv"})


def extract(marketo: Marketo) -> list[Mapping[str, str | None]]:
    return list(marketo.extract_leads(["id", "country"], {"staticListId": 5}))


def test_an_extract_waits_for_its_job_and_hands_on_the_rows(vendor: Vendor, clock: FakeClock) -> None:
    runs_export(vendor, b'id,country\n1,"a, ""b""\nc"\n2,null\n', rows=2)
    with a_marketo(vendor, clock) as marketo:
        assert extract(marketo) == [{"id": "1", "country": 'a, "b"\nc'}, {"id": "2", "country": None}]
    assert clock.sleeps == [60]
    assert vendor.seen[0].json == {
        "format": "CSV",
        "fields": ["id", "country"],
        "filter": {"staticListId": 5},
    }


@pytest.mark.parametrize(
    ("checksum", "rows"),
    [("sha256:00", 1), (None, 2)],
)
def test_a_file_that_is_not_the_jobs_whole_file_hands_on_no_row(
    vendor: Vendor, checksum: str | None, rows: int
) -> None:
    runs_export(vendor, b"id,country\n1,x\n", checksum=checksum, rows=rows)
    with a_marketo(vendor) as marketo, pytest.raises(TransientError, match="incomplete"):
        next(iter(marketo.extract_leads(["id", "country"], {"staticListId": 5})))


def test_a_row_that_is_cut_makes_the_extract_incomplete(vendor: Vendor) -> None:
    runs_export(vendor, b"id,country\n1,x\n2\n")
    with a_marketo(vendor) as marketo, pytest.raises(TransientError, match="line 3 has 1 cells"):
        extract(marketo)


def test_a_token_that_ended_before_the_file_was_fetched_is_renewed(vendor: Vendor) -> None:
    done = {"exportId": "e1", "status": "Completed", "numberOfRecords": 1}
    for row in ({"exportId": "e1", "status": "Created"}, {"exportId": "e1", "status": "Queued"}, done):
        vendor.result(row)
    ended = {"requestId": "1", "success": False, "errors": [{"code": "602", "message": "expired"}]}
    vendor.says(ended, headers={"Content-Type": "application/json;charset=UTF-8"})
    vendor.says(b"id,country\n1,x\n", headers={"Content-Type": "text/csv"})
    with a_marketo(vendor) as marketo:
        assert extract(marketo) == [{"id": "1", "country": "x"}]
    assert vendor.tokens == 2


def test_a_job_that_never_ends_is_cancelled(vendor: Vendor, clock: FakeClock) -> None:
    vendor.result({"exportId": "e1", "status": "Created"})
    vendor.result({"exportId": "e1", "status": "Queued"})
    for _ in range(2):
        vendor.result({"exportId": "e1", "status": "Processing"})
    vendor.result({"exportId": "e1", "status": "Cancelled"})
    with a_marketo(vendor, clock) as marketo, pytest.raises(TransientError, match="cancelled"):
        list(marketo.extract_leads(["id"], {"staticListId": 1}, poll_s=5 * 3600))
    assert vendor.seen[-1].path.endswith("/e1/cancel.json")
    assert vendor.seen[0].json["fields"] == ["id"]


def test_a_full_queue_is_waited_for(vendor: Vendor, clock: FakeClock) -> None:
    vendor.result({"exportId": "e1", "status": "Created"})
    vendor.refuses("1029", "Too many jobs (10) in queue")
    vendor.refuses("1029", "Export job already queued")
    vendor.result({"exportId": "e1", "status": "Failed", "errorMsg": "no disk"})
    with a_marketo(vendor, clock) as marketo, pytest.raises(PermanentError, match="Failed: no disk"):
        extract(marketo)
    assert clock.sleeps == [60]
