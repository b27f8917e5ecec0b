from __future__ import annotations

import csv
import json
import os
from pathlib import Path

import pytest

from remediator.metrics import render
from remediator.model import CaseState
from remediator.store import Store
from tests.builders import NOON, a_plan
from tests.cli.ground import Remediator, export_errors
from tests.engine.world import World


@pytest.fixture
def german(connected: World, remediator: Remediator) -> str:
    """A person whose country was refused, scanned and planned."""
    person = connected.lead(country="Deutschland")
    connected.pass_time(minutes=6)
    remediator("scan", export_errors(connected))
    remediator("plan")
    return person


def test_the_loop_goes_from_a_refusal_to_a_proven_fix_and_back(
    connected: World, remediator: Remediator
) -> None:
    person = connected.lead(country="Deutschland")
    connected.pass_time(minutes=6)
    (scanned,) = remediator("scan", export_errors(connected), "--json").json
    assert (scanned["rows"], scanned["new"], scanned["rejected"]) == (1, 1, 0)

    plan = remediator("plan", "--json").json
    (change,) = plan["changes"]
    assert (change["before"], change["after"]) == ("Deutschland", "Germany")

    decided = remediator("review", plan["id"], "--approve-all", "--json").json
    assert decided["states"] == {"approved": 1}

    applied = remediator("apply", plan["id"], "--json").json
    assert applied["outcomes"] == {"applied": 1}
    assert connected.marketo(person, "country") == "Germany"

    connected.pass_time(minutes=20)
    assert remediator("verify", "--all", "--json").json["verdicts"] == {"cleared": 1}

    undone = remediator("undo", str(applied["run"]), "--json").json
    assert undone["outcomes"] == {"applied": 1}
    assert connected.marketo(person, "country") == "Deutschland"


def test_a_plan_is_only_a_plan(german: str, connected: World, remediator: Remediator) -> None:
    assert connected.our_writes() == []
    assert "next: remediator review" in remediator("plan").err


def test_a_dry_run_of_plan_apply_undo_and_scan_writes_nothing(
    german: str, connected: World, remediator: Remediator
) -> None:
    before = [(case.id, case.state) for case in connected.engine.store.cases()]
    audit = len(list(connected.engine.store.audit()))
    remediator("scan", "--dry-run", export_errors(connected, "again.csv"))
    remediator("apply", "--dry-run")
    assert [(case.id, case.state) for case in connected.engine.store.cases()] == before
    assert len(list(connected.engine.store.audit())) == audit

    remediator("plan", "--dry-run")
    remediator("review", "--approve-all")
    assert remediator("apply", "--dry-run", "--json").json[0]["change"]["after"] == "Germany"
    assert connected.our_writes() == []

    run = remediator("apply", "--json").json["run"]
    assert remediator("undo", str(run), "--dry-run", "--json").json[0]["change"]["before"] == "Deutschland"
    assert connected.marketo(german, "country") == "Germany"


def test_a_dry_run_of_plan_leaves_the_newest_plan_in_place(german: str, remediator: Remediator) -> None:
    kept = remediator("review", "--approve-all", "--json").json["plan"]
    remediator("plan", "--dry-run", code=None)
    assert remediator("apply", "--json").json["plan"] == kept


def test_a_dry_run_of_review_verify_and_retry_shows_what_would_be_done(
    german: str, connected: World, remediator: Remediator
) -> None:
    audit = len(list(connected.engine.store.audit()))
    (decision,) = remediator("review", "--pick", "1=France", "--dry-run", "--json").json
    assert (decision["approved"], decision["after"]) == (True, "France")
    assert remediator("verify", "--all", "--dry-run", "--json").json == []
    assert remediator("retry", "--dry-run", "--json").json == []
    assert len(list(connected.engine.store.audit())) == audit

    remediator("review", "--approve-all")
    remediator("apply")
    (case,) = remediator("verify", "--all", "--dry-run", "--json").json
    assert case["state"] == "verifying"


def test_a_decision_that_comes_too_late_says_so(german: str, remediator: Remediator) -> None:
    remediator("review", "--approve-all")
    remediator("apply")
    assert "stay as they are" in remediator("review", "--reject", "1").err


def test_a_plan_is_exported_as_signed_json_as_a_page_and_as_csv(german: str, remediator: Remediator) -> None:
    remediator("plan", "--out", "p.json", "--out", "p.html", "-o", "p.csv")
    document = json.loads(Path("p.json").read_text())
    assert document["totals"]["changes"] == 1
    assert document["changes"][0]["case"] == document["changes"][0]["cases"][0]
    assert "Deutschland" in Path("p.html").read_text()
    with Path("p.csv").open(encoding="utf-8-sig", newline="") as stream:
        (row,) = csv.DictReader(stream)
    assert (row["before"], row["after"], row["confidence"]) == ("Deutschland", "Germany", "exact")
    remediator("review", "p.json", "--approve-all")
    remediator("apply", "p.json")


def test_an_export_of_a_value_that_starts_a_formula_is_neutralised(
    connected: World, remediator: Remediator
) -> None:
    connected.lead(country="=HYPERLINK(1)", title="=1+1" + "x" * 200)
    connected.pass_time(minutes=6)
    remediator("scan", export_errors(connected))
    remediator("plan", "--out", "p.csv")
    with Path("p.csv").open(encoding="utf-8-sig", newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert not [row for row in rows for cell in row.values() if cell.startswith("=")]


def test_a_plan_file_that_was_edited_is_refused_and_nothing_is_written(
    german: str, connected: World, remediator: Remediator
) -> None:
    remediator("plan", "--out", "p.json")
    remediator("review", "--approve-all")
    edited = Path("p.json").read_text().replace('"Germany"', '"France"')
    remediator.write("p.json", edited)
    refused = remediator("apply", "p.json", code=1)
    assert "edited by hand" in refused.err
    assert "remediator plan" in refused.err
    assert connected.our_writes() == []


def test_a_plan_that_nobody_approved_is_refused(
    german: str, connected: World, remediator: Remediator
) -> None:
    refused = remediator("apply", code=1)
    assert "remediator review" in refused.err
    assert connected.our_writes() == []


def test_a_reviewer_picks_rejects_and_is_told_of_an_unknown_change(
    german: str, connected: World, remediator: Remediator
) -> None:
    assert "no change 99" in remediator("review", "--approve", "99", code=1).err
    assert "CHANGE=VALUE" in remediator("review", "--pick", "1", code=1).err
    assert remediator("review", "--pick", "1=France", "--note", "known", "--json").json["states"] == {
        "approved": 1
    }
    remediator("apply")
    assert connected.marketo(german, "country") == "France"


def test_a_review_without_a_terminal_and_without_a_choice_says_what_to_give(
    german: str, remediator: Remediator
) -> None:
    assert "--approve-all" in remediator("review", code=1).err


def test_a_limit_stops_before_the_first_write_with_exit_code_3(
    connected: World, remediator: Remediator, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(2):
        connected.lead(country="Deutschland")
    connected.pass_time(minutes=6)
    remediator("scan", export_errors(connected))
    remediator("plan")
    remediator("review", "--approve-all")
    monkeypatch.setenv("REMEDIATOR_LIMITS_MAX_CHANGES", "1")
    assert "limits.max_changes" in remediator("apply", code=3).err
    assert connected.our_writes() == []
    stopped = remediator("runs", "list", "--json").json[0]
    assert (stopped["outcome"], stopped["counters"]["stopped_max_changes"]) == ("stopped", 1)
    metrics = render(connected.engine.store, now=connected.engine.clock).decode()
    assert 'remediator_safety_stops_total{limit="max_changes"} 1.0' in metrics


def test_verify_notices_what_a_person_repaired(connected: World, remediator: Remediator) -> None:
    person = connected.lead(country="Atlantis")
    connected.pass_time(minutes=6)
    remediator("scan", export_errors(connected))
    remediator("plan")
    assert connected.state_of(person) is CaseState.DECLINED
    connected.edit(person, country="Austria")
    connected.pass_time(minutes=10)
    assert remediator("verify", "--json").json["cleared_by_others"] == 1
    assert connected.state_of(person) is CaseState.CLEARED
    assert "0 cleared by someone else" in remediator("verify").err


def test_a_plan_by_hand_and_the_backlog_go_by_the_pace_that_was_learned(
    connected: World, remediator: Remediator, monkeypatch: pytest.MonkeyPatch
) -> None:
    status = connected.folder / "status.csv"
    status.write_text(
        "Started At,Ended At,Object,Operation,Status,New,Updated,Deleted,Failed Item,Skipped\n"
        "2026-03-02 10:00:00,2026-03-02 11:00:00,Person (Lead),Push updates,Succeeded,0,4,0,0,0\n"
    )
    monkeypatch.setenv("REMEDIATOR_SYNC_LOAD_STATUS_EXPORT", str(status))
    connected.lead(country="Deutschland")
    connected.pass_time(minutes=6)
    remediator("scan", export_errors(connected))
    assert remediator("plan", "--json").json["predicted_sync_s"] == 900
    remediator("review", "--approve-all")
    remediator("apply")
    (row,) = remediator("backlog", "--json").json
    assert (row["records"], row["records_per_hour"], row["minutes"]) == (1, 4, 15)


def test_what_is_approved_beyond_the_limit_is_shown_and_written_part_by_part(
    connected: World, remediator: Remediator, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(3):
        connected.lead(country="Deutschland")
    connected.pass_time(minutes=6)
    remediator("scan", export_errors(connected))
    plan = remediator("plan", "--json").json["id"]
    remediator("review", "--approve-all")
    monkeypatch.setenv("REMEDIATOR_LIMITS_MAX_CHANGES", "2")
    assert f"3 approved changes of plan {plan} wait to be written" in remediator("backlog").err
    assert remediator("apply", code=3).err
    assert len(remediator("apply", "--at-most", "2", "--dry-run", "--json").json) == 2
    assert connected.our_writes() == []
    assert remediator("apply", "--at-most", "2", "--json").json["outcomes"] == {"applied": 2}
    assert remediator("apply", "--at-most", "2", "--json").json["outcomes"] == {"applied": 1}
    assert "wait to be written" not in remediator("backlog").err
    assert len(connected.our_writes()) == 3


def test_the_calls_of_every_command_count_into_the_days_share(
    connected: World, remediator: Remediator, monkeypatch: pytest.MonkeyPatch
) -> None:
    connected.lead(country="Deutschland")
    connected.pass_time(minutes=6)
    meters = connected.engine.store.meters
    remediator("scan", export_errors(connected))
    assert meters.read().api_calls == {}
    counted = run = 0
    for command in (
        ["plan"],
        ["review", "--approve-all"],
        ["apply"],
        ["verify", "--all"],
        ["retry"],
        ["undo"],
    ):
        result = remediator(*command, *([str(run)] if command == ["undo"] else []), "--json")
        run = result.json["run"] if command == ["apply"] else run
        readings = meters.read()
        now = sum(readings.api_calls.values())
        assert (now > counted) is (command[0] not in ("review", "retry")), command
        counted = now
    by_answer = sum(count for name, count in readings.counters.items() if name.startswith("calls_"))
    assert by_answer == counted
    left = 100 * readings.api_calls["marketo"] // 50
    monkeypatch.setenv("REMEDIATOR_MARKETO_DAILY_CALLS", str(left))
    monkeypatch.setenv("REMEDIATOR_MARKETO_DAILY_SHARE", "0.5")
    stopped = remediator("plan", code=4)
    assert "our share of" in stopped.err
    assert connected.engine.store.meters.read().counters["stopped_daily_share"] == 1


def test_a_change_that_met_a_newer_edit_is_left_alone_with_exit_code_2(
    german: str, connected: World, remediator: Remediator
) -> None:
    remediator("review", "--approve-all")
    connected.edit(german, country="Austria")
    left = remediator("apply", "--json", code=2)
    assert left.json["outcomes"] == {"conflicted": 1}
    assert connected.marketo(german, "country") == "Austria"


def test_an_undo_of_nothing_says_so(german: str, remediator: Remediator) -> None:
    assert "no applied change" in remediator("undo", "1", code=1).err
    assert "no change nonsense" in remediator("undo", "nonsense", code=1).err
    assert "no run 99" in remediator("undo", "99", code=1).err


def test_undo_and_its_dry_run_tell_what_is_left_alone(connected: World, remediator: Remediator) -> None:
    person, other = connected.lead(country="Deutschland"), connected.lead(country="Frankreich")
    connected.pass_time(minutes=6)
    remediator("scan", export_errors(connected))
    remediator("plan")
    remediator("review", "--approve-all")
    first = str(remediator("apply", "--json").json["run"])
    # Somebody breaks one of them again, and it is repaired a second time.
    connected.edit(person, country="Deutschland")
    connected.pass_time(minutes=20)
    remediator("scan", export_errors(connected, "again.csv"))
    remediator("verify", "--all", code=None)
    remediator("plan")
    remediator("review", "--approve-all")
    remediator("apply")

    shown = remediator("undo", first, "--dry-run", "--json")
    assert [item["change"]["record_id"] for item in shown.json] == [other]
    assert "undo that one first" in shown.err

    undone = remediator("undo", first, "--json", code=2)
    assert undone.json["outcomes"] == {"applied": 1}
    assert "undo that one first" in undone.err
    assert connected.marketo(person, "country") == "Germany"
    assert connected.marketo(other, "country") == "Frankreich"


def test_the_latest_plan_is_found_behind_many_undos(german: str, remediator: Remediator) -> None:
    kept = remediator("review", "--approve-all", "--json").json["plan"]
    with Store.open(os.environ["REMEDIATOR_STORE"]) as store:
        for number in range(21):
            undo = a_plan(f"undo-{number}", undo_of="run 1")
            store.save_plan(undo, actor="ann", run=None, now=NOON)
    assert remediator("apply", "--json").json["plan"] == kept


def test_a_plan_name_too_long_for_a_file_is_refused_like_any_other(
    german: str, remediator: Remediator
) -> None:
    assert "no plan aaa" in remediator("apply", "a" * 300, code=1).err


@pytest.mark.parametrize("form", [(), ("--json",)])
def test_what_was_written_is_told_also_when_the_push_fails(
    connected: World, remediator: Remediator, form: tuple[str, ...]
) -> None:
    person = connected.marketo_only(country="Deutschland")
    remediator("scan", export_errors(connected))
    remediator("plan")
    remediator("review", "--approve-all")
    match = "POST /rest/v1/campaigns/*"
    connected.sandbox.faults.add({"name": "daily_quota", "system": "marketo", "match": match, "times": 99})
    told = remediator("apply", *form, code=4)
    assert connected.marketo(person, "country") == "Germany"
    if form:
        assert told.json["outcomes"] == {"applied": 1}
        assert told.json["resync"] is None
        assert told.json["error"] in told.err
    else:
        assert "1 applied" in told.err
    (latest,) = remediator("runs", "list", "--json").json[:1]
    assert (latest["outcome"], latest["counters"]["changes_applied"]) == ("stopped", 1)


def test_an_interrupted_apply_leaves_a_state_that_the_same_command_finishes(
    german: str, connected: World, remediator: Remediator, monkeypatch: pytest.MonkeyPatch
) -> None:
    from remediator.systems.marketo import Marketo

    remediator("review", "--approve-all")
    write = Marketo.write

    def interrupted(self: Marketo, *args: object) -> object:
        write(self, *args)  # type: ignore[arg-type]  # handed on as it came
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(Marketo, "write", interrupted)
        stopped = remediator("apply", code=130)
    assert "same command again" in stopped.err
    assert len(connected.our_writes(german)) == 1
    assert remediator("runs", "list", "--json").json[0]["outcome"] == "stopped"

    assert remediator("apply", "--json").json["outcomes"] == {"applied": 1}
    assert len(connected.our_writes(german)) == 1
    assert connected.state_of(german) is CaseState.VERIFYING


def test_a_retry_of_nothing_is_clean(connected: World, remediator: Remediator) -> None:
    assert remediator("retry", "--json").json["pushed"] == 0


def test_the_report_page_is_written_from_the_store_alone(german: str, remediator: Remediator) -> None:
    remediator("report", "--out", "r.html")
    assert "Causes" in Path("r.html").read_text()
    made = remediator("report", "--json").json
    assert made["open"] == 1
