"""What only one of several processes may get, on both databases."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor, wait
from datetime import UTC, date, datetime, timedelta

import pytest

from remediator.errors import LeaseHeld
from remediator.model import SystemName
from remediator.store import CampaignState, Store, leases

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)


def test_a_tick_is_claimed_once(store: Store) -> None:
    assert store.running.claim_tick("nightly", NOW, now=NOW)
    assert not store.running.claim_tick("nightly", NOW, now=NOW)
    assert store.running.claim_tick("nightly", NOW + timedelta(days=1), now=NOW)


def test_the_latest_state_of_a_campaign_is_kept(store: Store) -> None:
    first = CampaignState(name="nightly", first_run_at=NOW, last_run_at=NOW)
    later = CampaignState(name="nightly", first_run_at=NOW, last_run_at=NOW, demoted=True, note="why")
    store.running.save_campaign_state(first, actor="a", now=NOW)
    store.running.save_campaign_state(later, actor="a", now=NOW)
    assert store.running.campaign_state("nightly") == later


def test_calls_of_a_day_add_up(store: Store) -> None:
    day = date(2026, 3, 2)
    assert store.running.add_calls(SystemName.MARKETO, day, 3) == 3
    assert store.running.add_calls(SystemName.MARKETO, day, 4) == 7
    assert store.running.calls(SystemName.MARKETO, day) == 7


def test_a_second_pause_replaces_the_first(store: Store) -> None:
    store.running.pause("one", by="a", now=NOW)
    store.running.pause("two", by="b", now=NOW)
    paused = store.running.paused()
    assert paused is not None
    assert paused.why == "two"


def test_of_two_who_take_a_new_lease_at_once_the_second_is_told_who_holds_it(store: Store) -> None:
    with ThreadPoolExecutor(max_workers=1) as pool:
        with store._database.writing() as conn:
            first = leases.take(conn, store.connection, "writer", "first", timedelta(minutes=1))
            second = pool.submit(
                store.running.take_lease, "writer", holder="second", ttl=timedelta(minutes=1)
            )
            wait([second], timeout=0.2)  # as far as it gets
        with pytest.raises(LeaseHeld) as told:
            second.result(timeout=20)
    assert told.value.holder == "first"
    store.running.check(first)


def test_the_token_of_a_lease_grows_with_every_taking(store: Store) -> None:
    tokens = [
        store.running.take_lease("writer", holder="bot", ttl=timedelta(minutes=1)).token for _ in range(3)
    ]
    assert tokens == [1, 2, 3]


WINDOW = timedelta(seconds=20)


def place(store: Store, *, limit: int = 3, at: datetime | None = NOW) -> float:
    return store.running.take_place(SystemName.MARKETO, limit=limit, window=WINDOW, now=at)


def test_a_call_beyond_the_limit_waits_until_the_oldest_of_the_window_has_left_it(store: Store) -> None:
    assert [place(store, at=NOW + timedelta(seconds=second)) for second in (0, 5, 6)] == [0, 0, 0]
    assert place(store, at=NOW + timedelta(seconds=8)) == 12
    assert place(store, at=NOW + timedelta(seconds=20)) == 0
    assert place(store, at=NOW + timedelta(seconds=20)) == 5


def test_the_windows_of_two_vendors_and_of_two_connections_do_not_meet(store: Store, store_url: str) -> None:
    assert [place(store, limit=1), place(store, limit=1)] == [0, 20]
    assert store.running.take_place(SystemName.SALESFORCE, limit=1, window=WINDOW, now=NOW) == 0
    with Store.open(store_url, connection="other") as other:
        assert place(other, limit=1) == 0


def test_who_keeps_to_a_smaller_share_waits_for_the_calls_of_others_too(store: Store) -> None:
    assert [place(store, limit=5) for _ in range(4)] == [0, 0, 0, 0]
    assert place(store, limit=2) == 20


def test_a_clock_that_was_set_back_holds_nobody_up_for_longer_than_a_window(store: Store) -> None:
    assert place(store, limit=1, at=NOW + timedelta(hours=1)) == 0
    assert [place(store, limit=1, at=NOW + timedelta(seconds=second)) for second in (0, 5, 20)] == [20, 15, 0]


def test_threads_of_several_processes_take_no_place_twice(store: Store, store_url: str) -> None:
    with Store.open(store_url) as other, ThreadPoolExecutor(8) as pool:
        waits = list(
            pool.map(lambda n: place((store, other)[n % 2], limit=10, at=None), range(40)),
        )
    assert waits.count(0) == 10
    assert all(0 < wait <= 20 for wait in waits if wait)
