"""The audit log: it only grows, it shows every touch, and a person can be taken out of it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from sqlalchemy import Connection, text

from remediator.changes import ChangeState
from remediator.errors import ConfigError, StoreError
from remediator.model import CaseState
from remediator.store import Person, Store
from remediator.store.rows import PAGE
from tests.builders import NOON, a_change, a_diagnosis, a_failure, a_plan
from tests.store.scenes import approve, change, intend, open_cases, planned, settle, states

CHAINED = (
    "seq",
    "connection",
    "at",
    "actor",
    "event",
    "run_id",
    "case_id",
    "change_id",
    "payload_digest",
    "previous",
    "hash",
)


def append(store: Store, event: str = "noted", **fields: Any) -> int:
    return store.append_audit(event, actor="ann", now=NOON, **fields)


@contextmanager
def tampering(store: Store) -> Iterator[Connection]:
    """Open the database behind the store's back, with its guards taken away."""
    with store._database.writing() as conn:
        if conn.dialect.name == "sqlite":
            triggers = (
                conn.execute(text("SELECT name FROM sqlite_master WHERE type = 'trigger'")).scalars().all()
            )
            for name in triggers:
                conn.exec_driver_sql(f"DROP TRIGGER {name}")
        else:
            conn.exec_driver_sql("SET LOCAL session_replication_role = replica")
        yield conn


def test_entries_are_numbered_without_gaps_and_chained(store: Store) -> None:
    assert [append(store) for _ in range(3)] == [1, 2, 3]
    first, second, third = store.audit()
    assert first.previous == "0" * 64
    assert (second.previous, third.previous) == (first.hash, second.hash)
    check = store.verify_audit()
    assert (check.entries, check.intact, check.broken_at, check.reason) == (3, True, None, None)


def test_an_entry_keeps_who_when_what_and_the_details(store: Store) -> None:
    payload = {"before": None, "after": "é", "list": [1, 2.5, True]}
    append(store, "change_noted", run=3, case=4, change="p1-1", payload=payload)
    (entry,) = store.audit()
    assert (entry.at, entry.actor, entry.event, entry.connection) == (NOON, "ann", "change_noted", "main")
    assert (entry.run, entry.case, entry.change, entry.payload) == (3, 4, "p1-1", payload)


def test_the_log_is_read_from_a_position_and_by_event_case_and_run(store: Store) -> None:
    append(store, "one", case=1)
    append(store, "two", run=2)
    append(store, "one", run=2)
    assert [entry.seq for entry in store.audit(after_seq=1)] == [2, 3]
    assert [entry.seq for entry in store.audit(event="one")] == [1, 3]
    assert [entry.seq for entry in store.audit(case=1)] == [1]
    assert [entry.seq for entry in store.audit(run=2, event="one")] == [3]


def test_a_chain_of_many_pages_is_read_and_verified_whole(sqlite_url: str) -> None:
    with Store.open(sqlite_url) as store:
        open_cases(store, 2 * PAGE)
        planned(store, "p1", *([case] for case in range(1, 2 * PAGE + 1)))
        count = 2 * PAGE + 2
        assert [entry.seq for entry in store.audit()] == list(range(1, count + 1))
        assert store.verify_audit().entries == count


def test_each_connection_has_its_own_chain(store: Store, store_url: str) -> None:
    append(store)
    with Store.open(store_url, connection="other") as second:
        assert append(second) == 1
        assert append(store) == 2
        assert second.verify_audit().intact
        assert store.verify_audit().intact


def test_an_empty_chain_is_intact(store: Store) -> None:
    assert store.verify_audit().intact


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit_entries SET actor = 'nobody'",
        "UPDATE audit_entries SET seq = seq + 10",
        "DELETE FROM audit_entries",
        "UPDATE audit_payloads SET payload = '{}'",
        "UPDATE audit_payloads SET payload = NULL, salt = 'x'",
        "UPDATE audit_payloads SET payload = NULL, salt = NULL, seq = 9",
        "DELETE FROM audit_payloads",
        "UPDATE audit_heads SET seq = 0, hash = 'x'",
        "UPDATE audit_heads SET hash = 'x'",
        "DELETE FROM audit_heads",
    ],
)
def test_the_database_itself_refuses_to_change_the_log(store: Store, statement: str) -> None:
    append(store)
    with pytest.raises(StoreError, match="append-only"), store._database.writing() as conn:
        conn.exec_driver_sql(statement)
    assert store.verify_audit().intact


@pytest.mark.parametrize("table", ["audit_entries, audit_payloads", "audit_heads"])
def test_postgresql_refuses_to_truncate_the_log(postgres_url: str, table: str) -> None:
    with Store.open(postgres_url) as store:
        append(store)
        with pytest.raises(StoreError, match="append-only"), store._database.writing() as conn:
            conn.exec_driver_sql(f"TRUNCATE {table}")


def flipped(value: Any) -> Any:
    """Return a value that differs in one place."""
    if value is None:
        return 1
    if isinstance(value, int):
        return value ^ 64
    middle = len(value) // 2
    return value[:middle] + chr(ord(value[middle]) ^ 1) + value[middle + 1 :]


@pytest.mark.parametrize("seq", [1, 2, 3])
@pytest.mark.parametrize("column", CHAINED)
def test_a_flipped_byte_in_any_column_of_any_entry_is_found(store: Store, column: str, seq: int) -> None:
    for position in (1, 2, 3):
        append(store, run=position, case=position, change=f"p1-{position}", payload={"after": "x"})
    with tampering(store) as conn:
        value = conn.execute(text(f"SELECT {column} FROM audit_entries WHERE seq = {seq}")).scalar()
        if column in ("seq", "connection") and conn.dialect.name == "sqlite":
            conn.exec_driver_sql("PRAGMA defer_foreign_keys = ON")
            conn.exec_driver_sql(f"DELETE FROM audit_payloads WHERE seq = {seq}")
        changed = {"new": flipped(value), "seq": seq}
        conn.execute(text(f"UPDATE audit_entries SET {column} = :new WHERE seq = :seq"), changed)
    check = store.verify_audit()
    assert not check.intact
    assert check.broken_at == seq
    assert check.reason


@pytest.mark.parametrize("column", ["salt", "payload"])
def test_a_flipped_byte_in_a_payload_or_its_salt_is_found(store: Store, column: str) -> None:
    append(store, payload={"after": "x"})
    with tampering(store) as conn:
        value = conn.execute(text(f"SELECT {column} FROM audit_payloads")).scalar()
        conn.execute(text(f"UPDATE audit_payloads SET {column} = :new"), {"new": flipped(value)})
    check = store.verify_audit()
    assert (check.broken_at, check.reason) == (1, "its payload does not match its digest")


@pytest.mark.parametrize(
    ("statement", "at", "reason"),
    [
        ("DELETE FROM audit_payloads WHERE seq = 2", 2, "its payload is missing"),
        ("UPDATE audit_payloads SET salt = NULL WHERE seq = 2", 2, "its payload is only half erased"),
        (
            "UPDATE audit_payloads SET salt = NULL, payload = NULL WHERE seq = 2",
            2,
            "its payload was emptied, and no erasure names it",
        ),
        ("UPDATE audit_heads SET hash = 'x'", 4, "the chain ends at entry 3, its head says 3"),
        ("UPDATE audit_heads SET seq = 4", 4, "the chain ends at entry 3, its head says 4"),
        ("DELETE FROM audit_heads", 4, "the chain has lost its head"),
    ],
)
def test_what_is_missing_is_named(store: Store, statement: str, at: int, reason: str) -> None:
    for _ in range(3):
        append(store)
    with tampering(store) as conn:
        conn.exec_driver_sql(statement)
    check = store.verify_audit()
    assert (check.broken_at, check.reason) == (at, reason)


@pytest.mark.parametrize(("seq", "at"), [(2, 2), (3, 3)])
def test_a_removed_entry_is_found_also_at_the_end(store: Store, seq: int, at: int) -> None:
    for _ in range(3):
        append(store)
    with tampering(store) as conn:
        conn.exec_driver_sql(f"DELETE FROM audit_payloads WHERE seq = {seq}")
        conn.exec_driver_sql(f"DELETE FROM audit_entries WHERE seq = {seq}")
    assert store.verify_audit().broken_at == at


def test_bytes_that_are_no_text_any_more_are_found(sqlite_url: str) -> None:
    with Store.open(sqlite_url) as store:
        append(store)
        with tampering(store) as conn:
            conn.exec_driver_sql("UPDATE audit_entries SET actor = CAST(x'ff61' AS TEXT)")
        check = store.verify_audit()
        assert (check.intact, check.broken_at) == (False, 1)


def everything_in(store: Store) -> str:
    """Return all rows of all tables as one text."""
    with store._database.reading() as conn:
        found = "SELECT name FROM sqlite_master WHERE type = 'table'"
        if conn.dialect.name != "sqlite":
            found = "SELECT tablename FROM pg_tables WHERE schemaname = 'public'"
        tables = conn.execute(text(found)).scalars().all()
        return "\n".join(
            str(row) for table in tables for row in conn.execute(text(f'SELECT * FROM "{table}"')).all()
        )


def a_person_among_others(store: Store) -> None:
    """Case 1 and change p1-1 are Jane's, with her name in every place that can hold it."""
    jane = a_diagnosis(value="Jane-Doe", reason="about Jane-Doe", related_ids=("Jane-Doe",))
    store.take(
        [
            (a_failure(1, message="Jane-Doe is too long"), jane),
            (a_failure(2, message="John is fine"), a_diagnosis()),
        ],
        run=None,
        now=NOON,
    )
    mine = a_change(
        "p1-1", cases=(1,), record_id="1001", before="Jane-Doe", after="Jane", reason="Jane-Doe cut"
    )
    other = a_change("p1-2", cases=(2,), record_id="1002", before="John", after="Johnny", salesforce_id=None)
    store.save_plan(a_plan("p1", [mine, other]), actor="bot", run=None, now=NOON)


@pytest.mark.parametrize("state", ["planned", "approved", "applied"])
def test_one_person_is_erased_everywhere_and_the_chain_still_holds(store: Store, state: str) -> None:
    a_person_among_others(store)
    if state != "planned":
        approve(store, "p1-1", "p1-2")
    if state == "applied":
        intend(store, "p1-1", "p1-2")
        settle(store, ChangeState.APPLIED, "p1-1", note="Jane-Doe")
        settle(store, ChangeState.APPLIED, "p1-2")
    assert "Jane-Doe" in everything_in(store)
    erased = store.retention.erase(Person(marketo_id="1001"), actor="dpo", now=NOON)
    assert (erased.cases, erased.changes) == (1, 1)
    left = everything_in(store)
    assert "Jane" not in left
    assert "John" in left
    check = store.verify_audit()
    assert check.intact
    assert check.erased > 0
    assert all(
        (entry.payload is None) == (entry.case == 1 or entry.change == "p1-1")
        for entry in list(store.audit())[: check.erased]
    )


def test_a_change_of_an_erased_person_can_neither_be_written_nor_undone(store: Store) -> None:
    a_person_among_others(store)
    approve(store, "p1-1")
    store.retention.erase(Person(marketo_id="1001"), actor="dpo", now=NOON)
    assert intend(store, "p1-1") == []
    assert [item.change.id for item in store.changes()] == ["p1-2"]
    assert states(store) == [CaseState.PROPOSED]


def test_nobody_is_erased_while_a_write_to_them_is_under_way(store: Store) -> None:
    a_person_among_others(store)
    approve(store, "p1-1")
    intend(store, "p1-1")
    with pytest.raises(StoreError, match="p1-1 of this person is being written"):
        store.retention.erase(Person(marketo_id="1001"), actor="dpo", now=NOON)
    assert change(store, "p1-1").change.before == "Jane-Doe"


def test_a_person_is_erased_by_either_form_of_the_salesforce_id(store: Store) -> None:
    store.take([(a_failure(salesforce_id="00QA0000006Vm9u"), a_diagnosis())], run=None, now=NOON)
    planned(store, "p1", [1])
    store.retention.erase(Person(salesforce_id="00QA0000006Vm9uMAC"), actor="dpo", now=NOON)
    assert list(store.changes()) == []
    assert list(store.cases()) == []


def test_erasing_nobody_in_particular_is_refused(store: Store) -> None:
    with pytest.raises(ConfigError, match="name the person"):
        store.retention.erase(Person(), actor="dpo", now=NOON)


def test_an_erasure_names_the_entries_it_emptied_and_no_person(store: Store) -> None:
    a_person_among_others(store)
    store.retention.erase(Person(marketo_id="1001"), actor="dpo", now=NOON)
    (entry,) = store.audit(event="personal_data_erased")
    assert entry.payload is not None
    emptied = [item.seq for item in store.audit() if item.payload is None]
    assert entry.payload["entries"] == emptied
    assert "1001" not in json.dumps(entry.payload)
