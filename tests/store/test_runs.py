"""Runs, whole files taken in, and the signing key."""

from __future__ import annotations

from datetime import timedelta, timezone

import pytest

from remediator.errors import StoreError
from remediator.store import Store
from tests.builders import NOON


def test_a_run_keeps_its_command_times_outcome_and_counters(store: Store) -> None:
    run = store.start_run("scan", campaign="nightly", now=NOON)
    started = store.run(run)
    assert started is not None
    assert (started.outcome, started.ended_at, started.counters) == ("running", None, {})
    store.finish_run(run, outcome="partial", counters={"taken": 3}, now=NOON + timedelta(minutes=5))
    ended = store.run(run)
    assert ended is not None
    assert (ended.command, ended.campaign, ended.outcome) == ("scan", "nightly", "partial")
    assert (ended.started_at, ended.ended_at) == (NOON, NOON + timedelta(minutes=5))
    assert ended.counters == {"taken": 3}


def test_the_newest_run_is_listed_first_and_the_limit_holds(store: Store) -> None:
    runs = [store.start_run("scan", now=NOON) for _ in range(3)]
    assert [run.id for run in store.runs(limit=2)] == [runs[2], runs[1]]


def test_finishing_a_run_that_was_never_started_is_refused(store: Store) -> None:
    with pytest.raises(StoreError, match="run 99 cannot be finished"):
        store.finish_run(99, outcome="ok", counters={}, now=NOON)


def test_a_file_is_known_by_its_content_and_keeps_its_first_record(store: Store) -> None:
    assert store.known_intake("abc") is None
    for minutes in (0, 5):
        store.record_intake(
            digest="abc",
            name="errors.csv",
            source="sync_errors_csv",
            taken=7,
            rejected=1,
            run=None,
            now=NOON + timedelta(minutes=minutes),
        )
    assert store.known_intake("abc") == NOON
    assert len(list(store.audit(event="intake_recorded"))) == 1


def test_times_come_back_in_utc_whatever_zone_they_went_in_with(store: Store) -> None:
    tokyo = NOON.astimezone(timezone(timedelta(hours=9)))
    run = store.run(store.start_run("scan", now=tokyo))
    assert run is not None
    assert run.started_at.isoformat() == "2026-03-02T12:00:00+00:00"


def test_a_time_without_a_zone_is_refused(store: Store) -> None:
    with pytest.raises(ValueError, match="aware"):
        store.start_run("scan", now=NOON.replace(tzinfo=None))


def test_every_process_signs_with_the_same_32_random_bytes(store: Store, store_url: str) -> None:
    key = store.signing_key()
    with Store.open(store_url, connection="other") as second:
        assert second.signing_key() == key
    assert len(key) == 32


def test_two_databases_never_share_a_signing_key(sqlite_url: str, postgres_url: str) -> None:
    with Store.open(sqlite_url) as one, Store.open(postgres_url) as other:
        assert one.signing_key() != other.signing_key()


def test_the_connections_of_one_store_do_not_see_each_other(store: Store, store_url: str) -> None:
    run = store.start_run("scan", now=NOON)
    with Store.open(store_url, connection="other") as second:
        assert second.run(run) is None
        assert second.runs() == []
        assert list(second.audit()) == []
