"""Opening a store: addresses, migrations, and errors in words that help."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import text
from sqlalchemy.exc import TimeoutError as PoolTimeout

from remediator.errors import ConfigError, StoreError
from remediator.store import Store
from remediator.store.database import Database, parse_url
from remediator.store.migrations.run import known_revisions
from remediator.store.schema import HEAD, metadata
from tests.builders import NOON, a_diagnosis, a_failure
from tests.store.postgres import Postgres

MOST_CONNECTIONS = 15
"""Of a pool as SQLAlchemy makes it: five that stay, ten more when they are needed."""


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The address of a database without any table."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'new.db'}"
        return
    postgres: Postgres = request.getfixturevalue("postgres")
    name = postgres.create()
    yield postgres.url(name)
    postgres.drop(name)


def test_the_migrations_come_to_exactly_the_tables_of_the_code(empty_url: str) -> None:
    with Store.open(empty_url) as store, store._database.reading() as conn:
        context = MigrationContext.configure(conn, opts={"compare_type": True})
        assert compare_metadata(context, metadata) == []


def test_the_code_knows_the_newest_migration() -> None:
    scripts = ScriptDirectory(str(Path(sys.modules["remediator.store.migrations.run"].__file__ or "").parent))
    assert scripts.get_current_head() == HEAD
    assert known_revisions() >= {HEAD}


def test_a_store_that_is_up_to_date_opens_without_loading_alembic(sqlite_url: str) -> None:
    program = (
        "import sys; from remediator.store import Store; Store.open(sys.argv[1]).close();"
        "assert 'alembic' not in sys.modules"
    )
    done = subprocess.run([sys.executable, "-c", program, sqlite_url], capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()


def test_several_processes_that_start_at_once_migrate_once(empty_url: str) -> None:
    program = (
        "import sys; from remediator.store import Store\n"
        "sys.stdin.readline()\n"
        "with Store.open(sys.argv[1]) as store: print(store.signing_key().hex())"
    )
    command = [sys.executable, "-W", "error", "-c", program, empty_url]
    children = [
        subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        for _ in range(3)
    ]
    for child in children:
        assert child.stdin is not None
        child.stdin.write("go\n")
        child.stdin.flush()
    answers = [child.communicate(timeout=120) for child in children]
    assert [error for _, error in answers] == ["", "", ""]
    assert len({key for key, _ in answers}) == 1


def test_a_store_from_a_newer_version_is_left_alone(store: Store, store_url: str) -> None:
    with store._database.writing() as conn:
        conn.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(StoreError, match="version 9999, which is newer than this program"):
        Store.open(store_url)


@pytest.mark.parametrize(
    ("url", "complaint"),
    [
        ("", "cannot be read as a database address"),
        ("remediator.db", "cannot be read as a database address"),
        ("mysql://host/db", "'mysql' is not supported"),
        ("sqlite://", "in-memory"),
        ("sqlite:///:memory:", "in-memory"),
        ("postgresql://user:pass@host:port/db", "cannot be read as a database address"),
    ],
)
def test_a_bad_address_is_a_configuration_error_that_shows_a_good_one(url: str, complaint: str) -> None:
    with pytest.raises(ConfigError, match=complaint) as caught:
        Store.open(url)
    assert "sqlite:///remediator.db" in str(caught.value)
    assert "pass" not in str(caught.value)


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+psycopg"])
def test_every_usual_spelling_of_postgresql_is_taken(postgres_url: str, scheme: str) -> None:
    with Store.open(postgres_url.replace("postgresql", scheme, 1)) as store:
        assert store.start_run("scan", now=NOON) == 1


def test_a_file_that_is_no_database_is_refused_and_left_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("these are my notes\n" * 100)
    with pytest.raises(StoreError, match=r"not a database; the file is damaged or something else"):
        Store.open(f"sqlite:///{path}")
    assert path.read_text() == "these are my notes\n" * 100


def test_a_table_whose_words_are_damaged_is_told_as_a_damaged_file(sqlite_url: str) -> None:
    path = Path(sqlite_url.removeprefix("sqlite:///"))
    content = path.read_bytes()
    at = content.index(b"CREATE TABLE cases")
    path.write_bytes(content[: at + 13] + b"\xe1" + content[at + 14 :])
    with pytest.raises(StoreError, match="damaged"):
        Store.open(sqlite_url)


def test_bytes_that_are_no_text_any_more_are_told_as_a_damaged_file_and_not_quoted(sqlite_url: str) -> None:
    with Store.open(sqlite_url) as store:
        store.take([(a_failure(message="jane@example.com was refused"), a_diagnosis())], run=None, now=NOON)
        with store._database.writing() as conn:
            conn.exec_driver_sql("UPDATE cases SET message = CAST(x'e1' || message AS TEXT)")
        with pytest.raises(StoreError, match="restore it from a backup") as caught:
            list(store.cases())
    assert "jane@example.com" not in str(caught.value)


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match=r"nowhere.*check that the folder exists"):
        Store.open(f"sqlite:///{tmp_path / 'nowhere' / 'store.db'}")


def test_a_server_that_is_not_there_is_named_without_the_password() -> None:
    with pytest.raises(StoreError, match="check that the database server runs") as caught:
        Store.open("postgresql://ann:s3cret@127.0.0.1:1/db")
    assert "127.0.0.1:1" in str(caught.value)
    assert "s3cret" not in str(caught.value)


def test_a_full_disk_leaves_the_store_as_it_was(sqlite_url: str) -> None:
    with Store.open(sqlite_url) as store:
        store.take([(a_failure(), a_diagnosis())], run=None, now=NOON)
        with store._database.reading() as conn:
            pages = conn.exec_driver_sql("PRAGMA page_count").scalar_one()
            conn.exec_driver_sql(f"PRAGMA max_page_count = {pages}")
        batch = [(a_failure(number, message="x" * 5000), a_diagnosis()) for number in range(100)]
        with pytest.raises(StoreError, match="disk is full; free some disk space"):
            store.take(batch, run=None, now=NOON)
        assert store.count_cases() == 1
        assert store.verify_audit().intact


def test_a_store_that_another_process_keeps_says_so(sqlite_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("remediator.store.database.BUSY_TIMEOUT_S", 0.05)
    with Store.open(sqlite_url) as store:
        other = sqlite3.connect(sqlite_url.removeprefix("sqlite:///"), isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreError, match="another process kept the store"):
            store.start_run("scan", now=NOON)
        other.execute("ROLLBACK")
        other.close()
        assert store.start_run("scan", now=NOON) == 1


def test_a_writer_does_not_keep_a_reader_waiting(store: Store, store_url: str) -> None:
    with Store.open(store_url) as second, store._database.writing():
        assert list(second.cases()) == []


def test_all_that_is_read_in_one_transaction_is_of_one_moment_and_the_next_one_reads_on(
    store: Store, store_url: str
) -> None:
    with Store.open(store_url) as other:
        with store._database.reading() as conn:
            counted = text("SELECT count(*) FROM cases")
            assert conn.execute(counted).scalar_one() == 0
            other.take([(a_failure(), a_diagnosis())], run=None, now=NOON)
            assert conn.execute(counted).scalar_one() == 0
        assert store.count_cases() == 1


def test_a_writer_sees_what_was_committed_meanwhile_also_on_a_connection_that_was_read_with(
    store: Store,
) -> None:
    assert store.count_cases() == 0
    with store._database.writing() as conn:
        assert conn.get_isolation_level() in {"READ COMMITTED", "SERIALIZABLE"}


def test_an_error_message_quotes_no_row(store: Store) -> None:
    row = "('jane@example.com', 'main', '1')"
    statement = f"INSERT INTO store_keys (name, connection, secret) VALUES {row}, {row}"
    with pytest.raises(StoreError) as caught, store._database.writing() as conn:
        conn.exec_driver_sql(statement)
    assert "jane@example.com" not in str(caught.value)


def test_sqlite_runs_in_wal_mode_with_foreign_keys_and_full_sync(sqlite_url: str) -> None:
    database = Database(parse_url(sqlite_url))
    with database.reading() as conn:
        found = [
            conn.exec_driver_sql(f"PRAGMA {name}").scalar()
            for name in ("journal_mode", "foreign_keys", "synchronous")
        ]
    database.close()
    assert found == ["wal", 1, 2]


def test_all_connections_of_a_store_together_keep_at_most_120_mb_of_its_file(sqlite_url: str) -> None:
    with Store.open(sqlite_url) as store:
        engine = store._database.engine
        with ExitStack() as stack:
            opened = [stack.enter_context(engine.connect()) for _ in range(MOST_CONNECTIONS)]
            # Negative: in KiB, as SQLite tells it.
            kept = [-int(conn.exec_driver_sql("PRAGMA cache_size").scalar_one()) for conn in opened]
            engine.pool._timeout = 0.01  # type: ignore[attr-defined]  # the pool is SQLAlchemy's QueuePool
            with pytest.raises(PoolTimeout):
                engine.connect()
    assert 0 < sum(kept) <= 120 * 1024
