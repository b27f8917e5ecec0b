"""A file gives back its room and keeps nothing that was deleted; nobody holds a store for ever."""

from __future__ import annotations

from pathlib import Path

import pytest

from remediator.errors import StoreError
from remediator.store import Cutoffs, Store, room
from tests.builders import NOON, a_diagnosis, a_failure
from tests.store.test_retention import LATER

SECRET = "Zebulon.Quagmire@canary.example"


@pytest.fixture
def path(sqlite_url: str) -> Path:
    """The file of a fresh SQLite store."""
    return Path(sqlite_url.removeprefix("sqlite:///"))


def settled(store: Store, count: int, *, text: str) -> None:
    """Take in cases with long texts that were settled long ago."""
    taken = [(a_failure(number, message=text), a_diagnosis()) for number in range(1, count + 1)]
    store.take(taken, run=None, now=NOON)
    with store._database.writing() as conn:
        conn.exec_driver_sql("UPDATE cases SET state = 'resolved', settled_at = first_seen")


def in_files(path: Path, text: str) -> list[str]:
    """Return which files of a SQLite store hold a text, in any of SQLite's encodings."""
    files = sorted(path.parent.glob(f"{path.name}*"))
    return [file.name for file in files if text.encode() in file.read_bytes()]


def test_retention_itself_shrinks_the_file_and_leaves_some_room_for_tomorrow(
    sqlite_url: str, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(room, "FREE_PAGES", 100)
    with Store.open(sqlite_url) as store:
        settled(store, 400, text="x" * 8000)
        assert room.compact(store._database)
        full = path.stat().st_size
        store.retention.apply(Cutoffs(cases=LATER), actor="bot", now=LATER)
        assert path.stat().st_size < full // 2
        with store._database.reading() as conn:
            assert conn.exec_driver_sql("PRAGMA freelist_count").scalar_one() > 0
        assert store.verify_audit().intact


@pytest.mark.parametrize("free", ["few pages", "a small share"])
def test_little_free_room_is_kept_for_what_comes(
    sqlite_url: str, path: Path, monkeypatch: pytest.MonkeyPatch, free: str
) -> None:
    monkeypatch.setattr(room, "FREE_PAGES", 100_000 if free == "few pages" else 0)
    monkeypatch.setattr(room, "FREE_SHARE", 0.0 if free == "few pages" else 0.99)
    with Store.open(sqlite_url) as store:
        settled(store, 100, text="x" * 8000)
        store.retention.apply(Cutoffs(cases=LATER), actor="bot", now=LATER)
        assert room.give_back(store._database) == 0


def test_compacting_brings_a_file_of_an_earlier_version_to_give_back(sqlite_url: str) -> None:
    with Store.open(sqlite_url) as store:
        with room._raw(store._database) as conn:
            conn.execute("PRAGMA auto_vacuum=NONE")
            conn.execute("VACUUM")
        assert room.give_back(store._database) == 0
    with Store.open(sqlite_url) as store:
        store.retention.compact()
        with store._database.reading() as again:
            assert again.exec_driver_sql("PRAGMA auto_vacuum").scalar_one() == 2


def test_what_was_deleted_is_in_no_file_after_compacting(sqlite_url: str, path: Path) -> None:
    with Store.open(sqlite_url) as store:
        settled(store, 50, text=f"{SECRET} " * 100)
        assert in_files(path, SECRET)
        store.retention.apply(Cutoffs(cases=LATER), actor="bot", now=LATER)
        assert store.retention.compact()
        assert in_files(path, SECRET) == []


def test_compacting_says_so_when_somebody_still_reads_an_older_state(
    sqlite_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("remediator.store.database.BUSY_TIMEOUT_S", 0.05)
    with Store.open(sqlite_url) as store, Store.open(sqlite_url) as second:
        settled(store, 5, text=SECRET)
        with second._database.reading() as reading:
            reading.exec_driver_sql("SELECT count(*) FROM cases").all()
            assert not store.retention.compact()
        assert store.retention.compact()


def test_compacting_is_refused_while_somebody_writes_and_nothing_is_lost(
    sqlite_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("remediator.store.database.BUSY_TIMEOUT_S", 0.05)
    with Store.open(sqlite_url) as store, Store.open(sqlite_url) as second:
        settled(store, 5, text=SECRET)
        with second._database.writing(), pytest.raises(StoreError, match="nothing else works on it"):
            store.retention.compact()
        assert store.count_cases() == 5


def test_a_process_that_froze_in_mid_transaction_holds_up_nobody_and_writes_nothing(
    postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Only the one that freezes has the short limit: making the tables may take a busy machine longer.
    with Store.open(postgres_url) as second, monkeypatch.context() as impatient:
        impatient.setattr("remediator.store.database.IDLE_TIMEOUT_S", 0.2)
        frozen = Store.open(postgres_url)
        runs: list[int] = []

        def freeze() -> None:
            with frozen._writing(now=NOON) as open_:
                open_.audit("never_written")
                # Waits until the server has ended the first one.
                runs.append(second.start_run("scan", now=NOON))

        with pytest.raises(StoreError, match=r"stood still for over .* nothing of it was written"):
            freeze()
        assert [entry.event for entry in second.audit()] == ["run_started"]
        # The frozen one goes on with a new connection.
        assert frozen.start_run("scan", now=NOON) == runs[0] + 1
        frozen.close()
        assert second.verify_audit().intact


def test_every_connection_to_postgresql_has_its_time_limits(postgres_url: str) -> None:
    with Store.open(postgres_url) as store, store._database.reading() as conn:
        limits = [
            conn.exec_driver_sql(f"SHOW {name}").scalar_one()
            for name in ("idle_in_transaction_session_timeout", "lock_timeout")
        ]
    assert limits == ["20s", "30s"]


def test_a_store_opens_while_somebody_writes(sqlite_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("remediator.store.database.BUSY_TIMEOUT_S", 0.05)
    with Store.open(sqlite_url) as store, store._database.writing(), Store.open(sqlite_url) as second:
        assert second.runs() == []


def test_every_sqlite_connection_waits_for_others_and_cuts_its_log_back(sqlite_url: str) -> None:
    with Store.open(sqlite_url) as store, store._database.reading() as conn:
        limits = [
            conn.exec_driver_sql(f"PRAGMA {name}").scalar_one()
            for name in ("busy_timeout", "journal_size_limit", "auto_vacuum")
        ]
    assert limits == [30_000, 64 * 1024 * 1024, 2]
