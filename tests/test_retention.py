"""A year leaves the store as big as spring did; once a day is enough; both commands say what they took."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from remediator.daemon import TIDYING
from remediator.model import CaseState
from remediator.retention import EVERY, keep_daily, keep_to
from remediator.rounds import tidy
from remediator.sandbox.server import Sandbox
from remediator.settings_daemon import DaemonSettings
from remediator.settings_sections import RetentionSettings
from remediator.store import CaseMove, Notice, Store
from tests.builders import NOON
from tests.cli.conftest import remediator as remediator  # the command, as a fixture
from tests.cli.ground import Remediator
from tests.engine.world import world
from tests.store.scenes import applied, approve, intend, open_cases, planned
from tests.year import SHORT, grown, live

FAR = NOON + timedelta(days=2_000)
STEP, FAILURES = 10, 25
"""Days at a time and failures in them, so that a year takes seconds; by hand: ``python -m tests.year``."""


def test_a_years_store_stays_as_big_as_it_was_in_spring_and_its_chain_holds(store_url: str) -> None:
    with Store.open(store_url) as store:
        sizes = list(live(store, days=365, failures=FAILURES, settings=SHORT, step=STEP))
        check = store.verify_audit()
        seen = store.meters.read()
    spring, year = next(size for size in sizes if size.day >= 100), sizes[-1]
    assert year.audit_entries <= spring.audit_entries * 1.05
    # Only what is still open has been added.
    assert year.cases - spring.cases == year.open - spring.open > 0
    assert grown(sizes) == {}
    # PostgreSQL keeps free room in tables and indexes, which weighs more in a store this small.
    assert year.bytes <= spring.bytes * (1.2 if store_url.startswith("postgresql") else 1.1)
    assert (check.intact, check.removed > check.entries) == (True, True)
    assert seen.failures_seen == len(sizes) * FAILURES
    assert seen.run_times["campaign"].count == len(sizes)


def cleared(store: Store) -> None:
    """A case that was cleared long ago."""
    open_cases(store, 1)
    applied(store, "p1", [1])
    move = CaseMove(case=1, before=CaseState.VERIFYING, after=CaseState.CLEARED)
    store.move([move], actor="bot", run=None, now=NOON)


def test_it_is_done_once_a_day_however_often_it_is_asked_for(sqlite_url: str) -> None:
    with Store.open(sqlite_url) as store:
        moments = [FAR, FAR + timedelta(minutes=1), FAR + EVERY, FAR + EVERY * 1.5]
        done = [keep_daily(store, RetentionSettings(), actor="bot", now=moment) for moment in moments]
        assert [gone is not None for gone in done] == [True, False, True, False]
        # A clock that was set back does not put it off until it has caught up.
        assert keep_daily(store, RetentionSettings(), actor="bot", now=NOON) is not None


def test_the_trouble_of_a_day_that_failed_neither_counts_as_done_nor_is_forgotten(sqlite_url: str) -> None:
    with Store.open(sqlite_url) as store:
        told = Notice(key=TIDYING, state="failing", sent_at=FAR)
        store.running.save_notice(told)
        assert keep_daily(store, RetentionSettings(), actor="bot", now=FAR) is not None
        assert store.running.notice(TIDYING) == told


def test_what_is_set_to_null_is_kept_for_ever(sqlite_url: str) -> None:
    forever = RetentionSettings(**dict.fromkeys(RetentionSettings.model_fields))
    with Store.open(sqlite_url) as store:
        cleared(store)
        assert keep_to(store, forever, actor="bot", now=FAR) == {}


def test_the_defaults_keep_the_chain_and_a_year_of_cases(sqlite_url: str) -> None:
    with Store.open(sqlite_url) as store:
        cleared(store)
        assert keep_to(store, RetentionSettings(), actor="bot", now=NOON + timedelta(days=400)).keys() == {
            "sightings"
        }
        gone = keep_to(store, RetentionSettings(), actor="bot", now=FAR)
        assert {"cases", "changes"} <= gone.keys()
        assert "audit_entries" not in gone


def test_a_dry_run_takes_nothing(sqlite_url: str) -> None:
    with Store.open(sqlite_url) as store:
        cleared(store)
        would = keep_to(store, RetentionSettings(), actor="bot", now=FAR, dry_run=True)
        assert would == {"changes": 1, "cases": 1, "sightings": 1, "audit_payloads": 9}
        assert store.count_cases() == 1
        assert store.running.notice("retention") is None


def test_exports_that_were_taken_in_go_by_age_and_rejected_ones_stay(sqlite_url: str, tmp_path: Path) -> None:
    inbox = tmp_path / "inbox"
    for name in ("inbox", "processed", "rejected"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "errors.csv").write_text("x")
        # Old already when it was put there.
        os.utime(tmp_path / name / "errors.csv", (0, 0))
    month, today = RetentionSettings(exports_days=30), datetime.now(UTC)
    soon, later = today + timedelta(days=29), today + timedelta(days=31)

    def left() -> list[str]:
        return [str(path.parent.name) for path in sorted(tmp_path.glob("*/errors.csv"))]

    with Store.open(sqlite_url) as store:
        assert keep_to(store, RetentionSettings(), actor="bot", now=later, inbox=inbox) == {}
        assert keep_to(store, month, actor="bot", now=soon, inbox=inbox) == {}
        assert keep_to(store, month, actor="bot", now=later, inbox=inbox, dry_run=True) == {"exports": 1}
        assert left() == ["inbox", "processed", "rejected"]
        assert keep_daily(store, month, actor="bot", now=FAR, inbox=inbox) == {"exports": 1}
        assert left() == ["inbox", "rejected"]


def test_daemon_and_cron_clear_processed_beside_their_own_inbox(sqlite_url: str, tmp_path: Path) -> None:
    (tmp_path / "processed").mkdir()
    (tmp_path / "processed" / "errors.csv").write_text("x")
    with (
        Sandbox(leads=0, speed=0) as sandbox,
        Store.open(sqlite_url) as store,
        world(sandbox, store, tmp_path) as made,
    ):
        parts = {
            "daemon": DaemonSettings(inbox=tmp_path / "inbox"),
            "retention": RetentionSettings(exports_days=30),
        }
        made.engine.settings = made.engine.settings.model_copy(update=parts)
        made.engine.clock = lambda: FAR
        done = tidy(made.engine)
    assert done is not None
    assert done.said == "1 exports removed"
    assert list((tmp_path / "processed").iterdir()) == []


def test_an_export_that_cannot_be_deleted_keeps_nothing_else_from_going(
    sqlite_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "processed").mkdir()
    for name in ("a.csv", "b.csv"):
        (tmp_path / "processed" / name).write_text("x")
    unlink = Path.unlink

    def guarded(path: Path, missing_ok: bool = False) -> None:
        if path.name == "a.csv":
            raise PermissionError(1, "not permitted")
        unlink(path, missing_ok=missing_ok)

    monkeypatch.setattr(Path, "unlink", guarded)
    month = RetentionSettings(exports_days=30)
    with Store.open(sqlite_url) as store:
        assert keep_to(store, month, actor="bot", now=FAR, inbox=tmp_path / "inbox") == {"exports": 1}
    assert [path.name for path in (tmp_path / "processed").iterdir()] == ["a.csv"]


# The commands


def test_retention_says_what_would_go_and_what_went(remediator: Remediator, sqlite_url: str) -> None:
    with Store.open(sqlite_url) as store:
        cleared(store)
        # The command looks at the real clock, and the scene does not play in its past.
        old = f"{datetime.now(UTC) - timedelta(days=401):%Y-%m-%d %H:%M:%S.000000}"
        with store._database.writing() as conn:
            for table in ("cases", "changes"):
                conn.exec_driver_sql(f"UPDATE {table} SET settled_at = '{old}'")
    would = remediator("retention", "--dry-run", "--json").json
    rows = {row["table"]: row["rows"] for row in would}
    assert (rows["cases"], rows["changes"]) == (1, 1)
    with Store.open(sqlite_url) as store:
        assert store.count_cases() == 1
    went = remediator("retention", "--compact", "--json").json
    assert {row["table"] for row in went} >= {"cases", "changes"}
    assert "nothing is old enough to go" in remediator("retention").err
    assert "intact" in remediator("audit", "verify").err


def test_erase_says_what_it_took_of_one_person(remediator: Remediator, sqlite_url: str) -> None:
    with Store.open(sqlite_url) as store:
        open_cases(store, 2)
        applied(store, "p1", [1])
    tried = remediator("erase", "--marketo-id", "1001", "--dry-run", "--json").json
    assert (tried["dry_run"], tried["cases"], tried["changes"]) == (True, 1, 1)
    said = remediator("erase", "--marketo-id", "1001").err
    assert "erased: 1 cases, 1 changes" in said
    assert "Out of reach, and yours to clear: backups" in said
    assert "1001" not in said
    with Store.open(sqlite_url) as store:
        assert [case.id for case in store.cases()] == [2]
        assert store.verify_audit().intact
    again = remediator("erase", "--marketo-id", "1001", "--json").json
    assert [again[name] for name in ("cases", "changes", "entries", "mentions", "traces")] == [
        0,
        0,
        0,
        0,
        None,
    ]


@pytest.mark.parametrize(
    ("option", "text", "complaint"),
    [
        ("--marketo-id", "%", "the Marketo id '%' is not a whole number"),
        ("--marketo-id", "jane@x.example", "is not a whole number"),
        ("--salesforce-id", "00Q5g", "does not have 15 or 18 letters and digits"),
    ],
)
def test_erase_refuses_an_id_that_is_none(
    remediator: Remediator, sqlite_url: str, option: str, text: str, complaint: str
) -> None:
    with Store.open(sqlite_url) as store:
        open_cases(store, 1)
    said = remediator("erase", option, text, code=1).err
    assert complaint in " ".join(said.split())
    with Store.open(sqlite_url) as store:
        assert store.count_cases() == 1


def test_erase_names_the_exports_that_still_hold_the_person(
    remediator: Remediator, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("REMEDIATOR_DAEMON_INBOX", str(tmp_path / "inbox"))
    kept = {
        "inbox/a.csv": b"Id,Message\n1001,x\n",
        "processed/b.csv": "Jane@X.example;y\n".encode("utf-16"),
        "processed/c.csv": b"21001,jane@x.example.org-chart 10012\n",
        "rejected/d.csv": b'"\xff 00Q5g00000ZzCaN"\n',
    }
    for name, content in kept.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(content)
    person = ("--marketo-id", "1001", "--email", "jane@x.example", "--salesforce-id", "00Q5g00000ZzCaNEAV")
    found = remediator("erase", *person, "--json").json["exports"]
    assert [Path(name).name for name in found] == ["a.csv", "b.csv", "c.csv", "d.csv"]
    only = remediator("erase", "--marketo-id", "1001", "--dry-run").err
    assert "still names this person" in only
    assert "a.csv" in only
    assert "c.csv" not in only


def while_somebody_reads(
    remediator: Remediator, url: str, monkeypatch: pytest.MonkeyPatch, *arguments: str
) -> str:
    """Return what a command says that cannot rewrite the files, because a reader holds on to what was."""
    monkeypatch.setattr("remediator.store.database.BUSY_TIMEOUT_S", 0.05)
    with Store.open(url) as store:
        open_cases(store, 1)
        with store._database.reading() as reading:
            reading.exec_driver_sql("SELECT count(*) FROM cases").all()
            return remediator(*arguments, code=2).err


def test_erase_says_when_traces_may_be_left_and_how_to_get_rid_of_them(
    remediator: Remediator, sqlite_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = while_somebody_reads(remediator, sqlite_url, monkeypatch, "erase", "--marketo-id", "1001")
    assert "erased: 1 cases" in said
    assert "may still hold old bytes" in said
    assert "remediator retention --compact" in said


def test_compacting_says_when_traces_may_be_left(
    remediator: Remediator, sqlite_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = while_somebody_reads(remediator, sqlite_url, monkeypatch, "retention", "--compact")
    assert "may still hold bytes of what was deleted" in " ".join(said.split())
    assert "rewritten without its free room" in remediator("retention", "--compact").err


def test_erase_tells_of_exports_that_it_cannot_read(
    remediator: Remediator, sqlite_url: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("REMEDIATOR_DAEMON_INBOX", str(tmp_path / "inbox"))
    for name in ("inbox/closed.csv", "inbox/moved.csv", "inbox/open.csv", "processed/x.csv"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"1001\n")
    opened, listed = Path.open, Path.iterdir

    def guarded(path: Path, *how: Any, **more: Any) -> Any:
        if path.name == "closed.csv":
            raise PermissionError(13, "Permission denied")
        if path.name == "moved.csv":
            raise FileNotFoundError(2, "No such file or directory")
        return opened(path, *how, **more)

    def closed(path: Path) -> Iterator[Path]:
        if path.name == "processed":
            raise PermissionError(13, "Permission denied")
        return listed(path)

    monkeypatch.setattr(Path, "open", guarded)
    monkeypatch.setattr(Path, "iterdir", closed)
    said = remediator("erase", "--marketo-id", "1001", "--json", code=2).json
    assert [Path(name).name for name in said["exports"]] == ["open.csv"]
    assert [Path(name).name for name in said["unread"]] == ["closed.csv", "processed"]
    assert "cannot be read, so look yourself" in remediator("erase", "--marketo-id", "1001", code=2).err
    with Store.open(sqlite_url) as store:
        month = RetentionSettings(exports_days=30)
        assert keep_to(store, month, actor="bot", now=FAR, inbox=tmp_path / "inbox") == {}


def test_erase_is_refused_while_a_write_to_the_person_is_unsettled(
    remediator: Remediator, sqlite_url: str
) -> None:
    with Store.open(sqlite_url) as store:
        open_cases(store, 1)
        planned(store, "p1", [1])
        approve(store, "p1-1")
        intend(store, "p1-1")
    for extra in ((), ("--dry-run",)):
        said = remediator("erase", "--marketo-id", "1001", *extra, code=4).err
        assert "p1-1 of this person is being written" in said
    with Store.open(sqlite_url) as store:
        assert store.count_cases() == 1


@pytest.mark.parametrize("named", [(), ("--marketo-id", " "), ("--salesforce-id", ""), ("--email", " ")])
def test_erase_needs_a_person(remediator: Remediator, named: tuple[str, ...]) -> None:
    assert "--marketo-id, --salesforce-id or --email" in remediator("erase", *named, code=1).err
