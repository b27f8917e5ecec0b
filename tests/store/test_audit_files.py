"""An export of the audit log proves itself, also years later, and shows what was rewritten in the store."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeAlias

import pytest

from remediator.errors import ConfigError, StoreError
from remediator.store import Cutoffs, ExportCheck, Person, Store
from remediator.store.anchors import trim
from remediator.store.audit_files import check_export
from remediator.store.rows import PAGE
from tests.builders import NOON
from tests.store.scenes import applied, open_cases
from tests.store.test_audit import append, tampering
from tests.store.test_retention import LATER

Export: TypeAlias = Callable[[str], Path]


@pytest.fixture
def export(store: Store, tmp_path: Path) -> Export:
    """Exports the store's audit log into a file of that name."""

    def write(name: str) -> Path:
        path = tmp_path / name
        path.write_text("".join(store.audit_exports.lines()))
        return path

    return write


def trimmed(store: Store) -> None:
    """Remove all entries but the newest of them by age."""
    store.retention.apply(Cutoffs(audit_entries=LATER), actor="bot", now=LATER)


def entries(store: Store, count: int = 5) -> None:
    for number in range(count):
        append(store, case=number, payload={"who": "Jané\u2028", "b": [1.5, None], "a": {"10": 1, "9": 2}})


def breaks(store: Store, *paths: Path) -> list[str]:
    checks = [check_export(path) for path in paths]
    assert all(check.intact for check in checks), checks
    assert store.verify_audit().intact
    return store.audit_exports.breaks(checks)


def test_an_export_proves_itself_and_belongs_to_its_store(store: Store, export: Export) -> None:
    open_cases(store, 2)
    applied(store, "p1", [1])
    path = export("a.jsonl")
    check = check_export(path)
    assert (check.intact, check.reason, check.connection) == (True, None, "main")
    assert (check.first, check.last) == (1, store.verify_audit().entries)
    entries(store)
    assert breaks(store, path) == []


def test_an_export_of_before_an_erasure_and_retention_still_joins_what_is_left(
    store: Store, export: Export
) -> None:
    open_cases(store, 2)
    applied(store, "p1", [1])
    early = export("early.jsonl")
    store.retention.erase(Person(marketo_id="1001"), actor="dpo", now=NOON)
    between = export("between.jsonl")
    assert breaks(store, early) == []
    store.retention.apply(Cutoffs(audit_payloads=LATER), actor="bot", now=LATER)
    trimmed(store)
    late = export("late.jsonl")
    checks = [check_export(path) for path in (early, between, late)]
    assert [check.intact for check in checks] == [True] * 3
    assert [check.erased > 0 for check in checks] == [False, True, False]
    assert checks[2].first == store.verify_audit().removed + 1 > 1
    # The two early ones reach to where the removal began, or the chain would have a hole.
    append(store)
    assert breaks(store, late) == []
    assert breaks(store, between, late) == []


def test_an_export_that_reaches_the_removed_part_proves_that_it_was_this_chains(
    store: Store, export: Export
) -> None:
    entries(store)
    early = export("early.jsonl")
    # Exactly as much is removed as the export holds.
    append(store)
    trimmed(store)
    removed = store.verify_audit().removed
    assert (removed, check_export(early).last) == (5, 5)
    assert breaks(store, early) == []


def test_a_hole_between_exports_or_before_the_store_is_named(store: Store, export: Export) -> None:
    entries(store, 2)
    early = export("early.jsonl")
    entries(store)
    trimmed(store)
    late = export("late.jsonl")
    (to_store,) = breaks(store, early)
    assert "early.jsonl ends at entry 2 and the store begins at 7" in to_store
    (to_next,) = breaks(store, late, early)
    assert "early.jsonl ends at entry 2" in to_next
    assert "late.jsonl begins at 7" in to_next


def rewrite(store: Store, statement: str) -> None:
    with tampering(store) as conn:
        conn.exec_driver_sql("DELETE FROM audit_payloads")
        conn.exec_driver_sql("DELETE FROM audit_anchors")
        conn.exec_driver_sql("DELETE FROM audit_entries")
        conn.exec_driver_sql(statement)


def test_whoever_rewrites_the_whole_chain_is_found_by_an_export(store: Store, export: Export) -> None:
    entries(store)
    path = export("a.jsonl")
    rewrite(store, f"UPDATE audit_heads SET seq = 0, hash = '{'0' * 64}'")
    entries(store, 6)
    assert breaks(store, path) == [
        f"{path} and the store differ at or before entry 5: one of them was rewritten"
    ]


def test_a_store_that_was_cut_or_restored_is_found_by_an_export(store: Store, export: Export) -> None:
    entries(store, 3)
    third = list(store.audit())[-1].hash
    entries(store, 2)
    path = export("a.jsonl")
    with tampering(store) as conn:
        conn.exec_driver_sql("DELETE FROM audit_payloads WHERE seq > 3")
        conn.exec_driver_sql("DELETE FROM audit_entries WHERE seq > 3")
        conn.exec_driver_sql(f"UPDATE audit_heads SET seq = 3, hash = '{third}'")
    (found,) = breaks(store, path)
    assert "knows entries up to 5, the store only up to 3" in found


def test_an_export_of_another_connection_is_not_joined(
    store: Store, store_url: str, tmp_path: Path, export: Export
) -> None:
    entries(store)
    path = export("a.jsonl")
    with Store.open(store_url, connection="other") as other:
        (found,) = other.audit_exports.breaks([check_export(path)])
    assert "is of connection 'main', the store is open for 'other'" in found


def lines_of(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def saved(path: Path, lines: list[dict[str, Any]]) -> ExportCheck:
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return check_export(path)


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        ("actor", "eve", "content does not match its hash"),
        ("at", "2026-03-02T13:00:00+00:00", "content does not match its hash"),
        ("run", 7, "content does not match its hash"),
        ("case", 7, "content does not match its hash"),
        ("change", "p9-1", "content does not match its hash"),
        ("event", "nothing", "content does not match its hash"),
        ("hash", "0" * 64, "content does not match its hash"),
        ("previous", "0" * 64, "does not follow the entry before it"),
        ("payload_digest", "0" * 64, "content does not match its hash"),
        ("payload", {"who": "John"}, "payload does not match its digest"),
        ("payload", None, "only half erased"),
        ("salt", "00", "payload does not match its digest"),
        ("salt", None, "only half erased"),
        ("seq", 9, "entry 3 is missing"),
        ("connection", "other", "content does not match its hash"),
    ],
)
def test_a_touch_on_any_part_of_an_export_is_found(
    store: Store, export: Export, name: str, value: object, reason: str
) -> None:
    entries(store)
    path = export("a.jsonl")
    lines = lines_of(path)
    lines[2][name] = value
    check = saved(path, lines)
    assert (check.intact, check.broken_at) == (False, 3)
    assert reason in (check.reason or "")


def test_a_line_that_is_missing_torn_or_strange_is_found(store: Store, export: Export) -> None:
    entries(store)
    path = export("a.jsonl")
    whole = lines_of(path)
    assert saved(path, [*whole[:2], *whole[3:]]).reason == "entry 3 is missing; the next one there is 4"
    assert "begins here" in (saved(path, whole[1:]).reason or "")
    path.write_text("".join(json.dumps(line) + "\n" for line in whole)[:-20])
    assert check_export(path).reason == "line 5 is not an entry of an audit log"
    path.write_text("")
    assert check_export(path).reason == "it is empty"
    path.write_bytes(b"\xff\xfe\n")
    assert not check_export(path).intact


def test_details_emptied_in_an_export_by_hand_are_found(store: Store, export: Export) -> None:
    entries(store)
    path = export("a.jsonl")
    lines = lines_of(path)
    lines[2] |= {"payload": None, "salt": None}
    check = saved(path, lines)
    assert (check.broken_at, check.reason) == (3, "its payload was emptied, and no erasure names it")


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"none.jsonl: cannot be read"):
        check_export(tmp_path / "none.jsonl")


def test_retention_in_the_middle_of_an_export_is_said(store: Store) -> None:
    with store._writing(now=NOON) as open_:
        for _ in range(2 * PAGE + 10):
            open_.audit("noted")
    lines = store.audit_exports.lines()
    next(lines)
    trimmed(store)
    with pytest.raises(StoreError, match=r"removed entries up to .* while they were exported; export again"):
        list(lines)


def test_a_chain_with_a_hole_is_exported_as_evidence(store: Store, export: Export) -> None:
    entries(store)
    with tampering(store) as conn:
        conn.exec_driver_sql("DELETE FROM audit_payloads WHERE seq = 3")
        conn.exec_driver_sql("DELETE FROM audit_entries WHERE seq = 3")
    check = check_export(export("a.jsonl"))
    assert check.reason == "entry 3 is missing; the next one there is 4"


def test_more_than_the_policy_removed_is_found_even_with_the_stores_own_key(store: Store) -> None:
    entries(store)
    key = store.signing_key()
    with store._writing(now=LATER) as open_:
        # Who holds the key can sign, but the entries were not older than what this claims as policy.
        trim(open_, key, through=3, before=NOON)
    check = store.verify_audit()
    assert (check.intact, check.removed) == (False, 3)
    assert check.reason == "more was removed than the retention in force then allowed"
