"""What has grown old goes, what is open stays, and the audit chain proves what is left."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import date, timedelta

import pytest
from sqlalchemy import Connection, text

from remediator.changes import ChangeState, DeclinedCase
from remediator.errors import ConfigError, StoreError
from remediator.model import CaseState, SystemName
from remediator.store import (
    AliasKey,
    CampaignState,
    CaseMove,
    Cutoffs,
    Gap,
    Notice,
    Person,
    Store,
    audit,
)
from remediator.store.ageing import BOUNDED
from remediator.store.retention import BATCH
from remediator.store.schema import metadata
from tests.builders import NOON, a_change, a_diagnosis, a_failure, a_plan
from tests.store.scenes import applied, approve, intend, open_cases, planned, reject, states
from tests.store.test_audit import tampering

LATER = NOON + timedelta(days=30)
"""A moment after everything of these tests has grown old."""

ALL = Cutoffs(
    cases=LATER,
    sightings=LATER,
    runs=LATER,
    intakes=LATER,
    ticks=LATER,
    notices=LATER,
    api_calls=LATER,
)


def clear(store: Store, *cases: int) -> None:
    """Lead cases that are being verified to cleared."""
    moves = [CaseMove(case=case, before=CaseState.VERIFYING, after=CaseState.CLEARED) for case in cases]
    assert store.move(moves, actor="bot", run=None, now=NOON) == list(cases)


def apply(store: Store, cutoffs: Cutoffs = ALL) -> dict[str, int]:
    return store.retention.apply(cutoffs, actor="bot", now=LATER)


def rows(store: Store, table: str) -> int:
    with store._database.reading() as conn:
        return int(conn.execute(text(f"SELECT count(*) FROM {table}")).scalar_one())


def test_a_settled_case_goes_with_all_that_hangs_on_it(store: Store) -> None:
    open_cases(store, 1)
    applied(store, "p1", [1])
    clear(store, 1)
    assert store.retention.outlook(ALL) == {"cases": 1, "changes": 1, "sightings": 1}
    assert apply(store)["cases"] == 1
    left = ("cases", "sightings", "changes", "change_cases", "plans", "declined_cases", "retries")
    assert [rows(store, table) for table in left] == [0] * 7
    assert store.verify_audit().intact


def test_what_is_younger_than_its_cutoff_stays(store: Store) -> None:
    open_cases(store, 1)
    applied(store, "p1", [1])
    clear(store, 1)
    early = replace(ALL, **dict.fromkeys(("cases", "sightings", "runs", "intakes", "ticks"), NOON))
    assert apply(store, early) == {}
    assert (rows(store, "cases"), rows(store, "changes"), rows(store, "plans")) == (1, 1, 1)


@pytest.mark.parametrize("state", [state for state in CaseState if state not in ("cleared", "resolved")])
def test_an_open_case_stays_with_its_changes_and_its_newest_sighting(store: Store, state: CaseState) -> None:
    failed_at = [NOON - timedelta(days=days) for days in (9, 5, 1)]
    store.take([(a_failure(1, failed_at=at), a_diagnosis()) for at in failed_at], run=None, now=NOON)
    applied(store, "p1", [1])
    with store._database.writing() as conn:
        conn.execute(text("UPDATE cases SET state = :state"), {"state": state.value})
    apply(store)
    assert states(store) == [state]
    assert [found.failed_at for found in store.sightings(1)] == [failed_at[-1]]
    assert [found.state for found in store.changes()] == [ChangeState.APPLIED]


@pytest.mark.parametrize("state", [ChangeState.APPROVED, ChangeState.INTENDED])
def test_a_change_that_may_yet_be_written_stays_with_its_case_and_plan(
    store: Store, state: ChangeState
) -> None:
    open_cases(store, 1)
    planned(store, "p1", [1])
    approve(store, "p1-1")
    if state is ChangeState.INTENDED:
        intend(store, "p1-1")
    with store._database.writing() as conn:
        conn.execute(text("UPDATE cases SET state = 'cleared', settled_at = first_seen"))
    apply(store)
    assert [found.state for found in store.changes()] == [state]
    assert (rows(store, "cases"), rows(store, "plans")) == (1, 1)


def test_a_case_that_shares_a_change_with_an_open_one_waits_for_it(store: Store) -> None:
    open_cases(store, 2)
    applied(store, "p1", [1, 2])
    clear(store, 1)
    assert "cases" not in store.retention.outlook(ALL)
    apply(store)
    assert (rows(store, "cases"), rows(store, "changes")) == (2, 1)
    clear(store, 2)
    apply(store)
    assert (rows(store, "cases"), rows(store, "changes")) == (0, 0)


def test_a_preventive_proposal_that_nobody_decided_goes_and_a_young_one_stays(store: Store) -> None:
    change = a_change("p1-1", cases=())
    store.save_plan(a_plan("p1", [change]), actor="bot", run=None, now=NOON)
    apply(store, replace(ALL, cases=NOON))
    assert rows(store, "changes") == 1
    apply(store)
    assert (rows(store, "changes"), rows(store, "plans")) == (0, 0)


def test_what_was_changed_back_lately_still_counts_for_the_loop_breaker(store: Store) -> None:
    open_cases(store, 1)
    applied(store, "p1", [1])
    clear(store, 1)
    store.running.mark_reverted(["p1-1"], now=LATER)
    apply(store)
    assert store.running.reverts(SystemName.MARKETO, "1001", "country") == 1
    apply(store, replace(ALL, cases=LATER + timedelta(seconds=1)))
    assert rows(store, "changes") == 0


def test_the_last_of_each_kind_stays_where_something_hangs_on_it(store: Store) -> None:
    for day in range(3):
        moment = NOON + timedelta(days=day)
        store.running.claim_tick("nightly", moment, now=moment)
        run = store.start_run("scan", now=moment)
        store.record_intake(
            digest=f"d{day}", name="a.csv", source="csv", taken=1, rejected=0, run=run, now=moment
        )
        store.finish_run(run, outcome="ok", counters={}, now=moment)
        store.running.add_calls(SystemName.MARKETO, date(2026, 3, 2 + day), 5)
    store.running.save_notice(Notice(key="sent:ops:1", state="sent", sent_at=NOON))
    store.running.save_notice(Notice(key="store", state="down", sent_at=NOON))
    gone = apply(store)
    assert gone == {"runs": 3, "intakes": 2, "ticks": 2, "notices": 1, "api_calls": 3}
    assert store.running.last_tick("nightly") == NOON + timedelta(days=2)
    assert store.meters.last_intake() == NOON + timedelta(days=2)
    assert store.running.notice("store") is not None


def test_a_run_stays_as_long_as_its_changes(store: Store) -> None:
    run = store.start_run("apply", now=NOON)
    open_cases(store, 1)
    planned(store, "p1", [1])
    approve(store, "p1-1")
    intend(store, "p1-1", run=run)
    apply(store)
    assert store.run(run) is not None


def everything_once(store: Store) -> None:
    """Put at least one row into every table, all of it over by ``LATER``."""
    run = store.start_run("scan", now=NOON)
    open_cases(store, 2)
    declined = DeclinedCase(case=2, reason="no rule")
    store.save_plan(a_plan("p0", declined=[declined]), actor="bot", run=run, now=NOON)
    applied(store, "p1", [1])
    clear(store, 1)
    done = CaseMove(case=2, before=CaseState.DECLINED, after=CaseState.RESOLVED)
    store.move([done], actor="ann", run=None, now=NOON)
    store.record_attempts({1: 2}, actor="bot", run=run, now=NOON)
    for day in range(2):
        moment = NOON + timedelta(days=day)
        store.running.claim_tick("nightly", moment, now=moment)
        store.record_intake(
            digest=f"d{day}", name="a.csv", source="csv", taken=1, rejected=0, run=run, now=moment
        )
    store.running.add_calls(SystemName.MARKETO, NOON.date(), 5)
    store.running.take_place(SystemName.MARKETO, limit=1, window=timedelta(seconds=20))
    store.running.save_notice(Notice(key="outbox:1", state="{}", sent_at=NOON))
    store.running.declare_gap(Gap(from_at=NOON, to_at=NOON + timedelta(days=1)), actor="bot", now=NOON)
    store.running.pause(why="a holiday", by="ann", now=NOON)
    store.running.take_lease("writer", holder="bot", ttl=timedelta(seconds=1))
    state = CampaignState(name="nightly", first_run_at=NOON, last_run_at=NOON)
    store.running.save_campaign_state(state, actor="bot", now=NOON)
    key = AliasKey(object="Lead", field="Country", before="Untied States")
    store.aliases.take([(key, "United States")], by="ann", now=NOON)
    store.finish_run(run, outcome="ok", counters={}, now=NOON)
    store.signing_key()
    store.append_audit("noted", actor="ann", now=NOON)


def test_every_table_is_emptied_by_age_or_bounded_by_what_it_holds(store: Store) -> None:
    everything_once(store)
    by_age = metadata.tables.keys() - BOUNDED.keys() - {"audit_payloads", "audit_entries"}
    before = {table: rows(store, table) for table in by_age}
    # A new table belongs into the scene above, and either gets a cutoff or a reason in BOUNDED.
    assert [table for table, count in before.items() if count == 0] == []
    apply(store, replace(ALL, audit_payloads=LATER, audit_entries=LATER))
    left = {table: count for table in by_age if (count := rows(store, table))}
    # The newest of each says where a schedule stands, and from when on failures may be missing.
    assert left == {"intakes": 1, "ticks": 1}
    # What is left of the chain tells of the removal.
    assert {entry.event for entry in store.audit()} == {
        "personal_data_erased",
        "audit_payloads_expired",
        "audit_trimmed",
        "retention_applied",
    }
    assert store.verify_audit().intact


def test_each_reason_why_a_table_stays_small_is_of_a_table_that_is_there(store: Store) -> None:
    assert BOUNDED.keys() <= metadata.tables.keys()
    everything_once(store)
    first = {table: rows(store, table) for table in BOUNDED}
    for again in range(3):
        store.running.pause(why=f"again {again}", by="ann", now=NOON)
        lease = store.running.take_lease("writer", holder="bot", ttl=timedelta(seconds=1))
        store.running.release(lease)
        state = CampaignState(name="nightly", first_run_at=NOON, last_run_at=NOON + timedelta(days=again))
        store.running.save_campaign_state(state, actor="bot", now=NOON)
        store.running.take_place(SystemName.MARKETO, limit=1, window=timedelta(seconds=20))
        apply(store)
        store.append_audit("noted", actor="ann", now=NOON)
    grown = {table: count for table in BOUNDED if (count := rows(store, table)) > first[table]}
    # Counters and anchors come with the first removal, and are one each from then on.
    assert grown.keys() <= {"carried"}
    assert grown["carried"] < 20


def test_why_an_open_case_is_left_alone_stays_said_and_older_words_go(store: Store) -> None:
    open_cases(store, 1)
    for name in ("p1", "p2"):
        declined = DeclinedCase(case=1, reason=f"said by {name}")
        store.save_plan(a_plan(name, declined=[declined]), actor="bot", run=None, now=NOON)
    apply(store)
    assert [plan.id for plan in store.plans()] == ["p2"]
    kept = store.plan("p2")
    assert kept is not None
    assert [item.reason for item in kept.declined] == ["said by p2"]


def test_proposals_that_newer_plans_replaced_go_though_nobody_ever_decides(store: Store) -> None:
    open_cases(store, 1)
    for name in ("p1", "p2", "p3"):
        planned(store, name, [1])
    apply(store, replace(ALL, cases=NOON))
    assert rows(store, "changes") == 3
    apply(store)
    assert [item.change.id for item in store.changes()] == ["p3-1"]
    assert [plan.id for plan in store.plans()] == ["p3"]
    assert states(store) == [CaseState.PROPOSED]


def test_what_a_person_rejected_stays_as_long_as_its_case_is_open(store: Store) -> None:
    open_cases(store, 1)
    planned(store, "p1", [1])
    reject(store, "p1-1", note="replace it by hand")
    apply(store)
    assert [item.state for item in store.changes()] == [ChangeState.REJECTED]


def test_what_metrics_count_never_falls(store: Store) -> None:
    run = store.start_run("campaign", now=NOON)
    open_cases(store, 3)
    applied(store, "p1", [1], [2])
    clear(store, 1, 2)
    store.running.mark_reverted(["p1-2"], now=NOON)
    store.record_attempts({1: 2}, actor="bot", run=run, now=NOON)
    store.running.add_calls(SystemName.MARKETO, NOON.date(), 5)
    done = NOON + timedelta(seconds=90)
    store.finish_run(run, outcome="ok", counters={"stopped_per_day": 1, "new": 3}, now=done)
    before = store.meters.read()
    assert apply(store)["changes"] == 2
    after = store.meters.read()
    assert apply(store) == {}
    for name in ("failures_seen", "changes", "reverted", "retries", "api_calls", "run_times", "counters"):
        assert getattr(after, name) == getattr(before, name), name
    assert (after.failures_seen, after.reverted, after.retries["pushed"]) == (3, 1, 2)


def test_also_an_erasure_leaves_the_counters(store: Store) -> None:
    open_cases(store, 1)
    applied(store, "p1", [1])
    before = store.meters.read().changes
    store.retention.erase(Person(marketo_id="1001"), actor="dpo", now=NOON)
    assert store.meters.read().changes == before != {}


def test_a_retried_case_that_fails_anew_leaves_the_count_of_retries(store: Store) -> None:
    open_cases(store, 1)
    store.record_attempts({1: 2}, actor="bot", run=None, now=NOON)
    ways = [(CaseState.OPEN, CaseState.RETRYING), (CaseState.RETRYING, CaseState.CLEARED)]
    moves = [CaseMove(case=1, before=before, after=after) for before, after in ways]
    store.move(moves, actor="bot", run=None, now=NOON)
    newer = a_failure(1, failed_at=NOON + timedelta(hours=1))
    store.take([(newer, a_diagnosis())], run=None, now=NOON + timedelta(hours=2))
    assert states(store) == [CaseState.OPEN]
    assert store.meters.read().retries == {"pushed": 2, "cleared": 1}


@pytest.mark.parametrize("end", [CaseState.CLEARED, CaseState.DEAD])
def test_a_retried_case_that_comes_back_leaves_the_count_of_retries(store: Store, end: CaseState) -> None:
    open_cases(store, 1)
    store.record_attempts({1: 2}, actor="bot", run=None, now=NOON)
    ways = [(CaseState.OPEN, CaseState.RETRYING), (CaseState.RETRYING, end), (end, CaseState.OPEN)]
    *there, back = [CaseMove(case=1, before=before, after=after) for before, after in ways]
    store.move(there, actor="bot", run=None, now=NOON)
    assert store.meters.read().retries[end] == 1
    store.move([back], actor="bot", run=None, now=NOON)
    assert store.meters.read().retries[end] == 1
    store.move(there, actor="bot", run=None, now=NOON)
    assert store.meters.read().retries[end] == 2
    store.retention.erase(Person(marketo_id="1001"), actor="dpo", now=NOON)
    assert store.meters.read().retries == {"pushed": 2, end: 2}


def test_more_than_a_batch_goes_in_several_transactions(sqlite_url: str) -> None:
    with Store.open(sqlite_url) as store:
        open_cases(store, BATCH + 3)
        with store._database.writing() as conn:
            conn.execute(text("UPDATE cases SET state = 'resolved', settled_at = first_seen WHERE id <> 2"))
        assert apply(store)["cases"] == BATCH + 2
        assert [case.id for case in store.cases()] == [2]


def test_other_connections_keep_what_they_have(store: Store, store_url: str) -> None:
    with Store.open(store_url, connection="other") as other:
        for one in (store, other):
            open_cases(one, 1)
            one.append_audit("noted", actor="a", now=NOON)
        with store._database.writing() as conn:
            conn.execute(text("UPDATE cases SET state = 'resolved', settled_at = first_seen"))
        apply(store, replace(ALL, audit_payloads=LATER, audit_entries=LATER))
        assert (store.count_cases(), other.count_cases()) == (0, 1)
        assert other.verify_audit().entries == 2
        assert store.verify_audit().intact


# The audit log


def trimmed(store: Store, entries: int = 6) -> None:
    """Write entries, and remove all but the newest of them by age."""
    for number in range(entries):
        store.append_audit("noted", actor="ann", case=number, payload={"who": "Jane"}, now=NOON)
    assert apply(store, Cutoffs(audit_entries=LATER))["audit_entries"] == entries - 1


def test_old_entries_go_behind_a_signed_anchor_and_the_rest_is_proven(store: Store) -> None:
    trimmed(store)
    check = store.verify_audit()
    assert (check.intact, check.reason, check.removed) == (True, None, 5)
    assert [entry.event for entry in store.audit()] == ["noted", "audit_trimmed", "retention_applied"]
    store.append_audit("noted", actor="ann", now=LATER)
    assert store.verify_audit().entries == 4
    store.retention.apply(
        Cutoffs(audit_entries=LATER + timedelta(days=1)), actor="bot", now=LATER + timedelta(days=8)
    )
    check = store.verify_audit()
    assert (check.intact, check.removed) == (True, 8)


def test_entries_up_to_the_first_young_one_go_and_no_other(store: Store) -> None:
    for moment in (NOON, LATER, NOON, LATER):
        store.append_audit("noted", actor="ann", now=moment)
    apply(store, Cutoffs(audit_entries=LATER))
    assert [entry.seq for entry in store.audit()][:3] == [2, 3, 4]
    assert store.verify_audit().intact


ANCHOR = (
    "INSERT INTO audit_anchors (connection, seq, hash, at, signature) "
    "SELECT connection, {seq}, {hash}, at, 'forged' FROM audit_entries WHERE seq = {row}"
)


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM audit_payloads WHERE seq = 7",
        "DELETE FROM audit_entries WHERE seq = 7",
        "UPDATE audit_entries SET event = 'x' WHERE seq = 7",
        "UPDATE audit_anchors SET seq = 4",
        "UPDATE audit_anchors SET seq = 7",
        "UPDATE audit_anchors SET signature = 'x'",
        "UPDATE audit_anchors SET seq = 99",
        "DELETE FROM audit_anchors",
    ],
)
def test_the_way_behind_the_anchor_is_the_only_one(store: Store, statement: str) -> None:
    trimmed(store)
    with pytest.raises(StoreError, match="append-only"), store._database.writing() as conn:
        conn.exec_driver_sql(statement)
    assert store.verify_audit().intact


@pytest.mark.parametrize(
    "statement",
    [
        ANCHOR.format(seq=2, row=2, hash="'x'"),
        ANCHOR.format(seq=99, row=2, hash="hash"),
        # All of the chain: nothing would be left to prove.
        ANCHOR.format(seq=3, row=3, hash="hash"),
    ],
)
def test_an_anchor_stands_on_an_entry_that_is_there_and_followed(store: Store, statement: str) -> None:
    for _ in range(3):
        store.append_audit("noted", actor="ann", now=NOON)
    with pytest.raises(StoreError, match="append-only"), store._database.writing() as conn:
        conn.exec_driver_sql(statement)


def test_a_forged_anchor_is_found_though_the_database_let_it_stand(store: Store) -> None:
    for _ in range(4):
        store.append_audit("noted", actor="ann", now=NOON)
    with store._database.writing() as conn:
        conn.exec_driver_sql(ANCHOR.format(seq=2, row=2, hash="hash"))
        conn.exec_driver_sql("DELETE FROM audit_payloads WHERE seq <= 2")
        conn.exec_driver_sql("DELETE FROM audit_entries WHERE seq <= 2")
    check = store.verify_audit()
    assert (check.intact, check.broken_at) == (False, 2)
    assert check.reason == "the anchor behind which older entries were removed is not signed by this store"


@contextmanager
def tampered(store: Store) -> Iterator[Connection]:
    trimmed(store)
    with tampering(store) as conn:
        if conn.dialect.name == "sqlite":
            conn.exec_driver_sql("PRAGMA defer_foreign_keys = ON")
        yield conn


@pytest.mark.parametrize(
    ("statement", "reason"),
    [
        ("UPDATE audit_anchors SET seq = 4", "not signed by this store"),
        ("UPDATE audit_anchors SET hash = 'x'", "not signed by this store"),
        ("UPDATE audit_anchors SET at = 'x'", "not signed by this store"),
        ("DELETE FROM audit_anchors", "entry 1 is missing"),
        (
            "UPDATE audit_payloads SET payload = '{}' WHERE seq = 7",
            "no entry of the chain tells of the anchor",
        ),
        (
            "UPDATE audit_payloads SET payload = 'no' WHERE seq = 7",
            "no entry of the chain tells of the anchor",
        ),
        ("UPDATE audit_entries SET seq = 5 WHERE seq = 6", "entries stand before the anchor"),
        ("UPDATE audit_entries SET previous = 'x' WHERE seq = 6", "does not follow the entry before it"),
    ],
)
def test_every_touch_around_the_anchor_is_found(store: Store, statement: str, reason: str) -> None:
    with tampered(store) as conn:
        if "SET seq = 5" in statement:
            conn.exec_driver_sql("DELETE FROM audit_payloads WHERE seq = 6")
        conn.exec_driver_sql(statement)
    check = store.verify_audit()
    assert not check.intact
    assert reason in (check.reason or "")


def test_an_anchor_of_another_stores_key_does_not_hold(store: Store) -> None:
    trimmed(store)
    with store._database.writing() as conn:
        conn.exec_driver_sql("DELETE FROM store_keys")
    assert "not signed" in (store.verify_audit().reason or "")


def test_old_details_are_emptied_and_the_whole_chain_still_holds(store: Store) -> None:
    for _ in range(2):
        store.append_audit("noted", actor="ann", payload={"who": "Jane"}, now=NOON)
    store.append_audit("noted", actor="ann", payload={"who": "John"}, now=LATER)
    assert apply(store, Cutoffs(audit_payloads=LATER)) == {"audit_payloads": 2}
    assert [entry.payload for entry in store.audit()][:3] == [None, None, {"who": "John"}]
    check = store.verify_audit()
    assert (check.intact, check.entries, check.erased) == (True, 5, 2)
    assert apply(store, Cutoffs(audit_payloads=LATER)) == {}


def test_a_chain_whose_details_are_emptied_by_age_while_it_is_walked_still_holds(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    for moment in (NOON, NOON, LATER):
        store.append_audit("noted", actor="ann", payload={"who": "Jane"}, now=moment)
    known = audit.expired_entry

    def then_they_expire(conn: Connection, connection: str) -> int:
        found = known(conn, connection)
        assert apply(store, Cutoffs(audit_payloads=LATER)) == {"audit_payloads": 2}
        return found

    monkeypatch.setattr(audit, "expired_entry", then_they_expire)
    check = store.verify_audit()
    assert (check.intact, check.erased, check.reason) == (True, 2, None)


def test_details_emptied_behind_the_stores_back_are_found_also_after_some_expired(store: Store) -> None:
    for moment in (NOON, LATER):
        store.append_audit("noted", actor="ann", payload={"who": "Jane"}, now=moment)
    apply(store, Cutoffs(audit_payloads=LATER))
    with tampering(store) as conn:
        conn.exec_driver_sql("UPDATE audit_payloads SET salt = NULL, payload = NULL WHERE seq = 2")
    check = store.verify_audit()
    assert (check.intact, check.broken_at) == (False, 2)


def test_a_claim_of_expiry_that_was_rewritten_is_found(store: Store) -> None:
    for moment in (NOON, LATER):
        store.append_audit("noted", actor="ann", payload={"who": "Jane"}, now=moment)
    apply(store, Cutoffs(audit_payloads=LATER))
    for lie in ('{"through": 2}', '{"through": "x"}', "no"):
        with tampering(store) as conn:
            conn.exec_driver_sql(f"UPDATE audit_payloads SET payload = '{lie}' WHERE seq = 3")
        assert not store.verify_audit().intact


def test_an_erasure_stays_named_when_details_expire_and_entries_go(store: Store) -> None:
    open_cases(store, 2)
    applied(store, "p1", [1])
    store.retention.erase(Person(marketo_id="1001"), actor="dpo", now=NOON)
    store.append_audit("noted", actor="ann", now=LATER)
    apply(store, Cutoffs(audit_payloads=LATER))
    assert store.verify_audit().intact
    (erasure,) = store.audit(event="personal_data_erased")
    assert erasure.payload is not None
    half = erasure.seq - 2
    store.retention.apply(Cutoffs(audit_entries=LATER), actor="bot", now=LATER)
    check = store.verify_audit()
    assert (check.intact, check.removed > half) == (True, True)


def test_what_was_taken_away_is_on_record(store: Store) -> None:
    open_cases(store, 1)
    applied(store, "p1", [1])
    clear(store, 1)
    gone = apply(store)
    (entry,) = store.audit(event="retention_applied")
    assert entry.payload is not None
    assert entry.payload["rows"] == gone
    assert entry.payload["before"]["cases"] == LATER.isoformat()  # type: ignore[index]  # a JSON payload


def test_nothing_is_put_on_record_when_nothing_went(store: Store) -> None:
    assert apply(store) == {}
    assert list(store.audit()) == []


# Erasure and room


def test_a_dry_run_of_an_erasure_says_the_same_and_takes_nothing(store: Store) -> None:
    open_cases(store, 2)
    applied(store, "p1", [1])
    tried = store.retention.erase(Person(marketo_id="1001"), actor="dpo", now=NOON, dry_run=True)
    assert store.count_cases() == 2
    assert rows(store, "changes") == 1
    assert list(store.audit(event="personal_data_erased")) == []
    assert store.retention.erase(Person(marketo_id="1001"), actor="dpo", now=NOON) == tried
    assert store.count_cases() == 1
    assert (tried.cases, tried.changes, tried.entries > 3) == (1, 1, True)


def test_erasing_nobody_in_particular_is_refused_here_too(store: Store) -> None:
    with pytest.raises(ConfigError, match="name the person"):
        store.retention.erase(Person(marketo_id=" "), actor="dpo", now=NOON, dry_run=True)


def test_compacting_keeps_everything(store: Store) -> None:
    open_cases(store, 5)
    store.retention.compact()
    assert store.count_cases() == 5
    assert store.verify_audit().intact
