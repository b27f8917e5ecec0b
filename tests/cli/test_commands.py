from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

from remediator.cli.output import Column, print_table
from remediator.model import CaseState
from tests.cli.ground import Remediator

HEADER = "Failed On,Error Type,Error Details,Marketo ID,Salesforce ID,Object,Operation\n"
COUNTRY = "There's a problem with this country, even though it may appear correct."
DENIED = (
    "INVALID_FIELD_FOR_INSERT_UPDATE: Unable to create/update fields: Score__c. Please check the security "
    "settings of this field and verify that it is read/write for your profile or permission set."
)


def an_export(*rows: tuple[str, str]) -> str:
    """Return a Sync Errors export: one row for each Marketo id and message."""
    lines = [
        f'2026-03-02 12:00:{n:02},Record,"{text}",{who},,Lead,Push updates'
        for n, (who, text) in enumerate(rows)
    ]
    return HEADER + "\n".join(lines) + "\n"


@pytest.fixture
def scanned(remediator: Remediator) -> Remediator:
    """Two refused countries, a missing permission; nothing else."""
    export = remediator.write("errors.csv", an_export(("1", COUNTRY), ("2", COUNTRY), ("3", DENIED)))
    remediator("scan", export)
    return remediator


# scan


def test_the_same_file_and_an_overlapping_one_are_taken_in_once(scanned: Remediator) -> None:
    again = scanned("scan", "errors.csv", "--json")
    assert again.json[0]["known_since"] is not None
    assert "taken in before" in again.err
    scanned.write("more.csv", an_export(("1", COUNTRY), ("2", COUNTRY), ("3", DENIED), ("4", COUNTRY)))
    (report,) = scanned("scan", "more.csv", "--json").json
    assert (report["new"], report["duplicates"]) == (1, 3)


def test_a_bad_row_is_rejected_with_its_line_and_the_rest_is_taken_with_exit_code_2(
    remediator: Remediator,
) -> None:
    text = an_export(("1", COUNTRY)) + 'yesterday-ish,Record,"no such time",7,,Lead,Push\n'
    remediator.write("errors.csv", text)
    result = remediator("scan", "errors.csv", "--json", code=2)
    assert (result.json[0]["new"], result.json[0]["rejected"]) == (1, 1)
    rejects = Path(result.json[0]["rejects_file"])
    assert "3" in rejects.read_text()
    assert rejects.name in result.err


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("nowhere.csv", None, "cannot be read"),
        ("odd.csv", "a,b\n1,2\n", "'a,b' is none that is known"),
        ("empty.csv", "", "empty.csv"),
        ("zip.csv", b"PK\x03\x04\x00\x00\xff\xfe\x00" * 50, "zip.csv"),
    ],
)
def test_a_file_that_cannot_be_read_changes_nothing_even_beside_a_good_one(
    name: str, content: str | bytes | None, told: str, remediator: Remediator
) -> None:
    if content is not None:
        remediator.write(name, content)
    remediator.write("good.csv", an_export(("1", COUNTRY)))
    assert told in remediator("scan", "good.csv", name, code=1).err
    assert remediator("cases", "list", "--json").json == []
    assert remediator("runs", "list", "--json").json == []


def test_files_are_read_by_the_source_that_was_named_and_by_no_other(remediator: Remediator) -> None:
    remediator.write("good.csv", an_export(("1", COUNTRY)))
    for dry in ([], ["--dry-run"]):
        other = remediator("scan", "good.csv", "--source", "bulk_results_csv", *dry, code=1)
        assert "none that is known" in other.err
        unknown = remediator("scan", "good.csv", "--source", "nobody", *dry, code=1)
        assert "no source is called 'nobody'; there are: bulk_results_csv, sync_errors_csv" in unknown.err
    assert remediator("cases", "list", "--json").json == []
    (report,) = remediator("scan", "good.csv", "--source", "sync_errors_csv", "--json").json
    assert (report["source"], report["new"]) == ("sync_errors_csv", 1)


def test_finding_failures_is_no_error_unless_asked(scanned: Remediator) -> None:
    scanned("causes", code=0)
    scanned("causes", "--fail-on-findings", code=2)
    scanned.write("new.csv", an_export(("9", COUNTRY)))
    scanned("scan", "new.csv", "--fail-on-findings", code=2)


# causes, cases, access


def test_causes_are_listed_with_the_most_frequent_first(scanned: Remediator) -> None:
    first, second = scanned("causes", "--json").json
    assert (first["open_cases"], first["category"]) == (2, "invalid_picklist")
    assert second["owner"] == "salesforce_admin"


def test_a_grant_is_asked_for_with_what_it_clears(scanned: Remediator) -> None:
    (request,) = scanned("access", "--json").json
    assert (request["grant"], request["cases"]) == ("Grant edit on Lead.Score__c to the sync user", 1)


def test_a_case_is_shown_snoozed_assigned_and_resolved(scanned: Remediator) -> None:
    scanned("cases", "assign", "1", "ann")
    scanned("cases", "snooze", "1", "--days", "2", "--note", "waiting")
    scanned("cases", "resolve", "2", "--note", "done by hand")
    shown = scanned("cases", "show", "1", "--json").json
    assert (shown["state"], shown["assigned_to"], shown["note"]) == ("snoozed", "ann", "waiting")
    assert [entry["event"] for entry in shown["history"]]
    assert COUNTRY in scanned("cases", "show", "2").out
    listed = scanned("cases", "list", "--state", "resolved", "--json").json
    assert [case["id"] for case in listed] == [2]


def test_a_move_that_the_lifecycle_forbids_says_where_the_case_can_go(scanned: Remediator) -> None:
    scanned("cases", "resolve", "1")
    refused = scanned("cases", "snooze", "1", code=1)
    assert "from resolved to snoozed" in refused.err
    assert CaseState.OPEN.value in refused.err


BEYOND = str(2**63)


@pytest.mark.parametrize(
    "command",
    [
        ("cases", "show", BEYOND),
        ("cases", "show", "--", f"-{BEYOND}"),
        ("cases", "snooze", BEYOND),
        ("cases", "resolve", BEYOND),
        ("cases", "assign", BEYOND, "ann"),
        ("cases", "list", "--limit", BEYOND),
        ("runs", "show", BEYOND),
        ("runs", "list", "--limit", BEYOND),
        ("explain", BEYOND),
        ("cases", "snooze", "1", "--days", "1e12"),
        ("cases", "snooze", "1", "--days", "inf"),
        ("cases", "snooze", "1", "--days", "nan"),
        ("demo", "--leads", "1", "--keep", "a-file"),
        ("erase", "--email", "\udcff"),
        ("--store", "sqlite:///\udcff.db", "cases", "list"),
    ],
    ids=ascii,
)
def test_an_argument_that_nobody_can_use_is_told_and_no_bug_of_ours(
    remediator: Remediator, command: tuple[str, ...]
) -> None:
    remediator.write("a-file", "")
    assert "bug" not in remediator(*command, code=1).err


def test_a_dry_run_of_a_snooze_resolve_or_assign_moves_nothing(scanned: Remediator) -> None:
    before = scanned("cases", "show", "1", "--json").json
    scanned("cases", "snooze", "1", "--dry-run")
    scanned("cases", "resolve", "1", "--dry-run")
    scanned("cases", "assign", "1", "ann", "--dry-run")
    assert scanned("cases", "show", "1", "--json").json == before


# explain, classify, repair


def test_an_explanation_names_rule_field_and_who_acts(scanned: Remediator) -> None:
    told = scanned("explain", "1").out
    assert "country" in told
    assert "who acts" in told
    assert scanned("explain", "--message", DENIED, "--json").json["diagnosis"]["category"] == "permission"


def test_a_line_of_classify_has_exactly_the_promised_keys(remediator: Remediator) -> None:
    remediator.write("m.csv", f'id,message\n1,"{COUNTRY}"\n2,###\n')
    known, unknown = remediator("classify", "m.csv", "--json").lines
    keys = ["message", "category", "code", "field", "value", "rule", "owner", "retryable", "confidence"]
    assert list(known) == list(unknown) == keys
    assert (known["category"], known["owner"], known["retryable"]) == (
        "invalid_picklist",
        "remediator",
        False,
    )
    assert (unknown["category"], unknown["code"], unknown["field"]) == ("unknown", None, None)


def test_a_line_of_repair_has_exactly_the_promised_keys(remediator: Remediator) -> None:
    remediator.write("c.csv", "country\nDeutschland\nqqqq\n")
    mended, declined = remediator("repair", "country", "c.csv", "--json").lines
    assert list(mended) == list(declined) == ["input", "output", "code", "confidence", "reason"]
    assert (mended["input"], mended["output"], mended["code"]) == ("Deutschland", "Germany", "DE")
    assert declined["output"] is None
    assert declined["reason"]


def test_lines_and_csv_files_of_any_encoding_are_taken(remediator: Remediator) -> None:
    remediator.write("lines.txt", "Deutschland\nFrankreich\n")
    assert [row["code"] for row in remediator("repair", "country", "lines.txt", "--json").lines] == [
        "DE",
        "FR",
    ]
    remediator.write("bad.txt", b"Deutschland\xff\n")
    assert len(remediator("repair", "country", "bad.txt", "--json").lines) == 1
    remediator("repair", "country", "bad.txt")


def test_a_state_is_read_in_the_light_of_its_country(remediator: Remediator) -> None:
    remediator.write("s.csv", "state,land\nWA,Australia\nWA,United States\n")
    rows = remediator("repair", "state", "s.csv", "--country", "land", "--json").lines
    assert [row["code"] for row in rows] == ["AU-WA", "US-WA"]


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["repair", "colour", "x.csv"], "there are: "),
        (["repair", "picklist", "x.csv"], "--value"),
        (["repair", "country", "x.csv"], "it has: a, b"),
        (["repair", "country", "nowhere.csv"], "cannot be read"),
        (["classify", "x.csv"], "it has: a, b"),
        (["explain"], "--message"),
        (["explain", "99"], "no case 99"),
        (["cases", "show", "99"], "remediator cases list"),
        (["cases", "resolve", "99"], "remediator cases list"),
        (["runs", "show", "99"], "remediator runs list"),
        (["fixers", "show", "nope"], "there are: "),
        (["fixers", "test", "nope"], "there are: "),
        (
            ["rules", "replay", "nowhere.yaml"],
            "nowhere.yaml: cannot be read: No such file or directory; check",
        ),
        (["apply"], "remediator plan"),
        (["apply", "nowhere.json"], "cannot be read"),
        (["apply", "x.csv"], "not a plan"),
        (["plan", "--out", "plan.docx"], ".json, .html, .csv"),
        (["plan"], "marketo.url is not set"),
        (["plan", "--limit", "0"], "--limit"),
        (["undo", "7"], "no run 7"),
        (["--config", "nowhere.yaml", "causes"], "remediator init"),
        (["--store", "mysql://x", "causes"], "sqlite:///"),
        (["audit", "export", "--out", "no/such/folder"], "cannot be written"),
        (["report", "--out", "no/such/folder"], "cannot be written"),
        (["frobnicate"], "No such command"),
        (["plan", "--categry", "x"], "--category"),
    ],
)
def test_a_slip_exits_with_1_and_says_what_to_do(
    arguments: list[str], told: str, remediator: Remediator
) -> None:
    remediator.write("x.csv", "a,b\n1,2\n")
    result = remediator(*arguments, code=1)
    assert told in result.err
    assert result.out == ""


def test_a_store_that_cannot_be_opened_exits_with_4(remediator: Remediator) -> None:
    result = remediator("--store", "sqlite:////no/such/folder/x.db", "causes", code=4)
    assert "check that the folder exists" in result.err


# setting up


def test_init_writes_settings_that_validate_and_never_overwrites(remediator: Remediator) -> None:
    remediator("init", "--dry-run")
    assert not Path("remediator.yaml").exists()
    remediator("init")
    assert remediator("validate", "--json").json["settings"] == "remediator.yaml"
    remediator.write("remediator.yaml", "connection: mine\n")
    assert "exists already" in remediator("init", code=1).err
    assert Path("remediator.yaml").read_text() == "connection: mine\n"


@pytest.mark.parametrize("name", ["config", "rules", "plan"])
def test_a_schema_is_a_json_schema(name: str, remediator: Remediator) -> None:
    assert "properties" in remediator("schema", name).json


def test_a_folder_of_campaigns_that_somebody_named_has_to_be_there(
    remediator: Remediator, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert remediator("validate", "--json").json["campaigns"] == []
    monkeypatch.setenv("REMEDIATOR_CAMPAIGNS", "campains")
    assert "the folder campains is not there" in remediator("validate", code=1).err


def test_the_number_of_a_case_or_run_can_be_copied_and_a_count_is_grouped(
    capsys: pytest.CaptureFixture[str],
) -> None:
    columns = (Column("case", "id", number=True), Column("open", "n", number=True), Column("value", "value"))
    print_table([{"id": 12_345, "n": 12_345, "value": 2_001}], columns, as_json=False)
    assert capsys.readouterr().out.split()[-3:] == ["12345", "12,345", "2001"]


def test_validate_passes_over_a_broken_fixer_and_strict_does_not(remediator: Remediator) -> None:
    Path("mine").mkdir()
    remediator.write("mine/broken.py", "import no_such_module_at_all\n")
    remediator.write("remediator.yaml", "fixers:\n  folders: [mine]\n")
    assert len(remediator("validate", "--json").json["skipped"]) == 1
    assert "broken" in remediator("validate", "--strict", code=1).err
    assert "failed: " in remediator("fixers", "list").out


def test_doctor_tells_where_settings_come_from_and_never_a_secret(
    remediator: Remediator, monkeypatch: pytest.MonkeyPatch
) -> None:
    remediator.write("remediator.yaml", "marketo:\n  rate_share: 0.4\n")
    monkeypatch.setenv("REMEDIATOR_MARKETO_CLIENT_SECRET", "hush-hush")
    for arguments in (["doctor"], ["doctor", "--json"]):
        result = remediator("--connection", "acme", *arguments, code=1)
        assert "hush-hush" not in result.out + result.err
    won = {row["name"]: row["from"] for row in result.json["settings"]}
    assert won["marketo.rate_share"] == "remediator.yaml"
    assert won["marketo.client_secret"] == "environment"
    assert won["connection"] == "flag"
    assert won["salesforce.api_version"] == "default"
    failed = {check["name"]: check["result"] for check in result.json["checks"] if not check["passed"]}
    assert "remediator init" in failed["marketo credentials"]


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("postgresql://bot:hush-hush@127.0.0.1:9/x", "postgresql+psycopg://bot:***@127.0.0.1:9/x"),
        (
            "postgresql://127.0.0.1:9/x?password=hush-hush",
            "postgresql+psycopg://127.0.0.1:9/x?password=hidden",
        ),
        ("mysql://bot:hush-hush@127.0.0.1/x", "unreadable"),
        ("bot:hush-hush", "unreadable"),
    ],
)
def test_doctor_shows_the_stores_address_without_its_password(
    remediator: Remediator, monkeypatch: pytest.MonkeyPatch, url: str, shown: str
) -> None:
    monkeypatch.setenv("REMEDIATOR_STORE", url)
    for arguments in (["doctor"], ["doctor", "--json"]):
        result = remediator(*arguments, code=None)
        assert "hush-hush" not in result.out + result.err
    assert shown in {row["value"] for row in result.json["settings"] if row["name"] == "store"}


# for teams


def test_rules_are_listed_tested_and_replayed(scanned: Remediator) -> None:
    assert len(scanned("rules", "list", "--json").json) > 20
    assert scanned("rules", "test", "--json").json == []
    rule = """
    rules:
      - id: our-country
        match: {text: "problem with this country"}
        category: configuration
        examples:
          hits: ["There's a problem with this country"]
          misses: ["a problem with this state"]
    """
    scanned.write("mine.yaml", "\n".join(line[4:] for line in rule.splitlines()))
    result = scanned("rules", "replay", "mine.yaml", "--json").json
    assert sum(shift["count"] for shift in result["shifts"]) == 2


def test_fixers_are_listed_shown_and_tested(remediator: Remediator) -> None:
    names = [row["name"] for row in remediator("fixers", "list", "--json").json]
    assert {"country", "state", "email"} <= set(names)
    assert remediator("fixers", "show", "country").json["name"] == "country"
    assert remediator("fixers", "test", "boolean", "--samples", "50", "--json").json == {"boolean": []}


# evidence


def test_runs_and_audit_tell_what_was_done(scanned: Remediator) -> None:
    (run,) = scanned("runs", "list", "--json").json
    assert (run["command"], run["outcome"], run["counters"]["new"]) == ("scan", "ok", 3)
    assert scanned("runs", "show", str(run["id"]), "--json").json["changes"] == []
    assert scanned("audit", "verify", "--json").json["intact"] is True
    events = [entry["event"] for entry in scanned("audit", "export").lines]
    assert events[0] == "run_started"
    scanned("audit", "export", "--out", "audit.jsonl")
    assert len(Path("audit.jsonl").read_text().splitlines()) == len(events)


def test_an_exported_audit_log_is_verified_alone_and_against_the_store(scanned: Remediator) -> None:
    scanned("audit", "export", "--out", "audit.jsonl")
    assert "audit.jsonl: intact: entries 1 to" in scanned("audit", "verify", "audit.jsonl").err
    found = scanned("audit", "verify", "audit.jsonl", "--json").json
    assert (found["intact"], found["store_intact"], found["breaks"]) == (True, True, [])
    assert [export["first"] for export in found["exports"]] == [1]
    kept = Path("audit.jsonl").read_text()
    Path("audit.jsonl").write_text(kept.replace("run_started", "run_stopped"))
    assert "broken at entry 1" in scanned("audit", "verify", "--alone", "audit.jsonl", code=2).err
    assert scanned("audit", "verify", "audit.jsonl", "--json", code=2).json["store_intact"] is True
    assert "name at least one file" in scanned("audit", "verify", "--alone", code=1).err


def test_an_export_needs_no_store_to_prove_itself(
    scanned: Remediator, monkeypatch: pytest.MonkeyPatch
) -> None:
    scanned("audit", "export", "--out", "audit.jsonl")
    monkeypatch.setenv("REMEDIATOR_STORE", "sqlite:////nowhere/at/all.db")
    assert scanned("audit", "verify", "--alone", "audit.jsonl", "--json").json["intact"] is True


def test_a_broken_audit_chain_exits_with_2(scanned: Remediator, sqlite_url: str) -> None:
    import sqlite3

    with sqlite3.connect(sqlite_url.removeprefix("sqlite:///")) as database:
        triggers = database.execute("select name from sqlite_master where type = 'trigger'").fetchall()
        for (name,) in triggers:
            database.execute(f"drop trigger {name}")
        database.execute("update audit_entries set event = 'nothing_happened' where seq = 2")
    database.close()
    assert "broken at entry 2" in scanned("audit", "verify", code=2).err


# output


def test_every_listing_is_one_json_document_and_talk_stays_on_stderr(scanned: Remediator) -> None:
    for listing in (
        ["causes"],
        ["cases", "list"],
        ["access"],
        ["runs", "list"],
        ["rules", "list"],
        ["fixers", "list"],
    ):
        json.loads(scanned(*listing, "--json").out)
    assert scanned("scan", "errors.csv", "--json").json


def test_piped_output_has_no_colour_and_one_line_a_row(
    remediator: Remediator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("COLUMNS", raising=False)
    hostile = "\x1b[31mred\x07 [bold]x[/bold] :smile: \u202e" + "wide " * 200 + "\nsecond line"
    remediator.write("m.csv", "message\n" + '"' + hostile + '"\n')
    out = remediator("classify", "m.csv").out
    assert len(out.splitlines()) == 2
    assert not {"\x1b", "\x07", "\u202e"} & set(out)
    assert "⟨U+001B⟩[31mred" in out
    assert "[bold]x[/bold] :smile:" in out


def test_no_color_is_honoured_on_a_terminal(scanned: Remediator, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    assert "\x1b[3" in scanned("audit", "verify").err
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\x1b[3" not in scanned("audit", "verify").err


def test_an_error_cannot_steer_the_terminal(remediator: Remediator) -> None:
    remediator.write("x.csv", "\x1b[2Ja,b\n1,2\n")
    assert "\x1b" not in remediator("repair", "country", "x.csv", code=1).err


def test_the_plan_csv_opens_in_a_spreadsheet(scanned: Remediator) -> None:
    scanned("report", "--json")
    with Path("errors.csv").open(newline="") as stream:
        assert len(list(csv.reader(stream))) == 4
