"""The control API: the ledger, the clock, the truth and who is out of step."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from remediator.sandbox.server import Sandbox
from remediator.values import Value

START = datetime(2026, 3, 2, 12, tzinfo=UTC)
BOT = "remediator-sandbox"


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(leads=0, start=START, speed=0) as running:
        yield running


@pytest.fixture
def control(sandbox: Sandbox) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=sandbox.control_url + "/") as client:
        yield client


def linked(sandbox: Sandbox, **values: Value) -> int:
    """Add a person who is in step with a Salesforce lead but for ``values``."""
    row = {"LastName": "Lee", "Company": "Acme", "Lead_Type__c": "Inbound", "Status": "Open"}
    (record_id,) = sandbox.org.load("Lead", [row])
    base = {"lastName": "Lee", "company": "Acme", "leadType": "Inbound", "leadStatus": "Open"}
    return int(sandbox.instance.load([{**base, "sfdcId": record_id, **values}])[0])


def write(sandbox: Sandbox, lead_id: int, **values: Value) -> None:
    """Write as the API user does."""
    sandbox.instance.change(lead_id, values, actor=BOT, source="Web service API")


def wrong(control: httpx.Client, **params: Any) -> Any:
    return control.get("wrong-changes", params=params).json()


def test_the_ledger_can_be_asked_by_kind_system_actor_and_position(
    sandbox: Sandbox, control: httpx.Client
) -> None:
    lead_id = linked(sandbox)
    write(sandbox, lead_id, city="Graz")
    write(sandbox, lead_id, city="Linz")
    sandbox.instance.edit(lead_id, {"city": "Wien"}, by="carla")
    body = control.get("ledger", params={"kind": "write", "system": "marketo", "actor": BOT}).json()
    assert [entry["changes"]["city"][1] for entry in body["entries"]] == ["Graz", "Linz"]
    first = body["entries"][0]["seq"]
    later = control.get("ledger", params={"after": first, "limit": 1}).json()["entries"]
    assert [entry["seq"] for entry in later] == [first + 1]


def test_whoever_reads_on_from_the_last_position_misses_nothing_that_came_in_meanwhile(
    sandbox: Sandbox, control: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    lead_id = linked(sandbox)
    read = sandbox.ledger.entries

    def read_while_others_write(**wanted: Any) -> list[dict[str, Any]]:
        write(sandbox, lead_id, city="Graz")
        found = read(**wanted)
        write(sandbox, lead_id, city="Linz")
        return found

    monkeypatch.setattr(sandbox.ledger, "entries", read_while_others_write)
    first = control.get("ledger", params={"kind": "write"}).json()
    monkeypatch.undo()
    second = control.get("ledger", params={"kind": "write", "after": first["last"]}).json()
    cities = [entry["changes"]["city"][1] for body in (first, second) for entry in body["entries"]]
    assert cities == ["Graz", "Linz"]


def test_advancing_the_clock_runs_the_cycles_that_fall_due(sandbox: Sandbox, control: httpx.Client) -> None:
    lead_id = linked(sandbox, city="Graz")
    control.post("clock", json={"advance_s": 299})
    assert not sandbox.ledger.entries(kind="sync_push")
    answer = control.post("clock", json={"advance_s": 1}).json()
    assert answer["now"] == (START + timedelta(seconds=300)).isoformat()
    assert [entry["marketo_id"] for entry in sandbox.ledger.entries(kind="sync_push")] == [lead_id]


def test_a_scheduled_campaign_runs_when_the_clock_passes_it(sandbox: Sandbox, control: httpx.Client) -> None:
    ran: list[datetime] = []
    sandbox.instance.at(START + timedelta(seconds=30), lambda: ran.append(sandbox.clock.now()))
    control.post("clock", json={"advance_s": 30})
    assert ran == [START + timedelta(seconds=30)]


def test_cycles_can_be_run_at_once(sandbox: Sandbox, control: httpx.Client) -> None:
    linked(sandbox, city="Graz")
    linked(sandbox, country="Deutschland")
    answer = control.post("sync", json={"cycles": 2}).json()
    assert (answer["pushed"], answer["refused"], answer["waiting"]) == (1, 1, 0)


def test_who_is_out_of_step_is_listed_until_it_is_not(sandbox: Sandbox, control: httpx.Client) -> None:
    lead_id = linked(sandbox, country="Deutschland")
    sandbox.truth.set(lead_id, "country", acceptable=["Germany"], fixable=True)
    control.post("sync")
    (row,) = control.get("refused").json()["refused"]
    assert (row["marketo_id"], row["code"], row["fields"]) == (
        lead_id,
        "FIELD_INTEGRITY_EXCEPTION",
        ["Country"],
    )
    assert row["truth_fixable"] is True
    write(sandbox, lead_id, country="Germany")
    control.post("sync")
    assert control.get("refused").json()["refused"] == []


def test_a_right_answer_is_not_a_wrong_change(sandbox: Sandbox, control: httpx.Client) -> None:
    lead_id = linked(sandbox, country="Deutschland")
    sandbox.truth.set(lead_id, "country", acceptable=["Germany"], fixable=True, why="language")
    write(sandbox, lead_id, country="Germany")
    assert wrong(control) == {"written": 1, "wrong": []}


def test_a_wrong_answer_is_named_with_all_that_one_needs_to_judge_it(
    sandbox: Sandbox, control: httpx.Client
) -> None:
    lead_id = linked(sandbox, country="Deutschland")
    sandbox.truth.set(lead_id, "country", acceptable=["Germany"], fixable=True, why="language")
    write(sandbox, lead_id, country="Denmark")
    assert wrong(control)["wrong"] == [
        {
            "id": lead_id,
            "field": "country",
            "before": "Deutschland",
            "written": "Denmark",
            "acceptable": ["Germany"],
            "why": "language",
        }
    ]


def test_writing_where_nothing_may_be_written_is_wrong(sandbox: Sandbox, control: httpx.Client) -> None:
    ambiguous = linked(sandbox, country="asdf")
    untouched = linked(sandbox)
    sandbox.truth.set(ambiguous, "country", acceptable=None, fixable=False)
    write(sandbox, ambiguous, country="Austria")
    write(sandbox, untouched, city="Graz")
    assert {(row["id"], row["field"]) for row in wrong(control)["wrong"]} == {
        (ambiguous, "country"),
        (untouched, "city"),
    }


def test_only_the_last_value_counts_and_an_undo_is_not_wrong(sandbox: Sandbox, control: httpx.Client) -> None:
    lead_id = linked(sandbox, country="Deutschland")
    write(sandbox, lead_id, country="Denmark")
    write(sandbox, lead_id, country="Deutschland")
    assert wrong(control) == {"written": 1, "wrong": []}


def test_what_people_and_other_tools_write_is_not_held_against_us(
    sandbox: Sandbox, control: httpx.Client
) -> None:
    lead_id = linked(sandbox, country="Deutschland")
    sandbox.instance.edit(lead_id, {"country": "Denmark"}, by="carla")
    sandbox.instance.change(lead_id, {"city": "Graz"}, actor="other-tool", source="Web service API")
    assert wrong(control) == {"written": 0, "wrong": []}
    assert len(wrong(control, actor="other-tool")["wrong"]) == 1


def test_a_predicate_may_stand_in_for_a_list_of_answers(sandbox: Sandbox, control: httpx.Client) -> None:
    lead_id = linked(sandbox, title="A" * 200)
    sandbox.truth.set(
        lead_id, "title", acceptable=(), accepts=lambda value: len(str(value)) <= 128, fixable=True
    )
    write(sandbox, lead_id, title="A" * 128)
    assert wrong(control)["wrong"] == []
    write(sandbox, lead_id, title="A" * 129)
    assert len(wrong(control)["wrong"]) == 1


def test_a_company_field_written_in_salesforce_is_judged_too(sandbox: Sandbox, control: httpx.Client) -> None:
    lead_id = linked(sandbox, industry="energy sector")
    sandbox.truth.set(lead_id, "industry", acceptable=["Energy"], fixable=True)
    record_id = sandbox.instance.get(lead_id)["sfdcId"]
    assert sandbox.org.update("Lead", record_id, {"Industry": "Banking"}).success
    (row,) = wrong(control)["wrong"]
    assert (row["id"], row["field"], row["written"]) == (lead_id, "industry", "Banking")


def test_creating_or_deleting_a_person_is_always_wrong(sandbox: Sandbox, control: httpx.Client) -> None:
    sandbox.instance.create({"lastName": "New"}, actor=BOT)
    sandbox.instance.delete(linked(sandbox), actor=BOT)
    assert [row["written"] for row in wrong(control)["wrong"]] == ["create", "delete"]


def test_a_person_can_edit_either_side(sandbox: Sandbox, control: httpx.Client) -> None:
    lead_id = linked(sandbox)
    record_id = sandbox.instance.get(lead_id)["sfdcId"]
    control.post("edit", json={"system": "marketo", "id": lead_id, "values": {"city": "Graz"}, "by": "carla"})
    answer = control.post(
        "edit",
        json={
            "system": "salesforce",
            "object": "Lead",
            "id": record_id,
            "values": {"Title": "CEO"},
            "by": "dan",
        },
    )
    assert answer.json() == {"changes": {"Title": [None, "CEO"]}}
    edits = [(entry["system"], entry["actor"]) for entry in sandbox.ledger.entries(kind="person_edit")]
    assert edits == [("marketo", "carla"), ("salesforce", "dan")]


def test_faults_can_be_ordered_listed_and_lifted(control: httpx.Client) -> None:
    made = control.post("faults", json={"name": "rate_limit", "system": "marketo", "times": 1}).json()
    assert [fault["id"] for fault in control.get("faults").json()["faults"]] == [made["id"]]
    assert control.request("DELETE", "faults").json() == {"faults": []}


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "clock", {"advance_s": -1}),
        ("POST", "clock", {}),
        ("POST", "sync", {"cycles": 0}),
        ("POST", "faults", {"name": "nonsense"}),
        ("POST", "edit", {"system": "marketo", "id": 999999, "values": {}}),
        ("POST", "edit", {"system": "marketo", "id": 1, "values": {"nope": "x"}}),
        ("POST", "edit", {"system": "oracle", "id": 1, "values": {}}),
        ("POST", "edit", {"system": "marketo", "id": 1}),
        ("GET", "sync-errors.csv?type=nonsense", None),
        ("GET", "sync-errors.csv?delimiter=nonsense", None),
        ("GET", "records?system=oracle", None),
    ],
)
def test_a_senseless_order_is_refused_with_the_reason(
    sandbox: Sandbox, control: httpx.Client, method: str, path: str, body: Any
) -> None:
    linked(sandbox)
    answer = control.request(method, path, json=body)
    assert answer.status_code == 400
    assert answer.json()["error"]


def test_the_summary_counts_calls_pushes_and_refusals(sandbox: Sandbox, control: httpx.Client) -> None:
    linked(sandbox, city="Graz")
    linked(sandbox, country="Deutschland")
    control.post("sync")
    for path in ("lists.json", "lead/17.json", "lead/18.json"):
        httpx.get(f"{sandbox.url}/rest/v1/{path}")
    summary = control.get("summary").json()
    assert (summary["leads"], summary["pushes"], summary["refused_now"]) == (2, 1, 1)
    assert summary["refused_by_code"] == {"FIELD_INTEGRITY_EXCEPTION": 1}
    assert summary["calls"]["marketo"] == {
        "GET /rest/v1/lists.json": 1,
        "GET /rest/v1/lead/{id}.json": 2,
    }


def test_records_show_both_systems(sandbox: Sandbox, control: httpx.Client) -> None:
    lead_id = linked(sandbox)
    record_id = sandbox.instance.get(lead_id)["sfdcId"]
    (person,) = control.get("records", params={"ids": lead_id}).json()["records"]
    params = {"system": "salesforce", "object": "Lead", "ids": f"{record_id},00Q000000000000AAA"}
    (row,) = control.get("records", params=params).json()["records"]
    assert (person["sfdcId"], row["LastName"]) == (record_id, "Lee")


def test_the_export_has_the_header_of_the_tab_and_the_newest_row_first(
    sandbox: Sandbox, control: httpx.Client
) -> None:
    first = linked(sandbox, country="Deutschland")
    control.post("clock", json={"advance_s": 300})
    second = linked(sandbox, country="Österreich")
    control.post("clock", json={"advance_s": 300})
    text = control.get("sync-errors.csv").text
    assert text.splitlines()[0] == (
        "Failed On,Error Type,Error Details,Marketo ID,Salesforce ID,Object,Operation"
    )
    rows = list(csv.DictReader(io.StringIO(text)))
    assert [int(row["Marketo ID"]) for row in rows] == [second, first]
    assert rows[1]["Failed On"] == "2026-03-02 12:05:00"
    assert (rows[1]["Error Type"], rows[1]["Object"]) == ("Record Level", "Lead")


def test_the_export_keeps_five_days_and_can_be_narrowed(sandbox: Sandbox, control: httpx.Client) -> None:
    linked(sandbox, country="Deutschland")
    control.post("sync")
    sandbox.sync.fail_job("INVALID_GRANT: authentication failure")

    def exported(**params: Any) -> int:
        return len(control.get("sync-errors.csv", params=params).text.splitlines()) - 1

    assert exported() == 2
    assert exported(type="job") == 1
    assert exported(**{"from": "2026-03-03T00:00:00Z"}) == 0
    assert exported(to="2026-03-03T00:00:00Z") == 2
    sandbox.clock.advance(timedelta(days=5, seconds=1))
    assert exported() == 0


def test_the_export_comes_in_other_dialects(sandbox: Sandbox, control: httpx.Client) -> None:
    linked(sandbox, country="Deutschland")
    control.post("sync")
    params = {"delimiter": "semicolon", "bom": "true", "language": "de", "date_format": "%d.%m.%Y %H:%M"}
    content = control.get("sync-errors.csv", params=params).content
    assert content.startswith(b"\xef\xbb\xbfFehlgeschlagen am;Fehlertyp;")
    assert b"02.03.2026 12:00;Record Level;" in content
    content = control.get("sync-errors.csv", params={"encoding": "utf-16"}).content
    assert content.decode("utf-16").startswith("Failed On,")


def test_the_status_export_shows_the_failed_items_of_a_push(sandbox: Sandbox, control: httpx.Client) -> None:
    linked(sandbox, country="Deutschland")
    control.post("sync")
    rows = list(csv.DictReader(io.StringIO(control.get("sync-status.csv").text)))
    (push,) = [row for row in rows if row["Operation"] == "Push updates" and row["Object"] == "Person (Lead)"]
    assert (push["Failed Item"], push["Updated"], push["Status"]) == ("1", "0", "Succeeded")
    assert list(push) == [
        "Started At",
        "Ended At",
        "Object",
        "Operation",
        "Status",
        "New",
        "Updated",
        "Deleted",
        "Failed Item",
        "Skipped",
    ]
