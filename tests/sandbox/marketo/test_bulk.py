"""Bulk extract and import (marketo.md, section 6)."""

from __future__ import annotations

import csv
import io
from datetime import timedelta
from hashlib import sha256
from typing import Any

from remediator.sandbox.server import Sandbox
from tests.sandbox.marketo.conftest import Api, code

LEADS = "/bulk/v1/leads/export"
WINDOW = {"createdAt": {"startAt": "2026-03-01T00:00:00Z", "endAt": "2026-03-20T00:00:00Z"}}


def export(api: Api, base: str = LEADS, **body: Any) -> str:
    answer = api.post(f"{base}/create.json", {"filter": WINDOW, "format": "CSV", **body})
    assert answer["success"], answer
    assert answer["result"][0]["status"] == "Created"
    return str(answer["result"][0]["exportId"])


def status(api: Api, export_id: str, base: str = LEADS) -> dict[str, Any]:
    (row,) = api.get(f"{base}/{export_id}/status.json")["result"]
    return dict(row)


def finish(api: Api, export_id: str, base: str = LEADS) -> list[dict[str, str]]:
    assert api.post(f"{base}/{export_id}/enqueue.json")["result"][0]["status"] == "Queued"
    for _ in range(2):
        api.sandbox.clock.advance(timedelta(seconds=60))
        status(api, export_id, base)
    text = api.http.get(f"{base}/{export_id}/file.json").text
    return list(csv.DictReader(io.StringIO(text)))


def test_a_job_goes_from_created_to_completed_a_minute_a_step(
    api: Api, people: list[int], sandbox: Sandbox
) -> None:
    export_id = export(api, fields=["id", "city"])
    path = f"{LEADS}/{export_id}/file.json"
    api.post(f"{LEADS}/{export_id}/enqueue.json")
    seen = []
    for _ in range(5):
        seen.append(status(api, export_id)["status"])
        if seen[-1] != "Completed":
            assert api.http.get(path).status_code == 404
        sandbox.clock.advance(timedelta(seconds=30))
    assert seen == ["Queued", "Queued", "Processing", "Processing", "Completed"]
    assert api.http.get(path).status_code == 200


def test_the_file_has_the_asked_columns_the_checksum_and_null_for_nothing(
    api: Api, people: list[int]
) -> None:
    export_id = export(api, fields=["id", "city", "country"], columnHeaderNames={"city": "Town"})
    rows = finish(api, export_id)
    assert [int(row["id"]) for row in rows] == people
    assert rows[0] == {"id": str(people[0]), "Town": "null", "country": "Deutschland"}
    done = status(api, export_id)
    content = api.http.get(f"{LEADS}/{export_id}/file.json").content
    assert done["fileChecksum"] == f"sha256:{sha256(content).hexdigest()}"
    assert (done["numberOfRecords"], done["fileSize"]) == (5, len(content))


def test_a_range_returns_a_part(api: Api, people: list[int]) -> None:
    export_id = export(api, fields=["id"])
    finish(api, export_id)
    path = f"{LEADS}/{export_id}/file.json"
    whole = api.http.get(path).content
    first = api.http.get(path, headers={"range": "bytes=0-3"})
    rest = api.http.get(path, headers={"range": "bytes=4-"})
    assert (first.status_code, first.content + rest.content) == (206, whole)


def test_an_activity_export_shows_which_flow_steps_failed(api: Api, sandbox: Sandbox) -> None:
    bad, good = sandbox.instance.load(
        [{"lastName": "A", "company": "B"}, {"lastName": "A", "company": "B", "leadType": "Inbound"}]
    )
    sandbox.sync.sync_person([bad, good], 2001)
    base = "/bulk/v1/activities/export"
    export_id = export(
        api,
        base,
        filter={**WINDOW, "activityTypeIds": [19]},
        fields=["leadId", "activityTypeId", "campaignId", "actionResult"],
    )
    rows = finish(api, export_id, base)
    assert [(int(row["leadId"]), row["actionResult"]) for row in rows] == [
        (bad, "failed"),
        (good, "succeeded"),
    ]


def test_two_jobs_run_at_once_and_the_eleventh_is_refused(api: Api, sandbox: Sandbox) -> None:
    jobs = [export(api, fields=["id"]) for _ in range(11)]
    for export_id in jobs[:10]:
        assert api.post(f"{LEADS}/{export_id}/enqueue.json")["success"]
    assert code(api.post(f"{LEADS}/{jobs[10]}/enqueue.json")) == "1029"
    assert code(api.post(f"{LEADS}/{jobs[0]}/enqueue.json")) == "1029"
    sandbox.clock.advance(timedelta(seconds=60))
    running = [status(api, export_id)["status"] for export_id in jobs].count("Processing")
    assert running == 2
    sandbox.clock.advance(timedelta(seconds=60))
    assert [status(api, export_id)["status"] for export_id in jobs[:5]] == [
        "Completed",
        "Completed",
        "Processing",
        "Processing",
        "Queued",
    ]


def test_a_cancelled_job_never_runs(api: Api, sandbox: Sandbox) -> None:
    export_id = export(api, fields=["id"])
    api.post(f"{LEADS}/{export_id}/enqueue.json")
    api.post(f"{LEADS}/{export_id}/cancel.json")
    sandbox.clock.advance(timedelta(minutes=5))
    assert status(api, export_id)["status"] == "Canceled"


def test_the_daily_export_quota_is_1029(api: Api, people: list[int], sandbox: Sandbox) -> None:
    sandbox.instance.settings.export_bytes_per_day = 1
    finish(api, export(api, fields=["id"]))
    answer = api.post(f"{LEADS}/{export(api, fields=['id'])}/enqueue.json")
    assert (code(answer), answer["errors"][0]["message"]) == ("1029", "Export daily quota exceeded")


def test_filters_that_cannot_be_served_are_refused(api: Api) -> None:
    def create(filter_: dict[str, Any], **body: Any) -> Any:
        return api.post(f"{LEADS}/create.json", {"filter": filter_, "fields": ["id"], **body})

    long = {"createdAt": {"startAt": "2026-01-01T00:00:00Z", "endAt": "2026-03-01T00:00:00Z"}}
    assert code(create(long)) == "1003"
    assert code(create({"smartListId": 1})) == "1035"
    assert code(create({"staticListId": 9})) == "1013"
    assert code(create({**WINDOW, "staticListId": 3001})) == "1003"
    assert code(create(WINDOW, fields=["nope"])) == "1006"


def test_a_job_is_invisible_to_another_service(api: Api, sandbox: Sandbox) -> None:
    export_id = export(api, fields=["id"])
    sandbox.instance.settings.clients["other"] = "other-secret"
    token = sandbox.instance.tokens.grant("other")[0]
    answer = api.http.get(
        f"{LEADS}/{export_id}/status.json", headers={"authorization": f"Bearer {token}"}
    ).json()
    assert code(answer) == "1013"


def import_file(api: Api, text: str, **params: Any) -> Any:
    files = {"file": ("leads.csv", text, "text/csv")}
    return api.http.post("/bulk/v1/leads.json", params={"format": "csv", **params}, files=files).json()


def test_an_import_updates_by_id_and_lists_its_failures(
    api: Api, people: list[int], sandbox: Sandbox
) -> None:
    text = f"id,country,city\n{people[0]},Germany,\n999999,Germany,Köln\n{people[1]},Österreich,Graz\n"
    (queued,) = import_file(api, text, lookupField="id")["result"]
    assert queued["status"] == "Queued"
    path = f"/bulk/v1/leads/batch/{queued['batchId']}"
    sandbox.clock.advance(timedelta(seconds=5))
    assert api.get(f"{path}.json")["result"][0]["status"] == "Importing"
    sandbox.clock.advance(timedelta(seconds=25))
    (done,) = api.get(f"{path}.json")["result"]
    assert (done["status"], done["numOfLeadsProcessed"], done["numOfRowsFailed"]) == ("Complete", 2, 1)
    failures = list(csv.DictReader(io.StringIO(api.http.get(f"{path}/failures.json").text)))
    assert [(row["id"], row["Import Failure Reason"]) for row in failures] == [("999999", "Lead not found")]
    assert sandbox.instance.get(people[0])["country"] == "Germany"
    assert sandbox.instance.get(people[1])["country"] == "Österreich"


def test_an_empty_cell_leaves_the_field_alone(api: Api, people: list[int], sandbox: Sandbox) -> None:
    import_file(api, f"id,country,city\n{people[0]},,Graz\n", lookupField="id")
    sandbox.clock.advance(timedelta(seconds=5))
    sandbox.instance.tick()
    sandbox.clock.advance(timedelta(seconds=25))
    sandbox.instance.tick()
    person = sandbox.instance.get(people[0])
    assert (person["country"], person["city"]) == ("Deutschland", "Graz")


def test_the_eleventh_waiting_import_is_1016(api: Api) -> None:
    for number in range(10):
        assert import_file(api, f"email\nperson{number}@x.example\n")["success"]
    assert code(import_file(api, "email\nlast@x.example\n")) == "1016"


def test_an_import_with_an_unknown_column_is_1006(api: Api) -> None:
    assert code(import_file(api, "email,nope\na@x.example,1\n")) == "1006"
